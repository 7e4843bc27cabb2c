//! A recorded case: the call, what the endpoint replied, and what LiteLLM sent and returned.

use std::{collections::BTreeMap, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// The version of LiteLLM that was recorded.
    pub(crate) litellm: String,
    pub(crate) call: String,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) setup: Option<String>,
    pub(crate) kwargs: Map<String, Value>,
    /// What the Hub had, where LiteLLM asked it and got an answer.
    #[serde(default)]
    pub(crate) hf_files: BTreeMap<String, Value>,
    pub(crate) upstream: Vec<Upstream>,
    pub(crate) requests: Vec<Request>,
    pub(crate) result: Option<Value>,
    pub(crate) stream_chunks: Option<Vec<Value>>,
    pub(crate) stream_text: Option<String>,
    pub(crate) exception: Option<Exception>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Upstream {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Option<String>,
    pub(crate) raw_b64: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Request {
    pub(crate) url: String,
    pub(crate) json: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Exception {
    pub(crate) class: String,
}

impl Case {
    pub(crate) fn read(path: &Path) -> Self {
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    pub(crate) fn is_embedding(&self) -> bool {
        self.call.ends_with("embedding")
    }

    /// Whether a text container is asked for a whole answer.
    pub(crate) fn is_whole_text(&self) -> bool {
        let is_text = self.kwargs["model"].as_str().is_some_and(|model| model.starts_with("sagemaker/"));
        is_text && !self.is_embedding() && !self.is_stream()
    }

    pub(crate) fn is_stream(&self) -> bool {
        self.kwargs.get("stream") == Some(&Value::Bool(true))
    }

    /// What LiteLLM sent to SageMaker, if anything.
    pub(crate) fn sent(&self) -> Option<&Request> {
        self.requests.iter().find(|request| !request.url.starts_with("https://sts."))
    }
}

impl Upstream {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match (&self.raw_b64, &self.body) {
            (Some(raw), _) => STANDARD.decode(raw).unwrap(),
            (None, Some(body)) => body.clone().into_bytes(),
            (None, None) => Vec::new(),
        }
    }
}
