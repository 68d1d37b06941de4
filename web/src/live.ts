// A run that is no study: `stepsize train --live` and `stepsize diagnose --follow --live`.

import type { Chart } from "./chart";
import { type JudgementPart, judgement } from "./diagnose";
import { el, fill, say } from "./dom";
import { Plot } from "./plot";
import type { News } from "./parts";
import { follow } from "./stream";

interface TrainPart {
  title: string;
  verdict: string;
  ink: string;
  facts: [string, string][];
  task: string;
  share: number;
  over: string | null;
}

export function live(root: HTMLElement): void {
  const head = el("header", { class: "answer waiting" }, el("p", { class: "label" }, "live"), el("h1", {}, "\u2026"));
  const body = el("div");
  fill(root, head, body);
  const plots = new Map<string, Plot>();
  const take = (news: News) => {
    for (const [name, part] of Object.entries(news.parts)) {
      if (name === "train") drawHead(head, part as TrainPart);
      else if (name === "diagnosis") {
        say(head.firstElementChild!, "diagnosis");
        say(head.querySelector("h1")!, (part as JudgementPart).runs.map((r) => r.verdict).join(", ") || "waiting for a log");
        judgement(body, part as JudgementPart);
      } else if (name.startsWith("chart-") && part) {
        const chart = part as Chart;
        const known = plots.get(name);
        if (known) known.update(chart);
        else {
          const box = el("div", { class: "plot" });
          body.append(el("section", { id: name, "aria-label": chart.title }, el("h2", {}, chart.title), box));
          plots.set(name, new Plot(box, chart, { switches: ["x", "y"], ratio: name === "chart-losses" ? 0.42 : 0.26 }));
        }
      }
    }
  };
  follow("/api/live/events", take, () => undefined);
}

function drawHead(head: HTMLElement, part: TrainPart): void {
  head.className = `answer ${part.ink === "bad" ? "refused" : part.ink === "good" ? "" : "waiting"}`;
  fill(head, el("p", { class: "label" }, part.over ?? "training"), el("h1", {}, part.title),
    el("progress", { max: 1, value: part.share, "aria-label": "share of the steps that are done" }),
    el("dl", {}, ...part.facts.map(([k, v]) => el("div", {}, el("dt", {}, k), el("dd", {}, v)))),
    el("p", {}, el("span", { class: `verdict ${part.ink}` }, part.verdict)), el("p", { class: "task" }, part.task));
}
