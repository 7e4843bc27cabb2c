//! `litellm_settings`, `general_settings`, `router_settings` and `environment_variables`.
//!
//! Owns their typed forms and LiteLLM's defaults.

use std::time::Duration;

use indexmap::IndexMap;
use sagewire_router::FailurePolicy;

use super::{
    environment::{Environment, Path},
    failure_policy,
    keys::{GENERAL_SETTINGS, LITELLM_SETTINGS, ROUTER_SETTINGS},
    node::{Node, Yaml},
    problem::Report,
    table::{Section, Table},
};
use crate::callers::KeyDigest;

/// What holds for every call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LitellmSettings {
    /// Whether OpenAI parameters that a route cannot carry are left out, and not refused.
    pub drop_params: bool,
    /// How long a whole call may take.
    pub request_timeout: Option<Duration>,
    /// Whether debug messages are logged.
    pub set_verbose: bool,
    /// Whether the log is JSON.
    pub json_logs: bool,
    /// Whether `/metrics` asks for a key.
    pub require_auth_for_metrics_endpoint: bool,
    /// Whether the caller's trace context is passed on to the model.
    pub forward_traceparent_to_llm_provider: bool,
    shared: Shared,
}

/// What `litellm_settings` and `router_settings` both have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Shared {
    num_retries: Option<u64>,
    allowed_fails: Option<u64>,
    cooldown_time: Option<Duration>,
    max_fallbacks: Option<u64>,
    fallbacks: Option<Fallbacks>,
    default_fallbacks: Option<Vec<String>>,
    context_window_fallbacks: Option<Fallbacks>,
}

/// For each model, the models to ask next.
pub(super) type Fallbacks = IndexMap<String, Vec<String>>;

/// What holds for the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GeneralSettings {
    /// The key that may do everything, as its digest.
    pub master_key: Option<KeyDigest>,
    /// A further header that callers may put their key in, in lower case.
    pub key_header_name: Option<http::HeaderName>,
    /// The model of calls that name none.
    pub completion_model: Option<String>,
    /// How many requests at once the proxy works on.
    pub max_parallel_requests: Option<usize>,
    /// The largest request body, in bytes.
    pub max_request_bytes: Option<usize>,
    /// Whether every stream ends with the tokens used.
    pub always_include_stream_usage: bool,
    /// How often every deployment is probed, where it is.
    pub background_health_checks: Option<Duration>,
    /// Whether the proxy may listen beyond this machine without any key.
    pub permit_no_key: bool,
}

/// How calls are spread over deployments, repeated and moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouterSettings {
    /// How one of several deployments is chosen.
    pub routing_strategy: Strategy,
    /// Tries after the first.
    pub num_retries: Option<u64>,
    /// How long a whole call may take.
    pub timeout: Option<Duration>,
    /// How long a stream may take to its first piece.
    pub stream_timeout: Option<Duration>,
    /// The shortest wait before the same deployment is tried again.
    pub retry_after: Option<Duration>,
    /// Tries after the first, by the sort of the latest failure.
    pub retry_policy: FailurePolicy,
    /// The same for single models, in place of `retry_policy`.
    pub model_group_retry_policy: IndexMap<String, FailurePolicy>,
    /// How many failures in a row, within a minute, a deployment may have.
    pub allowed_fails: Option<u64>,
    /// The same by the sort of the failure.
    pub allowed_fails_policy: FailurePolicy,
    /// How long a failing deployment rests.
    pub cooldown_time: Option<Duration>,
    /// Whether no deployment ever rests.
    pub disable_cooldowns: bool,
    /// How many fallbacks a call may go through.
    pub max_fallbacks: Option<u64>,
    /// For a model that fails, the models to ask next.
    pub fallbacks: IndexMap<String, Vec<String>>,
    /// The models to ask next for any model that fails.
    pub default_fallbacks: Vec<String>,
    /// For a prompt that is too long, the models to ask next.
    pub context_window_fallbacks: IndexMap<String, Vec<String>>,
    /// Other names of models.
    pub model_group_alias: IndexMap<String, Alias>,
    /// Whether a deployment whose limits the call would exceed is passed over.
    pub enable_pre_call_checks: bool,
    /// How many requests at once each deployment takes that does not say so itself.
    pub default_max_parallel_requests: Option<u64>,
    /// Whether debug messages are logged.
    pub set_verbose: bool,
}

/// How one of several deployments is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strategy {
    /// By chance, by weight, `rpm` or `tpm`.
    #[default]
    SimpleShuffle,
    /// The one with the fewest requests at work.
    LeastBusy,
    /// The one that answered fastest of late.
    LatencyBased,
    /// The one with the most of its limits left.
    UsageBased,
}

