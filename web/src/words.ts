// Words with commands in them, and buttons that copy.

import { button, el } from "./dom";

/** A button that copies a text, and says so. */
export function copy(text: string, what: string): HTMLButtonElement {
  const done = button("copy", () => {
    void put(text).then((copied) => {
      done.textContent = copied ? "copied" : "press Ctrl-C";
      setTimeout(() => (done.textContent = "copy"), 2000);
    });
  }, { class: "copy", "aria-label": `copy ${what}` });
  return done;
}

async function put(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Not from a page that is neither on loopback nor encrypted.
    const field = el("textarea", { class: "offscreen", "aria-hidden": "true" });
    field.value = text;
    document.body.append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    return copied;
  }
}

/** Text in which what stands in backticks can be typed, and copied. */
export function typed(text: string): Node[] {
  return text.split("`").map((piece, i) =>
    i % 2 === 0 ? document.createTextNode(piece) : el("span", { class: "typed" }, el("code", {}, piece), copy(piece, "the command")));
}

/** A command on a line of its own. */
export function command(text: string): HTMLElement {
  // A command of many lines scrolls, by keyboard too.
  const long = text.length > 400 ? { tabindex: 0, role: "group", "aria-label": "the whole command" } : {};
  return el("p", { class: "command" }, el("code", long, text), copy(text, "the command"));
}
