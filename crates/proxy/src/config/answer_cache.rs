//! `litellm_settings.cache` and `cache_params`: answers that are kept.
//!
//! What the section leaves out comes from `general_settings.coordination_redis` and the variables
//! `REDIS_*`.

use std::{fmt, time::Duration};

use sagewire_router::seconds::{self, Seconds};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    LitellmSettings,
    coordination_redis::{CoordinationRedis, RedisNode},
    general_settings::Text,
    nearest::nearest,
    node::Node,
    problem::Report,
};

/// How answers are cached, if `cache` is true.
#[derive(Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CacheParams {
    /// Where: `local`, in this process's memory, or `redis`. Default: `redis` if this section,
    /// `general_settings.coordination_redis` or the variables `REDIS_*` name one, else `local`.
    #[serde(rename = "type")]
    #[schemars(with = "Text")]
    pub kind: Option<String>,
    /// The maximum age of a cached answer. Default: 600.
    #[serde(deserialize_with = "seconds::limit")]
    #[schemars(with = "Seconds")]
    pub ttl: Duration,
    /// Who shares answers: those who call with the same key (`key`), or everyone (`all`). Default:
    /// `key`.
    pub scope: CacheScope,
    /// Whether each request may be answered from the cache, `default_on`, or only those that ask
    /// for it by `cache: {use-cache: true}`, `default_off`. Default: `default_on`.
    pub mode: CacheMode,
    /// Which calls are kept, by LiteLLM's names: `completion`, `text_completion`, `embedding`,
    /// `responses`, `anthropic_messages`, each also with an `a` before it. Default: all of
    /// these.
    pub supported_call_types: Option<Vec<String>>,
    /// Separates these answers from those of other proxies in the same Redis. Proxies that call
    /// different AWS accounts need different namespaces.
    #[schemars(with = "Text")]
    pub namespace: Option<String>,
    /// The maximum memory for answers with `type: local`, in bytes. The least used entries are
    /// evicted first. Default: 268435456.
    pub max_bytes: u64,
    /// The URL of the Redis: `redis://`, `valkey://`, or with TLS `rediss://` or `valkeys://`.
    #[schemars(with = "Text")]
    pub url: Option<String>,
    /// The host of the Redis, in place of `url`.
    #[schemars(with = "Text")]
    pub host: Option<String>,
    /// The port, with `host`. Default: 6379.
    #[schemars(with = "u64")]
    pub port: Option<u16>,
    /// Whether `host` and `redis_startup_nodes` are connected to with TLS. Default: false.
    pub ssl: bool,
    /// The user.
    #[schemars(with = "Text")]
    pub username: Option<String>,
    /// The password.
    #[schemars(with = "Text")]
    pub password: Option<String>,
    /// Nodes of a Redis cluster, in place of `url` and `host`.
    pub redis_startup_nodes: Vec<RedisNode>,
}

/// Who shares answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CacheScope {
    /// Those who call with the same key.
    #[default]
    Key,
    /// Everyone.
    All,
}

/// Which requests may be answered from the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CacheMode {
    /// Each, unless it says otherwise.
    #[default]
    DefaultOn,
    /// Those that ask for it.
    DefaultOff,
}

impl Default for CacheParams {
    fn default() -> Self {
        Self {
            kind: None,
            ttl: Duration::from_secs(600),
            scope: CacheScope::Key,
            mode: CacheMode::DefaultOn,
            supported_call_types: None,
            namespace: None,
            max_bytes: 256 * 1024 * 1024,
            url: None,
            host: None,
            port: None,
            ssl: false,
            username: None,
            password: None,
            redis_startup_nodes: Vec::new(),
        }
    }
}

/// The kinds of store that there are.
const LOCAL: &str = "local";
const REDIS: &str = "redis";

impl CacheParams {
    /// Whether answers are to be kept in Redis. `None` if nothing says so and no server is named
    /// here.
    #[must_use]
    pub fn is_redis(&self) -> Option<bool> {
        match &self.kind {
            Some(kind) => Some(kind == REDIS),
            None => self.names_a_server().then_some(true),
        }
    }

    /// Whether the section names a server of its own.
    #[must_use]
    pub fn names_a_server(&self) -> bool {
        self.url.is_some() || self.host.is_some() || !self.redis_startup_nodes.is_empty()
    }

    /// The server as the section of the shared Redis names one.
    #[must_use]
    pub fn server(&self) -> CoordinationRedis {
        CoordinationRedis {
            url: self.url.clone(),
            host: self.host.clone(),
            port: self.port,
            ssl: self.ssl,
            username: self.username.clone(),
            password: self.password.clone(),
            startup_nodes: self.redis_startup_nodes.clone(),
            namespace: None,
            timeout: None,
        }
    }

    /// Whether calls of this type are kept.
    pub(crate) fn keeps(&self, call_type: &str) -> bool {
        self.supported_call_types.as_ref().is_none_or(|types| types.iter().any(|listed| names(listed, call_type)))
    }
}

/// The types of calls whose answers are kept, as LiteLLM calls them.
const CALL_TYPES: [&str; 5] = ["completion", "text_completion", "embedding", "responses", "anthropic_messages"];

/// Whether an entry of `supported_call_types` means calls of this type: LiteLLM has an asynchronous
/// one of each, whose name begins with an `a`.
fn names(listed: &str, call_type: &str) -> bool {
    listed == call_type || listed.strip_prefix('a') == Some(call_type)
}

