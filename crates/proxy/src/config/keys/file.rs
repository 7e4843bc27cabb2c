//! The file's own keys, and those of one entry of `model_list`.

use super::{
    super::table::{Kind, Table, Unknown, key},
    GENERAL_SETTINGS, LITELLM_SETTINGS, ROUTER_SETTINGS, SAGEWIRE_SETTINGS,
};

pub(in super::super) static FILE: Table = Table {
    meaning: "The configuration of the sagewire proxy: LiteLLM's `config.yaml`, with one section of our own, which LiteLLM passes over.",
    keys: &[
        key("model_list", Kind::Many(&DEPLOYMENT), "The deployments. Entries of one `model_name` share its load."),
        key(
            "credential_list",
            Kind::Many(&CREDENTIAL),
            "Credentials that several deployments share: each names one in `litellm_credential_name`.",
        ),
        key(
            "include",
            Kind::Any,
            "Further files of this configuration: a path, or a list of paths, relative to this file. Their lists are added to this file's, their mappings merged with it; of two other values the included one is taken. A file may include others.",
        ),
        key("litellm_settings", Kind::One(&LITELLM_SETTINGS), "What holds for every call."),
        key("general_settings", Kind::One(&GENERAL_SETTINGS), "What holds for the server."),
        key(
            "router_settings",
            Kind::One(&ROUTER_SETTINGS),
            "How calls are spread over deployments, repeated and moved.",
        ),
        key(
            "environment_variables",
            Kind::Mapping,
            "Variables and their values, in place of the process's own: for `os.environ/NAME` in this file and for AWS settings.",
        ),
        key(
            "sagewire_settings",
            Kind::One(&SAGEWIRE_SETTINGS),
            "What only this proxy knows: keys, limits, TLS, what callers may see.",
        ),
    ],
    ignored: &[(
        "this proxy serves models, and not LiteLLM's other services",
        &[
            "agent_list",
            "assistant_settings",
            "callback_settings",
            "files_settings",
            "finetune_settings",
            "guardrails",
            "mcp_aliases",
            "mcp_servers",
            "policies",
            "policy_attachments",
            "prompts",
            "search_tools",
            "vector_store_registry",
        ],
    )],
    unknown: Unknown::Refused,
};

pub(in super::super) static CREDENTIAL: Table = Table {
    meaning: "Credentials under a name.",
    keys: &[
        key("credential_name", Kind::Text, "The name that deployments give in `litellm_credential_name`."),
        key(
            "credential_values",
            Kind::Mapping,
            "Keys of `litellm_params` with their values, for deployments that do not set them themselves.",
        ),
        key("credential_info", Kind::Mapping, "Your own notes. They have no effect."),
    ],
    ignored: &[],
    unknown: Unknown::Refused,
};

pub(in super::super) static DEPLOYMENT: Table = Table {
    meaning: "One deployment of a model.",
    keys: &[
        key(
            "model_name",
            Kind::Text,
            "The name that callers ask for. `sagemaker/*` stands for every name that begins so.",
        ),
        key("litellm_params", Kind::Parameters, "Where the model is and how it is called."),
        key("model_info", Kind::One(&MODEL_INFO), "What is known about the model."),
    ],
    ignored: &[("LiteLLM keeps it for its own database", &["model_id"])],
    unknown: Unknown::Refused,
};

pub(in super::super) static MODEL_INFO: Table = Table {
    meaning: "What is known about the model. Your own keys are shown by `/model/info` as they are.",
    keys: &[
        key(
            "id",
            Kind::Text,
            "The deployment's id in headers, logs and metrics. Default: its `model_name` and its place.",
        ),
        key(
            "mode",
            Kind::Choice(&["chat", "completion", "embedding"]),
            "What the model does; `/health` probes it accordingly. Default: `embedding` where `embedding_dialect` is set, else `chat`.",
        ),
        key("allowed_fails", Kind::Count, "The same as in `litellm_params`, which wins."),
        key("cooldown_time", Kind::Seconds, "The same as in `litellm_params`, which wins."),
        key("max_input_tokens", Kind::Count, "The longest prompt the model takes; used with `enable_pre_call_checks`."),
    ],
    ignored: &[],
    unknown: Unknown::Kept,
};
