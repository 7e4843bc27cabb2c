"""LlamaIndex: whole, streamed, wrong keys, throttled, broken."""

import sys
from unittest.mock import MagicMock

# The package imports llama.cpp, which it does not need for SageMaker.
sys.modules["llama_cpp"] = MagicMock()

from llama_index.llms.sagemaker_endpoint import SageMakerLLM
from stand_in import REGION, URL, broken_stream, fails, received, run, script, throttle


def model(**options):
    return SageMakerLLM(
        endpoint_name="tgi",
        model_kwargs={"max_new_tokens": 8},
        region_name=REGION,
        **options,
    )


def answer():
    """It cuts off as many characters as its prompt has: the model is expected to repeat it."""
    script("tgi", {"body": [{"generated_text": "Hello there. " * 1000}]})


def whole():
    answer()
    assert model().complete("Hi").text


def streamed():
    script("tgi", {"stream": [{"part": "Hello "}, {"part": "there"}]})
    assert list(model().stream_complete("Hi"))


def wrong_keys():
    fails(lambda: model(aws_access_key_id="AKIDNOBODY", aws_secret_access_key="x").complete("Hi"), "UnrecognizedClientException")


def throttled():
    throttle("tgi", 1)
    answer()
    assert model().complete("Hi").text
    assert len(received("tgi")) == 2


def broken():
    script("tgi", broken_stream("one"))
    fails(lambda: list(model().stream_complete("Hi")), "the model is gone")


run(whole, streamed, wrong_keys, throttled, broken)
