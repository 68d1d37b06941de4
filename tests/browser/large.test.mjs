// A large study: 1,000 trials of 1,000 readings each, made by a real sweep. Times are printed with the load of the machine
// beside them; only what does not depend on it is asserted.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { BINARY, browserTests, launch, openPage, started } from "./setup.mjs";

browserTests("a large study", suite);

const TRAIN = `BEGIN { for (s = 0; s < 1000; s++) { b = log({lr} / 0.1); f = {lr} < 1 ? {lr} : 1
  printf "{\\"step\\": %d, \\"val_loss\\": %.5f}\\n", s + 1, 0.2 + b * b / 30 + 2 * exp(-s * f / 100) + 0.05 * sin(s * 7 + b) } }`;

function suite() {
  let browser, directory, server, url;
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "stepsize-large-"));
    const db = join(directory, "s.db");
    const made = spawnSync(BINARY, ["sweep", "--random", "1000", "--seeds", "1", "--low", "0.001", "--high", "10", "--steps", "1000", "--jobs", "4",
      "--study", "large", "--db", db, "--quiet", "--", "awk", TRAIN], { encoding: "utf8" });
    assert.ok([0, 3].includes(made.status), made.stderr);
    browser = await launch();
    server = started(["serve", "--db", db, "--port", "0"], { cwd: directory });
    url = new URL(await server.url).origin;
  });
  after(async () => {
    await browser?.close();
    server?.child.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  });

  test("is thinned on the server and stays smooth in the browser", async () => {
    const { page, context, calm } = await openPage(browser, `${url}/study/large`, (asked) => asked.startsWith(url));
    await page.locator("#losses .u-wrap canvas").waitFor({ timeout: 120_000 });
    const points = await page.evaluate(async () => {
      const parts = (await (await fetch("/api/study/large")).json()).news.parts;
      const trials = Object.entries(parts).filter(([name]) => /^t\d+$/.test(name)).map(([, trial]) => trial);
      return { trials: trials.length, points: trials.flatMap((t) => t.lines).reduce((sum, line) => sum + line.x.length, 0) };
    });
    assert.equal(points.trials, 1000);
    assert.ok(points.points > 10_000 && points.points <= 60_000, `${points.points} points`);
    assert.equal(await page.locator("table.trials tbody tr").count(), 200);
    // Frames while the pointer moves over the plot of all trials, and while trials are chosen.
    const plot = page.locator("#losses .canvas");
    await plot.scrollIntoViewIfNeeded();
    const box = await plot.boundingBox();
    const frames = async (name, act) => {
      await page.evaluate(() => {
        globalThis.times = [];
        let last = performance.now();
        const frame = (now) => {
          times.push(now - last);
          last = now;
          requestAnimationFrame(frame);
        };
        requestAnimationFrame(frame);
      });
      await act();
      const times = (await page.evaluate(() => globalThis.times.splice(1))).sort((a, b) => a - b);
      const at = (share) => times[Math.floor(share * (times.length - 1))].toFixed(0);
      console.log(`${name}: ${times.length} frames, median ${at(0.5)} ms, 95 % ${at(0.95)} ms, most ${at(1)} ms; load ${loadavg()[0].toFixed(1)}`);
      assert.ok(times.length > 5);
    };
    const read = new Set();
    await frames("pointer", async () => {
      for (let i = 0; i < 60; i++) {
        await page.mouse.move(box.x + 80 + (box.width - 120) * i / 60, box.y + box.height * (0.4 + 0.2 * Math.sin(i / 5)));
        read.add(await page.locator("#losses .readout").innerText());
      }
    });
    assert.ok([...read].filter((text) => /trial \d+, lr .*: step \d+, loss/.test(text)).length > 20, [...read].slice(0, 3).join());
    await frames("choosing", async () => {
      for (let i = 0; i < 20; i++) await page.locator("button.pick").nth(i * 7).evaluate((button) => button.click());
    });
    await page.getByRole("button", { name: "Show all 1" }).click();
    assert.equal(await page.locator("table.trials tbody tr").count(), 1000);
    calm();
    await context.close();
  });

  test("a trial beyond the rows that are shown is shown when it is chosen by the address", async () => {
    const { page, context, calm } = await openPage(browser, `${url}/study/large`, (asked) => asked.startsWith(url));
    await page.locator("table.trials tbody tr").nth(199).waitFor();
    const hidden = await page.evaluate(() => Array.from({ length: 1000 }, (_, i) => i).find((i) => !document.getElementById(`row-t${i}`)));
    await page.goto(`${url}/study/large#t${hidden}`);
    await page.locator(`#row-t${hidden}.chosen`).waitFor();
    assert.equal(await page.locator("table.trials tbody tr").count(), 201);
    calm();
    await context.close();
  });
}
