//! What an id of a call is derived from: `prefix_aware_id_from` and `session_id_from`.

use std::str::FromStr;

use http::{HeaderName, header};

/// What keeps calls together under one id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IdSource {
    /// The beginning of the conversation, up to the first message of the user.
    Conversation,
    /// The name of the caller's key.
    Key,
    /// A header of the caller's request.
    Header(HeaderName),
}

/// Headers that carry secrets. Their digests would be secrets, too.
const SECRET: [HeaderName; 6] = [
    header::AUTHORIZATION,
    header::PROXY_AUTHORIZATION,
    header::COOKIE,
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-litellm-api-key"),
];

/// The form of a source. The error is what follows the parameter's name in a sentence.
impl FromStr for IdSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "conversation" => Ok(Self::Conversation),
            None if text == "key" => Ok(Self::Key),
            Some(("header", name)) => {
                let name: HeaderName = name.trim().parse().map_err(|_| "has an invalid header name".to_owned())?;
                if SECRET.contains(&name) {
                    return Err(format!("must not be derived from the secret in `{name}`; use `key`"));
                }
                Ok(Self::Header(name))
            }
            _ => Err("must be `conversation`, `key` or `header:<name>`".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_words_or_headers_without_secrets() {
        assert_eq!("conversation".parse(), Ok(IdSource::Conversation));
        assert_eq!("key".parse(), Ok(IdSource::Key));
        assert_eq!("header:X-Team".parse(), Ok(IdSource::Header(HeaderName::from_static("x-team"))));
        for text in
            ["", "Key", "header", "header:", "header:a b", "cookie:x", "header:Authorization", "header:x-api-key"]
        {
            assert!(text.parse::<IdSource>().is_err(), "{text}");
        }
    }
}
