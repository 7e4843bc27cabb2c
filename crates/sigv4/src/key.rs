//! The signing key: derived from the secret for one day, region and service, and able to sign.
//!
//! Owns the derivation. See
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#calculate-signature>.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::input::Scope;

/// HMAC-SHA256's block: a longer key is hashed first.
const BLOCK: usize = 64;

/// A signing key, kept as an HMAC that has taken the key in, so that each signature starts two
/// blocks ahead.
///
/// The hash states inside overwrite themselves when dropped (the `zeroize` features of `hmac` and
/// `sha2`).
pub(crate) struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    pub(crate) fn derive(scope: &Scope<'_>) -> Self {
        let secret = scope.secret_access_key;
        let mut long_term = Zeroizing::new(Vec::with_capacity("AWS4".len() + secret.len()));
        long_term.extend_from_slice(b"AWS4");
        long_term.extend_from_slice(secret.as_bytes());

        let mut key = Zeroizing::new(hmac(mac(&long_term), scope.time.date()));
        for part in [scope.region, scope.service, "aws4_request"] {
            key = Zeroizing::new(hmac(mac(key.as_ref()), part));
        }
        Self(mac(key.as_ref()))
    }

    pub(crate) fn sign(&self, string_to_sign: &str) -> [u8; 32] {
        hmac(self.0.clone(), string_to_sign)
    }
}

fn hmac(mac: Hmac<Sha256>, message: &str) -> [u8; 32] {
    mac.chain_update(message).finalize().into_bytes().into()
}

/// An HMAC over a key of any length. (`new_from_slice` does the same, behind an error that cannot
/// happen.)
fn mac(key: &[u8]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0; BLOCK]);
    if key.len() > BLOCK {
        let mut digest: [u8; 32] = Sha256::digest(key).into();
        fill(&mut block, &digest);
        digest.zeroize();
    } else {
        fill(&mut block, key);
    }
    Hmac::new((&*block).into())
}

fn fill(block: &mut [u8; BLOCK], key: &[u8]) {
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
}

/// Does not compile unless hash states overwrite themselves when dropped.
const _: fn() = || {
    fn overwrites_itself<T: ZeroizeOnDrop>() {}
    overwrites_itself::<Sha256>();
};

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::{SigningParams, SigningSettings, hex::Hex};

    /// RFC 4231, cases 1, 2 and 6: a short key, a shorter one, and one longer than a block.
    #[test]
    fn hmac_agrees_with_its_rfc() {
        for (key, message, expected) in [
            (vec![0x0b; 20], "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe".to_vec(),
                "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                vec![0xaa; 131],
                "Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ] {
            assert_eq!(Hex::new(&hmac(mac(&key), message)).as_str(), expected);
        }
    }

    /// The signature of AWS's `get-vanilla` case, from its string to sign.
    #[test]
    fn signs_as_aws_shows() {
        let params = SigningParams {
            access_key_id: "AKIDEXAMPLE",
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            session_token: None,
            region: "us-east-1",
            service: "service",
            time: UNIX_EPOCH + Duration::from_secs(1_440_938_160),
            settings: SigningSettings::default(),
        };
        let key = SigningKey::derive(&Scope::new(&params).unwrap());
        let string_to_sign = "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/service/aws4_request\n\
                              bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63";
        let expected = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        assert_eq!(Hex::new(&key.sign(string_to_sign)).as_str(), expected);
    }
}
