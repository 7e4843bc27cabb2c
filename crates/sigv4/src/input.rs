//! The caller's input, checked once: nothing past this point can be malformed.
//!
//! Owns the checks, the credential scope, the host and the payload's hash.

use std::borrow::Cow;

use http::{Uri, header, request::Parts, uri::Scheme};
use sha2::{Digest, Sha256};

use crate::{Payload, SessionTokenMode, SigningError, SigningParams, SigningSettings, date::SigningTime, hex::Hex};

/// More fields than any AWS service accepts, and few enough for `http`'s map to take ours in too.
pub(crate) const MAX_HEADER_FIELDS: usize = 4096;

const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// Who signs for what, and when: all that a signing key depends on.
pub(crate) struct Scope<'a> {
    pub(crate) access_key_id: &'a str,
    pub(crate) secret_access_key: &'a str,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
    pub(crate) time: SigningTime,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(params: &SigningParams<'a>) -> Result<Self, SigningError> {
        let secret = params.secret_access_key;
        if secret.is_empty() || secret.trim().len() != secret.len() {
            return Err(SigningError::SecretAccessKey);
        }
        Ok(Self {
            access_key_id: scope_part(params.access_key_id).ok_or(SigningError::AccessKeyId)?,
            secret_access_key: secret,
            region: scope_part(params.region).ok_or(SigningError::Region)?,
            service: scope_part(params.service).ok_or(SigningError::Service)?,
            time: SigningTime::new(params.time)?,
        })
    }

    /// Appends the credential scope, `20150830/us-east-1/sagemaker/aws4_request`, with `slash` for
    /// its slashes.
    pub(crate) fn write(&self, out: &mut String, slash: &str) {
        for part in [self.time.date(), slash, self.region, slash, self.service, slash, "aws4_request"] {
            out.push_str(part);
        }
    }
}

/// A part of a credential scope or credential: what separates them cannot be in it.
fn scope_part(text: &str) -> Option<&str> {
    let fits = is_visible_ascii(text) && !text.contains(['/', ',']);
    (fits && !text.is_empty()).then_some(text)
}

/// No white space, no control characters, ASCII only. Looks at every byte, which is faster than
/// stopping at the first bad one.
fn is_visible_ascii(text: &str) -> bool {
    text.bytes().fold(true, |good, byte| good & byte.is_ascii_graphic())
}

/// Everything that either way of signing needs, besides the request itself.
pub(crate) struct Input<'a> {
    pub(crate) scope: Scope<'a>,
    pub(crate) settings: SigningSettings,
    token: Option<&'a str>,
    /// `None` when the request has a `Host` header.
    host: Option<Cow<'a, str>>,
    payload_hash: PayloadHash<'a>,
}

impl<'a> Input<'a> {
    pub(crate) fn new(head: &'a Parts, body: Payload<'a>, params: &SigningParams<'a>) -> Result<Self, SigningError> {
        let scope = Scope::new(params)?;
        let token = params.session_token.filter(|token| !token.is_empty());
        if !token.is_none_or(is_visible_ascii) {
            return Err(SigningError::SessionToken);
        }
        let count = head.headers.len();
        if count > MAX_HEADER_FIELDS {
            return Err(SigningError::TooManyHeaders { count, limit: MAX_HEADER_FIELDS });
        }
        let host = host(head)?;
        let payload_hash = PayloadHash::new(body)?;
        Ok(Self { scope, settings: params.settings, token, host, payload_hash })
    }

    /// The session token, when there is one that is not empty.
    pub(crate) fn token(&self) -> Option<&'a str> {
        self.token
    }

    /// The session token, when there is one to be signed.
    pub(crate) fn signed_token(&self) -> Option<&'a str> {
        self.token.filter(|_| self.settings.session_token == SessionTokenMode::Signed)
    }

    /// The session token, when there is one to be appended after signing.
    pub(crate) fn appended_token(&self) -> Option<&'a str> {
        self.token.filter(|_| self.settings.session_token == SessionTokenMode::Appended)
    }

    /// The host to sign, unless the request has a `Host` header.
    pub(crate) fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    pub(crate) fn payload_hash(&self) -> &str {
        match &self.payload_hash {
            PayloadHash::Computed(hex) => hex.as_str(),
            PayloadHash::Given(text) => text,
        }
    }
}

enum PayloadHash<'a> {
    Computed(Hex),
    Given(&'a str),
}

impl<'a> PayloadHash<'a> {
    fn new(body: Payload<'a>) -> Result<Self, SigningError> {
        match body {
            Payload::Bytes(bytes) => Ok(Self::Computed(Hex::new(&Sha256::digest(bytes).into()))),
            Payload::Sha256Hex(hash) => {
                let good = hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
                if good { Ok(Self::Given(hash)) } else { Err(SigningError::PayloadHash) }
            }
            Payload::Unsigned => Ok(Self::Given(UNSIGNED_PAYLOAD)),
        }
    }
}

/// What an HTTP client will send as `Host` for this URI: with the port, unless it is the scheme's
/// own.
fn host(head: &Parts) -> Result<Option<Cow<'_, str>>, SigningError> {
    let mut given = head.headers.get_all(header::HOST).iter();
    match (given.next(), given.next()) {
        (Some(_), Some(_)) => return Err(SigningError::HostRepeated),
        (Some(host), None) if host.as_bytes().trim_ascii().is_empty() => return Err(SigningError::HostMissing),
        (Some(_), None) => return Ok(None),
        (None, _) => {}
    }
    let uri = &head.uri;
    let host = uri.host().filter(|host| !host.is_empty()).ok_or(SigningError::HostMissing)?;
    let default_port = match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTPS => Some(443),
        Some(scheme) if *scheme == Scheme::HTTP => Some(80),
        _ => None,
    };
    Ok(Some(match uri.port_u16() {
        Some(port) if Some(port) != default_port => with_port(uri, host, port),
        _ => Cow::Borrowed(host),
    }))
}

/// `host:port`, as the URI has it where it writes the port as everyone does.
fn with_port<'a>(uri: &'a Uri, host: &'a str, port: u16) -> Cow<'a, str> {
    let written = uri.authority().map(|authority| authority.as_str());
    let written = written.map(|text| text.rsplit_once('@').map_or(text, |(_, behind)| behind));
    let is_usual = uri.port().is_some_and(|port| port.as_str().starts_with(|first| matches!(first, '1'..='9')));
    match written {
        Some(text) if is_usual && text.starts_with(host) => Cow::Borrowed(text),
        _ => Cow::Owned(format!("{host}:{port}")),
    }
}
