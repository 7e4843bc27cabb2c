"""The AWS CLI: whole, asynchronous, wrong keys, throttled. It has no command for event streams."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from stand_in import URL, received, run, throttle

AWS = pathlib.Path(sys.executable).with_name("aws")


def aws(*arguments, **environment):
    command = [sys.executable, AWS, "sagemaker-runtime", *arguments, "--endpoint-url", URL, "--region", "us-east-1"]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, check=False)


def invoke(**environment):
    with tempfile.TemporaryDirectory() as folder:
        body, output = pathlib.Path(folder, "body.json"), pathlib.Path(folder, "output.json")
        body.write_text('{"inputs": "Hi"}')
        arguments = ["--endpoint-name", "tgi", "--content-type", "application/json", "--body", f"fileb://{body}", str(output)]
        result = aws("invoke-endpoint", *arguments, **environment)
        return result, output.read_text() if output.exists() else ""


def whole():
    result, text = invoke()
    assert result.returncode == 0 and "generated_text" in text, result
    assert json.loads(result.stdout)["InvokedProductionVariant"] == "AllTraffic"


def asynchronous():
    result = aws("invoke-endpoint-async", "--endpoint-name", "tgi", "--input-location", "s3://mine/in.json")
    assert result.returncode == 0 and json.loads(result.stdout)["OutputLocation"].startswith("s3://"), result


def wrong_keys():
    result, _ = invoke(AWS_ACCESS_KEY_ID="AKIDNOBODY")
    assert result.returncode != 0 and "UnrecognizedClientException" in result.stderr, result


def throttled():
    throttle("tgi", 2)
    result, _ = invoke(AWS_RETRY_MODE="standard", AWS_MAX_ATTEMPTS="3")
    assert result.returncode == 0 and len(received("tgi")) == 3, result


run(whole, asynchronous, wrong_keys, throttled)
