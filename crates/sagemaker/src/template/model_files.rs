//! The files of a model that say how its prompts are made, wherever they come from.
//!
//! Owns which of them counts; reading them is for those who know where they are.
//!
//! <https://huggingface.co/docs/transformers/main/en/chat_templating_writing>

use sagewire_chat_template::{ChatTemplate, ConfigError, TemplateError, TemplateFiles};
use serde_json::{Map, Value};

use super::error::LookupError;

/// The contents of a model's files, as far as they are there.
#[derive(Debug, Default)]
pub(super) struct ModelFiles<B> {
    /// `tokenizer_config.json`: the special tokens, and the template unless another file has it.
    pub(super) config: Option<B>,
    /// `chat_template.jinja`, which stands over the configuration's template.
    pub(super) jinja: Option<B>,
    /// `chat_template.json`, where older processors keep theirs. Read only where neither of the
    /// others has one.
    pub(super) processor: Option<B>,
    /// `special_tokens_map.json`, which older configurations need.
    pub(super) tokens: Option<B>,
    /// The files of `additional_chat_templates`, by their names.
    pub(super) additional: Vec<(&'static str, B)>,
}

impl<B: AsRef<[u8]>> ModelFiles<B> {
    /// The template; nothing where the files hold none. `param` is the setting that led here, for
    /// errors.
    ///
    /// What a model's own files hold is made for messages of one form: others are fitted to it.
    pub(super) fn compile(&self, place: &str, param: &'static str) -> Result<Option<ChatTemplate>, LookupError> {
        let broken = |error: TemplateError| {
            LookupError::broken(param, format!("the chat template of {place} cannot be used: {error}"))
                .with_source(error)
        };
        let jinja = self.own_template(place, param)?;
        if self.config.is_none() && jinja.is_none() {
            return Ok(None);
        }
        let mut files = TemplateFiles::new();
        if let Some(config) = &self.config {
            files = files.tokenizer_config(config.as_ref());
        }
        if let Some(tokens) = &self.tokens {
            files = files.special_tokens_map(tokens.as_ref());
        }
        if let Some(jinja) = &jinja {
            files = files.chat_template(jinja);
        }
        for (name, source) in &self.additional {
            files = files.additional(name, utf8(source, place, param)?);
        }
        let compiled = ChatTemplate::from_files(&files);
        match compiled {
            Ok(template) => Ok(Some(template.adapting())),
            Err(TemplateError::Config(ConfigError::NoTemplate)) => Ok(None),
            Err(error) => Err(broken(error)),
        }
    }

    /// One `tokenizer_config.json` that says the same as all files, without the vocabulary that
    /// some hold.
    pub(super) fn as_one(&self, place: &str, param: &'static str) -> Result<Vec<u8>, LookupError> {
        let read = |config: &B| serde_json::from_slice(config.as_ref());
        let unusable = |error| {
            LookupError::broken(param, format!("the tokenizer's configuration of {place} is not a JSON object"))
                .with_source(error)
        };
        let mut config: Map<String, Value> =
            self.config.as_ref().map(read).transpose().map_err(unusable)?.unwrap_or_default();
        config.shift_remove("added_tokens_decoder");
        if let Some(jinja) = self.own_template(place, param)? {
            config.insert("chat_template".to_owned(), Value::String(jinja));
        }
        serde_json::to_vec(&config).map_err(unusable)
    }

    /// The template that has a file of its own.
    fn own_template(&self, place: &str, param: &'static str) -> Result<Option<String>, LookupError> {
        if let Some(jinja) = &self.jinja {
            return utf8(jinja, place, param).map(|text| Some(text.to_owned()));
        }
        let Some(processor) = &self.processor else { return Ok(None) };
        let mut json: Map<String, Value> = serde_json::from_slice(processor.as_ref()).map_err(|error| {
            LookupError::broken(param, format!("`chat_template.json` of {place} is not a JSON object"))
                .with_source(error)
        })?;
        match json.shift_remove("chat_template") {
            Some(Value::String(text)) => Ok(Some(text)),
            _ => Err(LookupError::broken(param, format!("`chat_template.json` of {place} has no `chat_template`"))),
        }
    }
}

fn utf8<'b>(source: &'b impl AsRef<[u8]>, place: &str, param: &'static str) -> Result<&'b str, LookupError> {
    std::str::from_utf8(source.as_ref()).map_err(|error| {
        LookupError::broken(param, format!("the chat template of {place} is not UTF-8 text")).with_source(error)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn render(files: &ModelFiles<&str>) -> String {
        let template = files.compile("it", "p").unwrap().unwrap();
        let messages = [json!({"role": "user", "content": "hi"})];
        template.render(&sagewire_chat_template::Conversation::new(&messages), &|| std::time::UNIX_EPOCH).unwrap()
    }

    #[test]
    fn a_file_of_its_own_stands_over_the_configuration_whose_tokens_count() {
        let config = r#"{"chat_template": "config", "eos_token": "</s>", "added_tokens_decoder": {"0": {}}}"#;
        let mut files = ModelFiles { config: Some(config), ..ModelFiles::default() };
        assert_eq!(render(&files), "config");
        files.processor = Some(r#"{"chat_template": "processor{{ eos_token }}"}"#);
        assert_eq!(render(&files), "processor</s>");
        files.jinja = Some("jinja{{ eos_token }}");
        assert_eq!(render(&files), "jinja</s>");

        let one = String::from_utf8(files.as_one("it", "p").unwrap()).unwrap();
        assert_eq!(one, r#"{"chat_template":"jinja{{ eos_token }}","eos_token":"</s>"}"#);
        assert_eq!(render(&ModelFiles { config: Some(&one), ..ModelFiles::default() }), "jinja</s>");
        let alone = ModelFiles { jinja: Some("jinja"), ..ModelFiles::default() };
        assert_eq!(render(&alone), "jinja");
        assert_eq!(alone.as_one("it", "p").unwrap(), br#"{"chat_template":"jinja"}"#);
    }

    #[test]
    fn files_without_a_template_are_nothing_and_broken_ones_an_error() {
        let none = ModelFiles { config: Some(r#"{"eos_token": "</s>"}"#), ..ModelFiles::default() };
        assert!(none.compile("it", "p").unwrap().is_none());
        assert!(ModelFiles::<&str>::default().compile("it", "p").unwrap().is_none());
        for files in [
            ModelFiles { config: Some(&b"{"[..]), ..ModelFiles::default() },
            ModelFiles { config: Some(b"[]"), ..ModelFiles::default() },
            ModelFiles { config: Some(br#"{"chat_template": "{% if %}"}"#), ..ModelFiles::default() },
            ModelFiles { jinja: Some(b"{{ x"), ..ModelFiles::default() },
            ModelFiles { jinja: Some(b"\xff"), ..ModelFiles::default() },
            ModelFiles { processor: Some(b"{}"), ..ModelFiles::default() },
            ModelFiles { processor: Some(b"no"), ..ModelFiles::default() },
        ] {
            let error = sagewire_types::Error::from(files.compile("`acme/model`", "p").unwrap_err());
            assert_eq!((error.kind(), error.param()), (sagewire_types::ErrorKind::Configuration, Some("p")));
            assert!(error.to_string().contains("`acme/model`"), "{error}");
        }
    }
}
