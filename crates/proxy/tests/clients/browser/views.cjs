// Embeddings, reranking, figures, the reference, and moving by the keyboard alone.
const { URL_OF_PROXY, answered, ask, assert, inBrowser, open, run, signIn } = require("../browser.cjs");

run(() =>
  inBrowser(async (page) => {
    // The reference needs no key.
    await page.goto(`${URL_OF_PROXY}/docs`);
    await page.getByRole("heading", { level: 1, name: "API reference" }).waitFor();
    await page.getByLabel("Filter").fill("embeddings");
    const route = page.locator("details.card").filter({ hasText: "POST /v1/embeddings" });
    await route.locator("summary").first().click();
    await route.getByText("Request (application/json)").click();
    await route.getByRole("row", { name: /input/ }).first().waitFor();
    await page.goto(URL_OF_PROXY);

    // By the keyboard: sign in, and open the playground.
    await page.getByLabel("Key").waitFor();
    await page.keyboard.type(process.env.PROXY_KEY);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("navigation").waitFor();
    await page.getByRole("link", { name: "Playground" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("tab", { name: "Chat" }).focus();
    await page.keyboard.press("ArrowRight");
    assert.equal(await page.getByRole("tab", { name: "Embeddings" }).getAttribute("aria-selected"), "true");

    await page.getByLabel("Texts").fill("the same\nthe same\nanother");
    await page.getByRole("button", { name: "Embed" }).click();
    const rows = page.getByRole("region", { name: "Cosine similarity of the texts" }).getByRole("row");
    await rows.nth(3).waitFor();
    const first = await rows.nth(1).getByRole("cell").allInnerTexts();
    assert.deepEqual(first.slice(0, 2), ["1.000", "1.000"], "a text is like itself");
    assert.ok(Number(first[2]) < 1, first[2]);

    await page.getByRole("tab", { name: "Rerank" }).click();
    await page.getByRole("tabpanel").getByLabel("Model").selectOption("reranker");
    await page.getByLabel("Query").fill("a big llama");
    await page.getByLabel("Documents").fill("a car\n\n<b>a big llama</b>\na big llama");
    await page.getByRole("button", { name: "Rerank" }).click();
    const documents = page.getByRole("region", { name: "Documents by relevance" }).getByRole("row");
    await documents.nth(3).waitFor();
    const order = (await documents.allInnerTexts()).map((row) => row.split("\t")[0]);
    assert.deepEqual(order, ["document", "a big llama", "<b>a big llama</b>", "a car"]);

    await page.getByRole("tab", { name: "Chat" }).click();
    await ask(page, "speaks", "Count.");
    await answered(page);
    await open(page, "Figures");
    const cells = page.getByRole("row", { name: /^speaks/ }).getByRole("cell");
    assert.deepEqual(await cells.allInnerTexts(), ["master", "1", "0", "3", "6"]);
    await page.getByRole("img", { name: /^Requests by minute over the last hour: latest [1-3] a minute/ }).waitFor();
    await page.getByLabel("Model", { exact: true }).selectOption("=speaks");
    assert.equal(await page.getByRole("row").count(), 2);

    // What rests, and why, is the operator's to see.
    await open(page, "Models");
    await page.getByRole("button", { name: "Probe every deployment" }).click();
    await page.getByText(/answered, \d+ did not/).waitFor({ timeout: 60000 });
    await page.getByText(/Last probe: not_found/).first().waitFor();
  }),
);
