"""Anthropic's tool runner does a whole task, whole and streamed."""

import os

from anthropic import Anthropic, beta_tool

client = Anthropic(base_url=os.environ["PROXY_URL"], api_key=os.environ["PROXY_KEY"], max_retries=0)
files, ran = {}, []


@beta_tool
def write_file(path: str, content: str) -> str:
    """Writes a file.

    Args:
        path: Where.
        content: What.
    """
    files[path] = content
    return "written"


@beta_tool
def run(command: str) -> str:
    """Runs a command.

    Args:
        command: The command.
    """
    ran.append(command)
    return files["greeting.txt"].strip() if command.startswith("cat") else "20 greeting.txt"


for model in ["agent", "native-agent", "text-agent"]:
    for stream in [False, True]:
        asked = [{"role": "user", "content": "Write a greeting, look at it, and tell me."}]
        thinking = {"type": "enabled", "budget_tokens": 1024}
        runner = client.beta.messages.tool_runner(
            model=model, max_tokens=2000, messages=asked, tools=[write_file, run], thinking=thinking, stream=stream
        )
        if stream:
            for events in runner:
                for event in events:
                    last = event.type
                assert last == "message_stop", last
                final = events.get_final_message()
        else:
            final = runner.until_done()
        kinds = [block.type for block in final.content]
        assert kinds == ["thinking", "text"] and final.stop_reason == "end_turn", final
        assert final.content[1].text.startswith("Done. The tools said:"), final
        assert files == {"greeting.txt": "hello from sagewire\n"}, files
        assert sorted(ran) == ["cat greeting.txt", "wc -c greeting.txt"], ran
        files.clear()
        ran.clear()
