// The shapes of points, on the canvas and in the legend.

import type { Sample, Shape } from "../chart";

/** The picture of an entry of the legend, in the colours of the style sheet. */
export function picture(sample: Sample): SVGElement {
  const space = "http://www.w3.org/2000/svg";
  const make = (tag: string, attributes: Record<string, string>): SVGElement => {
    const element = document.createElementNS(space, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const svg = make("svg", { width: "24", height: "14", viewBox: "0 0 24 14", "aria-hidden": "true", class: `sample ${sample.ink}` });
  const shapes: Record<Shape, string> = {
    dot: "M7 7a5 5 0 1 0 10 0a5 5 0 1 0-10 0z", ring: "M7 7a5 5 0 1 0 10 0a5 5 0 1 0-10 0z", square: "M7.5 2.5h9v9h-9z",
    diamond: "M12 1l6 6l-6 6l-6-6z", triangle: "M12 1.5l5.5 10h-11z", cross: "M7 2l10 10M17 2l-10 10",
    arrow: "M12 1l5 6h-3v6h-4v-6h-3z", minus: "M6 7h12",
  };
  if (sample.shape) {
    const full = sample.shape === "dot" || sample.shape === "arrow";
    svg.append(make("path", { d: shapes[sample.shape], class: full ? "full" : "open" }));
  } else if (sample.dash) svg.append(make("path", { d: "M0 7h24", class: "open", "stroke-dasharray": sample.dash.join(" ") }));
  else svg.append(make("rect", { width: "24", height: "14", rx: "2", class: "area" }));
  return svg;
}

/** Draws one mark of about `r` pixels in the current colours. */
export function shape(c: CanvasRenderingContext2D, kind: Shape, x: number, y: number, r: number, paper: string): void {
  const path = (points: [number, number][], closed = true) => {
    c.beginPath();
    points.forEach(([dx, dy], i) => (i ? c.lineTo(x + dx * r, y + dy * r) : c.moveTo(x + dx * r, y + dy * r)));
    if (closed) c.closePath();
  };
  switch (kind) {
    case "dot":
    case "ring":
      c.beginPath();
      c.arc(x, y, r, 0, 7);
      if (kind === "dot") return c.fill();
      break;
    case "square": path([[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]]); break;
    case "diamond": path([[0, -1.25], [1.25, 0], [0, 1.25], [-1.25, 0]]); break;
    case "triangle": path([[0, -1.2], [1.1, 0.8], [-1.1, 0.8]]); break;
    case "arrow": path([[0, -1.2], [1.1, 0.4], [0.4, 0.4], [0.4, 1.2], [-0.4, 1.2], [-0.4, 0.4], [-1.1, 0.4]]); return c.fill();
    case "minus": path([[-1.3, 0], [1.3, 0]], false), c.stroke(); return;
    case "cross":
      path([[-1, -1], [1, 1]], false), c.stroke();
      path([[1, -1], [-1, 1]], false), c.stroke();
      return;
  }
  const ink = c.fillStyle;
  c.fillStyle = paper;
  c.fill();
  c.fillStyle = ink;
  c.stroke();
}
