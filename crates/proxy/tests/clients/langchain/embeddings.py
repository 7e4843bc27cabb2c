"""langchain-openai: embeddings, with its default format."""

import os

from langchain_openai import OpenAIEmbeddings

# Token ids would need OpenAI's own vocabulary, which the model behind does not have.
embeddings = OpenAIEmbeddings(
    base_url=os.environ["PROXY_URL"],
    api_key=os.environ["PROXY_KEY"],
    model="vectors",
    check_embedding_ctx_length=False,
    max_retries=0,
)
vectors = embeddings.embed_documents(["good morning", "good night"])
assert len(vectors) == 2 and len(vectors[0]) > 1, vectors
assert embeddings.embed_query("good morning") == vectors[0]
