//! A model's thoughts in the opaque field that clients send back: `signature` of a thinking block,
//! `encrypted_content` of a reasoning item.
//!
//! Owns the form: base64url of a versioned JSON. It keeps nothing secret; it carries the thoughts
//! to whichever replica answers next.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

/// The largest field that is read back, in bytes. A larger one is ignored.
const LARGEST: usize = 256 * 1024;

const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
struct Sealed {
    v: u8,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    thoughts: String,
}

/// The opaque field for these thoughts. Thoughts too long to be read back are left out of it.
pub(crate) fn seal(thoughts: &str) -> String {
    let write = |thoughts: &str| {
        let sealed = Sealed { v: VERSION, thoughts: thoughts.to_owned() };
        // A number and a text always have a JSON form.
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&sealed).unwrap_or_default())
    };
    let whole = write(thoughts);
    if whole.len() > LARGEST { write("") } else { whole }
}

/// The thoughts in an opaque field; `None` if the field is not ours, is too large, or holds none.
pub(crate) fn open(field: &str) -> Option<String> {
    if field.len() > LARGEST {
        return None;
    }
    let json = BASE64_URL_SAFE_NO_PAD.decode(field).ok()?;
    let sealed: Sealed = serde_json::from_slice(&json).ok()?;
    (sealed.v == VERSION && !sealed.thoughts.is_empty()).then_some(sealed.thoughts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thoughts_come_back_and_everything_else_is_ignored() {
        assert_eq!(open(&seal("I think, \"ü\"\n")).as_deref(), Some("I think, \"ü\"\n"));
        assert_eq!(open(&seal("")), None);
        for foreign in
            ["", "EqQBCgIYAhIM", "e30", "not base64!", &BASE64_URL_SAFE_NO_PAD.encode(r#"{"v":2,"thoughts":"x"}"#)]
        {
            assert_eq!(open(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn no_field_is_larger_than_what_is_read_back() {
        let long = "x".repeat(LARGEST);
        assert!(seal(&long).len() < 100);
        assert_eq!(open(&BASE64_URL_SAFE_NO_PAD.encode(format!(r#"{{"v":1,"thoughts":"{long}"}}"#))), None);
    }
}
