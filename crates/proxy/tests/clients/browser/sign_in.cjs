// Signing in: a wrong key, a right one, what each key sees, and that a reload forgets it.
const { KEY, URL_OF_PROXY, answered, ask, assert, inBrowser, open, run, signIn } = require("../browser.cjs");

run(() =>
  inBrowser(
    async (page) => {
      await page.goto(URL_OF_PROXY);
      await page.getByLabel("Key").fill("sk-wrong");
      await page.keyboard.press("Enter");
      await page.getByText("incorrect API key").waitFor();
      assert.equal(await page.getByRole("navigation").count(), 0);

      // The master key fails a request; a team's key must not see it.
      await signIn(page);
      await page.getByRole("heading", { name: /^gone/ }).waitFor();
      await page.getByText("master key", { exact: true }).waitFor();
      await open(page, "Playground");
      await ask(page, "gone", "hi");
      await (await answered(page)).getByRole("alert").waitFor();
      await open(page, "Failures");
      const failure = page.getByRole("row").nth(1);
      assert.match(await failure.innerText(), /502[\s\S]*not_found[\s\S]*req-/);

      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByRole("button", { name: "Sign in" }).waitFor();
      assert.equal(await page.getByText("req-").count(), 0);

      await signIn(page, "sk-team");
      await page.getByRole("heading", { name: /^chat/ }).waitFor();
      assert.equal(await page.getByRole("heading", { level: 2 }).count(), 1, "the team's key may use one model");
      await open(page, "Failures");
      await page.getByText("No request has failed").waitFor();
      await open(page, "Usage");
      await page.getByText("0 of 5 used").waitFor();
      await open(page, "Playground");
      assert.deepEqual(await page.getByLabel("Model", { exact: true }).first().locator("option").allInnerTexts(), ["chat"]);
      await ask(page, "chat", "hi");
      await answered(page);
      await open(page, "Usage");
      await page.getByText("1 of 5 used, 4 left").waitFor();
      await open(page, "Figures");
      assert.equal(await page.getByRole("row").count(), 2, "the head and the row of the team's only model");

      // The key was in memory alone.
      await page.reload();
      await page.getByRole("button", { name: "Sign in" }).waitFor();
      assert.ok(!(await page.content()).includes(KEY));
    },
    { refusals: [401, 502] },
  ),
);
