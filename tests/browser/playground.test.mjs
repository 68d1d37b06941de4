// The playground in a real browser: its numbers are those of the command line, its links restore what was seen, it can
// be used by keyboard and by screen reader, and it obeys theme, width and the wish for less motion.
//
// Needs the binary (`cargo build`), Debian's chromium and `npm ci` in this directory. Screenshots go to
// SCREENSHOTS (or target/screenshots).

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
const BINARY = [process.env.STEPSIZE, join(TARGET, "release/stepsize"), join(TARGET, "debug/stepsize")]
  .find((path) => path && existsSync(path));
const SHOTS = process.env.SCREENSHOTS ?? join(TARGET, "screenshots");
const playwright = await import("playwright-core").catch(() => null);
const axe = await import("axe-core").catch(() => null);

const missing = [
  BINARY ? "" : "the binary (run `cargo build`)",
  existsSync(CHROMIUM) ? "" : `chromium at ${CHROMIUM}`,
  playwright && axe ? "" : "playwright-core and axe-core (run `npm ci` in tests/browser)",
].filter(Boolean).join(", ");

if (missing) {
  console.error(`BROWSER TESTS NOT RUN: missing ${missing}`);
  test("the browser tests can run", { skip: process.env.CI === "true" ? false : missing }, () => assert.fail(missing));
} else {
  describe("the playground", { timeout: 900_000 }, suite);
}

const SCENES = ["train", "schedule", "birds", "search", "ways", "guess"];
/** Small, so that an unoptimised build trains it at once. */
const SMALL = { model: "linear", steps: "60" };

