"use strict";
(() => {
  const shown = (n) => (n === 0 ? "0" : Number(n.toPrecision(4)).toString());

  // Switch the lines of a rate on and off.
  const section = document.getElementById("losses");
  const set = (button, on) => {
    button.setAttribute("aria-pressed", String(on));
    for (const mark of section.querySelectorAll("svg.plot [data-key]")) {
      if (mark.dataset.key === button.dataset.key) mark.classList.toggle("off", !on);
    }
  };
  const rates = section ? [...section.querySelectorAll("button.rate")] : [];
  for (const button of rates) {
    button.addEventListener("click", () => set(button, button.getAttribute("aria-pressed") !== "true"));
  }
  section?.querySelector("button.all")?.addEventListener("click", () => rates.forEach((b) => set(b, true)));
  section?.querySelector("button.none")?.addEventListener("click", () => rates.forEach((b) => set(b, false)));

  // The value under the pointer: of the nearest point, or of the nearest corner of a line.
  const axis = (text) => {
    const [low, high, log] = text.split(" ");
    return { low: Number(low), high: Number(high), log: log === "true" };
  };
  const value = (a, place) => (a.log ? a.low * (a.high / a.low) ** place : a.low + (a.high - a.low) * place);
  const corners = (mark) => {
    if (mark.tagName === "circle") return [[mark.cx.baseVal.value, mark.cy.baseVal.value]];
    const points = [...mark.points].map((p) => [p.x, p.y]);
    if (mark.tagName === "polyline") return points;
    const middle = (i) => points.reduce((sum, p) => sum + p[i], 0) / points.length;
    return [[middle(0), middle(1)]];
  };
  for (const svg of document.querySelectorAll("svg.plot[data-frame]")) {
    const [x0, y0, width, height] = svg.dataset.frame.split(" ").map(Number);
    const x = axis(svg.dataset.x), y = axis(svg.dataset.y);
    const marks = [...svg.querySelectorAll("[data-note]")].map((mark) => ({ mark, points: corners(mark) }));
    const readout = svg.closest("section").querySelector(".readout");
    for (const title of svg.querySelectorAll("[data-note] > title")) title.remove(); // the read-out says it
    const clear = () => {
      readout.textContent = "\u00a0";
      svg.querySelectorAll(".near").forEach((m) => m.classList.remove("near"));
    };
    svg.addEventListener("pointerleave", clear);
    svg.addEventListener("pointermove", (event) => {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      let best = null, least = 40 * 40;
      for (const { mark, points } of marks) {
        if (mark.classList.contains("off")) continue;
        for (const [px, py] of points) {
          const distance = (px - at.x) ** 2 + (py - at.y) ** 2;
          if (distance < least) [best, least] = [{ mark, px, py }, distance];
        }
      }
      clear();
      if (!best) return;
      let text = best.mark.dataset.note;
      if (best.mark.tagName === "polyline" && best.mark.dataset.key) {
        const step = Math.round(value(x, (best.px - x0) / width));
        text += `: step ${step}, loss ${shown(value(y, 1 - (best.py - y0) / height))}`;
        best.mark.classList.add("near");
      }
      readout.textContent = text;
    });
  }
})();
