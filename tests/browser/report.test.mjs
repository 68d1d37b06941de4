// The HTML report in a real browser: it opens without network and without errors, shows its plots, and reacts.
//
// Needs the binary (`cargo build`), Debian's chromium and `npm ci` in this directory. Without one of them the tests are
// skipped, loudly; with CI=true that is a failure.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
const BINARY = [process.env.STEPSIZE, join(TARGET, "release/stepsize"), join(TARGET, "debug/stepsize")]
  .find((path) => path && existsSync(path));
const playwright = await import("playwright-core").catch(() => null);

const missing = [
  BINARY ? "" : "the binary (run `cargo build`)",
  existsSync(CHROMIUM) ? "" : `chromium at ${CHROMIUM}`,
  playwright ? "" : "playwright-core (run `npm ci` in tests/browser)",
].filter(Boolean).join(", ");

if (missing) {
  console.error(`BROWSER TESTS NOT RUN: missing ${missing}`);
  test("the browser tests can run", { skip: process.env.CI === "true" ? false : missing }, () => assert.fail(missing));
} else {
  describe("the HTML report", suite);
}

function suite() {
  let browser, page, directory;
  const errors = [], requests = [];

  /// Writes a report and gives its address.
  const report = (name, ...args) => {
    const file = join(directory, name);
    const run = spawnSync(BINARY, [...args, "--report", file, "--json"], { encoding: "utf8" });
    assert.ok([0, 3].includes(run.status), run.stderr);
    return { url: pathToFileURL(file).href, object: JSON.parse(run.stdout) };
  };

  /// Opens a report on a screen, with every request but that for the file itself cut off.
  const open = async (url, options = {}) => {
    await page?.context().close();
    errors.length = requests.length = 0;
    const context = await browser.newContext({ viewport: { width: 1000, height: 1400 }, ...options });
    await context.route("**", (route) => {
      if (route.request().url() === url) return route.continue();
      requests.push(route.request().url());
      return route.abort();
    });
    page = await context.newPage();
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(url);
  };
  const calm = () => assert.deepEqual({ errors, requests }, { errors: [], requests: [] });

  let sweep, refused;
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "stepsize-browser-"));
    const small = ["--model", "linear", "--steps", "200", "--low", "0.001", "--high", "1000", "--per-decade", "1"];
    sweep = report("sweep.html", "sweep", ...small, "--seeds", "2", "--price-per-hour", "3");
    refused = report("refused.html", "sweep", "--model", "linear", "--steps", "60", "--low", "1e-9", "--high", "1e-7");
    browser = await playwright.chromium.launch({
      executablePath: CHROMIUM,
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync"],
    });
  });
  after(async () => {
    await browser?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  test("opens without error and without a request", async () => {
    await open(sweep.url);
    assert.match(await page.title(), /Stepsize/);
    assert.equal(Number(await page.locator("h1").innerText()), Number(sweep.object.lr.toPrecision(3)));
    calm();
  });

  test("shows both plots, with their points, lines and words", async () => {
    await open(sweep.url);
    for (const id of ["sensitivity", "losses"]) {
      const plot = page.locator(`#${id} svg.plot.wide`);
      const box = await plot.boundingBox();
      assert.ok(box.width > 600 && box.height > 250, `${id}: ${JSON.stringify(box)}`);
      assert.ok((await plot.locator("title").first().textContent()).length > 5);
      assert.equal(await plot.getAttribute("role"), "img");
    }
    const rates = new Set(sweep.object.points.map((p) => p.lr)).size;
    const points = await page.locator("#sensitivity svg.wide [data-note]").count();
    assert.ok(points >= rates, `${points} points for ${rates} rates`);
    assert.equal(await page.locator("#losses button.rate").count(), rates);
    const words = await page.locator("#sensitivity svg.wide").innerHTML();
    assert.match(words, /learning rate/);
    assert.match(words, /diverges from/);
    calm();
  });

  test("a rate can be switched off and on, by mouse and by keyboard", async () => {
    await open(sweep.url);
    const button = page.locator("#losses button.rate").first();
    const key = await button.getAttribute("data-key");
    const line = page.locator(`#losses svg.wide polyline[data-key="${key}"]`).first();
    assert.equal(await line.isVisible(), true);
    await button.click();
    assert.deepEqual([await line.isVisible(), await button.getAttribute("aria-pressed")], [false, "false"]);
    await button.press("Space");
    assert.deepEqual([await line.isVisible(), await button.getAttribute("aria-pressed")], [true, "true"]);
    const shown = () => page.locator("#losses svg.wide polyline[data-key]:visible").count();
    await page.locator("#losses button.none").click();
    assert.equal(await shown(), 0);
    await page.locator("#losses button.all").click();
    assert.ok(await shown() > 3);
    calm();
  });

  test("the value under the pointer is read out", async () => {
    await open(sweep.url);
    const dot = page.locator("#sensitivity svg.wide circle[data-note]").first();
    await dot.hover();
    assert.match(await page.locator("#sensitivity .readout").innerText(), /lr .*steps: loss/);
    const plot = await page.locator("#losses svg.wide").boundingBox();
    for (const down of [0.35, 0.45, 0.55, 0.65, 0.75]) {
      await page.mouse.move(plot.x + plot.width / 2, plot.y + plot.height * down);
      if (/step \d+, loss/.test(await page.locator("#losses .readout").innerText())) return calm();
    }
    assert.fail("no line was read out");
  });

  test("a diagnosis shows every run with its evidence, and the sweep", async () => {
    const rates = { 0.001: 1.5, 0.01: 0.6, 0.1: 0.4, 1: 0.9, 10: 9 };
    for (const [lr, end] of Object.entries(rates)) {
      const loss = (step) => end + (2.3 - end) * Math.exp(-step / 15);
      const rows = Array.from({ length: 120 }, (_, step) => `${step},${loss(step)}`);
      writeFileSync(join(directory, `lr${lr}.csv`), ["step,loss", ...rows].join("\n"));
    }
    const files = Object.keys(rates).map((lr) => join(directory, `lr${lr}.csv`));
    const { url, object } = report("diagnosis.html", "diagnose", ...files);
    await open(url);
    assert.equal(object.length, 5);
    assert.match(await page.locator("h1").innerText(), /1 diverged/);
    assert.equal(await page.locator(".many figure svg.plot").count(), 5);
    assert.ok((await page.locator(".sweep svg.wide").boundingBox()).width > 600);
    assert.match(await page.locator(".many").innerHTML(), /LR001 diverged/);
    await page.locator(".sweep svg.wide circle[data-note]").first().hover();
    assert.match(await page.locator(".sweep .readout").innerText(), /final loss/);
    assert.deepEqual(JSON.parse(await page.locator("#stepsize").textContent()), object);
    calm();
  });

  test("the embedded object is that of --json", async () => {
    await open(sweep.url);
    const object = JSON.parse(await page.locator("#stepsize").textContent());
    assert.deepEqual(object, sweep.object);
  });

  test("the cost is set against a full grid, in steps, seconds and money", async () => {
    await open(sweep.url);
    const table = await page.locator("table.cost").innerText();
    for (const row of ["optimizer steps", "seconds of training", "money"]) assert.match(table, new RegExp(row));
    assert.match(table, /full grid/);
  });

  test("fits a phone, in the dark", async () => {
    await open(sweep.url, { viewport: { width: 360, height: 740 }, colorScheme: "dark" });
    const [width, paper] = await page.evaluate(() =>
      [document.documentElement.scrollWidth, getComputedStyle(document.body).backgroundColor]);
    assert.ok(width <= 360, `the page is ${width} wide`);
    assert.ok(paper.match(/\d+/g).slice(0, 3).every((part) => Number(part) < 60), paper);
    assert.equal(await page.locator("#losses svg.wide").isVisible(), false);
    const box = await page.locator("#losses svg.narrow").boundingBox();
    assert.ok(box.width > 280, JSON.stringify(box));
    calm();
  });

  test("is complete without its script", async () => {
    await open(sweep.url, { javaScriptEnabled: false });
    assert.ok(await page.locator("#losses svg.wide polyline").count() > 3);
    assert.ok(await page.locator("h1").isVisible());
  });

  test("a refusal gives the reason and no rate", async () => {
    assert.equal(refused.object.lr, null);
    await open(refused.url);
    assert.match(await page.locator("h1").innerText(), /^No rate/);
    calm();
  });
}
