#![doc = include_str!("../README.md")]

pub use builder::SageMakerBuilder;
pub use call::{caller::CallerParameters, derived_ids::CallerIdentity, later::AsyncObjects};
pub use client::SageMaker;
pub use invoke_async::{AsyncInput, AsyncInvocation, AsyncReceipt};
pub use request::headers::InvocationHeaders;
pub use sagewire_dialects::{
    ChatDialect, DetailsPolicy, EmbeddingDialect, ParameterPolicy, RerankDialect, TranscriptionDialect,
};
pub use settings::{Settings, Timeouts, id_source::IdSource, parameters};
pub use template::{ChosenTemplate, TemplateChoice, TemplateSource, TemplateWarning, chosen_template};
pub use transport::{Body, ConnectTimeout, ReqwestTransport, Transport, TransportError, TransportErrorKind};

mod builder;
mod call;
mod checks;
mod client;
mod curl;
mod invoke_async;
mod preflight;
mod prompt;
mod reply;
mod request;
mod settings;
mod stream;
mod template;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;
mod transport;
