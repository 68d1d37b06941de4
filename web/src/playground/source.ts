// Where experiments come from: the server behind the page, or the records in a static page. Both give the same
// objects, so that a scene does not know which it is.

import { embedded } from "../dom";

/** One object of an experiment; see `crates/stepsize-serve/src/playground`. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Row = Record<string, any>;
export type Parameters = Record<string, string>;

interface Recorded {
  name: string;
  parameters: Parameters;
  events: Row[];
}

/** A refusal of the server, with the column of a text that does not parse. */
export class Refused extends Error {
  readonly column: number | null;
  constructor(message: string, column: number | null) {
    super(message);
    this.column = column;
  }
}

const records = embedded<{ recorded?: Recorded[] } | null>("data")?.recorded ?? null;
/** One computation at a time for each open page: a new one ends the one before it. */
const client = Math.random().toString(36).slice(2, 12);

/** Whether this page has records instead of a server. */
export const isRecorded = records !== null;

/** Values of a parameter that were recorded; null where a server computes any. */
export function recorded(name: string, parameter: string): string[] | null {
  if (!records) return null;
  const all = records.filter((r) => r.name === name).flatMap((r) => (r.parameters[parameter] ?? "").split(name === "train" ? "," : "\n"));
  return [...new Set(all)].filter(Boolean);
}

/** The objects of an experiment as they come. Throws `Refused`. */
export async function* run(name: string, parameters: Parameters, signal: AbortSignal): AsyncGenerator<Row> {
  if (records) {
    for (const row of replayed(name, parameters)) yield row;
    return;
  }
  const query = new URLSearchParams({ ...parameters, client });
  const answer = await fetch(`/playground/${name}?${query}`, { signal });
  if (!answer.ok || !answer.body) {
    const fault = (await answer.json().catch(() => ({}))) as { error?: string; column?: number };
    throw new Refused(fault.error ?? `the server answered ${answer.status}`, fault.column ?? null);
  }
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const row = JSON.parse(line) as Row;
      if (typeof row.error === "string") throw new Refused(row.error, row.column ?? null);
      yield row;
    }
  }
}

function replayed(name: string, parameters: Parameters): Row[] {
  if (name === "train") return side(parameters);
  const is = (r: Recorded) => Object.entries(r.parameters).every(([key, value]) => parameters[key] === value);
  return records?.find((r) => r.name === name && is(r))?.events ?? [];
}

/** Runs beside each other do not touch, so that any of the recorded rates can stand side by side. */
function side(parameters: Parameters): Row[] {
  const record = records?.find((r) => r.name === "train");
  const rates = (record?.parameters.lr ?? "").split(",").map(Number);
  const places = (parameters.lr ?? "").split(",").map((lr) => rates.indexOf(Number(lr)));
  const chosen = (row: Row): Row => ({ ...row, runs: places.map((i) => row.runs[Math.max(0, i)]) });
  return (record?.events ?? []).map((row) => (row.runs ? chosen(row) : row));
}
