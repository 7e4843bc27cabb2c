//! Known strings that stand for secrets, and the search for them in any form they could leak in.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Its id is no secret; it is long enough for its end to be shown as a hint.
pub const ACCESS_KEY_ID: &str = "ASIACANARYCANARY1234";
/// Stands for a secret access key, with the characters such keys have.
pub const SECRET_ACCESS_KEY: &str = "canary/secret+key/wJalrXUtnFEMI/K7MDENG";
/// Stands for a session token.
pub const SESSION_TOKEN: &str = "canary-session-token//FwoGZXIvYXdzEBYaD+==";
/// Stands for a header's value that only a gateway on the way should see.
pub const GATEWAY_TOKEN: &str = "Bearer canary-gateway-token-5f3e";
/// Stands for a password or key in an endpoint URL.
pub const URL_SECRET: &str = "canary-url-secret-77aa";
/// Stands for custom attributes, which AWS's service model marks as sensitive.
pub const CUSTOM_ATTRIBUTES: &str = "tenant=canary-custom-attributes-31";

/// All of them.
pub const ALL: [&str; 5] = [SECRET_ACCESS_KEY, SESSION_TOKEN, GATEWAY_TOKEN, URL_SECRET, CUSTOM_ATTRIBUTES];

/// The first of these secrets that `text` holds, plain, percent-encoded, in hex or in base64, with
/// its form.
#[must_use]
pub fn found_in(text: &[u8], secrets: &[&'static str]) -> Option<(&'static str, &'static str)> {
    // Every form is ASCII, which stays what it is; and texts are searched much faster than bytes.
    let text = String::from_utf8_lossy(text);
    secrets.iter().find_map(|secret| {
        forms(secret).into_iter().find(|(_, form)| text.contains(form.as_str())).map(|(name, _)| (*secret, name))
    })
}

/// Fails where `text` holds any of the canaries.
///
/// # Panics
/// With the form found, and where.
pub fn assert_absent(place: &str, text: impl AsRef<[u8]>) {
    let text = text.as_ref();
    if let Some((secret, form)) = found_in(text, &ALL) {
        panic!("{place} shows `{secret}` ({form}): {}", String::from_utf8_lossy(text));
    }
}

/// Fails where either Debug form of `value` holds any of the canaries.
///
/// # Panics
/// With the form found.
pub fn assert_prints_none(place: &str, value: &dyn std::fmt::Debug) {
    assert_absent(place, format!("{value:?}"));
    assert_absent(place, format!("{value:#?}"));
}

/// Every form that a secret could leak in. As a part of something longer, base64 depends on where
/// the secret begins.
fn forms(secret: &str) -> Vec<(&'static str, String)> {
    let bytes = secret.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![
        ("plain", secret.to_owned()),
        ("percent-encoded", utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string()),
        ("a list of bytes", format!("{bytes:?}").trim_matches(['[', ']']).to_owned()),
        ("upper-case hex", hex.to_uppercase()),
        ("hex", hex),
    ];
    // A secret with blanks or slashes may also be written as an escaped string.
    forms.push(("escaped", format!("{secret:?}").trim_matches('"').to_owned()));
    for before in 0..3 {
        let encoded = STANDARD_NO_PAD.encode([&vec![0; before][..], bytes].concat());
        // The first characters depend on what is before the secret, the last on what comes after.
        let text = encoded.get([0, 2, 3][before]..encoded.len() - 1).unwrap();
        forms.push(("base64", text.to_owned()));
        forms.push(("URL-safe base64", text.replace('+', "-").replace('/', "_")));
    }
    forms
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

    #[test]
    fn every_form_is_found_inside_something_longer() {
        for secret in ALL {
            let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
            for text in [
                format!("a{secret}b"),
                format!("a{secret:?}b"),
                format!("{:?}", secret.as_bytes()),
                format!("k={}&x", utf8_percent_encode(secret, NON_ALPHANUMERIC)),
                format!("0{hex}0"),
                STANDARD.encode(secret),
                STANDARD.encode(format!("x{secret}yy")),
                URL_SAFE_NO_PAD.encode(format!("xx{secret}y")),
            ] {
                assert_eq!(found_in(text.as_bytes(), &ALL).map(|found| found.0), Some(secret), "{text}");
            }
            assert_eq!(found_in(&secret.as_bytes()[1..], &[secret]), None);
        }
    }
}
