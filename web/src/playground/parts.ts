// Controls and small pieces that the scenes share.

import type { Ink } from "../chart";
import { button, el, say } from "../dom";
import { rate } from "../number";
import { type Parameters, isRecorded } from "./source";

/** What a scene needs of the page around it. */
export interface Frame {
  /** Keeps the state of the scene in the address. */
  save(parameters: Record<string, string>): void;
  /** Says something to those who do not see the page; only what is worth an interruption. */
  tell(text: string): void;
}

export interface Scene {
  destroy(): void;
}

export interface SceneKind {
  id: string;
  title: string;
  about: string;
  open(host: HTMLElement, parameters: Record<string, string>, frame: Frame): Scene;
}

/** Rates `perDecade` a factor of ten, from `low` to `high`, with two digits. */
export function ladder(low: number, high: number, perDecade: number): number[] {
  const count = Math.round(Math.log10(high / low) * perDecade);
  return Array.from({ length: count + 1 }, (_, i) => Number((low * 10 ** (i / perDecade)).toPrecision(2)));
}

let ids = 0;
export const fresh = (word: string): string => `${word}-${++ids}`;

/** A slider over rates. */
export class RateSlider {
  readonly element: HTMLElement;
  private readonly input: HTMLInputElement;
  private readonly output: HTMLElement;
  private readonly rates: number[];

  constructor(label: string, rates: number[], value: number, change: () => void) {
    // A link may hold a rate between two of the slider's.
    this.rates = [...new Set([...rates, value])].sort((a, b) => a - b);
    const id = fresh("rate");
    this.input = el("input", {
      id, type: "range", min: 0, max: this.rates.length - 1, step: 1, value: this.rates.indexOf(value),
      oninput: () => { this.text(); change(); },
    });
    this.output = el("output", { for: id });
    this.element = el("div", { class: "slider" }, el("label", { for: id }, label), this.output, this.input);
    this.text();
  }

  get value(): number {
    return this.rates[Number(this.input.value)] ?? this.rates[0]!;
  }

  private text(): void {
    say(this.output, rate(this.value));
    this.input.setAttribute("aria-valuetext", `rate ${rate(this.value)}`);
  }
}

/** The rate of a slider when the page opens: that of the link, or the nearest of the slider's. */
export function opening(text: string | undefined, usual: number, rates: number[], free: boolean): number {
  const wanted = Number(text);
  const value = wanted > 0 ? wanted : usual;
  if (free || rates.includes(value)) return value;
  return rates.reduce((best, r) => (Math.abs(Math.log(r / value)) < Math.abs(Math.log(best / value)) ? r : best), rates[0]!);
}

/** A choice among words. */
export function choice(label: string, values: readonly (readonly [string, string])[], value: string, change: (value: string) => void): HTMLElement {
  const id = fresh("choice");
  const options = values.map(([word, text]) => el("option", { value: word, selected: word === value }, text));
  const select: HTMLSelectElement = el("select", { id, onchange: () => change(select.value) }, ...options);
  return el("div", { class: "field" }, el("label", { for: id }, label), select);
}

const MODELS = [["mlp:16", "16 hidden units"], ["linear", "linear, no hidden units"], ["mlp:32", "32 hidden units"], ["mlp:128,64", "128 and 64 hidden units"], ["cnn", "convolutions"]] as const;
const OPTIMIZERS = [["sgd:0.9", "SGD, momentum 0.9"], ["sgd", "SGD"], ["adam", "Adam"], ["adamw", "AdamW"]] as const;

/** Network, optimizer and steps: chosen, or fixed where runs were recorded. */
export class Task {
  readonly elements: HTMLElement[];
  private model: string;
  private optimizer: string;

  constructor(parameters: Parameters, private readonly steps: () => string, changed: () => void) {
    [this.model, this.optimizer] = [parameters.model ?? "mlp:16", parameters.optimizer ?? "sgd:0.9"];
    this.elements = isRecorded ? [] : [
      choice("Network", MODELS, this.model, (value) => { this.model = value; changed(); }),
      choice("Optimizer", OPTIMIZERS, this.optimizer, (value) => { this.optimizer = value; changed(); }),
    ];
  }

  /** As an experiment asks for it. */
  asked(): Parameters {
    return isRecorded ? {} : { model: this.model, optimizer: this.optimizer, steps: this.steps() };
  }
}

/** A whole number. */
export function whole(label: string, value: number, [low, high]: [number, number], change: (value: number) => void): HTMLElement {
  const id = fresh("number");
  const input: HTMLInputElement = el("input", {
    id, type: "number", min: low, max: high, step: 1, value, inputmode: "numeric",
    onchange: () => {
      const typed = Math.round(Number(input.value));
      const legal = Number.isFinite(typed) ? Math.min(high, Math.max(low, typed)) : value;
      input.value = String(legal);
      change(legal);
    },
  });
  return el("div", { class: "field" }, el("label", { for: id }, label), input);
}

/** A text with a button that copies it. */
export function copied(text: string, what: string): HTMLElement {
  const done = el("span", { class: "done", role: "status" });
  const copy = button("Copy", () => {
    void navigator.clipboard?.writeText(text).then(() => say(done, "copied"), () => say(done, "select the text to copy it"));
    if (!navigator.clipboard) say(done, "select the text to copy it");
  }, { "aria-label": `Copy ${what}` });
  return el("div", { class: "copied" }, el("pre", { tabindex: 0, role: "region", "aria-label": what }, el("code", {}, text)), el("div", { class: "copy" }, copy, done));
}

/** The commands that compute the same. */
export function commands(texts: string[]): HTMLElement {
  return el("details", { class: "commands" }, el("summary", {}, "The same on the command line"), copied(texts.join("\n"), "the command line"));
}

/** What a line of a plot looks like. */
export function legend(entries: { name: string; ink: Ink; dash?: number[] }[]): HTMLElement {
  const item = ({ name, ink, dash }: { name: string; ink: Ink; dash?: number[] }) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    for (const [key, value] of Object.entries({ width: "26", height: "8", "aria-hidden": "true" })) svg.setAttribute(key, value);
    const look = { x1: "0", y1: "4", x2: "26", y2: "4", "stroke-width": "2.5", stroke: `var(--ink-${ink})`, "stroke-dasharray": (dash ?? []).join(" ") };
    for (const [key, value] of Object.entries(look)) line.setAttribute(key, value);
    svg.append(line);
    return el("li", {}, svg, ` ${name}`);
  };
  return el("ul", { class: "legend" }, ...entries.map(item));
}

/** Runs `work` after a pause in which it was not asked for again; the run before it is ended. */
export class Job {
  private timer: number | undefined;
  private abort: AbortController | null = null;

  constructor(private readonly work: (signal: AbortSignal) => Promise<void>, private readonly failed: (error: Error) => void) {}

  start(after = 0): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.abort?.abort();
      const abort = (this.abort = new AbortController());
      this.work(abort.signal).catch((error: Error) => {
        if (!abort.signal.aborted) this.failed(error);
      });
    }, after);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.abort?.abort();
  }
}

/** The line below a scene that says why there is nothing to see. */
export function fault(): { element: HTMLElement; show(error: Error | null): void } {
  const element = el("p", { class: "fault", role: "alert", hidden: true });
  return {
    element,
    show(error) {
      element.hidden = error === null;
      say(element, error === null ? "" : error instanceof TypeError ? "The server does not answer. Is it still running?" : error.message);
    },
  };
}
