// The playground's chat: tokens as they arrive, stopping, errors, thoughts, tools, and text that stays text.
const { answered, ask, assert, inBrowser, open, run, signIn } = require("../browser.cjs");

run(() =>
  inBrowser(
    async (page) => {
      await signIn(page);
      await open(page, "Playground");

      // Each length of the answer that was on the page.
      await page.evaluate(() => {
        window.lengths = [];
        new MutationObserver(() => {
          const length = [...document.querySelectorAll(".bubble.assistant .text")].at(-1)?.textContent.length ?? 0;
          if (window.lengths.at(-1) !== length) window.lengths.push(length);
        }).observe(document.querySelector(".log"), { subtree: true, childList: true, characterData: true });
      });
      await ask(page, "speaks", "Count.");
      let answer = await answered(page);
      assert.equal(await answer.locator(":scope > .text").innerText(), "one two three four five six ");
      assert.match(await answer.locator(".hint").innerText(), /Ended with stop, first token after .*3 \+ 6 tokens/);
      const lengths = await page.evaluate(() => window.lengths.filter((length) => length > 0));
      assert.deepEqual(lengths, [4, 8, 14, 19, 24, 28], "one piece after another");

      // The conversation goes on from there, and the request can be seen and copied.
      await page.getByText("Show as curl, Python, Rust").click();
      const curl = await page.getByRole("region", { name: "curl" }).innerText();
      assert.match(curl, /v1\/chat\/completions[\s\S]*"model": "speaks"/);
      assert.match(await page.getByRole("region", { name: "Python" }).innerText(), /client\.chat\.completions\.create\([\s\S]*stream=True/);
      assert.match(await page.getByRole("region", { name: "Rust" }).innerText(), /reqwest[\s\S]*"speaks"/);
      await page.getByText("Raw request and reply").click();
      assert.match(await page.getByRole("region", { name: "Reply" }).innerText(), /data: \[DONE\]/);
      assert.ok(!curl.includes(process.env.PROXY_KEY), "the key is not shown");

      // A stream that would last for two minutes.
      await ask(page, "hangs", "Wait.");
      await page.getByText("one two", { exact: true }).waitFor();
      await page.getByRole("button", { name: "Stop" }).click();
      answer = await answered(page);
      assert.equal(await answer.locator(".hint").innerText(), "Stopped.");
      assert.equal(await answer.locator(":scope > .text").innerText(), "one two");

      // An error in the middle, and one before the beginning.
      await ask(page, "breaks", "Break.");
      answer = await answered(page);
      assert.match(await answer.getByRole("alert").innerText(), /the model took longer than SageMaker lets a stream last/);
      assert.equal(await answer.locator(":scope > .text").innerText(), "Half");
      await ask(page, "throttled", "Hurry.");
      answer = await answered(page);
      assert.match(await answer.getByRole("alert").innerText(), /HTTP 429.*Request id: req-/);

      // What a model says is text, whatever it says.
      await page.getByRole("button", { name: "New conversation" }).click();
      await ask(page, "markup", "Attack.");
      answer = await answered(page);
      const said = await answer.locator(":scope > .text").innerText();
      assert.ok(said.includes("<img src=x onerror=") && said.includes("<script>"), said);
      assert.equal(await page.locator("#view img, #view script, #view iframe, #view a[href^=javascript]").count(), 0);
      assert.equal(await page.evaluate(() => window.attacked), undefined);

      await ask(page, "thinks", "Think.");
      answer = await answered(page);
      assert.equal(await answer.locator(".thoughts .text").innerText(), "Let me look.");
      assert.equal(await answer.locator(".tool").innerText(), 'weather({"city":"<b>Bonn</b>"})');

      // A whole answer, with parameters.
      await page.getByRole("button", { name: "New conversation" }).click();
      await page.getByLabel("Stream").uncheck();
      await page.getByLabel("Temperature").fill("0.5");
      await page.getByText("System prompt, tools and other parameters").click();
      await page.getByLabel("System prompt").fill("Be short.");
      await page.getByLabel("Other parameters (JSON)").fill('{"seed": 7}');
      await ask(page, "chat", "Hello.");
      answer = await answered(page);
      assert.match(await answer.locator(".hint").innerText(), /Ended with (stop|length)/);
      await page.getByText("Raw request and reply").click();
      const request = JSON.parse(await page.getByRole("region", { name: "Request" }).innerText());
      assert.deepEqual({ ...request, messages: request.messages.length }, { model: "chat", messages: 2, temperature: 0.5, max_tokens: 256, seed: 7 });
    },
    { refusals: [429] },
  ),
);
