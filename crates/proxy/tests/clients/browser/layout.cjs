// The layout at a screen's and a phone's width, light and dark, and that axe-core finds no barrier.
const path = require("node:path");
const { answered, ask, assert, barriers, inBrowser, open, run, signIn } = require("../browser.cjs");

const VIEWS = ["Models", "Playground", "Usage", "Figures", "Failures", "API reference"];

/** Asserts what a person with this window needs, and leaves a picture in `target/tmp/page`. */
async function look(page, name) {
  const { width, wide, small } = await page.evaluate(() => ({
    width: innerWidth,
    wide: document.documentElement.scrollWidth,
    // Too small to be hit by a finger, or cut off at the side.
    small: [...document.querySelectorAll("button, nav a, select, textarea")]
      .map((node) => [node.textContent.slice(0, 30), node.getBoundingClientRect()])
      .filter(([, box]) => box.width > 0 && (box.height < 24 || box.left < 0 || box.right > innerWidth + 1))
      .map(([text]) => text),
  }));
  assert.ok(wide <= width, `${name}: ${wide} pixels in a window of ${width}`);
  assert.deepEqual(small, [], name);
  assert.deepEqual(await barriers(page), [], name);
  await page.screenshot({ path: path.join(process.env.HOME, "page", `${name.replaceAll(" ", "-")}.png`) });
}

const inWindow = (width, colorScheme) =>
  inBrowser(
    async (page) => {
      const name = (view) => `${view} ${width} ${colorScheme}`;
      await page.goto(process.env.PROXY_URL);
      await page.getByLabel("Key").waitFor();
      await look(page, name("sign-in"));
      await signIn(page);
      await open(page, "Playground");
      await ask(page, "gone", "hi");
      await answered(page);
      await ask(page, "thinks", "What is the weather in Bonn?");
      await answered(page);
      for (const view of VIEWS) {
        await open(page, view);
        if (view === "Playground") {
          await ask(page, "thinks", "What is the weather in Bonn?");
          await answered(page);
        }
        await look(page, name(view));
      }
      const heading = await page.getByRole("heading", { level: 1 }).boundingBox();
      const header = await page.locator("header").boundingBox();
      assert.ok(heading.y >= header.y + header.height, "the head does not lie over the content");
    },
    { viewport: { width, height: width > 500 ? 800 : 844 }, colorScheme, refusals: [502] },
  );

run(async () => {
  await inWindow(1280, "light");
  await inWindow(390, "dark");
});
