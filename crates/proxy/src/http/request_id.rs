//! The id of each request: the caller's own, or one that we make.
//!
//! Owns which ids are accepted and how new ones look.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use http::{HeaderMap, HeaderName, HeaderValue};

/// Where an id comes in and goes out. OpenAI's SDKs read it from there.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Where Anthropic's SDKs read it from.
pub(crate) const ANTHROPIC: HeaderName = HeaderName::from_static("request-id");

/// Makes ids that differ within the process, and between processes with all likelihood.
#[derive(Debug)]
pub(crate) struct RequestIds {
    random: RandomState,
    next: AtomicU64,
}

impl Default for RequestIds {
    fn default() -> Self {
        Self { random: RandomState::new(), next: AtomicU64::new(0) }
    }
}

impl RequestIds {
    /// The caller's id where it is sensible, else a new one.
    pub(crate) fn of(&self, headers: &HeaderMap) -> HeaderValue {
        match headers.get(HEADER) {
            Some(id) if is_sensible(id) => id.clone(),
            _ => self.make(),
        }
    }

    fn make(&self) -> HeaderValue {
        let number = self.next.fetch_add(1, Relaxed);
        let mut text = *b"req-0123456789abcdef01234567";
        let id = u128::from(self.random.hash_one(number)) << 32 | u128::from(number & 0xffff_ffff);
        for (digit, place) in text.iter_mut().skip(4).zip((0..24).rev()) {
            let value = char::from_digit((id >> (4 * place) & 0xf) as u32, 16);
            *digit = value.map_or(b'0', |value| value as u8);
        }
        // Hexadecimal digits are always a header's value.
        HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("req-0"))
    }
}

/// An id goes into logs and headers: it must be short and of plain letters.
fn is_sensible(id: &HeaderValue) -> bool {
    let bytes = id.as_bytes();
    (1..=128).contains(&bytes.len())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'/' | b'='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sensible_id_is_kept_and_every_other_replaced() {
        let ids = RequestIds::default();
        let mut headers = HeaderMap::new();
        let first = ids.of(&headers);
        assert_ne!(first, ids.of(&headers));
        assert!(is_sensible(&first), "{first:?}");
        let digits = first.to_str().unwrap().strip_prefix("req-").unwrap();
        assert!(digits.len() == 24 && digits.ends_with("00000000"), "{digits}");
        assert!(digits.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit)), "{digits}");
        headers.insert(HEADER, HeaderValue::from_static("trace-1/a"));
        assert_eq!(ids.of(&headers), "trace-1/a");
        for odd in ["", "a b", "a\"b", &"x".repeat(129)] {
            headers.insert(HEADER, HeaderValue::from_str(odd).unwrap());
            assert_ne!(ids.of(&headers), odd);
        }
    }
}
