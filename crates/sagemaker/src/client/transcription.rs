//! Transcription: a recording in the form that the container takes.

use sagewire_dialects::{
    StreamDecoder,
    transcription::{TranscriptDecoder, TranscriptionFamily, events_of},
};
use sagewire_types::{Error, ErrorKind, ForwardStream, Forwarded, Reply, ReplyStream, TranscribeRequest, json};
use serde::Deserialize;

use futures_util::stream;
use http::header;

use super::{Begun, SageMaker};
use crate::{
    call::{plan::Prepared, route},
    checks,
    reply::meta,
    request::Operation,
    settings::defaults,
};

/// A request that is ready to be sent.
struct Ready<'a> {
    prepared: Prepared<'a>,
    family: &'static dyn TranscriptionFamily,
    request: TranscribeRequest,
}

impl SageMaker {
    async fn ready<'a>(
        &'a self,
        mut request: TranscribeRequest,
        streams: bool,
        begun: &'a Begun<'_>,
    ) -> Result<Ready<'a>, Error> {
        checks::transcription(&request)?;
        let prepared = self.prepare(&request.model, begun).await?;
        let family = route::transcription(&prepared.settings, &prepared.model)?.implementation();
        let mut more = defaults::of_transcription(&request.form, prepared.settings.defaults.as_deref());
        more.extend(prepared.settings.hf_model_name.iter().map(|name| ("model".to_owned(), name.clone())));
        if family.streams() && (request.form.field("stream") == Some("true")) != streams {
            more.push(("stream".to_owned(), streams.to_string()));
        }
        // The container's own parameters have no place beside a recording that is sent alone.
        if family.takes_parameters() {
            request.form = request.form.with(more)?;
        }
        Ok(Ready { prepared, family, request })
    }

    pub(super) async fn answer_transcription(
        &self,
        request: TranscribeRequest,
        begun: &Begun<'_>,
    ) -> Result<Reply<Forwarded>, Error> {
        let Ready { prepared, family, request } = self.ready(request, false, begun).await?;
        let drops = prepared.settings.parameters.as_ref().is_some_and(|policy| policy.drop_params);
        let payload = family.encode(&request, drops)?;
        let unsigned = prepared.request(Operation::Invoke, payload)?;
        let (body, headers, mut meta) = prepared.invoke_request(&self.shared, begun.context, unsigned, None).await?;
        let content_type = meta::text(&headers, header::CONTENT_TYPE);
        let transcript =
            family.decode(body, content_type.as_deref(), &request).map_err(|error| checks::answered(error, &meta))?;
        meta.content_type = Some(transcript.content_type);
        Ok(Reply { value: transcript.body.into(), meta })
    }

    pub(super) async fn stream_transcription(
        &self,
        request: TranscribeRequest,
        begun: &Begun<'_>,
    ) -> Result<ForwardStream, Error> {
        let Ready { prepared, family, request: ready } = self.ready(request.clone(), true, begun).await?;
        if !family.streams() || prepared.simulates_streams() {
            // A whole answer is asked for in its own form.
            drop((prepared, ready));
            return self.simulated_transcription(request, begun).await;
        }
        drop(request);
        let drops = prepared.settings.parameters.as_ref().is_some_and(|policy| policy.drop_params);
        let payload = family.encode(&ready, drops)?;
        let unsigned = prepared.request(Operation::Stream, payload)?;
        let decoder = || -> Box<dyn StreamDecoder<Forwarded>> { Box::new(TranscriptDecoder::default()) };
        prepared.stream_request(&self.shared, begun.context, unsigned, None, decoder).await
    }

    /// The events of a text that comes as a whole.
    async fn simulated_transcription(
        &self,
        request: TranscribeRequest,
        begun: &Begun<'_>,
    ) -> Result<ForwardStream, Error> {
        #[derive(Deserialize)]
        struct Whole {
            text: String,
        }
        let Reply { value, meta } = self.answer_transcription(request, begun).await?;
        let Whole { text } = json::from_reply(&value.bytes).map_err(|error| {
            Error::new(ErrorKind::Unsupported, "a stream of a transcription needs `response_format: json`")
                .with_param("response_format")
                .with_source(error)
        })?;
        Ok(ReplyStream::new(meta, stream::iter(events_of(&text).map(|event| Ok(event.into())))))
    }
}
