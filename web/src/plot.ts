// The one plot of the browser: a `Chart` on a canvas. uPlot makes the axes, the scales, the zoom and the pointer; the
// marks are drawn here, because each line has steps of its own.

import uPlot from "uplot";
import type { Axis, Chart, Ink, Line, Point, Sample, Shape } from "./chart";
import { el, say } from "./dom";
import { significant } from "./number";

export interface PlotOptions {
  /** Called when a line or a point is chosen (a click, or Enter), and with null when nothing is. */
  onSelect?: (key: string | null) => void;
  /** Share of the width that is the height; between 240 and 560 pixels. */
  ratio?: number;
  /** Buttons that switch an axis between logarithmic and linear. */
  switches?: ("x" | "y")[];
}

interface Hit {
  kind: "line" | "point";
  at: number;
  index: number;
}

/** With more lines than this their dashes and their raw readings cannot be told apart; a chosen one still has them. */
const MANY = 120;
/** Farther than this from everything (CSS pixels), the pointer is on nothing. */
const NEAR = 40;
const FONT = '12px Inter, "Helvetica Neue", Helvetica, Arial, sans-serif';

export class Plot {
  readonly host: HTMLElement;
  private readonly box: HTMLElement;
  /** What is under the pointer, above the plot: the plot itself is drawn anew only when it changes. */
  private readonly overlay = el("canvas", { class: "overlay", "aria-hidden": "true" });
  /** Places of all that can be hit, in canvas pixels; null when the plot was drawn since. */
  private places: { hits: Hit[]; xy: Float32Array } | null = null;
  private readonly readout: HTMLElement;
  private readonly controls: HTMLElement;
  private readonly legend = el("ul", { class: "legend" });
  private u: uPlot | null = null;
  private chart: Chart;
  private readonly options: PlotOptions;
  private hit: Hit | null = null;
  private selected: string | null = null;
  /** Whether this chart has what is selected. */
  private holds = false;
  private logs: { x: boolean; y: boolean };
  private chosenLogs: { x?: boolean; y?: boolean } = {};
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
    const same = (a: Axis, b: Axis) => a.low === b.low && a.high === b.high && a.log === b.log && a.label === b.label;
    const axes = same(chart.x, this.chart.x) && same(chart.y, this.chart.y);
    this.chart = chart;
    this.look();
    this.logs = { x: this.chosenLogs.x ?? chart.x.log, y: this.chosenLogs.y ?? chart.y.log };
    if (this.hit && !this.exists(this.hit)) this.hit = null;
    this.describe();
    if (axes) this.u?.redraw(true, false);
    else this.build();
  }

  /** Marks all lines and points with this key. */
  select(key: string | null): void {
    if (key === this.selected) return;
    this.selected = key;
    this.look();
    this.u?.redraw(false, false);
  }

  private look(): void {
    const chosen = (mark: { key?: string }) => mark.key === this.selected;
    this.holds = this.selected !== null && ((this.chart.lines ?? []).some(chosen) || (this.chart.points ?? []).some(chosen));
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
    const narrow = width < 500;
    const axis = (a: Axis, name: "x" | "y"): uPlot.Axis => ({
      scale: name, label: a.label, labelSize: 22, labelFont: FONT, font: FONT, labelGap: 2,
      size: name === "x" ? 34 : narrow ? 44 : 54, gap: 4,
      space: name === "x" ? (narrow ? 54 : 64) : 34,
      stroke: () => this.ink("faint"),
      grid: { stroke: () => this.ink("grid"), width: 1 },
      ticks: { stroke: () => this.ink("grid"), width: 1, size: 5 },
      values: (_, splits) => splits.map((v) => (v === null || (a.whole && v !== Math.round(v)) || (this.logs[name] && !labelled(v, splits)) ? "" : significant(v, 3))),
      filter: (_, splits) => splits,
    });
    const scale = (name: "x" | "y"): uPlot.Scale => ({
      time: false, distr: this.logs[name] ? 3 : 1,
      range: (_u, low, high) => (high > low ? [low, high] : this.ends(name)),
    });
    this.u = new uPlot(
      {
        width, height, pxAlign: false, padding: [10, 26, 0, 0],
        scales: { x: scale("x"), y: scale("y") },
        axes: [axis(this.chart.x, "x"), axis(this.chart.y, "y")],
        series: [{}, { show: true, scale: "y", paths: () => null, points: { show: false } }],
        legend: { show: false },
        cursor: { x: false, y: false, points: { show: false }, drag: { x: true, y: true, uni: 24 } },
        hooks: {
          drawClear: [(u) => this.under(u)],
          draw: [(u) => this.over(u)],
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

  /** The ends of an axis; a logarithmic one cannot begin at zero. */
  private ends(name: "x" | "y"): [number, number] {
    const { low, high } = this.chart[name];
    if (!this.logs[name]) return [low, high];
    if (low > 0) return [low, high];
    const values = (this.chart.lines ?? []).flatMap((l) => (name === "x" ? l.x : l.y)).filter((v): v is number => v !== null && v > 0);
    const least = values.reduce((a, b) => Math.min(a, b), high > 0 ? high / 10 : 1);
    return [least, Math.max(high, least * 10)];
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

  /** The more lines of readings lie over each other, the paler each is; those of a chosen trial stand out. */
  private pale(): number {
    const lines = (this.chart.lines ?? []).reduce((n, l) => n + Number(Boolean(l.faint)), 0);
    return Math.max(0.1, 0.42 / Math.sqrt(Math.max(1, lines)));
  }

  /** What is not chosen stands back, where the chosen is in this plot. */
  private dim(key: string | undefined): number {
    return key && key !== this.selected && this.holds ? 0.28 : 1;
  }

  /** Areas, below the grid lines. */
  private under(u: uPlot): void {
    this.clipped(u, u.ctx, (c) => {
      const { top, height } = u.bbox;
      for (const span of this.chart.spans ?? []) {
        const [a, b] = [u.valToPos(span.from, "x", true), u.valToPos(span.to, "x", true)];
        c.globalAlpha = 0.1;
        c.fillStyle = this.ink(span.ink);
        c.fillRect(a, top, b - a, height);
      }
      for (const band of this.chart.bands ?? []) {
        c.globalAlpha = 0.16;
        c.fillStyle = this.ink(band.ink);
        c.beginPath();
        band.x.forEach((x, i) => c.lineTo(u.valToPos(x, "x", true), this.y(u, band.high[i]!)));
        for (let i = band.x.length - 1; i >= 0; i--) c.lineTo(u.valToPos(band.x[i]!, "x", true), this.y(u, band.low[i]!));
        c.fill();
      }
    });
  }

  /** Lines, rules and points. */
  private over(u: uPlot): void {
    const dpr = devicePixelRatio || 1;
    this.places = null;
    this.clipped(u, u.ctx, (c) => {
      const lines = this.chart.lines ?? [];
      const front = (l: Line) => Boolean(l.key) && l.key === this.selected;
      const many = lines.length > MANY;
      for (const line of lines) if (!front(line) && !(many && line.faint)) this.line(u, c, line, dpr, false, many);
      for (const line of lines) if (front(line)) this.line(u, c, line, dpr, true, false);
      for (const rule of this.chart.rules ?? []) {
        c.globalAlpha = 1;
        c.strokeStyle = this.ink(rule.ink);
        c.lineWidth = 1.5 * dpr;
        c.setLineDash((rule.dash ?? []).map((d) => d * dpr));
        c.beginPath();
        const { left, top, width, height } = u.bbox;
        if (rule.axis === "x") {
          const x = u.valToPos(rule.at, "x", true);
          c.moveTo(x, top), c.lineTo(x, top + height);
        } else {
          const y = this.y(u, rule.at);
          c.moveTo(left, y), c.lineTo(left + width, y);
        }
        c.stroke();
      }
      c.setLineDash([]);
      for (const point of this.chart.points ?? []) this.point(u, c, point, dpr);
    });
    this.labels(u, dpr);
    this.above(u);
  }

  /** The line under the pointer, and a ring around its point. */
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
    if (!this.hit) return;
    this.clipped(u, c, () => {
      const line = this.hit?.kind === "line" ? this.chart.lines?.[this.hit.at] : undefined;
      if (line) this.line(u, c, line, dpr, true, false);
      this.focusRing(u, c, dpr);
    });
  }

  private line(u: uPlot, c: CanvasRenderingContext2D, line: Line, dpr: number, front: boolean, plain: boolean): void {
    c.globalAlpha = line.faint ? (front ? 0.5 : this.pale() * this.dim(line.key)) : front ? 1 : this.dim(line.key);
    c.strokeStyle = this.ink(line.ink);
    c.lineWidth = ((line.width ?? 1.8) + (front && !line.faint ? 1.4 : 0)) * dpr;
    c.setLineDash(plain ? [] : (line.dash ?? []).map((d) => d * dpr));
    c.lineJoin = "round";
    c.beginPath();
    let pen = false;
    for (let i = 0; i < line.x.length; i++) {
      const [x, y] = [line.x[i]!, line.y[i]];
      if (y === null || y === undefined || (this.logs.x && x <= 0)) { pen = false; continue; }
      const [px, py] = [u.valToPos(x, "x", true), this.logs.y && y <= 0 ? u.bbox.top + u.bbox.height + 9 : u.valToPos(y, "y", true)];
      if (pen) c.lineTo(px, py);
      else c.moveTo(px, py);
      pen = true;
    }
    c.stroke();
  }

  private point(u: uPlot, c: CanvasRenderingContext2D, point: Point, dpr: number): void {
    const [x, y] = [u.valToPos(point.x, "x", true), this.y(u, point.y)];
    c.globalAlpha = this.dim(point.key);
    c.strokeStyle = c.fillStyle = this.ink(point.ink);
    c.lineWidth = 1.6 * dpr;
    if (point.low != null && point.high != null && point.high > point.low) {
      c.beginPath();
      c.moveTo(x, this.y(u, point.low)), c.lineTo(x, this.y(u, point.high));
      c.stroke();
    }
    const chosen = point.key !== undefined && point.key === this.selected;
    shape(c, point.shape, x, y, (chosen ? 7 : 5) * dpr, this.ink("paper"));
  }

  /** A ring around what the pointer or the keyboard is on. */
  private focusRing(u: uPlot, c: CanvasRenderingContext2D, dpr: number): void {
    const place = this.hit && this.place(u, this.hit, true);
    if (!place) return;
    c.globalAlpha = 1;
    c.strokeStyle = this.ink("text");
    c.lineWidth = 2 * dpr;
    c.beginPath();
    c.arc(place[0], place[1], 9 * dpr, 0, 7);
    c.stroke();
  }

  /** Names of rules and spans, at the top, each in a row where none is before it. */
  private labels(u: uPlot, dpr: number): void {
    const c = u.ctx;
    c.save();
    c.font = FONT.replace("12px", `${12 * dpr}px`);
    c.textBaseline = "top";
    c.textAlign = "left";
    const { left, top, width } = u.bbox;
    const taken: [number, number, number][] = [];
    const names = [
      ...(this.chart.rules ?? []).filter((r) => r.axis === "x").map((r) => ({ at: r.at, ink: r.ink, label: r.label })),
      ...(this.chart.spans ?? []).map((s) => ({ at: s.from, ink: s.ink, label: s.label })),
    ].filter((n) => n.label);
    for (const name of names.sort((a, b) => a.at - b.at)) {
      const length = c.measureText(name.label).width + 8 * dpr;
      let x = u.valToPos(name.at, "x", true) + 4 * dpr;
      if (x + length > left + width) x -= length + 4 * dpr;
      x = Math.max(x, left + 2 * dpr);
      let row = 0;
      while (taken.some(([r, a, b]) => r === row && x < b && a < x + length)) row++;
      taken.push([row, x, x + length]);
      const y = top + (4 + row * 16) * dpr;
      c.globalAlpha = 0.85;
      c.fillStyle = this.ink("paper");
      c.fillRect(x - 2 * dpr, y - 1 * dpr, length - 2 * dpr, 15 * dpr);
      c.globalAlpha = 1;
      c.fillStyle = this.ink(name.ink);
      c.fillText(name.label, x, y);
    }
    for (const rule of (this.chart.rules ?? []).filter((r) => r.axis === "y" && r.label)) {
      c.globalAlpha = 1;
      c.fillStyle = this.ink(rule.ink);
      c.textAlign = "left";
      const at = this.y(u, rule.at);
      const below = at < top + 18 * dpr;
      c.textBaseline = below ? "top" : "bottom";
      c.fillText(rule.label, left + 5 * dpr, at + (below ? 3 : -2) * dpr);
    }
    c.restore();
  }

  private clipped(u: uPlot, c: CanvasRenderingContext2D, draw: (c: CanvasRenderingContext2D) => void): void {
    const { left, top, width, height } = u.bbox;
    c.save();
    c.beginPath();
    c.rect(left, top, width, height);
    c.clip();
    draw(c);
    c.restore();
  }

  /** The place of a value in canvas pixels; what lies outside is drawn at the edge. */
  private y(u: uPlot, value: number): number {
    const { top, height } = u.bbox;
    if (this.logs.y && value <= 0) return top + height;
    return Math.min(top + height - 2, Math.max(top + 2, u.valToPos(value, "y", true)));
  }

  private place(u: uPlot, hit: Hit, canvas: boolean): [number, number] | null {
    const dpr = devicePixelRatio || 1;
    const line = hit.kind === "line" ? this.chart.lines?.[hit.at] : undefined;
    const point = hit.kind === "point" ? this.chart.points?.[hit.at] : undefined;
    const x = line ? line.x[hit.index] : point?.x;
    const y = line ? line.y[hit.index] : point?.y;
    if (x === undefined || y === undefined || y === null || (this.logs.x && x <= 0)) return null;
    const [px, py] = [u.valToPos(x, "x", true), this.y(u, y)];
    return canvas ? [px, py] : [(px - u.bbox.left) / dpr, (py - u.bbox.top) / dpr];
  }

  private exists(hit: Hit): boolean {
    if (hit.kind === "point") return hit.at < (this.chart.points?.length ?? 0);
    return hit.index < (this.chart.lines?.[hit.at]?.x.length ?? 0);
  }

  private *all(): Generator<Hit> {
    for (let at = 0; at < (this.chart.points?.length ?? 0); at++) yield { kind: "point", at, index: 0 };
    for (const [at, line] of (this.chart.lines ?? []).entries()) {
      if (!line.faint || !line.key || line.key === this.selected) {
        for (let index = 0; index < line.x.length; index++) yield { kind: "line", at, index };
      }
    }
  }

  private pointer(u: uPlot): void {
    const { left, top } = u.cursor;
    if (left === undefined || top === undefined || left < 0 || top < 0) return;
    const { hits, xy } = this.places ?? this.locate(u);
    let best: Hit | null = null;
    let least = NEAR * NEAR;
    for (let i = 0; i < hits.length; i++) {
      const [dx, dy] = [xy[2 * i]! - left, xy[2 * i + 1]! - top];
      // A point lies above the lines: it is taken first.
      const distance = (dx * dx + dy * dy) * (hits[i]!.kind === "point" ? 0.6 : 1);
      if (distance < least) [best, least] = [hits[i]!, distance];
    }
    this.readout.setAttribute("aria-live", "off");
    this.show(best);
  }

  /** Where everything is that can be hit, in CSS pixels of the plot. */
  private locate(u: uPlot): { hits: Hit[]; xy: Float32Array } {
    const hits: Hit[] = [];
    const xy: number[] = [];
    for (const hit of this.all()) {
      const at = this.place(u, hit, false);
      if (!at || at[0] < -4 || at[0] > u.over.clientWidth + 4) continue;
      hits.push(hit);
      xy.push(at[0], at[1]);
    }
    this.places = { hits, xy: Float32Array.from(xy) };
    return this.places;
  }

  private show(hit: Hit | null): void {
    const same = hit?.kind === this.hit?.kind && hit?.at === this.hit?.at && hit?.index === this.hit?.index;
    if (same) return;
    this.hit = hit;
    say(this.readout, hit ? this.text(hit) : "\u00a0");
    if (this.u) this.above(this.u);
  }

  private text(hit: Hit): string {
    if (hit.kind === "point") return this.chart.points?.[hit.at]?.note ?? "";
    const line = this.chart.lines?.[hit.at];
    if (!line) return "";
    const y = line.y[hit.index];
    const parts = [`${this.chart.x.label} ${significant(line.x[hit.index]!)}`,
      `${this.chart.y.label} ${y == null ? "not finite" : significant(y)}`];
    const extra = line.extra?.values[hit.index];
    if (line.extra && extra != null) parts.push(`${line.extra.name} ${significant(extra)}`);
    return `${line.name}: ${parts.join(", ")}`;
  }

  private keyOf(hit: Hit): string | null {
    return (hit.kind === "point" ? this.chart.points?.[hit.at]?.key : this.chart.lines?.[hit.at]?.key) ?? null;
  }

  private choose(): void {
    const key = (this.hit && this.keyOf(this.hit)) || null;
    const chosen = key === this.selected ? null : key;
    this.select(chosen);
    this.options.onSelect?.(chosen);
  }

  private key(event: KeyboardEvent): void {
    const move = this.moved(event.key);
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

  /** Where an arrow key leads: left and right along a line or the points, up and down to the next line. */
  private moved(key: string): Hit | undefined {
    const points = (this.chart.points ?? []).map((p, at) => ({ p, at })).sort((a, b) => a.p.x - b.p.x).map(({ at }) => at);
    const lines = (this.chart.lines ?? []).map((l, at) => ({ l, at })).filter(({ l }) => !l.faint && l.x.length).map(({ at }) => at);
    const rows: Hit[][] = [];
    if (points.length) rows.push(points.map((at) => ({ kind: "point", at, index: 0 })));
    for (const at of lines) rows.push(this.chart.lines![at]!.x.map((_, index) => ({ kind: "line", at, index })));
    if (!rows.length) return undefined;
    let row = rows.findIndex((r) => r.some((h) => h.kind === this.hit?.kind && h.at === this.hit?.at));
    const fresh = row < 0;
    row = Math.max(0, row);
    const column = fresh ? 0 : rows[row]!.findIndex((h) => h.at === this.hit!.at && h.index === this.hit!.index);
    const last = (r: number) => rows[r]!.length - 1;
    const to = (r: number, c: number) => rows[r]![Math.min(last(r), Math.max(0, c))]!;
    const share = last(row) > 0 ? column / last(row) : 0;
    const vertical = (by: number) => {
      const r = Math.min(rows.length - 1, Math.max(0, row + by));
      return to(r, Math.round(share * last(r)));
    };
    switch (key) {
      case "ArrowRight": return to(row, fresh ? 0 : column + 1);
      case "ArrowLeft": return to(row, fresh ? 0 : column - 1);
      case "ArrowDown": return fresh ? to(0, 0) : vertical(1);
      case "ArrowUp": return fresh ? to(0, 0) : vertical(-1);
      case "Home": return to(row, 0);
      case "End": return to(row, last(row));
      default: return undefined;
    }
  }
}

/** Whether a tick of a logarithmic axis has a number: powers of ten, and 2 and 5 where there are few. */
function labelled(value: number, splits: (number | null)[]): boolean {
  const whole = value / 10 ** Math.floor(Math.log10(value) + 1e-9);
  // The end of an axis is no round number.
  if (Math.abs(whole - Math.round(whole)) > 1e-6) return false;
  const digit = Math.round(value / 10 ** Math.floor(Math.log10(value) + 1e-9));
  const ends = splits.filter((v): v is number => v !== null && v > 0);
  const decades = ends.length ? Math.log10(ends[ends.length - 1]! / ends[0]!) : 0;
  if (decades > 2.5) return digit === 1 || digit === 10;
  if (decades > 1.2) return [1, 2, 5, 10].includes(digit);
  return decades > 0.5 ? [1, 2, 3, 5, 7, 10].includes(digit) : true;
}

/** The picture of an entry of the legend, in the colours of the style sheet. */
function picture(sample: Sample): SVGElement {
  const space = "http://www.w3.org/2000/svg";
  const make = (tag: string, attributes: Record<string, string>): SVGElement => {
    const element = document.createElementNS(space, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const svg = make("svg", { width: "24", height: "14", viewBox: "0 0 24 14", "aria-hidden": "true", class: `sample ${sample.ink}` });
  const shapes: Record<Shape, string> = {
    dot: "M7 7a5 5 0 1 0 10 0a5 5 0 1 0-10 0z", ring: "M7 7a5 5 0 1 0 10 0a5 5 0 1 0-10 0z", square: "M7.5 2.5h9v9h-9z",
    diamond: "M12 1l6 6l-6 6l-6-6z", triangle: "M12 1.5l5.5 10h-11z", cross: "M7 2l10 10M17 2l-10 10",
    arrow: "M12 1l5 6h-3v6h-4v-6h-3z", minus: "M6 7h12",
  };
  if (sample.shape) {
    const full = sample.shape === "dot" || sample.shape === "arrow";
    svg.append(make("path", { d: shapes[sample.shape], class: full ? "full" : "open" }));
  } else if (sample.dash) svg.append(make("path", { d: "M0 7h24", class: "open", "stroke-dasharray": sample.dash.join(" ") }));
  else svg.append(make("rect", { width: "24", height: "14", rx: "2", class: "area" }));
  return svg;
}

/** Draws one mark of about `r` pixels in the current colours. */
export function shape(c: CanvasRenderingContext2D, kind: Shape, x: number, y: number, r: number, paper: string): void {
  const path = (points: [number, number][], closed = true) => {
    c.beginPath();
    points.forEach(([dx, dy], i) => (i ? c.lineTo(x + dx * r, y + dy * r) : c.moveTo(x + dx * r, y + dy * r)));
    if (closed) c.closePath();
  };
  switch (kind) {
    case "dot":
    case "ring":
      c.beginPath();
      c.arc(x, y, r, 0, 7);
      if (kind === "dot") return c.fill();
      break;
    case "square": path([[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]]); break;
    case "diamond": path([[0, -1.25], [1.25, 0], [0, 1.25], [-1.25, 0]]); break;
    case "triangle": path([[0, -1.2], [1.1, 0.8], [-1.1, 0.8]]); break;
    case "arrow": path([[0, -1.2], [1.1, 0.4], [0.4, 0.4], [0.4, 1.2], [-0.4, 1.2], [-0.4, 0.4], [-1.1, 0.4]]); return c.fill();
    case "minus": path([[-1.3, 0], [1.3, 0]], false), c.stroke(); return;
    case "cross":
      path([[-1, -1], [1, 1]], false), c.stroke();
      path([[1, -1], [-1, 1]], false), c.stroke();
      return;
  }
  const ink = c.fillStyle;
  c.fillStyle = paper;
  c.fill();
  c.fillStyle = ink;
  c.stroke();
}
