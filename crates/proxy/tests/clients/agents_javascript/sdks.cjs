// The packages openai and @anthropic-ai/sdk for Node: the streaming helpers of both APIs.
const assert = require("node:assert");
const Anthropic = require("@anthropic-ai/sdk");
const { OpenAI } = require("openai");

const apiKey = process.env.PROXY_KEY;
const openai = new OpenAI({ baseURL: process.env.PROXY_URL + "/v1", apiKey, maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: process.env.PROXY_URL, apiKey, maxRetries: 0 });
const schema = { type: "object", properties: { command: { type: "string" } }, required: ["command"] };

async function main() {
  for (const model of ["agent", "native-agent"]) {
    const stream = openai.responses.stream({
      model,
      input: "Write a greeting.",
      tools: [{ type: "function", name: "run", parameters: schema, strict: false }],
    });
    let args = "";
    for await (const event of stream) if (event.type === "response.function_call_arguments.delta") args += event.delta;
    const response = await stream.finalResponse();
    const call = response.output.find((item) => item.type === "function_call");
    assert.equal(call.arguments, args);
    assert.match(JSON.parse(args).command, /greeting\.txt/);

    const messages = [{ role: "user", content: "Write a greeting." }];
    const tools = [{ name: "run", input_schema: schema }];
    const events = anthropic.messages.stream({ model, max_tokens: 500, messages, tools });
    let text = "";
    events.on("text", (piece) => (text += piece));
    const message = await events.finalMessage();
    assert.equal(message.stop_reason, "tool_use");
    assert.equal(text, "I write the greeting.");
    assert.match(message.content.find((block) => block.type === "tool_use").input.command, /greeting\.txt/);
  }
  await assert.rejects(openai.responses.create({ model: "chat", input: [] }), { status: 400 });
  await assert.rejects(anthropic.messages.create({ model: "nobody", max_tokens: 1, messages: [{ role: "user", content: "Hi" }] }), { status: 404 });
}

main();
