"""langchain-aws: whole, streamed, wrong keys, throttled, broken."""

import json

import boto3
from botocore.config import Config
from langchain_aws.llms.sagemaker_endpoint import LLMContentHandler, SagemakerEndpoint
from stand_in import REGION, URL, broken_stream, fails, received, run, script, throttle


class Handler(LLMContentHandler):
    content_type = "application/json"
    accepts = "application/json"

    def transform_input(self, prompt, model_kwargs):
        return json.dumps({"inputs": prompt, **model_kwargs}).encode()

    def transform_output(self, output):
        text = output.read() if hasattr(output, "read") else output
        return text.decode() if isinstance(text, bytes) else str(text)


def model(client=None, **options):
    client = client or boto3.client("sagemaker-runtime", endpoint_url=URL, region_name=REGION)
    return SagemakerEndpoint(endpoint_name="tgi", client=client, region_name=REGION, content_handler=Handler(), **options)


def whole():
    assert "generated_text" in model().invoke("Hi")


def streamed():
    assert "generated_text" in "".join(model(streaming=True, model_kwargs={"stream": True}).stream("Hi"))


def wrong_keys():
    client = boto3.client(
        "sagemaker-runtime", endpoint_url=URL, region_name=REGION, aws_access_key_id="AKIDNOBODY", aws_secret_access_key="x"
    )
    fails(lambda: model(client).invoke("Hi"), "UnrecognizedClientException")


def throttled():
    throttle("tgi", 2)
    config = Config(retries={"mode": "standard", "max_attempts": 3})
    model(boto3.client("sagemaker-runtime", endpoint_url=URL, region_name=REGION, config=config)).invoke("Hi")
    assert len(received("tgi")) == 3


def broken():
    script("tgi", broken_stream("one\n"))
    fails(lambda: list(model(streaming=True).stream("Hi")), "the model is gone")


run(whole, streamed, wrong_keys, throttled, broken)
