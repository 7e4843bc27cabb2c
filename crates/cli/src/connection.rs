//! Which model a command talks to, and how: the arguments that `chat`, `embed` and `doctor` share,
//! and the provider behind them.
//!
//! Owns the three ways: settings from the arguments and the environment, a deployment of LiteLLM's
//! `config.yaml`, and the embedded emulator.

use std::{io::IsTerminal as _, path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use sagewire::{
    ChatRequest, Client, Provider, SageMaker, Settings,
    batch::{Buckets, S3Results},
    credentials::{AwsParams, seam::World},
};
use sagewire_proxy::{App, Config, ServedModel, Wiring, config::Mode};
use serde_json::{Map, Value};

use crate::{Failure, serve::model_names, terminal};

/// How long a chat on a terminal waits for an endpoint that is scaled to zero, if
/// `wait_for_capacity` says nothing else.
const LONGEST_WAKING: Duration = Duration::from_secs(600);

/// Where the model is.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectionArguments {
    /// LiteLLM's configuration file; `--model` is then one of its `model_name`s
    #[arg(long, short, value_name = "FILE", conflicts_with_all = ["region", "profile", "base_url", "inference_component", "dialect"])]
    pub(crate) config: Option<PathBuf>,
    /// Uses an embedded emulator; no AWS account is needed
    #[cfg(feature = "emulator")]
    #[arg(long, conflicts_with_all = ["config", "region", "profile", "base_url"])]
    pub(crate) demo: bool,
    /// The AWS region [default: from the environment, the profile or the machine]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// A profile from ~/.aws/config
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Calls this URL instead of the region's host
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// The inference component, on an endpoint that hosts several models
    #[arg(long, visible_alias = "model-id", value_name = "NAME")]
    pub(crate) inference_component: Option<String>,
    /// The dialect of the container, such as `tgi`, `lmi` or `messages` [default: by the model's
    /// prefix]
    #[arg(long, value_name = "NAME")]
    pub(crate) dialect: Option<String>,
    /// Another parameter, as in LiteLLM: of the model (`top_k=40`) or of the call
    /// (`aws_role_name=...`). The value is JSON, else text. Repeatable
    #[arg(long = "param", short = 'p', value_name = "NAME=VALUE", value_parser = parameter)]
    pub(crate) params: Vec<(String, Value)>,
}

impl ConnectionArguments {
    /// Everything given, under LiteLLM's names.
    pub(crate) fn litellm_params(&self, embeds: bool) -> Map<String, Value> {
        let dialect = if embeds { "embedding_dialect" } else { "dialect" };
        let named = [
            ("aws_region_name", &self.region),
            ("aws_profile_name", &self.profile),
            ("sagemaker_base_url", &self.base_url),
            ("model_id", &self.inference_component),
            (dialect, &self.dialect),
        ];
        let named = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?.into())));
        named.chain(self.params.iter().cloned()).collect()
    }
}

/// `name=value`, with the value as JSON if it is JSON.
fn parameter(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("expected `name=value`")?;
    if name.is_empty() {
        return Err("expected `name=value`".to_owned());
    }
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    Ok((name.to_owned(), value))
}

/// What a command asks of its model. It decides the endpoint of the demo and which kind of dialect
/// is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Chat,
    Embed,
    /// Lines that say themselves what they ask.
    Batch,
}

/// A model that can be called.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) model: String,
    /// Parameters of the model that every request has.
    pub(crate) parameters: Map<String, Value>,
    /// The app of a configuration.
    app: Option<App>,
    #[cfg(feature = "emulator")]
    _emulator: Option<sagewire_emulator::Emulator>,
}

impl Connection {
    /// Sets the connection up. Nothing is sent yet.
    pub(crate) async fn open(
        arguments: &ConnectionArguments,
        model: Option<&str>,
        purpose: Purpose,
    ) -> Result<Self, Failure> {
        let world = World::system();
        if let Some(path) = &arguments.config {
            return Self::from_config(path, arguments, model, purpose, world);
        }
        let embeds = purpose == Purpose::Embed;
        let mut settings = Settings::from_litellm_params(arguments.litellm_params(embeds), &world)?;
        let parameters = request_parameters(settings.defaults.take().as_deref())?;
        if purpose == Purpose::Chat && std::io::stderr().is_terminal() {
            // A person sees what is waited for, and can stop it.
            settings.wait_for_capacity.get_or_insert(LONGEST_WAKING);
        }
        #[cfg(feature = "emulator")]
        if arguments.demo {
            use sagewire_emulator::{EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY};

            let emulator = crate::demo::emulator().await?;
            let sagemaker = SageMaker::builder()
                .settings(settings)
                .endpoint_url(emulator.url())
                .region("us-east-1")
                .keys(EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY)
                .build()?;
            let default = if embeds { "sagemaker/embedding" } else { "sagemaker_chat/messages" };
            return Ok(Self {
                provider: Arc::new(Client::builder().sagemaker(sagemaker).build()),
                model: model.unwrap_or(default).to_owned(),
                parameters,
                app: None,
                _emulator: Some(emulator),
            });
        }
        let model = model.ok_or_else(no_model)?.to_owned();
        let results = S3Results::new(Buckets::new(AwsParams::default(), world.clone()));
        let sagemaker =
            SageMaker::builder().world(world).settings(settings).async_objects(Arc::new(results)).build()?;
        Ok(Self {
            provider: Arc::new(Client::builder().sagemaker(sagemaker).build()),
            model,
            parameters,
            app: None,
            #[cfg(feature = "emulator")]
            _emulator: None,
        })
    }

