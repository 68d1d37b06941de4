// The one plot of the browser: a `Chart` on a canvas. uPlot makes the axes, the scales, the zoom and the pointer; the
// marks are drawn in `plot/paint.ts`, because each line has steps of its own.

import uPlot from "uplot";
import type { Axis, Chart, Ink } from "./chart";
import { el, say } from "./dom";
import { apart, axis, ends } from "./plot/axes";
import { picture } from "./plot/marks";
import { Painter } from "./plot/paint";
import { type Hit, Places, exists, keyOf, moved, same, words } from "./plot/reach";
import { type Logs, Scale } from "./plot/scale";

export interface PlotOptions {
  /** Called when a line or a point is chosen (a click, or Enter), and with null when nothing is. */
  onSelect?: (key: string | null) => void;
  /** Share of the width that is the height; between 240 and 560 pixels. */
  ratio?: number;
  /** Buttons that switch an axis between logarithmic and linear. */
  switches?: ("x" | "y")[];
}

export class Plot {
  readonly host: HTMLElement;
  private readonly box: HTMLElement;
  /** What is under the pointer, above the plot: the plot itself is drawn anew only when it changes. */
  private readonly overlay = el("canvas", { class: "overlay", "aria-hidden": "true" });
  /** Null when the plot was drawn since. */
  private places: Places | null = null;
  private readonly readout: HTMLElement;
  private readonly controls: HTMLElement;
  private readonly legend = el("ul", { class: "legend" });
  private u: uPlot | null = null;
  private chart: Chart;
  private readonly options: PlotOptions;
  private hit: Hit | null = null;
  private selected: string | null = null;
  private logs: Logs;
  private chosenLogs: Partial<Logs> = {};
  private readonly observer: ResizeObserver;
  private readonly dark = matchMedia("(prefers-color-scheme: dark)");
  private inks = new Map<string, string>();
  private readonly theme = () => {
    this.inks.clear();
    this.u?.redraw(false, true);
  };

