// A small network, trained at three rates at once: its loss, the movement of its weights, and its mistakes.

import { el, fill, say } from "../dom";
import { rate, significant } from "../number";
import { LOOKS, around, losses, overSteps } from "./curves";
import { Mistakes, Weights } from "./images";
import { RateSlider, type SceneKind, ladder, legend, opening } from "./parts";
import { Runs, type Taken } from "./runs";
import { type Row, isRecorded, recorded } from "./source";

const NAMES = ["low", "desirable", "high"];
const USUAL = [0.0005, 0.1, 3];
export const PLACES: Record<string, string> = { too_low: "too low", good: "good", too_high: "too high", diverged: "diverged", unknown: "unclear" };
export const INKS: Record<string, string> = { too_low: "low", good: "good", too_high: "high", diverged: "bad", unknown: "unknown" };

export const train: SceneKind = {
  id: "train",
  title: "Three rates",
  about: "One small network learns to read handwritten digits, three times at once: everything but the rate is the same. Move a rate, and it is trained again.",
  open(host, parameters, frame) {
    const rates = recorded("train", "lr")?.map(Number) ?? ladder(0.00001, 100, 4);
    const given = (parameters.lr ?? "").split(",");
    const panels = NAMES.map((name, i) => {
      const slider = new RateSlider(`${name} rate`, rates, opening(given[i], USUAL[i]!, rates, !isRecorded), () => runs.start(300));
      const [weights, mistakes] = [new Weights(), new Mistakes()];
      const facts = el("dl", {});
      const verdict = el("p", { class: "verdict" });
      const wrong = el("h3", {}, "Mistakes");
      const element = el("article", { class: `run ${LOOKS[i]!.ink}`, "aria-label": `${name} rate` },
        slider.element, facts, verdict, el("h3", {}, "Weights into the first units"), weights.element, wrong, mistakes.element);
      return { slider, weights, mistakes, facts, verdict, wrong, element };
    });
    const draw = ({ begin, frames, readings, end }: Taken, at: number, last: boolean) => {
      panels.forEach((panel, i) => {
        const now = frames[at]!.runs[i] as Row;
        const { classes, shape } = begin.images;
        panel.weights.show(now.units, shape, `weights into ${now.units.length} units at step ${now.steps}, moved ${significant(now.moved ?? NaN, 2)} of their length`);
        panel.mistakes.show(begin.images, now);
        say(panel.wrong, `Mistakes: ${now.wrong} of ${classes.length} digits${now.wrong > now.mistakes.length ? `, the first ${now.mistakes.length}` : ""}`);
        fact(panel.facts, [["loss", significant(now.val ?? NaN, 3)], [begin.score, now.score === null ? "none" : `${significant(100 * now.score, 3)} %`], ["moved", significant(now.moved ?? NaN, 2)]]);
        const summary = last ? (end!.runs[i] as Row) : null;
        panel.verdict.className = `verdict ${summary ? INKS[summary.verdict] : ""}`;
        say(panel.verdict, summary ? ending(summary) : "\u00a0");
      });
      const names = panels.map((p) => `rate ${rate(p.slider.value)}`);
      const told = last ? (end!.runs as Row[]).map((r, i) => `${NAMES[i]}: ${ending(r)}`).join("; ") + "." : "Three runs.";
      const loss = losses("Loss over steps", told, begin.steps, readings, names, at, true);
      const moved = overSteps("Movement of the weights over steps", "Distance from the start.", begin.steps,
        around(readings.flatMap((r) => r.moved), "distance / first length", 1e5), readings.map((r, i) => ({ name: names[i]!, x: r.upTo(at).moved[0], y: r.upTo(at).moved[1] })));
      return [loss, moved] as [typeof loss, typeof moved];
    };
    const [lossHost, movedHost] = [el("div", { class: "stage" }), el("div", { class: "stage" })];
    const runs = new Runs({
      name: "train", steps: "300", lr: () => panels.map((p) => p.slider.value).join(","), hosts: [lossHost, movedHost], show: draw,
      ended: (_, end) => (end.runs as Row[]).map((r, i) => `${NAMES[i]} rate ${rate(r.lr)}: ${ending(r)}`).join("; "),
    }, parameters, frame);
    host.append(
      runs.task.elements.length ? el("div", { class: "controls" }, ...runs.task.elements) : "",
      runs.player.element,
      el("div", { class: "runs" }, ...panels.map((p) => p.element)),
      el("div", { class: "pair" },
        el("div", {}, el("h3", {}, "Loss"), lossHost), el("div", {}, el("h3", {}, "How far the weights have moved"), movedHost)),
      legend(NAMES.map((name, i) => ({ name: `${name} rate`, ...LOOKS[i]! }))),
      el("p", { class: "small" }, "Strong lines: loss on digits that are not trained on. Pale lines: loss of each mini-batch. Movement: distance of all weights from their start, over their first length."),
      runs.commands, runs.fault.element,
    );
    runs.start();
    return { destroy: () => runs.destroy() };
  },
};

/** Facts in a list of terms; made once, then only their texts change. */
export function fact(list: HTMLElement, facts: [string, string][]): void {
  if (list.children.length !== facts.length) fill(list, ...facts.map(([name]) => el("div", {}, el("dt", {}, name), el("dd", {}))));
  facts.forEach(([, value], i) => say(list.children[i]!.lastElementChild!, value));
}

/** What came of a run, by its own curve. */
export function ending(run: Row): string {
  if (run.diverged) return "Diverged: this rate is too high.";
  const place = PLACES[run.verdict] ?? "unclear";
  const sure = run.confidence > 0 ? ` (${Math.round(100 * run.confidence)} % sure)` : "";
  return place === "unclear" ? "Its curve does not tell where the rate lies." : `Its curve says: ${place}${sure}.`;
}
