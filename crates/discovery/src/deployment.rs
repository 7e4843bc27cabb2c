//! [`Deployment`]: one thing that can be called, how, how sure that is, and why.
//!
//! Owns the result of reading, and the parameters of `litellm_params` that follow from it.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

/// How long a call waits for an endpoint that has no copies, in seconds: models of tens of
/// gigabytes need minutes.
const WAIT_FOR_CAPACITY: u64 = 600;

/// An endpoint, a part of one, or an inference component.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Deployment {
    /// The endpoint's name.
    pub endpoint: String,
    /// The production variant, where the endpoint's variants differ.
    pub variant: Option<String>,
    /// The inference component.
    pub component: Option<String>,
    /// The component whose model this one adapts (LoRA).
    pub adapter_of: Option<String>,
    /// The container of a model with several that are called one by one.
    pub container_hostname: Option<String>,
    /// What it serves.
    pub serves: Serves,
    /// What its container is called, such as `vLLM`.
    pub container: Option<&'static str>,
    /// The image, as it was named.
    pub image: Option<String>,
    /// The model's name on Hugging Face.
    pub model_name: Option<String>,
    /// The name that the container knows its model by, where requests must have that one and it is
    /// not `model_name`.
    pub served_name: Option<String>,
    /// What it runs on.
    pub hosting: Hosting,
    /// Its status, if it answers and is about to change: `Updating`, `RollingBack` and their like.
    pub changing: Option<String>,
    /// Whether it has no copies now, so that the first call waits until one has started.
    pub asleep: bool,
    /// Whether the endpoint is asynchronous: calls are queued, and their answers are left in S3.
    pub asynchronous: bool,
    /// Whether the container takes requests for routes of its own, such as `/v1/responses`.
    pub native_routes: NativeRoutes,
    /// Why it cannot be called as it is.
    pub obstacle: Option<Obstacle>,
    /// How sure `serves` is.
    pub certainty: Certainty,
    /// What all this was concluded from: a sentence each.
    pub reasons: Vec<String>,
}

/// What a deployment serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Serves {
    /// Conversations, in this dialect.
    Chat(&'static str),
    /// Embeddings, as this family of containers does.
    Embeddings(&'static str),
    /// An order of texts by their relevance, as this family of rerankers does.
    Rerank(&'static str),
    /// The texts of recordings, as this family of servers does.
    Transcription(&'static str),
    /// Another task, such as `image generation`.
    Other(String),
    /// Nothing tells.
    Unknown,
}

/// Why a deployment cannot be called as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Obstacle {
    /// It hosts many models, and which one is meant has to be said: `target_model`.
    MultiModel,
    /// It is in this status.
    Status(String),
    /// What it serves is not known, or is nothing that can be called here.
    NotServed,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MultiModel => f.write_str(
                "the endpoint hosts many models; set `target_model` to the archive of the one that is meant",
            ),
            Self::Status(status) => write!(f, "its status is {status}"),
            Self::NotServed => f.write_str("how to call it is not known"),
        }
    }
}

/// What a deployment runs on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Hosting {
    /// So many instances of a type.
    Instances {
        /// The type, such as `ml.g5.2xlarge`.
        instance_type: Option<String>,
        /// How many there are.
        count: Option<u32>,
    },
    /// So many copies of an inference component.
    Copies {
        /// The type of its endpoint's instances.
        instance_type: Option<String>,
        /// How many there are.
        count: Option<u32>,
    },
    /// Serverless, with so much memory.
    Serverless {
        /// The memory in MiB.
        memory_mb: u32,
    },
    /// Not known.
    #[default]
    Unknown,
}

