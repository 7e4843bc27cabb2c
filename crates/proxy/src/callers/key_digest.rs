//! A key as its SHA-256.
//!
//! Owns the digest and its comparison in constant time. The key itself is nowhere kept.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// The SHA-256 of a key.
#[derive(Clone, Copy)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    /// The digest of a key.
    #[must_use]
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    /// The digest of a key as a configuration gives it: the key itself, or `sha256:` and its
    /// digest.
    ///
    /// # Errors
    /// What is wrong with it, to be put after the key's name.
    pub(crate) fn of_configured(key: &str) -> Result<Self, &'static str> {
        match key.strip_prefix("sha256:") {
            Some(hex) => Self::from_hex(hex),
            None if key.is_empty() => Err("is empty: set a secret one, or remove it"),
            None if key.trim() != key || key.bytes().any(|byte| !matches!(byte, b' '..=b'~')) => {
                Err("cannot be sent in a header: use ASCII without a blank or a line end around it")
            }
            None => Ok(Self::of(key)),
        }
    }

    /// The digest from its 64 hexadecimal digits, `sha256:` before them or not.
    ///
    /// # Errors
    /// What is wrong with it, to be put after the key's name.
    pub(crate) fn from_hex(text: &str) -> Result<Self, &'static str> {
        const WRONG: &str =
            "is not a SHA-256: write its 64 hexadecimal digits, as `printf %s \"$KEY\" | sha256sum` prints them";
        let hex = text.strip_prefix("sha256:").unwrap_or(text).as_bytes();
        let (pairs, rest) = hex.as_chunks::<2>();
        if pairs.len() != 32 || !rest.is_empty() {
            return Err(WRONG);
        }
        let mut digest = [0; 32];
        for (byte, pair) in digest.iter_mut().zip(pairs) {
            let [high, low] =
                pair.map(|digit| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok()));
            *byte = high.zip(low).map(|(high, low)| high * 16 + low).ok_or(WRONG)?;
        }
        Ok(Self(digest))
    }
}

impl KeyDigest {
    /// Its bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Its 64 hexadecimal digits.
    pub(crate) fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl ConstantTimeEq for KeyDigest {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for KeyDigest {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for KeyDigest {}

/// Not shown: a weak key could be found from it.
impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_key_and_its_digest_mean_the_same() {
        assert_eq!(KeyDigest::of_configured("abc"), KeyDigest::of_configured(&format!("sha256:{ABC}")));
        assert_eq!(KeyDigest::from_hex(&ABC.to_uppercase()), Ok(KeyDigest::of("abc")));
        assert_ne!(KeyDigest::of("abc"), KeyDigest::of("abd"));
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        for wrong in ["", "abc", ABC.trim_start_matches('b'), &format!("{ABC}00"), &ABC.replace('b', "g")] {
            assert!(KeyDigest::from_hex(wrong).is_err(), "{wrong}");
        }
        assert!(KeyDigest::of_configured("").is_err());
    }

    #[test]
    fn debug_shows_nothing_of_it() {
        assert_eq!(format!("{:?} {:#?}", KeyDigest::of("abc"), KeyDigest::of("abc")), "KeyDigest(..) KeyDigest(..)");
    }
}
