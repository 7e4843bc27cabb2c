"""Calls AWS services with boto3 and prints what came of each call, as JSON.

The only argument is JSON: {"service", "region", "url", "access_key_id", "secret", "token", "calls": [{"method", "arguments"}]}.
"""

import json
import sys

import boto3
import botocore.config
import botocore.exceptions


def readable(value):
    """Bodies and event streams are read to their end; bytes become text that keeps every byte."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, dict):
        return {key: readable(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [readable(member) for member in value]
    if hasattr(value, "read"):
        return readable(value.read())
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if hasattr(value, "__iter__"):
        return [readable(member) for member in value]
    return str(value)


def outcome(client, call):
    method = getattr(client, call["method"])
    try:
        return {"response": readable(method(**call["arguments"]))}
    except botocore.exceptions.ClientError as error:
        modelled = next((name for name in dir(client.exceptions) if type(error) is getattr(client.exceptions, name)), None)
        return {"error": type(error).__name__, "modelled": modelled, "response": readable(error.response)}
    except botocore.exceptions.BotoCoreError as error:
        return {"error": type(error).__name__}


def main():
    plan = json.loads(sys.argv[1])
    session = boto3.session.Session(
        aws_access_key_id=plan["access_key_id"],
        aws_secret_access_key=plan["secret"],
        aws_session_token=plan.get("token"),
        region_name=plan["region"],
    )
    config = botocore.config.Config(retries={"mode": "standard", "total_max_attempts": plan.get("attempts", 1)})
    client = session.client(plan["service"], endpoint_url=plan["url"], config=config)
    print(json.dumps([outcome(client, call) for call in plan["calls"]]))


if __name__ == "__main__":
    main()
