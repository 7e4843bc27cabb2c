"""Prints, as JSON, the tokens that sagemaker-core makes for keys, regions and times.

Arguments: the folder with the package, and a list of cases as JSON. The package's one file is loaded by itself: its other modules need
packages of hundreds of megabytes.
"""

import datetime
import importlib.util
import json
import sys
from unittest import mock

import botocore.auth
from botocore.credentials import Credentials


def main():
    file = f"{sys.argv[1]}/sagemaker/core/token_generator/token_generator.py"
    spec = importlib.util.spec_from_file_location("token_generator", file)
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    tokens = []
    for case in json.loads(sys.argv[2]):
        now = datetime.datetime.fromtimestamp(case["time"], datetime.timezone.utc).replace(tzinfo=None)
        keys = Credentials(case["access_key_id"], case["secret_access_key"], case["session_token"])
        with mock.patch.object(botocore.auth, "get_current_datetime", return_value=now):
            tokens.append(generator._generate_token(keys, case["region"], case["ttl"]))
    print(json.dumps(tokens))


main()
