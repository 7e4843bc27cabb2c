//! The vocabulary of sagewire: what a caller asks, what a provider answers, and how either fails.
//!
//! Owns the OpenAI-shaped data types, the one [`ModelId`] form and no I/O whatsoever.

pub use model_id::{ModelId, ModelIdError};

mod model_id;
