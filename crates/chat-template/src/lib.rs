#![doc = include_str!("../README.md")]

pub use conversation::{Conversation, ConversationError};
pub use error::TemplateError;
pub use limits::{KeepGoing, Limit, Limits};
pub use request::PromptParameters;
pub use roles::{RoleAffixes, RoleTemplate};
pub use special_tokens::SpecialTokens;
pub use template::ChatTemplate;
pub use thoughts::open_thought;
pub use tokenizer_config::{ConfigError, TemplateFiles};
pub use tool_calls::ToolCallForm;

pub mod catalog;
pub mod model_files;

mod adapt;
mod attempts;
mod continuation;
mod conversation;
mod error;
mod habits;
mod jinja;
mod limits;
mod python;
mod request;
mod roles;
mod special_tokens;
mod template;
mod thoughts;
mod tokenizer_config;
mod tool_calls;
mod variables;
