//! The bearer tokens of calls, made of the credentials that others are signed with.
//!
//! Owns keeping them: a token serves many calls, and no longer than its credentials.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use http::HeaderValue;
use sagewire_credentials::{BearerToken, BearerTokenError, Credentials, Region, Secret};
use sagewire_types::{Error, ErrorKind};

/// How long a token lasts.
const LIFETIME: Duration = Duration::from_secs(3600);

/// How long before its end a token is not used any more.
const MARGIN: Duration = Duration::from_secs(60);

/// At most so many tokens are kept.
const MOST_TOKENS: usize = 64;

/// The tokens that are in use.
#[derive(Debug, Default)]
pub(crate) struct Tokens(Mutex<Vec<KeptToken>>);

#[derive(Debug)]
struct KeptToken {
    credentials: Credentials,
    region: Region,
    token: BearerToken,
}

impl Tokens {
    /// The token of these credentials in a region: one that is kept, else a new one.
    ///
    /// # Errors
    /// `Authentication` if the credentials have expired, `Configuration` if they cannot be used.
    pub(crate) fn of(&self, credentials: &Credentials, region: &Region, now: SystemTime) -> Result<Secret, Error> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|kept| kept.token.expiry > now + MARGIN);
        let known = kept.iter().find(|kept| kept.region == *region && kept.credentials.same_keys(credentials));
        if let Some(known) = known {
            return Ok(known.token.token.clone());
        }
        let token = BearerToken::mint(credentials, region, LIFETIME, now).map_err(unusable)?;
        let secret = token.token.clone();
        if kept.len() >= MOST_TOKENS {
            kept.remove(0);
        }
        kept.push(KeptToken { credentials: credentials.clone(), region: region.clone(), token });
        Ok(secret)
    }
}

/// The value of `Authorization`.
///
/// # Errors
/// `Configuration` for a token that no header can carry.
pub(crate) fn authorization(token: &Secret) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose())).map_err(|error| {
        Error::new(ErrorKind::Configuration, "the bearer token cannot be sent; check the credentials")
            .with_source(error)
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn unusable(error: BearerTokenError) -> Error {
    let kind = match error {
        BearerTokenError::Expired => ErrorKind::Authentication,
        _ => ErrorKind::Configuration,
    };
    Error::new(kind, error.to_string()).with_source(error)
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn a_token_is_kept_for_its_keys_and_region_until_shortly_before_its_end() {
        let tokens = Tokens::default();
        let at = |seconds: u64| UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds);
        let region = |name| Region::new(name).unwrap();
        let of = |credentials: &Credentials, name, seconds| tokens.of(credentials, &region(name), at(seconds)).unwrap();
        let keys = Credentials::new("AKID", "the-secret-key");
        let first = of(&keys, "us-east-1", 0);
        assert_eq!(of(&keys, "us-east-1", 3539), first);
        assert_ne!(of(&keys, "eu-west-1", 0), first, "a token is of one region");
        assert_ne!(of(&Credentials::new("AKID", "another-secret"), "us-east-1", 0), first);
        assert_ne!(of(&keys, "us-east-1", 3540), first);
        let ending = Credentials::new("AKID2", "the-secret-key").with_expiry(at(100));
        assert_ne!(of(&ending, "us-east-1", 0), of(&ending, "us-east-1", 40), "credentials that end soon");
        assert_eq!(tokens.of(&ending, &region("us-east-1"), at(100)).unwrap_err().kind(), ErrorKind::Authentication);
        assert!(!format!("{tokens:?}").contains("sagemaker-api-key-"));
    }
}
