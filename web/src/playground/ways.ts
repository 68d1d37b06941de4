// A plateau rule, a cyclical rate and one cycle beside a fixed rate, all from the same base rate.

import { el, fill } from "../dom";
import { rate, significant } from "../number";
import { LOOKS, losses, overSteps } from "./curves";
import { RateSlider, type SceneKind, ladder, legend, opening } from "./parts";
import { Runs, type Taken } from "./runs";
import { type Row, isRecorded, recorded } from "./source";

export const ways: SceneKind = {
  id: "ways",
  title: "Changing rates",
  about: "The same base rate, changed in three ways during the run, beside one that stays: halved when the loss stops falling, up and down in cycles, and up once and down for good.",
  open(host, parameters, frame) {
    const rates = recorded("ways", "lr")?.map(Number) ?? ladder(0.001, 10, 4);
    const slider = new RateSlider("Base rate", rates, opening(parameters.lr, 0.3, rates, !isRecorded), () => runs.start(300));
    const [rateHost, lossHost, key] = [el("div", { class: "stage" }), el("div", { class: "stage" }), el("div", {})];
    const table = el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "results" });
    const results = (begin: Row, end: Row): [string, string, string][] =>
      (end.runs as Row[]).map((r, i) => [begin.runs[i].name, r.diverged ? "diverged" : significant(r.val_loss ?? NaN, 3), r.score === null ? "" : `${significant(100 * r.score, 3)} %`]);
    const draw = ({ begin, readings, end }: Taken, at: number, last: boolean) => {
      const names = begin.runs.map((r: Row) => r.name as string);
      const top = readings.flatMap((r) => r.rates).reduce<number>((most, r) => Math.max(most, r ?? 0), 0) || 1;
      const over = overSteps("Rate over steps", `${names.join(", ")}.`, begin.steps, { label: "rate", log: false, low: -0.03 * top, high: top * 1.05 },
        readings.map((r, i) => ({ name: names[i]!, x: r.upTo(at).rates[0], y: r.upTo(at).rates[1] })));
      const loss = losses("Loss over steps", `${names.join(", ")}.`, begin.steps, readings, names, at, false);
      if (last) {
        const head = el("tr", {}, ...["way", "loss at the end", begin.score].map((h: string, i) => el("th", { scope: "col", class: i ? "n" : "" }, h)));
        const rows = results(begin, end!).map((cells) => el("tr", {}, ...cells.map((c, i) => (i ? el("td", { class: "n" }, c) : el("th", { scope: "row" }, c)))));
        fill(table, el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows)));
      }
      return [over, loss] as [typeof over, typeof loss];
    };
    const runs = new Runs({
      name: "ways", steps: "400", lr: () => String(slider.value), hosts: [rateHost, lossHost], pace: 70, show: draw, clear: () => fill(table),
      begun: (begin) => fill(key, legend(begin.runs.map((r: Row, i: number) => ({ name: r.name, ...LOOKS[i]! })))),
      ended: (begin, end) => `Base rate ${rate(slider.value)}. ${results(begin, end).map(([name, loss]) => `${name}: loss ${loss}`).join("; ")}`,
    }, parameters, frame);
    host.append(
      el("div", { class: "controls" }, slider.element, ...runs.task.elements),
      runs.player.element,
      el("div", { class: "pair" }, el("div", {}, el("h3", {}, "Rate"), rateHost), el("div", {}, el("h3", {}, "Loss"), lossHost)),
      key, el("p", { class: "small" }, "Loss: on digits that are not trained on."), table, runs.commands, runs.fault.element,
    );
    runs.start();
    return { destroy: () => runs.destroy() };
  },
};