    /// An app that serves the model: that of the configuration, or one of its own.
    pub(crate) fn app(&self) -> Result<App, Failure> {
        if let Some(app) = &self.app {
            return Ok(app.clone());
        }
        let app = App::builder().provider(Arc::clone(&self.provider)).model(ServedModel::new(&self.model));
        app.build().map_err(Failure::usage)
    }

    fn from_config(
        path: &std::path::Path,
        arguments: &ConnectionArguments,
        model: Option<&str>,
        purpose: Purpose,
        world: World,
    ) -> Result<Self, Failure> {
        let (config, warnings) = Config::from_file(path, &|name| world.var(name)).map_err(Failure::usage)?;
        for warning in &warnings {
            terminal::warn(warning);
        }
        let app = Wiring::new(world).app(&config, None).map_err(Failure::usage)?;
        let model = match model {
            Some(model) => model.to_owned(),
            None if purpose == Purpose::Batch => String::new(),
            None => only_model(&config, purpose)?,
        };
        Ok(Self {
            provider: Arc::clone(app.provider()),
            model,
            parameters: arguments.params.iter().cloned().collect(),
            app: Some(app),
            #[cfg(feature = "emulator")]
            _emulator: None,
        })
    }
}

/// The failure of a command without a model.
pub(crate) fn no_model() -> Failure {
    let demo = if cfg!(feature = "emulator") { ", or `--demo` to try without an AWS account" } else { "" };
    let hint = format!("use `--model sagemaker_chat/<endpoint>` or SAGEWIRE_MODEL{demo}");
    Failure::usage("missing model").with_hint(hint)
}

/// The only model of a configuration that fits the purpose, which is not a batch.
pub(crate) fn only_model(config: &Config, purpose: Purpose) -> Result<String, Failure> {
    let mut names: Vec<&str> = Vec::new();
    for deployment in &config.deployments {
        let embeds = deployment.mode == Some(Mode::Embedding);
        if embeds == (purpose == Purpose::Embed) && !names.contains(&deployment.model_name.as_str()) {
            names.push(&deployment.model_name);
        }
    }
    match names.as_slice() {
        [only] => Ok((*only).to_owned()),
        _ => {
            let failure =
                Failure::usage("the configuration has several models or none that fits; choose one with `--model`");
            Err(failure.with_hint(format!("its models are: {}", model_names(config))))
        }
    }
}

/// The parameters that go into every request.
fn request_parameters(defaults: Option<&ChatRequest>) -> Result<Map<String, Value>, Failure> {
    let Some(defaults) = defaults else { return Ok(Map::new()) };
    let value = serde_json::to_value(defaults).map_err(Failure::usage)?;
    let mut parameters = match value {
        Value::Object(parameters) => parameters,
        _ => Map::new(),
    };
    parameters.retain(|name, _| !matches!(name.as_str(), "model" | "messages"));
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_json_or_text() {
        assert_eq!(parameter("top_k=40").unwrap(), ("top_k".to_owned(), Value::from(40)));
        assert_eq!(parameter("x=a=b").unwrap(), ("x".to_owned(), Value::from("a=b")));
        assert_eq!(parameter("guided=[\"a\"]").unwrap().1, serde_json::json!(["a"]));
        assert!(parameter("top_k").is_err() && parameter("=1").is_err());
    }

    #[test]
    fn flags_and_parameters_go_under_litellms_names() {
        let arguments = ConnectionArguments {
            region: Some("eu-west-1".to_owned()),
            inference_component: Some("llama".to_owned()),
            dialect: Some("hf".to_owned()),
            params: vec![("top_k".to_owned(), Value::from(1))],
            ..ConnectionArguments::default()
        };
        let params = Value::Object(arguments.litellm_params(true));
        let expected = serde_json::json!({"aws_region_name": "eu-west-1", "model_id": "llama", "embedding_dialect": "hf", "top_k": 1});
        assert_eq!(params, expected);
        assert!(arguments.litellm_params(false).contains_key("dialect"));
    }
}
