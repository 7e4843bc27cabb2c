//! The table of everything that a deployment can be given.
//!
//! Owns each parameter's name, kind and field, who may set it, whether it is secret, and its
//! documentation. Reading `litellm_params`, what a request may hold, redaction, the JSON schema,
//! the guide and the suggestions for misspelt names all come from here. A new parameter is
//! a field of [`Settings`](crate::Settings) and a row.
//!
//! <https://docs.litellm.ai/docs/providers/aws_sagemaker>

use super::{
    kind::Kind,
    parameters::{Effect, Field, InRequest, Parameter},
    reading,
};
use crate::{
    ChatDialect, DetailsPolicy, EmbeddingDialect, RerankDialect, TranscriptionDialect, template::TemplateSource,
};

const fn setting(name: &'static str, field: Field, meaning: &'static str) -> Parameter {
    row(name, field, Effect::Setting, InRequest::Listed, meaning)
}

const fn routing(name: &'static str, field: Field, meaning: &'static str) -> Parameter {
    row(name, field, Effect::Routing, InRequest::Operator, meaning)
}

const fn request(name: &'static str, kind: Kind, meaning: &'static str) -> Parameter {
    row(name, Field::Request(kind), Effect::Request, InRequest::Passed, meaning)
}

const fn row(
    name: &'static str,
    field: Field,
    effect: Effect,
    in_request: InRequest,
    meaning: &'static str,
) -> Parameter {
    Parameter { name, aliases: &[], field, effect, in_request, secret: false, meaning }
}

