//! The operations the emulator knows.
//!
//! Owns their names, and what each service asks of a caller. Which request is which is decided in
//! `route`.

use std::fmt;

use crate::aws_error::Protocol;

/// What a request asked for, by AWS's own name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// SageMaker Runtime: [InvokeEndpoint](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html).
    InvokeEndpoint,
    /// SageMaker Runtime: [InvokeEndpointWithResponseStream](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointWithResponseStream.html).
    InvokeEndpointWithResponseStream,
    /// SageMaker Runtime: [InvokeEndpointAsync](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointAsync.html).
    InvokeEndpointAsync,
    /// An endpoint's OpenAI-compatible route: [chat completions](https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints-openai-compatible.html).
    OpenAiChatCompletions,
    /// SageMaker Inference Router Runtime: `InvokeInferenceRouter`.
    InvokeInferenceRouter,
    /// SageMaker Inference Router Runtime: `InvokeInferenceRouterAsync`.
    InvokeInferenceRouterAsync,
    /// SageMaker Gateway Runtime: `InvokeGlobalInferenceGateway`.
    InvokeGlobalInferenceGateway,
    /// SageMaker Gateway Runtime: `InvokeGlobalInferenceGatewayWithResponseStream`.
    InvokeGlobalInferenceGatewayWithResponseStream,
    /// SageMaker: [ListEndpoints](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListEndpoints.html).
    ListEndpoints,
    /// SageMaker: [ListInferenceComponents](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListInferenceComponents.html).
    ListInferenceComponents,
    /// SageMaker: [ListTags](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListTags.html).
    ListTags,
    /// SageMaker: [DescribeEndpoint](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html).
    DescribeEndpoint,
    /// SageMaker: [DescribeEndpointConfig](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpointConfig.html).
    DescribeEndpointConfig,
    /// SageMaker: [DescribeModel](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeModel.html).
    DescribeModel,
    /// SageMaker: [DescribeModelPackage](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeModelPackage.html).
    DescribeModelPackage,
    /// SageMaker: [DescribeInferenceComponent](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeInferenceComponent.html).
    DescribeInferenceComponent,
    /// SageMaker: [ListInferenceRouters](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListInferenceRouters.html).
    ListInferenceRouters,
    /// SageMaker: [DescribeInferenceRouter](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeInferenceRouter.html).
    DescribeInferenceRouter,
    /// SageMaker: [ListGlobalInferenceGateways](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListGlobalInferenceGateways.html).
    ListGlobalInferenceGateways,
    /// SageMaker: [DescribeGlobalInferenceGateway](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeGlobalInferenceGateway.html).
    DescribeGlobalInferenceGateway,
    /// STS: [AssumeRole](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html).
    AssumeRole,
    /// STS: [AssumeRoleWithWebIdentity](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html).
    AssumeRoleWithWebIdentity,
    /// STS: [GetCallerIdentity](https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html).
    GetCallerIdentity,
    /// EC2's instance metadata: [the token](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html).
    InstanceMetadataToken,
    /// EC2's instance metadata: anything that needs the token.
    InstanceMetadata,
    /// The [credentials of a container](https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html) on ECS or EKS.
    ContainerCredentials,
    /// IAM Identity Center's portal: [GetRoleCredentials](https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html).
    GetRoleCredentials,
    /// IAM Identity Center's OIDC: [CreateToken](https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_CreateToken.html).
    CreateToken,
    /// No operation of any emulated service.
    Unknown,
}

