// What the browser tests share: the binary, the browser, a page whose errors and foreign requests are kept.
//
// Needs the binary (`cargo build`), Debian's chromium and `npm ci` in this directory. Without one of them the tests are
// skipped, loudly; with CI=true that is a failure.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
export const BINARY = [process.env.STEPSIZE, join(TARGET, "release/stepsize"), join(TARGET, "debug/stepsize")]
  .find((path) => path && existsSync(path));
const playwright = await import("playwright-core").catch(() => null);

const missing = [
  BINARY ? "" : "the binary (run `cargo build`)",
  existsSync(CHROMIUM) ? "" : `chromium at ${CHROMIUM}`,
  playwright ? "" : "playwright-core (run `npm ci` in tests/browser)",
].filter(Boolean).join(", ");

/** Runs `suite`, or says loudly why not. */
export function browserTests(name, suite) {
  if (missing) {
    console.error(`BROWSER TESTS NOT RUN: missing ${missing}`);
    test("the browser tests can run", { skip: process.env.CI === "true" ? false : missing }, () => assert.fail(missing));
  } else {
    describe(name, suite);
  }
}

export const launch = () => playwright.chromium.launch({
  executablePath: CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

/** A page that may ask `allowed(url)` only. */
export async function openPage(browser, url, allowed, options = {}) {
  const errors = [], requests = [];
  const context = await browser.newContext({ viewport: { width: 1000, height: 1400 }, ...options });
  await context.route("**", (route) => {
    if (allowed(route.request().url())) return route.continue();
    requests.push(route.request().url());
    return route.abort();
  });
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(url);
  const calm = () => assert.deepEqual({ errors, requests }, { errors: [], requests: [] });
  return { context, page, errors, requests, calm };
}

/** Starts the command line and waits for an address on standard error. */
export function started(args, options = {}) {
  const child = spawn(BINARY, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  let said = "";
  const url = new Promise((resolve, reject) => {
    child.stderr.on("data", (data) => {
      said += data;
      const found = /open (http:\/\/\S+)/.exec(said);
      if (found) resolve(found[1]);
    });
    child.on("exit", (code) => reject(new Error(`ended with ${code}: ${said}`)));
  });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  return { child, url, ended, said: () => said };
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe-core finds wrong with a page. */
export async function accessible(page) {
  await page.evaluate(axe).catch(() => null);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).slice(0, 4).join(" | ")} (${v.help})`);
}

/** Pictures for people, in both themes and three widths. */
export async function pictures(browser, url, name, ready) {
  const directory = join(TARGET, "browser");
  mkdirSync(directory, { recursive: true });
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [320, 1280, 2560]) {
      const context = await browser.newContext({ viewport: { width, height: width > 2000 ? 1440 : 900 }, colorScheme });
      const page = await context.newPage();
      await page.goto(url);
      await ready(page);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      await page.screenshot({ path: join(directory, `${name}-${width}-${colorScheme}.png`), fullPage: true });
      await context.close();
      assert.ok(wide <= width, `${name} at ${width}: the page is ${wide} wide`);
    }
  }
}
