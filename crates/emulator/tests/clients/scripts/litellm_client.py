"""LiteLLM: whole, streamed, embeddings, wrong keys, throttled, broken."""

import litellm
from stand_in import REGION, URL, broken_stream, fails, received, run, script, throttle

litellm.suppress_debug_info = True
MESSAGES = [{"role": "user", "content": "Hi"}]


def completion(model, **options):
    invocations = f"{URL}/endpoints/{model.split('/')[1]}/invocations"
    if options.get("stream"):
        invocations += "-response-stream"
    options = {"aws_region_name": REGION, "sagemaker_base_url": invocations, "api_base": invocations, **options}
    return litellm.completion(model=model, messages=MESSAGES, **options)


def whole():
    assert completion("sagemaker/tgi").choices[0].message.content
    assert completion("sagemaker_chat/messages").choices[0].message.content


def streamed():
    for model in ["sagemaker/tgi", "sagemaker_chat/messages"]:
        chunks = list(completion(model, stream=True))
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks), model


def wrong_keys():
    fails(lambda: completion("sagemaker/tgi", aws_access_key_id="AKIDNOBODY", aws_secret_access_key="x"), "403 Forbidden")


def throttled():
    throttle("tgi", 1)
    assert completion("sagemaker/tgi", num_retries=1).choices[0].message.content
    assert len(received("tgi")) == 2


def broken():
    script("tgi", broken_stream('data: {"token": {"text": "one"}}\n\n'))
    fails(lambda: list(completion("sagemaker/tgi", stream=True)), "the model is gone")


run(whole, streamed, wrong_keys, throttled, broken)
