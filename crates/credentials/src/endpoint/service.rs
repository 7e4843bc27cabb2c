//! The services that are called, and their names in settings and hosts.

use crate::env_vars;

/// An AWS service that gives credentials, invokes models, describes endpoints or keeps objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Service {
    /// SageMaker Runtime, which invokes endpoints.
    SageMakerRuntime,
    /// SageMaker Inference Router Runtime, which invokes inference routers.
    InferenceRouterRuntime,
    /// SageMaker Gateway Runtime, which invokes global inference gateways.
    GatewayRuntime,
    /// SageMaker itself, the control plane: lists and describes endpoints.
    SageMaker,
    /// Security Token Service: assumes roles and names the owner of credentials.
    Sts,
    /// The portal of IAM Identity Center: credentials for a signed-in user.
    Sso,
    /// The sign-in service of IAM Identity Center: refreshes tokens.
    SsoOidc,
    /// Simple Storage Service: objects in buckets.
    S3,
}

impl Service {
    /// Every service, for listings.
    pub const ALL: [Self; 8] = [
        Self::SageMakerRuntime,
        Self::InferenceRouterRuntime,
        Self::GatewayRuntime,
        Self::SageMaker,
        Self::Sts,
        Self::Sso,
        Self::SsoOidc,
        Self::S3,
    ];

    /// The service's id as a `services` section spells it, such as `sagemaker_runtime`.
    #[must_use]
    pub const fn config_key(self) -> &'static str {
        match self {
            Self::SageMakerRuntime => "sagemaker_runtime",
            Self::InferenceRouterRuntime => "sagemaker_inference_router_runtime",
            Self::GatewayRuntime => "sagemaker_gateway_runtime",
            Self::SageMaker => "sagemaker",
            Self::Sts => "sts",
            Self::Sso => "sso",
            Self::SsoOidc => "sso_oidc",
            Self::S3 => "s3",
        }
    }

    /// The variable that sets only this service's URL.
    #[must_use]
    pub const fn endpoint_variable(self) -> &'static str {
        match self {
            Self::SageMakerRuntime => env_vars::AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME,
            Self::InferenceRouterRuntime => env_vars::AWS_ENDPOINT_URL_SAGEMAKER_INFERENCE_ROUTER_RUNTIME,
            Self::GatewayRuntime => env_vars::AWS_ENDPOINT_URL_SAGEMAKER_GATEWAY_RUNTIME,
            Self::SageMaker => env_vars::AWS_ENDPOINT_URL_SAGEMAKER,
            Self::Sts => env_vars::AWS_ENDPOINT_URL_STS,
            Self::Sso => env_vars::AWS_ENDPOINT_URL_SSO,
            Self::SsoOidc => env_vars::AWS_ENDPOINT_URL_SSO_OIDC,
            Self::S3 => env_vars::AWS_ENDPOINT_URL_S3,
        }
    }

    /// The part of a host's name before the region.
    pub(super) const fn host_prefix(self) -> &'static str {
        match self {
            Self::SageMakerRuntime => "runtime.sagemaker",
            Self::InferenceRouterRuntime => "inferencerouter-runtime.sagemaker",
            Self::GatewayRuntime => "gateway-runtime.sagemaker",
            Self::SageMaker => "api.sagemaker",
            Self::Sts => "sts",
            Self::Sso => "portal.sso",
            Self::SsoOidc => "oidc",
            Self::S3 => "s3",
        }
    }
}
