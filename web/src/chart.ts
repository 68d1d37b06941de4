// What a plot shows, in the units of the data: the same object that `stepsize_draw::chart` writes.

/** Colours by meaning; each is a CSS variable `--ink-NAME`, different in light and dark. */
export type Ink = "low" | "good" | "high" | "bad" | "unknown" | "fit" | "text" | "faint";
/** Shapes of points. Meaning never rests on the colour alone. */
export type Shape = "dot" | "ring" | "square" | "diamond" | "triangle" | "cross" | "arrow" | "minus";

export interface Axis {
  label: string;
  log: boolean;
  low: number;
  high: number;
  /** Only whole numbers have a label. */
  whole?: boolean;
}
export interface Line {
  /** Lines, points and rows of a table with one key are marked together. */
  key?: string;
  name: string;
  ink: Ink;
  dash?: number[];
  width?: number;
  /** Drawn pale: raw readings below a smoothed line. */
  faint?: boolean;
  x: number[];
  /** `null` where there is no finite value; the line has a gap there. */
  y: (number | null)[];
  /** Another value at each point, for the read-out: the rate that was applied. */
  extra?: { name: string; values: (number | null)[] };
}
export interface Point {
  key?: string;
  x: number;
  y: number;
  low?: number | null;
  high?: number | null;
  shape: Shape;
  ink: Ink;
  /** The read-out. */
  note: string;
}
/** The area between two curves. */
export interface Band {
  ink: Ink;
  name: string;
  x: number[];
  low: number[];
  high: number[];
}
/** A straight line at one value of one axis. */
export interface Rule {
  axis: "x" | "y";
  at: number;
  ink: Ink;
  dash?: number[];
  label: string;
}
/** A shaded range of x. */
export interface Span {
  from: number;
  to: number;
  ink: Ink;
  label: string;
}
/** An entry of the legend: a point, a line, or else an area. */
export interface Sample {
  shape?: Shape | null;
  dash?: number[] | null;
  ink: Ink;
  name: string;
}
export interface Chart {
  title: string;
  /** One sentence for those who do not see the plot. */
  summary: string;
  x: Axis;
  y: Axis;
  legend?: Sample[];
  bands?: Band[];
  spans?: Span[];
  rules?: Rule[];
  lines?: Line[];
  points?: Point[];
}
