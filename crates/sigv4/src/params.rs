//! What a caller passes in: credentials, scope, time, payload, and the settings by which services
//! differ.
//!
//! Owns the public input types and the table of headers left unsigned. Checking the values is
//! `input`'s.

use std::{fmt, time::SystemTime};

/// Who signs, for which service and region, and when.
///
/// `Debug` shows neither the secret nor the session token.
///
/// ```
/// use std::time::SystemTime;
/// use sagewire_sigv4::{SigningParams, SigningSettings};
///
/// let params = SigningParams {
///     access_key_id: "AKIDEXAMPLE",
///     secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
///     session_token: None,
///     region: "us-east-1",
///     service: "sagemaker",
///     time: SystemTime::now(),
///     settings: SigningSettings::default(),
/// };
/// assert!(!format!("{params:?}").contains("wJalr"));
/// ```
#[derive(Clone)]
pub struct SigningParams<'a> {
    /// The access key id, such as `AKIAIOSFODNN7EXAMPLE`. It is sent in clear.
    pub access_key_id: &'a str,
    /// The secret access key that belongs to it. It is never sent.
    pub secret_access_key: &'a str,
    /// The session token of temporary credentials. An empty one counts as none.
    pub session_token: Option<&'a str>,
    /// The region's code, such as `us-east-1`.
    pub region: &'a str,
    /// The service's signing name, such as `sagemaker` or `sts`.
    pub service: &'a str,
    /// The time of signing. AWS refuses what is more than five minutes (some services: fifteen)
    /// away from its own clock.
    pub time: SystemTime,
    /// What differs from service to service.
    pub settings: SigningSettings,
}

impl fmt::Debug for SigningParams<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningParams")
            .field("access_key_id", &self.access_key_id)
            .field("secret_access_key", &"[redacted]")
            .field("session_token", &self.session_token.map(|_| "[redacted]"))
            .field("region", &self.region)
            .field("service", &self.service)
            .field("time", &self.time)
            .field("settings", &self.settings)
            .finish()
    }
}

/// The body, as far as the signature is concerned.
///
/// `Debug` shows the length of a body, never its content.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Payload<'a> {
    /// The whole body: exactly the bytes that will be sent.
    Bytes(&'a [u8]),
    /// The SHA-256 of the body, computed beforehand: 64 lower-case hexadecimal digits.
    Sha256Hex(&'a str),
    /// `UNSIGNED-PAYLOAD`: the body is not covered. Few services accept it (S3 does, over TLS and
    /// with [`sign_body_header`](SigningSettings::sign_body_header)); SageMaker does not.
    Unsigned,
}

impl fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(body) => write!(f, "Bytes({} bytes)", body.len()),
            Self::Sha256Hex(hash) => f.debug_tuple("Sha256Hex").field(hash).finish(),
            Self::Unsigned => f.write_str("Unsigned"),
        }
    }
}

/// Whether the session token is part of what is signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionTokenMode {
    /// Signed like any `x-amz-*` header or query parameter: what nearly every service wants.
    #[default]
    Signed,
    /// Added after the signature was made, and not covered by it: AWS IoT's WebSocket endpoint, for
    /// one, wants this.
    Appended,
}

/// By what the signing rules of services differ. The default is right for every service but S3.
///
/// ```
/// use sagewire_sigv4::SigningSettings;
///
/// let settings = SigningSettings::default().with_sign_body_header(true);
/// assert!(settings.double_encode_path && settings.normalize_path);
/// ```
///
/// See [AWS: create a canonical
/// request](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#create-canonical-request).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SigningSettings {
    /// Percent-encode the (already encoded) path once more in the canonical request. True for every
    /// service but S3. When false the path is taken as it is: encode everything but `A-Z a-z 0-9 -
    /// . _ ~ /` in it yourself.
    pub double_encode_path: bool,
    /// Remove `.`, `..` and empty segments from the path in the canonical request. True for every
    /// service but S3. The path that is sent stays as it is.
    pub normalize_path: bool,
    /// Add (and sign) `x-amz-content-sha256`. S3 demands it; presigning never adds it.
    pub sign_body_header: bool,
    /// Whether the session token is signed, or appended after signing.
    pub session_token: SessionTokenMode,
    /// Names, in lower case, of headers that are sent but not signed. `host` and every `x-amz-*`
    /// header are signed whatever this list says, because AWS demands it.
    pub unsigned_headers: &'static [&'static str],
}

impl SigningSettings {
    /// What S3 wants: the path once encoded and as it is, and `x-amz-content-sha256`.
    #[must_use]
    pub const fn s3() -> Self {
        Self { double_encode_path: false, normalize_path: false, sign_body_header: true, ..Self::DEFAULT }
    }

    /// Sets [`double_encode_path`](Self::double_encode_path).
    #[must_use]
    pub const fn with_double_encode_path(mut self, yes: bool) -> Self {
        self.double_encode_path = yes;
        self
    }

    /// Sets [`normalize_path`](Self::normalize_path).
    #[must_use]
    pub const fn with_normalize_path(mut self, yes: bool) -> Self {
        self.normalize_path = yes;
        self
    }

    /// Sets [`sign_body_header`](Self::sign_body_header).
    #[must_use]
    pub const fn with_sign_body_header(mut self, yes: bool) -> Self {
        self.sign_body_header = yes;
        self
    }

    /// Sets [`session_token`](Self::session_token).
    #[must_use]
    pub const fn with_session_token(mut self, mode: SessionTokenMode) -> Self {
        self.session_token = mode;
        self
    }

    /// Sets [`unsigned_headers`](Self::unsigned_headers).
    #[must_use]
    pub const fn with_unsigned_headers(mut self, names: &'static [&'static str]) -> Self {
        self.unsigned_headers = names;
        self
    }

    const DEFAULT: Self = Self {
        double_encode_path: true,
        normalize_path: true,
        sign_body_header: false,
        session_token: SessionTokenMode::Signed,
        unsigned_headers: UNSIGNED_HEADERS,
    };
}

impl Default for SigningSettings {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The headers that are sent but not signed by default, because something between here and AWS may
/// change them.
///
/// | headers | who changes them |
/// |---|---|
/// | `authorization` | the signature itself goes there |
/// | `connection`, `keep-alive`, `proxy-authorization`, `proxy-connection`, `te`, `trailer`, `transfer-encoding`, `upgrade` | belong to one hop ([RFC 9110, 7.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1)), and no proxy passes them on |
/// | `expect`, `accept-encoding`, `user-agent` | HTTP clients and proxies add, answer or rewrite them |
/// | `forwarded`, `via`, `x-forwarded-for`, `x-forwarded-host`, `x-forwarded-port`, `x-forwarded-proto` | every proxy adds its own part |
/// | `traceparent`, `tracestate`, `x-amzn-trace-id` | service meshes and load balancers write their own span |
///
/// Every other header of the request is signed. `content-length` is signed when the request holds
/// it at the time of signing, as AWS's test suite wants; an HTTP client that adds it later sends it
/// unsigned, which AWS accepts.
pub const UNSIGNED_HEADERS: &[&str] = &[
    "accept-encoding",
    "authorization",
    "connection",
    "expect",
    "forwarded",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-amzn-trace-id",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
];
