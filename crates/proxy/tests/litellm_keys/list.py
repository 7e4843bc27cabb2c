"""Lists the keys that LiteLLM knows, from its own models: python list.py SECTION

SECTION is one of the functions' names below. `tests/litellm_keys/main.rs` compares the lists with those that are checked in.
"""

import ast
import importlib.util
import inspect
import os
import sys

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"


def litellm_params():
    """The parameters of a deployment, and those that LiteLLM takes out of a request for itself."""
    from litellm.types.router import LiteLLM_Params
    from litellm.types.utils import all_litellm_params

    names = set(LiteLLM_Params.model_fields) | set(all_litellm_params)
    return {name for name in names if not name.startswith("_")}


def general_settings():
    """The fields of the model, and what LiteLLM's server reads besides."""
    from litellm.proxy._types import ConfigGeneralSettings

    return set(ConfigGeneralSettings.model_fields) | read_from("general_settings")


def router_settings():
    """The arguments of the router."""
    from litellm import Router

    return set(inspect.signature(Router.__init__).parameters) - {"self"}


def litellm_settings():
    """The module's settings without its lists of models, and what LiteLLM's server reads besides."""
    import litellm

    source = ast.parse(inspect.getsource(litellm))
    names = read_from("litellm_settings")
    for node in source.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return {name for name in names if name.islower() and not name.startswith("_") and not name.endswith("_models")}


def read_from(section):
    """The keys that LiteLLM's server asks a section for by name. Its source is read, not imported: it needs a web server's packages."""
    path = importlib.util.find_spec("litellm").submodule_search_locations[0]
    with open(os.path.join(path, "proxy", "proxy_server.py"), encoding="utf-8") as file:
        tree = ast.parse(file.read())
    names = set()
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "get"
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == section
            and node.args
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, str)
        ):
            names.add(node.args[0].value)
    return names


if __name__ == "__main__":
    print("\n".join(sorted(globals()[sys.argv[1]]())))