impl fmt::Display for Hosting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |count: &Option<u32>| count.map_or_else(|| "?".to_owned(), |count| count.to_string());
        match self {
            Self::Instances { instance_type, count } => {
                write!(f, "{} x {}", number(count), instance_type.as_deref().unwrap_or("unknown instance type"))
            }
            Self::Copies { instance_type, count } => {
                write!(f, "{} copies on {}", number(count), instance_type.as_deref().unwrap_or("unknown instance type"))
            }
            Self::Serverless { memory_mb } => write!(f, "serverless, {memory_mb} MiB"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

/// Whether a container takes requests for its own routes, chosen by `route=<path>` among the custom
/// attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NativeRoutes {
    /// It does.
    Yes,
    /// It does not: everything goes to `/invocations`.
    No,
    /// Its image has no version, or one that says nothing about it.
    #[default]
    Unknown,
}

/// How sure it is what a deployment serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Certainty {
    /// It is not known.
    #[default]
    Unknown,
    /// It is concluded from a name, or the image is not AWS's own.
    Likely,
    /// Image and settings say so.
    Sure,
}

impl fmt::Display for Certainty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown",
            Self::Likely => "likely",
            Self::Sure => "sure",
        })
    }
}

impl Serves {
    /// One word for `model_info.mode`, if callers can be served.
    #[must_use]
    pub fn mode(&self) -> Option<&'static str> {
        match self {
            Self::Chat(_) => Some("chat"),
            Self::Embeddings(_) => Some("embedding"),
            Self::Rerank(_) => Some("rerank"),
            Self::Transcription(_) => Some("audio_transcription"),
            Self::Other(_) | Self::Unknown => None,
        }
    }
}

impl fmt::Display for Serves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chat(dialect) => write!(f, "chat ({dialect})"),
            Self::Embeddings(family) => write!(f, "embeddings ({family})"),
            Self::Rerank(family) => write!(f, "rerank ({family})"),
            Self::Transcription(family) => write!(f, "transcription ({family})"),
            Self::Other(task) => f.write_str(task),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

impl Deployment {
    /// The name that callers may know it by: the component's, else the endpoint's with what tells
    /// its parts apart.
    #[must_use]
    pub fn name(&self) -> String {
        let part = self.variant.as_ref().or(self.container_hostname.as_ref());
        match (&self.component, part) {
            (Some(component), _) => component.clone(),
            (None, Some(part)) => format!("{}-{part}", self.endpoint),
            (None, None) => self.endpoint.clone(),
        }
    }

    /// The `litellm_params` that call it. Without an [`obstacle`](Self::obstacle) they are
    /// complete.
    #[must_use]
    pub fn litellm_params(&self, region: &str) -> Map<String, Value> {
        let mut params = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                params.insert(name.to_owned(), value);
            }
        };
        let text = |text: &Option<String>| text.clone().map(Value::from);
        let (prefix, dialect) = match self.serves {
            Serves::Chat("messages") => ("sagemaker_chat", None),
            Serves::Chat("nova") => ("sagemaker_nova", None),
            Serves::Chat("tgi") | Serves::Other(_) | Serves::Unknown => ("sagemaker", None),
            Serves::Chat(dialect) => ("sagemaker", Some(("dialect", dialect))),
            Serves::Embeddings(family) => ("sagemaker", Some(("embedding_dialect", family))),
            Serves::Rerank(family) => ("sagemaker", Some(("rerank_dialect", family))),
            Serves::Transcription(family) => ("sagemaker", Some(("transcription_dialect", family))),
        };
        set("model", Some(format!("{prefix}/{}", self.endpoint).into()));
        set("aws_region_name", Some(region.into()));
        set("model_id", text(&self.component));
        set("target_variant", text(&self.variant));
        set("target_container_hostname", text(&self.container_hostname));
        if let Some((name, dialect)) = dialect {
            set(name, Some(dialect.into()));
        }
        if self.serves.mode().is_some() {
            set("hf_model_name", text(&self.served_name).or_else(|| text(&self.model_name)));
        }
        set("async_inference", self.asynchronous.then_some(true.into()));
        // An asynchronous endpoint takes calls while it is asleep: its queue wakes it.
        set("wait_for_capacity", (self.asleep && !self.asynchronous).then(|| WAIT_FOR_CAPACITY.into()));
        params
    }
}
