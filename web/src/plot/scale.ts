// From values to pixels of the canvas. uPlot keeps the ends of the axes; a value is placed here, because its own function
// asks for the axis anew for each of some 10,000 points.

import type uPlot from "uplot";

/** Which axes are logarithmic. */
export interface Logs {
  x: boolean;
  y: boolean;
}

export class Scale {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Pixels across; not finite where a logarithmic axis has no place. */
  readonly x: (value: number) => number;
  /** Pixels down. */
  readonly y: (value: number) => number;

  constructor(u: uPlot, readonly logs: Logs) {
    ({ left: this.left, top: this.top, width: this.width, height: this.height } = u.bbox);
    const place = (name: "x" | "y", from: number, to: number) => {
      const at = logs[name] ? Math.log10 : (value: number) => value;
      const [low, high] = [at(u.scales[name]!.min ?? 1), at(u.scales[name]!.max ?? 10)];
      const each = (to - from) / (high - low || 1);
      return (value: number) => from + (at(value) - low) * each;
    };
    this.x = place("x", this.left, this.left + this.width);
    this.y = place("y", this.top + this.height, this.top);
  }

  /** Pixels down of a mark; what lies outside is drawn at the edge. */
  inside(value: number): number {
    const low = this.top + this.height;
    if (this.logs.y && value <= 0) return low;
    return Math.min(low - 2, Math.max(this.top + 2, this.y(value)));
  }

  /** Pixels down of a line, which the frame cuts; what a logarithmic axis has no place for is below it. */
  below(value: number): number {
    return this.logs.y && value <= 0 ? this.top + this.height + 9 : this.y(value);
  }
}
