"""The openai package: files and batches, from the upload to the results."""

import io
import json
import os
import time

from openai import BadRequestError, NotFoundError, OpenAI

client = OpenAI(base_url=os.environ["PROXY_URL"] + "/v1", api_key=os.environ["PROXY_KEY"], max_retries=0)


def upload(lines, url):
    requests = (
        {"custom_id": name, "method": "POST", "url": url, "body": body} for name, body in lines.items()
    )
    text = "".join(json.dumps(request) + "\n" for request in requests)
    return client.files.create(file=("requests.jsonl", io.BytesIO(text.encode())), purpose="batch")


def ended(batch):
    while batch.status in ("validating", "in_progress", "finalizing", "cancelling"):
        time.sleep(0.1)
        batch = client.batches.retrieve(batch.id)
    return batch


def results(file_id):
    return [json.loads(line) for line in client.files.content(file_id).text.splitlines()]


# Conversations, one of which asks a model that is not served.
questions = {
    f"question-{number}": {"model": "chat", "messages": [{"role": "user", "content": f"What is {number}?"}]}
    for number in range(40)
}
questions["question-7"]["model"] = "nobody"
file = upload(questions, "/v1/chat/completions")
assert file.purpose == "batch" and file.filename == "requests.jsonl" and file.status == "processed", file
assert client.files.retrieve(file.id).bytes == file.bytes
batch = client.batches.create(
    input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"run": "first"}
)
assert batch.status in ("validating", "in_progress") and batch.metadata == {"run": "first"}, batch
batch = ended(batch)
assert batch.status == "completed", batch
counts = batch.request_counts
assert (counts.total, counts.completed, counts.failed) == (40, 39, 1), counts
answers = results(batch.output_file_id)
assert [answer["custom_id"] for answer in answers] == [name for name in questions if name != "question-7"]
assert all(answer["response"]["body"]["choices"][0]["message"]["content"] for answer in answers)
(error,) = results(batch.error_file_id)
assert error["custom_id"] == "question-7" and error["response"]["status_code"] == 404, error

# Texts to embed, and the responses API.
texts = {f"text-{number}": {"model": "vectors", "input": f"text {number}"} for number in range(5)}
batch = ended(
    client.batches.create(
        input_file_id=upload(texts, "/v1/embeddings").id, endpoint="/v1/embeddings", completion_window="24h"
    )
)
assert all(answer["response"]["body"]["data"][0]["embedding"] for answer in results(batch.output_file_id)), batch
inputs = {"one": {"model": "chat", "input": "Hello"}}
batch = ended(
    client.batches.create(
        input_file_id=upload(inputs, "/v1/responses").id, endpoint="/v1/responses", completion_window="24h"
    )
)
assert results(batch.output_file_id)[0]["response"]["body"]["object"] == "response", batch

# Lists, page by page.
assert [listed.metadata for listed in client.batches.list(limit=1)][-1] == {"run": "first"}
assert file.id in [listed.id for listed in client.files.list(purpose="batch")]

# What cannot be: an input with a mistake, a batch that has ended, a file that is gone.
wrong = client.files.create(file=("requests.jsonl", io.BytesIO(b"{}\n")), purpose="batch")
failed = ended(
    client.batches.create(input_file_id=wrong.id, endpoint="/v1/embeddings", completion_window="24h")
)
assert failed.status == "failed" and failed.errors.data[0].line == 1, failed
try:
    client.batches.cancel(failed.id)
    raise AssertionError("a batch that has ended was cancelled")
except BadRequestError:
    pass
assert client.files.delete(file.id).deleted
try:
    client.files.retrieve(file.id)
    raise AssertionError("a deleted file was found")
except NotFoundError:
    pass

# A batch that is cancelled has a result for each line, whatever was under way.
many = {f"many-{number}": questions["question-1"] for number in range(1000)}
batch = client.batches.create(
    input_file_id=upload(many, "/v1/chat/completions").id, endpoint="/v1/chat/completions", completion_window="24h"
)
assert client.batches.cancel(batch.id).status == "cancelling"
batch = ended(batch)
assert batch.status in ("cancelled", "completed"), batch
found = [name for name in (batch.output_file_id, batch.error_file_id) if name]
assert sorted(line["custom_id"] for name in found for line in results(name)) == sorted(many), batch
