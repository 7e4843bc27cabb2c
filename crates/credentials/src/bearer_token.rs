//! Bearer tokens for SageMaker's OpenAI-compatible route: a presigned request in place of a key.
//!
//! This module has the token's form, which is that of the package `sagemaker-core`, and when it
//! ends. A token is as good as the credentials it was made of, for the calls that it permits.
//!
//! <https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints-openai-compatible.html>

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sagewire_sigv4::{Payload, Signer, SigningError, SigningParams, SigningSettings};

use crate::{Credentials, Region, Secret};

/// The host that the presigned request is for, whatever the region.
const HOST: &str = "sagemaker.amazonaws.com";

/// What a token begins with.
const PREFIX: &str = "sagemaker-api-key-";

/// The order of the parameters in a token, which is botocore's. `X-Amz-Signature` is the last.
const ORDER: [&str; 8] = [
    "Action",
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
];

/// A bearer token, and when it ends. `Debug` does not show it.
#[derive(Clone)]
#[non_exhaustive]
pub struct BearerToken {
    /// The token.
    pub token: Secret,
    /// When it ends: after the time that was asked for, and with the credentials at the latest.
    pub expiry: SystemTime,
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerToken").field("expiry", &self.expiry).finish_non_exhaustive()
    }
}

/// Why no token can be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BearerTokenError {
    /// The time that it should last is not one that AWS accepts.
    #[error("a bearer token must last 1 second to 12 hours, not {seconds} seconds")]
    Lifetime {
        /// The time that was asked for, in seconds.
        seconds: u64,
    },
    /// The credentials have expired.
    #[error("the credentials have expired; refresh them")]
    Expired,
    /// The request cannot be signed.
    #[error("the token cannot be signed; check the credentials")]
    Signing(#[source] SigningError),
}

impl BearerToken {
    /// The longest life that AWS accepts: 12 hours.
    pub const LONGEST: Duration = Duration::from_secs(43_200);

    /// Makes a token for a region, which is the only one that accepts it. It ends with the
    /// credentials if these end sooner.
    ///
    /// # Errors
    /// [`BearerTokenError`] for a lifetime beyond [`LONGEST`](Self::LONGEST), and for credentials
    /// that have expired or cannot be signed with.
    pub fn mint(
        credentials: &Credentials,
        region: &Region,
        lifetime: Duration,
        now: SystemTime,
    ) -> Result<Self, BearerTokenError> {
        if lifetime.as_secs() == 0 || lifetime > Self::LONGEST {
            return Err(BearerTokenError::Lifetime { seconds: lifetime.as_secs() });
        }
        let left = match credentials.expiry() {
            Some(end) => end.duration_since(now).unwrap_or_default(),
            None => lifetime,
        };
        let lifetime = Duration::from_secs(lifetime.min(left).as_secs());
        if lifetime.is_zero() {
            return Err(BearerTokenError::Expired);
        }
        let url = presigned(credentials, region, lifetime, now).map_err(BearerTokenError::Signing)?;
        let token = Secret::new(format!("{PREFIX}{}", STANDARD.encode(url.expose())));
        Ok(Self { token, expiry: now + lifetime })
    }
}

/// The presigned request without its scheme, in the token's order.
fn presigned(
    credentials: &Credentials,
    region: &Region,
    lifetime: Duration,
    now: SystemTime,
) -> Result<Secret, SigningError> {
    let mut head = http::Request::new(()).into_parts().0;
    head.method = http::Method::POST;
    head.uri = http::Uri::from_static("https://sagemaker.amazonaws.com/?Action=CallWithBearerToken");
    let params = SigningParams {
        access_key_id: credentials.access_key_id(),
        secret_access_key: credentials.secret_access_key(),
        session_token: credentials.session_token(),
        region: region.as_str(),
        service: "sagemaker",
        time: now,
        settings: SigningSettings::default(),
    };
    Signer::new().presign(&mut head, Payload::Bytes(b""), &params, lifetime)?;
    let query = head.uri.query().unwrap_or_default();
    let pairs: Vec<&str> = query.split('&').collect();
    let named = |name: &&str| pairs.iter().find(|pair| pair.split('=').next() == Some(*name)).copied();
    let ordered: Vec<&str> = ORDER.iter().filter_map(named).collect();
    Ok(Secret::new(format!("{HOST}/?{}&Version=1", ordered.join("&"))))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Recorded {
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        access_key_id: String,
        secret_access_key: String,
        session_token: Option<String>,
        region: String,
        time: u64,
        ttl: u64,
        token: String,
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn region() -> Region {
        Region::new("us-east-1").unwrap()
    }

    #[test]
    fn a_token_is_that_of_sagemaker_core_byte_for_byte() {
        let recorded: Recorded = serde_json::from_str(include_str!("bearer_token/sagemaker_core.json")).unwrap();
        assert_eq!(recorded.cases.len(), 3);
        for case in recorded.cases {
            let mut credentials = Credentials::new(case.access_key_id, case.secret_access_key);
            if let Some(token) = case.session_token {
                credentials = credentials.with_session_token(token);
            }
            let region = Region::new(&case.region).unwrap();
            let token = BearerToken::mint(&credentials, &region, Duration::from_secs(case.ttl), at(case.time)).unwrap();
            assert_eq!(token.token.expose(), case.token);
            assert_eq!(token.expiry, at(case.time + case.ttl));
        }
    }

    #[test]
    fn a_token_ends_with_its_credentials_at_the_latest() {
        let credentials = Credentials::new("AKID", "the-secret-key").with_expiry(at(1_000_100));
        let token = BearerToken::mint(&credentials, &region(), BearerToken::LONGEST, at(1_000_000)).unwrap();
        assert_eq!(token.expiry, at(1_000_100));
        let decoded = STANDARD.decode(token.token.expose().strip_prefix(PREFIX).unwrap()).unwrap();
        assert!(String::from_utf8(decoded).unwrap().contains("&X-Amz-Expires=100&"));
        let late = BearerToken::mint(&credentials, &region(), BearerToken::LONGEST, at(1_000_100));
        assert!(matches!(late, Err(BearerTokenError::Expired)));
    }

    #[test]
    fn lifetimes_that_aws_refuses_are_refused_and_nothing_shows_a_token() {
        let credentials = Credentials::new("AKID", "the-secret-key");
        for seconds in [0, 43_201] {
            let refused = BearerToken::mint(&credentials, &region(), Duration::from_secs(seconds), at(0)).unwrap_err();
            assert!(matches!(refused, BearerTokenError::Lifetime { seconds: asked } if asked == seconds));
        }
        let token = BearerToken::mint(&credentials, &region(), Duration::from_secs(60), at(1_000_000)).unwrap();
        assert!(!format!("{token:?} {token:#?}").contains(PREFIX));
    }
}
