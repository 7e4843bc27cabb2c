// A browser at the proxy's page. Whatever a case does: nothing leaves the host, and nothing is said
// on the console but the refusals that the case expects.
const assert = require("node:assert/strict");
const fs = require("node:fs");
const { chromium } = require("playwright-core");

const URL_OF_PROXY = process.env.PROXY_URL;
const KEY = process.env.PROXY_KEY;

/** Runs a case with a page. `refusals`: the statuses of answers that the browser may complain of. */
async function inBrowser(run, { refusals = [], ...options } = {}) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    const page = await context.newPage();
    const surprises = [];
    page.on("request", (request) => {
      if (new URL(request.url()).origin !== new URL(URL_OF_PROXY).origin) surprises.push(`left the host: ${request.url()}`);
      if (request.url().includes(KEY)) surprises.push(`the key is in a URL: ${request.url()}`);
    });
    page.on("pageerror", (error) => surprises.push(`page error: ${error.message}`));
    page.on("console", (message) => {
      const isExpected = refusals.some((status) => message.text().includes(`status of ${status}`));
      if (["error", "warning"].includes(message.type()) && !isExpected) surprises.push(`console: ${message.text()}`);
    });
    await run(page, context);
    assert.deepEqual(await context.cookies(), []);
    assert.equal(await page.evaluate(() => localStorage.length + sessionStorage.length), 0);
    assert.deepEqual(surprises, []);
  } finally {
    await browser.close();
  }
}

/** Opens the page and signs in. */
async function signIn(page, key = KEY, path = "/") {
  await page.goto(URL_OF_PROXY + path);
  await page.getByLabel("Key").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation").waitFor();
}

/** Opens a view by its link, and waits until it is filled. */
async function open(page, name) {
  await page.getByRole("link", { name, exact: true }).click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
  await page.waitForFunction(() => document.querySelector("#view > div").childElementCount > 0);
}

/** Asks a model in the playground. The answer may still be on its way. */
async function ask(page, model, text) {
  await page.getByRole("tabpanel").getByLabel("Model").selectOption(model);
  await page.getByLabel("Message").fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

/** Waits until the last answer has ended. */
async function answered(page) {
  await page.locator(".log[aria-busy=false]").waitFor();
  return page.locator(".bubble.assistant").last();
}

/** What axe-core finds: https://github.com/dequelabs/axe-core */
async function barriers(page) {
  await page.evaluate(fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
  const { violations } = await page.evaluate(() => axe.run());
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
}

/** Runs the case of a script. */
function run(test) {
  test().catch((error) => {
    console.error(error);
    process.exit(1);
  });
}

module.exports = { KEY, URL_OF_PROXY, answered, ask, assert, barriers, inBrowser, open, run, signIn };
