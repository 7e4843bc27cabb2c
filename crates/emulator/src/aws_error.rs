//! The errors AWS answers with: code, status and message.
//!
//! Owns the constructors. What each puts on the wire is in `wire`; when each is answered is decided
//! where requests are judged.

mod wire;

pub(crate) use self::wire::{Place, Protocol};

/// The account every emulated resource belongs to.
pub(crate) const ACCOUNT_ID: &str = "123456789012";

/// Whether a container can answer this status; 0 is one that does not answer.
#[cfg(feature = "faults")]
pub(crate) fn is_container_status(status: u16) -> bool {
    status == 0 || (100..=599).contains(&status)
}

/// One error as AWS answers it: an HTTP status, a code in `x-amzn-ErrorType`, and a JSON body with
/// a message.
///
/// The modelled errors of SageMaker Runtime put the text under `Message`, the front door's
/// (authentication, throttling) under `message`; both forms are kept, for a client must read both.
/// Answered by another emulated service, the same error takes that service's form: XML and shorter
/// codes from STS, for example.
///
/// ```
/// use sagewire_emulator::AwsError;
///
/// let error = AwsError::model_error(429, "overloaded");
/// assert_eq!((error.code(), error.status()), ("ModelError", 424));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsError(Box<ErrorParts>);

/// Boxed, so that a result with an error in it stays small.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ErrorParts {
    code: String,
    status: u16,
    message: Option<String>,
    shape: Shape,
    retry_after_ms: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    /// From a service's model: `{"Message"}`.
    Modelled,
    /// From the layer in front of every service: `{"message"}`, and a namespace after the code.
    FrontDoor,
    /// A body with `message` and a status, and no code anywhere.
    Uncoded,
    /// An XML element with the code's name, whatever the service's protocol.
    UnknownOperation,
    /// A container's failure.
    Model { original_status: u16, original_message: String, log_stream_arn: Option<String> },
}

impl AwsError {
    /// Any code and status, with the text under `Message` as SageMaker Runtime's modelled errors
    /// have it.
    #[must_use]
    pub fn modelled(code: impl Into<String>, status: u16, message: impl Into<String>) -> Self {
        Self::shaped(Shape::Modelled, code, status, Some(message.into()))
    }

    /// Any code and status, with the text under `message` and a namespace after the code, as the
    /// front door has it.
    #[must_use]
    pub fn front_door(code: impl Into<String>, status: u16, message: impl Into<String>) -> Self {
        Self::shaped(Shape::FrontDoor, code, status, Some(message.into()))
    }

    /// `ModelError` (424): the container answered `original_status` with `original_message` (0: it
    /// did not answer).
    ///
    /// `Message`, `ErrorCode` and `LogStreamArn` follow from the endpoint that was called, as on
    /// SageMaker.
    #[must_use]
    pub fn model_error(original_status: u16, original_message: impl Into<String>) -> Self {
        let shape = Shape::Model { original_status, original_message: original_message.into(), log_stream_arn: None };
        Self::shaped(shape, "ModelError", 424, None)
    }

    /// `ValidationError` (400), an unknown endpoint for one.
    #[must_use]
    pub fn validation(message: impl Into<String>) -> Self {
        Self::modelled("ValidationError", 400, message)
    }

    /// `ValidationError` (400) of an inference component that is scaled to zero.
    #[must_use]
    pub fn no_capacity() -> Self {
        Self::validation(
            "Inference Component has no capacity to process this request. ApplicationAutoScaling may be in-progress (if configured) or \
             try to increase the capacity by invoking UpdateInferenceComponentRuntimeConfig API.",
        )
    }

    /// `ModelNotReadyException` (429): a serverless endpoint or a multi-model container still loads
    /// the model.
    #[must_use]
    pub fn model_not_ready() -> Self {
        Self::modelled(
            "ModelNotReadyException",
            429,
            "Either a serverless endpoint variant's resources are still being provisioned, or a multi-model endpoint is still \
             downloading or loading the target model. Wait before retrying your request.",
        )
    }

    /// `InternalFailure` (500).
    #[must_use]
    pub fn internal_failure() -> Self {
        Self::modelled("InternalFailure", 500, "An internal failure occurred.")
    }

    /// `ServiceUnavailable` (503).
    #[must_use]
    pub fn service_unavailable() -> Self {
        Self::modelled("ServiceUnavailable", 503, "The service is unavailable. Try your call again.")
    }

    /// `InternalDependencyException` (530).
    #[must_use]
    pub fn internal_dependency() -> Self {
        Self::modelled("InternalDependencyException", 530, "A dependency of the service failed. Try your call again.")
    }

    /// `ThrottlingException` with status 400, the usual one. See [`with_status`](Self::with_status)
    /// for 429.
    #[must_use]
    pub fn throttling() -> Self {
        Self::front_door("ThrottlingException", 400, "Rate exceeded")
    }

    /// `AccessDeniedException` (403).
    #[must_use]
    pub fn access_denied(message: impl Into<String>) -> Self {
        Self::front_door("AccessDeniedException", 403, message)
    }

