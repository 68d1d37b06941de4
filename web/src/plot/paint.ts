// Draws a chart on the canvas of uPlot: areas below the grid, then lines, rules, points and names, and on a canvas of its
// own what the pointer is on.

import type { Chart, Ink, Line, Point } from "../chart";
import { FONT } from "./axes";
import { shape } from "./marks";
import { type Hit, place } from "./reach";
import type { Scale } from "./scale";

/** With more lines than this their dashes and their raw readings cannot be told apart; a chosen one still has them. */
const MANY = 120;

/** What is drawn, and how. */
export interface Look {
  chart: Chart;
  selected: string | null;
  /** Whether this chart has what is selected. */
  holds: boolean;
  ink: (name: Ink | "grid" | "paper") => string;
}

export class Painter {
  private readonly dpr = devicePixelRatio || 1;

  constructor(private readonly c: CanvasRenderingContext2D, private readonly scale: Scale, private readonly look: Look) {}

  /** Areas, below the grid lines. */
  under(): void {
    const { c, scale, look } = this;
    this.clipped(() => {
      for (const span of look.chart.spans ?? []) {
        const [a, b] = [scale.x(span.from), scale.x(span.to)];
        c.globalAlpha = 0.1;
        c.fillStyle = look.ink(span.ink);
        c.fillRect(a, scale.top, b - a, scale.height);
      }
      for (const band of look.chart.bands ?? []) {
        c.globalAlpha = 0.16;
        c.fillStyle = look.ink(band.ink);
        c.beginPath();
        band.x.forEach((x, i) => c.lineTo(scale.x(x), scale.inside(band.high[i]!)));
        for (let i = band.x.length - 1; i >= 0; i--) c.lineTo(scale.x(band.x[i]!), scale.inside(band.low[i]!));
        c.fill();
      }
    });
  }

  /** Lines, rules, points and names. */
  over(): void {
    this.clipped(() => {
      this.lines();
      for (const rule of this.look.chart.rules ?? []) this.rule(rule);
    });
    // A mark at the edge is whole.
    this.clipped(() => {
      for (const point of this.look.chart.points ?? []) this.point(point);
    }, 8 * this.dpr);
    this.names();
  }

  /** The line that is hit, and a ring around its point. */
  mark(hit: Hit): void {
    const { c, dpr, look } = this;
    this.clipped(() => {
      const line = hit.kind === "line" ? look.chart.lines?.[hit.at] : undefined;
      if (line) this.stroke([line], { front: true });
      const at = place(look.chart, this.scale, hit);
      if (!at) return;
      c.globalAlpha = 1;
      c.strokeStyle = look.ink("text");
      c.lineWidth = 2 * dpr;
      c.setLineDash([]);
      c.beginPath();
      c.arc(at[0], at[1], 9 * dpr, 0, 7);
      c.stroke();
    });
  }

  private lines(): void {
    const { chart, selected } = this.look;
    const lines = chart.lines ?? [];
    const front = (l: Line) => Boolean(l.key) && l.key === selected;
    const behind = lines.filter((l) => !front(l));
    if (lines.length > MANY) {
      // All lines of one look in one stroke: a thousand strokes take several frames.
      const looks = new Map<string, Line[]>();
      for (const line of behind.filter((l) => !l.faint)) {
        const name = `${line.ink} ${line.width}`;
        const alike = looks.get(name);
        if (alike) alike.push(line);
        else looks.set(name, [line]);
      }
      for (const alike of looks.values()) this.stroke(alike, { plain: true });
    } else for (const line of behind) this.stroke([line], {});
    for (const line of lines.filter(front)) this.stroke([line], { front: true });
  }

  /** Draws lines that look alike. */
  private stroke(lines: Line[], { front = false, plain = false }): void {
    const { c, scale, dpr, look } = this;
    const first = lines[0]!;
    c.globalAlpha = first.faint ? (front ? 0.5 : this.pale() * this.dim(first.key)) : front ? 1 : this.dim(first.key);
    c.strokeStyle = look.ink(first.ink);
    // A line of one pixel is drawn several times as fast as a wider one.
    c.lineWidth = plain ? 1 : ((first.width ?? 1.8) + (front && !first.faint ? 1.4 : 0)) * dpr;
    c.setLineDash(plain ? [] : (first.dash ?? []).map((d) => d * dpr));
    c.lineJoin = "round";
    c.beginPath();
    for (const line of lines) {
      let pen = false;
      for (let i = 0; i < line.x.length; i++) {
        const [x, y] = [line.x[i]!, line.y[i]];
        if (y === null || y === undefined || (scale.logs.x && x <= 0)) { pen = false; continue; }
        if (pen) c.lineTo(scale.x(x), scale.below(y));
        else c.moveTo(scale.x(x), scale.below(y));
        pen = true;
      }
    }
    c.stroke();
  }

