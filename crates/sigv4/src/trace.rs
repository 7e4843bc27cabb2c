//! [`SigningTrace`]: the stages of one signature, for finding out why AWS refuses it.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::{
    canonical::{self, CanonicalRequest, Form},
    hex::Hex,
    input::Scope,
};

/// What was signed, stage by stage, as [`Signer::explain`](crate::Signer::explain) returns it.
///
/// When a signature does not match, many AWS services answer with the canonical request and the
/// string to sign that *they* made. The first line that differs from these is the cause; where none
/// does, the secret access key is not the right one.
///
/// `Display` and `Debug` show the canonical request with session token, cookies and sensitive
/// headers redacted, and no signature: they may be logged. The methods give the exact texts, which
/// may hold the session token: they may not.
#[derive(Clone)]
pub struct SigningTrace {
    canonical_request: String,
    redacted: String,
    string_to_sign: String,
    signature: String,
}

impl SigningTrace {
    pub(crate) fn new(canonical: &CanonicalRequest<'_>, scope: &Scope<'_>, signature: &Hex) -> Self {
        let (mut canonical_request, mut redacted, mut string_to_sign) = (String::new(), String::new(), String::new());
        canonical.write(&mut canonical_request, Form::Exact);
        canonical.write(&mut redacted, Form::Redacted);
        let hash = Hex::new(&Sha256::digest(&canonical_request).into());
        canonical::write_string_to_sign(&mut string_to_sign, scope, &hash);
        Self { canonical_request, redacted, string_to_sign, signature: signature.as_str().to_owned() }
    }

    /// The canonical request, exactly. It may hold the session token.
    #[must_use]
    pub fn canonical_request(&self) -> &str {
        &self.canonical_request
    }

    /// The string to sign: algorithm, time, credential scope and the canonical request's hash, a
    /// line each.
    #[must_use]
    pub fn string_to_sign(&self) -> &str {
        &self.string_to_sign
    }

    /// The signature, 64 hexadecimal digits.
    #[must_use]
    pub fn signature(&self) -> &str {
        &self.signature
    }
}

impl fmt::Display for SigningTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "canonical request:\n{}\n\nstring to sign:\n{}", self.redacted, self.string_to_sign)
    }
}

impl fmt::Debug for SigningTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningTrace")
            .field("canonical_request", &self.redacted)
            .field("string_to_sign", &self.string_to_sign)
            .finish_non_exhaustive()
    }
}
