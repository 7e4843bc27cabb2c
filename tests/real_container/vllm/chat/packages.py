"""The packages openai and anthropic stream answers of vLLM's own routes, and read them by their own types."""

import os

from anthropic import Anthropic
from openai import OpenAI

url, key, model = os.environ["PROXY_URL"], os.environ["PROXY_KEY"], os.environ["MODEL"]
openai = OpenAI(base_url=url + "/v1", api_key=key, max_retries=0)
anthropic = Anthropic(base_url=url, api_key=key, max_retries=0)

# What the model says is nonsense, and so may be whether it thinks it or says it.
asked = {"model": model, "input": "Say hello.", "max_output_tokens": 12, "temperature": 0, "store": False}
with openai.responses.stream(**asked) as stream:
    events = list(stream)
    response = stream.get_final_response()
pieces = ("response.output_text.delta", "response.reasoning_text.delta")
said = "".join(event.delta for event in events if event.type in pieces)
assert said and said == "".join(part.text for item in response.output for part in item.content or []), (said, response)
assert [event.sequence_number for event in events] == list(range(len(events))), events
assert (events[0].type, events[-1].type) == ("response.created", "response.completed"), events
assert response.model == model and response.usage.output_tokens == 12, response
assert openai.responses.create(**asked).output_text == response.output_text

asked = {"model": model, "max_tokens": 12, "messages": [{"role": "user", "content": "Say hello."}], "extra_body": {"temperature": 0}}
with anthropic.messages.stream(**asked) as stream:
    events = list(stream)
    message = stream.get_final_message()
said = "".join(getattr(event, event.type) for event in events if event.type in ("text", "thinking"))
texts = [getattr(block, block.type) for block in message.content]
assert said and said == "".join(texts), (said, message)
assert (events[0].type, events[-1].type) == ("message_start", "message_stop"), events
assert message.model == model and message.stop_reason == "max_tokens" and message.usage.output_tokens == 12, message
assert [getattr(block, block.type) for block in anthropic.messages.create(**asked).content] == texts
