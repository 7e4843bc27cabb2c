//! What can be known to be wrong with a model's calls before any of them is made.
//!
//! Owns putting the checks of the stages of a call together. Files are read; nothing is sent.

use http::HeaderMap;
use sagewire_types::{Error, ModelId, ModelIdError};

use crate::{
    SageMaker, TemplateChoice, TemplateWarning,
    call::route,
    request::{BaseUrl, Operation, check_endpoint_name, check_extra_header, door::Door},
};

impl SageMaker {
    /// Everything that would make each call of this model fail, as far as it can be known without
    /// asking the network: names, URL, headers, dialects and the template's file. Each error
    /// names its parameter. A `*` in the model stands for names that are not known yet.
    pub async fn preflight(&self, model: &str) -> Vec<Error> {
        let settings = self.settings();
        let model: ModelId = match model.parse() {
            Ok(model) => model,
            Err(error) => {
                let error: ModelIdError = error;
                return vec![Error::invalid("model", error.to_string()).with_source(error)];
            }
        };
        let mut problems = Vec::new();
        let mut note = |outcome: Result<(), Error>| problems.extend(outcome.err());
        let openai_endpoint = route::openai_endpoint(model.as_str());
        if openai_endpoint.is_none() {
            note(route::chat(settings.dialect, &model).map(drop));
        }
        let base = settings.base_url.as_deref().map(BaseUrl::parse).transpose();
        let is_verbatim = base.as_ref().is_ok_and(|base| base.as_ref().is_some_and(BaseUrl::is_verbatim));
        note(base.map(drop));
        let endpoint = openai_endpoint.unwrap_or(model.name());
        let door = Door::of(&model);
        if !endpoint.contains('*') {
            if !door.is_runtime() {
                note(door.address(endpoint, settings.headers.inference_component.as_deref()).map(drop));
            } else if !is_verbatim {
                note(check_endpoint_name(endpoint));
            }
        }
        note(settings.headers.write(door, Operation::Invoke, &mut HeaderMap::new()));
        for name in settings.extra_headers.keys() {
            note(check_extra_header(name));
        }
        if let Some(TemplateChoice::Path(_)) = &settings.template {
            note(self.shared.templates.find(&self.shared.world, settings, model.name()).await.map(drop));
        }
        problems
    }

    /// Why the prompts of this model's chats may not have the format that it was trained on, as far
    /// as it can be known without asking the network: nothing for a model whose container
    /// renders prompts itself, for one whose template may be on the Hub, and for one that is
    /// said to embed or to rank texts, or to transcribe.
    ///
    /// # Errors
    /// `Configuration` where [`strict_chat_templates`](crate::Settings::strict_chat_templates)
    /// refuses such calls, and for a template that cannot be read.
    pub async fn template_warning(&self, model: &ModelId) -> Result<Option<TemplateWarning>, Error> {
        let settings = self.settings();
        let wants_prompt = route::chat(settings.dialect, model).is_ok_and(|dialect| dialect.wants_prompt());
        let does_not_chat = settings.embedding_dialect.is_some()
            || settings.rerank_dialect.is_some()
            || settings.transcription_dialect.is_some();
        if !wants_prompt || does_not_chat || model.name().contains('*') || settings.hub_access == Some(true) {
            return Ok(None);
        }
        Ok(self.shared.templates.find(&self.shared.world, settings, model.name()).await?.warning)
    }
}

#[cfg(test)]
mod tests {
    use sagewire_credentials::seam::World;
    use serde_json::{Value, json};

    use super::*;
    use crate::Settings;

    async fn problems(model: &str, params: Value) -> Vec<Option<String>> {
        let world = World::builder().build();
        let settings = Settings::from_litellm_params(params.as_object().cloned().unwrap(), &world).unwrap();
        let sagemaker = SageMaker::builder().world(world).settings(settings).build().unwrap();
        let problems = sagemaker.preflight(model).await;
        problems.iter().map(|error| error.param().map(str::to_owned)).collect()
    }

    #[tokio::test]
    async fn whatever_would_fail_every_call_is_named() {
        for (model, params, param) in [
            ("sagemaker/my_endpoint", json!({}), "model"),
            ("bedrock/m", json!({}), "model"),
            ("sagemaker/e", json!({"sagemaker_base_url": "not a url"}), "sagemaker_base_url"),
            ("sagemaker/e", json!({"model_id": "no component!"}), "model_id"),
            ("sagemaker/e", json!({"extra_headers": {"authorization": "x"}}), "extra_headers"),
            ("sagemaker/e", json!({"chat_template": "/nowhere/template.jinja"}), "chat_template"),
        ] {
            assert_eq!(problems(model, params.clone()).await, [Some(param.to_owned())], "{model} {params}");
        }
    }

    #[tokio::test]
    async fn a_chat_without_a_known_template_is_a_warning_where_we_render_the_prompt() {
        for (model, params, expected) in [
            ("sagemaker/e", json!({}), true),
            ("sagemaker/jumpstart-dft-meta-textgeneration-llama-3-1-8b-instruct", json!({}), false),
            ("sagemaker/e", json!({"hf_model_name": "acme/model"}), true),
            ("sagemaker/e", json!({"hf_model_name": "acme/model", "hub_access": true}), false),
            ("sagemaker/e", json!({"dialect": "messages"}), false),
            ("sagemaker/e", json!({"embedding_dialect": "tei"}), false),
            ("sagemaker_chat/e", json!({}), false),
            ("sagemaker/*", json!({}), false),
        ] {
            let mut params = params;
            let warning = |params: &Value| {
                let world = World::builder().build();
                let settings = Settings::from_litellm_params(params.as_object().cloned().unwrap(), &world).unwrap();
                let sagemaker = SageMaker::builder().world(world).settings(settings).build().unwrap();
                let model: ModelId = model.parse().unwrap();
                async move { sagemaker.template_warning(&model).await }
            };
            assert_eq!(warning(&params).await.unwrap().is_some(), expected, "{model} {params}");
            params["strict_chat_templates"] = json!(true);
            let refused = warning(&params).await.is_err_and(|error| error.param() == Some("strict_chat_templates"));
            assert_eq!(refused, expected, "{model} {params}");
        }
    }

    #[tokio::test]
    async fn all_problems_are_named_and_what_is_right_is_none() {
        let params = json!({"sagemaker_base_url": "ftp://x", "model_id": "a b", "target_variant": "v"});
        assert_eq!(problems("sagemaker/a_b", params).await.len(), 3);
        assert_eq!(problems("sagemaker/*", json!({})).await, []);
        assert_eq!(problems("sagemaker/openai/my-embedder", json!({})).await, []);
        assert_eq!(problems("sagemaker/openai/my_embedder", json!({})).await, [Some("model".to_owned())]);
        assert_eq!(problems("sagemaker/a_b", json!({"sagemaker_base_url": "http://127.0.0.1/path"})).await, []);
    }
}
