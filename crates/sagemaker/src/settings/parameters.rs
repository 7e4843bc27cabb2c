//! What a parameter of a deployment is: its name, its kind, what it does, and what becomes of it in
//! a request.
//!
//! Owns the types and the look-up by name. The rows are in `table`; the names that LiteLLM keeps to
//! itself are in `litellm`.

use std::{num::NonZeroUsize, time::Duration};

use sagewire_credentials::Secret;
use serde_json::{Map, Value};

pub use super::{
    container::CONTAINER_PARAMETERS,
    kind::Kind,
    litellm::{Group, groups, without_effect},
    reading::RoutingParams,
};
use super::{kind, reading::Draft, table::TABLE};

/// One parameter that a deployment can be given.
///
/// ```
/// use sagewire_sagemaker::parameters::{self, Effect, InRequest};
///
/// let region = parameters::find("aws_region_name").unwrap();
/// assert_eq!((region.effect(), region.in_request()), (Effect::Setting, InRequest::Listed));
/// assert!(parameters::find("aws_secret_access_key").unwrap().is_secret());
/// ```
#[derive(Debug)]
pub struct Parameter {
    pub(super) name: &'static str,
    pub(super) aliases: &'static [&'static str],
    pub(super) field: Field,
    pub(super) effect: Effect,
    pub(super) in_request: InRequest,
    pub(super) secret: bool,
    pub(super) meaning: &'static str,
}

/// What a parameter does where a deployment is given it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// It is a setting of the provider: a field of [`Settings`](crate::Settings).
    Setting,
    /// It is acted on by whatever spreads calls over deployments: a field of [`RoutingParams`].
    Routing,
    /// It is a parameter of requests that do not set it themselves.
    Request,
}

/// What becomes of an entry of a request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InRequest {
    /// It is a parameter of the request and goes to the container.
    Passed,
    /// A caller may set it, and it does not go to the container. A program sets it in its call's
    /// settings.
    Caller,
    /// It is the operator's. A caller may set it if the deployment lists it in
    /// `configurable_clientside_auth_params`.
    Listed,
    /// It is the operator's alone.
    Operator,
    /// It holds further parameters of the container, and each of them is judged. Only a program may
    /// send it.
    Nested,
    /// It is left out of what the container is sent, for this reason.
    Dropped(&'static str),
}

/// The field that a parameter fills, which is also what its value must be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Field {
    Text(fn(&mut Draft) -> &mut Option<String>),
    Secret(fn(&mut Draft) -> &mut Option<Secret>),
    Choice(fn() -> Vec<&'static str>, fn(&mut Draft) -> &mut Option<String>),
    Flag(fn(&mut Draft) -> &mut Option<bool>),
    Count(fn(&mut Draft) -> &mut Option<u64>),
    Positive(fn(&mut Draft) -> &mut Option<NonZeroUsize>),
    Number(fn(&mut Draft) -> &mut Option<f64>),
    Seconds(fn(&mut Draft) -> &mut Option<Duration>),
    Timeout(fn(&mut Draft) -> &mut Option<Duration>),
    Texts(fn(&mut Draft) -> &mut Option<Vec<String>>),
    Mapping(fn(&mut Draft) -> &mut Option<Map<String, Value>>),
    /// More than one field, or one that needs to be parsed. The error is what follows the
    /// parameter's name in a sentence.
    Parsed(Kind, fn(&mut Draft, Value) -> Result<(), String>),
    /// None: the value stays among the request's parameters.
    Request(Kind),
}