/// Another name of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alias {
    /// The model's own name.
    pub model: String,
    /// Whether `/models` leaves the alias out.
    pub hidden: bool,
}

fn section<'a>(file: &Section<'a>, name: &str, table: &'static Table, report: &mut Report) -> Option<Section<'a>> {
    Some(table.read(file.node(name)?, &Path::default().key(name), report))
}

/// Variables that are read when the process's connections are set up, in either case of letters.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"];

pub(super) fn environment_variables(
    file: &Node,
    env: &dyn Fn(&str) -> Option<String>,
    report: &mut Report,
) -> IndexMap<String, String> {
    let Some(mut node) = file
        .entries()
        .and_then(|entries| entries.iter().find(|entry| entry.key == "environment_variables"))
        .map(|entry| entry.node.clone())
    else {
        return IndexMap::new();
    };
    let path = Path::default().key("environment_variables");
    // A variable that is missing is reported when the whole file is resolved: here only values are of interest.
    Environment { own: &IndexMap::new(), process: env }.resolve(&mut node, &path, &mut Report::default());
    let mut variables = IndexMap::new();
    for entry in node.entries().unwrap_or_default() {
        let value = match &entry.node.yaml {
            Yaml::Flag(flag) => Some(flag.to_string()),
            _ => entry.node.as_text(),
        };
        match value {
            Some(value) => {
                if PROXIES.iter().any(|name| name.eq_ignore_ascii_case(&entry.key)) {
                    let path = path.key(&entry.key);
                    let cure = "set it for the process itself, which alone says what is between it and the network";
                    report.warning(entry.place, path.keys(), format!("{path} has no effect: {cure}"));
                }
                variables.insert(entry.key.clone(), value);
            }
            None => report.problem(
                entry.node.place,
                format!("{} must be a text, not {}", path.key(&entry.key), entry.node.kind()),
            ),
        }
    }
    variables
}

pub(super) fn litellm(file: &Section<'_>, report: &mut Report) -> LitellmSettings {
    let Some(section) = section(file, "litellm_settings", &LITELLM_SETTINGS, report) else {
        return LitellmSettings::default();
    };
    let on = |name| section.flag(name).unwrap_or(false);
    LitellmSettings {
        drop_params: on("drop_params"),
        request_timeout: section.seconds("request_timeout"),
        set_verbose: on("set_verbose"),
        json_logs: on("json_logs"),
        require_auth_for_metrics_endpoint: on("require_auth_for_metrics_endpoint"),
        forward_traceparent_to_llm_provider: on("forward_traceparent_to_llm_provider"),
        shared: shared(&section, "litellm_settings", report),
    }
}

fn shared(section: &Section<'_>, name: &str, report: &mut Report) -> Shared {
    Shared {
        num_retries: section.count("num_retries"),
        allowed_fails: section.count("allowed_fails"),
        cooldown_time: section.seconds("cooldown_time"),
        max_fallbacks: section.count("max_fallbacks"),
        fallbacks: fallbacks(section, name, "fallbacks", report),
        default_fallbacks: section.texts("default_fallbacks"),
        context_window_fallbacks: fallbacks(section, name, "context_window_fallbacks", report),
    }
}

/// LiteLLM's form is a list of mappings with one key each; a single mapping means the same.
fn fallbacks(section: &Section<'_>, name: &str, key: &str, report: &mut Report) -> Option<Fallbacks> {
    let node = section.node(key)?;
    let mappings = match &node.yaml {
        Yaml::Map(_) => std::slice::from_ref(node),
        Yaml::List(items) => items,
        _ => {
            report.problem(
                node.place,
                format!("`{name}.{key}` must be a list of `{{model: [models]}}`, not {}", node.kind()),
            );
            return None;
        }
    };
    let mut all = Fallbacks::new();
    for mapping in mappings {
        let Some(entries) = mapping.entries() else {
            report.problem(
                mapping.place,
                format!("an item of `{name}.{key}` must be a mapping `{{model: [models]}}`, not {}", mapping.kind()),
            );
            continue;
        };
        for entry in entries {
            let next = entry.node.items().and_then(|items| items.iter().map(Node::as_text).collect::<Option<Vec<_>>>());
            match next {
                Some(next) => all.entry(entry.key.clone()).or_default().extend(next),
                None => report.problem(
                    entry.node.place,
                    format!("`{name}.{key}.{}` must be a list of model names, not {}", entry.key, entry.node.kind()),
                ),
            }
        }
    }
    Some(all)
}

