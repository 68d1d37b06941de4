// What the server sends of a study: see `stepsize_draw::page::study`.

import type { Chart, Ink, Line, Point } from "./chart";

export interface AnswerPart {
  answered: boolean;
  label: string;
  title: string;
  facts: [string, string][];
  lines: [string, string][];
  task: string;
  schedule: string;
}
export interface CostPart {
  rows: [string, string, string, string][];
  /** Whether there is a full grid to compare with. */
  compared: boolean;
  note: string;
}
export interface TrialPart {
  trial: number;
  lr: number;
  rate: string;
  verdict: string;
  ink: Ink;
  loss: number | null;
  score: number | null;
  end: string;
  state: string;
  steps: number;
  steps_run: number;
  seed: number;
  lines: Line[];
  point: Point | null;
}
export interface StudyPart {
  name: string;
  question: string;
  task: string;
  command: string;
  directory: string;
  resume: string;
  has_budget: boolean;
  concluded: boolean;
}
export interface Status {
  state?: "running" | "unfinished" | "concluded" | "lost";
  error?: string;
  running?: number;
  ended?: number;
  runs?: number;
  budget?: number | null;
  seconds?: number;
  clock?: number | null;
  left?: number | null;
  money?: number | null;
}
export interface Parts {
  answer?: AnswerPart;
  sensitivity?: Chart | null;
  chance?: Chart | null;
  losses?: Chart | null;
  tightening?: Chart | null;
  cost?: CostPart | null;
  study?: StudyPart;
}
export type PartName = keyof Parts;
export interface News {
  whole: boolean;
  parts: Record<string, unknown>;
}

/** The key of a trial: `t3`. */
export const isTrial = (name: string): boolean => /^t\d+$/.test(name);
