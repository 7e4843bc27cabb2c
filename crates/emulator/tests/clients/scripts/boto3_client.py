"""boto3: whole, streamed, asynchronous with S3, wrong keys, throttled, broken."""

import json
import os
import time

import boto3
from botocore.config import Config
from stand_in import REGION, URL, broken_stream, fails, received, run, script, throttle


def client(service="sagemaker-runtime", url=URL, **options):
    return boto3.client(service, endpoint_url=url, region_name=REGION, **options)


def whole():
    answer = client().invoke_endpoint(EndpointName="tgi", ContentType="application/json", Body=b'{"inputs": "Hi"}')
    assert "generated_text" in answer["Body"].read().decode()


def streamed():
    answer = client().invoke_endpoint_with_response_stream(EndpointName="tgi", Body=b'{"inputs": "Hi", "stream": true}')
    text = b"".join(event["PayloadPart"]["Bytes"] for event in answer["Body"])
    assert b"generated_text" in text


def asynchronous():
    s3 = client("s3", os.environ["S3_URL"])
    s3.create_bucket(Bucket="mine")
    s3.put_object(Bucket="mine", Key="in.json", Body=b'{"inputs": "Hi"}')
    answer = client().invoke_endpoint_async(EndpointName="tgi", InputLocation="s3://mine/in.json", InferenceId="one")
    assert answer["InferenceId"] == "one"
    bucket, key = answer["OutputLocation"].removeprefix("s3://").split("/", 1)
    for _ in range(200):
        if s3.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"]:
            break
        time.sleep(0.05)
    assert "generated_text" in json.dumps(json.load(s3.get_object(Bucket=bucket, Key=key)["Body"]))


def wrong_keys():
    stranger = client(aws_access_key_id="AKIDNOBODY", aws_secret_access_key="x")
    fails(lambda: stranger.invoke_endpoint(EndpointName="tgi", Body=b"{}"), "UnrecognizedClientException")
    liar = client(aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"], aws_secret_access_key="x")
    fails(lambda: liar.invoke_endpoint(EndpointName="tgi", Body=b"{}"), "InvalidSignatureException")


def throttled():
    throttle("tgi", 2)
    patient = client(config=Config(retries={"mode": "standard", "max_attempts": 3}))
    patient.invoke_endpoint(EndpointName="tgi", ContentType="application/json", Body=b'{"inputs": "Hi"}')
    assert len(received("tgi")) == 3


def broken():
    script("tgi", broken_stream("one"))
    answer = client().invoke_endpoint_with_response_stream(EndpointName="tgi", Body=b"{}")
    fails(lambda: list(answer["Body"]), "the model is gone")


run(whole, streamed, asynchronous, wrong_keys, throttled, broken)
