//! Keys in the URL.
//!
//! Owns their refusal: every log on the way keeps a URL, so that a key in it is known to others.
//! Nothing else of a query is read.

use percent_encoding::percent_decode_str;

use crate::http::error::ApiError;

/// The names that keys and tokens are sent under elsewhere. Case, `-` and `_` make no difference.
const NAMES: &[&str] = &[
    "apikey",
    "key",
    "token",
    "accesstoken",
    "authtoken",
    "authorization",
    "xapikey",
    "masterkey",
    "bearer",
    "password",
    "secret",
    "clientsecret",
    "sig",
    "signature",
    "xamzsignature",
    "xamzsecuritytoken",
    "xamzcredential",
    "code",
];

/// Refuses a query that holds a key, by its name or, whatever its name, by its value. A good key
/// where it belongs does not change that.
pub(crate) fn refuse_key_in_url(query: Option<&str>, is_key: impl Fn(&str) -> bool) -> Result<(), ApiError> {
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name: String = percent_decode_str(name)
            .decode_utf8_lossy()
            .chars()
            .filter(|c| !matches!(c, '-' | '_'))
            .map(|c| c.to_ascii_lowercase())
            .collect();
        if NAMES.contains(&name.as_str()) || is_key(&percent_decode_str(value).decode_utf8_lossy()) {
            return Err(ApiError::unauthorized(
                "API keys are not accepted in the URL because URLs are logged; use `Authorization: Bearer <key>` and rotate this key",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_under_any_spelling_and_an_ordinary_query_is_not_one() {
        for query in ["api_key=x", "a=b&API-Key=x", "key", "api%5fkey=x", "access_token=", "x=1&token=y&z"] {
            let error = refuse_key_in_url(Some(query), |_| false).unwrap_err();
            assert_eq!(error.status(), 401, "{query}");
        }
        for query in [None, Some(""), Some("api-version=1"), Some("keys=1&tokens=2"), Some("a=key"), Some("%ff&%zz=")] {
            assert!(refuse_key_in_url(query, |_| false).is_ok(), "{query:?}");
        }
    }

    #[test]
    fn a_key_is_found_by_its_value_whatever_its_name() {
        let is_key = |value: &str| value == "sk-1/2";
        assert_eq!(refuse_key_in_url(Some("a=b&x=sk-1%2F2"), is_key).unwrap_err().status(), 401);
        assert!(refuse_key_in_url(Some("a=sk-1"), is_key).is_ok());
        for query in ["code=x", "client_secret=x", "X-Amz-Signature=x", "password=x"] {
            assert!(refuse_key_in_url(Some(query), |_| false).is_err(), "{query}");
        }
    }
}
