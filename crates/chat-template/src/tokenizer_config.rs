//! Reads the files of a model that say how its prompts are made. Pure: the bytes are handed in.
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
    /// `special_tokens_map.json` is not a JSON object.
    #[error(
        "special_tokens_map.json is not a JSON object; give the file as the model's repository has it, or remove it"
    )]
    SpecialTokensMap(#[source] serde_json::Error),
    /// A special token is neither text nor an object with a `content`.
    #[error("`{name}` in tokenizer_config.json is neither a text nor an object with a `content`; correct it")]
    BadToken {
        /// The token's name.
        name: String,
    },
}

/// The files of a model, as `save_pretrained` of `transformers` writes them.
///
/// ```
/// use sagewire_chat_template::{ChatTemplate, TemplateFiles};
///
/// let files = TemplateFiles::new()
///     .tokenizer_config(br#"{"eos_token": "</s>"}"#)
///     .chat_template("{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}");
/// let template = ChatTemplate::from_files(&files)?;
/// assert_eq!(template.stop_strings(), ["</s>"]);
/// # Ok::<(), sagewire_chat_template::TemplateError>(())
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct TemplateFiles<'f> {
    tokenizer_config: Option<&'f [u8]>,
    special_tokens_map: Option<&'f [u8]>,
    chat_template: Option<&'f str>,
    additional: Vec<(&'f str, &'f str)>,
}

impl<'f> TemplateFiles<'f> {
    /// No files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `tokenizer_config.json`: the special tokens, and the templates unless another file has them.
    #[must_use]
    pub fn tokenizer_config(mut self, json: &'f [u8]) -> Self {
        self.tokenizer_config = Some(json);
        self
    }

    /// `special_tokens_map.json`: the special tokens of a configuration without
    /// `added_tokens_decoder`, as older versions wrote them.
    #[must_use]
    pub fn special_tokens_map(mut self, json: &'f [u8]) -> Self {
        self.special_tokens_map = Some(json);
        self
    }

    /// `chat_template.jinja`, which replaces the configuration's templates.
    #[must_use]
    pub fn chat_template(mut self, source: &'f str) -> Self {
        self.chat_template = Some(source);
        self
    }

    /// `additional_chat_templates/<name>.jinja`.
    #[must_use]
    pub fn additional(mut self, name: &'f str, source: &'f str) -> Self {
        self.additional.push((name, source));
        self
    }
}

/// Reads the files.
pub(crate) fn read(files: &TemplateFiles<'_>) -> Result<TokenizerConfig, ConfigError> {
    let config: Value = match files.tokenizer_config {
        Some(json) => serde_json::from_slice(json).map_err(ConfigError::Json)?,
        None => Value::Object(Map::new()),
    };
    let Value::Object(config) = config else { return Err(ConfigError::NotAnObject) };
    let mut templates = match files.chat_template {
        Some(source) => vec![("default".to_owned(), source.to_owned())],
        None if files.additional.is_empty() => templates(config.get("chat_template"))?,
        None => templates(config.get("chat_template")).or_else(|error| match error {
            ConfigError::NoTemplate => Ok(Vec::new()),
            other => Err(other),
        })?,
    };
    for (name, source) in &files.additional {
        templates.retain(|(known, _)| known != name);
        templates.push(((*name).to_owned(), (*source).to_owned()));
    }
    let mut tokens = tokens(SpecialTokens::new(), &config)?;
    // `transformers` reads the older file only for a configuration of its time.
    if let Some(json) = files.special_tokens_map.filter(|_| !config.contains_key("added_tokens_decoder")) {
        let map: Map<String, Value> = serde_json::from_slice(json).map_err(ConfigError::SpecialTokensMap)?;
        tokens = self::tokens(tokens, &map)?;
    }
    Ok(TokenizerConfig { templates, tokens })
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

/// Adds the named tokens, and those of the model: keys that end in `_token`, and objects of further
/// tokens.
fn tokens(mut tokens: SpecialTokens, config: &Map<String, Value>) -> Result<SpecialTokens, ConfigError> {
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
    // The newer name and the older one.
    for extra in ["extra_special_tokens", "model_specific_special_tokens"] {
        for (name, json) in config.get(extra).and_then(Value::as_object).into_iter().flatten() {
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

    fn parse(json: &[u8], jinja_file: Option<&str>) -> Result<TokenizerConfig, ConfigError> {
        let files = TemplateFiles::new().tokenizer_config(json);
        read(&jinja_file.map_or(files.clone(), |source| files.chat_template(source)))
    }

    #[test]
    fn folders_are_read_as_transformers_writes_them() {
        let config = br#"{"eos_token": "</s>", "model_specific_special_tokens": {"image_token": "<image>"}}"#;
        let map = br#"{"bos_token": {"content": "<s>", "lstrip": false}, "eos_token": "<eos>", "additional_special_tokens": ["<x>"]}"#;
        let files = TemplateFiles::new().tokenizer_config(config).special_tokens_map(map).chat_template("a");
        let read_all = read(&files.clone().additional("tool_use", "b").additional("rag", "c")).unwrap();
        let tokens: Vec<_> = read_all.tokens.iter().collect();
        assert_eq!(tokens, [("eos_token", "<eos>"), ("image_token", "<image>"), ("bos_token", "<s>")]);
        let names: Vec<_> = read_all.templates.iter().map(|(name, source)| (name.as_str(), source.as_str())).collect();
        assert_eq!(names, [("default", "a"), ("tool_use", "b"), ("rag", "c")]);

        let newer = br#"{"eos_token": "</s>", "added_tokens_decoder": {}}"#;
        let newer =
            read(&TemplateFiles::new().tokenizer_config(newer).special_tokens_map(map).chat_template("a")).unwrap();
        assert_eq!(newer.tokens.iter().collect::<Vec<_>>(), [("eos_token", "</s>")]);
        let alone = read(&TemplateFiles::new().special_tokens_map(map).chat_template("a")).unwrap();
        assert_eq!(alone.tokens.bos(), Some("<s>"));
        let broken = TemplateFiles::new().special_tokens_map(b"[]").chat_template("a");
        assert!(matches!(read(&broken), Err(ConfigError::SpecialTokensMap(_))));
    }

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
