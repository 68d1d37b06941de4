// Pictures that the server drew (comparisons, sweeps of logs): the words of the mark under the pointer.

export function readouts(): void {
  for (const svg of document.querySelectorAll<SVGSVGElement>("svg.plot")) {
    const marks = [...svg.querySelectorAll<SVGGraphicsElement>("[data-note]")];
    const readout = svg.closest("section")?.querySelector(".readout");
    if (!readout || !marks.length) continue;
    for (const title of svg.querySelectorAll("[data-note] > title")) title.remove(); // the read-out says it
    svg.addEventListener("pointerleave", () => (readout.textContent = "\u00a0"));
    svg.addEventListener("pointermove", (event) => {
      let [best, least] = ["\u00a0", 40 * 40];
      for (const mark of marks) {
        const box = mark.getBoundingClientRect();
        const dx = Math.max(box.left - event.clientX, 0, event.clientX - box.right);
        const dy = Math.max(box.top - event.clientY, 0, event.clientY - box.bottom);
        // The smaller of two marks under the pointer is meant.
        const distance = dx * dx + dy * dy + Math.min(box.width, 600) / 100;
        if (distance < least) [best, least] = [mark.dataset.note ?? "", distance];
      }
      if (readout.textContent !== best) readout.textContent = best;
    });
  }
}
