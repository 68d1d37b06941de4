// The live page in a real browser: a real search of a command while it runs, the server killed and started again, a token
// refused and accepted, stop and extend, a dropped log, keyboard, accessibility, sizes.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { BINARY, accessible, browserTests, launch, openPage, pictures, started } from "./setup.mjs";

browserTests("the live page", suite);

// A training command: 25 ms a step, a valley at 0.1, divergence from 3 on.
const TRAIN = `
const arg = (name) => Number(process.argv[process.argv.indexOf(name) + 1]);
const [lr, steps] = [arg("--lr"), arg("--steps")];
const best = Math.log(lr / 0.1) ** 2 / 30;
for (let step = 0; step <= steps; step++) {
  const fall = Math.exp(-step * Math.min(lr, 1) / 4);
  const val = lr >= 3 ? 2.3 * 4 ** (step / 4) : 0.2 + best + 2 * fall + 0.02 * Math.sin(step * 3 + lr * 1000);
  console.log(JSON.stringify({ step, loss: val * 1.02, val_loss: val }));
  await new Promise((next) => setTimeout(next, 25));
}
console.error("<b>the end</b> of", lr);
`;

function suite() {
  let browser, directory, db, train, server, search;
  const spawned = [];
  const run = (args) => {
    const made = started(args, { cwd: directory });
    made.url.catch(() => null);
    spawned.push(made);
    return made;
  };
  const begin = (name, steps, ...more) =>
    run(["find", "--study", name, "--db", db, "--steps", String(steps), ...more, "--", "node", train, "--lr", "{lr}", "--steps", "{steps}"]);
  const serve = async (port, ...more) => {
    const made = run(["serve", "--db", db, "--port", String(port), ...more]);
    return { ...made, url: await made.url };
  };
  const base = (url) => new URL(url).origin;
  const token = (url) => new URL(url).searchParams.get("token");
  const open = (url, options) => openPage(browser, url, (asked) => asked.startsWith(base(url)), options);
  const rows = (page) => page.locator("table.trials tbody tr").count();
  const state = (page, text) => page.locator("#progress h2", { hasText: text }).waitFor({ timeout: 60_000 });

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "stepsize-live-"));
    db = join(directory, "s.db");
    train = join(directory, "train.mjs");
    writeFileSync(train, TRAIN);
    browser = await launch();
    search = begin("real", 320);
    // The file is there once the search has begun.
    for (let i = 0; i < 200 && spawnSync(BINARY, ["studies", "--db", db]).status !== 0; i++) {
      await new Promise((next) => setTimeout(next, 50));
    }
    server = await serve(0);
  });
  after(async () => {
    await browser?.close();
    for (const { child } of spawned) child.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  });

  test("a real study is followed to its end, over the death of the server", async () => {
    const port = new URL(server.url).port;
    const { page, context, errors } = await open(`${base(server.url)}/study/real`);
    await state(page, "Running");
    await page.locator("table.trials tbody tr").first().waitFor();
    const resumed = [];
    page.on("request", (request) => request.url().endsWith("/events") && resumed.push(request.headers()["last-event-id"]));
    server.child.kill("SIGKILL");
    await page.locator("#banner", { hasText: "does not answer" }).waitFor();
    await new Promise((next) => setTimeout(next, 1500));
    server = await serve(port);
    await page.locator("#banner").waitFor({ state: "hidden" });
    await state(page, "Ended");
    await search.ended;
    const shown = JSON.parse(spawnSync(BINARY, ["show", "real", "--db", db, "--json"], { encoding: "utf8" }).stdout);
    await page.waitForFunction((lr) => Number(document.querySelector("h1").textContent) === lr, Number(shown.lr.toPrecision(3)));
    assert.equal(await rows(page), shown.points.length, "no trial was lost");
    await page.locator("#tightening .u-wrap canvas").waitFor();
    for (const id of ["sensitivity", "chance", "losses", "tightening"]) assert.equal(await page.locator(`#${id} .u-wrap canvas`).count(), 1, id);
    // What the browser itself says of the connection that was lost is no error of the page.
    assert.deepEqual(errors.filter((text) => !/ERR_CONNECTION|ERR_INCOMPLETE|Failed to load/.test(text)), []);
    await context.close();
  });

  test("the end of what a trial printed is shown, as text", async () => {
    const { page, context, calm } = await open(`${base(server.url)}/study/real#t0`);
    await page.getByRole("button", { name: "Command and log" }).click();
    const log = page.locator("#detail pre");
    await log.waitFor();
    assert.match(await log.innerText(), /"val_loss":[\s\S]*<b>the end<\/b> of [\d.]+/);
    assert.equal(await log.locator("b").count(), 0);
    calm();
    await context.close();
  });

  test("a study whose trials fail, with a name and a command that are hard to show, says why and how to go on", async () => {
    const name = "<script>alert(1)</script>";
    await run(["find", "--study", name, "--db", db, "--steps", "100", "--retries", "0", "--", "node", "-e", "process.exit(3)", "{lr}", "{steps}", "x".repeat(3000)]).ended;
    const { page, context, calm } = await open(`${base(server.url)}/study/${encodeURIComponent(name)}`, { viewport: { width: 320, height: 700 } });
    await state(page, "Stopped before its end");
    assert.match(await page.locator("header.answer").innerText(), /No rate[\s\S]*1 failed[\s\S]*exit code 3/);
    assert.match(await page.locator("#progress .typed code").innerText(), /^stepsize resume '<script>.*' --db .*s\.db$/);
    assert.equal(await page.locator("#sensitivity").isVisible(), false, "nothing more is awaited");
    const [wide, high] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]);
    assert.ok(wide <= 320 && high < 4000, `${wide} x ${high}`);
    assert.deepEqual(await accessible(page), []);
    calm();
    await context.close();
  });

  test("a study without a trial waits, and nothing else", async () => {
    const waiting = run(["find", "--study", "waits", "--db", db, "--steps", "100", "--", "sleep", "1000", "{lr}", "{steps}"]);
    const { page, context, calm } = await open(`${base(server.url)}/study/waits`);
    await page.locator("#sensitivity", { hasText: "No trial has anything to show yet" }).waitFor({ timeout: 30_000 });
    assert.equal(await page.locator("#losses, #chance, #tightening").locator("visible=true").count(), 0);
    assert.match(await page.locator("h1").innerText(), /No rate yet/);
    calm();
    await context.close();
    waiting.child.kill("SIGINT");
    await waiting.ended;
  });

  test("the page names the place of the last event when it comes back", async () => {
    const { context, page } = await open(`${base(server.url)}/study/real`);
    await state(page, "Ended");
    const ids = await page.evaluate(async () => {
      const source = new EventSource("/api/study/real/events");
      const id = await new Promise((done) => source.addEventListener("parts", (event) => done(event.lastEventId)));
      source.close();
      const answer = await fetch("/api/study/real/events", { headers: { "Last-Event-ID": id } });
      const reader = answer.body.getReader();
      const text = new TextDecoder().decode((await reader.read()).value);
      await reader.cancel();
      return { id, again: text.includes("event: parts") };
    });
    assert.match(ids.id, /^\d+\.\d+$/);
    assert.equal(ids.again, false, "nothing is sent twice");
    await context.close();
  });

  test("a change without the token is refused, and done with it: budget, rate, a trial, the search", async () => {
    const search = begin("acted", 5000);
    const { page, context, errors } = await open(`${base(server.url)}/study/acted`);
    await state(page, "Running");
    await page.locator("#actions summary").click();
    await page.locator("#budget").fill("1.25");
    await page.getByRole("button", { name: "Set the budget" }).click();
    await page.locator(".said", { hasText: "not done" }).waitFor();
    assert.match(await page.locator(".said").innerText(), /token/);
    await page.locator("#token").fill("wrong-wrong-wrong-wrong");
    await page.getByRole("button", { name: "Use it" }).click();
    await page.locator(".said", { hasText: "not done" }).waitFor();
    await page.locator("#token").fill(token(server.url));
    await page.getByRole("button", { name: "Use it" }).click();
    await page.locator(".said", { hasText: "budget 1.25: asked" }).waitFor();
    await page.locator("#rate").fill("0.0777");
    await page.locator("#steps").fill("40");
    await page.getByRole("button", { name: "Try this rate too" }).click();
    await page.locator(".said", { hasText: "rate 0.0777: asked" }).waitFor();
    const first = page.locator("table.trials tbody tr", { hasText: "running" }).first();
    await first.locator("button.pick").click();
    await page.getByRole("button", { name: "Command and log" }).click();
    assert.match(await page.locator("#detail .command").innerText(), /node .*train\.mjs --lr [\d.e-]+ --steps \d+/);
    await page.getByRole("button", { name: "Stop this trial" }).click();
    await page.locator("table.trials tbody tr", { hasText: "stopped by hand" }).waitFor();
    await page.locator("table.trials tbody tr", { hasText: "0.0777" }).waitFor({ timeout: 60_000 });
    await page.locator("#losses .u-wrap canvas").waitFor({ timeout: 60_000 });
    await page.getByRole("button", { name: "Stop the search" }).click();
    await page.getByRole("button", { name: "really" }).click();
    await page.locator("#progress h2", { hasText: /Ended|Stopped/ }).waitFor({ timeout: 60_000 });
    await search.ended;
    assert.deepEqual(errors.filter((text) => !/401/.test(text)), []);
    await context.close();
  });

  test("a log that is chosen is diagnosed by the server, as text and a plot", async () => {
    const { page, context, calm } = await open(server.url);
    await page.locator("#drop").waitFor();
    const rows = Array.from({ length: 200 }, (_, step) => `${step},${step < 150 ? 2.3 - step / 100 : "nan"}`);
    await page.locator("#log").setInputFiles({
      name: "<img src=x onerror=alert(1)>.csv", mimeType: "text/csv", buffer: Buffer.from(["step,loss", ...rows].join("\n")),
    });
    await page.locator("#drop article").waitFor();
    assert.match(await page.locator("#drop article").innerText(), /diverged[\s\S]*LR001/);
    assert.equal(await page.locator("#drop .u-wrap canvas").count(), 1);
    assert.equal(await page.locator("#drop img").count(), 0, "a name is text");
    calm();
    await context.close();
  });

  test("the studies stand side by side", async () => {
    const { page, context, calm } = await open(server.url);
    assert.equal(new URL(page.url()).search, "", "the token does not stay in the address");
    await page.locator("a", { hasText: "real" }).waitFor();
    await page.locator("#beside .u-wrap canvas").waitFor();
    await page.locator("#beside .canvas").press("ArrowRight");
    assert.match(await page.locator("#beside .readout").innerText(), /real: lr/);
    calm();
    await context.close();
  });

  test("everything can be done by keyboard", async () => {
    const { page, context, calm } = await open(`${base(server.url)}/study/real`);
    await state(page, "Ended");
    await page.locator("#sensitivity .canvas").focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    const hash = new URL(page.url()).hash;
    assert.match(hash, /^#t\d+$/);
    assert.equal(await page.locator(`#row-${hash.slice(1)} button.pick`).getAttribute("aria-pressed"), "true");
    await page.keyboard.press("Escape");
    assert.equal(new URL(page.url()).hash, "");
    const reached = new Set();
    await page.locator("nav a").first().focus();
    for (let i = 0; i < 80; i++) {
      await page.keyboard.press("Tab");
      reached.add(await page.evaluate(() => document.activeElement.closest("section")?.id ?? ""));
    }
    for (const id of ["actions", "sensitivity", "losses", "trials", "about"]) assert.ok(reached.has(id), `${id}: ${[...reached]}`);
    calm();
    await context.close();
  });

  test("axe-core finds nothing, in both themes, and nothing moves where motion is reduced", async () => {
    for (const path of ["/", "/study/real", "/study/acted", "/diagnose"]) {
      for (const colorScheme of ["light", "dark"]) {
        const { page, context } = await open(base(server.url) + path, { colorScheme, reducedMotion: "reduce" });
        await page.locator("#page > *:not(.loading)").first().waitFor();
        if (path.startsWith("/study")) await page.locator("#losses .u-wrap canvas").waitFor();
        if (path === "/study/acted") {
          await page.locator("#actions summary").click();
          await page.locator("button.pick").first().click();
        }
        assert.deepEqual(await accessible(page), [], `${path} ${colorScheme}`);
        assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
        await context.close();
      }
    }
  });

  test("script and style are small, and the first paint is soon", async () => {
    const { page, context } = await open(`${base(server.url)}/study/real`);
    await state(page, "Ended");
    const { size, paint } = await page.evaluate(() => ({
      size: performance.getEntriesByType("resource").filter((r) => /\.(js|css)$/.test(r.name)).reduce((sum, r) => sum + r.decodedBodySize, 0),
      paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
    }));
    assert.ok(size > 10_000 && size < 150_000, `${size} bytes`);
    console.log(`script and style: ${size} bytes; first contentful paint after ${Math.round(paint)} ms`);
    await context.close();
  });

  test("a run is shown while it trains, with rate, loss, gradient norm and verdict", async () => {
    const made = run(["train", "--lr", "0.1", "--steps", "2000000", "--model", "linear", "--schedule", "warmup(10%) then cosine", "--live", "--live-port", "0"]);
    const { page, context, calm } = await open(await made.url);
    for (const name of ["losses", "rates", "norms"]) await page.locator(`#chart-${name} .u-wrap canvas`).waitFor({ timeout: 30_000 });
    assert.match(await page.locator("header.answer").innerText(), /training loss[\s\S]*gradient norm[\s\S]*rate/);
    assert.deepEqual(await accessible(page), []);
    calm();
    await context.close();
    await pictures(browser, await made.url, "train", (shown) => shown.locator("#chart-norms .u-wrap canvas").waitFor());
    made.child.kill("SIGINT");
    await made.ended;
  });

  test("pictures for people", async () => {
    for (const [name, path] of [["studies", "/"], ["study", "/study/real#t2"]]) {
      await pictures(browser, base(server.url) + path, name, async (page) => {
        await page.locator(name === "study" ? "#losses .u-wrap canvas" : "#beside .u-wrap canvas").waitFor();
        if (name === "study") await state(page, "Ended");
      });
    }
  });
}
