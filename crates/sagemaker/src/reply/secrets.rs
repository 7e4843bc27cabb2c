//! The secrets of one attempt, taken out of whatever comes back.
//!
//! Owns what counts as one: the keys and the token it was signed with, the signature, and the
//! headers whose meaning is not known. A service that refuses a signature quotes the request, and a
//! gateway may repeat all of it; neither callers nor logs may see these. Answers are never changed.

use std::{borrow::Cow, fmt};

use http::{HeaderMap, HeaderName, HeaderValue, header};
use percent_encoding::utf8_percent_encode;
use sagewire_credentials::Credentials;

use crate::request::{UNRESERVED, headers::IDENTITY_TOKEN_HEADER};

/// What stands in a secret's place.
pub(crate) const REDACTED: &str = "[redacted]";

/// Shorter values would be found in harmless texts.
const SHORTEST: usize = 8;

/// So much of a secret's beginning is taken for it: texts that come back may have been cut.
const BEGINNING: usize = 16;

/// The values that an attempt must not show again. A clone is cheap.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    credentials: Option<Credentials>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    /// Those of a request that was signed with these credentials.
    pub(crate) fn of(credentials: &Credentials, signed: &HeaderMap) -> Self {
        let secret = signed.iter().filter(|(name, _)| !is_known(name) || **name == CUSTOM_ATTRIBUTES);
        Self {
            credentials: Some(credentials.clone()),
            headers: secret.map(|(name, value)| (name.clone(), value.clone())).collect(),
        }
    }

    /// The text without the secrets; `None` where it holds none.
    pub(crate) fn hide(&self, text: &str) -> Option<String> {
        let mut hidden = Cow::Borrowed(text);
        self.each(|secret| {
            if secret.len() < SHORTEST || hidden.len() < SHORTEST {
                return;
            }
            // As JSON and URLs may write it: before the secret itself, of which they repeat no more than the
            // beginning.
            if secret.contains('/') && hidden.contains("\\/") {
                take_out(&mut hidden, &secret.replace('/', "\\/"));
            }
            if hidden.contains('%') {
                take_out(&mut hidden, &utf8_percent_encode(secret, UNRESERVED).to_string());
            }
            take_out(&mut hidden, secret);
        });
        match hidden {
            Cow::Owned(hidden) => Some(hidden),
            Cow::Borrowed(_) => None,
        }
    }

    fn each(&self, mut see: impl FnMut(&str)) {
        if let Some(credentials) = &self.credentials {
            see(credentials.secret_access_key());
            credentials.session_token().into_iter().for_each(&mut see);
        }
        for (name, value) in &self.headers {
            let Ok(value) = std::str::from_utf8(value.as_bytes()) else { continue };
            if *name == header::AUTHORIZATION {
                // Of the rest AWS's own messages speak: the algorithm, the access key's id, the scope.
                value.rsplit_once("Signature=").into_iter().for_each(|(_, signature)| see(signature));
                value.strip_prefix("Bearer ").into_iter().for_each(&mut see);
            } else if *name == CUSTOM_ATTRIBUTES {
                let secret = value.split(',').filter(|attribute| !is_harmless_attribute(attribute));
                secret
                    .flat_map(|attribute| [attribute, attribute.split_once('=').map_or("", |(_, value)| value)])
                    .for_each(&mut see);
            } else {
                see(value);
            }
        }
    }
}

pub(crate) static CUSTOM_ATTRIBUTES: HeaderName = HeaderName::from_static("x-amzn-sagemaker-custom-attributes");

/// AWS's service model marks the custom attributes as sensitive: of them only the licence that
/// JumpStart wants accepted is known to be no secret, and without it a logged command could not be
/// replayed.
pub(crate) fn is_harmless_attribute(attribute: &str) -> bool {
    matches!(attribute, "accept_eula=true" | "accept_eula=false")
}

/// Whether a header's meaning is known, so that its value is no secret of anyone on the way.
pub(crate) fn is_known(name: &HeaderName) -> bool {
    const KNOWN: [&str; 11] = [
        "accept",
        "content-length",
        "content-type",
        "date",
        "host",
        "retry-after",
        "server",
        "transfer-encoding",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-retry-after",
    ];
    let name = name.as_str();
    KNOWN.contains(&name) || (name.starts_with("x-amzn-") && name != IDENTITY_TOKEN_HEADER)
}

/// Puts the mark in the place of a secret, or of as much of its beginning as came.
fn take_out(text: &mut Cow<'_, str>, secret: &str) {
    let Some(beginning) = secret.get(..BEGINNING.min(secret.len())) else { return };
    if !text.contains(beginning) {
        return;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest: &str = text;
    while let Some(at) = rest.find(beginning) {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        out.push_str(REDACTED);
        let common = found.chars().zip(secret.chars()).take_while(|(one, other)| one == other);
        let length = common.map(|(character, _)| character.len_utf8()).sum();
        rest = found.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    *text = Cow::Owned(out);
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "IQoJb3JpZ2luX2VjE/aGVsbG8+d29ybGQ=";
    const SIGNATURE: &str = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";

    fn secrets() -> Secrets {
        let credentials =
            Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY").with_session_token(TOKEN);
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/x, SignedHeaders=host, Signature={SIGNATURE}");
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", authorization.as_str()),
            ("content-type", "application/json"),
            ("x-gateway-key", "gateway-key-canary"),
            ("x-short", "abc"),
            ("x-amzn-sagemaker-custom-attributes", "accept_eula=true,tenant=alice-canary"),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        Secrets::of(&credentials, &headers)
    }

    #[test]
    fn every_form_of_a_secret_is_taken_out() {
        let encoded = utf8_percent_encode(TOKEN, UNRESERVED).to_string();
        for secret in [
            TOKEN,
            &TOKEN.replace('/', "\\/"),
            &encoded,
            TOKEN.get(..20).unwrap(),
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            SIGNATURE,
            "gateway-key-canary",
            "tenant=alice-canary",
            "alice-canary",
        ] {
            let hidden = secrets().hide(&format!("you sent {secret}, twice: {secret}")).unwrap();
            assert_eq!(hidden, "you sent [redacted], twice: [redacted]");
        }
    }

    #[test]
    fn everything_else_stays() {
        for text in ["abc application/json accept_eula=true", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/x", "", "wJalr"]
        {
            assert_eq!(secrets().hide(text), None, "{text}");
        }
        assert_eq!(Secrets::default().hide(TOKEN), None);
        assert_eq!(format!("{:?}", secrets()), "Secrets");
    }
}