impl Operation {
    /// The name in AWS's service model (a descriptive one, where there is no model), `Unknown` for
    /// none.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvokeEndpoint => "InvokeEndpoint",
            Self::InvokeEndpointWithResponseStream => "InvokeEndpointWithResponseStream",
            Self::InvokeEndpointAsync => "InvokeEndpointAsync",
            Self::ListEndpoints => "ListEndpoints",
            Self::ListInferenceComponents => "ListInferenceComponents",
            Self::ListTags => "ListTags",
            Self::DescribeEndpoint => "DescribeEndpoint",
            Self::DescribeEndpointConfig => "DescribeEndpointConfig",
            Self::DescribeModel => "DescribeModel",
            Self::DescribeModelPackage => "DescribeModelPackage",
            Self::DescribeInferenceComponent => "DescribeInferenceComponent",
            Self::OpenAiChatCompletions => "OpenAiChatCompletions",
            Self::InvokeInferenceRouter => "InvokeInferenceRouter",
            Self::InvokeInferenceRouterAsync => "InvokeInferenceRouterAsync",
            Self::InvokeGlobalInferenceGateway => "InvokeGlobalInferenceGateway",
            Self::InvokeGlobalInferenceGatewayWithResponseStream => "InvokeGlobalInferenceGatewayWithResponseStream",
            Self::ListInferenceRouters => "ListInferenceRouters",
            Self::DescribeInferenceRouter => "DescribeInferenceRouter",
            Self::ListGlobalInferenceGateways => "ListGlobalInferenceGateways",
            Self::DescribeGlobalInferenceGateway => "DescribeGlobalInferenceGateway",
            Self::AssumeRole => "AssumeRole",
            Self::AssumeRoleWithWebIdentity => "AssumeRoleWithWebIdentity",
            Self::GetCallerIdentity => "GetCallerIdentity",
            Self::InstanceMetadataToken => "InstanceMetadataToken",
            Self::InstanceMetadata => "InstanceMetadata",
            Self::ContainerCredentials => "ContainerCredentials",
            Self::GetRoleCredentials => "GetRoleCredentials",
            Self::CreateToken => "CreateToken",
            Self::Unknown => "Unknown",
        }
    }

    /// All but [`Unknown`](Self::Unknown).
    #[cfg(feature = "faults")]
    const ALL: [Self; 28] = [
        Self::InvokeEndpoint,
        Self::InvokeEndpointWithResponseStream,
        Self::InvokeEndpointAsync,
        Self::AssumeRole,
        Self::AssumeRoleWithWebIdentity,
        Self::GetCallerIdentity,
        Self::InstanceMetadataToken,
        Self::InstanceMetadata,
        Self::ContainerCredentials,
        Self::GetRoleCredentials,
        Self::CreateToken,
        Self::ListEndpoints,
        Self::ListInferenceComponents,
        Self::ListTags,
        Self::DescribeEndpoint,
        Self::DescribeEndpointConfig,
        Self::DescribeModel,
        Self::DescribeModelPackage,
        Self::DescribeInferenceComponent,
        Self::OpenAiChatCompletions,
        Self::InvokeInferenceRouter,
        Self::InvokeInferenceRouterAsync,
        Self::InvokeGlobalInferenceGateway,
        Self::InvokeGlobalInferenceGatewayWithResponseStream,
        Self::ListInferenceRouters,
        Self::DescribeInferenceRouter,
        Self::ListGlobalInferenceGateways,
        Self::DescribeGlobalInferenceGateway,
    ];

    /// The operation of this name.
    #[cfg(feature = "faults")]
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.as_str() == name)
    }

    /// The operations of SageMaker's control plane.
    pub(crate) const CONTROL_PLANE: [Self; 12] = [
        Self::ListEndpoints,
        Self::ListInferenceComponents,
        Self::ListTags,
        Self::DescribeEndpoint,
        Self::DescribeEndpointConfig,
        Self::DescribeModel,
        Self::DescribeModelPackage,
        Self::DescribeInferenceComponent,
        Self::ListInferenceRouters,
        Self::DescribeInferenceRouter,
        Self::ListGlobalInferenceGateways,
        Self::DescribeGlobalInferenceGateway,
    ];

    /// Whether it is one of the control plane's.
    pub(crate) fn is_control_plane(self) -> bool {
        Self::CONTROL_PLANE.contains(&self)
    }

    /// Does it call a model, through whichever service?
    pub(crate) const fn is_runtime(self) -> bool {
        matches!(self, Self::InvokeEndpoint | Self::InvokeEndpointWithResponseStream | Self::InvokeEndpointAsync)
            || self.is_other_door()
    }

    /// Does it call a model by another way than SageMaker Runtime's three operations?
    pub(crate) const fn is_other_door(self) -> bool {
        matches!(
            self,
            Self::OpenAiChatCompletions
                | Self::InvokeInferenceRouter
                | Self::InvokeInferenceRouterAsync
                | Self::InvokeGlobalInferenceGateway
                | Self::InvokeGlobalInferenceGatewayWithResponseStream
        )
    }

    /// The name in the credential scope of its signatures; `None` where nothing is signed.
    pub(crate) fn signing_name(self) -> Option<&'static str> {
        match self {
            // A bearer token takes the signature's place.
            Self::OpenAiChatCompletions => None,
            _ if self.is_runtime() => Some("sagemaker"),
            Self::AssumeRole | Self::GetCallerIdentity => Some("sts"),
            _ if self.is_control_plane() => Some("sagemaker"),
            _ => None,
        }
    }

    /// How its errors are written.
    pub(crate) fn protocol(self) -> Protocol {
        match self {
            Self::AssumeRole | Self::AssumeRoleWithWebIdentity | Self::GetCallerIdentity => Protocol::Query,
            Self::InstanceMetadataToken | Self::InstanceMetadata => Protocol::InstanceMetadata,
            Self::ContainerCredentials => Protocol::ContainerCredentials,
            Self::CreateToken => Protocol::OAuth,
            Self::OpenAiChatCompletions => Protocol::OpenAi,
            _ if self.is_control_plane() => Protocol::Json11,
            _ => Protocol::RestJson,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
