//! An answer together with what is known about how it came.
//!
//! Owns the facts about one answered call; those of a failed one are in its
//! [`Error`](crate::Error).

/// A value and how it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply<T> {
    /// The answer.
    pub value: T,
    /// How it came.
    pub meta: ReplyMeta,
}

impl<T> Reply<T> {
    /// An answer about which nothing else is known.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self { value, meta: ReplyMeta::default() }
    }

    /// The same facts about another value.
    #[must_use]
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Reply<U> {
        Reply { value: change(self.value), meta: self.meta }
    }
}

/// What is known about an answered call beside the answer.
///
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html#API_runtime_InvokeEndpoint_ResponseSyntax>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplyMeta {
    /// AWS's id of the request.
    pub request_id: Option<String>,
    /// The production variant that answered.
    pub invoked_production_variant: Option<String>,
    /// The ARN of the endpoint or inference component that an inference router of AWS chose; why is
    /// among the [`decisions`](Self::decisions), as `routing_reason`.
    pub invoked_resource_arn: Option<String>,
    /// The stateful session that this call opened.
    pub new_session: Option<NewSession>,
    /// The id of the stateful session that this call closed.
    pub closed_session_id: Option<String>,
    /// What the container put in its custom attributes.
    pub custom_attributes: Option<String>,
    /// The type of the answer's body, where that is passed on as it came
    /// ([`Call::Forward`](crate::Call::Forward)).
    pub content_type: Option<String>,
    /// How many tries it took, all deployments together.
    pub attempts: u32,
    /// What a router decided on the way, in order: a name (`deployment`, `fallback`, ...) and a
    /// value.
    pub decisions: Vec<(&'static str, String)>,
}

/// A stateful session that the container opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    /// Its id, to be sent with the next calls.
    pub id: String,
    /// When it ends, as the container wrote it (`2026-01-15T12:00:00Z`).
    pub expires: Option<String>,
}
