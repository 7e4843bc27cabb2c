//! The names of keys in Redis.
//!
//! Each is `<namespace>:<version>:{<hash>}:<what>`. The hash is the SHA-256 of what is counted, so
//! that Redis holds no name of a deployment or of a caller's key. The braces make it the
//! [hash tag](https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags): all that one script touches lies on one
//! node of a cluster.

use sha2::{Digest, Sha256};

/// What the layout of keys and values is called. Replicas of two layouts do not see each other.
const VERSION: u32 = 1;

/// The keys of one deployment or one caller's key.
#[derive(Clone, Debug)]
pub(crate) struct Keys(String);

impl Keys {
    /// Those of what has this name among its kind.
    pub(crate) fn new(namespace: &str, kind: &str, name: &str) -> Self {
        let digest = Sha256::digest(format!("{kind}\0{name}"));
        let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("{namespace}:{VERSION}:{{{hash}}}"))
    }

    pub(crate) fn of(&self, what: &str) -> String {
        format!("{}:{what}", self.0)
    }
}

/// The key of an answer that is kept under this digest.
pub(crate) fn answer(namespace: &str, digest: &str) -> String {
    format!("{namespace}:{VERSION}:answer:{digest}")
}

/// The key of the replicas that are there.
pub(crate) fn replicas(namespace: &str) -> String {
    format!("{namespace}:{VERSION}:replicas")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_its_layout_and_nothing_that_is_counted() {
        let key = Keys::new("sagewire", "deployment", "llama-eu").of("counts");
        // printf 'deployment\\0llama-eu' | sha256sum
        let hash = "9a6d262548867a551e03ce2f43c69979aa6320629b610c14fc2e570f160bacef";
        assert_eq!(key, format!("sagewire:1:{{{hash}}}:counts"));
        assert_ne!(key, Keys::new("sagewire", "key", "llama-eu").of("counts"));
    }
}
