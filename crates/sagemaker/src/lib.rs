//! Models on Amazon SageMaker endpoints, behind sagewire's OpenAI-shaped [`Provider`](sagewire_types::Provider) trait.
//!
//! Owns the whole way of a call: the dialect that a container speaks, the request and its signature, tries and time limits, real
//! streams, and errors that say what to do. It knows no router and no proxy.
//!
//! ```no_run
//! use sagewire_sagemaker::SageMaker;
//! use sagewire_types::{CallContext, ChatRequest, Message, Provider};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let sagemaker = SageMaker::from_env()?;
//! let request = ChatRequest::new("sagemaker/my-endpoint", [Message::user("Hello, how are you?")]).with_max_tokens(80);
//! let reply = sagemaker.chat(request, &CallContext::new()).await?;
//! println!("{} (request {:?})", reply.value.content(), reply.meta.request_id);
//! # Ok(())
//! # }
//! ```

pub use builder::SageMakerBuilder;
pub use headers::InvocationHeaders;
pub use invoke_async::{AsyncInput, AsyncInvocation, AsyncReceipt};
pub use parameters::{DetailsPolicy, ParameterPolicy};
pub use provider::SageMaker;
pub use settings::{Settings, Timeouts};
pub use template::{TemplateChoice, TemplateSource};
pub use transport::{Body, ConnectTimeout, ReqwestTransport, Transport, TransportError, TransportErrorKind};

mod attempt;
mod builder;
mod capacity;
mod checks;
mod defaults;
mod details;
mod dialect;
mod embedding;
mod failure;
mod fake_stream;
#[cfg(test)]
mod fixture;
mod frames;
mod framing;
mod headers;
mod invoke_async;
mod litellm;
mod meta;
mod parameters;
mod prepared;
mod prompt;
mod provider;
mod reading;
mod request;
mod response;
mod retry;
mod route;
mod scrub;
mod settings;
mod stop;
mod target;
mod template;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;
mod transport;
mod usage;
mod wire;
