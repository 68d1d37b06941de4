// The page of one study: in a report, and live.

import { Actions } from "./actions";
import type { Chart, Line } from "./chart";
import { button, el, fill, say } from "./dom";
import { count, seconds, significant } from "./number";
import { type AnswerPart, type CostPart, type News, type Parts, type Status, type TrialPart, isTrial } from "./parts";
import { Plot, type PlotOptions } from "./plot";
import { TrialTable, showRow } from "./table";
import { command, copy, typed } from "./words";

/** More rates than this are not switched one by one: the table chooses among them. */
const SWITCHED = 24;

export class StudyPage {
  private parts: Parts = {};
  private trials = new Map<string, TrialPart>();
  private now: Status = {};
  private selected: string | null = null;
  private readonly hidden = new Set<string>();
  private readonly plots = new Map<string, Plot>();
  private readonly answer = el("header", { class: "answer waiting" }, el("p", { class: "label" }, "study"), el("h1", {}, "\u2026"));
  private readonly progress = el("section", { id: "progress", "aria-label": "Progress", hidden: true });
  private readonly sections: Record<"sensitivity" | "chance" | "losses" | "tightening", HTMLElement>;
  private readonly toggles = el("div", { class: "toggles", role: "group", "aria-label": "rates shown" });
  private readonly cost = el("section", { id: "cost", "aria-label": "Cost" });
  private readonly count = el("h2", {}, "Trials");
  private readonly detail = el("div", { id: "detail" });
  private readonly listed: HTMLElement;
  private readonly about = el("section", { id: "about", "aria-label": "Command" });
  private readonly table: TrialTable;
  private readonly actions: Actions | null;
  private frame = 0;
  private readonly stale = new Set<string>();

