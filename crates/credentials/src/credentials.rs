//! [`Credentials`]: one set of AWS keys and their source. It keeps them secret; the sources find
//! and renew them.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::secret::Secret;

/// One set of AWS keys: an access key id, a secret access key and, for temporary keys, a session
/// token and an expiry.
///
/// A clone shares the same memory, which is wiped when the last clone is dropped. `Debug` shows
/// neither secret nor token: only the last four characters of a long access key id, the source and
/// the expiry.
///
/// See [AWS security
/// credentials](https://docs.aws.amazon.com/IAM/latest/UserGuide/security-creds.html).
///
/// ```
/// use sagewire_credentials::Credentials;
///
/// let keys = Credentials::new("AKIDEXAMPLEEXAMPLE12", "wJalrXUtnFEMI").with_session_token("token");
/// assert_eq!(keys.session_token(), Some("token"));
/// assert!(!format!("{keys:?}").contains("wJalr"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials(Arc<Parts>);

#[derive(Clone, PartialEq, Eq)]
struct Parts {
    access_key_id: Secret,
    secret_access_key: Secret,
    session_token: Option<Secret>,
    expiry: Option<SystemTime>,
    account_id: Option<String>,
    source: Cow<'static, str>,
}

impl Credentials {
    /// Keys without session token or expiry, from a source called `Static`.
    #[must_use]
    pub fn new(access_key_id: impl Into<String>, secret_access_key: impl Into<String>) -> Self {
        Self(Arc::new(Parts {
            access_key_id: Secret::new(access_key_id),
            secret_access_key: Secret::new(secret_access_key),
            session_token: None,
            expiry: None,
            account_id: None,
            source: Cow::Borrowed("Static"),
        }))
    }

    /// The same keys with the session token of temporary credentials.
    #[must_use]
    pub fn with_session_token(mut self, session_token: impl Into<String>) -> Self {
        self.parts().session_token = Some(Secret::new(session_token));
        self
    }

    /// The same keys, which AWS refuses from `expiry` on.
    #[must_use]
    pub fn with_expiry(mut self, expiry: SystemTime) -> Self {
        self.parts().expiry = Some(expiry);
        self
    }

    /// The same keys, known to belong to the AWS account `account_id` (twelve digits).
    #[must_use]
    pub fn with_account_id(mut self, account_id: impl Into<String>) -> Self {
        self.parts().account_id = Some(account_id.into());
        self
    }

    /// The same keys under the name of the source that gave them, such as `Environment`. The name
    /// is printed, so it must contain no secret.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Cow<'static, str>>) -> Self {
        self.parts().source = source.into();
        self
    }

    /// The access key id, which names the keys and is sent with every request.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        self.0.access_key_id.expose()
    }

    /// The secret access key, which signs requests and is never sent.
    #[must_use]
    pub fn secret_access_key(&self) -> &str {
        self.0.secret_access_key.expose()
    }

    /// The session token of temporary credentials, sent with every request.
    #[must_use]
    pub fn session_token(&self) -> Option<&str> {
        self.0.session_token.as_ref().map(Secret::expose)
    }

    /// When AWS begins to refuse these keys; `None` for keys that do not expire.
    #[must_use]
    pub fn expiry(&self) -> Option<SystemTime> {
        self.0.expiry
    }

    /// The AWS account of the keys, if the source knows it.
    #[must_use]
    pub fn account_id(&self) -> Option<&str> {
        self.0.account_id.as_deref()
    }

    /// The name of the source that gave the keys.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// Whether the keys are expired at `now`.
    #[must_use]
    pub fn is_expired_at(&self, now: SystemTime) -> bool {
        self.0.expiry.is_some_and(|expiry| expiry <= now)
    }

    /// Whether both are the same keys. Source and expiry may differ.
    #[must_use]
    pub fn same_keys(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.access_key_id == other.0.access_key_id
                && self.0.secret_access_key == other.0.secret_access_key
                && self.0.session_token == other.0.session_token)
    }

    /// The last four characters of the access key id, which identify the keys for their owner.
    /// `None` for a short id.
    #[must_use]
    pub fn key_id_hint(&self) -> Option<String> {
        const SHORTEST: usize = 16;
        let id = self.access_key_id();
        let count = id.chars().count();
        (count >= SHORTEST).then(|| id.chars().skip(count - 4).collect())
    }

    fn parts(&mut self) -> &mut Parts {
        Arc::make_mut(&mut self.0)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hint = self.key_id_hint().map_or_else(|| "..".to_owned(), |end| format!("..{end}"));
        f.debug_struct("Credentials")
            .field("access_key_id", &format_args!("{hint}"))
            .field("source", &self.0.source)
            .field("temporary", &self.0.session_token.is_some())
            .field("expiry", &self.0.expiry)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::Credentials;

    #[test]
    fn debug_shows_no_secret() {
        let keys = Credentials::new("AKIDEXAMPLEEXAMPLE12", "the-secret").with_session_token("the-token");
        for text in [format!("{keys:?}"), format!("{keys:#?}")] {
            assert!(text.contains("..LE12"), "{text}");
            for hidden in ["the-secret", "the-token", "AKIDEXAMPLE"] {
                assert!(!text.contains(hidden), "{text}");
            }
        }
        let short = Credentials::new("foo", "bar");
        assert!(!format!("{short:?}").contains("foo"));
    }

    #[test]
    fn a_change_leaves_the_clone_alone() {
        let first = Credentials::new("id", "secret");
        let second = first.clone().with_account_id("123456789012").with_source("Environment");
        assert_eq!(first.account_id(), None);
        assert_eq!(first.source(), "Static");
        assert_eq!(second.account_id(), Some("123456789012"));
        assert!(first.same_keys(&second));
        assert!(!first.same_keys(&Credentials::new("id", "secret").with_session_token("t")));
    }

    #[test]
    fn expiry_is_the_first_instant_refused() {
        let end = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        let keys = Credentials::new("id", "secret").with_expiry(end);
        assert!(keys.is_expired_at(end));
        assert!(!keys.is_expired_at(end - Duration::from_secs(1)));
        assert!(!Credentials::new("id", "secret").is_expired_at(end));
    }
}
