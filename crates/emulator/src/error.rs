//! Why an emulator could not be started.
//!
//! What a running emulator answers to its clients is [`AwsError`](crate::AwsError), not this.

use std::{io, net::SocketAddr};

/// Why [`EmulatorBuilder::start`](crate::EmulatorBuilder::start) failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmulatorError {
    /// The port is taken, or may not be bound.
    #[error("cannot listen on {address}: choose another port, or 0 for any free one")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// SageMaker would not allow an endpoint of this name.
    #[error(
        "`{name}` cannot be an endpoint's name: use 1 to 63 letters, digits and hyphens, with a letter or digit at both ends"
    )]
    EndpointName {
        /// The name given.
        name: String,
    },
    /// The address of a container to forward to is not an `http://` URL.
    #[error("the container behind endpoint `{endpoint}` needs an address such as http://127.0.0.1:8080")]
    ContainerUrl {
        /// The endpoint that should forward.
        endpoint: String,
        /// What is wrong with the address.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No built-in container has this name.
    #[error("unknown container `{container}` of the endpoint `{endpoint}`; expected one of {expected}")]
    UnknownContainer {
        /// The endpoint.
        endpoint: String,
        /// The name given.
        container: String,
        /// The names that there are.
        expected: &'static str,
    },
    /// Whoever reaches the address could use the control port.
    #[cfg(feature = "faults")]
    #[error("the control port needs a token on {host}: give one, or listen on 127.0.0.1")]
    OpenControl {
        /// The address asked for.
        host: std::net::IpAddr,
    },
    /// No client can sign with a key.
    #[error("{why}")]
    Key {
        /// What is wrong with it, without a secret.
        why: String,
    },
    /// A key is given twice, or is the example key.
    #[error("duplicate access key `{access_key_id}`: give each key once")]
    DuplicateKey {
        /// The access key id.
        access_key_id: String,
    },
    /// An inference component of an endpoint that does not exist, or with a name that SageMaker
    /// would not allow.
    #[error(
        "invalid inference component `{endpoint}/{name}`: expected the name of an endpoint, and 1 to 63 letters, digits and hyphens"
    )]
    Component {
        /// The endpoint.
        endpoint: String,
        /// The component.
        name: String,
    },
    /// The outcomes of asynchronous calls cannot be put there.
    #[error("invalid place `{location}` of asynchronous outcomes: expected `s3://bucket/prefix`")]
    AsyncOutput {
        /// The place.
        location: String,
    },
    /// The shares of the faults of a schedule exceed 1 together.
    #[cfg(feature = "faults")]
    #[error("{why}")]
    Rates {
        /// What they are together.
        why: String,
    },
    /// A token that no client can send.
    #[cfg(feature = "faults")]
    #[error("the token of the control port is empty or cannot be sent in a header")]
    ControlToken,
    /// Two endpoints have the same name.
    #[error("endpoint `{name}` is defined twice: give each container its own name")]
    DuplicateEndpoint {
        /// The name given twice.
        name: String,
    },
}
