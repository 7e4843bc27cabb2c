//! Chat: the conversation through the model's dialect, whole or streamed.

use sagewire_types::{ChatRequest, ChatResponse, ChatStream, Error, Reply, ReplyStream};

use super::{Begun, SageMaker};
use crate::{
    call::{details, stream_usage},
    checks, prompt,
    reply::usage,
    settings::defaults,
    stream::simulated as fake_stream,
};

impl SageMaker {
    pub(super) async fn answer_chat(
        &self,
        mut request: ChatRequest,
        begun: &Begun<'_>,
    ) -> Result<Reply<ChatResponse>, Error> {
        checks::chat(&mut request)?;
        let prepared = self.prepare(&request.model, begun).await?;
        defaults::fill(&mut request, prepared.settings.defaults.as_deref());
        let dialect = prepared.dialect()?;
        let prompt = prompt::render(&self.shared, dialect, &mut request, &prepared).await?;
        let decoding = prepared.decode_context(&request, prompt.as_ref());
        let (body, meta) =
            details::invoke(&self.shared, &prepared, begun.context, dialect, request, prompt.as_ref()).await?;
        let mut value = dialect.decode(&body, &decoding).map_err(|error| checks::answered(error, &meta))?;
        usage::fill_in(&mut value, &decoding).await;
        Ok(Reply { value, meta })
    }

    pub(super) async fn stream_chat(&self, mut request: ChatRequest, begun: &Begun<'_>) -> Result<ChatStream, Error> {
        checks::chat(&mut request)?;
        let prepared = self.prepare(&request.model, begun).await?;
        defaults::fill(&mut request, prepared.settings.defaults.as_deref());
        if prepared.simulates_streams() {
            let include_usage = prepared.decode_context(&request, None).include_usage;
            request.stream = None;
            // In a box, as it is rare and larger than all the rest.
            let Reply { value, mut meta } = Box::pin(self.answer_chat(request, begun)).await?;
            fake_stream::mark(&mut meta);
            return Ok(ReplyStream::new(meta, fake_stream::chunks(value, include_usage)));
        }
        let dialect = prepared.dialect()?;
        let prompt = prompt::render(&self.shared, dialect, &mut request, &prepared).await?;
        let decoding = prepared.decode_context(&request, prompt.as_ref());
        request.stream_options = stream_usage::options(request.stream_options, &self.shared, &prepared);
        let payload = dialect.encode(request, &prepared.encode_context(prompt.as_ref(), true))?;
        usage::get_ready(&decoding).await;
        let decoder = || dialect.stream_decoder(decoding.clone());
        stream_usage::stream(&self.shared, &prepared, begun.context, payload, decoder).await
    }
}
