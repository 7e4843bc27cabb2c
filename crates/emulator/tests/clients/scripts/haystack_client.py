"""Haystack: whole, wrong keys, throttled. Its generator does not stream."""

from haystack.utils import Secret
from haystack_integrations.components.generators.amazon_sagemaker import SagemakerGenerator
from stand_in import ACCESS_KEY_ID, SECRET_ACCESS_KEY, fails, received, run, throttle


def generate(access_key_id=ACCESS_KEY_ID):
    generator = SagemakerGenerator(
        model="tgi",
        aws_access_key_id=Secret.from_token(access_key_id),
        aws_secret_access_key=Secret.from_token(SECRET_ACCESS_KEY),
        aws_session_token=None,
        aws_region_name=Secret.from_token("us-east-1"),
        generation_kwargs={"max_new_tokens": 8},
    )
    return generator.run("Hi")["replies"]


def whole():
    assert generate()[0]


def wrong_keys():
    fails(lambda: generate("AKIDNOBODY"), "UnrecognizedClientException")


def throttled():
    throttle("tgi", 1)
    assert generate()[0]
    assert len(received("tgi")) == 2


run(whole, wrong_keys, throttled)
