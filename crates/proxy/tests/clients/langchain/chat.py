"""langchain-openai: invoke, stream, content as a list, tool turns."""

import os

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

url, key = os.environ["PROXY_URL"], os.environ["PROXY_KEY"]

for model in ["text", "chat"]:
    chat = ChatOpenAI(base_url=url, api_key=key, model=model, temperature=0.1, max_retries=0)
    answer = chat.invoke([SystemMessage("You are terse."), HumanMessage("what llm are you")])
    assert answer.content, answer
    # A text container reports no tokens unless it is asked for details.
    assert model == "text" or answer.usage_metadata["total_tokens"] > 0, answer
    text = "".join(chunk.content for chunk in chat.stream("Tell me about llamas"))
    assert text
    # Content as a list of parts.
    listed = chat.invoke([HumanMessage([{"type": "text", "text": "Hello, "}, {"type": "text", "text": "you"}])])
    assert listed.content, listed


@tool
def get_weather(place: str) -> str:
    """The weather of a place."""
    return "Sunny in " + place


chat = ChatOpenAI(base_url=url, api_key=key, model="chat", max_retries=0).bind_tools([get_weather])
question = HumanMessage("Use the tool get_weather for the weather in Paris.")
asked = chat.invoke([question])
assert isinstance(asked, AIMessage) and asked.tool_calls, asked
call = asked.tool_calls[0]
assert call["name"] == "get_weather", call
turn = [question, asked, ToolMessage(get_weather.invoke({"place": "Paris"}), tool_call_id=call["id"])]
assert chat.invoke(turn).content
