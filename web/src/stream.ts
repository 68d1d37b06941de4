// Server-sent events: the browser comes back by itself and names the last event, so that nothing is lost.

import { byId, el, say } from "./dom";
import type { News, Status } from "./parts";

/** Follows the events at `path` until the page closes. */
export function follow(path: string, onParts: (news: News) => void, onStatus: (status: Status) => void): void {
  let source: EventSource;
  const lost = () => {
    say(banner(), "The server does not answer; trying again.");
    banner().hidden = false;
    // A browser gives up after an answer that is no stream (a study that does not exist yet, a proxy's page).
    if (source.readyState === EventSource.CLOSED) setTimeout(open, 1500);
  };
  const open = () => {
    source = new EventSource(path);
    source.addEventListener("open", () => (banner().hidden = true));
    source.addEventListener("parts", (event) => onParts(JSON.parse((event as MessageEvent<string>).data) as News));
    source.addEventListener("status", (event) => onStatus(JSON.parse((event as MessageEvent<string>).data) as Status));
    source.addEventListener("error", lost);
  };
  open();
}

function banner(): HTMLElement {
  const known = byId("banner");
  if (known) return known;
  const made = el("p", { id: "banner", role: "status", hidden: true });
  document.querySelector("main")?.prepend(made);
  return made;
}
