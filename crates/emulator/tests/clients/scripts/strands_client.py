"""Strands Agents: streamed and not, wrong keys, throttled, broken."""

import asyncio

import boto3
from stand_in import REGION, broken_stream, fails, received, run, script, throttle
from strands.models.sagemaker import SageMakerAIModel

MESSAGES = [{"role": "user", "content": [{"text": "Hi"}]}]


def answer(stream=True, **keys):
    session = boto3.Session(region_name=REGION, **keys)
    config = {"endpoint_name": "messages", "region_name": REGION}
    model = SageMakerAIModel(endpoint_config=config, payload_config={"max_tokens": 16, "stream": stream}, boto_session=session)

    async def collect():
        return [event async for event in model.stream(MESSAGES)]

    return asyncio.run(collect())


def text(events):
    return "".join(event.get("contentBlockDelta", {}).get("delta", {}).get("text", "") for event in events)


def whole():
    assert text(answer(stream=False))


def streamed():
    assert text(answer())


def wrong_keys():
    fails(lambda: answer(aws_access_key_id="AKIDNOBODY", aws_secret_access_key="x"), "UnrecognizedClientException")


def throttled():
    throttle("messages", 1)
    assert text(answer(stream=False))
    assert len(received("messages")) == 2


def broken():
    script("messages", broken_stream('data: {"choices": [{"index": 0, "delta": {"content": "one"}, "finish_reason": null}]}\n\n'))
    fails(answer, "the model is gone")


run(whole, streamed, wrong_keys, throttled, broken)