impl Field {
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Text(_) | Self::Secret(_) => Kind::Text,
            Self::Choice(names, _) => Kind::Choice(names),
            Self::Flag(_) => Kind::Flag,
            Self::Count(_) => Kind::Count,
            Self::Positive(_) => Kind::Positive,
            Self::Number(_) => Kind::Number,
            Self::Seconds(_) => Kind::Seconds,
            Self::Timeout(_) => Kind::Timeout,
            Self::Texts(_) => Kind::Texts,
            Self::Mapping(_) => Kind::Mapping,
            Self::Parsed(kind, _) | Self::Request(kind) => kind,
        }
    }

    /// Fills the field. An empty text counts as not given: it is what an unset variable leaves
    /// behind.
    ///
    /// # Errors
    /// What follows the parameter's name in a sentence; never the value.
    pub(super) fn fill(self, draft: &mut Draft, value: Value) -> Result<(), String> {
        let kind = self.kind();
        let wrong = || format!("must be {kind}");
        if !kind.accepts(&value) {
            return Err(wrong());
        }
        match self {
            Self::Text(field) | Self::Choice(_, field) => {
                *field(draft) = kind::text(&value).filter(|text| !text.is_empty());
            }
            Self::Secret(field) => {
                *field(draft) = kind::text(&value).filter(|text| !text.is_empty()).map(Secret::new);
            }
            Self::Flag(field) => *field(draft) = kind::flag(&value),
            Self::Count(field) => *field(draft) = kind::count(&value),
            Self::Positive(field) => *field(draft) = kind::positive(&value),
            Self::Number(field) => *field(draft) = kind::number(&value),
            Self::Seconds(field) | Self::Timeout(field) => *field(draft) = kind::seconds(&value),
            Self::Texts(field) => *field(draft) = kind::texts(&value),
            Self::Mapping(field) => {
                if let Value::Object(map) = value {
                    *field(draft) = Some(map);
                }
            }
            Self::Parsed(_, parse) => parse(draft, value)?,
            Self::Request(_) => {}
        }
        Ok(())
    }
}

impl Parameter {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Other names of it. The name wins over them.
    #[must_use]
    pub fn aliases(&self) -> &'static [&'static str] {
        self.aliases
    }

    /// What its value must be.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.field.kind()
    }

    /// What it does where a deployment is given it.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// What becomes of it in a request's body.
    #[must_use]
    pub fn in_request(&self) -> InRequest {
        self.in_request
    }

    /// Whether no page, log or message may show its value.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.secret
    }

    /// What it is for, in a sentence or two of Markdown.
    #[must_use]
    pub fn meaning(&self) -> &'static str {
        self.meaning
    }

    fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}

/// Every parameter that has an effect, in the order of the documentation.
#[must_use]
pub fn all() -> &'static [Parameter] {
    TABLE
}

/// The parameter of this name, or with this alias.
#[must_use]
pub fn find(name: &str) -> Option<&'static Parameter> {
    TABLE.iter().find(|parameter| parameter.is_called(name))
}

/// What becomes of this entry of a request's body. Names that begin with `aws_` or `sagemaker_` are
/// the operator's, known or not.
#[must_use]
pub fn in_request(name: &str, value: &Value) -> InRequest {
    match find(name) {
        Some(parameter) => match parameter.in_request {
            InRequest::Passed if name == "metadata" && !is_openais_metadata(value) => {
                InRequest::Dropped("only OpenAI's form, an object of texts, is a parameter of the request")
            }
            in_request => in_request,
        },
        None => super::litellm::in_request(name),
    }
}

/// Whether the value of `metadata` is as [OpenAI](https://platform.openai.com/docs/api-reference/chat/create#chat_create-metadata)
/// defines it. LiteLLM's clients send other forms for its own logs.
fn is_openais_metadata(value: &Value) -> bool {
    value.as_object().is_some_and(|map| map.values().all(Value::is_string))
}

/// Whether no page, log or message may show the value of this parameter.
#[must_use]
pub fn is_secret(name: &str) -> bool {
    find(name).map_or_else(|| super::litellm::is_secret(name), Parameter::is_secret)
}

/// The name of a parameter that this one was probably meant to be.
#[must_use]
pub fn nearest(name: &str) -> Option<&'static str> {
    let allowed = (name.chars().count() / 3).clamp(1, 3);
    TABLE
        .iter()
        .map(|parameter| (strsim::osa_distance(parameter.name, name), parameter.name))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= allowed)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests;