impl Parameter {
    const fn alias(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    const fn in_a_request(mut self, in_request: InRequest) -> Self {
        self.in_request = in_request;
        self
    }
}

/// What the sampling parameters and their like mean.
const DEFAULT: &str = "The default for requests that do not set it.";

pub(super) static TABLE: &[Parameter] = &[
    routing(
        "model",
        Field::Text(|d| &mut d.routing.model),
        "`sagemaker/<endpoint>` (text prompts and embeddings), `sagemaker_chat/<endpoint>` (Messages API), `sagemaker_nova/<endpoint>`, `sagemaker_openai/<endpoint>[/<component>]` (AWS's OpenAI-compatible route), `sagemaker_router/<router>/<target>` or `sagemaker_gateway/<id>/<model>`.",
    )
    .in_a_request(InRequest::Passed),
    // Credentials and region
    setting(
        "aws_access_key_id",
        Field::Text(|d| &mut d.aws.aws_access_key_id),
        "The access key id. Default: `AWS_ACCESS_KEY_ID`, then the default chain.",
    )
    .secret(),
    setting(
        "aws_secret_access_key",
        Field::Secret(|d| &mut d.aws.aws_secret_access_key),
        "The secret access key of `aws_access_key_id`.",
    )
    .secret(),
    setting(
        "aws_session_token",
        Field::Secret(|d| &mut d.aws.aws_session_token),
        "The session token of temporary keys.",
    )
    .secret(),
    setting(
        "aws_region_name",
        Field::Text(|d| &mut d.aws.aws_region_name),
        "The region of the endpoint. Default: `AWS_REGION_NAME`, `AWS_REGION`, or the profile's.",
    ),
    setting(
        "aws_profile_name",
        Field::Text(|d| &mut d.aws.aws_profile_name),
        "A profile of the shared configuration files.",
    ),
    setting("aws_role_name", Field::Text(|d| &mut d.aws.aws_role_name), "The ARN of a role to assume."),
    setting(
        "aws_session_name",
        Field::Text(|d| &mut d.aws.aws_session_name),
        "The name of the role session. Default: generated.",
    ),
    setting(
        "aws_external_id",
        Field::Text(|d| &mut d.aws.aws_external_id),
        "The external id that the role's trust policy asks for.",
    ),
    setting(
        "aws_session_tags",
        Field::Parsed(Kind::Any, reading::session_tags),
        "Tags of the role session: a list of `{Key, Value}`.",
    ),
    setting(
        "aws_web_identity_token",
        Field::Secret(|d| &mut d.aws.aws_web_identity_token),
        "A JWT for `aws_role_name`: the token itself, or `oidc/file/<path>`, `oidc/env/<VAR>`, `oidc/env_path/<VAR>`.",
    )
    .secret(),
    setting("aws_sts_endpoint", Field::Text(|d| &mut d.aws.aws_sts_endpoint), "The URL of STS. Default: the region's."),
    routing(
        "litellm_credential_name",
        Field::Text(|d| &mut d.routing.litellm_credential_name),
        "The name of an entry of `credential_list`: its values apply where this deployment does not set them.",
    ),
    // The endpoint
    setting(
        "sagemaker_base_url",
        Field::Text(|d| &mut d.settings.base_url),
        "The URL to call in place of the region's. With a path it is used as it is.",
    ),
    setting(
        "model_id",
        Field::Text(|d| &mut d.settings.headers.inference_component),
        "The inference component on the endpoint. A caller may choose another.",
    )
    .in_a_request(InRequest::Caller),
    setting(
        "target_model",
        Field::Text(|d| &mut d.settings.headers.target_model),
        "The model of a multi-model endpoint.",
    ),
    setting("target_variant", Field::Text(|d| &mut d.settings.headers.target_variant), "The production variant."),
    setting(
        "target_container_hostname",
        Field::Text(|d| &mut d.settings.headers.target_container_hostname),
        "The container of a multi-container endpoint.",
    ),
    setting(
        "session_id",
        Field::Text(|d| &mut d.settings.headers.session_id),
        "The session of a stateful model; `NEW_SESSION` opens one.",
    ),
    setting(
        "session_id_from",
        Field::Parsed(Kind::Text, |d, value| reading::parsed(&mut d.settings.session_id_from, &value)),
        "What `session_id` is derived from if it is not set: `conversation` (its beginning, up to the first message of the user), `key` (the name of the caller's key) or `header:<name>`. A digest is sent.",
    )
    .in_a_request(InRequest::Operator),
    setting(
        "inference_id",
        Field::Text(|d| &mut d.settings.headers.inference_id),
        "The id under which captured data is stored.",
    ),
    setting(
        "prefix_aware_id",
        Field::Text(|d| &mut d.settings.headers.prefix_aware_id),
        "Routes calls with the same prompt prefix to the same instance.",
    ),
    setting(
        "prefix_aware_id_from",
        Field::Parsed(Kind::Text, |d, value| reading::parsed(&mut d.settings.prefix_aware_id_from, &value)),
        "What `prefix_aware_id` is derived from if it is not set, as `session_id_from`.",
    )
    .in_a_request(InRequest::Operator),
    setting(
        "customer_identity_token",
        Field::Text(|d| &mut d.settings.headers.customer_identity_token),
        "A JWT that says on whose behalf a global inference gateway is called.",
    )
    .secret(),
    setting(
        "enable_explanations",
        Field::Text(|d| &mut d.settings.headers.enable_explanations),
        "A JMESPath expression: which records Clarify explains.",
    ),
    setting(
        "custom_attributes",
        Field::Text(|d| &mut d.settings.headers.custom_attributes),
        "The custom attributes header, such as `accept_eula=true`.",
    )
    .secret(),
    setting("headers", Field::Parsed(Kind::Mapping, reading::extra_headers), "The same as `extra_headers`, which takes precedence.")
        .secret(),
    setting(
        "extra_headers",
        Field::Parsed(Kind::Mapping, reading::extra_headers),
        "Additional headers of the request to AWS. They are signed.",
    )
    .secret(),
    request("extra_body", Kind::Mapping, "Additional parameters of the container, as if they were listed here.")
        .in_a_request(InRequest::Nested),
    // Prompt and answer
    setting(
        "dialect",
        Field::Parsed(Kind::Choice(ChatDialect::names), |d, value| reading::choice(&mut d.settings.dialect, &value)),
        "The container's dialect. Default: by the prefix of `model`.",
    ),
    setting(
        "native_routes",
        Field::Parsed(Kind::Any, reading::native_routes),
        "Which routes the container answers itself by `route=`, as AWS's vLLM image does: `true`, `false`, or a list of `/v1/responses`, `/v1/messages`, `/v1/messages/count_tokens`, `/v1/score`, `/classify`, `/pooling`, `/tokenize`, `/detokenize`, `/v1/images/generations` and `/v1/audio/speech`. Default: all of them if `dialect` or `rerank_dialect` is `vllm`.",
    ),
    setting(
        "further_routes",
        Field::Parsed(Kind::Texts, reading::further_routes),
        "Further paths of the container that the library's `forward` may ask for by `route=`, beside the known routes of inference.",
    ),
    setting(
        "embedding_dialect",
        Field::Parsed(Kind::Choice(EmbeddingDialect::names), |d, value| {
            reading::choice(&mut d.settings.embedding_dialect, &value)
        }),
        "The dialect of an embedding container. Default: by the endpoint's name, as in LiteLLM.",
    ),
    setting(
        "embedding_batch_size",
        Field::Positive(|d| &mut d.settings.embedding_batch_size),
        "The maximum number of inputs in one request to an embedding container. Default: the family's limit.",
    ),
    setting(
        "embedding_concurrency",
        Field::Positive(|d| &mut d.settings.embedding_concurrency),
        "The maximum number of batches of one embedding request that are sent at the same time. Default: 4.",
    ),
    setting(
        "rerank_dialect",
        Field::Parsed(Kind::Choice(RerankDialect::names), |d, value| reading::choice(&mut d.settings.rerank_dialect, &value)),
        "What a reranker speaks. Default: `vllm` if that is the `dialect`, else by the endpoint's name.",
    ),
    setting(
        "rerank_batch_size",
        Field::Positive(|d| &mut d.settings.rerank_batch_size),
        "The most documents that a reranker is sent at once. Default: the family's limit.",
    ),
    setting(
        "transcription_dialect",
        Field::Parsed(Kind::Choice(TranscriptionDialect::names), |d, value| {
            reading::choice(&mut d.settings.transcription_dialect, &value)
        }),
        "What a server of transcription speaks. Default: `vllm` if that is the `dialect`, else by the endpoint's name.",
    ),
    setting(
        "hf_model_name",
        Field::Text(|d| &mut d.settings.hf_model_name),
        "The model's name on Hugging Face: its chat template is used, and it is the `model` in the body of a container that takes one. Default there: the endpoint's name.",
    ),
    setting(
        "hub_access",
        Field::Flag(|d| &mut d.settings.hub_access),
        "Whether the chat template of `hf_model_name` may be fetched from Hugging Face. Default: false.",
    ),
    setting(
        "hub_revision",
        Field::Text(|d| &mut d.settings.hub_revision),
        "The revision of the model on Hugging Face whose template is used.",
    ),
    setting(
        "strict_chat_templates",
        Field::Flag(|d| &mut d.settings.strict_chat_templates),
        "Whether a conversation is an error, instead of a warning, if the model's chat template is uncertain. Default: false.",
    ),
    setting(
        "template_sources",
        Field::Parsed(Kind::Choices(|| TemplateSource::ALL.map(TemplateSource::as_str).to_vec()), reading::template_sources),
        "Where the chat template of `hf_model_name` is looked for, in this order.",
    ),
    setting(
        "roles",
        Field::Mapping(|d| &mut d.template.roles),
        "A simple chat template: for each role its `pre_message` and `post_message`.",
    ),
    setting(
        "initial_prompt_value",
        Field::Text(|d| &mut d.template.initial),
        "The text before the whole prompt, with `roles`.",
    ),
    setting(
        "final_prompt_value",
        Field::Text(|d| &mut d.template.last),
        "The text after the whole prompt, with `roles`.",
    ),
    setting("bos_token", Field::Text(|d| &mut d.template.bos), "The token that begins a text, for the template."),
    setting("eos_token", Field::Text(|d| &mut d.template.eos), "The token that ends a text, for the template."),
    setting("chat_template", Field::Text(|d| &mut d.template.jinja), "A Jinja chat template, or the path of one."),
    setting(
        "tool_call_parser",
        Field::Choice(sagewire_dialects::tool_calls::all_names, |d| &mut d.settings.tool_call_parser),
        "How the model of a text container writes tool calls, by the name of vLLM's parser. Default: as its chat template tells.",
    ),
    setting(
        "aws_sagemaker_allow_zero_temp",
        Field::Flag(|d| &mut d.settings.allow_zero_temperature),
        "Whether `temperature: 0` is sent unchanged. Default: false.",
    ),
    setting(
        "zero_temperature",
        Field::Number(|d| &mut d.settings.zero_temperature),
        "What is sent in place of `temperature: 0`. Default: 0.1.",
    ),
    setting(
        "fake_stream",
        Field::Flag(|d| &mut d.settings.fake_stream),
        "Whether streams are made from whole answers, for containers that cannot stream. Default: false.",
    ),
    setting(
        "async_inference",
        Field::Flag(|d| &mut d.settings.async_inference),
        "Whether the endpoint is asynchronous: calls are queued by SageMaker, and their answers fetched from S3. Default: false.",
    ),
    setting(
        "async_input_location",
        Field::Text(|d| &mut d.settings.async_input_location),
        "Where inputs of more than 128,000 bytes are put for an asynchronous endpoint: `s3://bucket/prefix`.",
    ),
    setting(
        "details",
        Field::Parsed(Kind::Choice(|| DetailsPolicy::NAMES.to_vec()), |d, value| {
            reading::choice(&mut d.settings.details, &value)
        }),
        "Whether a text container is asked for its finish reason and token counts. Default: `auto`, which asks again without if the container refuses.",
    )
    .in_a_request(InRequest::Passed),
    // Parameters of requests
    setting(
        "drop_params",
        Field::Flag(|d| &mut d.drop_params),
        "Whether OpenAI parameters that the route cannot carry are left out instead of refused. Default: false.",
    ),
    setting(
        "additional_drop_params",
        Field::Texts(|d| &mut d.additional_drop_params),
        "Parameters that are always left out. A path such as `tools[*].function.strict` leaves out a field inside of one.",
    ),
    setting(
        "allowed_openai_params",
        Field::Texts(|d| &mut d.allowed_openai_params),
        "OpenAI parameters that are sent although the route does not know them.",
    ),
    request("temperature", Kind::Number, DEFAULT),
    request("top_p", Kind::Number, DEFAULT),
    request("n", Kind::Count, DEFAULT),
    request("max_tokens", Kind::Count, DEFAULT),
    request("max_completion_tokens", Kind::Count, DEFAULT),
    request("stop", Kind::Any, DEFAULT),
    request("seed", Kind::Any, DEFAULT),
    request("presence_penalty", Kind::Number, DEFAULT),
    request("frequency_penalty", Kind::Number, DEFAULT),
    request("reasoning_effort", Kind::Text, DEFAULT),
    request("response_format", Kind::Any, DEFAULT),
    // Load and time
    routing(
        "timeout",
        Field::Timeout(|d| &mut d.routing.timeout),
        "The time limit of one attempt; of a stream, until its first chunk. In a request: of the whole call.",
    )
    .alias(&["request_timeout"])
    .in_a_request(InRequest::Caller),
    routing(
        "stream_timeout",
        Field::Timeout(|d| &mut d.routing.stream_timeout),
        "The time limit until the first piece of a stream.",
    )
    .in_a_request(InRequest::Listed),
    setting(
        "connect_timeout",
        Field::Timeout(|d| &mut d.settings.timeouts.connect),
        "The time limit for connecting, for each attempt. Default: 5.",
    ),
    setting(
        "idle_timeout",
        Field::Timeout(|d| &mut d.settings.timeouts.idle),
        "The longest pause between two pieces of an answer. Default: 60.",
    ),
    setting(
        "wait_for_capacity",
        Field::Seconds(|d| &mut d.settings.wait_for_capacity),
        "How long to wait for an endpoint that is scaled to zero instances. Default: 0.",
    ),
    routing(
        "num_retries",
        Field::Count(|d| &mut d.routing.num_retries),
        "How many retries a call has after this deployment failed it, in place of the router's `num_retries`.",
    )
    .alias(&["max_retries"])
    .in_a_request(InRequest::Listed),
    routing(
        "weight",
        Field::Number(|d| &mut d.routing.weight),
        "The deployment's share of the load among those of its name.",
    ),
    routing("order", Field::Count(|d| &mut d.routing.order), "Deployments of a lower order are used first."),
    routing("rpm", Field::Count(|d| &mut d.routing.rpm), "The maximum number of requests per minute."),
    routing("tpm", Field::Count(|d| &mut d.routing.tpm), "The maximum number of tokens per minute."),
    routing(
        "max_parallel_requests",
        Field::Count(|d| &mut d.routing.max_parallel_requests),
        "The maximum number of concurrent requests.",
    ),
    routing(
        "allowed_fails",
        Field::Count(|d| &mut d.routing.allowed_fails),
        "The failures in a row it may have before it cools down, in place of the router's `allowed_fails`.",
    ),
    routing(
        "cooldown_time",
        Field::Seconds(|d| &mut d.routing.cooldown_time),
        "How long it cools down after failures, in place of the router's `cooldown_time`; 0: not at all.",
    ),
    routing(
        "configurable_clientside_auth_params",
        Field::Texts(|d| &mut d.routing.configurable_clientside_auth_params),
        "The parameters of this table that a caller may set in a request's body, such as `aws_region_name`.",
    ),
    routing(
        "max_upload_bytes",
        Field::Count(|d| &mut d.routing.max_upload_bytes),
        "The largest upload, such as a recording, that the deployment is sent, in bytes; a larger one is refused with 413. Default: 6291456, the most that AWS documents for a request.",
    ),
    // Logs
    setting(
        "verbose",
        Field::Flag(|d| &mut d.settings.verbose),
        "Whether requests and replies are logged, with prompts and answers. Default: false.",
    )
    .alias(&["set_verbose"]),
    // Entries of requests alone
    request("metadata", Kind::Any, "OpenAI's metadata of a request: an object of texts."),
];
