// A plateau rule, a cyclical rate and one cycle beside a fixed rate, all from the same base rate.

import { el, fill } from "../dom";
import { rate, significant } from "../number";
import { Plot } from "../plot";
import { LOOKS, Readings, losses, overSteps } from "./curves";
import { Job, RateSlider, type SceneKind, choice, commands, fault, ladder, legend, opening } from "./parts";
import { Player } from "./player";
import { type Row, isRecorded, recorded, run } from "./source";
import { MODELS, OPTIMIZERS } from "./train";

export const ways: SceneKind = {
  id: "ways",
  title: "Changing rates",
  about: "The same base rate, changed in three ways during the run, beside one that stays: halved when the loss stops falling, up and down in cycles, and up once and down for good.",
  open(host, parameters, frame) {
    const rates = recorded("ways", "lr")?.map(Number) ?? ladder(0.001, 10, 4);
    let [model, optimizer] = [parameters.model ?? "mlp:16", parameters.optimizer ?? "sgd:0.9"];
    const steps = parameters.steps ?? "400";
    const slider = new RateSlider("Base rate", rates, opening(parameters.lr, 0.3, rates, !isRecorded), () => job.start(300));
    const [rateHost, lossHost, key] = [el("div", { class: "stage" }), el("div", { class: "stage" }), el("div", {})];
    const table = el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "results" });
    const below = el("div", {});
    const wrong = fault();
    let begin: Row | null = null;
    let end: Row | null = null;
    let frames: Row[] = [];
    let readings: Readings[] = [];
    let plots: [Plot, Plot] | null = null;
    const player = new Player((at) => show(at), (at) => `step ${frames[at]!.step}`, 70);
    const again = (set: () => void) => { set(); job.start(); };
    host.append(
      el("div", { class: "controls" }, slider.element,
        ...(isRecorded ? [] : [choice("Network", MODELS, model, (value) => again(() => (model = value))), choice("Optimizer", OPTIMIZERS, optimizer, (value) => again(() => (optimizer = value)))])),
      player.element,
      el("div", { class: "pair" }, el("div", {}, el("h3", {}, "Rate"), rateHost), el("div", {}, el("h3", {}, "Loss"), lossHost)),
      key, el("p", { class: "small" }, "Loss: on digits that are not trained on."), table, below, wrong.element,
    );
    const job = new Job(async (signal) => {
      const lr = String(slider.value);
      const asked: Record<string, string> = isRecorded ? { lr } : { lr, model, optimizer, steps };
      frame.save(asked);
      [begin, end, frames] = [null, null, []];
      player.reset();
      fill(table);
      for await (const row of run("ways", asked, signal)) {
        if (row.event === "begin") {
          begin = row;
          readings = row.runs.map(() => new Readings());
          fill(key, legend(row.runs.map((r: Row, i: number) => ({ name: r.name, ...LOOKS[i]! }))));
          fill(below, commands(row.runs.map((r: Row) => r.command)));
        } else if (row.event === "frame") {
          frames.push(row);
          (row.runs as Row[]).forEach((r, i) => readings[i]!.add(r));
          player.add();
        } else if (row.event === "end") end = row;
      }
      player.finish();
      wrong.show(null);
      if (begin && end) frame.tell(`Base rate ${rate(slider.value)}. ${results().map(([name, loss]) => `${name}: loss ${loss}`).join("; ")}`);
    }, wrong.show);
    const results = (): [string, string, string][] =>
      (end!.runs as Row[]).map((r, i) => [begin!.runs[i].name, r.diverged ? "diverged" : significant(r.val_loss ?? NaN, 3), r.score === null ? "" : `${significant(100 * r.score, 3)} %`]);
    const show = (at: number) => {
      if (!begin || !frames[at]) return;
      const names = begin.runs.map((r: Row) => r.name as string);
      const top = readings.flatMap((r) => r.rates).reduce<number>((most, r) => Math.max(most, r ?? 0), 0) || 1;
      const over = overSteps("Rate over steps", `${names.join(", ")}.`, begin.steps, { label: "rate", log: false, low: -0.03 * top, high: top * 1.05 },
        readings.map((r, i) => ({ name: names[i]!, x: r.upTo(at).rates[0], y: r.upTo(at).rates[1] })));
      const loss = losses("Loss over steps", `${names.join(", ")}.`, begin.steps, readings, names, at, false);
      if (plots) {
        plots[0].update(over);
        plots[1].update(loss);
      } else plots = [new Plot(rateHost, over, { ratio: 0.62 }), new Plot(lossHost, loss, { ratio: 0.62 })];
      if (end && at === frames.length - 1) {
        const head = el("tr", {}, ...["way", "loss at the end", begin.score].map((h: string, i) => el("th", { scope: "col", class: i ? "n" : "" }, h)));
        const rows = results().map((cells) => el("tr", {}, ...cells.map((c, i) => (i ? el("td", { class: "n" }, c) : el("th", { scope: "row" }, c)))));
        fill(table, el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows)));
      }
    };
    job.start();
    return { destroy() { job.stop(); player.destroy(); plots?.forEach((p) => p.destroy()); } };
  },
};
