//! What a request says of the cache of answers, in LiteLLM's `cache`.
//!
//! Owns its [controls](https://docs.litellm.ai/docs/proxy/caching#dynamic-cache-controls), and who shares answers with whom. A cache itself is the
//! router's.

use std::time::Duration;

use sagewire_router::cache::CacheTerms;
use serde_json::{Map, Value};

use super::{Exchange, error::ApiError};
use crate::{
    app::Model,
    callers::KeyDigest,
    config::{CacheMode, CacheParams, CacheScope},
};

/// What a request wants of the cache.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    /// `no-cache`: a new answer, which is kept.
    no_cache: bool,
    /// `no-store`: the answer is not kept.
    no_store: bool,
    /// `use-cache`: the cache, where it is off unless asked for.
    use_cache: Option<bool>,
    /// `ttl`: how long the answer is kept, if that is shorter than the operator says.
    lifetime: Option<Duration>,
    /// `s-maxage`: how old an answer may be.
    max_age: Option<Duration>,
    /// `namespace`: what tells the answers apart from others of the same caller.
    namespace: String,
}

impl Wishes {
    /// Takes them out of a body. `None` if answers are not kept. Entries that LiteLLM knows and
    /// this cache does not are passed over.
    pub(super) fn take_from(
        extra: &mut Map<String, Value>,
        params: Option<&CacheParams>,
    ) -> Result<Option<Self>, ApiError> {
        if params.is_none() {
            return Ok(None);
        }
        let entries = match extra.shift_remove("cache") {
            None | Some(Value::Null) => return Ok(Some(Self::default())),
            Some(Value::Object(entries)) => entries,
            Some(_) => return Err(invalid("cache", "an object such as {\"no-cache\": true, \"ttl\": 60}")),
        };
        let mut wishes = Self::default();
        for (name, value) in &entries {
            let flag = || value.as_bool().ok_or_else(|| invalid(&format!("cache.{name}"), "true or false"));
            let seconds = || {
                let seconds = value.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                seconds.ok_or_else(|| invalid(&format!("cache.{name}"), "a number of seconds"))
            };
            match name.as_str() {
                _ if value.is_null() => {}
                "no-cache" => wishes.no_cache = flag()?,
                "no-store" => wishes.no_store = flag()?,
                "use-cache" => wishes.use_cache = Some(flag()?),
                "ttl" => wishes.lifetime = Some(seconds()?),
                "s-maxage" | "s-max-age" => wishes.max_age = Some(seconds()?),
                "namespace" => {
                    let namespace = value.as_str().ok_or_else(|| invalid("cache.namespace", "a string"))?;
                    namespace.clone_into(&mut wishes.namespace);
                }
                _ => {}
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
        let key = match params.scope {
            CacheScope::Key => exchange.caller.digest(&exchange.state.keyring),
            CacheScope::All => None,
        };
        // A caller's namespace lies within the operator's.
        let namespaces = [params.namespace.as_deref().unwrap_or_default(), &self.namespace].map(str::as_bytes);
        let key = key.as_ref().map_or(&[][..], KeyDigest::as_bytes);
        let mut scope = vec![u8::from(params.scope == CacheScope::All)];
        for part in namespaces.into_iter().chain([key, &model.fingerprint]) {
            // With its length no part can pass for a piece of another one.
            scope.extend_from_slice(&part.len().to_le_bytes());
            scope.extend_from_slice(part);
        }
        let mut terms = CacheTerms::new(scope, self.lifetime.unwrap_or(params.ttl).min(params.ttl));
        terms.looks = !self.no_cache;
        terms.keeps = !self.no_store && !terms.lifetime.is_zero();
        terms.max_age = self.max_age;
        Some(terms)
    }
}

fn invalid(name: &str, expected: &str) -> ApiError {
    ApiError::invalid(Some(name), format!("invalid value for `{name}`: expected {expected}"))
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
