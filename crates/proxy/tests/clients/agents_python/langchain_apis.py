"""LangChain by the Responses API and by Anthropic's package: calls, results, streams."""

import os

from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

url, key = os.environ["PROXY_URL"], os.environ["PROXY_KEY"]


@tool
def run(command: str) -> str:
    """Runs a command."""
    return f"ran {command}"


for name in ["agent", "native-agent", "text-agent"]:
    for model in [
        ChatOpenAI(model=name, base_url=url + "/v1", api_key=key, use_responses_api=True, max_retries=0),
        ChatAnthropic(model=name, base_url=url, api_key=key, max_tokens=500, max_retries=0),
    ]:
        bound = model.bind_tools([run])
        conversation, made = [HumanMessage("Write a greeting, look at it, and tell me.")], 0
        for turn in range(3):
            answer = bound.invoke(conversation)
            conversation.append(answer)
            for call in answer.tool_calls:
                made += 1
                conversation.append(ToolMessage(run.invoke(call["args"]), tool_call_id=call["id"]))
        assert made == 3 and answer.text.startswith("Done. The tools said: ran cat greeting.txt"), answer
        streamed = None
        for chunk in model.stream("Hello"):
            streamed = chunk if streamed is None else streamed + chunk
        assert streamed.text.startswith("You asked: “Hello”"), streamed
        assert streamed.usage_metadata["output_tokens"] > 0, streamed
