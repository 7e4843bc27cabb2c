// The AWS SDK for JavaScript: whole, streamed, asynchronous, wrong keys, throttled, broken.
import assert from "node:assert/strict";
import {
  InvokeEndpointAsyncCommand,
  InvokeEndpointCommand,
  InvokeEndpointWithResponseStreamCommand,
  SageMakerRuntimeClient,
} from "@aws-sdk/client-sagemaker-runtime";

const url = process.env.EMULATOR_URL;
const keys = { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY };
const client = (credentials = keys) => new SageMakerRuntimeClient({ endpoint: url, region: "us-east-1", credentials, maxAttempts: 3 });
const control = async (method, path, body) => {
  const answer = await fetch(`${url}/_sagewire/${path}`, {
    method,
    headers: { "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  assert.equal(answer.status, 200, await answer.clone().text());
  return answer.json();
};
const request = { EndpointName: "tgi", ContentType: "application/json", Body: '{"inputs": "Hi", "stream": true}' };
const text = async (stream) => {
  let all = "";
  for await (const event of stream) all += new TextDecoder().decode(event.PayloadPart.Bytes);
  return all;
};

const cases = {
  async whole() {
    const answer = await client().send(new InvokeEndpointCommand({ ...request, Body: '{"inputs": "Hi"}' }));
    assert.match(new TextDecoder().decode(answer.Body), /generated_text/);
  },
  async streamed() {
    const answer = await client().send(new InvokeEndpointWithResponseStreamCommand(request));
    assert.match(await text(answer.Body), /generated_text/);
  },
  async asynchronous() {
    const command = new InvokeEndpointAsyncCommand({ EndpointName: "tgi", InputLocation: "s3://mine/in.json" });
    assert.match((await client().send(command)).OutputLocation, /^s3:/);
  },
  async wrongKeys() {
    const stranger = client({ accessKeyId: "AKIDNOBODY", secretAccessKey: "x" });
    await assert.rejects(stranger.send(new InvokeEndpointCommand(request)), { name: "UnrecognizedClientException" });
  },
  async throttled() {
    await control("POST", "faults", { endpoint: "tgi", fault: "throttling", times: 2 });
    await client().send(new InvokeEndpointCommand({ ...request, Body: '{"inputs": "Hi"}' }));
    assert.equal((await control("GET", "requests?endpoint=tgi")).requests.length, 3);
  },
  async broken() {
    const error = { error_code: "StreamBroken", message: "the model is gone" };
    await control("POST", "replies", { endpoint: "tgi", replies: [{ stream: [{ part: "one" }, { model_stream_error: error }] }] });
    const answer = await client().send(new InvokeEndpointWithResponseStreamCommand(request));
    await assert.rejects(text(answer.Body), /the model is gone/);
  },
};
for (const [name, check] of Object.entries(cases)) {
  await control("POST", "reset");
  await check();
  console.log(`${name}: ok`);
}
