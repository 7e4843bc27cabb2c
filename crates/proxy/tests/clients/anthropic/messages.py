"""The anthropic package: whole answers, streams, tools, models and failures, each checked strictly against its own types."""

import os

import anthropic
from anthropic import Anthropic
from anthropic.types import Message, MessageTokensCount, ModelInfo, RawMessageStreamEvent
from pydantic import TypeAdapter

url, key = os.environ["PROXY_URL"], os.environ["PROXY_KEY"]
client = Anthropic(base_url=url, api_key=key, max_retries=0)
messages = [{"role": "user", "content": "Hello, how are you?"}]


def checked(kind, model):
    """The model as its type demands it: nothing is converted and nothing is unknown."""
    data = model.model_dump(exclude_unset=True)
    parsed = TypeAdapter(kind).validate_json(model.model_dump_json(exclude_unset=True), strict=True)
    assert not getattr(parsed, "model_extra", None), parsed.model_extra
    return data


def stream(**arguments):
    events = client.messages.create(**{"max_tokens": 50, "messages": messages, **arguments}, stream=True)
    return [checked(RawMessageStreamEvent, event) for event in events]


for model in ["text", "chat"]:
    answer = client.messages.create(model=model, max_tokens=50, messages=messages, extra_body={"temperature": 0.2})
    checked(Message, answer)
    assert answer.model == model and answer.content[0].text, answer
    assert answer.stop_reason in ("end_turn", "max_tokens") and answer.usage.input_tokens > 0, answer
    assert answer._request_id, answer
    events = stream(model=model)
    assert events[0]["type"] == "message_start" and events[-1]["type"] == "message_stop", events
    with client.messages.stream(model=model, max_tokens=50, messages=messages) as helper:
        text = "".join(helper.text_stream)
        final = helper.get_final_message()
    assert text and final.content[0].text == text, final

tools = [
    {
        "name": "get_weather",
        "description": "The weather of a place",
        "input_schema": {"type": "object", "properties": {"place": {"type": "string"}}},
    },
    {"type": "web_search_20250305", "name": "web_search"},
]
asked = [{"role": "user", "content": "Use the tool get_weather for the weather in Paris."}]
raw = client.messages.with_raw_response.create(model="chat", max_tokens=50, messages=asked, tools=tools)
assert raw.headers["x-sagewire-ignored-tools"] == "web_search_20250305", raw.headers
answer = raw.parse()
checked(Message, answer)
call = next(block for block in answer.content if block.type == "tool_use")
assert (call.name, answer.stop_reason) == ("get_weather", "tool_use"), answer
turn = asked + [
    {"role": "assistant", "content": answer.content},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "Sunny"}]},
]
checked(Message, client.messages.create(model="chat", max_tokens=50, messages=turn, tools=tools))
with client.messages.stream(model="chat", max_tokens=50, messages=asked, tools=tools) as helper:
    final = helper.get_final_message()
assert final.stop_reason == "tool_use" and any(block.type == "tool_use" for block in final.content), final

count = client.messages.count_tokens(model="chat", messages=messages)
checked(MessageTokensCount, count)
assert count.input_tokens > 0, count
names = []
for model in client.models.list():
    checked(ModelInfo, model)
    names.append(model.id)
assert names[:2] == ["text", "chat"], names


def fails(kind, call):
    try:
        call()
    except kind as error:
        assert type(error) is kind and error.body["type"] == "error" and error.request_id, error
        return error
    raise AssertionError(f"no {kind}")


create = lambda **arguments: client.messages.create(**{"model": "chat", "max_tokens": 9, "messages": messages, **arguments})
wrong = Anthropic(base_url=url, api_key="wrong", max_retries=0)
fails(anthropic.AuthenticationError, lambda: wrong.messages.create(model="chat", max_tokens=9, messages=messages))
fails(anthropic.NotFoundError, lambda: create(model="nobody"))
fails(anthropic.BadRequestError, lambda: create(messages=[]))
fails(anthropic.RateLimitError, lambda: create(model="throttled"))
text = ""
try:
    for event in create(model="breaks", stream=True):
        assert event.type not in ("message_delta", "message_stop"), event
        text += getattr(getattr(event, "delta", None), "text", "")
    raise AssertionError("the broken stream ended as if it were whole")
except anthropic.APIStatusError as error:
    assert text == "Half" and error.body["error"]["type"] == "api_error", (text, error.body)
