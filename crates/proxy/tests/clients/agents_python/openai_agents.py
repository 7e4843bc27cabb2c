"""OpenAI's Agents SDK does a whole task with tools of its own, whole and streamed."""

import asyncio
import os

from agents import Agent, ModelSettings, OpenAIResponsesModel, Runner, function_tool, set_tracing_disabled
from openai import AsyncOpenAI

set_tracing_disabled(True)
client = AsyncOpenAI(base_url=os.environ["PROXY_URL"] + "/v1", api_key=os.environ["PROXY_KEY"], max_retries=0)
files = {}
ran = []


@function_tool
def write_file(path: str, content: str) -> str:
    """Writes a file."""
    files[path] = content
    return "written"


@function_tool
def run(command: str) -> str:
    """Runs a command."""
    ran.append(command)
    return files["greeting.txt"].strip() if command.startswith("cat") else "20 greeting.txt"


async def main():
    for name in ["agent", "native-agent", "text-agent"]:
        model = OpenAIResponsesModel(model=name, openai_client=client)
        agent = Agent(name="writer", instructions="Be brief.", tools=[write_file, run], model=model, model_settings=ModelSettings(store=False))
        result = await Runner.run(agent, "Write a greeting, look at it, and tell me.")
        check(result.final_output)
        streamed = Runner.run_streamed(agent, "Write a greeting, look at it, and tell me.")
        deltas = ""
        async for event in streamed.stream_events():
            if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
                deltas += event.data.delta
        check(streamed.final_output)
        assert deltas.endswith(streamed.final_output), deltas


def check(output):
    assert files == {"greeting.txt": "hello from sagewire\n"}, files
    assert sorted(ran) == ["cat greeting.txt", "wc -c greeting.txt"], ran
    assert output.startswith("Done. The tools said:") and "hello from sagewire" in output and "20" in output, output
    files.clear()
    ran.clear()


asyncio.run(main())
