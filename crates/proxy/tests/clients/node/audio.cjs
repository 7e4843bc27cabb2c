// The openai package for Node: transcriptions as a whole and as a stream, and speech.
const assert = require("node:assert");
const { OpenAI, toFile } = require("openai");

const client = new OpenAI({ baseURL: process.env.PROXY_URL + "/v1", apiKey: process.env.PROXY_KEY, maxRetries: 0 });

async function main() {
  const recording = () => toFile(Buffer.concat([Buffer.from("RIFF"), Buffer.alloc(1000)]), "meeting.wav");
  for (const model of ["whisper", "whisperx", "speech-recognition"]) {
    const answer = await client.audio.transcriptions.create({ model, file: await recording() });
    assert.ok(answer.text.startsWith("I heard 1004 bytes"), answer.text);
    const srt = await client.audio.transcriptions.create({ model, file: await recording(), response_format: "srt" });
    assert.ok(srt.startsWith("1\n00:00:00,000 --> "), srt);
    let text = "";
    let done;
    const stream = await client.audio.transcriptions.create({ model, file: await recording(), stream: true });
    for await (const event of stream) {
      if (event.type === "transcript.text.delta") text += event.delta;
      if (event.type === "transcript.text.done") done = event;
    }
    assert.equal(done.text, text);
  }
  const translation = await client.audio.translations.create({ model: "whisper", file: await recording() });
  assert.ok(translation.text.startsWith("I translated"), translation.text);

  const speech = await client.audio.speech.create({ model: "omni", input: "Hello there", voice: "alloy" });
  const sound = Buffer.from(await speech.arrayBuffer());
  assert.equal(sound.length, 15);
  const images = await client.images.generate({ model: "omni", prompt: "a llama" });
  assert.ok(images.data[0].b64_json);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
