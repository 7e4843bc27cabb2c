//! Where the proxy's files and batches are.
//!
//! Owns opening the store, and whose what is: an owner is told by the name of its key, so that a
//! key that is replaced under the same name keeps its files.

use std::{path::Path, sync::Arc};

use sagewire::credentials::{AwsParams, seam::World};
use sagewire_batch::{BatchError, Owner, Store};
use sha2::{Digest as _, Sha256};
use tokio::sync::{Notify, OnceCell};

use crate::{
    callers::{Caller, Keyring},
    config::{BatchPlace, BatchSettings, CallerKey},
};

/// Who has no key, and who has the master key.
const ANYONE: &str = "anyone";
const MASTER: &str = "master";

/// Files and batches of the proxy. They outlive a reload.
#[derive(Debug)]
pub(crate) struct Batches {
    settings: BatchSettings,
    world: World,
    store: OnceCell<Store>,
    /// Raised when a batch was created.
    pub(super) created: Notify,
}

impl Batches {
    /// Opens a directory at once; a bucket when it is used first.
    pub(crate) fn open(settings: &BatchSettings, world: &World) -> Result<Self, BatchError> {
        let store = match &settings.store {
            BatchPlace::Directory(path) => OnceCell::new_with(Some(directory(path, world)?)),
            _ => OnceCell::new(),
        };
        Ok(Self { settings: settings.clone(), world: world.clone(), store, created: Notify::new() })
    }

    pub(crate) fn settings(&self) -> &BatchSettings {
        &self.settings
    }

    /// The store.
    pub(crate) async fn store(&self) -> Result<&Store, BatchError> {
        self.store.get_or_try_init(|| self.connect()).await
    }

    async fn connect(&self) -> Result<Store, BatchError> {
        match &self.settings.store {
            BatchPlace::Directory(path) => directory(path, &self.world),
            BatchPlace::S3(location) => {
                let params = AwsParams {
                    aws_region_name: self.settings.aws_region_name.clone(),
                    aws_profile_name: self.settings.aws_profile_name.clone(),
                    aws_role_name: self.settings.aws_role_name.clone(),
                    ..AwsParams::default()
                };
                Store::s3(location, params, self.settings.s3_endpoint_url.as_deref(), &self.world).await
            }
            BatchPlace::Unset => {
                Err(BatchError::Open { name: self.settings.store.to_string(), reason: "set `store`".to_owned() })
            }
        }
    }

    /// Says that there is a new batch.
    pub(crate) fn announce(&self) {
        self.created.notify_one();
    }
}

fn directory(path: &Path, world: &World) -> Result<Store, BatchError> {
    Store::directory(path, Arc::clone(world.clock()))
}

/// Whose the files and batches of a caller are.
pub(crate) fn owner(caller: &Caller) -> Result<Owner, BatchError> {
    let name = match caller {
        Caller::Anyone => ANYONE.to_owned(),
        Caller::Master => MASTER.to_owned(),
        Caller::Key(key) => of_key(key),
    };
    Ok(Owner::new(name)?)
}

/// The caller whose files and batches these are, if its key is still accepted.
pub(super) fn caller(owner: &Owner, keyring: &Keyring, now: std::time::SystemTime) -> Option<Caller> {
    match owner.as_str() {
        ANYONE if keyring.is_empty() => Some(Caller::Anyone),
        MASTER if keyring.master.is_some() => Some(Caller::Master),
        name => {
            let key = keyring.keys.iter().find(|key| of_key(key) == name)?;
            key.expires.is_none_or(|expires| now < expires).then(|| Caller::Key(Arc::clone(key)))
        }
    }
}

/// A name may hold anything; its digest may be part of a path.
fn of_key(key: &CallerKey) -> String {
    let digest = Sha256::digest(key.name.as_bytes());
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("key-{hex}")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::callers::KeyDigest;

    #[test]
    fn an_owner_leads_back_to_its_key_as_long_as_that_is_accepted() {
        let key = |name: &str, secret: &str| {
            let expires = Some(UNIX_EPOCH + Duration::from_secs(100));
            Arc::new(CallerKey { expires, ..CallerKey::new(name, KeyDigest::of(secret)) })
        };
        let ring = |keys| Keyring { master: Some(KeyDigest::of("m")), keys, header: None };
        let (first, later) = (ring(vec![key("../a", "1"), key("b", "2")]), ring(vec![key("../a", "3")]));
        let of = |caller| owner(&caller).unwrap();
        let theirs = of(Caller::Key(Arc::clone(&first.keys[0])));
        assert!(!theirs.as_str().contains('/'));
        assert_ne!(theirs, of(Caller::Key(Arc::clone(&first.keys[1]))));
        let found = |owner: &Owner, ring: &Keyring, now| caller(owner, ring, UNIX_EPOCH + Duration::from_secs(now));
        assert_eq!(found(&theirs, &first, 99).unwrap().name(), "../a");
        assert_eq!(found(&theirs, &later, 99).unwrap().name(), "../a", "the same name with another key");
        assert!(found(&theirs, &first, 100).is_none() && found(&theirs, &ring(Vec::new()), 0).is_none());
        assert!(found(&of(Caller::Master), &first, 0).is_some());
        assert!(found(&of(Caller::Anyone), &first, 0).is_none(), "since keys are asked for");
        assert!(found(&of(Caller::Anyone), &Keyring::default(), 0).is_some());
    }
}
