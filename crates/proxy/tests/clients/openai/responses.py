"""The openai package's Responses API: whole answers, streams, tools and failures, each checked strictly against its own types."""

import os

import openai
from openai import OpenAI
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter

url, key = os.environ["PROXY_URL"] + "/v1", os.environ["PROXY_KEY"]
client = OpenAI(base_url=url, api_key=key, max_retries=0)
EVENT = TypeAdapter(ResponseStreamEvent)


def checked(kind, model):
    """The model as its type demands it: nothing is converted and nothing is unknown."""
    parsed = TypeAdapter(kind).validate_json(model.model_dump_json(exclude_unset=True, by_alias=True), strict=True)
    assert not unknown(parsed), unknown(parsed)
    return model


def unknown(value, place=""):
    """The fields that no type knows, however deep."""
    found = []
    if isinstance(value, BaseModel):
        found += [f"{place}.{name}" for name in value.model_extra or {}]
        for name in type(value).model_fields:
            found += unknown(getattr(value, name), f"{place}.{name}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            found += unknown(item, f"{place}[{number}]")
    # The service of today says whether a response is stored and, where a call's arguments are whole, its name, which these types do not
    # know yet; Python's SDK raises errors by `error`.
    # `estimated` is sagewire's own: the container did not report the counts.
    own = (".usage.estimated", ".response.usage.estimated")
    return [name for name in found if name not in (".store", ".response.store", ".error", ".name", *own)]


def stream(**arguments):
    events = [checked(ResponseStreamEvent, event) for event in client.responses.create(**arguments, stream=True)]
    assert [event.sequence_number for event in events] == list(range(len(events))), events
    return events


tools = [
    {
        "type": "function",
        "name": "run",
        "description": "Runs a command",
        "parameters": {"type": "object", "properties": {"cmd": {"type": "string"}}, "required": ["cmd"]},
        "strict": False,
    },
    {"type": "custom", "name": "note", "description": "Takes a note"},
    {"type": "namespace", "name": "more", "description": "More tools", "tools": [{"type": "function", "name": "stop"}]},
]

for model in ["text", "chat", "agent", "native-agent", "text-agent"]:
    # What the proxy does not store, a container may answer itself.
    hello = {"model": model, "input": "Hello, how are you?", "max_output_tokens": 200, "store": False}
    answer = checked(Response, client.responses.create(**hello))
    assert answer.model == model and answer.output_text and answer.usage.total_tokens > 0, answer
    assert answer.status == "completed", answer
    events = stream(**hello)
    assert events[0].type == "response.created" and events[-1].type == "response.completed", events
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text and text == events[-1].response.output_text, (text, events[-1])
    with client.responses.stream(**hello) as helper:
        text = "".join(event.delta for event in helper if event.type == "response.output_text.delta")
        assert helper.get_final_response().output_text == text

for model in ["agent", "native-agent", "text-agent"]:
    for summary in [None, "auto"]:
        # A whole task: the results of the calls are sent back until the model is done.
        asked = {"model": model, "tools": tools, "include": ["reasoning.encrypted_content"], "store": False}
        if summary:
            asked["reasoning"] = {"summary": summary}
        conversation, made = [{"role": "user", "content": "Write a greeting."}], []
        for turn in range(3):
            events = stream(**asked, input=conversation)
            whole = checked(Response, client.responses.create(**asked, input=conversation))
            final = events[-1].response
            assert [item.type for item in final.output] == [item.type for item in whole.output], (final, whole)
            assert final.output[0].type == "reasoning", final
            calls = [item for item in final.output if item.type == "function_call"]
            conversation += [item.model_dump(exclude_none=True) for item in final.output]
            for call in calls:
                made.append(call.name)
                conversation.append({"type": "function_call_output", "call_id": call.call_id, "output": f"result {len(made)}"})
        assert made == ["run"] * 3, made
        assert final.output_text == "Done. The tools said: result 2 | result 3", final


class Greeting(BaseModel):
    language: str
    polite: bool


parsed = client.responses.parse(model="chat", input="Greet me in French", text_format=Greeting)
assert isinstance(parsed.output_parsed, Greeting), parsed
with client.responses.stream(model="chat", input="Greet me in French", text_format=Greeting) as helper:
    assert isinstance(helper.until_done().get_final_response().output_parsed, Greeting)

cut = checked(Response, client.responses.create(model="chat", input="Hello", max_output_tokens=2))
assert (cut.status, cut.incomplete_details.reason) == ("incomplete", "max_output_tokens"), cut
events = stream(model="chat", input="Hello", max_output_tokens=2)
assert events[-1].type == "response.incomplete", events
raw = client.responses.with_raw_response.create(model="chat", input="Hello", tools=[{"type": "web_search"}])
assert raw.headers["x-sagewire-ignored-tools"] == "web_search", raw.headers

# What the proxy keeps.
first = checked(Response, client.responses.create(model="chat", input="My name is Ada."))
second = checked(Response, client.responses.create(model="chat", input="Who am I?", previous_response_id=first.id))
assert second.previous_response_id == first.id and checked(Response, client.responses.retrieve(first.id)).id == first.id
items = client.responses.input_items.list(second.id).data
assert [item.role for item in items] == ["user", "assistant", "user"], items
client.responses.delete(first.id)


def fails(kind, call):
    try:
        call()
    except kind as error:
        assert type(error) is kind, error
        return error
    raise AssertionError(f"no {kind}")


create = lambda **arguments: client.responses.create(**{"model": "chat", "input": "Hello", **arguments})
fails(openai.NotFoundError, lambda: client.responses.retrieve(first.id))
fails(openai.NotFoundError, lambda: create(model="nobody"))
fails(openai.BadRequestError, lambda: create(previous_response_id=first.id))
fails(openai.BadRequestError, lambda: create(background=True))
fails(openai.BadRequestError, lambda: client.responses.cancel(second.id))
fails(openai.RateLimitError, lambda: create(model="throttled"))
fails(openai.AuthenticationError, lambda: OpenAI(base_url=url, api_key="wrong").responses.retrieve(second.id))
text = ""
try:
    for event in create(model="breaks", stream=True):
        assert event.type not in ("response.completed", "response.incomplete"), event
        text += event.delta if event.type == "response.output_text.delta" else ""
    raise AssertionError("the broken stream ended as if it were whole")
except openai.APIError as error:
    assert text == "Half" and error.message, (text, error)
