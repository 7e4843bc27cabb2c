"""The Python side of `render.rs`: microseconds per prompt with jinja2 and with transformers, on the same conversation.

    pip install transformers jinja2
    python jinja2_render.py <folder with the .jinja files>
"""

import sys
import timeit

from transformers import PreTrainedTokenizerFast
from transformers.utils.chat_template_utils import _compile_jinja_template
from tokenizers import Tokenizer, models

MESSAGES = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello! How can I help?"},
    {"role": "user", "content": "Tell me a joke."},
    {"role": "assistant", "content": "Why did the chicken cross the road?"},
    {"role": "user", "content": "Why?"},
]


def best(function, number=2000, repeat=9):
    return min(timeit.repeat(function, number=number, repeat=repeat)) / number * 1e6


def main(folder):
    for name in ("meta-llama-Llama-3.1-8B-Instruct", "Qwen-Qwen2.5-7B-Instruct"):
        source = open(f"{folder}/{name}.jinja", encoding="utf-8", newline="").read()
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=Tokenizer(models.WordLevel({"x": 0}, unk_token="x")),
            bos_token="<|begin_of_text|>",
            eos_token="<|im_end|>",
        )
        tokenizer.chat_template = source
        template = _compile_jinja_template(source)
        variables = {**tokenizer.special_tokens_map, "tools": None, "documents": None, "add_generation_prompt": True}
        render = best(lambda: template.render(messages=MESSAGES, **variables))
        apply = best(lambda: tokenizer.apply_chat_template(MESSAGES, add_generation_prompt=True, tokenize=False))
        print(f"{name}: jinja2 {render:.1f} us, apply_chat_template {apply:.1f} us")


if __name__ == "__main__":
    main(sys.argv[1])
