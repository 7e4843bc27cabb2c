//! Completions: in OpenAI's form where the dialect has it, else each prompt as a text of its own.

use sagewire_dialects::{CompletionForm, DecodeContext, Payload, StreamDecoder, completion};
use sagewire_types::{ChatRequest, CompletionRequest, CompletionResponse, CompletionStream, Error, Reply, ReplyStream};

use super::{Begun, SageMaker};
use crate::{
    call::{completion_prompts, details, plan::Prepared, stream_usage},
    checks, prompt,
    reply::usage,
    settings::{defaults, operator_only::take_out},
    stream::simulated as fake_stream,
};

impl SageMaker {
    pub(super) async fn answer_completion(
        &self,
        mut request: CompletionRequest,
        begun: &Begun<'_>,
    ) -> Result<Reply<CompletionResponse>, Error> {
        take_out(&mut request.extra)?;
        let prepared = self.prepare(&request.model, begun).await?;
        prepared.door.check_takes_more_than_chat("completions")?;
        defaults::fill_completion(&mut request, prepared.settings.defaults.as_deref());
        let dialect = prepared.dialect()?;
        if dialect.completion_form() == CompletionForm::OpenAi {
            let decoding = prepared.decode_context(&ChatRequest::default(), None).with_completion(&request);
            let payload = dialect.encode_completion(request, &prepared.encode_context(None, false))?;
            let (body, meta) = prepared.invoke(&self.shared, begun.context, payload).await?;
            let mut value =
                completion::decode(&body, &decoding, dialect.name()).map_err(|error| checks::answered(error, &meta))?;
            usage::fill_in(&mut value, &decoding).await;
            return Ok(Reply { value: completion::from_chat(value), meta });
        }
        let (chat, prompts) = completion::as_prompts(request)?;
        let (chat, prepared) = (&chat, &prepared);
        completion_prompts::whole(prompts, chat.n.unwrap_or(1), |text| async move {
            let prompt = prompt::Prompt::raw(text);
            let decoding = prepared.decode_context(chat, Some(&prompt)).keeping_thoughts();
            let (body, meta) =
                details::invoke(&self.shared, prepared, begun.context, dialect, chat.clone(), Some(&prompt)).await?;
            let mut value = dialect.decode(&body, &decoding).map_err(|error| checks::answered(error, &meta))?;
            usage::fill_in(&mut value, &decoding).await;
            Ok(Reply { value: completion::from_chat(value), meta })
        })
        .await
    }

    pub(super) async fn stream_completion(
        &self,
        mut request: CompletionRequest,
        begun: &Begun<'_>,
    ) -> Result<CompletionStream, Error> {
        take_out(&mut request.extra)?;
        let prepared = self.prepare(&request.model, begun).await?;
        prepared.door.check_takes_more_than_chat("completions")?;
        if !prepared.door.streams {
            let include_usage =
                request.stream_options.as_ref().is_some_and(|options| options.include_usage == Some(true));
            (request.stream, request.stream_options) = (None, None);
            let Reply { value, mut meta } = Box::pin(self.answer_completion(request, begun)).await?;
            fake_stream::mark(&mut meta);
            return Ok(ReplyStream::new(meta, fake_stream::completion(value, include_usage)));
        }
        defaults::fill_completion(&mut request, prepared.settings.defaults.as_deref());
        let dialect = prepared.dialect()?;
        let prepared = &prepared;
        if dialect.completion_form() == CompletionForm::OpenAi {
            let decoding = prepared.decode_context(&ChatRequest::default(), None).with_completion(&request);
            request.stream_options = stream_usage::options(request.stream_options, &self.shared, prepared);
            let payload = dialect.encode_completion(request, &prepared.encode_context(None, true))?;
            return self.stream_as_completion(prepared, begun, payload, decoding).await;
        }
        let (chat, prompts) = completion::as_prompts(request)?;
        let chat = &chat;
        completion_prompts::streamed(prompts, chat.n.unwrap_or(1), |text| async move {
            let prompt = prompt::Prompt::raw(text);
            let decoding = prepared.decode_context(chat, Some(&prompt));
            let payload = dialect.encode(chat.clone(), &prepared.encode_context(Some(&prompt), true))?;
            self.stream_as_completion(prepared, begun, payload, decoding).await
        })
        .await
    }

    async fn stream_as_completion(
        &self,
        prepared: &Prepared<'_>,
        begun: &Begun<'_>,
        payload: Payload,
        decoding: DecodeContext,
    ) -> Result<CompletionStream, Error> {
        let dialect = prepared.dialect()?;
        let decoding = decoding.keeping_thoughts();
        usage::get_ready(&decoding).await;
        let decoder = || -> Box<dyn StreamDecoder<CompletionResponse>> {
            Box::new(completion::CompletionDecoder::new(dialect.stream_decoder(decoding.clone())))
        };
        stream_usage::stream(&self.shared, prepared, begun.context, payload, decoder).await
    }
}
