//! Keys in the URL.
//!
//! Owns their refusal: every log on the way keeps a URL, so that a key in it is known to others. Nothing else of a query is read.

use percent_encoding::percent_decode_str;

use crate::http::error::ApiError;

/// The names that keys and tokens are sent under elsewhere. Case, `-` and `_` make no difference.
const NAMES: &[&str] =
    &["apikey", "key", "token", "accesstoken", "authtoken", "authorization", "xapikey", "masterkey", "bearer"];

/// Refuses a query that holds a key, whether or not there is one where it belongs.
pub(crate) fn refuse_key_in_url(query: Option<&str>) -> Result<(), ApiError> {
    let names = query.unwrap_or_default().split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    for name in names {
        let name: String = percent_decode_str(name)
            .decode_utf8_lossy()
            .chars()
            .filter(|c| !matches!(c, '-' | '_'))
            .map(|c| c.to_ascii_lowercase())
            .collect();
        if NAMES.contains(&name.as_str()) {
            return Err(ApiError::unauthorized(
                "A key stands in the URL, where every log on the way keeps it: send it as `Authorization: Bearer <key>`, and have this one replaced",
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
            let error = refuse_key_in_url(Some(query)).unwrap_err();
            assert_eq!(error.status(), 401, "{query}");
        }
        for query in [None, Some(""), Some("api-version=1"), Some("keys=1&tokens=2"), Some("a=key"), Some("%ff&%zz=")] {
            assert!(refuse_key_in_url(query).is_ok(), "{query:?}");
        }
    }
}
