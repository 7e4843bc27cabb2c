//! Percent-encoding as SigV4 defines it: everything but the unreserved characters, in upper-case
//! hexadecimal.

/// Appends `bytes` percent-encoded; `/` stays when `keep_slash` (in paths).
pub(crate) fn push_encoded(out: &mut String, bytes: &[u8], keep_slash: bool) {
    for &byte in bytes {
        if is_unreserved(byte) || (keep_slash && byte == b'/') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(upper_hex_digit(byte >> 4));
            out.push(upper_hex_digit(byte & 0xf));
        }
    }
}

/// RFC 3986's unreserved characters, the only ones that SigV4 leaves as they are.
pub(super) fn is_unreserved(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~')
}

/// The digit of a number below 16.
fn upper_hex_digit(number: u8) -> char {
    char::from(number + if number < 10 { b'0' } else { b'A' - 10 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_every_byte_but_the_unreserved() {
        for byte in 0..=u8::MAX {
            let (mut plain, mut path) = (String::new(), String::new());
            push_encoded(&mut plain, &[byte], false);
            push_encoded(&mut path, &[byte], true);
            let kept = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            let expected = if kept { char::from(byte).to_string() } else { format!("%{byte:02X}") };
            assert_eq!(plain, expected);
            assert_eq!(path, if byte == b'/' { "/" } else { &expected });
        }
    }
}
