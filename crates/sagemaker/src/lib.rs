#![doc = include_str!("../README.md")]

pub use builder::SageMakerBuilder;
pub use caller::CallerParameters;
pub use headers::InvocationHeaders;
pub use invoke_async::{AsyncInput, AsyncInvocation, AsyncReceipt};
pub use provider::SageMaker;
pub use sagewire_dialects::{DetailsPolicy, ParameterPolicy};
pub use settings::{Settings, Timeouts, parameters};
pub use template::{TemplateChoice, TemplateSource};
pub use transport::{Body, ConnectTimeout, ReqwestTransport, Transport, TransportError, TransportErrorKind};

mod attempt;
mod attributes;
mod builder;
mod caller;
mod capacity;
mod checks;
mod clock;
mod details;
mod embedding_batches;
mod fake_stream;
mod frames;
mod headers;
mod invoke_async;
mod limits;
mod meta;
mod pieces;
mod prepared;
mod prompt;
mod provider;
mod reading;
mod request;
mod response;
mod retry;
mod route;
mod scrub;
mod secrets;
mod settings;
mod target;
mod template;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;
mod transport;
mod usage;
mod wire;
