// Guess the rate, then see: a run at the guess, a search, and where the guess lies.

import type { Chart, Point } from "../chart";
import { button, el, fill, say } from "../dom";
import { rate, significant } from "../number";
import { Plot } from "../plot";
import { Job, RateSlider, type SceneKind, Task, commands, fault, ladder, opening, whole } from "./parts";
import { type Row, isRecorded, recorded, run } from "./source";
import { INKS, PLACES } from "./train";

export const guess: SceneKind = {
  id: "guess",
  title: "Guess",
  about: "Which rate would you take for this network? Guess, then see what a run at your rate and a search say.",
  open(host, parameters, frame) {
    const rates = recorded("guess", "lr")?.map(Number) ?? ladder(0.00001, 100, 4);
    let steps = Number(parameters.steps) || 500;
    const slider = new RateSlider("Your guess", rates, opening(parameters.lr, 0.01, rates, !isRecorded), () => keep());
    const [stage, below, table] = [el("div", { class: "stage" }), el("div", {}), el("dl", {})];
    const now = el("p", { class: "small", role: "status" });
    const verdict = el("p", { class: "verdict big" });
    const wrong = fault();
    const key = el("p", { class: "small", hidden: true },
      "Rings: runs of the search, most of them short and so with a higher loss. Diamond: the full run at your guess. Square: the full run at the answer. Cross: diverged. Grey: where the search expects the loss of a full run, in 80 of 100 cases.");
    let plot: Plot | null = null;
    const changed = () => { job.stop(); keep(); };
    const task = new Task(parameters, () => String(steps), changed);
    const asked = () => ({ lr: String(slider.value), ...task.asked() });
    const keep = () => frame.save(asked());
    host.append(
      el("div", { class: "controls" },
        ...task.elements, ...(isRecorded ? [] : [whole("Steps", steps, [100, 2000], (value) => { steps = value; changed(); })]),
        slider.element, button("Show me", () => job.start(), { class: "go" })),
      now, verdict, table, stage, key, below, wrong.element,
    );
    const job = new Job(async (signal) => {
      frame.save({ ...asked(), seen: "yes" });
      const rows: Row[] = [];
      plot?.destroy();
      plot = null;
      key.hidden = true;
      say(verdict, "");
      fill(table);
      fill(below);
      wrong.show(null);
      for await (const row of run("guess", asked(), signal)) {
        rows.push(row);
        if (row.event === "begin") say(now, `training at ${row.name === "guess" ? "your guess" : "the answer"}, ${rate(row.lr)}`);
        if (row.event === "search") say(now, "searching");
        if (row.event === "ended" || row.event === "end" || row.event === "answer") draw(rows);
      }
      say(now, "");
      const said = judge(rows);
      say(verdict, said);
      frame.tell(said);
      fill(below, commands(rows.filter((r) => r.command).map((r) => r.command as string)));
    }, (error) => { say(now, ""); wrong.show(error); });

    const judge = (rows: Row[]): string => {
      const judged = rows.find((r) => r.event === "judged");
      const report = rows.find((r) => r.event === "answer")?.report;
      const ends = rows.filter((r) => r.event === "end");
      if (!judged || !report) return "";
      if (report.lr === null) return `The search gives no rate: ${report.why}.`;
      const value = (row: Row | undefined) => (row?.runs[0].diverged ? "diverged" : significant(row?.runs[0].val_loss ?? NaN, 3));
      fill(table, ...[["loss at your guess", value(ends[0])], ["loss at the answer", value(ends[1])], ["the answer", rate(report.lr)],
        ...(report.low === null ? [] : [["80 % interval", `${rate(report.low)} to ${rate(report.high)}`]]), ["cost of the search", `${significant(report.cost_runs, 2)} full runs`]]
        .map(([name, text]) => el("div", {}, el("dt", {}, name), el("dd", {}, text))));
      verdict.className = `verdict big ${INKS[judged.placement]}`;
      const times = 2 ** Math.abs(judged.octaves);
      const far = times < 1.1 ? "the same as the answer" : `${significant(times, 2)} times ${judged.octaves < 0 ? "lower" : "higher"} than the answer`;
      const kept = judged.kept === null ? "" : ` It gains ${Math.round(100 * judged.kept)} % of what the answer gains.`;
      return `Your guess is ${PLACES[judged.placement]}: ${far}.${kept}`;
    };

    const draw = (rows: Row[]) => {
      const trials = new Map(rows.filter((r) => r.event === "trial").map((r) => [r.trial as number, r]));
      const ended = rows.filter((r) => r.event === "ended").map((r) => ({ ...r, ...trials.get(r.trial), loss: r.loss, diverged: r.diverged }) as Row);
      const runs = rows.filter((r) => r.event === "end").map((r) => ({ name: r.name as string, ...(r.runs[0] as Row) }));
      const answer = rows.find((r) => r.event === "answer");
      const found = answer?.report.lr as number | null | undefined;
      const untrained = ended.find((t) => t.untrained)?.untrained ?? 2.5;
      const top = untrained * 1.25;
      const height = (loss: number | null, diverged: boolean) => (diverged || loss === null ? top * 0.97 : Math.min(loss, top * 0.97));
      const points: Point[] = ended.map((t) => ({
        x: t.lr, y: height(t.loss, t.diverged), shape: t.diverged ? "cross" : "ring", ink: t.diverged ? "bad" : "faint",
        note: `search, rate ${rate(t.lr)}, ${t.steps} steps: ${t.diverged ? "diverged" : `loss ${significant(t.loss ?? NaN, 3)}`}`,
      }));
      for (const r of runs as Row[]) {
        const mine = r.name === "guess";
        points.push({
          x: r.lr, y: height(r.val_loss, r.diverged), shape: r.diverged ? "cross" : mine ? "diamond" : "square", ink: mine ? "high" : "good",
          note: `full run at ${mine ? "your guess" : "the answer"}, rate ${rate(r.lr)}: ${r.diverged ? "diverged" : `loss ${significant(r.val_loss ?? NaN, 3)}`}`,
        });
      }
      const xs = points.map((p) => p.x);
      const bands = (answer?.landscape as Row[] | undefined)?.length
        ? [{ ink: "fit" as const, name: "loss of a full run", x: answer!.landscape.map((b: Row) => b.lr), low: answer!.landscape.map((b: Row) => b.low), high: answer!.landscape.map((b: Row) => b.high) }] : [];
      const chart: Chart = {
        title: "Loss over rate", summary: `${points.length} runs: ${points.map((p) => p.note).join("; ")}.`,
        x: { label: "rate", log: true, low: 10 ** Math.floor(Math.log10(Math.min(...xs)) - 0.05), high: 10 ** Math.ceil(Math.log10(Math.max(...xs)) + 0.05) }, y: { label: "loss", log: false, low: 0, high: top },
        points, bands, rules: [
          { axis: "x", at: slider.value, ink: "high", dash: [8, 4], label: "your guess" },
          ...(found ? [{ axis: "x" as const, at: found, ink: "good" as const, label: "answer" }] : [])],
      };
      if (plot) plot.update(chart);
      else plot = new Plot(stage, chart, { ratio: 0.42 });
      key.hidden = false;
    };
    if (parameters.seen === "yes") job.start();
    else keep();
    return { destroy() { job.stop(); plot?.destroy(); } };
  },
};
