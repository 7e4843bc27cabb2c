"""The openai package: whole answers, streams, tools."""

import json
import os

from openai import OpenAI

client = OpenAI(base_url=os.environ["PROXY_URL"] + "/v1", api_key=os.environ["PROXY_KEY"], max_retries=0)
messages = [{"role": "user", "content": "Hello, how are you?"}]

for model in ["text", "chat"]:
    answer = client.chat.completions.create(model=model, messages=messages, max_tokens=20, temperature=0.2)
    assert answer.model == model, answer
    assert answer.choices[0].message.content, answer
    assert answer.choices[0].finish_reason in ("stop", "length"), answer
    # A text container reports no tokens unless it is asked for details.
    assert model == "text" or answer.usage.total_tokens > 0, answer
    assert answer._request_id, answer

    text, reasons, usage = "", [], None
    stream = client.chat.completions.create(
        model=model, messages=messages, max_tokens=20, stream=True, stream_options={"include_usage": True}
    )
    for chunk in stream:
        assert chunk.model == model, chunk
        for choice in chunk.choices:
            text += choice.delta.content or ""
            if choice.finish_reason:
                reasons.append(choice.finish_reason)
        usage = chunk.usage or usage
    assert text and len(reasons) == 1, (text, reasons)
    assert model == "text" or usage.completion_tokens > 0, usage

# Parameters that only the container knows, and the inference component.
client.chat.completions.create(model="text", messages=messages, extra_body={"top_k": 40, "model_id": "component-1"})

tools = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather of a place",
            "parameters": {"type": "object", "properties": {"place": {"type": "string"}}},
        },
    }
]
asked = [{"role": "user", "content": "Use the tool get_weather for the weather in Paris."}]
answer = client.chat.completions.create(model="chat", messages=asked, tools=tools, tool_choice="auto")
call = answer.choices[0].message.tool_calls[0]
assert call.function.name == "get_weather", answer
json.loads(call.function.arguments)
assert answer.choices[0].finish_reason == "tool_calls", answer

# The tool's turn: content is null in the assistant's message.
turn = asked + [
    answer.choices[0].message.model_dump(exclude_none=True),
    {"role": "tool", "tool_call_id": call.id, "content": "Sunny"},
]
assert client.chat.completions.create(model="chat", messages=turn).choices[0].message.content

arguments = ""
for chunk in client.chat.completions.create(model="chat", messages=asked, tools=tools, stream=True):
    for choice in chunk.choices:
        for piece in choice.delta.tool_calls or []:
            arguments += piece.function.arguments or ""
json.loads(arguments)

prompt = client.completions.create(model="text", prompt="Once upon a time", max_tokens=8)
assert prompt.choices[0].text, prompt
