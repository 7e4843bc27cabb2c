"""The openai package: models, the Azure client, asynchronous use."""

import asyncio
import os

from openai import AsyncOpenAI, AzureOpenAI, OpenAI

url, key = os.environ["PROXY_URL"], os.environ["PROXY_KEY"]
client = OpenAI(base_url=url + "/v1", api_key=key)
names = [model.id for model in client.models.list()]
assert names[:2] == ["text", "chat"] and "vectors" in names, names
assert client.models.retrieve("chat").id == "chat"

# The Azure client puts the model in the path and its key in `api-key`.
azure = AzureOpenAI(azure_endpoint=url, api_key=key, api_version="2024-02-01", max_retries=0)
messages = [{"role": "user", "content": "Hello"}]
assert azure.chat.completions.create(model="chat", messages=messages).model == "chat"


async def many():
    client = AsyncOpenAI(base_url=url, api_key=key, max_retries=0)
    calls = [client.chat.completions.create(model="chat", messages=messages) for _ in range(50)]
    for answer in await asyncio.gather(*calls):
        assert answer.choices[0].message.content


asyncio.run(many())
