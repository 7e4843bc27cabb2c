"""A model for a real SageMaker container: repeats its input, and fails when it is told to."""

import json

from sagemaker_inference.default_handler_service import DefaultHandlerService
from sagemaker_inference.default_inference_handler import DefaultInferenceHandler
from sagemaker_inference.errors import BaseInferenceToolkitError
from sagemaker_inference.transformer import Transformer


class Handler(DefaultInferenceHandler):
    def default_model_fn(self, model_dir, context=None):
        return "echo"

    def default_input_fn(self, input_data, content_type, context=None):
        return json.loads(input_data)

    def default_predict_fn(self, data, model, context=None):
        if "fail" in data["inputs"]:
            raise BaseInferenceToolkitError(422, "told to fail", "the container was told to fail")
        return [{"generated_text": "You said: " + data["inputs"], "parameters": data["parameters"]}]

    def default_output_fn(self, prediction, accept, context=None):
        return json.dumps(prediction), "application/json"


_service = DefaultHandlerService(transformer=Transformer(default_inference_handler=Handler()))
_initialized = False


def handle(data, context):
    global _initialized
    if not _initialized:
        _service.initialize(context)
        _initialized = True
    return None if data is None else _service.handle(data, context)
