"""Records what LiteLLM sends and returns for each case in `recorded/`.

    uv venv litellm && uv pip install --python litellm -r requirements-litellm-library.txt
    litellm/bin/python record.py

`.ci/clients litellm` does so and fails if a recording changes.

A case gives the call: `call`, `kwargs`, `env`, `setup`, `upstream` (the endpoint's replies) and `hf_files` (what the
Hugging Face Hub has). This program makes the call with the installed LiteLLM, behind stand-ins for the network, and
writes `requests`, `hf_requests` and the outcome (`result`, `stream_chunks`, `exception`) back into the same file. It
then prints which cases changed, so that a new version of LiteLLM is one command and one diff.
"""

import asyncio
import base64
import copy
import json
import os
import pathlib
import re
import sys
import tempfile

import botocore.awsrequest
import botocore.httpsession
import httpx

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # no download of prices at import

import litellm  # noqa: E402
from importlib.metadata import version  # noqa: E402

INPUTS = ("name", "note", "litellm", "call", "env", "setup", "kwargs", "upstream", "hf_files")
KEPT_HEADERS = re.compile(r"^(accept|authorization|content-type|x-(?!amz-date|amz-content-sha256|stainless).*)$")
# One answer for every action of STS: each reads the members that it knows.
STS_ANSWER = """<{0}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{0}Result><Credentials>
<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>ROLETOKEN</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials><AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/r/s</Arn>
<AssumedRoleId>r:s</AssumedRoleId></AssumedRoleUser><PackedPolicySize>6</PackedPolicySize><UserId>u</UserId>
<Account>123456789012</Account><Arn>arn:aws:iam::123456789012:user/u</Arn></{0}Result></{0}Response>"""


class Network:
    """Answers every request of a case and keeps what was asked."""

    def __init__(self, case):
        self.upstream = list(case["upstream"])
        self.hub = case.get("hf_files") or {}
        self.requests, self.hub_requests = [], []

    def answer(self, method, url, headers, body):
        """Status, headers and body for one request."""
        url = str(url)
        if "huggingface.co/" in url:
            self.hub_requests.append(url)
            file = self.hub.get(url.split("huggingface.co/", 1)[1])
            if file is None:
                return 404, {}, b"not found"
            text = file if isinstance(file, str) else json.dumps(file)
            return 200, {"content-type": "application/json"}, text.encode()
        self.requests.append(recorded(method, url, headers, body))
        if re.match(r"https?://sts[.-]", url):
            action = re.search(r"Action=(\w+)", body.decode()).group(1)
            return 200, {"content-type": "text/xml"}, STS_ANSWER.format(action).encode()
        reply = self.upstream.pop(0) if len(self.upstream) > 1 else self.upstream[0]
        raw = reply.get("raw_b64")
        return reply["status"], reply["headers"], base64.b64decode(raw) if raw else (reply.get("body") or "").encode()

    def install(self):
        """Puts this network in the place of httpx's and botocore's transports."""
        network = self

        def of_httpx(request, body):
            status, headers, content = network.answer(request.method, request.url, request.headers, body)
            return httpx.Response(status, headers=headers, stream=httpx.ByteStream(content), request=request)

        def handle_request(_, request):
            return of_httpx(request, request.read())

        async def handle_async_request(_, request):
            return of_httpx(request, await request.aread())

        def send(_, request):
            body = request.body or b""
            body = body.encode() if isinstance(body, str) else bytes(body)
            status, headers, content = network.answer(request.method, request.url, request.headers, body)
            return botocore.awsrequest.AWSResponse(request.url, status, botocore.awsrequest.HeadersDict(headers), Raw(content))

        httpx.HTTPTransport.handle_request = handle_request
        httpx.AsyncHTTPTransport.handle_async_request = handle_async_request
        botocore.httpsession.URLLib3Session.send = send
        litellm.disable_aiohttp_transport = True


class Raw:
    """The body of a botocore response."""

    def __init__(self, content):
        self.content = content

    def stream(self, *_, **__):
        yield self.content

    def read(self, *_, **__):
        content, self.content = self.content, b""
        return content


def recorded(method, url, headers, body):
    """A request without what differs from run to run."""
    text = lambda value: value.decode() if isinstance(value, bytes) else value  # noqa: E731
    kept = {name.lower(): text(value) for name, value in dict(headers).items()}
    kept = {name: value for name, value in kept.items() if KEPT_HEADERS.match(name)}
    if "authorization" in kept:
        kept["authorization"] = re.sub(r"/\d{8}/", "/<date>/", kept["authorization"])
        kept["authorization"] = re.sub(r"Signature=\w+", "Signature=<sig>", kept["authorization"])
    request = {"method": method, "url": url, "headers": dict(sorted(kept.items()))}
    try:
        request["json"] = json.loads(body)
    except ValueError:
        request["body"] = re.sub(r"litellm-session-\d+", "litellm-session-<epoch>", body.decode(errors="replace"))
    return request


