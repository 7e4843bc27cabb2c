//! A stand-in for Amazon SageMaker Runtime and the services that hand out credentials, for tests and demonstrations without an AWS
//! account.
//!
//! It listens on 127.0.0.1, speaks real HTTP, checks every signature with the official `aws-sigv4` crate, and answers as SageMaker does:
//! the three `InvokeEndpoint` operations, event streams whose parts are cut at awkward places, and AWS's own errors. Behind its
//! endpoints are emulated containers ([`Tgi`], [`Messages`], [`Embedding`]), your own ([`Container`]), or a model server reached over HTTP
//! ([`EmulatorBuilder::forward`]). A test may script any answer ([`Scripted`]) and look at what was asked ([`Received`]).
//!
//! On the same port it is STS, the instance metadata service, the container credentials endpoint, and IAM Identity Center's portal and
//! OIDC: what they issue ([`IssuedSession`]), SageMaker Runtime accepts. See [`Role`], [`InstanceMetadata`], [`ContainerCredentials`] and
//! [`Sso`].
//!
//! It shares no code with sagewire's client: a fault in one cannot hide in the other.
//!
//! ```
//! use std::time::SystemTime;
//! use aws_credential_types::Credentials;
//! use aws_sigv4::{http_request::{sign, SignableBody, SignableRequest, SigningSettings}, sign::v4};
//! use sagewire_emulator::{Emulator, EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY};
//! use tokio::{io::{AsyncReadExt, AsyncWriteExt}, net::TcpStream};
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let emulator = Emulator::start().await?;
//!
//!     // Any client will do: here the request is signed and written by hand.
//!     let (path, body) = ("/endpoints/tgi/invocations", r#"{"inputs": "What is a llama?"}"#);
//!     let host = emulator.addr().to_string();
//!     let identity = Credentials::new(EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY, None, None, "example").into();
//!     let parameters = v4::SigningParams::builder()
//!         .identity(&identity).region("us-east-1").name("sagemaker").time(SystemTime::now()).settings(SigningSettings::default())
//!         .build()?.into();
//!     let request = SignableRequest::new("POST", emulator.url() + path, std::iter::empty(), SignableBody::Bytes(body.as_bytes()))?;
//!     let (signed, _) = sign(request, &parameters)?.into_parts();
//!
//!     let mut message = format!("POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
//!     for (name, value) in signed.headers() {
//!         message += &format!("{name}: {value}\r\n");
//!     }
//!     let mut stream = TcpStream::connect(&host).await?;
//!     stream.write_all(format!("{message}\r\n{body}").as_bytes()).await?;
//!     let mut answer = String::new();
//!     stream.read_to_string(&mut answer).await?;
//!
//!     assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("generated_text"), "{answer}");
//!     assert!(emulator.received()[0].accepted);
//!     Ok(())
//! }
//! ```

mod aws_error;
mod body;
mod builder;
mod clock;
mod constraints;
mod container;
mod emulator;
mod error;
mod form;
mod frame;
mod identity;
mod keys;
mod operation;
mod received;
mod route;
mod runtime;
mod scripted;
mod server;
mod signature;
mod socket;
mod state;
mod xml;

pub use self::{
    aws_error::AwsError,
    builder::EmulatorBuilder,
    clock::Clock,
    container::{Container, ContainerReply, Embedding, Invocation, Messages, PartError, PartStream, ReplyBody, Tgi},
    emulator::Emulator,
    error::EmulatorError,
    frame::{Frame, FrameValue},
    identity::{ContainerCredentials, InstanceMetadata, IssuedSession, Role, Sso},
    keys::{EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY},
    operation::Operation,
    received::Received,
    scripted::{Scripted, StreamEvent},
};
