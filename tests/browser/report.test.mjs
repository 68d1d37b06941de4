// The HTML report in a real browser: it opens without network and without errors, shows its plots, and reacts.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { BINARY, accessible, browserTests, launch, openPage, pictures } from "./setup.mjs";

browserTests("the HTML report", suite);

function suite() {
  let browser, page, directory, opened;

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
    opened = await openPage(browser, url, (asked) => asked.split("#")[0] === url.split("#")[0], options);
    page = opened.page;
  };
  const calm = () => opened.calm();
  /// What the arrow keys read out of a plot, from its first point on.
  const read = async (id, keys) => {
    const plot = page.locator(`#${id} .canvas`);
    await plot.focus();
    const texts = [];
    for (const key of keys) {
      await plot.press(key);
      texts.push(await page.locator(`#${id} .readout`).innerText());
    }
    return texts;
  };
  const picture = (id) => page.locator(`#${id} .u-wrap canvas`).evaluate((canvas) => canvas.toDataURL());

  let sweep, refused, found, range;
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "stepsize-browser-"));
    const small = ["--model", "linear", "--steps", "200", "--low", "0.001", "--high", "1000", "--per-decade", "1"];
    sweep = report("sweep.html", "sweep", ...small, "--seeds", "2", "--price-per-hour", "3");
    found = report("found.html", "find", "--steps", "400");
    range = report("range.html", "range-test");
    refused = report("refused.html", "sweep", "--model", "linear", "--steps", "60", "--low", "1e-9", "--high", "1e-7");
    browser = await launch();
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

  test("shows both plots, whose points and lines are read by keyboard", async () => {
    await open(sweep.url);
    for (const id of ["sensitivity", "losses"]) {
      const box = await page.locator(`#${id} .canvas`).boundingBox();
      assert.ok(box.width > 600 && box.height > 240, `${id}: ${JSON.stringify(box)}`);
      assert.match(await page.locator(`#${id} .canvas`).getAttribute("aria-label"), /\w+\. .*trials.*Arrow keys/);
    }
    const points = sweep.object.points;
    const texts = await read("sensitivity", Array(points.length + 3).fill("ArrowRight"));
    assert.equal(new Set(texts).size, points.length, "one read-out for each trial");
    assert.match(texts[0], /trial \d+: lr .*steps.*loss/);
    assert.ok(texts.some((text) => /diverged/.test(text)));
    const rates = new Set(points.map((p) => p.lr)).size;
    assert.equal(await page.locator("#losses button.rate").count(), rates);
    assert.match(await page.locator("#sensitivity .canvas").getAttribute("aria-label"), /Training diverges from/);
    const [, line] = await read("losses", ["ArrowRight", "ArrowDown"]);
    assert.match(line, /trial \d+, lr .*: step \d+, loss [\d.e-]+, lr/);
    calm();
  });

  test("a rate can be switched off and on, by mouse and by keyboard", async () => {
    await open(sweep.url);
    const button = page.locator("#losses button.rate.good, #losses button.rate").first();
    const all = await picture("losses");
    await button.click();
    assert.equal(await button.getAttribute("aria-pressed"), "false");
    const fewer = await picture("losses");
    assert.notEqual(fewer, all, "its lines are gone");
    await button.press("Space");
    assert.equal(await button.getAttribute("aria-pressed"), "true");
    assert.equal(await picture("losses"), all, "its lines are back");
    await page.locator("#losses button.none").click();
    const none = await picture("losses");
    assert.ok(none.length < fewer.length, "an empty plot compresses well");
    await page.locator("#losses button.all").click();
    assert.equal(await picture("losses"), all);
    calm();
  });

  test("an axis can be switched between linear and logarithmic", async () => {
    await open(sweep.url);
    const before = await picture("losses");
    const button = page.locator('#losses button[data-axis="x"]');
    assert.equal(await button.getAttribute("aria-pressed"), "false");
    await button.click();
    assert.equal(await page.locator('#losses button[data-axis="x"]').getAttribute("aria-pressed"), "true");
    assert.notEqual(await picture("losses"), before);
    calm();
  });

  test("a plot can be zoomed until its axis has no width, and back", async () => {
    await open(sweep.url);
    for (const id of ["sensitivity", "losses"]) {
      const over = page.locator(`#${id} .u-over`);
      await over.scrollIntoViewIfNeeded();
      const box = await over.boundingBox();
      const whole = await picture(id);
      for (let k = 0; k < 24; k += 1) {
        await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
        await page.mouse.down();
        await page.mouse.move(box.x + box.width / 2 + 30, box.y + box.height / 2 + 30, { steps: 2 });
        await page.mouse.up();
      }
      calm();
      await over.dblclick();
      assert.equal(await picture(id), whole, `${id}: a double click shows all of it again`);
    }
    calm();
  });

  test("the value under the pointer is read out", async () => {
    await open(sweep.url);
    const plot = await page.locator("#losses .canvas").boundingBox();
    for (const down of [0.2, 0.3, 0.4, 0.5, 0.6, 0.7]) {
      await page.mouse.move(plot.x + plot.width / 2, plot.y + plot.height * down);
      if (/step \d+, loss/.test(await page.locator("#losses .readout").innerText())) return calm();
    }
    assert.fail("no line was read out");
  });

  test("a trial that is chosen is marked in the plots, in the table and in the address", async () => {
    await open(sweep.url);
    const before = [await picture("sensitivity"), await picture("losses")];
    await page.locator("#row-t2 button.pick").click();
    assert.equal(new URL(page.url()).hash, "#t2");
    assert.match(await page.locator("#row-t2").getAttribute("class"), /chosen/);
    assert.match(await page.locator("#detail").innerText(), /Trial 2/);
    assert.notEqual(await picture("sensitivity"), before[0]);
    assert.notEqual(await picture("losses"), before[1]);
    await open(`${sweep.url}#t1`);
    assert.match(await page.locator("#row-t1").getAttribute("class"), /chosen/);
    calm();
  });

  test("the table is sorted and filtered", async () => {
    await open(sweep.url);
    const column = (n) => page.locator(`table.trials tbody td:nth-child(${n})`).allInnerTexts();
    const rates = (await column(2)).map(Number);
    assert.deepEqual(rates, [...rates].sort((a, b) => a - b));
    await page.locator('th[data-column="lr"] button').click();
    assert.equal(await page.locator('th[data-column="lr"]').getAttribute("aria-sort"), "descending");
    assert.deepEqual((await column(2)).map(Number), [...rates].reverse());
    await page.locator("#filter").fill("diverged");
    const verdicts = await column(3);
    assert.ok(verdicts.length > 0 && verdicts.length < rates.length && verdicts.every((v) => v === "diverged"), verdicts.join());
    calm();
  });

  test("the chance of each rate is drawn, and is at the answer what is stated", async () => {
    await open(found.url);
    assert.equal(await page.locator("#chance .u-wrap canvas").count(), 1);
    const [first] = await read("chance", ["ArrowRight"]);
    const stated = Math.round(100 * found.object.p_keeps_98_pct);
    assert.match(first, new RegExp(`^the answer, .*: a chance of ${stated} %`));
    const chances = (await read("chance", ["ArrowDown", ...Array(20).fill("ArrowRight")])).map((text) => Number(/in % ([\d.e-]+)/.exec(text)?.[1]));
    assert.ok(chances.every((c) => c >= 0 && c <= 100) && new Set(chances).size > 5, chances.join());
    await open(sweep.url);
    assert.equal(await page.locator("#chance").isVisible(), false, "a sweep states no chance");
    calm();
  });

  test("a report shows how the answer tightened", async () => {
    await open(found.url);
    const costs = (await read("tightening", Array(12).fill("ArrowRight"))).map((text) => Number(/cost in full runs ([\d.e-]+)/.exec(text)?.[1]));
    assert.ok(costs[0] < costs.at(-1) && costs.every((c, i) => i === 0 || c >= costs[i - 1]), costs.join());
    assert.match(await page.locator("#tightening .readout").innerText(), new RegExp(`learning rate ${Number(found.object.lr.toPrecision(4))}`));
    calm();
  });

  test("no card is empty, with and without script", async () => {
    for (const { url } of [sweep, refused, found, range]) {
      for (const javaScriptEnabled of [true, false]) {
        await open(url, { javaScriptEnabled });
        for (const section of await page.locator("#page > section:visible").all()) {
          const drawn = await section.locator("canvas:visible, svg:visible, td:visible, summary:visible").count();
          assert.ok(drawn > 0, `${url} ${javaScriptEnabled}: ${await section.innerText()}`);
        }
      }
    }
  });

  test("a range test says from where to where its rate rose, and is compared with no grid", async () => {
    await open(range.url);
    assert.match(await page.locator("table.trials tbody td:nth-child(2)").innerText(), /^1e-6 to [\d.e-]+$/);
    assert.doesNotMatch(await page.locator("#cost").innerText(), /grid/);
    assert.equal(await page.locator("#losses").isVisible(), false, "the plot above is that curve");
    calm();
  });

  test("axe-core finds nothing", async () => {
    for (const url of [sweep.url, refused.url, found.url, range.url]) {
      await open(url);
      assert.deepEqual(await accessible(page), []);
      await open(url, { colorScheme: "dark" });
      assert.deepEqual(await accessible(page), []);
    }
  });

  test("pictures for people", async () => {
    await pictures(browser, sweep.url, "report", (shown) => shown.locator("#losses .u-wrap canvas").waitFor());
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
    assert.equal(await page.locator("header.refused").count(), 1, "what broke is not green");
    assert.equal(await page.locator(".many figure svg.plot").count(), 5);
    assert.ok((await page.locator(".sweep svg.wide").boundingBox()).width > 600);
    assert.match(await page.locator(".many").innerHTML(), /LR001 diverged/);
    await page.locator(".sweep svg.wide circle[data-note]").first().hover();
    assert.match(await page.locator(".sweep .readout").innerText(), /final loss/);
    assert.deepEqual(JSON.parse(await page.locator("#stepsize").textContent()), object);
    calm();
  });

  test("a comparison can be read on a phone: wide pictures and tables scroll by themselves", async () => {
    const small = ["--model", "linear", "--steps", "20", "--low", "0.01", "--high", "1", "--per-decade", "1", "--seeds", "1"];
    const { url } = report("compare.html", "compare", ...small);
    await open(url, { viewport: { width: 320, height: 700 } });
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 320);
    assert.ok((await page.locator("#valleys svg").boundingBox()).width >= 760, "its text is not shrunk");
    assert.deepEqual(await accessible(page), []);
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
    const box = await page.locator("#losses .canvas").boundingBox();
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
