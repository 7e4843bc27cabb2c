//! Why a request could not be signed, each with what to do about it.
//!
//! No variant holds a secret, a token, a header's value or a body: all of them may be logged.

/// Why a request could not be signed. The request is then as it was before the call.
///
/// Everything here is the caller's to mend; trying the same again gives the same error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SigningError {
    /// The access key id is empty, or holds what a credential scope cannot: space, control character, comma, slash or non-ASCII.
    #[error(
        "the access key id is empty or holds a space, a line end, a comma, a slash or a non-ASCII character: \
         pass the id alone, as in AKIAIOSFODNN7EXAMPLE"
    )]
    AccessKeyId,
    /// The secret access key is empty, or starts or ends with white space.
    #[error(
        "the secret access key is empty, or begins or ends with white space (a line end is easily copied along): \
         pass the 40 characters alone"
    )]
    SecretAccessKey,
    /// The session token holds white space, a control character or a non-ASCII character.
    #[error(
        "the session token holds white space, a control character or a non-ASCII character: \
         pass the token as it was issued, on one line"
    )]
    SessionToken,
    /// The region is empty, or holds what a credential scope cannot.
    #[error("the region is empty or not one word: pass its code, as in us-east-1")]
    Region,
    /// The service's signing name is empty, or holds what a credential scope cannot.
    #[error("the service is empty or not one word: pass its signing name, as in sagemaker")]
    Service,
    /// The time lies before 1970 or after 9999.
    #[error("the signing time is before 1970 or after 9999: check the clock that gave it")]
    Time,
    /// A presigned URL's lifetime is shorter than a second or longer than seven days.
    #[error("a presigned URL may live from 1 second to 604800 seconds (7 days), and {seconds} were asked for")]
    ExpiresIn {
        /// The whole seconds that were asked for.
        seconds: u64,
    },
    /// A [`Payload::Sha256Hex`](crate::Payload::Sha256Hex) is not 64 lower-case hexadecimal digits.
    #[error("the payload's hash is not a SHA-256: pass that of the body, as 64 lower-case hexadecimal digits")]
    PayloadHash,
    /// Neither the URI nor a `Host` header names the host.
    #[error("the request names no host: give it an absolute URI (https://...) or one Host header")]
    HostMissing,
    /// There is more than one `Host` header.
    #[error("the request has several Host headers: keep the one that will be sent")]
    HostRepeated,
    /// A header that must be signed has a value that is not UTF-8, which no AWS service can verify.
    #[error("the header {name} is not valid UTF-8, so its signature could not be verified: encode the value first")]
    HeaderEncoding {
        /// The header's name, in lower case.
        name: String,
    },
    /// The request has too many header fields.
    #[error("the request has {count} header fields, and at most {limit} can be signed: send fewer")]
    TooManyHeaders {
        /// How many fields there are.
        count: usize,
        /// How many may be there.
        limit: usize,
    },
    /// The presigned URI could not be built. A URI of the `http` crate holds at most 65,534 bytes.
    #[error(
        "the presigned URI could not be built: use an absolute URI (https://...), and shorten its path or query if the whole \
         would be longer than 65534 bytes"
    )]
    PresignedUri {
        /// What the `http` crate said.
        #[source]
        source: http::Error,
    },
}
