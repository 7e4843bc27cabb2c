"""The SageMaker SDK, version 2: whole, streamed, asynchronous with S3, wrong keys, throttled, broken."""

import os

import boto3
import sagemaker
from botocore.config import Config
from sagemaker.async_inference import WaiterConfig
from sagemaker.deserializers import JSONDeserializer
from sagemaker.iterators import LineIterator
from sagemaker.predictor import Predictor
from sagemaker.predictor_async import AsyncPredictor
from sagemaker.serializers import JSONSerializer
from stand_in import REGION, URL, broken_stream, fails, received, run, script, throttle


def predictor(config=None, **keys):
    boto = boto3.Session(region_name=REGION, **keys)
    runtime = boto.client("sagemaker-runtime", endpoint_url=URL, config=config)
    s3 = boto.client("s3", endpoint_url=os.environ["S3_URL"])
    resource = boto.resource("s3", endpoint_url=os.environ["S3_URL"])
    session = sagemaker.Session(
        boto_session=boto,
        sagemaker_client=boto.client("sagemaker", endpoint_url=URL),
        sagemaker_runtime_client=runtime,
        default_bucket="mine",
    )
    session.s3_client, session.s3_resource = s3, resource
    return Predictor("tgi", session, JSONSerializer(), JSONDeserializer())


def whole():
    assert "generated_text" in str(predictor().predict({"inputs": "Hi"}))


def streamed():
    lines = predictor().predict_stream({"inputs": "Hi", "stream": True}, iterator=LineIterator)
    assert "generated_text" in "".join(line.decode() for line in lines)


def asynchronous():
    plain = predictor()
    plain.sagemaker_session.s3_client.create_bucket(Bucket="mine")
    plain.sagemaker_session.s3_client.put_object(Bucket="mine", Key="in.json", Body=b'{"inputs": "Hi"}')
    later = AsyncPredictor(plain)
    answer = later.predict_async(input_path="s3://mine/in.json")
    assert "generated_text" in str(answer.get_result(WaiterConfig(max_attempts=40, delay=1)))


def wrong_keys():
    stranger = predictor(aws_access_key_id="AKIDNOBODY", aws_secret_access_key="x")
    fails(lambda: stranger.predict({"inputs": "Hi"}), "UnrecognizedClientException")


def throttled():
    throttle("tgi", 2)
    predictor(Config(retries={"mode": "standard", "max_attempts": 3})).predict({"inputs": "Hi"})
    assert len(received("tgi")) == 3


def broken():
    script("tgi", broken_stream("one\n"))
    fails(lambda: list(predictor().predict_stream({"inputs": "Hi"}, iterator=LineIterator)), "the model is gone")


run(whole, streamed, asynchronous, wrong_keys, throttled, broken)
