"""The emulator as the scripts of this folder use it: its control port, and what each of them expects of it."""

import json
import os
import urllib.request

URL = os.environ["EMULATOR_URL"]
REGION = "us-east-1"
ACCESS_KEY_ID = os.environ["AWS_ACCESS_KEY_ID"]
SECRET_ACCESS_KEY = os.environ["AWS_SECRET_ACCESS_KEY"]


def control(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{URL}/_sagewire/{path}", data, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def script(endpoint, *replies):
    control("POST", "replies", {"endpoint": endpoint, "replies": list(replies)})


def throttle(endpoint, times):
    control("POST", "faults", {"endpoint": endpoint, "fault": "throttling", "times": times})


def received(endpoint):
    return control("GET", f"requests?endpoint={endpoint}")["requests"]


def reset():
    control("POST", "reset")


def broken_stream(*parts):
    """A stream that ends with AWS's exception after these parts."""
    events = [{"part": part} for part in parts]
    return {"stream": [*events, {"model_stream_error": {"error_code": "StreamBroken", "message": "the model is gone"}}]}


def fails(call, *words):
    """Calls, and expects an exception whose text or causes hold one of these words."""
    try:
        answer = call()
    except BaseException as error:  # noqa: BLE001: each client has exceptions of its own
        text, cause = "", error
        while cause is not None:
            text, cause = f"{text} {type(cause).__name__} {cause}", cause.__cause__ or cause.__context__
        assert any(word in text for word in words), f"expected one of {words} in: {text}"
        return text
    raise AssertionError(f"expected a failure with one of {words}, got {answer!r}")


def run(*cases):
    for case in cases:
        reset()
        case()
        print(f"{case.__name__}: ok")
