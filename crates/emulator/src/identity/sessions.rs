//! Temporary credentials: making them up, and remembering to whom they went.
//!
//! Owns the form of the keys. That the emulator then accepts them is `keys`' business.

use std::{
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use sha2::{Digest as _, Sha256};

use crate::{
    keys::{Key, KeyRing},
    operation::Operation,
};

/// A session that the emulator has issued credentials for. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IssuedSession {
    /// The operation that issued it.
    pub operation: Operation,
    /// The access key id of its credentials.
    pub access_key_id: String,
    /// Who it is, such as `arn:aws:sts::123456789012:assumed-role/app/session`.
    pub arn: String,
    /// When SageMaker Runtime and STS stop accepting it; `None` for credentials said to be expired
    /// that still work.
    pub expires: Option<SystemTime>,
    /// Session tags, in the order given.
    pub tags: Vec<(String, String)>,
    /// The source identity, where one was given.
    pub source_identity: Option<String>,
}

/// Temporary credentials, before they are written down.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(super) access_key_id: String,
    pub(super) secret: String,
    pub(super) token: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// Who a session is to be.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) operation: Operation,
    pub(super) arn: String,
    pub(super) user_id: String,
    pub(super) tags: Vec<(String, String)>,
    pub(super) source_identity: Option<String>,
}

impl Subject {
    pub(super) const fn new(operation: Operation, arn: String, user_id: String) -> Self {
        Self { operation, arn, user_id, tags: Vec::new(), source_identity: None }
    }
}

/// Issues credentials, each unlike any other, and the same in every run.
#[derive(Debug, Default)]
pub(crate) struct Issuer {
    count: AtomicU64,
    issued: Mutex<Vec<IssuedSession>>,
}

impl Issuer {
    /// New credentials, accepted from now until `expires`.
    pub(super) fn issue(&self, keys: &KeyRing, subject: Subject, expires: Option<SystemTime>) -> Credentials {
        let number = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let digest = hex(&Sha256::digest(format!("sagewire-emulator session {number}")));
        let credentials = Credentials {
            access_key_id: format!("ASIAEMULATOR{number:08}"),
            // Characters that a careless client would encode wrongly.
            secret: format!("emu/{}+", digest.get(..35).unwrap_or_default()),
            token: format!("IQoJb3JpZ2luX2Vj//+{digest}=="),
        };
        keys.insert(
            credentials.access_key_id.clone(),
            Key {
                secret: credentials.secret.clone(),
                token: Some(credentials.token.clone()),
                expires,
                arn: subject.arn.clone(),
                user_id: subject.user_id,
            },
        );
        self.issued.lock().unwrap_or_else(PoisonError::into_inner).push(IssuedSession {
            operation: subject.operation,
            access_key_id: credentials.access_key_id.clone(),
            arn: subject.arn,
            expires,
            tags: subject.tags,
            source_identity: subject.source_identity,
        });
        credentials
    }

    pub(crate) fn issued(&self) -> Vec<IssuedSession> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An id like those of IAM's entities: a prefix, and 17 characters that follow from the name.
pub(super) fn unique_id(prefix: &str, name: &str) -> String {
    let digest = hex(&Sha256::digest(name)).to_uppercase();
    format!("{prefix}{}", digest.get(..17).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_session_has_its_own_keys_and_none_is_printed() {
        let (issuer, keys) = (Issuer::default(), KeyRing::default());
        let subject = Subject::new(Operation::AssumeRole, "arn:one".to_owned(), "AROA:one".to_owned());
        let first = issuer.issue(&keys, subject.clone(), None);
        let second = issuer.issue(&keys, subject, Some(SystemTime::UNIX_EPOCH));
        assert_eq!((first.access_key_id.len(), first.secret.len()), (20, 40));
        assert!(
            first.access_key_id != second.access_key_id && first.secret != second.secret && first.token != second.token
        );
        assert_eq!(keys.find(&first.access_key_id).unwrap().token, Some(first.token.clone()));
        assert_eq!(issuer.issued()[1].expires, Some(SystemTime::UNIX_EPOCH));
        for text in [format!("{first:?} {issuer:?}"), format!("{first:#?} {issuer:#?}")] {
            assert!(!text.contains(&first.secret) && !text.contains(&first.token), "{text}");
        }
    }
}
