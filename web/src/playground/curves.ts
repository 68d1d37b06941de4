// Charts out of the frames of runs.

import type { Axis, Chart, Ink, Line } from "../chart";
import type { Row } from "./source";

/** Looks of the runs, told apart by dashes as well. */
export const LOOKS: { ink: Ink; dash: number[] }[] = [
  { ink: "low", dash: [2, 3] },
  { ink: "good", dash: [] },
  { ink: "high", dash: [8, 4] },
  { ink: "unknown", dash: [8, 3, 2, 3] },
];

const finite = (v: unknown): v is number => typeof v === "number" && Number.isFinite(v);

/** Readings of one run, gathered from its frames. */
export class Readings {
  readonly steps: number[] = [];
  readonly losses: (number | null)[] = [];
  readonly rates: (number | null)[] = [];
  readonly valSteps: number[] = [];
  readonly val: (number | null)[] = [];
  readonly moved: (number | null)[] = [];
  /** How many readings there were at each frame. */
  private readonly marks: [number, number][] = [];

  /** Takes the frame of this run in. */
  add(frame: Row): void {
    const { from, losses, rates, steps, val, moved } = frame;
    (losses as (number | null)[]).forEach((loss, i) => {
      this.steps.push(from + i);
      this.losses.push(loss);
      this.rates.push(rates[i] ?? null);
    });
    // An ended run repeats its last evaluation.
    if (this.valSteps[this.valSteps.length - 1] !== steps) {
      this.valSteps.push(steps);
      this.val.push(val);
      this.moved.push(moved);
    }
    this.marks.push([this.steps.length, this.valSteps.length]);
  }

  /** Lines up to a frame. */
  upTo(at: number): { train: [number[], (number | null)[]]; rates: [number[], (number | null)[]]; val: [number[], (number | null)[]]; moved: [number[], (number | null)[]] } {
    const [a, b] = this.marks[Math.min(at, this.marks.length - 1)] ?? [0, 0];
    return {
      train: [this.steps.slice(0, a), this.losses.slice(0, a)],
      rates: [this.steps.slice(0, a), this.rates.slice(0, a)],
      val: [this.valSteps.slice(0, b), this.val.slice(0, b)],
      moved: [this.valSteps.slice(0, b), this.moved.slice(0, b)],
    };
  }
}

/** A logarithmic axis over values, cut at `most` times the first one, so that a broken run does not squeeze the rest. */
export function around(values: (number | null)[], label: string, most = 30): Axis {
  const sound = values.filter(finite).filter((v) => v > 0);
  if (!sound.length) return { label, log: true, low: 0.01, high: 10 };
  const top = Math.min(sound.reduce((a, b) => Math.max(a, b)), sound[0]! * most);
  const bottom = Math.max(sound.reduce((a, b) => Math.min(a, b)), top * 1e-6);
  return { label, log: true, low: bottom / 1.6, high: Math.max(top * 1.25, bottom * 4) };
}

export const stepAxis = (steps: number): Axis => ({ label: "step", log: false, low: 0, high: steps });

/** Losses over steps: those on held-out data, and with `raw` the ones of each mini-batch, pale, behind them. */
export function losses(title: string, summary: string, steps: number, runs: Readings[], names: string[], at: number, raw: boolean): Chart {
  // A mini-batch without an error has a loss of next to nothing; the axis is that of the held-out losses.
  const all = runs.flatMap((r) => r.val);
  const lines: Line[] = [];
  runs.forEach((run, i) => {
    const { train, val } = run.upTo(at);
    const look = LOOKS[i % LOOKS.length]!;
    if (raw) lines.push({ key: `r${i}`, name: `${names[i]}, training`, ink: look.ink, faint: true, width: 1, x: train[0], y: train[1] });
    lines.push({ key: `r${i}`, name: names[i]!, ...look, width: 2.4, x: val[0], y: val[1] });
  });
  return { title, summary, x: stepAxis(steps), y: around(all, "loss"), lines };
}

/** One value of each run over steps. */
export function overSteps(title: string, summary: string, steps: number, y: Axis, lines: { name: string; x: number[]; y: (number | null)[] }[]): Chart {
  return { title, summary, x: stepAxis(steps), y, lines: lines.map((line, i) => ({ key: `r${i}`, ...LOOKS[i % LOOKS.length]!, width: 2, ...line })) };
}
