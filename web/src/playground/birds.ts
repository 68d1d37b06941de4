// The ten black birds and the yellow one, with the rate as a slider.

import type { Chart } from "../chart";
import { el, fill, say } from "../dom";
import { significant } from "../number";
import { Plot } from "../plot";
import { Job, RateSlider, type SceneKind, commands, fault, ladder, legend, opening, whole } from "./parts";
import { type Row, isRecorded, recorded, run } from "./source";

export const birds: SceneKind = {
  id: "birds",
  title: "Birds",
  about: "A child has seen ten black birds, and now comes a yellow one. The rate says how far one example may move a belief.",
  open(host, parameters, frame) {
    const rates = recorded("birds", "lr")?.map(Number) ?? ladder(0.01, 100, 8);
    let seed = Number(parameters.seed) || 0;
    const slider = new RateSlider("Rate of learning", rates, opening(parameters.lr, 0.5, rates, !isRecorded), () => job.start(40));
    const words = el("p", { class: "verdict", role: "status" });
    const row = el("div", { class: "birds", role: "img" });
    const stage = el("div", { class: "stage" });
    const below = el("div", {});
    const wrong = fault();
    let plot: Plot | null = null;
    host.append(
      el("div", { class: "controls" }, slider.element, !isRecorded && whole("Seed of the later birds", seed, [0, 9999], (value) => { seed = value; job.start(); })),
      row, stage, legend([{ name: "belief that the next bird is yellow", ink: "good" }, { name: "share of yellow birds so far", ink: "faint", dash: [2, 3] }]), words, below, wrong.element,
    );
    const job = new Job(async (signal) => {
      const asked: Record<string, string> = isRecorded ? { lr: String(slider.value) } : { lr: String(slider.value), seed: String(seed) };
      frame.save(asked);
      for await (const told of run("birds", asked, signal)) draw(told);
      wrong.show(null);
    }, wrong.show);
    const draw = (told: Row) => {
      const seen = told.birds as boolean[];
      fill(row, ...seen.map((yellow) => el("span", { class: yellow ? "yellow" : "black" })));
      row.setAttribute("aria-label", `${seen.length} birds: ${told.first} black ones, a yellow one, then ${seen.length - told.first - 1} more of which ${seen.slice(told.first + 1).filter(Boolean).length} are yellow`);
      let yellow = 0;
      const share = seen.map((is, i) => (yellow += Number(is)) / (i + 1));
      const beliefs = told.beliefs as number[];
      const chart: Chart = {
        title: "Belief over birds", summary: `${told.words}.`,
        x: { label: "birds seen", log: false, low: 0, high: seen.length }, y: { label: "belief: yellow", log: false, low: -0.03, high: 1.03 },
        rules: [{ axis: "x", at: told.first + 1, ink: "faint", dash: [4, 4], label: "the first yellow bird" }],
        lines: [
          { name: "share of yellow so far", ink: "faint", dash: [2, 3], width: 1.5, x: share.map((_, i) => i + 1), y: share },
          { name: "belief", ink: "good", width: 2.6, x: beliefs.map((_, i) => i), y: beliefs },
        ],
      };
      if (plot) plot.update(chart);
      else plot = new Plot(stage, chart, { ratio: 0.36 });
      const best = told.best as number;
      const times = told.lr / best;
      const where = times > 0.999 && times < 1.001 ? "the best rate for these birds" : times < 1 ? `${significant(1 / times, 2)} times lower than the best one, ${significant(best, 3)}` : `${significant(times, 2)} times higher than the best one, ${significant(best, 3)}`;
      const sentence = `${told.words[0].toUpperCase()}${told.words.slice(1)}.`;
      say(words, `${sentence} This rate is ${where}.`);
      fill(below, commands([`stepsize demo --rates ${[best / 40, told.lr, best * 40].sort((a, b) => a - b).map((v) => significant(v, 6)).join(",")}${seed ? ` --seed ${seed}` : ""}`]));
    };
    job.start();
    return { destroy() { job.stop(); plot?.destroy(); } };
  },
};
