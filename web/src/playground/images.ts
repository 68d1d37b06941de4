// Small images: weights of the first layer, and digits that were taken for others.

import { el, say } from "../dom";
import type { Row } from "./source";

type Colour = [number, number, number];

/** The colour of a CSS variable `#rrggbb`. */
function colour(host: Element, name: string): Colour {
  const text = getComputedStyle(host).getPropertyValue(name).trim().replace("#", "");
  const part = (i: number) => parseInt(text.slice(2 * i, 2 * i + 2), 16) || 0;
  return [part(0), part(1), part(2)];
}

const mix = (a: Colour, b: Colour, share: number): Colour =>
  [0, 1, 2].map((i) => Math.round(a[i]! + (b[i]! - a[i]!) * share)) as Colour;

function paint(canvas: HTMLCanvasElement, digits: string, [height, width]: [number, number], palette: (level: number) => Colour): void {
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    const [r, g, b] = palette(parseInt(digits[i] ?? "0", 16));
    image.data.set([r, g, b, 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
}

/** The weights into the first units: blue lowers a unit where a pixel is bright, orange raises it. */
export class Weights {
  readonly element = el("div", { class: "weights", role: "img" });
  private readonly cells: HTMLCanvasElement[] = [];

  show(units: string[], shape: [number, number], about: string): void {
    const square = Math.round(Math.sqrt(units[0]?.length ?? 1));
    const size: [number, number] = shape[0] * shape[1] === units[0]?.length ? shape : [square, Math.ceil((units[0]?.length ?? 1) / square)];
    while (this.cells.length < units.length) {
      const cell = el("canvas", { "aria-hidden": "true" });
      this.cells.push(cell);
      this.element.append(cell);
    }
    this.cells.forEach((cell, i) => (cell.hidden = i >= units.length));
    const [paper, low, high] = ["--ink-paper", "--ink-low", "--ink-high"].map((name) => colour(this.element, name)) as [Colour, Colour, Colour];
    const palette = (level: number) => {
      const value = (level - 7.5) / 7.5;
      return mix(paper, value < 0 ? low : high, Math.abs(value));
    };
    units.forEach((digits, i) => paint(this.cells[i]!, digits, size, palette));
    this.element.setAttribute("aria-label", about);
  }
}

/** Held-out digits with the wrong answer below each. */
export class Mistakes {
  readonly element = el("div", { class: "mistakes", role: "img" });
  private readonly cells: { box: HTMLElement; canvas: HTMLCanvasElement; text: HTMLElement }[] = [];

  show(images: Row, frame: Row): void {
    const mistakes = frame.mistakes as [number, number | null][];
    const total = images.classes.length as number;
    while (this.cells.length < mistakes.length) {
      const [canvas, text] = [el("canvas", {}), el("span", {})];
      const box = el("span", { class: "mistake", "aria-hidden": "true" }, canvas, text);
      this.cells.push({ box, canvas, text });
      this.element.append(box);
    }
    this.cells.forEach(({ box }, i) => (box.hidden = i >= mistakes.length));
    const [paper, ink] = [colour(this.element, "--ink-paper"), colour(this.element, "--ink-text")];
    mistakes.forEach(([example, answer], i) => {
      const { canvas, text } = this.cells[i]!;
      paint(canvas, images.pictures[example], images.shape, (level) => mix(paper, ink, level / 15));
      say(text, `${images.classes[example]}\u2192${answer ?? "?"}`);
    });
    const first = mistakes.slice(0, 3).map(([example, answer]) => `a ${images.classes[example]} taken for ${answer ?? "nothing"}`).join(", ");
    this.element.setAttribute("aria-label", `${frame.wrong} of ${total} digits wrong${first ? `: ${first}` : ""}`);
  }
}
