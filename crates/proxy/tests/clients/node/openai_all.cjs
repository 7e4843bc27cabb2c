// The openai package for Node: whole answers, streams, tools, embeddings, typed errors, giving up.
const assert = require("node:assert");
const { OpenAI, AuthenticationError, BadRequestError, InternalServerError, NotFoundError, RateLimitError, APIConnectionTimeoutError, APIError } =
  require("openai");

const baseURL = process.env.PROXY_URL + "/v1";
const client = new OpenAI({ baseURL, apiKey: process.env.PROXY_KEY, maxRetries: 0 });
const messages = [{ role: "user", content: "Hello, how are you?" }];

async function main() {
  for (const model of ["text", "chat"]) {
    const answer = await client.chat.completions.create({ model, messages, max_tokens: 20 });
    assert.equal(answer.model, model);
    assert.ok(answer.choices[0].message.content);
    assert.ok(answer._request_id);

    let text = "";
    let usage;
    const options = { include_usage: true };
    const stream = await client.chat.completions.create({ model, messages, stream: true, stream_options: options });
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta?.content ?? "";
      usage = chunk.usage ?? usage;
    }
    assert.ok(text);
    assert.ok(usage.completion_tokens > 0);
  }

  const tools = [{ type: "function", function: { name: "get_weather", parameters: { type: "object", properties: {} } } }];
  const asked = [{ role: "user", content: "Use the tool get_weather for the weather in Paris." }];
  const called = await client.chat.completions.create({ model: "chat", messages: asked, tools });
  assert.equal(called.choices[0].message.tool_calls[0].function.name, "get_weather");

  // Without a format the package asks for base64 and decodes it.
  const byDefault = await client.embeddings.create({ model: "vectors", input: ["a", "b"] });
  const floats = await client.embeddings.create({ model: "vectors", input: ["a", "b"], encoding_format: "float" });
  assert.equal(byDefault.data.length, 2);
  byDefault.data[1].embedding.forEach((number, index) =>
    assert.ok(Math.abs(number - floats.data[1].embedding[index]) < 1e-6));

  const chat = (body) => client.chat.completions.create({ model: "chat", messages, ...body });
  await assert.rejects(new OpenAI({ baseURL, apiKey: "wrong" }).models.list(), AuthenticationError);
  await assert.rejects(chat({ model: "nobody" }), NotFoundError);
  // The operator named this endpoint, and not the caller.
  await assert.rejects(chat({ model: "gone" }), InternalServerError);
  await assert.rejects(chat({ messages: [] }), BadRequestError);
  await assert.rejects(chat({ model: "throttled" }), RateLimitError);
  await assert.rejects(client.chat.completions.create({ model: "slow", messages }, { timeout: 500 }), APIConnectionTimeoutError);

  let half = "";
  await assert.rejects(async () => {
    for await (const chunk of await chat({ model: "breaks", stream: true })) {
      half += chunk.choices[0].delta.content ?? "";
      assert.equal(chunk.choices[0].finish_reason ?? null, null);
    }
  }, APIError);
  assert.equal(half, "Half");

  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.deepEqual(names.slice(0, 2), ["text", "chat"]);
  assert.ok(names.includes("vectors"));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
