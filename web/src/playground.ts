import "uplot/dist/uPlot.min.css";
import "./style.css";
import "./playground/playground.css";
// The playground: one scene at a time, named by the address after the `#`.

import { button, byId, el, embedded, fill, say } from "./dom";
import { birds } from "./playground/birds";
import { guess } from "./playground/guess";
import { read, write } from "./playground/link";
import type { Frame, Scene, SceneKind } from "./playground/parts";
import { schedule } from "./playground/schedule";
import { search } from "./playground/search";
import { isRecorded } from "./playground/source";
import { train } from "./playground/train";
import { ways } from "./playground/ways";

const SCENES: SceneKind[] = [train, schedule, birds, search, ways, guess];

const root = byId("playground");
if (root) start(root);

function start(root: HTMLElement): void {
  const news = el("p", { class: "unseen", role: "status" });
  const tabs = SCENES.map((scene) => el("a", { href: `#${scene.id}` }, scene.title));
  const title = el("h2", { tabindex: -1 });
  const about = el("p", { class: "about" });
  const stage = el("div", { class: "scene" });
  const linked = el("span", { class: "done", role: "status" });
  const link = button("Copy a link to this", () => {
    void navigator.clipboard?.writeText(location.href).then(() => say(linked, "copied"), () => say(linked, "copy it from the address bar"));
    if (!navigator.clipboard) say(linked, "copy it from the address bar");
  });
  const version = embedded<{ version?: string } | null>("data")?.version;
  const foot = isRecorded
    ? `Recorded experiments, written by stepsize playground --export with Stepsize ${version ?? ""}. Each has its command below it. stepsize serve --playground computes any other.`
    : "Everything here is computed while you look, by the code behind the command line.";
  root.append(
    el("header", { class: "top" },
      !isRecorded ? el("a", { href: "/", class: "home" }, "Stepsize") : el("span", { class: "home" }, "Stepsize"), el("h1", {}, "Playground"),
      el("nav", { "aria-label": "scenes" }, ...tabs)),
    el("main", {}, el("section", { "aria-labelledby": "scene-title" }, title, about, stage, el("div", { class: "copy link" }, link, linked))),
    el("footer", {}, el("p", {}, foot)), news,
  );
  title.id = "scene-title";
  let open: Scene | null = null;
  let shown = "";
  const show = (moved: boolean) => {
    const { scene, parameters } = read(location.hash);
    const kind = SCENES.find((s) => s.id === scene) ?? SCENES[0]!;
    open?.destroy();
    tabs.forEach((tab, i) => (SCENES[i] === kind ? tab.setAttribute("aria-current", "page") : tab.removeAttribute("aria-current")));
    document.title = `${kind.title} - Stepsize playground`;
    say(title, kind.title);
    say(about, kind.about);
    say(news, "");
    say(linked, "");
    fill(stage);
    const frame: Frame = {
      save(parameters) {
        shown = write({ scene: kind.id, parameters });
        history.replaceState(null, "", shown);
      },
      tell: (text) => say(news, text),
    };
    open = kind.open(stage, parameters, frame);
    if (moved) title.focus();
  };
  addEventListener("hashchange", () => { if (location.hash !== shown) show(true); });
  show(false);
}
