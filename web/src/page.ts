import "uplot/dist/uPlot.min.css";
import "./style.css";
import type { Chart } from "./chart";
import { embedded } from "./dom";
import { Plot } from "./plot";

// Every `[data-plot=NAME]` draws the chart NAME of the embedded object.
const charts = embedded<Record<string, Chart>>("charts") ?? {};
for (const host of document.querySelectorAll<HTMLElement>("[data-plot]")) {
  const chart = charts[host.dataset.plot ?? ""];
  if (chart) new Plot(host, chart, { switches: host.dataset.plot === "losses" ? ["x", "y"] : [] });
}
