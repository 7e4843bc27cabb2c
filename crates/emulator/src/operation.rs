//! The operations the emulator knows.
//!
//! Owns their names. Which request is which is decided in `route`.

use std::fmt;

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
    /// No operation of any emulated service.
    Unknown,
}

impl Operation {
    /// The name in AWS's service model, `Unknown` for none.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvokeEndpoint => "InvokeEndpoint",
            Self::InvokeEndpointWithResponseStream => "InvokeEndpointWithResponseStream",
            Self::InvokeEndpointAsync => "InvokeEndpointAsync",
            Self::Unknown => "Unknown",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
