"""cohere, langchain-cohere, llama-index's rerankers of Cohere and Jina: the same order from each."""

import os

import cohere
from langchain_cohere import CohereRerank
from langchain_core.documents import Document
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.postprocessor.cohere_rerank import CohereRerank as LlamaIndexCohere
from llama_index.postprocessor.jinaai_rerank import JinaRerank

url, key = os.environ["PROXY_URL"], os.environ["PROXY_KEY"]
query = "a big llama"
documents = ["a car", "a big llama", "llama"]

for model in ["reranker", "cohere-reranker", "vllm-reranker"]:
    second = cohere.ClientV2(api_key=key, base_url=url)
    answer = second.rerank(model=model, query=query, documents=documents, top_n=2)
    assert [result.index for result in answer.results] == [1, 2], answer
    assert answer.results[0].relevance_score == 1.0, answer
    assert answer.meta.api_version.version == "2", answer

    first = cohere.Client(api_key=key, base_url=url)
    answer = first.rerank(
        model=model, query=query, documents=[{"text": text} for text in documents], top_n=2, return_documents=True
    )
    assert [result.index for result in answer.results] == [1, 2], answer
    assert answer.results[1].document.text == "llama", answer

    compressor = CohereRerank(client=second, model=model, top_n=2)
    found = compressor.compress_documents([Document(page_content=text) for text in documents], query)
    assert [document.page_content for document in found] == ["a big llama", "llama"], found
    assert found[0].metadata["relevance_score"] == 1.0, found

    nodes = [NodeWithScore(node=TextNode(text=text)) for text in documents]
    for reranker in [
        LlamaIndexCohere(api_key=key, base_url=url, model=model, top_n=2),
        JinaRerank(api_key=key, base_url=url + "/v1", model=model, top_n=2),
    ]:
        found = reranker.postprocess_nodes(nodes, query_str=query)
        assert [node.text for node in found] == ["a big llama", "llama"], found
        assert found[0].score == 1.0, found

assert second.rerank(model="cohere-reranker", query="q", documents=["a"]).meta.billed_units.search_units == 1
try:
    second.rerank(model="vectors", query=query, documents=documents)
except cohere.core.api_error.ApiError as error:
    assert error.status_code == 400 and "/v1/embeddings" in str(error.body), error
else:
    raise AssertionError("an embedder does not rank")
