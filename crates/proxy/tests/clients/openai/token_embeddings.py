"""The openai package: token ids in place of texts, as LangChain sends them unless told otherwise."""

import os

from openai import BadRequestError, OpenAI

client = OpenAI(base_url=os.environ["PROXY_URL"], api_key=os.environ["PROXY_KEY"], max_retries=0)

# A container that takes token ids gets them: one list is one input.
one = client.embeddings.create(model="token-vectors", input=[9906, 1917])
assert [item.embedding for item in one.data] == [[0.5, 1.0]], one
two = client.embeddings.create(model="token-vectors", input=[[9906, 1917], [13225]])
assert [item.embedding for item in two.data] == [[0.5, 1.0], [2.0, 4.0]], two

# One that takes texts alone says what to do.
for tokens in ([9906, 1917], [[9906, 1917], [13225]]):
    try:
        client.embeddings.create(model="vectors", input=tokens)
    except BadRequestError as error:
        assert "check_embedding_ctx_length=False" in error.message and error.param == "input", error
    else:
        raise AssertionError("token ids were taken")
