// The studies of a file, side by side.

import type { Chart } from "./chart";
import { el, fill } from "./dom";
import { rate, significant } from "./number";
import { Plot } from "./plot";
import { dropped } from "./diagnose";

interface Brief {
  name: string;
  path: string;
  state: string;
  ended: number;
  written: string | null;
  question: string | null;
  task: string | null;
  lr: number | null;
  low: number | null;
  high: number | null;
  diverges_from: number | null;
  runs: number | null;
  refused: string | null;
}

export function studies(root: HTMLElement): void {
  const list = el("section", { "aria-label": "Studies" });
  const beside = el("section", { id: "beside", "aria-label": "Side by side", hidden: true });
  const plotBox = el("div", { class: "plot" });
  const off = new Set<string>();
  let plot: Plot | null = null;
  let seen = "";
  fill(root, el("header", { class: "plain" }, el("h1", {}, "Studies"), el("p", { class: "label" }, "")), list, beside, dropped());
  beside.append(el("h2", {}, "Side by side"), plotBox);

  const draw = (file: string, all: Brief[]) => {
    root.querySelector(".label")!.textContent = file;
    if (!all.length) {
      fill(list, el("p", {}, "No study yet. A search that is kept makes one: ", el("code", {}, "stepsize find --study NAME -- ./train --lr {lr}")));
      return;
    }
    const answered = all.filter((s) => s.lr !== null);
    const number = new Map(answered.map((s, i) => [s.name, i + 1]));
    const asked = (s: Brief) => [s.question, s.task].filter(Boolean).join("; ");
    const row = (s: Brief) => el("tr", {},
      el("td", {}, number.has(s.name) ? el("label", {}, el("input", {
        type: "checkbox", checked: !off.has(s.name), "aria-label": `show ${s.name} side by side`,
        onchange: () => { if (!off.delete(s.name)) off.add(s.name); chart(answered, number); },
      }), ` ${number.get(s.name)}`) : ""),
      el("th", { scope: "row" }, el("a", { href: s.path }, s.name)),
      el("td", { class: `state ${s.state}` }, s.state),
      el("td", { class: "n" }, s.lr === null ? (s.refused ? "refused" : "") : rate(s.lr)),
      el("td", { class: "n" }, s.low !== null && s.high !== null ? `${rate(s.low)} to ${rate(s.high)}` : ""),
      el("td", { class: "n" }, s.diverges_from === null ? "" : rate(s.diverges_from)),
      el("td", { class: "n" }, s.runs === null ? "" : significant(s.runs, 3)),
      el("td", { class: "n" }, s.ended), el("td", {}, s.written ?? ""), el("td", { class: "question", title: asked(s) }, asked(s)));
    const heads = ["beside", "study", "state", "lr", "80 % interval", "diverges from", "runs", "trials", "written (UTC)", "question"];
    const numeric = new Set([3, 4, 5, 6, 7]);
    fill(list, el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "table of studies" }, el("table", { class: "studies" },
      el("thead", {}, el("tr", {}, ...heads.map((h, i) => el("th", { scope: "col", class: numeric.has(i) ? "n" : null }, h)))),
      el("tbody", {}, ...all.map(row)))));
    chart(answered, number);
  };

  const chart = (answered: Brief[], number: Map<string, number>) => {
    const shown = answered.filter((s) => !off.has(s.name));
    beside.hidden = shown.length < 1;
    if (!shown.length) return;
    const rates = shown.flatMap((s) => [s.lr!, s.low ?? s.lr!, s.high ?? s.lr!]);
    const [low, high] = [Math.min(...rates), Math.max(...rates)];
    const drawn: Chart = {
      title: "Rates of the studies", summary: `${shown.length} studies with their 80 % intervals, numbered as in the table.`,
      x: { label: "study", log: false, low: 0.5, high: answered.length + 0.5, whole: true },
      y: { label: "learning rate", log: true, low: low / 1.6, high: high * 1.6 },
      points: shown.map((s) => ({
        key: s.name, x: number.get(s.name)!, y: s.lr!, low: s.low, high: s.high, shape: "dot" as const, ink: "good" as const,
        note: `${number.get(s.name)} ${s.name}: lr ${rate(s.lr!)}${s.low !== null && s.high !== null ? `, 80 % interval ${rate(s.low)} to ${rate(s.high)}` : ""}`,
      })),
    };
    if (plot) plot.update(drawn);
    else plot = new Plot(plotBox, drawn, { ratio: 0.34 });
  };

  const look = async () => {
    try {
      const answer = await fetch("/api/studies");
      const text = await answer.text();
      const body = JSON.parse(text) as { file: string; studies: Brief[]; error?: string };
      if (body.error) fill(list, el("p", {}, body.error));
      else if (text !== seen) draw(body.file, body.studies);
      seen = text;
    } catch {
      seen = "";
    }
    // A table that is not seen need not be new.
    setTimeout(() => void look(), document.hidden ? 15000 : 3000);
  };
  void look();
}
