//! Whole answers, compressed for callers that accept it.
//!
//! Owns when that is worth the time: streams and small answers go out as they are.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use crate::http::response::{Body, json_response};

/// Below this the time is worth more than the bytes.
const WORTHWHILE: usize = 16 * 1024;

/// Whether an answer of this length shall be compressed for this caller.
pub(super) fn is_worthwhile(headers: &HeaderMap, length: usize) -> bool {
    length >= WORTHWHILE && accepts_gzip(headers)
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| {
            let mut parts = item.split(';').map(str::trim);
            let refused = |weight: &str| weight.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0_f32));
            parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip") || name == "*") && !parts.any(refused)
        })
}

/// The answer, compressed.
pub(super) fn gzip(json: &[u8]) -> Response<Body> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(json.len() / 2), Compression::fast());
    // Writing into memory does not fail; if it did, the answer would go out as it is.
    match encoder.write_all(json).and_then(|()| encoder.finish()) {
        Ok(bytes) => {
            let mut response = json_response(StatusCode::OK, bytes.into());
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
            response
        }
        Err(_) => json_response(StatusCode::OK, json.to_vec().into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn accepting(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))])
    }

    #[test]
    fn only_large_answers_for_those_who_accept_it() {
        assert!(is_worthwhile(&accepting("gzip, deflate"), WORTHWHILE));
        assert!(is_worthwhile(&accepting("br, GZIP;q=0.5"), WORTHWHILE));
        assert!(!is_worthwhile(&accepting("gzip"), WORTHWHILE - 1));
        for refused in ["", "br", "gzip;q=0", "identity"] {
            assert!(!is_worthwhile(&accepting(refused), WORTHWHILE), "{refused}");
        }
        assert!(!is_worthwhile(&HeaderMap::new(), WORTHWHILE));
    }

    #[test]
    fn what_is_compressed_can_be_read_again() {
        let json = "[0.1,0.2]".repeat(4000);
        let response = gzip(json.as_bytes());
        assert_eq!(response.headers()["content-encoding"], "gzip");
        let bytes = response.body().as_whole().unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
        assert_eq!(text, json);
    }
}