function suite() {
  let browser, page, server, base, directory;
  const errors = [], foreign = [];

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "stepsize-playground-"));
    server = spawn(BINARY, ["playground", "--port", "0"], { cwd: directory, stdio: ["ignore", "pipe", "inherit"] });
    base = await new Promise((resolve, reject) => {
      let text = "";
      server.stdout.on("data", (data) => (text += data).includes("\n") && resolve(text.trim()));
      server.on("exit", (code) => reject(new Error(`the server ended with ${code}`)));
    });
    browser = await playwright.chromium.launch({
      executablePath: CHROMIUM,
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync"],
    });
  });
  after(async () => {
    await browser?.close();
    server?.kill("SIGINT");
    rmSync(directory, { recursive: true, force: true });
  });

  /** All objects of an experiment. */
  const asked = async (name, parameters) => {
    const answer = await fetch(`${base}/${name}?${new URLSearchParams(parameters)}`);
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    return text.trim().split("\n").map((line) => JSON.parse(line));
  };
  /** What the command line says to a command that the page shows. */
  const typed = (command) => {
    const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map((m) => m[1] ?? m[2]).slice(1);
    const ran = spawnSync(BINARY, [...words, "--json"], { encoding: "utf8", cwd: directory });
    assert.ok([0, 1, 3].includes(ran.status), `${command}: ${ran.stderr}`);
    return JSON.parse(ran.stdout);
  };
  const open = async (url, options = {}) => {
    await page?.context().close();
    errors.length = foreign.length = 0;
    const context = await browser.newContext({ viewport: { width: 1280, height: 1000 }, ...options });
    page = await context.newPage();
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("request", (request) => !request.url().startsWith(new URL(url).origin) && !/^(data|file):/.test(request.url()) && foreign.push(request.url()));
    await page.goto(url);
  };
  const calm = () => assert.deepEqual({ errors, foreign }, { errors: [], foreign: [] });
  const at = (scene, parameters = {}) => `${base}#${scene}?${new URLSearchParams(parameters)}`;
  /** Waits until a scene has shown all that it computes. */
  const ended = async () => {
    await page.waitForFunction(() => {
      const players = [...document.querySelectorAll(".player .play")];
      const guessed = document.querySelector("button.go");
      if (guessed) return document.querySelector(".verdict.big")?.textContent !== "";
      return players.every((p) => p.textContent === "Play again") && document.querySelector("canvas") !== null;
    }, null, { timeout: 120_000 });
  };

  test("opens without error, without a request to anybody else, and with less than 150 kB", async () => {
    await open(at("train", SMALL));
    await ended();
    calm();
    assert.equal(await page.locator("h2").innerText(), "Three rates");
    const sizes = await Promise.all(["js", "css"].map(async (kind) => (await (await fetch(`${new URL(base).origin}/assets/playground.${kind}`)).arrayBuffer()).byteLength));
    assert.ok(sizes[0] + sizes[1] < 150_000, String(sizes));
  });

  test("a network at three rates has the losses of `stepsize train`", async () => {
    const rows = await asked("train", { ...SMALL, lr: "0.001,0.1,1000", optimizer: "adam" });
    const end = rows.find((r) => r.event === "end").runs;
    rows[0].runs.forEach(({ command }, i) => {
      const said = typed(command);
      assert.deepEqual([end[i].val_loss, end[i].steps, end[i].best_val_loss], [said.val_loss, said.steps_run, said.best_val_loss], command);
      assert.deepEqual(end[i].end, said.end);
    });
    await open(at("train", { ...SMALL, lr: "0.001,0.1,1000", optimizer: "adam" }));
    await ended();
    const shown = await page.locator(".run dd").allInnerTexts();
    assert.equal(Number(shown[0]), Number(end[0].val_loss.toPrecision(3)));
    assert.equal(Number(shown[3]), Number(end[1].val_loss.toPrecision(3)));
    assert.match(await page.locator("details.commands code").textContent(), /stepsize train --lr 0.001 --data digits --model linear/);
    assert.ok(await page.locator(".run .mistake:visible").count() > 3);
    calm();
  });

  test("the ways beside a fixed rate are those of `stepsize train` with their schedule or controller", async () => {
    const rows = await asked("ways", { ...SMALL, lr: "0.3" });
    const end = rows.find((r) => r.event === "end").runs;
    rows[0].runs.forEach(({ command }, i) => assert.equal(end[i].val_loss, typed(command).val_loss, command));
    assert.ok(rows[0].runs.some((r) => r.command.includes("--controller")));
  });

  test("searches answer as on the command line", async () => {
    for (const probe of ["range-test", "descent", "first-fall"]) {
      const rows = await asked("search", { model: "linear", steps: "150", probe });
      const [report, said] = [rows.at(-1).report, typed(rows[0].command)];
      for (const key of ["lr", "low", "high", "divergence_lr", "cost_runs", "refused", "why", "points"]) {
        assert.deepEqual(report[key], said[key], `${rows[0].command}: ${key}`);
      }
    }
  });

  test("a guess is judged by the search and the runs of the command line", async () => {
    const rows = await asked("guess", { model: "linear", steps: "150", lr: "0.002" });
    const search = rows.find((r) => r.event === "search");
    const [report, said] = [rows.find((r) => r.event === "answer").report, typed(search.command)];
    assert.deepEqual([report.lr, report.low, report.high], [said.lr, said.low, said.high]);
    for (const begun of rows.filter((r) => r.event === "begin")) {
      const end = rows.find((r) => r.event === "end" && r.name === begun.name);
      assert.equal(end.runs[0].val_loss, typed(begun.command).val_loss, begun.command);
    }
  });

  test("a schedule is drawn as one types, with its errors at their column and code to copy", async () => {
    await open(at("schedule"));
    const field = page.getByLabel("Schedule in notation");
    await field.fill("warmup(10%) then cosin");
    await page.waitForFunction(() => document.querySelector(".problem")?.textContent.includes("column 18"));
    assert.equal(await page.locator(".problem mark").innerText(), "cosin");
    assert.equal(await field.getAttribute("aria-invalid"), "true");
    await field.fill("warmup(10%) then linear");
    await page.waitForFunction(() => document.querySelector(".resolved")?.textContent === "warmup(100) then linear(900)");
    assert.equal(await page.locator(".problem").innerText(), "");
    const code = await page.locator(".peer code").allTextContents();
    assert.match(code[0], /LambdaLR\(optimizer, factor\)/);
    assert.match(code[1], /optax\.join_schedules/);
    assert.match(page.url(), /#schedule\?text=warmup\(10%25\)\+then\+linear&steps=1000/);
    errors.splice(0, errors.length, ...errors.filter((e) => !e.includes("400")));
    calm();
    const [told] = await asked("schedule", { text: "warmup(10%) then linear", steps: "300", lr: "0.7" });
    const csv = spawnSync(BINARY, ["schedule", "warmup(10%) then linear", "--steps", "300", "--lr", "0.7", "--form", "csv"], { encoding: "utf8" });
    const rates = csv.stdout.trim().split("\n").slice(1).map((line) => Number(line.split(",")[1]));
    assert.deepEqual(told.rates, rates);
  });

  test("the birds believe what `stepsize demo` says", async () => {
    const [told] = await asked("birds", { lr: "0.7", seed: "4" });
    const ran = spawnSync(BINARY, ["demo", "--json", "--seed", "4", "--rates", "0.1,0.7,9"], { encoding: "utf8" });
    assert.deepEqual(told.beliefs, JSON.parse(ran.stdout).learners[1].beliefs);
    await open(at("birds", { lr: "0.5" }));
    await page.locator(".verdict", { hasText: "yellow" }).waitFor();
    assert.equal(await page.locator(".birds .yellow").count(), told.birds.length - (await page.locator(".birds .black").count()));
  });

  test("a slider moves by keyboard, and the link restores what was seen", async () => {
    await open(at("birds", { lr: "0.5" }));
    await page.locator(".verdict", { hasText: "yellow" }).waitFor();
    const slider = page.getByLabel("Rate of learning");
    await slider.focus();
    await page.keyboard.press("End");
    await page.waitForFunction(() => location.hash.includes("lr=100"));
    await page.locator(".verdict", { hasText: "100 %" }).waitFor();
    const [link, words] = [page.url(), await page.locator(".verdict").innerText()];
    assert.match(words, /all birds are yellow/);
    await open(link);
    await page.locator(".verdict", { hasText: "100 %" }).waitFor();
    assert.equal(await page.locator(".verdict").innerText(), words);
    await open(at("train", { lr: "0.003,0.2,7", model: "linear", optimizer: "adam", steps: "40" }));
    await ended();
    assert.deepEqual(await page.locator(".run output").allInnerTexts(), ["0.003", "0.2", "7"]);
    assert.equal(await page.getByLabel("Network").inputValue(), "linear");
    assert.match(page.url(), /lr=0\.003,0\.2,7&model=linear&optimizer=adam&steps=40/);
    calm();
  });

  test("scenes open by keyboard, and the focus goes to their title", async () => {
    await open(at("birds"));
    await page.getByRole("link", { name: "Schedule" }).focus();
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.activeElement?.tagName === "H2" && document.activeElement.textContent === "Schedule");
    assert.equal(await page.getByRole("link", { name: "Schedule" }).getAttribute("aria-current"), "page");
    await page.goBack();
    await page.waitForFunction(() => document.querySelector("h2")?.textContent === "Birds");
    calm();
  });

  test("with less motion nothing moves by itself: the end is shown at once", async () => {
    await open(at("train", SMALL), { reducedMotion: "reduce" });
    await page.waitForFunction(() => /step 60/.test(document.querySelector(".moment")?.textContent ?? ""));
    assert.equal(await page.locator(".player .play").innerText(), "Play again");
    const slider = page.getByLabel("moment");
    await slider.focus();
    await page.keyboard.press("Home");
    assert.match(await page.locator(".moment").innerText(), /^step 0$/);
    calm();
  });

  test("one computation a client: a new one ends the one before, and a page of another site gets none", async () => {
    const slow = fetch(`${base}/guess?${new URLSearchParams({ model: "mlp:128,64", steps: "2000", client: "me" })}`).then((a) => a.text());
    await new Promise((done) => setTimeout(done, 300));
    const begin = Date.now();
    const next = await (await fetch(`${base}/train?${new URLSearchParams({ ...SMALL, client: "me" })}`)).text();
    assert.match(next, /"event":"end"/);
    assert.doesNotMatch(await slow, /"event":"judged"/);
    assert.ok(Date.now() - begin < 60_000);
    const foreign = await fetch(`${base}/birds`, { headers: { "sec-fetch-site": "cross-site" } });
    assert.equal(foreign.status, 403);
    const unknown = await fetch(`${base}/train?data=/etc/passwd`);
    assert.equal(unknown.status, 400);
    assert.match((await unknown.json()).error, /data is \/etc\/passwd; here it is one of digits/);
  });

  for (const [theme, width] of ["light", "dark"].flatMap((t) => [320, 1280, 2560].map((w) => [t, w]))) {
    test(`fits ${width} px in the ${theme}, and axe finds nothing`, async () => {
      mkdirSync(SHOTS, { recursive: true });
      const seen = [];
      for (const scene of SCENES) {
        const parameters = scene === "schedule" || scene === "birds" ? {} : { ...SMALL, steps: "150", ...(scene === "guess" ? { seen: "yes" } : {}) };
        await open(at(scene, parameters), { viewport: { width, height: width < 500 ? 700 : 1100 }, colorScheme: theme, reducedMotion: "reduce" });
        await ended();
        const scroll = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(scroll <= width, `${scene} is ${scroll} px wide`);
        const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        assert.equal(paper.match(/\d+/g).slice(0, 3).every((part) => Number(part) < 60), theme === "dark", paper);
        await page.screenshot({ path: join(SHOTS, `playground-${scene}-${width}-${theme}.png`), fullPage: true });
        await page.evaluate(axe.default.source);
        const found = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }));
        seen.push(...found.violations.map((v) => [scene, v.id, v.nodes.slice(0, 3).map((n) => n.html)]));
        calm();
      }
      assert.deepEqual(seen, []);
    });
  }

  test("the exported page works from a file: recorded runs, their commands, links, and no request", async () => {
    const ran = spawnSync(BINARY, ["playground", "--export", join(directory, "out")], { encoding: "utf8", cwd: directory });
    assert.equal(ran.status, 0, ran.stderr);
    const file = join(directory, "out", "index.html");
    assert.ok(readFileSync(file).length < 3_000_000);
    const url = pathToFileURL(file).href;
    for (const scene of SCENES) {
      await open(`${url}#${scene}${scene === "guess" ? "?seen=yes" : ""}`, { reducedMotion: "reduce" });
      await ended();
      const command = await page.locator("details.commands code").textContent();
      assert.match(command, /^stepsize /);
      assert.match(await page.locator("footer").innerText(), /Recorded experiments/);
      calm();
    }
    await open(`${url}#train?lr=0.002,0.3,3`, { reducedMotion: "reduce" });
    await ended();
    assert.deepEqual(await page.locator(".run output").allInnerTexts(), ["0.002", "0.3", "3"]);
    await page.screenshot({ path: join(SHOTS, "playground-exported.png"), fullPage: true });
  });
}
