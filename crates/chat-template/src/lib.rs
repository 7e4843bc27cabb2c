//! Chat messages to prompt text, as Hugging Face's `transformers` renders it.
//!
//! Text endpoints (TGI's `generate`, LMI, JumpStart) take one string. This crate turns a conversation in OpenAI's
//! message format into the string the model was trained on, with the model's own Jinja chat template, a template of the
//! built-in catalog, or affixes per role. It does no I/O: files are handed in as bytes, the clock as a function.
//!
//! ```
//! use sagewire_chat_template::{ChatTemplate, Conversation, SpecialTokens};
//!
//! let source = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{{ eos_token }}{% endfor %}<|assistant|>";
//! let template = ChatTemplate::from_jinja(source, SpecialTokens::new().with("eos_token", "</s>"))?;
//! let messages = [serde_json::json!({"role": "user", "content": "Hi"})];
//! let prompt = template.render(&Conversation::new(&messages), &|| std::time::UNIX_EPOCH)?;
//! assert_eq!(prompt, "<|user|>Hi</s><|assistant|>");
//! # Ok::<(), sagewire_chat_template::TemplateError>(())
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