pub(super) fn general(file: &Section<'_>, report: &mut Report) -> GeneralSettings {
    let Some(section) = section(file, "general_settings", &GENERAL_SETTINGS, report) else {
        return GeneralSettings::default();
    };
    let on = |name| section.flag(name).unwrap_or(false);
    let master_key = section.text("master_key").and_then(|key| match KeyDigest::of_configured(&key) {
        Ok(digest) => Some(digest),
        Err(reason) => {
            report.problem(section.place_of("master_key"), format!("`general_settings.master_key` {reason}"));
            None
        }
    });
    let key_header_name = section.text("litellm_key_header_name").and_then(|name| {
        let parsed = http::HeaderName::from_bytes(name.to_ascii_lowercase().as_bytes()).ok();
        if parsed.is_none() {
            report.problem(
                section.place_of("litellm_key_header_name"),
                "`general_settings.litellm_key_header_name` is not the name of a header: use letters, digits and `-`",
            );
        }
        parsed
    });
    let megabytes = section.number("max_request_size_mb").filter(|megabytes| *megabytes > 0.0);
    GeneralSettings {
        master_key,
        key_header_name,
        completion_model: section.text("completion_model"),
        max_parallel_requests: section.size("global_max_parallel_requests").or(section.size("max_parallel_requests")),
        max_request_bytes: megabytes.map(whole_bytes),
        always_include_stream_usage: on("always_include_stream_usage"),
        background_health_checks: on("background_health_checks").then(|| {
            let interval = section.seconds("health_check_interval").unwrap_or(Duration::from_secs(300));
            interval.max(Duration::from_secs(1))
        }),
        permit_no_key: on("dangerously_permit_weak_or_unset_master_key"),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is finite and above 0, and the conversion saturates"
)]
fn whole_bytes(megabytes: f64) -> usize {
    (megabytes * 1024.0 * 1024.0) as usize
}

pub(super) fn router(file: &Section<'_>, litellm: &LitellmSettings, report: &mut Report) -> RouterSettings {
    let section = section(file, "router_settings", &ROUTER_SETTINGS, report).unwrap_or_default();
    let own = shared(&section, "router_settings", report);
    let other = litellm.shared.clone();
    let on = |name| section.flag(name).unwrap_or(false);
    RouterSettings {
        routing_strategy: match section.text("routing_strategy").as_deref() {
            Some("least-busy") => Strategy::LeastBusy,
            Some("latency-based-routing") => Strategy::LatencyBased,
            Some("usage-based-routing" | "usage-based-routing-v2") => Strategy::UsageBased,
            _ => Strategy::SimpleShuffle,
        },
        num_retries: own.num_retries.or(section.count("max_retries")).or(other.num_retries),
        retry_policy: failure_policy::retries(&section, report),
        model_group_retry_policy: failure_policy::of_models(&section, report),
        timeout: section.seconds("timeout"),
        stream_timeout: section.seconds("stream_timeout"),
        retry_after: section.seconds("retry_after"),
        allowed_fails: own.allowed_fails.or(other.allowed_fails),
        allowed_fails_policy: failure_policy::allowed_fails(&section, report),
        cooldown_time: own.cooldown_time.or(other.cooldown_time),
        disable_cooldowns: on("disable_cooldowns"),
        max_fallbacks: own.max_fallbacks.or(other.max_fallbacks),
        fallbacks: own.fallbacks.or(other.fallbacks).unwrap_or_default(),
        default_fallbacks: own.default_fallbacks.or(other.default_fallbacks).unwrap_or_default(),
        context_window_fallbacks: own.context_window_fallbacks.or(other.context_window_fallbacks).unwrap_or_default(),
        model_group_alias: aliases(&section, report),
        enable_pre_call_checks: on("enable_pre_call_checks"),
        default_max_parallel_requests: section.count("default_max_parallel_requests"),
        set_verbose: on("set_verbose"),
    }
}

fn aliases(section: &Section<'_>, report: &mut Report) -> IndexMap<String, Alias> {
    let mut aliases = IndexMap::new();
    for entry in section.node("model_group_alias").and_then(Node::entries).unwrap_or_default() {
        let inner = |key: &str| entry.node.entries()?.iter().find(|inner| inner.key == key).map(|inner| &inner.node);
        let model = entry.node.as_text().or_else(|| inner("model")?.as_text());
        let hidden = inner("hidden").and_then(Node::as_flag).unwrap_or(false);
        match model {
            Some(model) => {
                aliases.insert(entry.key.clone(), Alias { model, hidden });
            }
            None => report.problem(
                entry.node.place,
                format!(
                    "`router_settings.model_group_alias.{}` must be a model's name or `{{model: name, hidden: true}}`, not {}",
                    entry.key,
                    entry.node.kind()
                ),
            ),
        }
    }
    aliases
}
