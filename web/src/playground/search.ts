// The range test and a descending rule, animated on the same job.

import type { Axis, Chart, Line } from "../chart";
import { el, fill, say } from "../dom";
import { rate, significant } from "../number";
import { Plot } from "../plot";
import { stepAxis } from "./curves";
import { Job, type SceneKind, Task, choice, commands, fault } from "./parts";
import { Player } from "./player";
import { type Row, run } from "./source";

const RULES = [["first-fall", "from 10 down until the loss falls at once"], ["descent", "from 0.1 down until a run works"]] as const;

/** One search with its plot, its player and its words. */
class Panel {
  readonly element: HTMLElement;
  private readonly stage = el("div", { class: "stage" });
  private readonly words = el("p", { class: "verdict" });
  private readonly tries = el("ol", { class: "tries" });
  private readonly player: Player;
  private plot: Plot | null = null;
  private rows: Row[] = [];
  private begin: Row | null = null;
  answer: Row | null = null;

  constructor(title: HTMLElement, private readonly ramp: boolean) {
    this.player = new Player((at) => this.show(at), (at) => this.moment(at), 60);
    this.element = el("article", { class: "search" }, title, this.player.element, this.stage, this.tries, this.words);
    this.tries.hidden = ramp;
  }

  async play(parameters: Record<string, string>, signal: AbortSignal): Promise<void> {
    [this.rows, this.answer, this.begin] = [[], null, null];
    this.player.reset();
    for await (const row of run("search", parameters, signal)) {
      if (row.event === "search") this.begin = row;
      else {
        if (row.event === "answer") this.answer = row;
        this.rows.push(row);
        this.player.add();
      }
    }
    this.player.finish();
  }

  get command(): string {
    return this.begin?.command ?? "";
  }

  get sentence(): string {
    const report = this.answer?.report;
    if (!report) return "";
    const cost = `${significant(report.cost_runs, 2)} of a full run`;
    return report.lr === null ? `No rate: ${report.why}. Cost: ${cost}.` : `Rate ${rate(report.lr)}: ${report.why}. Cost: ${cost}.`;
  }

  destroy(): void {
    this.player.destroy();
    this.plot?.destroy();
  }

  private moment(at: number): string {
    const row = this.rows[at]!;
    return row.event === "points" ? `rate ${rate(row.rates[row.rates.length - 1])}` : row.event === "answer" ? "the answer" : row.lr ? `rate ${rate(row.lr)}` : "";
  }

  private show(at: number): void {
    const rows = this.rows.slice(0, at + 1);
    const answer = rows[at]?.event === "answer" ? this.answer : null;
    const chart = this.ramp ? this.rampChart(rows, answer) : this.triesChart(rows);
    if (this.plot) this.plot.update(chart);
    else this.plot = new Plot(this.stage, chart, { ratio: 0.62 });
    say(this.words, answer ? this.sentence : "\u00a0");
  }

  /** Loss over the rising rate. */
  private rampChart(rows: Row[], answer: Row | null): Chart {
    const points = (of: Row[]) => of.filter((r) => r.event === "points");
    const all = points(this.rows).flatMap((r) => r.rates as number[]);
    const [low, high] = [all[0] ?? 1e-6, Math.max(all[all.length - 1] ?? 10, (all[0] ?? 1e-6) * 10)];
    const [x, y] = [points(rows).flatMap((r) => r.rates as number[]), points(rows).flatMap((r) => r.losses as (number | null)[])];
    const first = points(this.rows).flatMap((r) => r.losses as number[])[0] ?? 1;
    const report = answer?.report;
    const rule = (at: number | null, ink: "good" | "bad", label: string, dash: number[]) => (at ? [{ axis: "x" as const, at, ink, label, dash }] : []);
    return {
      title: "Range test: loss over the rising rate", summary: answer ? this.sentence : "The rate rises from step to step.",
      x: { label: "rate", log: true, low, high }, y: { label: "loss", log: false, low: 0, high: first * 1.6 },
      lines: [{ name: "loss", ink: "low", width: 2, x, y }],
      rules: report ? [...rule(report.lr, "good", "answer", []), ...rule(report.divergence_lr, "bad", "breaks", [3, 3])] : [],
    };
  }

  /** Loss over steps of each try. */
  private triesChart(rows: Row[]): Chart {
    const tries = rows.filter((r) => r.event === "trial");
    const ended = new Map(rows.filter((r) => r.event === "ended").map((r) => [r.trial as number, r]));
    const found = this.answer && rows.includes(this.answer) ? (this.answer.report.lr as number | null) : null;
    const first = this.rows.find((r) => r.event === "points")?.losses[0] ?? 1;
    const steps = this.rows.filter((r) => r.event === "trial").reduce((most, r) => Math.max(most, r.steps), 1);
    const lines = tries.map((t): Line => {
      const y = rows.filter((r) => r.event === "points" && r.trial === t.trial).flatMap((r) => r.losses as (number | null)[]);
      const end = ended.get(t.trial);
      const ink = end?.diverged ? "bad" : found && t.lr === found ? "good" : "low";
      return { name: `rate ${rate(t.lr)}`, ink, dash: end?.diverged ? [3, 3] : [], width: 1.8, x: y.map((_, i) => i), y };
    });
    fill(this.tries, ...tries.map((t) => {
      const end = ended.get(t.trial);
      const what = !end ? "running" : end.diverged ? "diverged" : end.loss === null ? "ended" : `loss ${significant(end.untrained ?? NaN, 3)} to ${significant(end.loss, 3)}`;
      return el("li", {}, `${rate(t.lr)}: ${what}`);
    }));
    const y: Axis = { label: "loss", log: false, low: 0, high: first * 1.6 };
    return { title: "Tries: loss over steps", summary: found ? this.sentence : "One rate after another.", x: stepAxis(steps), y, lines };
  }
}

export const search: SceneKind = {
  id: "search",
  title: "Searches",
  about: "Two ways to look for a rate, on the same job. The range test raises the rate during one short run until training breaks; the descending rule begins too high and goes down.",
  open(host, parameters, frame) {
    let rule = parameters.rule ?? "first-fall";
    const task = new Task(parameters, () => parameters.steps ?? "500", () => job.start());
    const panels = [new Panel(el("h3", {}, "Range test"), true), new Panel(el("h3", {}, "Descending rule"), false)] as const;
    const below = el("div", {});
    const wrong = fault();
    host.append(
      el("div", { class: "controls" },
        choice("Descending rule", RULES, rule, (value) => { rule = value; job.start(); }), ...task.elements),
      el("div", { class: "pair" }, ...panels.map((p) => p.element)), el("p", { class: "small" }, "Loss: of each mini-batch. Dotted: a run that diverged, or the rate at which training breaks."), below, wrong.element,
    );
    const job = new Job(async (signal) => {
      const common = task.asked();
      frame.save({ ...common, rule });
      await panels[0].play({ ...common, probe: "range-test" }, signal);
      await panels[1].play({ ...common, probe: rule }, signal);
      fill(below, commands(panels.map((p) => p.command)));
      wrong.show(null);
      frame.tell(`Range test: ${panels[0].sentence} Descending rule: ${panels[1].sentence}`);
    }, wrong.show);
    job.start();
    return { destroy() { job.stop(); panels.forEach((p) => p.destroy()); } };
  },
};
