// Runs beside each other: asks for them, takes their rows in as they come, and shows each moment at
// the pace of the player. What a moment looks like is the scene's.

import type { Chart } from "../chart";
import { el, fill } from "../dom";
import { Plot } from "../plot";
import { Readings } from "./curves";
import { type Frame, Job, Task, commands, fault } from "./parts";
import { Player } from "./player";
import { type Parameters, type Row, run } from "./source";

/** What is known of the runs. */
export interface Taken {
  begin: Row;
  frames: Row[];
  readings: Readings[];
  /** Null until all have ended. */
  end: Row | null;
}

export interface RunsOptions {
  /** Which experiment. */
  name: "train" | "ways";
  /** Its rate or rates. */
  lr: () => string;
  /** Steps where the address names none. */
  steps: string;
  /** Two plots, each in its place. */
  hosts: [HTMLElement, HTMLElement];
  /** Milliseconds between two moments. */
  pace?: number;
  /** Forgets what the runs before left. */
  clear?: () => void;
  begun?: (begin: Row) => void;
  /** Shows moment `at`; gives the two plots. `last`: all have ended, and this is their last. */
  show: (taken: Taken, at: number, last: boolean) => [Chart, Chart];
  /** What came of them, in words. */
  ended: (begin: Row, end: Row) => string;
}

export class Runs {
  readonly player: Player;
  readonly task: Task;
  /** The commands that compute the same. */
  readonly commands = el("div", {});
  readonly fault = fault();
  private taken: Taken | null = null;
  private plots: [Plot, Plot] | null = null;
  private readonly job: Job;

  constructor(private readonly options: RunsOptions, parameters: Parameters, frame: Frame) {
    this.task = new Task(parameters, () => parameters.steps ?? options.steps, () => this.start());
    this.player = new Player((at) => this.show(at), (at) => `step ${this.taken?.frames[at]?.step}`, options.pace);
    this.job = new Job(async (signal) => {
      const asked: Parameters = { lr: options.lr(), ...this.task.asked() };
      frame.save(asked);
      this.taken = null;
      this.player.reset();
      options.clear?.();
      for await (const row of run(options.name, asked, signal)) this.take(row);
      this.player.finish();
      this.fault.show(null);
      const taken = this.taken as Taken | null;
      if (taken?.end) frame.tell(options.ended(taken.begin, taken.end));
    }, this.fault.show);
  }

  start(after = 0): void {
    this.job.start(after);
  }

  destroy(): void {
    this.job.stop();
    this.player.destroy();
    this.plots?.forEach((plot) => plot.destroy());
  }

  private take(row: Row): void {
    if (row.event === "begin") {
      this.taken = { begin: row, frames: [], readings: row.runs.map(() => new Readings()), end: null };
      fill(this.commands, commands(row.runs.map((r: Row) => r.command)));
      this.options.begun?.(row);
    } else if (row.event === "frame" && this.taken) {
      const { frames, readings } = this.taken;
      frames.push(row);
      (row.runs as Row[]).forEach((r, i) => readings[i]!.add(r));
      this.player.add();
    } else if (row.event === "end" && this.taken) this.taken.end = row;
  }

  private show(at: number): void {
    if (!this.taken?.frames[at]) return;
    const charts = this.options.show(this.taken, at, this.taken.end !== null && at === this.taken.frames.length - 1);
    if (this.plots) charts.forEach((chart, i) => this.plots![i]!.update(chart));
    else this.plots = this.options.hosts.map((host, i) => new Plot(host, charts[i]!, { ratio: 0.62 })) as [Plot, Plot];
  }
}
