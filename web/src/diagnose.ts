// A log that is dropped on the page, judged by the server; and the judgement of a log that is followed.

import type { Chart, Ink } from "./chart";
import { button, el, fill, say } from "./dom";
import { Plot } from "./plot";
import { typed } from "./words";

interface JudgedRun {
  name: string;
  verdict: string;
  ink: Ink;
  because: string;
  sure: string | null;
  lr: string | null;
  next: string | null;
  chart: Chart | null;
  findings: { code: string; title: string; evidence: string; advice: string }[];
}
export interface JudgementPart {
  runs: JudgedRun[];
  failed: [string, string][];
}

/** The place where a log can be dropped. */
export function dropped(): HTMLElement {
  const said = el("p", { role: "status" });
  const found = el("div", { class: "found" });
  const input = el("input", { type: "file", id: "log", class: "offscreen", tabindex: -1, "aria-label": "log file" });
  input.addEventListener("change", () => void (input.files?.[0] && send(input.files[0])));
  const area = el("section", { id: "drop", "aria-label": "Diagnose a log" }, el("h2", {}, "Diagnose a log"),
    el("p", {}, "Drop a training log here, or ", button("choose a file", () => input.click()), input,
      ": any CSV, JSON lines, TensorBoard events or text with a loss."), said, found);
  const send = async (file: File) => {
    say(said, `reading ${file.name}\u2026`);
    try {
      const answer = await fetch("/api/diagnose", { method: "POST", headers: { "x-file-name": encodeURIComponent(file.name) }, body: file });
      const body = (await answer.json()) as JudgementPart & { error?: string };
      say(said, body.error ? `not judged: ${body.error}` : `${file.name}:`);
      if (body.error) fill(found);
      else judgement(found, body);
    } catch {
      say(said, "not judged: the server does not answer");
    }
  };
  const over = (on: boolean) => (event: DragEvent) => {
    event.preventDefault();
    area.classList.toggle("over", on);
  };
  area.addEventListener("dragover", over(true));
  area.addEventListener("dragleave", over(false));
  area.addEventListener("drop", (event) => {
    over(false)(event);
    const file = event.dataTransfer?.files[0];
    if (file) void send(file);
  });
  return area;
}

/** Draws a judgement. */
export function judgement(into: HTMLElement, part: JudgementPart, as: "article" | "section" = "article"): void {
  fill(into,
    ...part.failed.map(([file, why]) => el("p", {}, el("strong", {}, "Not read: "), `${file}: ${why}`)),
    ...part.runs.map((run) => {
      const facts = [run.lr ? `lr ${run.lr}` : "rate not known", run.next && run.verdict !== "good" ? `next ${run.next}` : null];
      const box = el("div", { class: "plot" });
      const section = el(as, { class: "judged", "aria-label": `run ${run.name}` },
        el("h3", {}, `${run.name}: `, el("span", { class: `verdict ${run.ink}` }, run.verdict), run.sure ? ` (${run.sure} sure)` : ""),
        el("p", { class: "small" }, facts.filter(Boolean).join(", ")), el("p", {}, run.because), box,
        ...run.findings.map((f) => el("p", { class: "finding" }, el("code", {}, f.code), " ", el("strong", {}, f.title), `: ${f.evidence}. Do: `, ...typed(f.advice), ".")));
      if (run.chart) {
        const chart = run.chart;
        queueMicrotask(() => new Plot(box, chart, { switches: ["y"], ratio: 0.4 }));
      }
      return section;
    }));
}
