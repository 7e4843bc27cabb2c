//! The sources, one file each. Each can be used alone; the chain orders them.

mod environment;
mod static_keys;

pub use environment::EnvironmentCredentials;
pub use static_keys::StaticCredentials;
