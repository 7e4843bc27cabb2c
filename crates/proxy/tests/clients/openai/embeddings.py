"""The openai package: embeddings with its default base64, and as floats."""

import math
import os

from openai import OpenAI

client = OpenAI(base_url=os.environ["PROXY_URL"], api_key=os.environ["PROXY_KEY"], max_retries=0)
texts = ["good morning from litellm", "this is another item"]

# Without a format the package asks for base64 and decodes it.
default = client.embeddings.create(model="vectors", input=texts)
floats = client.embeddings.create(model="vectors", input=texts, encoding_format="float")
assert default.model == "vectors" and len(default.data) == 2, default
for one, other in zip(default.data, floats.data):
    assert one.index == other.index
    assert len(one.embedding) == len(other.embedding) > 1
    assert all(math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-7) for a, b in zip(one.embedding, other.embedding))

raw = client.embeddings.create(model="vectors", input=texts[0], encoding_format="base64")
assert isinstance(raw.data[0].embedding, str), raw