  private rule(rule: NonNullable<Chart["rules"]>[number]): void {
    const { c, scale, dpr } = this;
    c.globalAlpha = 1;
    c.strokeStyle = this.look.ink(rule.ink);
    c.lineWidth = 1.5 * dpr;
    c.setLineDash((rule.dash ?? []).map((d) => d * dpr));
    c.beginPath();
    if (rule.axis === "x") {
      const x = scale.x(rule.at);
      c.moveTo(x, scale.top), c.lineTo(x, scale.top + scale.height);
    } else {
      const y = scale.inside(rule.at);
      c.moveTo(scale.left, y), c.lineTo(scale.left + scale.width, y);
    }
    c.stroke();
  }

  private point(point: Point): void {
    const { c, scale, dpr, look } = this;
    const [x, y] = [scale.x(point.x), scale.inside(point.y)];
    c.globalAlpha = this.dim(point.key);
    c.strokeStyle = c.fillStyle = look.ink(point.ink);
    c.lineWidth = 1.6 * dpr;
    if (point.low != null && point.high != null && point.high > point.low) {
      c.beginPath();
      c.moveTo(x, scale.inside(point.low)), c.lineTo(x, scale.inside(point.high));
      c.stroke();
    }
    const chosen = point.key !== undefined && point.key === look.selected;
    shape(c, point.shape, x, y, (chosen ? 7 : 5) * dpr, look.ink("paper"));
  }

  /** Names of rules and spans, at the top, each in a row where none is before it. */
  private names(): void {
    const { c, scale, dpr, look } = this;
    c.save();
    c.font = FONT.replace("12px", `${12 * dpr}px`);
    c.textBaseline = "top";
    c.textAlign = "left";
    const taken: [number, number, number][] = [];
    const names = [
      ...(look.chart.rules ?? []).filter((r) => r.axis === "x").map((r) => ({ at: r.at, ink: r.ink, label: r.label })),
      ...(look.chart.spans ?? []).map((s) => ({ at: s.from, ink: s.ink, label: s.label })),
    ].filter((n) => n.label);
    for (const name of names.sort((a, b) => a.at - b.at)) {
      const length = c.measureText(name.label).width + 8 * dpr;
      let x = scale.x(name.at) + 4 * dpr;
      if (x + length > scale.left + scale.width) x -= length + 4 * dpr;
      x = Math.max(x, scale.left + 2 * dpr);
      let row = 0;
      while (taken.some(([r, a, b]) => r === row && x < b && a < x + length)) row++;
      taken.push([row, x, x + length]);
      const y = scale.top + (4 + row * 16) * dpr;
      c.globalAlpha = 0.85;
      c.fillStyle = look.ink("paper");
      c.fillRect(x - 2 * dpr, y - 1 * dpr, length - 2 * dpr, 15 * dpr);
      c.globalAlpha = 1;
      c.fillStyle = look.ink(name.ink);
      c.fillText(name.label, x, y);
    }
    for (const rule of (look.chart.rules ?? []).filter((r) => r.axis === "y" && r.label)) {
      c.globalAlpha = 1;
      c.fillStyle = look.ink(rule.ink);
      const at = scale.inside(rule.at);
      const below = at < scale.top + 18 * dpr;
      c.textBaseline = below ? "top" : "bottom";
      c.fillText(rule.label, scale.left + 5 * dpr, at + (below ? 3 : -2) * dpr);
    }
    c.restore();
  }

  /** The more lines of readings lie over each other, the paler each is; those of a chosen trial stand out. */
  private pale(): number {
    const lines = (this.look.chart.lines ?? []).reduce((n, l) => n + Number(Boolean(l.faint)), 0);
    return Math.max(0.1, 0.42 / Math.sqrt(Math.max(1, lines)));
  }

  /** What is not chosen stands back, where the chosen is in this plot. */
  private dim(key: string | undefined): number {
    return key && key !== this.look.selected && this.look.holds ? 0.28 : 1;
  }

  /** Draws within the frame, and `around` it. */
  private clipped(draw: () => void, around = 0): void {
    const { c, scale } = this;
    c.save();
    c.beginPath();
    c.rect(scale.left - around, scale.top - around, scale.width + 2 * around, scale.height + 2 * around);
    c.clip();
    draw();
    c.restore();
  }
}
