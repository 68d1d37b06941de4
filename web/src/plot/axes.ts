// The axes of a plot: their ends, ticks and numbers.

import type uPlot from "uplot";
import type { Axis, Chart } from "../chart";
import { significant } from "../number";
import type { Logs } from "./scale";

export const FONT = '12px Inter, "Helvetica Neue", Helvetica, Arial, sans-serif';

/** An axis as uPlot takes it. */
export function axis(a: Axis, name: "x" | "y", logs: Logs, narrow: boolean, ink: (name: "faint" | "grid") => string): uPlot.Axis {
  const whole = a.whole || a.label === "step";
  return {
    scale: name, label: a.label, labelSize: 22, labelFont: FONT, font: FONT, labelGap: 2,
    size: name === "x" ? 34 : narrow ? 44 : 54, gap: 4,
    space: name === "x" ? (narrow ? 54 : 64) : 34,
    stroke: () => ink("faint"),
    grid: { stroke: () => ink("grid"), width: 1 },
    ticks: { stroke: () => ink("grid"), width: 1, size: 5 },
    values: (_, splits) => splits.map((v) => (v === null || (whole && v !== Math.round(v)) || (logs[name] && !labelled(v, splits)) ? "" : significant(v, 3))),
    filter: (_, splits) => splits,
    ...(logs[name] ? { splits: (_u: uPlot, _axis: number, low: number, high: number) => decades(low, high) } : {}),
  };
}

/** The ticks of a logarithmic axis. uPlot's own adds steps that may round to none, and then never ends. */
function decades(low: number, high: number): number[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const ticks = (digits: number[]): number[] => {
    const all = [];
    for (let at = first; at <= last; at++) for (const digit of digits) all.push(Number(`${digit}e${at}`));
    return all.filter((tick) => tick >= low && tick <= high);
  };
  const whole = ticks(last - first > 40 ? [1] : [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  return whole.length > 1 ? whole : ticks(Array.from({ length: 90 }, (_, i) => (10 + i) / 10));
}

/** Whether an axis can have these ends: with less than this between them uPlot looks for ticks without an end. */
export function apart(low: number, high: number, log: boolean): boolean {
  const least = 1e-9 * Math.max(Math.abs(low), Math.abs(high));
  return Number.isFinite(low) && Number.isFinite(high) && high - low > least && (!log || low > 0);
}

/** The ends of an axis; a logarithmic one cannot begin at zero. */
export function ends(chart: Chart, name: "x" | "y", log: boolean): [number, number] {
  const { low, high } = chart[name];
  if (apart(low, high, log)) return [low, high];
  if (!log) return Number.isFinite(low) ? [low - (Math.abs(low) || 1) / 2, low + (Math.abs(low) || 1) / 2] : [0, 1];
  let least = high > 0 && Number.isFinite(high) ? high / 10 : 1;
  for (const line of chart.lines ?? []) for (const v of name === "x" ? line.x : line.y) if (v !== null && v > 0 && v < least) least = v;
  return [least, Math.max(Number.isFinite(high) ? high : 0, least * 10)];
}

/** Whether a tick of a logarithmic axis has a number: powers of ten, and 2 and 5 where there are few. */
function labelled(value: number, splits: (number | null)[]): boolean {
  const whole = value / 10 ** Math.floor(Math.log10(value) + 1e-9);
  // The end of an axis is no round number.
  if (Math.abs(whole - Math.round(whole)) > 1e-6) return false;
  const digit = Math.round(whole);
  const known = splits.filter((v): v is number => v !== null && v > 0);
  const decades = known.length ? Math.log10(known[known.length - 1]! / known[0]!) : 0;
  if (decades > 2.5) return digit === 1 || digit === 10;
  if (decades > 1.2) return [1, 2, 5, 10].includes(digit);
  return decades > 0.5 ? [1, 2, 3, 5, 7, 10].includes(digit) : true;
}
