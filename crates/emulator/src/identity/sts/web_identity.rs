//! What a web identity token says about its bearer.
//!
//! Owns the reading of a JWT's claims. Its signature is not checked: the emulator knows no identity
//! provider. A token that is not a JWT is taken for one that says nothing.

use std::time::SystemTime;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    aws_error::AwsError,
    clock::{iso8601, unix_seconds},
};

/// The claims that STS repeats, and the one it checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WebIdentity {
    pub(super) subject: String,
    pub(super) audience: String,
    pub(super) issuer: String,
    /// Seconds since 1970.
    expires: Option<i64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Claims {
    sub: Option<String>,
    aud: Value,
    iss: Option<String>,
    exp: Option<i64>,
}

impl WebIdentity {
    pub(super) fn read(token: &str) -> Self {
        let claims: Claims = token
            .split('.')
            .nth(1)
            .and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok())
            .and_then(|payload| serde_json::from_slice(&payload).ok())
            .unwrap_or_default();
        let audience = claims.aud.as_str().or_else(|| claims.aud.get(0)?.as_str()).unwrap_or("sts.amazonaws.com");
        Self {
            subject: claims.sub.unwrap_or_else(|| "emulated-subject".to_owned()),
            audience: audience.to_owned(),
            issuer: claims.iss.unwrap_or_else(|| "https://oidc.emulator".to_owned()),
            expires: claims.exp,
        }
    }

    /// A token's end is its last moment.
    pub(super) fn check_expiry(&self, now: SystemTime) -> Result<(), AwsError> {
        match self.expires {
            Some(end) if end < unix_seconds(now) => Err(AwsError::modelled(
                "ExpiredTokenException",
                400,
                format!(
                    "Token expired: current date/time {} must be before the expiration date/time {end}",
                    iso8601(now)
                ),
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn claims_are_read_where_there_are_any() {
        let read = WebIdentity::read(&token(r#"{"sub": "pod", "aud": ["a", "b"], "iss": "https://i", "exp": 100}"#));
        assert_eq!((read.subject.as_str(), read.audience.as_str(), read.issuer.as_str()), ("pod", "a", "https://i"));
        assert!(read.check_expiry(UNIX_EPOCH + Duration::from_secs(100)).is_ok());
        let error = read.check_expiry(UNIX_EPOCH + Duration::from_secs(101)).unwrap_err();
        assert_eq!((error.code(), error.status()), ("ExpiredTokenException", 400));
        for opaque in ["opaque", "a.b.c", "", &token("[]")] {
            let read = WebIdentity::read(opaque);
            assert_eq!((read.subject.as_str(), read.expires), ("emulated-subject", None));
        }
    }
}
