// What a page asks of a search: stop, more budget, another rate. Each needs the token of the server.

import { button, el, fill, say } from "./dom";
import type { Status, StudyPart } from "./parts";
import { command, typed } from "./words";

type Wish =
  | { wish: "stop" }
  | { wish: "stop_trial"; trial: number }
  | { wish: "budget"; runs: number }
  | { wish: "rate"; lr: number; steps?: number };

export class Actions {
  readonly root: HTMLElement;
  private readonly said = el("p", { class: "said", role: "status" });
  private readonly token = el("form", { class: "token", hidden: true });
  private readonly stop = button("Stop the search", () => this.sure());
  private readonly budget = el("input", { type: "number", id: "budget", min: "0", step: "any", required: true, inputmode: "decimal" });
  private readonly budgetForm: HTMLElement;
  private pending: Wish | null = null;
  private asked = false;

  constructor(private readonly name: string) {
    const rate = el("input", { type: "text", id: "rate", required: true, inputmode: "decimal", size: 8, autocomplete: "off" });
    const steps = el("input", { type: "number", id: "steps", min: "1", step: "1", inputmode: "numeric" });
    const submit = (act: () => void) => (event: SubmitEvent) => {
      event.preventDefault();
      act();
    };
    this.budgetForm = el("form", { onsubmit: submit(() => void this.ask({ wish: "budget", runs: Number(this.budget.value) })) },
      el("label", { for: "budget" }, "Budget in full runs "), this.budget, el("button", { type: "submit" }, "Set the budget"));
    const rates = el("form", {
      onsubmit: submit(() => void this.ask({ wish: "rate", lr: Number(rate.value), ...(steps.value ? { steps: Number(steps.value) } : {}) })),
    }, el("label", { for: "rate" }, "Rate "), rate, el("label", { for: "steps" }, " steps (all when empty) "), steps,
      el("button", { type: "submit" }, "Try this rate too"));
    const key = el("input", { type: "password", id: "token", autocomplete: "off", required: true });
    this.token.append(el("label", { for: "token" }, "Token that the server printed "), key, el("button", { type: "submit" }, "Use it"));
    this.token.addEventListener("submit", submit(() => void this.useToken(key.value)) as EventListener);
    this.root = el("section", { id: "actions", "aria-label": "Act" },
      el("details", {}, el("summary", {}, "Act on the search"), el("p", {}, this.stop), this.budgetForm, rates), this.token, this.said);
  }

  status(status: Status, study: StudyPart | undefined): void {
    this.stop.disabled = status.state !== "running";
    this.budgetForm.hidden = study?.has_budget === false;
    if (status.budget && !this.budget.value && document.activeElement !== this.budget) {
      this.budget.placeholder = String(status.budget);
    }
  }

  /** A search that is stopped does not go on by itself: it is asked twice. */
  private sure(): void {
    if (!this.asked) {
      this.asked = true;
      this.stop.textContent = "Stop it: really?";
      setTimeout(() => {
        this.asked = false;
        this.stop.textContent = "Stop the search";
      }, 4000);
      return;
    }
    void this.ask({ wish: "stop" });
  }

  async ask(wish: Wish): Promise<void> {
    say(this.said, "asking\u2026");
    try {
      const answer = await fetch(`/api/study/${encodeURIComponent(this.name)}/wish`, {
        method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(wish),
      });
      const body = (await answer.json()) as { text?: string; error?: string };
      this.token.hidden = answer.status !== 401;
      this.pending = answer.status === 401 ? wish : null;
      fill(this.said, ...typed(answer.ok ? `${words(wish)}: ${body.text ?? "asked"}` : `not done: ${body.error ?? answer.status}`));
      if (answer.status === 401) this.token.querySelector("input")?.focus();
    } catch {
      say(this.said, "not done: the server does not answer");
    }
  }

  private async useToken(token: string): Promise<void> {
    // The answer sets a cookie that no script can read.
    await fetch(`/?token=${encodeURIComponent(token)}`).catch(() => null);
    if (this.pending) await this.ask(this.pending);
  }

  /** The command of a trial and the end of its log. */
  async log(trial: number, into: HTMLElement): Promise<void> {
    try {
      const answer = await fetch(`/api/study/${encodeURIComponent(this.name)}/log/${trial}`);
      const log = (await answer.json()) as { file: string | null; text: string; command: string | null; error?: string };
      fill(into, log.error ? el("p", {}, log.error) : null,
        log.command ? command(log.command) : el("p", { class: "small" }, "The built-in engine ran it, without a command."),
        log.file ? el("p", { class: "small" }, "The end of ", el("code", {}, log.file)) : el("p", { class: "small" }, "The search keeps no log of this trial."),
        log.text ? el("pre", { tabindex: 0, "aria-label": "log" }, log.text) : null);
    } catch {
      say(into, "the server does not answer");
    }
  }
}

function words(wish: Wish): string {
  switch (wish.wish) {
    case "stop": return "stop";
    case "stop_trial": return `stop trial ${wish.trial}`;
    case "budget": return `budget ${wish.runs}`;
    case "rate": return `rate ${wish.lr}`;
  }
}
