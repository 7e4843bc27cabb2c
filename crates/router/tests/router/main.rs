//! What callers of a router can rely on, seen from outside: over scripted providers, on a paused
//! clock.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop at the first surprise")]

mod balancing;
mod building;
mod cooldowns;
mod deadlines;
mod explanations;
mod fallbacks;
mod limits;
mod policies;
mod property;
mod reloading;
mod retries;
mod scripted;
mod state;
mod streams;
mod suite;