    /// `ExpiredTokenException` (403).
    #[must_use]
    pub fn expired_token() -> Self {
        Self::front_door("ExpiredTokenException", 403, "The security token included in the request is expired")
    }

    /// `UnrecognizedClientException` (403): no such key, or not its token.
    #[must_use]
    pub fn unrecognized_client() -> Self {
        Self::front_door("UnrecognizedClientException", 403, "The security token included in the request is invalid.")
    }

    /// `InvalidSignatureException` (403) with a text of its own; see
    /// [`signature_mismatch`](Self::signature_mismatch).
    #[must_use]
    pub fn invalid_signature(message: impl Into<String>) -> Self {
        Self::front_door("InvalidSignatureException", 403, message)
    }

    /// `InvalidSignatureException` (403): the signature is another one than the secret key and this
    /// request give.
    #[must_use]
    pub fn signature_mismatch() -> Self {
        Self::invalid_signature(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and \
             signing method. Consult the service documentation for details.",
        )
    }

    /// `MissingAuthenticationTokenException` (403).
    #[must_use]
    pub fn missing_authentication_token() -> Self {
        Self::front_door("MissingAuthenticationTokenException", 403, "Missing Authentication Token")
    }

    /// `IncompleteSignatureException` (403).
    #[must_use]
    pub fn incomplete_signature(message: impl Into<String>) -> Self {
        Self::front_door("IncompleteSignatureException", 403, message)
    }

    /// `OptInRequired` (403).
    #[must_use]
    pub fn opt_in_required() -> Self {
        Self::front_door("OptInRequired", 403, "The AWS Access Key Id needs a subscription for the service")
    }

    /// `UnknownOperationException` (404): no service has this method and path. The body is an XML
    /// element.
    #[must_use]
    pub fn unknown_operation() -> Self {
        Self::shaped(Shape::UnknownOperation, "UnknownOperationException", 404, None)
    }

    /// 413 as SageMaker's front door answers it: a message, and no code at all.
    #[must_use]
    pub fn body_too_large(limit: usize) -> Self {
        Self::shaped(Shape::Uncoded, "413", 413, Some(format!("HTTP content length exceeded {limit} bytes.")))
    }

    /// One of each: every error that SageMaker Runtime's model names, and those of the layers in
    /// front of it.
    #[must_use]
    pub fn catalog() -> Vec<Self> {
        let containers =
            [400, 422, 429, 500, 503, 0].map(|status| Self::model_error(status, "The model's container says no."));
        let mut errors = vec![
            Self::throttling(),
            Self::throttling().with_status(429),
            Self::throttling().with_retry_after_ms(20),
            Self::service_unavailable(),
            Self::internal_failure(),
            Self::internal_dependency(),
            Self::model_not_ready(),
            Self::no_capacity(),
            Self::validation("Endpoint nowhere of account 123456789012 not found."),
            Self::access_denied("User is not authorized to perform sagemaker:InvokeEndpoint"),
            Self::expired_token(),
            Self::unrecognized_client(),
            Self::signature_mismatch(),
            Self::missing_authentication_token(),
            Self::incomplete_signature("Authorization header requires 'Credential' parameter."),
            Self::opt_in_required(),
            Self::unknown_operation(),
            Self::body_too_large(6 * 1024 * 1024),
            // Outside every model: what a new version of the service may say, and a gateway on the way.
            Self::modelled("SomethingNewException", 409, "Nobody has heard of this one."),
            Self::front_door("SomethingElse", 418, "Nor of this."),
            Self::modelled("BadGateway", 502, "A gateway on the way failed."),
            Self::modelled("GatewayTimeout", 504, "A gateway on the way gave up."),
        ];
        errors.extend(containers);
        errors
    }

    fn shaped(shape: Shape, code: impl Into<String>, status: u16, message: Option<String>) -> Self {
        Self(Box::new(ErrorParts { code: code.into(), status, message, shape, retry_after_ms: None }))
    }

    /// The same error with another HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.0.status = status;
        self
    }

    /// The same error with another text.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.0.message = Some(message.into());
        self
    }

    /// A `ModelError` with this log stream; on any other error it changes nothing.
    #[must_use]
    pub fn with_log_stream_arn(mut self, arn: impl Into<String>) -> Self {
        if let Shape::Model { log_stream_arn, .. } = &mut self.0.shape {
            *log_stream_arn = Some(arn.into());
        }
        self
    }

    /// Asks the client to wait so long, with `x-amz-retry-after` (milliseconds).
    #[must_use]
    pub fn with_retry_after_ms(mut self, milliseconds: u64) -> Self {
        self.0.retry_after_ms = Some(milliseconds);
        self
    }

    /// The code, such as `ValidationError`.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// The status that a `ModelError`'s container answered.
    #[cfg(feature = "faults")]
    pub(crate) fn original_status(&self) -> Option<u16> {
        match self.0.shape {
            Shape::Model { original_status, .. } => Some(original_status),
            Shape::Modelled | Shape::FrontDoor | Shape::Uncoded | Shape::UnknownOperation => None,
        }
    }

    /// The text, where it does not depend on the endpoint called.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }
}

#[cfg(test)]
mod tests;
