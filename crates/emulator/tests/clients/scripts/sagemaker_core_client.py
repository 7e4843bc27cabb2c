"""sagemaker-core: whole, streamed as far as it can, asynchronous, wrong keys, throttled."""

import json

import boto3
from sagemaker_core.main.resources import Endpoint
from sagemaker_core.main.utils import SageMakerClient
from stand_in import REGION, URL, fails, received, run, throttle

BODY = json.dumps({"inputs": "Hi"})


def endpoint(**keys):
    SageMakerClient._instances = {}
    session = boto3.Session(region_name=REGION, **keys)
    client = SageMakerClient(session=session, region_name=REGION)
    client.sagemaker_runtime_client = session.client("sagemaker-runtime", endpoint_url=URL)
    return Endpoint(endpoint_name="tgi")


def whole():
    answer = endpoint().invoke(body=BODY, content_type="application/json")
    body = answer["Body"] if isinstance(answer, dict) else answer.body
    assert "generated_text" in body.read().decode()


def streamed():
    # Version 1 cannot read any event stream: it takes the stream for a mapping. The request and the head of the answer are right.
    request = {"body": json.dumps({"inputs": "Hi", "stream": True}), "content_type": "application/json"}
    fails(lambda: endpoint().invoke_with_response_stream(**request), "'EventStream' object has no attribute 'get'")
    assert received("tgi")[0]["accepted"]


def asynchronous():
    answer = endpoint().invoke_async(input_location="s3://mine/in.json")
    location = answer["OutputLocation"] if isinstance(answer, dict) else answer.output_location
    assert location.startswith("s3://")


def wrong_keys():
    stranger = endpoint(aws_access_key_id="AKIDNOBODY", aws_secret_access_key="x")
    fails(lambda: stranger.invoke(body=BODY), "UnrecognizedClientException")


def throttled():
    throttle("tgi", 1)
    endpoint().invoke(body=BODY, content_type="application/json")
    assert len(received("tgi")) == 2


run(whole, streamed, asynchronous, wrong_keys, throttled)
