//! Where a call goes: the region it is signed for, and the URL.
//!
//! Owns the order of the settings that decide it; hosts by region and partition are the credentials
//! crate's.

use sagewire_credentials::{
    AwsParams, Region, RegionError, SharedConfig,
    endpoint::{EndpointError, Service},
    resolve_region,
    seam::World,
};
use sagewire_types::{Error, ErrorKind};
use tokio::sync::OnceCell;

use crate::{request::BaseUrl, settings::Settings};

/// A resolved region and URL.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) region: Region,
    pub(crate) base: BaseUrl,
}

/// Where a provider's calls go, once it is known: for each service that they are made of.
#[derive(Debug, Default)]
pub(crate) struct Targets {
    runtime: OnceCell<Target>,
    inference_router: OnceCell<Target>,
    gateway: OnceCell<Target>,
}

impl Targets {
    /// Where the calls of a service go.
    ///
    /// # Errors
    /// As [`resolve`].
    pub(crate) async fn of(&self, service: Service, world: &World, settings: &Settings) -> Result<&Target, Error> {
        let cell = match service {
            Service::InferenceRouterRuntime => &self.inference_router,
            Service::GatewayRuntime => &self.gateway,
            _ => &self.runtime,
        };
        cell.get_or_try_init(|| resolve(world, settings, service)).await
    }
}

/// Finds region and URL: what is set, else the environment's, else the profile's, else the
/// machine's.
///
/// # Errors
/// `Configuration`, with what to set.
pub(crate) async fn resolve(world: &World, settings: &Settings, service: Service) -> Result<Target, Error> {
    let region = match &settings.region {
        Some(region) => region.clone(),
        None => resolve_region(world, None, settings.profile.as_deref()).await.map_err(no_region)?,
    };
    let named = AwsParams { aws_profile_name: settings.profile.clone(), ..AwsParams::default() }.profile_name(world);
    let config = SharedConfig::load(world, named.as_deref()).await;
    let url = config.service_url(service, Some(&region), settings.base_url.as_deref()).map_err(no_url)?;
    Ok(Target { region, base: BaseUrl::parse(&url)? })
}

fn no_region(error: RegionError) -> Error {
    Error::new(ErrorKind::Configuration, error.to_string()).with_param("aws_region_name").with_source(error)
}

fn no_url(error: EndpointError) -> Error {
    Error::new(ErrorKind::Configuration, error.to_string()).with_param("sagemaker_base_url").with_source(error)
}
