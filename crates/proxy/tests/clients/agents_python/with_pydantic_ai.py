"""pydantic-ai does a whole task by both APIs."""

import os

from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

url, key = os.environ["PROXY_URL"], os.environ["PROXY_KEY"]
files, ran = {}, []


def write_file(path: str, content: str) -> str:
    """Writes a file."""
    files[path] = content
    return "written"


def run(command: str) -> str:
    """Runs a command."""
    ran.append(command)
    return files["greeting.txt"].strip() if command.startswith("cat") else "20 greeting.txt"


for name in ["agent", "native-agent", "text-agent"]:
    for model in [
        OpenAIResponsesModel(name, provider=OpenAIProvider(base_url=url + "/v1", api_key=key)),
        AnthropicModel(name, provider=AnthropicProvider(base_url=url, api_key=key)),
    ]:
        agent = Agent(model, instructions="Be brief.", tools=[write_file, run])
        result = agent.run_sync("Write a greeting, look at it, and tell me.")
        assert result.output.startswith("Done. The tools said:"), result.output
        assert files == {"greeting.txt": "hello from sagewire\n"}, files
        assert sorted(ran) == ["cat greeting.txt", "wc -c greeting.txt"], ran
        files.clear()
        ran.clear()
