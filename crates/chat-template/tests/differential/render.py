"""Renders templates with transformers, for the differential test: a JSON case per line in, an outcome per line out."""

import datetime
import json
import sys

import transformers.utils.chat_template_utils as chat_template_utils
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast


class FixedDatetime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2026, 1, 15, 12, 0, 0)


chat_template_utils.datetime = FixedDatetime
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=Tokenizer(models.WordLevel({"x": 0}, unk_token="x")), bos_token="<s>", eos_token="</s>"
)

for line in sys.stdin:
    case = json.loads(line)
    tokenizer.chat_template = case["template"]
    try:
        text = tokenizer.apply_chat_template(
            case["messages"],
            tools=case["tools"],
            documents=case.get("documents"),
            add_generation_prompt=case["add_generation_prompt"],
            continue_final_message=case.get("continue_final_message", False),
            tokenize=False,
            **case["kwargs"],
        )
        outcome = {"output": text}
    except Exception as error:  # every exception is an outcome
        outcome = {"error": type(error).__name__, "message": str(error)[:300]}
    print(json.dumps(outcome), flush=True)
