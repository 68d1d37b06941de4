// Shows what was computed at a pace that the eye can follow: play, pause, and a slider for the moment. Where a person
// wants less motion, nothing moves by itself: the end is shown, and the slider goes through the rest.

import { el, say } from "../dom";

const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Player {
  readonly element: HTMLElement;
  private readonly button: HTMLButtonElement;
  private readonly slider: HTMLInputElement;
  private readonly text: HTMLElement;
  private count = 0;
  private at = -1;
  private over = false;
  private playing = true;
  private timer: number | undefined;

  /** `show` draws moment `at`; `name` puts it into words; `pace` is the time between two of them in milliseconds. */
  constructor(private readonly show: (at: number) => void, private readonly name: (at: number) => string, private readonly pace = 110) {
    this.button = el("button", { type: "button", class: "play", onclick: () => this.toggle() });
    this.slider = el("input", {
      type: "range", min: 0, max: 0, value: 0, "aria-label": "moment",
      oninput: () => { this.playing = false; this.go(Number(this.slider.value)); },
    });
    this.text = el("span", { class: "moment" });
    this.element = el("div", { class: "player" }, this.button, this.slider, this.text);
    this.controls();
  }

  /** Begins anew. */
  reset(): void {
    [this.count, this.at, this.over, this.playing] = [0, -1, false, !still.matches];
    this.controls();
  }

  /** One more moment is known. */
  add(): void {
    this.count += 1;
    this.slider.max = String(Math.max(0, this.count - 1));
    if (this.playing && this.timer === undefined) this.tick();
  }

  /** All moments are known. */
  finish(): void {
    this.over = true;
    if (still.matches) this.go(this.count - 1);
    this.controls();
  }

  destroy(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.playing = false;
  }

  private toggle(): void {
    if (this.over && this.at >= this.count - 1) this.at = -1;
    this.playing = !this.playing;
    if (this.playing && this.timer === undefined) this.tick();
    this.controls();
  }

  private tick(): void {
    this.timer = undefined;
    if (!this.playing) return;
    if (this.at < this.count - 1) {
      this.go(this.at + 1);
      this.timer = setTimeout(() => this.tick(), this.pace);
    } else if (this.over) {
      this.playing = false;
      this.controls();
    }
  }

  private go(at: number): void {
    if (at < 0 || at >= this.count) return;
    this.at = at;
    this.show(at);
    this.controls();
  }

  private controls(): void {
    const end = this.over && this.at >= this.count - 1;
    say(this.button, this.playing ? "Pause" : end ? "Play again" : "Play");
    this.button.disabled = this.count === 0;
    this.slider.disabled = this.count < 2;
    this.slider.value = String(Math.max(0, this.at));
    const text = this.at < 0 ? "" : this.name(this.at);
    this.slider.setAttribute("aria-valuetext", text || "nothing yet");
    say(this.text, text);
  }
}