  /** `name` is the name of a live study; null in a report. */
  constructor(root: HTMLElement, private readonly name: string | null) {
    this.table = new TrialTable((key) => this.choose(key));
    this.listed = el("section", { id: "trials", "aria-label": "Trials", hidden: true }, this.count, this.detail, this.table.root);
    this.actions = name === null ? null : new Actions(name);
    const plot = (id: string, heading: string) =>
      el("section", { id, "aria-label": heading }, el("h2", {}, heading), el("div", { class: "plot" }));
    this.sections = {
      sensitivity: plot("sensitivity", "Loss over learning rate"),
      chance: plot("chance", "Chance of each rate"),
      losses: plot("losses", "Loss over steps"),
      tightening: plot("tightening", "How the answer tightened"),
    };
    this.sections.losses.insertBefore(this.toggles, this.sections.losses.lastElementChild);
    fill(root, this.answer, this.progress, this.actions?.root, ...Object.values(this.sections), this.cost, this.listed, this.about);
    this.about.hidden = true;
    addEventListener("hashchange", () => this.fromHash());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.selected && event.target === document.body) this.choose(null);
    });
  }

  /** Takes in parts that are new. */
  update(news: News): void {
    if (news.whole) {
      this.parts = {};
      this.trials.clear();
    }
    for (const [name, part] of Object.entries(news.parts)) {
      if (isTrial(name)) {
        this.trials.set(name, part as TrialPart);
        this.stale.add("trials").add("losses");
      } else {
        (this.parts as Record<string, unknown>)[name] = part;
        this.stale.add(name);
      }
    }
    this.later();
  }

  /** Takes in what no event changes. */
  status(status: Status): void {
    const before = this.now.state;
    this.now = status;
    this.stale.add("status");
    if (before !== status.state) this.stale.add("answer").add("sensitivity");
    this.later();
  }

  private later(): void {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  private draw(): void {
    const stale = new Set(this.stale);
    this.stale.clear();
    if (stale.has("answer") && this.parts.answer) this.drawAnswer(this.parts.answer);
    if (stale.has("sensitivity")) this.draw1("sensitivity", this.parts.sensitivity);
    if (stale.has("chance")) this.draw1("chance", this.parts.chance);
    if (stale.has("losses")) {
      this.drawToggles();
      this.draw1("losses", this.losses());
    }
    if (stale.has("tightening")) this.draw1("tightening", this.parts.tightening);
    if (stale.has("cost")) this.drawCost(this.parts.cost ?? null);
    if (stale.has("trials")) {
      this.listed.hidden = this.trials.size === 0;
      say(this.count, `Trials (${count(this.trials.size)})`);
      this.table.update(this.trials);
      if (!this.selected) this.fromHash();
      this.drawDetail();
    }
    if (stale.has("status") || stale.has("study")) this.drawStatus();
    if (stale.has("study")) this.drawAbout();
  }

  private drawAnswer(answer: AnswerPart): void {
    const searching = this.now.state === "running" && !answer.answered;
    this.answer.className = `answer ${answer.answered ? "" : searching ? "waiting" : "refused"}`;
    const lines = searching ? answer.lines.filter(([bold]) => bold !== "Do:") : answer.lines;
    const label = this.now.state === "running" && answer.answered ? "learning rate so far" : answer.label;
    fill(this.answer,
      el("p", { class: "label" }, searching ? "searching" : label),
      el("h1", {}, searching ? "No rate yet" : answer.title),
      answer.facts.length > 0 && el("dl", {}, ...answer.facts.map(([k, v]) => el("div", {}, el("dt", {}, k), el("dd", {}, v)))),
      ...lines.map(([bold, text]) => el("p", {}, bold ? el("strong", {}, `${bold} `) : null, ...typed(text))),
      el("p", { class: "task" }, `${answer.task}, schedule `, el("code", {}, answer.schedule)));
    if (this.name !== null) document.title = `${answer.answered ? `lr ${answer.title}` : "no rate"}: ${this.name} - Stepsize`;
  }

  /** One plot, in its section, which is hidden where there is nothing to draw. */
  private draw1(id: keyof StudyPage["sections"], chart: Chart | null | undefined): void {
    const section = this.sections[id];
    const box = section.lastElementChild as HTMLElement;
    const known = this.plots.get(id);
    // A search that has just begun says so once.
    const waiting = !chart && id === "sensitivity" && this.now.state === "running";
    section.hidden = !chart && !waiting;
    if (!chart) {
      known?.destroy();
      this.plots.delete(id);
      return fill(box, waiting ? el("p", { class: "small" }, "No trial has anything to show yet.") : null);
    }
    say(section.firstElementChild!, chart.title);
    if (known) return known.update(chart);
    fill(box);
    const options: PlotOptions = { onSelect: (key) => this.choose(key) };
    if (id === "losses") options.switches = ["x", "y"];
    if (id === "sensitivity") options.switches = ["y"];
    if (id === "tightening" || id === "chance") options.ratio = 0.3;
    const plot = new Plot(box, chart, options);
    plot.select(this.selected);
    this.plots.set(id, plot);
  }

  private losses(): Chart | null {
    const frame = this.parts.losses;
    if (!frame) return null;
    const shown = [...this.trials.values()].filter((t) => !this.hidden.has(t.rate));
    // Good trials last, so that they lie on top.
    shown.sort((a, b) => Number(a.ink === "good") - Number(b.ink === "good") || a.steps - b.steps);
    const lines: Line[] = shown.flatMap((t) => t.lines);
    return { ...frame, lines, points: shown.flatMap((t) => t.point ?? []) };
  }

  /** A button for each rate, in the order of the rates. */
  private drawToggles(): void {
    const rates = new Map<string, TrialPart>();
    for (const trial of [...this.trials.values()].sort((a, b) => a.lr - b.lr)) if (trial.lines.length) rates.set(trial.rate, trial);
    this.toggles.hidden = rates.size < 2 || rates.size > SWITCHED || !this.parts.losses;
    const names = [...rates].map(([rate, t]) => `${rate} ${t.verdict}`).join();
    if (this.toggles.dataset.names === names) return;
    this.toggles.dataset.names = names;
    const redraw = () => {
      for (const b of this.toggles.querySelectorAll<HTMLElement>("button.rate")) {
        b.setAttribute("aria-pressed", String(!this.hidden.has(b.dataset.rate ?? "")));
      }
      this.draw1("losses", this.losses());
    };
    fill(this.toggles,
      button("all", () => { this.hidden.clear(); redraw(); }, { class: "all" }),
      button("none", () => { for (const rate of rates.keys()) this.hidden.add(rate); redraw(); }, { class: "none" }),
      ...[...rates].map(([rate, trial]) => {
        const b = button("", () => {
          if (!this.hidden.delete(rate)) this.hidden.add(rate);
          redraw();
        }, { class: `rate ${trial.ink}`, "data-rate": rate, "aria-pressed": String(!this.hidden.has(rate)) });
        b.append(el("b", {}, rate), ` ${trial.verdict}`);
        return b;
      }));
  }

  private drawCost(cost: CostPart | null): void {
    this.cost.hidden = !cost;
    if (!cost) return;
    const columns = cost.compared ? 4 : 2;
    const head = ["", "this search", "full grid", "times"].slice(0, columns);
    fill(this.cost, el("h2", {}, "Cost"),
      el("div", { class: "scroll" }, el("table", { class: "cost" },
        el("thead", {}, el("tr", {}, ...head.map((h, i) => (i ? el("th", { scope: "col", class: "n" }, h) : el("td"))))),
        el("tbody", {}, ...cost.rows.map(([what, ...rest]) =>
          el("tr", {}, el("th", { scope: "row" }, what), ...rest.slice(0, columns - 1).map((cell) => el("td", { class: "n" }, cell))))))),
      cost.note ? el("p", { class: "small" }, cost.note) : null);
  }

  private drawStatus(): void {
    const s = this.now;
    this.progress.hidden = this.name === null || !s.state;
    if (this.progress.hidden) return;
    const words = { running: "Running", unfinished: "Stopped before its end", concluded: "Ended", lost: "Not readable" };
    const facts: [string, string][] = [];
    if (s.runs !== undefined) facts.push(["cost so far", `${significant(s.runs, 3)} runs${s.budget ? ` of ${significant(s.budget, 3)}` : ""}`]);
    if (s.seconds) facts.push(["training", seconds(s.seconds)]);
    if (s.money != null) facts.push(["money", significant(s.money, 3)]);
    if (s.clock != null) facts.push(["on the clock", seconds(s.clock)]);
    if (s.left != null) facts.push(["time left, at most", seconds(s.left)]);
    facts.push(["trials", `${s.ended ?? 0} ended${s.running && s.state === "running" ? `, ${s.running} running` : ""}`]);
    const share = s.budget && s.runs !== undefined ? Math.min(1, s.runs / s.budget) : null;
    const resume = this.parts.study?.resume;
    if (!this.progress.firstElementChild) this.progress.append(el("h2", {}, el("span", { role: "status" })), el("div"));
    say(this.progress.firstElementChild!.firstElementChild!, words[s.state!] + (s.error ? `: ${s.error}` : ""));
    fill(this.progress.lastElementChild!,
      share === null ? null : el("progress", { max: 1, value: share, "aria-label": "share of the budget that is spent" }),
      el("dl", {}, ...facts.map(([k, v]) => el("div", {}, el("dt", {}, k), el("dd", {}, v)))),
      s.state === "unfinished" && resume ? el("p", {}, "Continue it: ", ...typed(`\`${resume}\``)) : null);
    this.actions?.status(s, this.parts.study);
  }

  private drawAbout(): void {
    const study = this.parts.study;
    this.about.hidden = !study;
    if (!study) return;
    fill(this.about, el("h2", {}, "Command"), command(study.command),
      el("p", { class: "small" }, "begun in ", el("code", {}, study.directory)));
  }

  private fromHash(): void {
    const key = location.hash.slice(1);
    if (isTrial(key) ? this.trials.has(key) : key === "") this.choose(key || null, false);
  }

  /** Marks one trial in every plot, in the table and in the address. */
  private choose(key: string | null, address = true): void {
    if (key !== null && !this.trials.has(key)) return;
    this.selected = key;
    for (const plot of this.plots.values()) plot.select(key);
    this.table.select(key);
    if (key && address) showRow(key);
    if (address) history.replaceState(null, "", key ? `#${key}` : location.pathname + location.search);
    this.drawDetail();
  }

  private drawDetail(): void {
    const trial = this.selected ? this.trials.get(this.selected) : undefined;
    if (!trial) return fill(this.detail);
    const facts: [string, string][] = [["lr", trial.rate], ["verdict", trial.verdict], ["loss", trial.end || trial.state],
      ["steps", `${count(trial.steps_run)} of ${count(trial.steps)}`], ["seed", String(trial.seed)]];
    const text = facts.map(([k, v]) => `${k} ${v}`).join(", ");
    const same = this.detail.dataset.text === `${trial.trial} ${text} ${this.now.state}`;
    if (same && this.detail.firstChild) return;
    this.detail.dataset.text = `${trial.trial} ${text} ${this.now.state}`;
    const log = el("div", { class: "log" });
    fill(this.detail, el("h3", {}, `Trial ${trial.trial}`),
      el("dl", {}, ...facts.map(([k, v]) => el("div", {}, el("dt", {}, k), el("dd", {}, v)))),
      el("p", { class: "buttons" }, copy(`trial ${trial.trial}: ${text}`, "the facts of the trial"),
        this.actions && this.now.state === "running" && trial.state === "running"
          ? button("Stop this trial", () => this.actions?.ask({ wish: "stop_trial", trial: trial.trial }), { class: "stop" }) : null,
        this.actions ? button("Command and log", () => void this.actions?.log(trial.trial, log)) : null,
        button("Close", () => this.choose(null))),
      log);
  }
}
