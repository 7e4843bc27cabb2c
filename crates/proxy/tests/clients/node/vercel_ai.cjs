// The Vercel AI SDK: whole answers, streams with their usage, embeddings.
const { createOpenAICompatible } = require("@ai-sdk/openai-compatible");
const { embedMany, generateText, streamText } = require("ai");
const assert = require("node:assert");

const sagewire = createOpenAICompatible({
  name: "sagewire",
  baseURL: `${process.env.PROXY_URL}/v1`,
  apiKey: process.env.PROXY_KEY,
  includeUsage: true,
});

async function main() {
  const model = sagewire("chat");
  const whole = await generateText({ model, prompt: "What is a llama?", maxOutputTokens: 20 });
  assert.ok(whole.text.length > 0 && whole.usage.inputTokens > 0 && whole.usage.outputTokens > 0);

  const stream = streamText({ model, prompt: "What is a llama?", maxOutputTokens: 20 });
  let text = "";
  for await (const piece of stream.textStream) text += piece;
  assert.strictEqual(text, whole.text);
  assert.deepStrictEqual((await stream.usage).outputTokens, whole.usage.outputTokens);

  const { embeddings } = await embedMany({ model: sagewire.embeddingModel("vectors"), values: ["a llama", "an alpaca"] });
  assert.strictEqual(embeddings.length, 2);
}

main();
