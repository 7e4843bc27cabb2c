"""The openai package: retries, timeouts, giving up."""

import os
import time

import openai
from openai import OpenAI

url, key = os.environ["PROXY_URL"] + "/v1", os.environ["PROXY_KEY"]
messages = [{"role": "user", "content": "Hello"}]

# One failure, then an answer: the package tries again by itself.
answer = OpenAI(base_url=url, api_key=key, max_retries=2).chat.completions.create(model="flaky", messages=messages)
assert answer.choices[0].message.content, answer

client = OpenAI(base_url=url, api_key=key, max_retries=0)
try:
    client.with_options(timeout=0.5).chat.completions.create(model="slow", messages=messages)
    raise AssertionError("no timeout")
except openai.APITimeoutError:
    pass

# The proxy keeps the caller's own limit, too.
try:
    client.chat.completions.create(model="slow", messages=messages, extra_body={"timeout": 0.2})
    raise AssertionError("no timeout")
except openai.InternalServerError as error:
    assert error.status_code == 504 and error.code == "timeout", error.body

# What was given up is no longer at work.
stream = client.chat.completions.create(model="chat", messages=messages, stream=True)
next(iter(stream))
stream.close()
import urllib.request

for _ in range(100):
    page = urllib.request.urlopen(os.environ["PROXY_URL"] + "/metrics").read().decode()
    if "sagewire_requests_in_flight 0.0\n" in page:
        break
    time.sleep(0.05)
else:
    raise AssertionError(page)