  /** Draws `chart` into `host`; what `host` held (a drawing for those without script) is kept for print. */
  constructor(host: HTMLElement, chart: Chart, options: PlotOptions = {}) {
    this.host = host;
    this.chart = chart;
    this.options = options;
    this.logs = { x: chart.x.log, y: chart.y.log };
    for (const child of [...host.children]) child.classList.add("fallback");
    this.controls = el("div", { class: "switches" });
    this.box = el("div", {
      class: "canvas", tabindex: 0, role: "application", "aria-roledescription": "plot",
      onkeydown: (event: KeyboardEvent) => this.key(event),
      onblur: () => this.show(null),
    });
    this.readout = el("p", { class: "readout", role: "status", "aria-live": "off" }, "\u00a0");
    host.append(this.controls, this.legend, this.box, this.readout);
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.box);
    this.dark.addEventListener("change", this.theme);
    this.build();
  }

  /** Draws another state of the same plot; the zoom stays while the axes do. */
  update(chart: Chart): void {
    const alike = (a: Axis, b: Axis) => a.low === b.low && a.high === b.high && a.log === b.log && a.label === b.label;
    const axes = alike(chart.x, this.chart.x) && alike(chart.y, this.chart.y);
    this.chart = chart;
    this.logs = { x: this.chosenLogs.x ?? chart.x.log, y: this.chosenLogs.y ?? chart.y.log };
    if (this.hit && !exists(chart, this.hit)) this.hit = null;
    this.describe();
    if (axes) this.u?.redraw(true, false);
    else this.build();
  }

  /** Marks all lines and points with this key. */
  select(key: string | null): void {
    if (key === this.selected) return;
    this.selected = key;
    this.u?.redraw(false, false);
  }

  destroy(): void {
    this.observer.disconnect();
    this.dark.removeEventListener("change", this.theme);
    this.u?.destroy();
    this.host.replaceChildren();
  }

  private describe(): void {
    const samples = this.chart.legend ?? [];
    const named = JSON.stringify(samples);
    if (this.legend.dataset.named !== named) {
      this.legend.dataset.named = named;
      this.legend.hidden = samples.length === 0;
      this.legend.replaceChildren(...samples.map((s) => el("li", {}, picture(s), s.name)));
    }
    this.box.setAttribute("aria-label", `${this.chart.title}. ${this.chart.summary} Arrow keys read the points.`);
  }

  private size(): { width: number; height: number } {
    const width = Math.max(200, Math.floor(this.box.clientWidth || this.host.clientWidth || 640));
    const ratio = this.options.ratio ?? 0.48;
    return { width, height: Math.round(Math.min(560, Math.max(width < 500 ? 280 : 240, width * ratio))) };
  }

  private resize(): void {
    const { width, height } = this.size();
    if (this.u && (this.u.width !== width || this.u.height !== height)) this.u.setSize({ width, height });
  }

  private build(): void {
    this.u?.destroy();
    this.describe();
    this.buttons();
    const { width, height } = this.size();
    const ink = (name: Ink | "grid" | "paper") => this.ink(name);
    const scale = (name: "x" | "y"): uPlot.Scale => ({
      time: false, distr: this.logs[name] ? 3 : 1,
      range: (_u, low, high) => (apart(low, high, this.logs[name]) ? [low, high] : this.ends(name)),
    });
    this.u = new uPlot(
      {
        width, height, pxAlign: false, padding: [10, 26, 0, 0],
        scales: { x: scale("x"), y: scale("y") },
        axes: [axis(this.chart.x, "x", this.logs, width < 500, ink), axis(this.chart.y, "y", this.logs, width < 500, ink)],
        series: [{}, { show: true, scale: "y", paths: () => null, points: { show: false } }],
        legend: { show: false },
        cursor: { x: false, y: false, points: { show: false }, drag: { x: true, y: true, uni: 24 } },
        hooks: {
          drawClear: [(u) => this.painter(u, u.ctx).under()],
          draw: [(u) => {
            this.places = null;
            this.painter(u, u.ctx).over();
            this.above(u);
          }],
          setCursor: [(u) => this.pointer(u)],
        },
      },
      [this.ends("x"), this.ends("y")] as uPlot.AlignedData,
      this.box,
    );
    this.box.append(this.overlay);
    this.u.over.addEventListener("click", () => this.choose());
    this.u.over.addEventListener("pointerleave", () => this.show(null));
  }

  private ends(name: "x" | "y"): [number, number] {
    return ends(this.chart, name, this.logs[name]);
  }

  private buttons(): void {
    const switches = this.options.switches ?? [];
    this.controls.hidden = switches.length === 0;
    this.controls.replaceChildren(...switches.map((name) =>
      el("button", {
        type: "button", "aria-pressed": String(this.logs[name]),
        onclick: () => {
          this.logs[name] = this.chosenLogs[name] = !this.logs[name];
          this.build();
          this.controls.querySelector<HTMLElement>(`[data-axis="${name}"]`)?.focus();
        },
        "data-axis": name,
      }, `logarithmic ${this.chart[name].label}`)));
  }

  private ink(name: Ink | "grid" | "paper"): string {
    const known = this.inks.get(name);
    if (known) return known;
    const value = getComputedStyle(this.host).getPropertyValue(`--ink-${name}`).trim() || "#888";
    this.inks.set(name, value);
    return value;
  }

  private painter(u: uPlot, c: CanvasRenderingContext2D): Painter {
    const { chart, selected } = this;
    const chosen = (mark: { key?: string }) => mark.key === selected;
    const holds = selected !== null && ((chart.lines ?? []).some(chosen) || (chart.points ?? []).some(chosen));
    return new Painter(c, new Scale(u, this.logs), { chart, selected, holds, ink: (name) => this.ink(name) });
  }

  /** Draws what the pointer or the keyboard is on. */
  private above(u: uPlot): void {
    const dpr = devicePixelRatio || 1;
    const c = this.overlay.getContext("2d");
    if (!c) return;
    const [width, height] = [Math.round(u.width * dpr), Math.round(u.height * dpr)];
    if (this.overlay.width !== width || this.overlay.height !== height) {
      [this.overlay.width, this.overlay.height] = [width, height];
      this.overlay.style.width = `${u.width}px`;
      this.overlay.style.height = `${u.height}px`;
    } else c.clearRect(0, 0, width, height);
    if (this.hit) this.painter(u, c).mark(this.hit);
  }

  private pointer(u: uPlot): void {
    const { left, top } = u.cursor;
    if (left === undefined || top === undefined || left < 0 || top < 0) return;
    this.places ??= new Places(this.chart, new Scale(u, this.logs), devicePixelRatio || 1, this.selected);
    this.readout.setAttribute("aria-live", "off");
    this.show(this.places.nearest(left, top));
  }

  private show(hit: Hit | null): void {
    if (same(hit, this.hit)) return;
    this.hit = hit;
    say(this.readout, hit ? words(this.chart, hit) : "\u00a0");
    if (this.u) this.above(this.u);
  }

  private choose(): void {
    const key = keyOf(this.chart, this.hit);
    const chosen = key === this.selected ? null : key;
    this.select(chosen);
    this.options.onSelect?.(chosen);
  }

  private key(event: KeyboardEvent): void {
    const move = moved(this.chart, this.hit, event.key);
    if (move !== undefined) {
      this.readout.setAttribute("aria-live", "polite");
      this.show(move);
    } else if (event.key === "Enter" || event.key === " ") this.choose();
    else if (event.key === "Escape") {
      if (this.selected !== null) this.options.onSelect?.(null);
      this.select(null);
      this.show(null);
    } else return;
    event.preventDefault();
  }
}
