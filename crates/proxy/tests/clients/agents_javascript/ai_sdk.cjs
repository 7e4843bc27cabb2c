// Vercel's AI SDK does a whole task by both APIs, whole and streamed.
const assert = require("node:assert");
const { createAnthropic } = require("@ai-sdk/anthropic");
const { createOpenAI } = require("@ai-sdk/openai");
const { generateText, isStepCount, jsonSchema, stepCountIs, streamText, tool } = require("ai");

const apiKey = process.env.PROXY_KEY;
const baseURL = process.env.PROXY_URL + "/v1";
const openai = createOpenAI({ baseURL, apiKey });
const anthropic = createAnthropic({ baseURL, apiKey });
const atMost = isStepCount ?? stepCountIs;

async function main() {
  for (const name of ["agent", "native-agent", "text-agent"]) {
    for (const model of [openai.responses(name), anthropic(name)]) {
      const ran = [];
      const run = tool({
        description: "Runs a command",
        inputSchema: jsonSchema({ type: "object", properties: { command: { type: "string" } }, required: ["command"] }),
        execute: async ({ command }) => {
          ran.push(command);
          return `ran ${command}`;
        },
      });
      const asked = { model, prompt: "Write a greeting, look at it, and tell me.", tools: { run }, stopWhen: atMost(5), maxRetries: 0 };
      const whole = await generateText(asked);
      assert.match(whole.text, /^Done\. The tools said: .*ran cat greeting\.txt/);
      assert.equal(ran.length, 3, ran);
      const streamed = streamText(asked);
      let text = "";
      for await (const piece of streamed.textStream) text += piece;
      assert.match(text, /Done\. The tools said: .*ran cat greeting\.txt/);
      assert.equal(ran.length, 6, ran);
    }
  }
}

main();
