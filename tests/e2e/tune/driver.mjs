// A browser, driven line by line: a request on standard input, its answer on standard output.
//
//   node driver.mjs NODE_MODULES OPTIONS
//
// OPTIONS are playwright's for launching Chromium. A request is {id, page, method, args}: a method of
// playwright's page, or one of those below. An answer is {id, result} or {id, error}.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";

const require = createRequire(`${process.argv[2]}/`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf-8");

const browser = await chromium.launch(JSON.parse(process.argv[3]));
const pages = new Map();
// Contexts without a page of a test, each with an empty tab: closing the last tab of a window and
// opening another window takes the browser a second of the processor.
const free = [];

// Counts what a page does by itself, before any of its scripts runs.
const COUNTERS = `
  window.counted = { timers: 0, frames: 0, requests: 0 };
  for (const [name, kind] of Object.entries({ setTimeout: "timers", setInterval: "timers",
    requestAnimationFrame: "frames", fetch: "requests" })) {
    const own = window[name];
    window[name] = (...args) => { window.counted[kind] += 1; return own.apply(window, args); };
  }
`;

const ours = {
  async open({ address, permissions, viewport, media }) {
    const context = free.pop() ?? (await browser.newContext({ serviceWorkers: "block" }));
    const page = context.pages()[0] ?? (await context.newPage());
    const origin = new URL(address).origin;
    const browsing = await context.newCDPSession(page);
    await browsing.send("Storage.clearDataForOrigin", { origin, storageTypes: "all" });
    await browsing.detach();
    await context.clearPermissions();
    await context.grantPermissions(permissions);
    await page.setViewportSize(viewport);
    await page.emulateMedia(media);
    const seen = [];
    page.on("pageerror", (error) => seen.push(error.stack));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) seen.push(message.text());
    });
    await page.addInitScript(COUNTERS);
    const id = String(pages.size);
    pages.set(id, { page, seen });
    await page.goto(address);
    return id;
  },
  async beside({ page, address }) {
    const second = await page.context().newPage();
    const id = String(pages.size);
    pages.set(id, { page: second, seen: [] });
    await second.goto(address);
    return id;
  },
  // Not playwright's waitForFunction: the page's policy forbids what that does.
  async until({ page, expression, seconds }) {
    const last = Date.now() + seconds * 1000;
    // Each look costs the browser some milliseconds: rarely where it takes long.
    for (let pause = 50; !(await page.evaluate(expression)); pause = Math.min(1.2 * pause, 250)) {
      if (Date.now() > last) throw new Error(`not within ${seconds} s: ${expression}`);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  },
  // As a person presses them: the focus stays where it is.
  async keys({ page, keys }) {
    for (const key of keys) await page.keyboard.press(key);
  },
  seen: ({ seen }) => seen.splice(0),
  async close({ page }) {
    const context = page.context();
    const tabs = context.pages();
    await context.newPage(); // has no session storage
    await Promise.all(tabs.map((tab) => tab.close()));
    free.push(context);
  },
  async axe({ page }) {
    await page.evaluate(axe);
    const found = await page.evaluate(`axe.run(document, { resultTypes: ["violations"] })`);
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}: ${nodes[0].failureSummary}`);
  },
};

async function done({ page: id, method, args }) {
  const known = pages.get(id) ?? {};
  if (method in ours) return ours[method]({ ...known, ...args[0] });
  const result = await known.page[method](...args);
  return ["waitForSelector", "screenshot", "goto", "reload"].includes(method) ? null : result;
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  done(request).then(
    (result) => answer({ id: request.id, result: result ?? null }),
    (error) => answer({ id: request.id, error: String(error.message ?? error) }),
  );
}
await browser.close();

function answer(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
