"""Starts moto's server on a free port of this machine, makes an endpoint in it, prints its URL, and serves until standard input ends."""

import sys

import boto3
from moto.server import ThreadedMotoServer

IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm:server-2.6"
# moto knows the types of some years ago.
INSTANCE = "ml.g4dn.2xlarge"
ROLE = "arn:aws:iam::123456789012:role/sagemaker"


def make(client, name):
    container = {"Image": IMAGE, "Environment": {"SM_VLLM_MODEL": "Qwen/Qwen3-8B"}}
    client.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": name,
        "InstanceType": INSTANCE,
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1.0,
    }
    client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)


def main():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret"}
    client = boto3.client("sagemaker", region_name="us-east-1", endpoint_url=url, **keys)
    for number in range(12):
        make(client, f"chat-{number:02}")
    print(url, flush=True)
    sys.stdin.read()
    server.stop()


main()
