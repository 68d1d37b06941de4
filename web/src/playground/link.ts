// The address of a scene: `#train?lr=0.001,0.1,5&steps=300`. A link restores what was seen.

import type { Parameters } from "./source";

export interface Place {
  scene: string;
  parameters: Parameters;
}

export function read(hash: string): Place {
  const [scene = "", query = ""] = hash.replace(/^#/, "").split("?", 2);
  return { scene, parameters: Object.fromEntries(new URLSearchParams(query)) };
}

export function write({ scene, parameters }: Place): string {
  // Commas and the signs of the notation are legal in a fragment, and a person reads them.
  const query = new URLSearchParams(parameters).toString()
    .replace(/%2C/g, ",").replace(/%28/g, "(").replace(/%29/g, ")").replace(/%2F/g, "/").replace(/%3A/g, ":");
  return query ? `#${scene}?${query}` : `#${scene}`;
}
