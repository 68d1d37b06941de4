// The script of every page but the playground: of a report (the study is embedded), and of the live pages.

import "uplot/dist/uPlot.min.css";
import "./style.css";
import { type JudgementPart, dropped, judgement } from "./diagnose";
import { add, byId, el, embedded, fill } from "./dom";
import { live } from "./live";
import type { News } from "./parts";
import { follow } from "./stream";
import { studies } from "./studies";
import { StudyPage } from "./study";
import { readouts } from "./svg";

function begin(): void {
  const root = byId("page");
  const data = embedded<{ page?: string } | null>("data");
  const judged = byId("judged");
  const judgements = embedded<JudgementPart>("judgement");
  if (judged && judgements) judgement(judged, { ...judgements, failed: [] }, "section");
  const report = embedded<Omit<News, "whole">>("study");
  if (root && report) new StudyPage(root, null).update({ whole: true, parts: report.parts });
  else if (root && data?.page) {
    add(document.body, el("footer", {}, "Stepsize"));
    navigation(data.page);
    if (data.page === "studies") studies(root);
    else if (data.page === "diagnose") fill(root, el("header", { class: "plain" }, el("h1", {}, "Diagnose a log")), dropped());
    else if (data.page === "live") live(root);
    else if (data.page === "study") {
      const name = decodeURIComponent(location.pathname.split("/").pop() ?? "");
      const page = new StudyPage(root, name);
      follow(`/api/study/${encodeURIComponent(name)}/events`, (news) => page.update(news), (status) => page.status(status));
    }
  }
  readouts();
}

function navigation(here: string): void {
  const link = (href: string, text: string, page: string) =>
    el("a", { href, "aria-current": page === here ? "page" : null }, text);
  document.body.prepend(el("nav", { "aria-label": "Pages" }, link("/", "Studies", "studies"), link("/diagnose", "Diagnose", "diagnose"),
    link("/playground", "Playground", "playground")));
}

begin();
