//! Who is examined: a model with its settings, from the arguments, a deployment of `config.yaml`,
//! or the embedded emulator.

use sagewire::{
    ModelId, SageMaker, Settings,
    credentials::{AwsParams, endpoint::Service, seam::World},
};
use sagewire_proxy::{Config, Wiring, config::Mode};
use serde_json::{Map, Value};

use super::{DoctorArguments, probe::Kind, redis, report::Step};
use crate::{Failure, serve::model_names, terminal};

/// One model and how it is reached.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) model: Option<String>,
    /// Which of several deployments it is.
    deployment: Option<String>,
    /// Everything set for it, under LiteLLM's names. Secrets stand here.
    params: Params,
    /// What its model is asked.
    pub(super) kind: Kind,
    /// The world of its calls: a configuration's `environment_variables` stand before those of the
    /// process.
    pub(super) world: World,
    /// The process's own, which alone says what is between this machine and the network.
    pub(super) system: World,
}

/// All that are examined, and what keeps them reachable.
pub(super) struct Subjects {
    pub(super) all: Vec<Subject>,
    /// The Redis that the configuration's replicas share.
    pub(super) redis: Option<Step>,
    #[cfg(feature = "emulator")]
    _emulator: Option<sagewire_emulator::Emulator>,
}

/// Parameters whose values are not shown.
#[derive(Clone)]
struct Params(Map<String, Value>);

impl std::fmt::Debug for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl From<Vec<Subject>> for Subjects {
    fn from(all: Vec<Subject>) -> Self {
        Self {
            all,
            redis: None,
            #[cfg(feature = "emulator")]
            _emulator: None,
        }
    }
}

/// Finds out who is meant.
pub(super) async fn find(arguments: &DoctorArguments) -> Result<Subjects, Failure> {
    let world = World::system();
    let connection = &arguments.connection;
    if let Some(path) = &connection.config {
        let (config, warnings) = Config::from_file(path, &|name| world.var(name)).map_err(Failure::usage)?;
        for warning in &warnings {
            terminal::warn(warning);
        }
        let all = of_config(&config, arguments, &world)?;
        return Ok(Subjects { redis: redis::look(&config, &world).await, ..all.into() });
    }
    #[cfg(feature = "emulator")]
    if connection.demo {
        return demo(arguments, connection, world).await;
    }
    Ok(vec![Subject {
        model: arguments.model.clone(),
        deployment: None,
        kind: kind(arguments, None),
        params: Params(connection.litellm_params(arguments.embeddings)),
        system: world.clone(),
        world,
    }]
    .into())
}

#[cfg(feature = "emulator")]
async fn demo(
    arguments: &DoctorArguments,
    connection: &crate::connection::ConnectionArguments,
    world: World,
) -> Result<Subjects, Failure> {
    use sagewire_emulator::{EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY};

    let emulator = crate::demo::emulator().await?;
    let default = if arguments.embeddings { "sagemaker/embedding" } else { "sagemaker_chat/messages" };
    let mut params = connection.litellm_params(arguments.embeddings);
    for (name, value) in [
        ("sagemaker_base_url", emulator.url()),
        ("aws_sts_endpoint", emulator.url()),
        ("aws_region_name", "us-east-1".to_owned()),
        ("aws_access_key_id", EXAMPLE_ACCESS_KEY_ID.to_owned()),
        ("aws_secret_access_key", EXAMPLE_SECRET_ACCESS_KEY.to_owned()),
    ] {
        params.insert(name.to_owned(), value.into());
    }
    let subject = Subject {
        model: Some(arguments.model.clone().unwrap_or_else(|| default.to_owned())),
        deployment: None,
        params: Params(params),
        kind: kind(arguments, None),
        system: world.clone(),
        world,
    };
    Ok(Subjects { all: vec![subject], redis: None, _emulator: Some(emulator) })
}

/// What a model is asked: as the arguments say, else the configuration, else what its dialect is of.
fn kind(arguments: &DoctorArguments, mode: Option<Mode>) -> Kind {
    let is_set = |kind: &Kind| arguments.connection.params.iter().any(|(name, _)| name == kind.dialect());
    match mode {
        _ if arguments.embeddings => Kind::Embedding,
        Some(mode) => Kind::of(mode),
        None => [Kind::Embedding, Kind::Rerank, Kind::Transcription].into_iter().find(is_set).unwrap_or(Kind::Chat),
    }
}

