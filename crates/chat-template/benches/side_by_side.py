"""Renders one conversation with this crate, with minijinja alone, with jinja2 and with transformers, and prints how
they compare. One command:

    pip install transformers jinja2
    python crates/chat-template/benches/side_by_side.py

It builds and runs `side_by_side.rs`. All take turns in short rounds. The time of a row in a round is the best of some
bursts, each shorter than what a busy machine gives to a process at a time; a ratio is the median of the rounds' ratios. The templates are read from $SAGEWIRE_VECTORS (by default
../shared/vectors beside the project).
"""

import os
import pathlib
import statistics
import subprocess
import sys
import timeit

from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast
from transformers.utils.chat_template_utils import _compile_jinja_template

MESSAGES = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello! How can I help?"},
    {"role": "user", "content": "Tell me a joke."},
    {"role": "assistant", "content": "Why did the chicken cross the road?"},
    {"role": "user", "content": "Why?"},
]
TEMPLATES = {
    "Llama 3.1": "meta-llama-Llama-3.1-8B-Instruct",
    "Qwen 2.5": "Qwen-Qwen2.5-7B-Instruct",
}
ROUNDS = int(os.environ.get("ROUNDS", "40"))
BURSTS = 9
COUNT = 20
CRATE = pathlib.Path(__file__).resolve().parent.parent
VECTORS = pathlib.Path(os.environ.get("SAGEWIRE_VECTORS", CRATE.parent.parent.parent / "shared/vectors"))


class Rust:
    def __init__(self):
        command = ["cargo", "bench", "--quiet", "--bench", "side_by_side", "--manifest-path", str(CRATE / "Cargo.toml")]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def measure(self, row, template):
        self.process.stdin.write(f"{row} {template} {COUNT}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline()) / 1000


def python(function):
    return timeit.timeit(function, number=COUNT) / COUNT * 1e6


def best(measure):
    return min(measure() for _ in range(BURSTS))


def rows(rust, name):
    source = (VECTORS / "chat-templates/templates" / f"{name}.jinja").read_text(encoding="utf-8")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel({"x": 0}, unk_token="x")),
        bos_token="<|begin_of_text|>",
        eos_token="<|im_end|>",
    )
    tokenizer.chat_template = source
    compiled = _compile_jinja_template(source)
    variables = {**tokenizer.special_tokens_map, "tools": None, "documents": None, "add_generation_prompt": True}
    return {
        "jinja2, cached render": lambda: python(lambda: compiled.render(messages=MESSAGES, **variables)),
        "apply_chat_template": lambda: python(
            lambda: tokenizer.apply_chat_template(MESSAGES, add_generation_prompt=True, tokenize=False)
        ),
        "this crate": lambda: rust.measure("render", name),
        "minijinja, values ready": lambda: rust.measure("minijinja", name),
        "conversion of the messages": lambda: rust.measure("conversion", name),
        "minijinja with conversion": lambda: rust.measure("converted", name),
    }


def main():
    rust = Rust()
    for title, name in TEMPLATES.items():
        measures = rows(rust, name)
        for measure in measures.values():
            measure()
        rounds = [{row: best(measure) for row, measure in measures.items()} for _ in range(ROUNDS)]
        print(f"{title}: microseconds per prompt (median of {ROUNDS} rounds), and how many times this crate's")
        for row in measures:
            time = statistics.median(round[row] for round in rounds)
            ratio = statistics.median(round[row] / round["this crate"] for round in rounds)
            print(f"  {row:28} {time:8.2f}  {ratio:6.2f}")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
