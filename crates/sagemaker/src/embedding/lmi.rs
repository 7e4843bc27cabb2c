//! DJL LMI's text embedding: `{"inputs"}`, replied as one flat list for one text and as a list of lists for several.
//!
//! Owns the body.
//!
//! <https://docs.djl.ai/master/docs/serving/serving/docs/lmi/user_guides/embedding-user-guide.html>

use sagewire_types::{EmbedRequest, Error};

use super::{
    EmbedContext, EmbeddingDialect,
    inputs::{Body, Inputs},
    texts_only,
};
use crate::dialect::Payload;

/// Sends texts as `inputs`.
#[derive(Debug)]
pub(crate) struct Lmi;

impl EmbeddingDialect for Lmi {
    fn name(&self) -> &'static str {
        "lmi"
    }

    fn encode(&self, request: &EmbedRequest, _: &EmbedContext) -> Result<Payload, Error> {
        let inputs = Inputs::texts(&request.input).ok_or_else(|| texts_only(self.name()))?;
        Body::new(request, "inputs", inputs).payload()
    }
}
