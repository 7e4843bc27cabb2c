//! Requests that are passed on as they are, to a route of the container.

use http::header;
use sagewire_dialects::StreamDecoder;
use sagewire_types::{Error, ForwardRequest, ForwardStream, Forwarded, Reply};

use super::{Begun, SageMaker};
use crate::{call::forward, reply::meta as reply_meta, request::Operation};

impl SageMaker {
    pub(super) async fn answer_forwarded(
        &self,
        mut request: ForwardRequest,
        begun: &Begun<'_>,
    ) -> Result<Reply<Forwarded>, Error> {
        let prepared = self.prepare(&request.model, begun).await?;
        forward::check_door(&prepared, &request)?;
        let checked = forward::Checked::of(&mut request, &prepared, &self.shared.routes)?;
        let request = forward::request(&prepared, Operation::Invoke, request)?;
        let outcome = prepared.invoke_request(&self.shared, begun.context, request, None).await;
        let (value, headers, mut meta) = match (outcome, &checked) {
            (Ok((value, headers, meta)), Some(checked)) => (checked.read(value)?, headers, meta),
            (Ok((value, headers, meta)), None) => (Forwarded::from(value), headers, meta),
            (Err(error), Some(checked)) => return Err(checked.judge(error)),
            (Err(error), None) => return Err(error),
        };
        meta.content_type = reply_meta::text(&headers, header::CONTENT_TYPE);
        Ok(Reply { value, meta })
    }

    pub(super) async fn stream_forwarded(
        &self,
        mut request: ForwardRequest,
        begun: &Begun<'_>,
    ) -> Result<ForwardStream, Error> {
        let prepared = self.prepare(&request.model, begun).await?;
        forward::check_door(&prepared, &request)?;
        let checked = forward::Checked::of(&mut request, &prepared, &self.shared.routes)?;
        let request = forward::request(&prepared, Operation::Stream, request)?;
        let decoder = || -> Box<dyn StreamDecoder<Forwarded>> {
            match &checked {
                Some(checked) if checked.protocol.has_events() => Box::new(checked.protocol.decoder()),
                _ => Box::new(forward::AsItIs),
            }
        };
        let outcome = prepared.stream_request(&self.shared, begun.context, request, None, decoder).await;
        match (outcome, &checked) {
            (Err(error), Some(checked)) => Err(checked.judge(error)),
            (Ok(stream), Some(checked)) => {
                checked.answered();
                Ok(stream)
            }
            (outcome, None) => outcome,
        }
    }
}
