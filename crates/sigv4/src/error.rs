//! The errors of signing, each with what to do about it.
//!
//! No variant contains a secret, a token, a header's value or a body, so all of them may be logged.

/// An error of signing a request, which is unchanged then.
///
/// The caller has to correct the input; a retry gives the same error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SigningError {
    /// The access key id is empty or contains a character that a credential scope cannot contain: a
    /// space, a control character, a comma, a slash or a character outside ASCII.
    #[error(
        "invalid access key id: it is empty or contains a space, a line break, a comma, a slash or a non-ASCII character; \
         pass only the id, as in AKIAIOSFODNN7EXAMPLE"
    )]
    AccessKeyId,
    /// The secret access key is empty, or begins or ends with white space.
    #[error(
        "invalid secret access key: it is empty, or begins or ends with white space (a line break is easily copied with \
         it); pass only the 40 characters"
    )]
    SecretAccessKey,
    /// The session token contains white space, a control character or a non-ASCII character.
    #[error(
        "invalid session token: it contains white space, a control character or a non-ASCII character; \
         pass the token as it was issued, on one line"
    )]
    SessionToken,
    /// The region is empty or contains a character that a credential scope cannot contain.
    #[error("invalid region: it is empty or not one word; pass its code, as in us-east-1")]
    Region,
    /// The service's signing name is empty or contains a character that a credential scope cannot
    /// contain.
    #[error("invalid service: it is empty or not one word; pass its signing name, as in sagemaker")]
    Service,
    /// The time is before 1970 or after 9999.
    #[error("invalid signing time: it is before 1970 or after 9999; check the clock")]
    Time,
    /// The lifetime of a presigned URL is shorter than a second or longer than seven days.
    #[error("invalid lifetime of a presigned URL: expected 1 to 604800 seconds (7 days), got {seconds}")]
    ExpiresIn {
        /// The requested lifetime in whole seconds.
        seconds: u64,
    },
    /// A [`Payload::Sha256Hex`](crate::Payload::Sha256Hex) is not 64 lower-case hexadecimal digits.
    #[error("invalid payload hash: expected the SHA-256 of the body as 64 lower-case hexadecimal digits")]
    PayloadHash,
    /// Neither the URI nor a `Host` header names the host.
    #[error("missing host: use an absolute URI (https://...) or add a `Host` header")]
    HostMissing,
    /// There is more than one `Host` header.
    #[error("duplicate `Host` header; keep the one that will be sent")]
    HostRepeated,
    /// A header that must be signed has a value that is not UTF-8, which no AWS service can verify.
    #[error("invalid UTF-8 in the header `{name}`, whose signature could not be verified; encode the value first")]
    HeaderEncoding {
        /// The header's name, in lower case.
        name: String,
    },
    /// The request has too many header fields.
    #[error("too many header fields: the request has {count}, and at most {limit} can be signed; send fewer")]
    TooManyHeaders {
        /// The number of fields of the request.
        count: usize,
        /// The largest number that can be signed.
        limit: usize,
    },
    /// The presigned URI cannot be built. A URI of the `http` crate has at most 65,534 bytes.
    #[error(
        "cannot build the presigned URI; use an absolute URI (https://...), and shorten its path or query if the whole \
         would be longer than 65534 bytes"
    )]
    PresignedUri {
        /// The error of the `http` crate.
        #[source]
        source: http::Error,
    },
}
