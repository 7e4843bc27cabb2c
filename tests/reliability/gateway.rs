//! What stands between the client and the emulator: AWS's refusal of a part that an endpoint does
//! not have, and a gateway that says too much.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use sagewire_sagemaker::{Body, Transport, TransportError};
use sagewire_tests::observed::number_in;
use serde_json::json;

use crate::schedule::{Asked, MISSING_PART};

/// Passes on what it does not answer itself.
#[derive(Debug)]
pub(crate) struct Gateway {
    inner: Arc<dyn Transport>,
    /// The requests whose first attempt is still to be refused with all that it says.
    echoed: Mutex<HashSet<u64>>,
}

impl Gateway {
    pub(crate) fn new(inner: Arc<dyn Transport>, requests: &[Asked]) -> Arc<Self> {
        let echoed = requests.iter().filter(|asked| asked.is_echoed).map(|asked| asked.number).collect();
        Arc::new(Self { inner, echoed: Mutex::new(echoed) })
    }
}

#[async_trait]
impl Transport for Gateway {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let is_echoed = number_in(request.body()).is_some_and(|number| self.echoed.lock().unwrap().remove(&number));
        if is_echoed {
            let message = format!("cannot pass on {:?}", request.headers().iter().map(shown).collect::<Vec<_>>());
            return Ok(refusal(502, "BadGateway", &message));
        }
        let part = request.headers().get("x-amzn-sagemaker-inference-component");
        if part.is_some_and(|part| part == MISSING_PART) {
            let message = format!("Inference Component {MISSING_PART} of account 123456789012 not found.");
            return Ok(refusal(400, "ValidationError", &message));
        }
        self.inner.send(request).await
    }
}

/// A header with its value, which `Debug` of the header map would hide.
fn shown((name, value): (&http::HeaderName, &http::HeaderValue)) -> String {
    format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))
}

fn refusal(status: u16, code: &str, message: &str) -> Response<Body> {
    let body = Bytes::from(json!({ "message": message }).to_string());
    let response = Response::builder().status(status).header("x-amzn-errortype", code);
    response.header("content-type", "application/json").body(Body::new(stream::iter([Ok(body)]))).unwrap()
}
