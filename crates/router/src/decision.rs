//! The names under which a router explains itself.
//!
//! Owns the keys of the entries that it adds to
//! [`ReplyMeta::decisions`](sagewire_types::ReplyMeta::decisions). Values hold deployment ids,
//! model names, error kinds and times: nothing that a caller may not see, as long as the ids tell
//! nothing.

/// The id of the deployment that answered.
pub const DEPLOYMENT: &str = "deployment";
/// The name of the model whose deployment answered.
pub const MODEL_GROUP: &str = "model_group";
/// The strategy, and from how many deployments it chose: `least-busy of 3`. Absent where there was
/// no choice.
pub const STRATEGY: &str = "strategy";
/// A deployment that was asked before, and how it failed: `llama-2: throttled`. Comes once for each
/// failed attempt, in their order.
pub const FAILED: &str = "failed";
/// A deployment that was passed over, and why: `llama-3: cooling down for 4.2 s`.
pub const SKIPPED: &str = "skipped";
/// From which model to which the call went when the first one failed: `llama-70b -> llama-8b`.
pub const FALLBACK: &str = "fallback";
/// The same, because the request was too long.
pub const CONTEXT_WINDOW_FALLBACK: &str = "context_window_fallback";
/// How long the call waited for a place.
pub const QUEUED: &str = "queued";
/// Whether the answer was kept: `hit`, `miss`, or `partial` for a list of strings to embed.
pub const CACHE: &str = "cache";
/// What the answer is kept under.
pub const CACHE_KEY: &str = "cache_key";
/// How old a kept answer is, in seconds.
pub const CACHE_AGE: &str = "cache_age";
