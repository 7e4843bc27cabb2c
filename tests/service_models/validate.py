"""Judges requests by botocore's service models.

Reads a JSON list of {service, operation, path, headers, body} from standard input, and prints, as a JSON list, what is wrong with each
request: an empty list if nothing is.
"""

import json
import re
import sys

import botocore.session
from botocore.validate import ParamValidator

# What a signature and HTTP itself add.
OTHER_HEADERS = re.compile(r"x-amz-(date|security-token|content-sha256|target)")


def by_rest(operation, request, problems):
    """The parameters in path, headers and body, by the places that the model gives them."""
    headers, members = request["headers"], operation.input_shape.members
    template = re.escape(operation.http["requestUri"].split("?")[0])
    path = re.fullmatch(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", template), request["path"])
    if path is None:
        problems.append(f"{request['path']} is not {operation.http['requestUri']}")
    params, known = {}, set()
    for name, member in members.items():
        location, key = member.serialization.get("location"), member.serialization.get("name", name)
        if location == "uri" and path is not None:
            params[name] = path.group(key)
        elif location == "header":
            known.add(key.lower())
            value = headers.get(key.lower())
            if value is not None:
                params[name] = int(value) if member.type_name == "integer" else value
        elif name == operation.input_shape.serialization.get("payload"):
            params[name] = request["body"].encode()
    for header in headers:
        if header.startswith("x-amz") and header not in known and not OTHER_HEADERS.fullmatch(header):
            problems.append(f"the operation has no header {header}")
    return params


def limits(params, shape, problems):
    """Patterns and greatest lengths, which botocore leaves to the service."""
    for name, value in params.items():
        if name not in shape.members:
            problems.append(f"the operation has no parameter {name}")
            continue
        rules = shape.members[name].metadata
        size = value if isinstance(value, int) else len(value)
        if size > rules.get("max", size):
            problems.append(f"{name} is larger than {rules['max']}")
        # Python knows no classes of letters.
        pattern = rules.get("pattern", ".*")
        if isinstance(value, str) and "\\p{" not in pattern and not re.fullmatch(pattern, value, re.DOTALL):
            problems.append(f"{name} does not match {pattern}")
        if "enum" in rules and value not in rules["enum"]:
            problems.append(f"{name} is not one of {rules['enum']}")


def judged(session, request):
    model = session.get_service_model(request["service"])
    operation, problems = model.operation_model(request["operation"]), []
    if model.metadata["protocol"] == "json":
        params = json.loads(request["body"])
        target = f"{model.metadata['targetPrefix']}.{request['operation']}"
        if request["headers"].get("x-amz-target") != target:
            problems.append(f"x-amz-target is not {target}")
    else:
        params = by_rest(operation, request, problems)
    report = ParamValidator().validate(params, operation.input_shape)
    if report.has_errors():
        problems.append(report.generate_report())
    limits(params, operation.input_shape, problems)
    return problems


def main():
    session = botocore.session.get_session()
    print(json.dumps([judged(session, request) for request in json.load(sys.stdin)]))


main()
