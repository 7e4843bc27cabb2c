// The packages openai and @anthropic-ai/sdk for Node: streaming helpers, parsed answers, and a whole task by Anthropic's tool runner.
const assert = require("node:assert");
const Anthropic = require("@anthropic-ai/sdk");
const { betaTool } = require("@anthropic-ai/sdk/helpers/beta/json-schema");
const { OpenAI } = require("openai");
const { zodTextFormat } = require("openai/helpers/zod");
const { z } = require("zod");

const apiKey = process.env.PROXY_KEY;
const openai = new OpenAI({ baseURL: process.env.PROXY_URL + "/v1", apiKey, maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: process.env.PROXY_URL, apiKey, maxRetries: 0 });
const schema = { type: "object", properties: { command: { type: "string" } }, required: ["command"] };

async function main() {
  for (const model of ["agent", "native-agent", "text-agent"]) {
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
    assert.equal(text.trim(), "I write the greeting.");
    assert.match(message.content.find((block) => block.type === "tool_use").input.command, /greeting\.txt/);

    for (const stream of [false, true]) {
      const ran = [];
      const run = betaTool({
        name: "run",
        description: "Runs a command",
        inputSchema: schema,
        run: ({ command }) => {
          ran.push(command);
          return `ran ${command}`;
        },
      });
      const runner = anthropic.beta.messages.toolRunner({ model, max_tokens: 2000, messages, tools: [run], stream });
      if (stream) {
        let last;
        for await (const turn of runner) for await (const event of turn) last = event.type;
        assert.equal(last, "message_stop");
      }
      const final = await runner.runUntilDone();
      assert.equal(final.stop_reason, "end_turn");
      assert.match(final.content.find((block) => block.type === "text").text, /^Done\. The tools said: ran cat greeting\.txt/);
      assert.equal(ran.length, 3, ran);
    }
  }
  const format = zodTextFormat(z.object({ language: z.string(), polite: z.boolean() }), "greeting");
  const parsed = await openai.responses.parse({ model: "chat", input: "Greet me in French", text: { format } });
  assert.equal(typeof parsed.output_parsed.polite, "boolean");
  await assert.rejects(openai.responses.create({ model: "chat", input: [] }), { status: 400 });
  await assert.rejects(anthropic.messages.create({ model: "nobody", max_tokens: 1, messages: [{ role: "user", content: "Hi" }] }), { status: 404 });
}

main();
