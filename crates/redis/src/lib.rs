#![doc = include_str!("../README.md")]

pub use cache::RedisCache;
pub use ledger::RedisLedger;
pub use redis::{Health, Redis};
pub use responses::RedisResponses;
pub use settings::{RedisSettings, SettingsError};
pub use state::RedisState;

mod cache;
mod clock;
mod connection;
mod counted;
mod keys;
mod ledger;
mod outbox;
mod redis;
mod responses;
mod settings;
mod state;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;
