// The table of trials: sorted by any column, filtered by any text, one row chosen.

import { byId, button, el, fill, say } from "./dom";
import { count, significant } from "./number";
import type { TrialPart } from "./parts";

interface Column {
  name: string;
  title: string;
  number: boolean;
  value: (trial: TrialPart) => number | string;
  text: (trial: TrialPart) => string;
}

const COLUMNS: Column[] = [
  { name: "trial", title: "trial", number: true, value: (t) => t.trial, text: (t) => String(t.trial) },
  { name: "lr", title: "lr", number: true, value: (t) => t.lr, text: (t) => t.rate },
  { name: "verdict", title: "verdict", number: false, value: (t) => t.verdict, text: (t) => t.verdict },
  { name: "loss", title: "validation loss at the end", number: true, value: (t) => t.loss ?? Infinity, text: (t) => t.end },
  { name: "score", title: "score", number: true, value: (t) => t.score ?? -Infinity, text: (t) => (t.score === null ? "" : significant(t.score)) },
  { name: "steps", title: "steps", number: true, value: (t) => t.steps_run, text: (t) => `${count(t.steps_run)} of ${count(t.steps)}` },
  { name: "seed", title: "seed", number: true, value: (t) => t.seed, text: (t) => String(t.seed) },
  { name: "state", title: "state", number: false, value: (t) => t.state, text: (t) => t.state },
];

/** More rows than this are shown on request only: nobody reads them, and a browser takes long to lay them out. */
const MOST = 200;

export class TrialTable {
  readonly root: HTMLElement;
  private readonly body = el("tbody");
  private readonly heads = new Map<string, HTMLElement>();
  private readonly filter = el("input", { type: "search", id: "filter", autocomplete: "off", oninput: () => this.draw() });
  private readonly found = el("p", { class: "small", role: "status" });
  private readonly rows = new Map<string, HTMLTableRowElement>();
  private trials = new Map<string, TrialPart>();
  private selected: string | null = null;
  private sort = { column: "lr", up: true };
  private all = false;
  private readonly more = el("p", { class: "small", hidden: true });

  constructor(private readonly onSelect: (key: string | null) => void) {
    const heads = COLUMNS.map((column) => {
      const head = el("th", { scope: "col", class: column.number ? "n" : null, "data-column": column.name },
        button(column.title, () => this.sortBy(column.name)));
      this.heads.set(column.name, head);
      return head;
    });
    this.root = el("div", {},
      el("p", { class: "filter" }, el("label", { for: "filter" }, "Filter "), this.filter), this.found,
      el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "table of trials" },
        el("table", { class: "trials" }, el("thead", {}, el("tr", {}, ...heads)), this.body)), this.more);
  }

  update(trials: Map<string, TrialPart>): void {
    this.trials = trials;
    this.draw();
  }

  select(key: string | null): void {
    const before = this.selected;
    this.selected = key;
    if (key && !this.rows.has(key)) return this.draw();
    for (const name of [before, key]) {
      const row = name && this.rows.get(name);
      if (row) mark(row, name === key);
    }
  }

  private sortBy(column: string): void {
    this.sort = { column, up: this.sort.column === column ? !this.sort.up : true };
    this.draw();
  }

  private draw(): void {
    const column = COLUMNS.find((c) => c.name === this.sort.column) ?? COLUMNS[0]!;
    const scored = [...this.trials.values()].some((t) => t.score !== null);
    for (const [name, head] of this.heads) {
      head.setAttribute("aria-sort", name !== column.name ? "none" : this.sort.up ? "ascending" : "descending");
      head.hidden = name === "score" && !scored;
    }
    const words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = (t: TrialPart) => {
      const text = COLUMNS.map((c) => c.text(t)).join(" ").toLowerCase();
      return words.every((word) => text.includes(word));
    };
    const found = [...this.trials].filter(([, t]) => matches(t)).sort(([, a], [, b]) => {
      const [x, y] = [column.value(a), column.value(b)];
      const order = typeof x === "string" ? x.localeCompare(String(y)) : x - Number(y);
      return (this.sort.up ? order : -order) || a.trial - b.trial;
    });
    // The chosen one is always among them.
    const shown = this.all ? found : found.filter(([key], at) => at < MOST || key === this.selected);
    const keys = new Set(shown.map(([key]) => key));
    for (const [key, row] of this.rows) {
      if (!keys.has(key)) {
        row.remove();
        this.rows.delete(key);
      }
    }
    shown.forEach(([key, trial], at) => {
      const row = this.row(key, trial, scored);
      // Only what is out of place moves, so that the focus stays.
      if (this.body.children[at] !== row) this.body.insertBefore(row, this.body.children[at] ?? null);
    });
    say(this.found, words.length ? `${count(found.length)} of ${count(this.trials.size)} trials` : "\u00a0");
    this.more.hidden = shown.length === found.length;
    const text = `Show all ${count(found.length)}`;
    if (!this.more.hidden && this.more.dataset.text !== text) {
      this.more.dataset.text = text;
      fill(this.more, `The first ${MOST} are shown. `, button(text, () => { this.all = true; this.draw(); }));
    }
  }

  private row(key: string, trial: TrialPart, scored: boolean): HTMLTableRowElement {
    let row = this.rows.get(key);
    if (!row) {
      row = el("tr", { id: `row-${key}` });
      for (const column of COLUMNS) {
        const cell = el("td", { class: column.number ? "n" : null });
        if (column.name === "trial") {
          cell.append(button("", () => this.onSelect(key === this.selected ? null : key), { class: "pick" }));
        }
        row.append(cell);
      }
      row.addEventListener("click", (event) => {
        if (!(event.target instanceof Element && event.target.closest("button"))) this.onSelect(key === this.selected ? null : key);
      });
      this.rows.set(key, row);
    }
    COLUMNS.forEach((column, i) => {
      const cell = row.children[i] as HTMLElement;
      const target = (cell.firstElementChild as HTMLElement | null) ?? cell;
      say(target, column.text(trial));
      if (column.name === "trial") target.setAttribute("aria-label", `trial ${trial.trial}`);
      if (column.name === "verdict") cell.className = `verdict ${trial.ink}`;
      cell.hidden = column.name === "score" && !scored;
    });
    mark(row, key === this.selected);
    return row;
  }
}

function mark(row: HTMLTableRowElement, on: boolean): void {
  row.classList.toggle("chosen", on);
  row.querySelector("button.pick")?.setAttribute("aria-pressed", String(on));
}

/** Brings the row of a trial into view. */
export function showRow(key: string): void {
  byId(`row-${key}`)?.scrollIntoView({ block: "nearest" });
}
