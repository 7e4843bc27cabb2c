//! What a request says of the cache of answers, in LiteLLM's `cache`.
//!
//! Owns its [controls](https://docs.litellm.ai/docs/proxy/caching#dynamic-cache-controls), and who shares answers with whom. A cache itself is the
//! router's.

use std::time::Duration;

use sagewire_router::cache::CacheTerms;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Exchange, error::ApiError};
use crate::{
    app::Model,
    config::{CacheMode, CacheParams, CacheScope},
};

/// What a request wants of the cache.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wishes {
    /// A new answer, which is kept.
    #[serde(rename = "no-cache")]
    no_cache: Option<bool>,
    /// That the answer is not kept.
    #[serde(rename = "no-store")]
    no_store: Option<bool>,
    /// The cache, where it is off unless asked for.
    #[serde(rename = "use-cache")]
    use_cache: Option<bool>,
    /// How many seconds the answer is kept.
    ttl: Option<f64>,
    /// How many seconds old an answer may be.
    #[serde(rename = "s-maxage", alias = "s-max-age")]
    max_age: Option<f64>,
    /// What tells the answers apart from others.
    namespace: Option<String>,
}

impl Wishes {
    /// Takes them out of a body. `None` if answers are not kept.
    pub(super) fn take_from(
        extra: &mut Map<String, Value>,
        params: Option<&CacheParams>,
    ) -> Result<Option<Self>, ApiError> {
        if params.is_none() {
            return Ok(None);
        }
        let wishes = match extra.shift_remove("cache") {
            None | Some(Value::Null) => Self::default(),
            Some(value) => serde_json::from_value(value).map_err(|error| {
                ApiError::invalid(
                    Some("cache"),
                    format!("invalid value for `cache`: {error}; `cache` is an object such as {{\"no-cache\": true, \"ttl\": 60}}"),
                )
            })?,
        };
        for (name, seconds) in [("cache.ttl", wishes.ttl), ("cache.s-maxage", wishes.max_age)] {
            if seconds.is_some_and(|seconds| Duration::try_from_secs_f64(seconds).is_err()) {
                return Err(ApiError::invalid(
                    Some(name),
                    format!("invalid value for `{name}`: give a number of seconds"),
                ));
            }
        }
        Ok(Some(wishes))
    }

    /// What the cache does with this request; `None` if it does nothing.
    pub(super) fn terms(self, exchange: &Exchange, model: &Model) -> Option<CacheTerms> {
        let params = exchange.state.settings.cache.as_ref()?;
        let call_type = call_type(exchange.call.as_ref()?.record.route_name())?;
        let is_wanted = params.mode == CacheMode::DefaultOn || self.use_cache == Some(true);
        if !is_wanted || self.use_cache == Some(false) || !params.keeps(call_type) {
            return None;
        }
        let seconds = |seconds: Option<f64>| Duration::try_from_secs_f64(seconds?).ok();
        let key = match params.scope {
            CacheScope::Key => exchange.caller.name(),
            CacheScope::All => "",
        };
        let namespace = self.namespace.as_deref().or(params.namespace.as_deref()).unwrap_or_default();
        // None of the parts can hold a line feed and pass for another: the last one is of fixed length, and texts are quoted.
        let scope = format!("{namespace:?}\n{key:?}\n{:?}\n{}", params.scope, model.fingerprint);
        let mut terms = CacheTerms::new(scope, seconds(self.ttl).unwrap_or(params.ttl));
        terms.looks = self.no_cache != Some(true);
        terms.keeps = self.no_store != Some(true) && !terms.lifetime.is_zero();
        terms.max_age = seconds(self.max_age);
        Some(terms)
    }
}

/// What LiteLLM calls the calls of a route whose answers are kept.
fn call_type(route: &str) -> Option<&'static str> {
    Some(match route {
        "chat" => "completion",
        "completions" => "text_completion",
        "embeddings" => "embedding",
        "responses" => "responses",
        "messages" => "anthropic_messages",
        _ => return None,
    })
}
