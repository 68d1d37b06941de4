// What of a chart the pointer and the keyboard can be on, how they get there, and how it reads.

import type { Chart } from "../chart";
import { significant } from "../number";
import type { Scale } from "./scale";

/** A point, or a reading of a line. */
export interface Hit {
  kind: "line" | "point";
  at: number;
  index: number;
}

/** Farther than this from everything (CSS pixels), the pointer is on nothing. */
const NEAR = 40;

export const same = (a: Hit | null, b: Hit | null): boolean => a?.kind === b?.kind && a?.at === b?.at && a?.index === b?.index;

export function exists(chart: Chart, hit: Hit): boolean {
  if (hit.kind === "point") return hit.at < (chart.points?.length ?? 0);
  return hit.index < (chart.lines?.[hit.at]?.x.length ?? 0);
}

/** What lines, points and rows of a table have in common; null where nobody chooses. */
export function keyOf(chart: Chart, hit: Hit | null): string | null {
  if (!hit) return null;
  return (hit.kind === "point" ? chart.points?.[hit.at]?.key : chart.lines?.[hit.at]?.key) || null;
}

/** The value across and up; null where there is none. */
function values(chart: Chart, hit: Hit): [number, number] | null {
  const line = hit.kind === "line" ? chart.lines?.[hit.at] : undefined;
  const point = hit.kind === "point" ? chart.points?.[hit.at] : undefined;
  const x = line ? line.x[hit.index] : point?.x;
  const y = line ? line.y[hit.index] : point?.y;
  return x === undefined || y === undefined || y === null ? null : [x, y];
}

/** Its place in pixels of the canvas. */
export function place(chart: Chart, scale: Scale, hit: Hit): [number, number] | null {
  const at = values(chart, hit);
  return !at || (scale.logs.x && at[0] <= 0) ? null : [scale.x(at[0]), scale.inside(at[1])];
}

/** The read-out. */
export function words(chart: Chart, hit: Hit): string {
  if (hit.kind === "point") return chart.points?.[hit.at]?.note ?? "";
  const line = chart.lines?.[hit.at];
  if (!line) return "";
  const y = line.y[hit.index];
  const parts = [`${chart.x.label} ${significant(line.x[hit.index]!)}`,
    `${chart.y.label} ${y == null ? "not finite" : significant(y)}`];
  const extra = line.extra?.values[hit.index];
  if (line.extra && extra != null) parts.push(`${line.extra.name} ${significant(extra)}`);
  return `${line.name}: ${parts.join(", ")}`;
}

/** Where everything is that can be hit, in CSS pixels of the plot: found once for each drawing. */
export class Places {
  private readonly xy: Float32Array;
  private readonly hits: Int32Array;
  private readonly count: number;

  /** `selected` is the key whose pale readings can be hit too. */
  constructor(chart: Chart, scale: Scale, dpr: number, selected: string | null) {
    const [points, lines] = [chart.points ?? [], chart.lines ?? []];
    const most = points.length + lines.reduce((sum, l) => sum + l.x.length, 0);
    [this.xy, this.hits] = [new Float32Array(2 * most), new Int32Array(2 * most)];
    let count = 0;
    const add = (x: number, y: number, at: number, index: number) => {
      const left = (x - scale.left) / dpr;
      if (!(left >= -4 && left <= scale.width / dpr + 4)) return;
      this.xy.set([left, (y - scale.top) / dpr], 2 * count);
      this.hits.set([at, index], 2 * count++);
    };
    // A point has an index below zero.
    points.forEach((p, at) => add(scale.x(p.x), scale.inside(p.y), at, -1));
    lines.forEach((line, at) => {
      if (line.faint && line.key && line.key !== selected) return;
      for (let i = 0; i < line.x.length; i++) {
        const y = line.y[i];
        if (y !== null && y !== undefined) add(scale.x(line.x[i]!), scale.inside(y), at, i);
      }
    });
    this.count = count;
  }

  /** What is nearest to a place, if anything is near. */
  nearest(left: number, top: number): Hit | null {
    let [best, least] = [-1, NEAR * NEAR];
    for (let i = 0; i < this.count; i++) {
      const [dx, dy] = [this.xy[2 * i]! - left, this.xy[2 * i + 1]! - top];
      // A point lies above the lines: it is taken first.
      const distance = (dx * dx + dy * dy) * (this.hits[2 * i + 1]! < 0 ? 0.6 : 1);
      if (distance < least) [best, least] = [i, distance];
    }
    if (best < 0) return null;
    const [at, index] = [this.hits[2 * best]!, this.hits[2 * best + 1]!];
    return index < 0 ? { kind: "point", at, index: 0 } : { kind: "line", at, index };
  }
}

/** Where an arrow key leads: left and right along a line or the points, up and down to the next line. */
export function moved(chart: Chart, from: Hit | null, key: string): Hit | undefined {
  const points = (chart.points ?? []).map((p, at) => ({ p, at })).sort((a, b) => a.p.x - b.p.x).map(({ at }) => at);
  const lines = (chart.lines ?? []).map((l, at) => ({ l, at })).filter(({ l }) => !l.faint && l.x.length).map(({ at }) => at);
  const rows: Hit[][] = [];
  if (points.length) rows.push(points.map((at) => ({ kind: "point", at, index: 0 })));
  for (const at of lines) rows.push(chart.lines![at]!.x.map((_, index) => ({ kind: "line", at, index })));
  if (!rows.length) return undefined;
  let row = rows.findIndex((r) => r.some((h) => h.kind === from?.kind && h.at === from.at));
  const fresh = row < 0;
  row = Math.max(0, row);
  const column = fresh ? 0 : rows[row]!.findIndex((h) => h.at === from!.at && h.index === from!.index);
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
