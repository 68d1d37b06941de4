// A schedule in notation: drawn as one types, with its equivalents in PyTorch and optax.

import type { Chart } from "../chart";
import { button, el, fill, say } from "../dom";
import { significant } from "../number";
import { Plot } from "../plot";
import { Job, type SceneKind, choice, commands, copied, fresh, whole } from "./parts";
import { type Row, Refused, isRecorded, recorded, run } from "./source";

const EXAMPLES = [
  "warmup(10%) then cosine", "linear", "warmup(5%) then wsd(20%, sqrt)", "multi_step(0.1, 50%, 75%)", "one_cycle", "triangular(10%)",
  "sgdr(25%, floor=0.05)", "inverse_sqrt(100)", "0.1 + 0.9 * repeat(cosine, times=4)",
];

export const schedule: SceneKind = {
  id: "schedule",
  title: "Schedule",
  about: "How the rate changes over a run, written in one line. It is drawn by the parser that the command line uses, and given as code for PyTorch and optax.",
  open(host, parameters, frame) {
    let text = parameters.text ?? EXAMPLES[0]!;
    let steps = Number(parameters.steps) || 1000;
    const lr = parameters.lr ?? "0.1";
    const id = fresh("notation");
    const input = el("input", {
      id, type: "text", value: text, spellcheck: "false", autocomplete: "off", autocapitalize: "off", "aria-describedby": `${id}-fault`,
      oninput: () => { text = input.value; job.start(120); },
    });
    const problem = el("div", { id: `${id}-fault`, class: "problem", role: "status" });
    const resolved = el("p", { class: "resolved" });
    const stage = el("div", { class: "stage" });
    const code = el("div", { class: "code" });
    let plot: Plot | null = null;
    const use = (example: string) => { text = input.value = example; job.start(); };
    const known = recorded("schedule", "text");
    if (known) {
      text = known.includes(text) ? text : known[0]!;
      host.append(el("div", { class: "controls" }, choice("Schedule", known.map((t) => [t, t] as const), text, use)));
    } else {
      host.append(
        el("div", { class: "controls top" },
          el("div", { class: "field wide" }, el("label", { for: id }, "Schedule in notation"), input, problem),
          whole("Steps of the run", steps, [1, 1_000_000_000], (value) => { steps = value; job.start(); })),
        el("div", { class: "examples", role: "group", "aria-label": "examples" }, ...EXAMPLES.map((e) => button(e, () => use(e)))),
      );
    }
    host.append(resolved, stage, code);
    const job = new Job(async (signal) => {
      const asked: Record<string, string> = isRecorded ? { text } : { text, steps: String(steps), lr };
      frame.save(asked);
      for await (const row of run("schedule", asked, signal)) draw(row);
      problem.replaceChildren();
      input.setAttribute("aria-invalid", "false");
    }, (error) => {
      input.setAttribute("aria-invalid", "true");
      const column = error instanceof Refused ? error.column : null;
      fill(problem, ...(column === null ? [] : [el("pre", { "aria-hidden": "true" }, `${[...text].slice(0, column).join("")}`, el("mark", {}, [...text].slice(column).join("") || " "))]),
        el("p", {}, error.message));
    });
    const draw = (row: Row) => {
      say(resolved, `${row.notation}`);
      const top = (row.rates as number[]).reduce((a, b) => Math.max(a, b), 0) || 1;
      const chart: Chart = {
        title: "Rate over steps", summary: `${row.notation}: from ${significant(row.rates[0], 3)} to ${significant(row.rates[row.rates.length - 1], 3)} over ${row.steps} steps, at most ${significant(top, 3)}.`,
        x: { label: "step", log: false, low: 0, high: Math.max(1, row.steps - 1) }, y: { label: "rate", log: false, low: -0.03 * top, high: top * 1.05 },
        lines: [{ name: "rate", ink: "low", width: 2.4, x: row.at, y: row.rates }],
      };
      if (plot) plot.update(chart);
      else plot = new Plot(stage, chart, { ratio: 0.36 });
      fill(code, peer("PyTorch", row.torch), peer("optax", row.optax), commands([row.command]));
    };
    job.start();
    return { destroy() { job.stop(); plot?.destroy(); } };
  },
};

function peer(library: string, { code, named, note }: Row): HTMLElement {
  const title = named ? `${library}: ${named}` : `${library}: ${code ? "as a function" : "no equivalent"}`;
  return el("section", { class: "peer" }, el("h3", {}, title), note && el("p", { class: "small" }, note), code && copied(code, `code for ${library}`));
}