def steady(value, key=""):
    """A result without random ids and times."""
    if isinstance(value, dict):
        return {name: steady(inner, name) for name, inner in value.items() if name != "_hidden_params"}
    if isinstance(value, list):
        return [steady(inner) for inner in value]
    if key == "created" and isinstance(value, (int, float)):
        return "<now>"
    if isinstance(value, str):
        return re.sub(r"(chatcmpl|call)[-_][0-9a-f]{8}-?[0-9a-f-]{20,}", r"\1-<uuid>", value)
    return value


def set_up(case, folder):
    """What a case needs beside its parameters; its parameters are returned."""
    # LiteLLM writes into what it is given.
    kwargs = copy.deepcopy(case["kwargs"])
    aws = folder / "aws"
    aws.mkdir()
    (aws / "credentials").write_text("[work]\naws_access_key_id = AKPROFILE\naws_secret_access_key = secretprofile\n")
    (aws / "config").write_text("[profile work]\nregion = eu-central-1\n")
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update({"HOME": str(folder), "AWS_EC2_METADATA_DISABLED": "true"})
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = str(aws / "credentials" if case["setup"] == "profile" else folder / "none")
    os.environ["AWS_CONFIG_FILE"] = str(aws / "config" if case["setup"] == "profile" else folder / "none")
    os.environ.update(case["env"])
    roles = {
        "system": {"pre_message": "[SYS]", "post_message": "[/SYS]"},
        "user": {"pre_message": "[U]", "post_message": "[/U]"},
        "assistant": {"pre_message": "[A]", "post_message": "[/A]"},
    }
    setup = case["setup"]
    if setup == "oidcfile":
        (folder / "token").write_text("file-jwt")
        kwargs["aws_web_identity_token"] = f"oidc/file/{folder / 'token'}"
        os.environ["LITELLM_OIDC_ALLOWED_CREDENTIAL_DIRS"] = str(folder)
    elif setup == "config":
        litellm.SagemakerConfig(max_new_tokens=256)
    elif setup in ("register_ep", "register_hf"):
        litellm.register_prompt_template(
            model="custom-ep" if setup == "register_ep" else "acme/custom",
            initial_prompt_value="<<",
            roles=roles,
            final_prompt_value=">>",
        )
    return kwargs


async def call(case, kwargs):
    """The outcome of the call, in the form that is recorded."""
    outcome, chunks = {}, []
    try:
        asked = getattr(litellm, case["call"])(**kwargs)
        answer = await asked if asyncio.iscoroutine(asked) else asked
        if kwargs.get("stream"):
            if case["call"].startswith("a"):
                async for chunk in answer:
                    chunks.append(steady(chunk.model_dump()))
            else:
                for chunk in answer:
                    chunks.append(steady(chunk.model_dump()))
        else:
            outcome["result"] = steady(json.loads(answer.model_dump_json()))
    except Exception as error:  # every failure is an outcome
        outcome["exception"] = {
            "class": type(error).__name__,
            "mro": [parent.__name__ for parent in type(error).__mro__[1:-2]],
            "status_code": getattr(error, "status_code", None),
            "llm_provider": getattr(error, "llm_provider", None),
            # Without the traceback, which names files of the machine.
            "message": str(getattr(error, "message", error)).split("Traceback (most recent call last)")[0],
        }
    if chunks:
        outcome["stream_chunks"] = chunks
        texts = [choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"]]
        outcome["stream_text"] = "".join(texts)
    return outcome


def record(path):
    """One case, in this process alone."""
    old = json.loads(path.read_text())
    with tempfile.TemporaryDirectory() as folder:
        network = Network(old)
        network.install()
        kwargs = set_up(old, pathlib.Path(folder))
        outcome = asyncio.run(call(old, kwargs))
        text = json.dumps([outcome, network.hub_requests, network.requests])
        # A path of this machine, as JSON and as a form have it.
        for mine, told in ((f"oidc/file/{folder}/token", "oidc/file/<path>"), (folder, "<folder>")):
            text = text.replace(mine, told)
        outcome, hub_requests, requests = json.loads(text)
    new = {name: old[name] for name in INPUTS if name in old}
    new.update(outcome, litellm=version("litellm"), hf_requests=hub_requests, requests=requests)
    path.write_text(json.dumps(new, indent=1, ensure_ascii=False) + "\n")
    keys = ("result", "exception", "stream_chunks", "requests", "hf_requests")
    return [key for key in keys if old.get(key) != new.get(key)]


def main():
    here = pathlib.Path(__file__).parent / "recorded"
    paths = [here / f"{name}.json" for name in sys.argv[1:]] or sorted(here.glob("*.json"))
    litellm.suppress_debug_info = True
    litellm.num_retries = 0
    for path in paths:
        # LiteLLM keeps clients, templates and settings for the process: each case has its own.
        child = os.fork()
        if child == 0:
            changed = record(path)
            if changed:
                print(path.stem, *changed, flush=True)
            os._exit(0)
        if os.waitpid(child, 0)[1] != 0:
            sys.exit(f"{path.stem}: the recorder failed")


if __name__ == "__main__":
    main()
