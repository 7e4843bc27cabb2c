"""The openai package: every failure is its typed exception."""

import os

import openai
from openai import OpenAI

url, key = os.environ["PROXY_URL"] + "/v1", os.environ["PROXY_KEY"]
client = OpenAI(base_url=url, api_key=key, max_retries=0)
messages = [{"role": "user", "content": "Hello"}]


def fails(kind, call, code=None, status=None):
    try:
        call()
    except kind as error:
        assert type(error) is kind, type(error)
        if status:
            assert error.status_code == status, error
        if code:
            assert error.code == code, error.body
        assert "no-such-endpoint" not in str(error) and "123456789012" not in str(error), error
        return error
    raise AssertionError(f"no {kind}")


def chat(**arguments):
    return client.chat.completions.create(**{"model": "chat", "messages": messages, **arguments})


fails(openai.AuthenticationError, lambda: OpenAI(base_url=url, api_key="wrong").models.list(), "invalid_api_key", 401)
fails(openai.NotFoundError, lambda: chat(model="nobody"), "model_not_found", 404)
# The operator named this endpoint, and not the caller.
gone = fails(openai.InternalServerError, lambda: chat(model="gone"), "proxy_misconfigured", 502)
assert gone.body["aws_request_id"], gone.body
assert gone.request_id, gone
fails(openai.BadRequestError, lambda: chat(messages=[]), None, 400)
fails(openai.BadRequestError, lambda: chat(temperature="hot"), None, 400)
fails(openai.BadRequestError, lambda: chat(extra_body={"aws_secret_access_key": "x"}), "parameter_not_allowed", 400)
fails(openai.BadRequestError, lambda: chat(model="too-long"), "context_length_exceeded", 400)
fails(openai.BadRequestError, lambda: chat(model="text", seed=1, logit_bias={"1": 1}), "unsupported_parameter", 400)
fails(openai.RateLimitError, lambda: chat(model="throttled"), "rate_limit_exceeded", 429)
fails(openai.NotFoundError, lambda: client.post("/nothing", cast_to=object, body={}), "unknown_url", 404)

# A stream that breaks is an exception, and never a whole answer.
text = ""
try:
    for chunk in chat(model="breaks", stream=True):
        text += chunk.choices[0].delta.content or ""
        assert chunk.choices[0].finish_reason is None, chunk
    raise AssertionError("the broken stream ended as if it were whole")
except openai.APIError as error:
    assert text == "Half", text
    assert error.type == "server_error", error.body
