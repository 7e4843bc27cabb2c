"""aioboto3: whole, streamed, asynchronous, wrong keys, throttled, broken."""

import asyncio

import aioboto3
from botocore.config import Config
from stand_in import REGION, URL, broken_stream, fails, received, run, script, throttle


def calling(work, **options):
    async def call():
        async with aioboto3.Session().client("sagemaker-runtime", endpoint_url=URL, region_name=REGION, **options) as client:
            return await work(client)

    return asyncio.run(call())


async def invoke(client):
    answer = await client.invoke_endpoint(EndpointName="tgi", ContentType="application/json", Body=b'{"inputs": "Hi"}')
    return (await answer["Body"].read()).decode()


async def stream(client):
    answer = await client.invoke_endpoint_with_response_stream(EndpointName="tgi", Body=b'{"inputs": "Hi", "stream": true}')
    return b"".join([event["PayloadPart"]["Bytes"] async for event in answer["Body"]])


def whole():
    assert "generated_text" in calling(invoke)


def streamed():
    assert b"generated_text" in calling(stream)


def asynchronous():
    answer = calling(lambda client: client.invoke_endpoint_async(EndpointName="tgi", InputLocation="s3://mine/in.json"))
    assert answer["OutputLocation"].startswith("s3://")


def wrong_keys():
    options = {"aws_access_key_id": "AKIDNOBODY", "aws_secret_access_key": "x"}
    fails(lambda: calling(invoke, **options), "UnrecognizedClientException")


def throttled():
    throttle("tgi", 2)
    calling(invoke, config=Config(retries={"mode": "standard", "max_attempts": 3}))
    assert len(received("tgi")) == 3


def broken():
    script("tgi", broken_stream("one"))
    fails(lambda: calling(stream), "the model is gone")


run(whole, streamed, asynchronous, wrong_keys, throttled, broken)
