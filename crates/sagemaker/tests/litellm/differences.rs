//! Where we differ from LiteLLM on purpose, case by case. `docs/differences-from-litellm.md` says
//! the same to users.

use sagewire_chat_template::{ChatTemplate, RoleTemplate};
use sagewire_sagemaker::SageMakerBuilder;

use crate::{
    case::Case,
    compare::What::{self, Body, Outcome, Url},
};

/// Cases that differ in the same thing for the same reason.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) reason: &'static str,
    pub(crate) what: &'static [What],
    pub(crate) cases: &'static [&'static str],
}

pub(crate) static LISTED: &[Difference] = &[
    Difference {
        reason: "one order of regions for every route: AWS_REGION_NAME before AWS_REGION, and the profile's region counts",
        what: &[Url],
        cases: &["auth_env_both_regions", "auth_profile_region"],
    },
    Difference {
        reason: "a region that is no host label is a wrong setting, not a failed connection",
        what: &[Outcome],
        cases: &["auth_bad_region_chat"],
    },
    Difference {
        reason: "an endpoint's name is checked by AWS's pattern before anything is sent",
        what: &[Body, Outcome],
        cases: &["param_endpoint_slash", "param_endpoint_uppercase"],
    },
    Difference {
        reason: "a prompt that ends in `<think>` has opened the thoughts: what comes before `</think>` is `reasoning_content`",
        what: &[Outcome],
        cases: &["tmpl_deepseek_r1_known_user"],
    },
    Difference {
        reason: "a request without messages is refused before anything is sent",
        what: &[Body, Outcome],
        cases: &["error_no_messages"],
    },
    Difference {
        reason: "LiteLLM reports every failure on `sagemaker/` as 503 or as a fault of its own; we say what it is",
        what: &[Outcome],
        cases: &[
            "error_async_400_best_of",
            "error_async_400_context",
            "error_async_400_ic_required",
            "error_async_400_validation",
            "error_async_401",
            "error_async_403",
            "error_async_404",
            "error_async_413",
            "error_async_424",
            "error_async_429",
            "error_async_504",
            "error_sync_400_best_of",
            "error_sync_400_ic_required",
            "error_sync_400_validation",
            "error_sync_401",
            "error_sync_403",
            "error_sync_404",
            "error_sync_408",
            "error_sync_429",
            "error_sync_529",
        ],
    },
    Difference {
        reason: "AWS's name of the error decides before its status: an endpoint that is not found, a model that is not ready",
        what: &[Outcome],
        cases: &["error_chat_async_400_validation", "error_chat_async_408"],
    },
    Difference {
        reason: "a server error is one kind on every route",
        what: &[Outcome],
        cases: &["error_nova_sync_500"],
    },
    Difference { reason: "`n` of 1 turns no sampling on", what: &[Body], cases: &["param_n_one"] },
    Difference {
        reason: "`extra_body` is merged into the body, as on the other routes",
        what: &[Body],
        cases: &["param_extra_body"],
    },
    Difference {
        reason: "what the container can do is sent and not refused",
        what: &[Body, Outcome],
        cases: &[
            "param_freq_penalty_unsupported",
            "param_seed_unsupported",
            "embed_dimensions",
            "embed_encoding_format",
        ],
    },
    Difference {
        reason: "containers refuse a limit of 0 tokens: it becomes 1 under either name",
        what: &[Body],
        cases: &["param_max_completion_tokens_zero"],
    },
    Difference { reason: "TGI takes a list of stop texts", what: &[Body], cases: &["param_stop_str"] },
    Difference {
        reason: "the temperature 0 becomes 0.1, as LiteLLM documents",
        what: &[Body],
        cases: &["param_temperature_zero", "param_temperature_zero_allow_false"],
    },
    Difference {
        reason: "the container's details are read: finish reasons and all answers",
        what: &[Outcome],
        cases: &["resp_best_of", "resp_details_length", "stream_tgi_length"],
    },
    Difference {
        reason: "an unknown shape or an error in a reply is an error, never an empty success",
        what: &[Outcome],
        cases: &["resp_empty_dict", "resp_error_in_200", "resp_predictions"],
    },
    Difference {
        reason: "a reply that cannot be read is a decoding error of its own kind",
        what: &[Outcome],
        cases: &["resp_empty_list", "resp_null_text", "resp_text_plain"],
    },
    Difference {
        reason: "a known shape is understood where it is unambiguous",
        what: &[Outcome],
        cases: &["resp_nested_list", "resp_string", "resp_unknown_key", "embed_data_openai", "embed_vectors"],
    },
    Difference {
        reason: "end tokens and stop texts are not shown to users",
        what: &[Outcome],
        cases: &[
            "resp_stop_token",
            "stream_async",
            "stream_async_split_utf8",
            "stream_async_two_per_part",
            "stream_tgi",
            "stream_tgi_split_utf8",
            "stream_tgi_two_per_part",
            "stream_usage",
        ],
    },
    Difference { reason: "a stream that broke is never complete", what: &[Outcome], cases: &["stream_tgi_no_details"] },
    Difference { reason: "DJL's lines of outputs are text", what: &[Outcome], cases: &["stream_outputs_djl"] },
    Difference { reason: "`sagemaker_base_url` holds for embeddings too", what: &[Url], cases: &["embed_base_url"] },
    Difference {
        reason: "a flat vector is one embedding, and nested ones are pooled",
        what: &[Outcome],
        cases: &["embed_dict_embedding_flat", "embed_hf_nested3"],
    },
    Difference {
        reason: "fewer numbers than `dimensions` asked for is an error",
        what: &[Outcome],
        cases: &["embed_cohere_input_type"],
    },
    Difference {
        reason: "token ids are refused by containers of texts, before anything is sent",
        what: &[Body, Outcome],
        cases: &["embed_token_ids"],
    },
    Difference {
        reason: "Voyage's encoding format is a list of numbers unless it is base64",
        what: &[Body],
        cases: &["embed_voyage"],
    },
    Difference {
        reason: "the prompt is the one that the model's own template makes",
        what: &[Body],
        cases: &[
            "resp_echo_llama2",
            "tmpl_ep_my_Llama_2_chat",
            "tmpl_falcon_instruct",
            "tmpl_granite",
            "tmpl_llama2_chat",
            "tmpl_llama2_chat_13b",
            "tmpl_llama2_chat_user",
            "tmpl_llama2_list_content",
            "tmpl_llama2_tool_role",
            "tmpl_llama2_two_turns",
            "tmpl_mistral_v01",
            "tmpl_mistral_v01_nosys",
            "tmpl_mixtral",
            "tmpl_mpt_chat",
            "tmpl_mpt_chat_user",
            "tmpl_mythomix",
            "tmpl_phind_user",
            "tmpl_tc_llama2_chat",
            "tmpl_wizardcoder",
            "tmpl_wizardcoder_user",
        ],
    },
    Difference {
        reason: "the recorded echo is of LiteLLM's prompt, which ends with one more newline",
        what: &[Outcome],
        cases: &["resp_echo_llama2"],
    },
    Difference {
        reason: "there is always a prompt, whatever form the content has and whether or not the model has a template",
        what: &[Body, Outcome],
        cases: &[
            "tmpl_codellama_base",
            "tmpl_default_list_content",
            "tmpl_default_none_content",
            "tmpl_falcon_180b_chat",
        ],
    },
    Difference {
        reason: "a JumpStart name that was cut is taken for the chat model of its family, with a warning",
        what: &[Body],
        cases: &["tmpl_ep_jumpstart_dft_hf_textgeneration1_mp_20240815_185614"],
    },
    Difference { reason: "a list of named templates is read", what: &[Body], cases: &["tmpl_hf_fetch_list_template"] },
    Difference {
        reason: "a safety policy is its model's own text: it comes with the model's template, from disk or the Hub",
        what: &[Body],
        cases: &["tmpl_llamaguard", "tmpl_llamaguard_user"],
    },
];

/// What is listed for a case: what differs, and why.
pub(crate) fn of(case: &str) -> Vec<(What, &'static str)> {
    LISTED
        .iter()
        .filter(|difference| difference.cases.contains(&case))
        .flat_map(|difference| difference.what.iter().map(|what| (*what, difference.reason)))
        .collect()
}

/// What a case registers before its call.
pub(crate) fn register(case: &Case, provider: SageMakerBuilder) -> SageMakerBuilder {
    let name = match case.setup.as_deref() {
        Some("register_ep") => "custom-ep",
        Some("register_hf") => "acme/custom",
        _ => return provider,
    };
    let template = RoleTemplate::new()
        .role("system", "[SYS]", "[/SYS]")
        .role("user", "[U]", "[/U]")
        .role("assistant", "[A]", "[/A]")
        .initial_prompt_value("<<")
        .final_prompt_value(">>");
    provider.prompt_template(name, ChatTemplate::from_roles(template))
}
