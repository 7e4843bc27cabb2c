//! Reads `tokenizer_config.json` and `chat_template.jinja` of a model. Pure: the bytes are handed in.
//!
//! <https://huggingface.co/docs/transformers/main/en/chat_templating_writing>

use serde_json::{Map, Value};

use crate::special_tokens::SpecialTokens;

/// The special tokens every tokenizer may name.
const NAMED: [&str; 7] = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

/// What a tokenizer's configuration says about chat templates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenizerConfig {
    /// The templates by name; a single one is called `default`. Never empty.
    pub(crate) templates: Vec<(String, String)>,
    pub(crate) tokens: SpecialTokens,
}

/// Why a tokenizer's configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file is not JSON.
    #[error("tokenizer_config.json is not valid JSON; give the file as the model's repository has it")]
    Json(#[source] serde_json::Error),
    /// The file is not a JSON object.
    #[error("tokenizer_config.json is not a JSON object; give the file as the model's repository has it")]
    NotAnObject,
    /// There is no chat template.
    #[error("the tokenizer has no chat template; the model may be a base model, give a template of your own")]
    NoTemplate,
    /// `chat_template` has a form that is not known.
    #[error("`chat_template` in tokenizer_config.json is neither a text nor a list of names and templates; correct it")]
    BadTemplate,
    /// A special token is neither text nor an object with a `content`.
    #[error("`{name}` in tokenizer_config.json is neither a text nor an object with a `content`; correct it")]
    BadToken {
        /// The token's name.
        name: String,
    },
}

/// Parses the configuration; the text of `chat_template.jinja`, if there is one, replaces its template.
pub(crate) fn parse(json: &[u8], jinja_file: Option<&str>) -> Result<TokenizerConfig, ConfigError> {
    let config: Value = serde_json::from_slice(json).map_err(ConfigError::Json)?;
    let Value::Object(config) = config else { return Err(ConfigError::NotAnObject) };
    let templates = match jinja_file {
        Some(source) => vec![("default".to_owned(), source.to_owned())],
        None => templates(config.get("chat_template"))?,
    };
    Ok(TokenizerConfig { templates, tokens: tokens(&config)? })
}

fn templates(json: Option<&Value>) -> Result<Vec<(String, String)>, ConfigError> {
    let templates = match json {
        None | Some(Value::Null) => return Err(ConfigError::NoTemplate),
        Some(Value::String(source)) => vec![("default".to_owned(), source.clone())],
        Some(Value::Array(list)) => list.iter().map(named).collect::<Option<_>>().ok_or(ConfigError::BadTemplate)?,
        Some(Value::Object(map)) => {
            let entries = map.iter().map(|(name, source)| Some((name.clone(), source.as_str()?.to_owned())));
            entries.collect::<Option<Vec<_>>>().ok_or(ConfigError::BadTemplate)?
        }
        Some(_) => return Err(ConfigError::BadTemplate),
    };
    if templates.is_empty() { Err(ConfigError::NoTemplate) } else { Ok(templates) }
}

fn named(entry: &Value) -> Option<(String, String)> {
    Some((entry.get("name")?.as_str()?.to_owned(), entry.get("template")?.as_str()?.to_owned()))
}

/// The named tokens, and those a model adds: keys that end in `_token`, and an object of extra tokens.
fn tokens(config: &Map<String, Value>) -> Result<SpecialTokens, ConfigError> {
    let mut tokens = SpecialTokens::new();
    for (name, json) in config {
        if !name.ends_with("_token") {
            continue;
        }
        match (token(json), NAMED.contains(&name.as_str())) {
            (Some(Some(text)), _) => tokens = tokens.with(name, text),
            (Some(None), _) | (None, false) => {}
            // `add_bos_token` and its like are switches, not tokens; a named one must be text.
            (None, true) => return Err(ConfigError::BadToken { name: name.clone() }),
        }
    }
    if let Some(Value::Object(extra)) = config.get("extra_special_tokens") {
        for (name, json) in extra {
            if let Some(Some(text)) = token(json) {
                tokens = tokens.with(name, text);
            }
        }
    }
    Ok(tokens)
}

/// The text of a token: `Some(None)` when it is null, `None` when it is no token.
fn token(json: &Value) -> Option<Option<&str>> {
    match json {
        Value::Null => Some(None),
        Value::String(text) => Some(Some(text)),
        Value::Object(object) => object.get("content").and_then(Value::as_str).map(Some),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_strings_or_objects() {
        let json = br#"{"bos_token": {"content": "<s>", "lstrip": false}, "eos_token": "</s>", "pad_token": null,
            "add_bos_token": true, "image_token": "<image>", "extra_special_tokens": {"audio_token": "<audio>"},
            "chat_template": "x"}"#;
        let config = parse(json, None).unwrap();
        let tokens: Vec<_> = config.tokens.iter().collect();
        let expected =
            [("bos_token", "<s>"), ("eos_token", "</s>"), ("image_token", "<image>"), ("audio_token", "<audio>")];
        assert_eq!(tokens, expected);
        assert_eq!(config.templates, [("default".to_owned(), "x".to_owned())]);
    }

    #[test]
    fn several_templates_have_names() {
        let json =
            br#"{"chat_template": [{"name": "default", "template": "a"}, {"name": "tool_use", "template": "b"}]}"#;
        let names: Vec<_> = parse(json, None).unwrap().templates.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["default", "tool_use"]);
        let file = parse(json, Some("c")).unwrap();
        assert_eq!(file.templates, [("default".to_owned(), "c".to_owned())]);
    }

    #[test]
    fn broken_files_are_told_apart() {
        assert!(matches!(parse(b"{", None), Err(ConfigError::Json(_))));
        assert!(matches!(parse(b"[]", None), Err(ConfigError::NotAnObject)));
        assert!(matches!(parse(b"{}", None), Err(ConfigError::NoTemplate)));
        assert!(matches!(parse(br#"{"chat_template": []}"#, None), Err(ConfigError::NoTemplate)));
        assert!(matches!(parse(br#"{"chat_template": 1}"#, None), Err(ConfigError::BadTemplate)));
        assert!(matches!(parse(br#"{"chat_template": [{"name": 1}]}"#, None), Err(ConfigError::BadTemplate)));
        let token = br#"{"chat_template": "x", "bos_token": 1}"#;
        assert!(matches!(parse(token, None), Err(ConfigError::BadToken { name }) if name == "bos_token"));
    }
}