/// What has no effect: a kind of store that there is not, and types of calls that are not kept. A
/// file of LiteLLM's with them is served.
pub(super) fn check(settings: &mut LitellmSettings, section: Option<&Node>, report: &mut Report) {
    if settings.cache {
        check_call_types(&settings.cache_params, section, report);
    }
    let Some(kind) = settings.cache_params.kind.as_deref().filter(|kind| ![LOCAL, REDIS].contains(kind)) else {
        return;
    };
    let node = section.and_then(|section| section.value("cache_params")?.value("type"));
    if settings.cache
        && let Some(node) = node
    {
        report.warning(
            node.place,
            "litellm_settings.cache_params.type".to_owned(),
            format!("`litellm_settings.cache` has no effect: `cache_params.type` `{kind}` is not supported; set `{LOCAL}` or `{REDIS}`"),
        );
    }
    settings.cache = false;
}

fn check_call_types(params: &CacheParams, section: Option<&Node>, report: &mut Report) {
    let list = section.and_then(|section| section.value("cache_params")?.value("supported_call_types"));
    let items = list.and_then(Node::items).unwrap_or_default();
    for (at, (listed, node)) in params.supported_call_types.iter().flatten().zip(items).enumerate() {
        if CALL_TYPES.iter().any(|known| names(listed, known)) {
            continue;
        }
        let hint = match nearest(listed, CALL_TYPES) {
            Some(known) => format!("did you mean `{known}`?"),
            None => format!("answers are kept for `{}`", CALL_TYPES.join("`, `")),
        };
        let key = format!("litellm_settings.cache_params.supported_call_types[{at}]");
        report.warning(node.place, key.clone(), format!("`{key}` `{listed}` has no effect: {hint}"));
    }
}

impl fmt::Debug for CacheParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheParams")
            .field("type", &self.kind)
            .field("ttl", &self.ttl)
            .field("scope", &self.scope)
            .field("mode", &self.mode)
            .field("supported_call_types", &self.supported_call_types)
            .field("namespace", &self.namespace)
            .field("max_bytes", &self.max_bytes)
            .field("server", &self.server())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use crate::Config;

    fn read(cache: &str) -> (Config, Vec<String>) {
        let yaml = format!(
            "model_list: [{{model_name: m, litellm_params: {{model: sagemaker/e}}}}]\nlitellm_settings:\n  cache: true\n  cache_params: {cache}\n"
        );
        let (config, warnings) = Config::from_yaml(&yaml, &|_| None).unwrap();
        (config, warnings.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn litellms_names_of_calls_are_understood() {
        let kept = |yaml: &str| {
            let (config, warnings) = read(yaml);
            assert!(warnings.is_empty(), "{warnings:?}");
            ["completion", "text_completion", "embedding", "responses", "anthropic_messages"]
                .map(|name| config.litellm_settings.cache_params.keeps(name))
        };
        assert_eq!(kept("{}"), [true; 5]);
        assert_eq!(kept("{supported_call_types: []}"), [false; 5]);
        assert_eq!(kept("{supported_call_types: [acompletion, embedding]}"), [true, false, true, false, false]);
    }

    #[test]
    fn a_store_that_is_not_there_keeps_nothing_and_is_told_once() {
        let (config, warnings) = read("{type: s3, s3_bucket_name: b}");
        assert!(!config.litellm_settings.cache);
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(
            warnings.iter().any(|text| text.contains("`s3` is not supported; set `local` or `redis`")),
            "{warnings:?}"
        );
        assert!(warnings.iter().any(|text| text.contains("s3_bucket_name")), "{warnings:?}");
    }

    #[test]
    fn types_of_calls_that_are_not_kept_are_told() {
        let (config, warnings) = read("{supported_call_types: [acompletion, transcription, embeding, key]}");
        assert!(config.litellm_settings.cache);
        let told = [
            "`litellm_settings.cache_params.supported_call_types[1]` `transcription` has no effect: answers are kept for `completion`",
            "`litellm_settings.cache_params.supported_call_types[2]` `embeding` has no effect: did you mean `embedding`?",
            "`litellm_settings.cache_params.supported_call_types[3]` `key` has no effect",
        ];
        assert_eq!(warnings.len(), told.len(), "{warnings:?}");
        for (warning, told) in warnings.iter().zip(told) {
            assert!(warning.contains(told), "{warning}");
        }
    }

    #[test]
    fn a_wrong_value_is_told_with_its_key_and_what_it_may_be() {
        for (params, told) in [
            ("{scope: team}", "`litellm_settings.cache_params.scope` must be one of `key`, `all`, not `team`"),
            ("{mode: default-on}", "cache_params.mode` must be one of `default_on`, `default_off`, not `default-on`"),
            ("{mode: On}", "cache_params.mode` must be one of `default_on`, `default_off`"),
            ("{mode: true}", "cache_params.mode` must be one of `default_on`, `default_off`, not true or false"),
            ("{ttl: 0}", "cache_params.ttl` must be greater than 0"),
            ("{ttl: soon}", "cache_params.ttl` must be a number"),
            ("{max_bytes: -1}", "cache_params.max_bytes` must be a non-negative integer"),
            ("{supported_call_types: completion}", "cache_params.supported_call_types` must be a list, not a string"),
        ] {
            let yaml = format!(
                "model_list: [{{model_name: m, litellm_params: {{model: sagemaker/e}}}}]\nlitellm_settings: {{cache: true, cache_params: {params}}}\n"
            );
            let error = Config::from_yaml(&yaml, &|_| None).unwrap_err().to_string();
            assert!(error.contains(told), "{params}: {error}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let (config, _) = read("{type: redis, url: 'redis://:hush@h', password: hush}");
        let shown = format!("{config:?}{}", config.summary());
        assert!(config.litellm_settings.cache && !shown.contains("hush"), "{shown}");
    }
}
