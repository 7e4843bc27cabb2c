//! Where the examples run: on your endpoint where the environment has AWS settings, else on an
//! emulated one that is started for the purpose.
//!
//! Owns that choice alone. What an example shows is in its own file.

use std::{error::Error, fmt::Write as _};

use sagewire::{
    Client, SageMaker, SageMakerBuilder,
    credentials::{env_vars, seam::World},
};
use sagewire_emulator::{EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY, Emulator};

/// Names the model in place of an example's own, such as `sagemaker/my-endpoint`.
const SAGEWIRE_MODEL: &str = "SAGEWIRE_MODEL";

/// Any of these says that the examples shall call AWS, or whatever the URL names.
const AWS_SETTINGS: [&str; 7] = [
    env_vars::AWS_ACCESS_KEY_ID,
    env_vars::AWS_PROFILE,
    env_vars::AWS_WEB_IDENTITY_TOKEN_FILE,
    env_vars::AWS_CONTAINER_CREDENTIALS_RELATIVE_URI,
    env_vars::AWS_CONTAINER_CREDENTIALS_FULL_URI,
    env_vars::AWS_ENDPOINT_URL,
    "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME",
];

/// What an example calls.
#[derive(Debug)]
pub struct Endpoint {
    world: World,
    emulator: Option<Emulator>,
}

impl Endpoint {
    /// Yours, where the environment has AWS settings; else an emulator.
    ///
    /// # Errors
    /// Where the emulator cannot listen on 127.0.0.1.
    pub async fn open() -> Result<Self, Box<dyn Error>> {
        let world = World::system();
        let is_set = AWS_SETTINGS.iter().any(|name| world.var(name).is_some());
        let emulator = if is_set { None } else { Some(Emulator::start().await?) };
        Ok(Self { world, emulator })
    }

    /// The model to ask: `SAGEWIRE_MODEL`, else this one, which the emulator has.
    #[must_use]
    pub fn model(&self, emulated: &str) -> String {
        self.world.var(SAGEWIRE_MODEL).unwrap_or_else(|| emulated.to_owned())
    }

    /// These models, which the emulator has; one alone where `SAGEWIRE_MODEL` names it.
    #[must_use]
    pub fn models<const N: usize>(&self, emulated: [&str; N]) -> Vec<String> {
        let mut models = emulated.map(|model| self.model(model)).to_vec();
        models.dedup();
        models
    }

    /// A client for the endpoint.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn client(&self) -> Result<Client, sagewire::Error> {
        Ok(Client::builder().sagemaker(self.sagemaker().build()?).build())
    }

    /// A provider to be set up, with what it takes to reach the endpoint. On AWS that is nothing:
    /// region and credentials are found.
    pub fn sagemaker(&self) -> SageMakerBuilder {
        match &self.emulator {
            None => SageMaker::builder(),
            Some(emulator) => SageMaker::builder()
                .endpoint_url(emulator.url())
                .region("us-east-1")
                .keys(EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY),
        }
    }

    /// The emulator, where there is one: to script what it answers.
    #[must_use]
    pub fn emulator(&self) -> Option<&Emulator> {
        self.emulator.as_ref()
    }

    /// The emulator's URL, where there is one.
    #[must_use]
    pub fn emulated_url(&self) -> Option<String> {
        self.emulator.as_ref().map(Emulator::url)
    }

    /// What the emulator was asked last: the path, SageMaker's headers, and the body. Nothing where
    /// the endpoint is yours.
    #[must_use]
    pub fn last_request(&self) -> String {
        let mut text = String::new();
        let Some(request) = self.emulator.as_ref().and_then(|emulator| emulator.received().pop()) else { return text };
        let _ = writeln!(text, "  {} {}", request.method, request.path);
        for (name, value) in &request.headers {
            if name.as_str().starts_with("x-amzn-sagemaker-") {
                let _ = writeln!(text, "  {name}: {}", value.to_str().unwrap_or_default());
            }
        }
        let _ = write!(text, "  {}", String::from_utf8_lossy(&request.body));
        text
    }
}
