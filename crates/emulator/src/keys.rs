//! The key pairs and sessions whose signatures are accepted.
//!
//! Owns the secrets, and who a key stands for. Nothing here is ever printed.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use crate::aws_error::ACCOUNT_ID;

/// The access key id that AWS's documentation and signing tests use, and the emulator's default.
pub const EXAMPLE_ACCESS_KEY_ID: &str = "AKIDEXAMPLE";
/// The secret that goes with [`EXAMPLE_ACCESS_KEY_ID`]. It is printed in AWS's documentation and
/// opens nothing.
pub const EXAMPLE_SECRET_ACCESS_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// One accepted key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) secret: String,
    /// Temporary credentials have one, and are refused without it.
    pub(crate) token: Option<String>,
    /// The end of a session.
    pub(crate) expires: Option<SystemTime>,
    /// Who signs with it.
    pub(crate) arn: String,
    pub(crate) user_id: String,
}

impl Key {
    /// A long-lived key of the account's user `emulator`.
    pub(crate) fn user(access_key_id: &str, secret: String, token: Option<String>) -> Self {
        Self {
            secret,
            token,
            expires: None,
            arn: format!("arn:aws:iam::{ACCOUNT_ID}:user/emulator"),
            user_id: format!("AIDA{access_key_id}"),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("arn", &self.arn).field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// Whether a client can sign with this key. The text says what is wrong, without a secret.
pub(crate) fn check_key(access_key_id: &str, secret: &str, token: Option<&str>) -> Result<(), String> {
    let is_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if access_key_id.is_empty() || access_key_id.len() > 128 || !access_key_id.bytes().all(is_id) {
        return Err("invalid access key id: use 1 to 128 letters, digits and underscores".to_owned());
    }
    if secret.is_empty() || secret.contains(char::is_control) {
        return Err(format!("the secret of the access key `{access_key_id}` is empty or has control characters"));
    }
    if token.is_some_and(|token| token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic())) {
        return Err(format!("the token of the access key `{access_key_id}` is empty or cannot be sent in a header"));
    }
    Ok(())
}

/// Every accepted key by its access key id.
#[derive(Debug, Default)]
pub(crate) struct KeyRing {
    keys: Mutex<HashMap<String, Key>>,
}

impl KeyRing {
    pub(crate) fn insert(&self, access_key_id: impl Into<String>, key: Key) {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).insert(access_key_id.into(), key);
    }

    /// Ends every key that has a token.
    pub(crate) fn expire_sessions(&self, now: SystemTime) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys.values_mut().filter(|key| key.token.is_some()) {
            key.expires = Some(key.expires.map_or(now, |end| end.min(now)));
        }
    }

    /// Ends this key, whatever it is.
    #[cfg(feature = "faults")]
    pub(crate) fn expire(&self, access_key_id: &str, now: SystemTime) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.get_mut(access_key_id) {
            key.expires = Some(key.expires.map_or(now, |end| end.min(now)));
        }
    }

    /// Forgets this key. Returns whether it was known.
    #[cfg(feature = "faults")]
    pub(crate) fn revoke(&self, access_key_id: &str) -> bool {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).remove(access_key_id).is_some()
    }

    pub(crate) fn find(&self, access_key_id: &str) -> Option<Key> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).get(access_key_id).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_printed() {
        let ring = KeyRing::default();
        ring.insert("ASIA1", Key::user("ASIA1", "the-secret".to_owned(), Some("the-token".to_owned())));
        for text in [format!("{ring:?}"), format!("{ring:#?}")] {
            assert!(!text.contains("the-secret") && !text.contains("the-token"), "{text}");
        }
        assert_eq!(ring.find("ASIA1").unwrap().token.as_deref(), Some("the-token"));
        assert_eq!(ring.find("other"), None);
    }
}