/// Every deployment of the model that is named, or of them all.
fn of_config(config: &Config, arguments: &DoctorArguments, world: &World) -> Result<Vec<Subject>, Failure> {
    let alias = arguments
        .model
        .as_deref()
        .map(|name| config.router_settings.model_group_alias.get(name).map_or(name, |alias| alias.model_name.as_str()));
    let system = world.clone();
    let world = Wiring::new(system.clone()).world_of(config);
    let subjects: Vec<_> = config
        .deployments
        .iter()
        .filter(|deployment| alias.is_none_or(|alias| deployment.model_name == alias))
        .map(|deployment| {
            let mut params: Map<String, Value> =
                deployment.parameters.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
            params.extend(arguments.connection.params.iter().cloned());
            Subject {
                model: Some(deployment.model.clone()),
                deployment: Some(format!("{} ({})", deployment.model_name, deployment.id)),
                params: Params(params),
                kind: kind(arguments, deployment.mode),
                world: world.clone(),
                system: system.clone(),
            }
        })
        .collect();
    if subjects.is_empty() {
        let failure = Failure::usage(format!("the configuration has no model `{}`", alias.unwrap_or_default()));
        return Err(failure.with_hint(format!("it has: {}", model_names(config))));
    }
    Ok(subjects)
}

impl Subject {
    pub(super) fn title(&self) -> String {
        match (&self.model, &self.deployment) {
            (Some(model), Some(deployment)) => format!("{deployment}: {model}"),
            (Some(model), None) => model.clone(),
            (None, _) => "credentials, region and network".to_owned(),
        }
    }

    /// Whether the model's name and its parameters are of any use; nothing where no model is named.
    pub(super) fn model_step(&self) -> Option<Step> {
        const NAME: &str = "model";
        let model = self.model.as_deref()?;
        let fix = "write `sagemaker/<endpoint>` for text containers and embeddings, `sagemaker_chat/<endpoint>` for the Messages API";
        let id = match model.parse::<ModelId>() {
            Ok(id) if SageMaker::PREFIXES.contains(&id.prefix()) => id,
            Ok(id) => return Some(Step::failed(NAME, format!("unsupported prefix `{}/`", id.prefix()), fix)),
            Err(error) => return Some(Step::failed(NAME, error.to_string(), fix)),
        };
        let settings = match self.settings() {
            Ok(settings) => settings,
            Err(error) => {
                let fix = "fix or remove the parameter; see docs/configuration.md";
                return Some(Step::failed(NAME, super::with_causes(&error), fix));
            }
        };
        let mut details = Vec::new();
        if let Some(component) = &settings.headers.inference_component {
            details.push(format!("inference component `{component}`"));
        }
        if let Some(dialect) = self.kind.set_in(&settings) {
            details.push(format!("dialect `{dialect}`, as set"));
        }
        Some(
            Step::ok(NAME, format!("the endpoint `{}`, by the prefix `{}/`", id.name(), id.prefix()))
                .with_details(details),
        )
    }

    /// The endpoint's name.
    pub(super) fn endpoint(&self) -> Option<String> {
        let id: ModelId = self.model.as_deref()?.parse().ok()?;
        Some(id.name().to_owned())
    }

    /// The AWS service that calls go to.
    pub(super) fn service(&self) -> Service {
        let model: Option<ModelId> = self.model.as_deref().and_then(|model| model.parse().ok());
        model.map_or(Service::SageMakerRuntime, |model| SageMaker::service(&model))
    }

    /// The inference component that is meant, by the model's name or by `model_id`.
    pub(super) fn component(&self) -> Option<String> {
        let name = self.endpoint()?;
        let own = name.split_once('/').map(|(_, component)| component.to_owned());
        own.filter(|_| self.prefix().as_deref() == Some("sagemaker_openai"))
            .or_else(|| self.params.0.get("model_id")?.as_str().map(str::to_owned))
    }

    /// Whether calls are made in another way than with these parameters, as far as dialect, queue
    /// and component are concerned.
    pub(super) fn differs_from(&self, params: &Map<String, Value>) -> bool {
        let text = |map: &Map<String, Value>, name: &str| {
            map.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        };
        if self.prefix().as_deref() == Some("sagemaker_openai") {
            return text(params, "model").is_some_and(|model| !model.starts_with("sagemaker_chat/"));
        }
        let other_prefix = text(params, "model") != self.model && !self.params.0.contains_key("dialect");
        let names = ["dialect", "embedding_dialect", "rerank_dialect", "transcription_dialect", "async_inference"];
        other_prefix
            || names.iter().any(|name| params.contains_key(*name) && text(params, name) != text(&self.params.0, name))
    }

    /// The prefix of the model.
    pub(super) fn prefix(&self) -> Option<String> {
        let id: ModelId = self.model.as_deref()?.parse().ok()?;
        Some(id.prefix().to_owned())
    }

    pub(super) fn settings(&self) -> Result<Settings, sagewire::Error> {
        let mut params = self.params.0.clone();
        if let Some(Value::Object(extra)) = params.shift_remove("extra_body") {
            params.extend(extra);
        }
        Settings::from_litellm_params(params, &self.world)
    }

    /// The parameters that concern AWS.
    pub(super) fn aws(&self) -> AwsParams {
        let aws = self.params.0.iter().filter(|(name, value)| name.starts_with("aws_") && value.as_str() != Some(""));
        let aws: Map<String, Value> = aws.map(|(name, value)| (name.clone(), value.clone())).collect();
        // Wrong types have been reported with the settings.
        serde_json::from_value(Value::Object(aws)).unwrap_or_default()
    }
}
