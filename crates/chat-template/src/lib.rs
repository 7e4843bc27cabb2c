//! Chat messages to prompt text, as Hugging Face's `transformers` renders it.
//!
//! Text endpoints (TGI's `generate`, LMI, JumpStart) take one string. This crate turns a conversation in OpenAI's
//! message format into the string the model was trained on, with the model's own Jinja chat template, a template of the
//! built-in [`catalog`], or affixes per role. It does no I/O: files are handed in as bytes, the clock as a function.
//!
//! ```
//! use sagewire_chat_template::{Conversation, catalog};
//!
//! let messages = [
//!     serde_json::json!({"role": "system", "content": "Be brief."}),
//!     serde_json::json!({"role": "user", "content": "Hi"}),
//! ];
//! let family = catalog::by_model("Qwen/Qwen2.5-7B-Instruct").ok_or("an unknown model")?;
//! let prompt = family.template().render(&Conversation::new(&messages), &|| std::time::UNIX_EPOCH)?;
//! assert_eq!(
//!     prompt,
//!     "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A template is untrusted input: it runs within [`Limits`] and reaches no file, environment variable or network.

pub use conversation::{Conversation, ConversationError};
pub use error::TemplateError;
pub use limits::{Limit, Limits};
pub use roles::{RoleAffixes, RoleTemplate};
pub use special_tokens::SpecialTokens;
pub use template::ChatTemplate;
pub use tokenizer_config::ConfigError;

pub mod catalog;
pub mod model_files;

mod adapt;
mod continuation;
mod conversation;
mod error;
mod jinja;
mod limits;
mod python;
mod roles;
mod special_tokens;
mod template;
mod tokenizer_config;
mod variables;
