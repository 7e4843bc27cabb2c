//! Inputs beyond a container's limit: split, sent a few at a time, and joined in their order.
//!
//! Owns the split, the join, the bound on how many are under way, and what a refusal says about the
//! container's limit. How one batch is sent is the provider's.

use std::{future::Future, num::NonZeroUsize};

use futures_util::{StreamExt, TryStreamExt, stream};
use sagewire_dialects::embedding::no_numbers;
use sagewire_types::{EmbedInput, EmbedRequest, EmbedResponse, Embedding, Error, ErrorKind, Reply, ReplyMeta, Usage};

/// How many batches are under way at once, unless the operator says otherwise.
pub(crate) const CONCURRENT_BATCHES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);

/// Sends a request in batches of at most `at_once` inputs, and in smaller ones for as long as the
/// container refuses their size. A limit that it names is told to `learn`.
///
/// # Errors
/// The first error of any batch that no smaller one can cure.
pub(crate) async fn in_fitting_batches<F, Fut>(
    request: &EmbedRequest,
    mut at_once: Option<NonZeroUsize>,
    concurrency: NonZeroUsize,
    learn: impl Fn(NonZeroUsize) + Send,
    send: F,
) -> Result<Reply<EmbedResponse>, Error>
where
    F: Fn(EmbedRequest) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Reply<EmbedResponse>, Error>> + Send,
{
    let mut refused = 0_u32;
    loop {
        let error = match in_batches(request, at_once, concurrency, &send).await {
            Ok(mut reply) => {
                reply.meta.attempts = reply.meta.attempts.saturating_add(refused);
                return Ok(reply);
            }
            Err(error) => error,
        };
        refused = refused.saturating_add(error.attempts());
        let sent = at_once.map_or(request.input.len(), |most| most.get().min(request.input.len()));
        let Some(smaller) = Smaller::after(&error, sent) else { return Err(error.with_attempts(refused)) };
        tracing::debug!(target: "sagewire::retry", sent, limit = smaller.limit(), "the container takes fewer inputs at once");
        if let Smaller::Told(limit) = smaller {
            learn(limit);
        }
        at_once = Some(smaller.limit());
    }
}

/// Sends a request in batches of at most `max_batch` inputs, at most `concurrency` at once, and
/// joins the replies in the inputs' order.
///
/// # Errors
/// The first error of any batch; the other batches are given up.
async fn in_batches<F, Fut>(
    request: &EmbedRequest,
    max_batch: Option<NonZeroUsize>,
    concurrency: NonZeroUsize,
    send: F,
) -> Result<Reply<EmbedResponse>, Error>
where
    F: Fn(EmbedRequest) -> Fut,
    Fut: Future<Output = Result<Reply<EmbedResponse>, Error>>,
{
    let mut batches = split(request, max_batch.unwrap_or(NonZeroUsize::MAX).get());
    if batches.len() == 1 {
        if let Some(only) = batches.pop() {
            return send(only).await;
        }
    }
    let mut before = 0;
    let sent = batches.into_iter().enumerate().map(|(place, batch)| {
        let first = before;
        before += batch.input.len();
        let reply = send(batch);
        async move { Ok::<_, Error>((place, reply.await.map_err(|error| of_all_inputs(error, first))?)) }
    });
    let mut replies: Vec<_> = stream::iter(sent).buffer_unordered(concurrency.get()).try_collect().await?;
    replies.sort_by_key(|(place, _)| *place);
    Ok(join(replies.into_iter().map(|(_, reply)| reply)))
}

/// A smaller batch, which may succeed where one was refused for its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Smaller {
    /// The container named its limit.
    Told(NonZeroUsize),
    /// It refused the size without a number. The next batch may have shorter texts, so that nothing
    /// is learned for other calls.
    Guessed(NonZeroUsize),
}

impl Smaller {
    /// What to send after a batch of `sent` inputs failed with this error; `None` if the number of
    /// inputs is not the cause.
    ///
    /// [TEI](https://github.com/huggingface/text-embeddings-inference) names its limit in a 413 or 422; others answer a plain 413.
    fn after(error: &Error, sent: usize) -> Option<Self> {
        let upstream = error.upstream()?;
        // A text that is too long for the model stays so in any batch.
        if sent < 2 || error.kind() == ErrorKind::ContextTooLong {
            return None;
        }
        let said = upstream.reason.as_deref().or(upstream.original_message.as_deref()).unwrap_or_default();
        // The whole sentence, as callers' texts may be quoted behind it.
        let told = said
            .strip_prefix(&format!("batch size {sent} > maximum allowed batch size "))
            .and_then(|rest| rest.split(|after: char| !after.is_ascii_digit()).next()?.parse::<NonZeroUsize>().ok());
        match told {
            Some(limit) if limit.get() < sent => Some(Self::Told(limit)),
            Some(_) => None,
            None if upstream.original_status.or(upstream.status) == Some(413) => {
                NonZeroUsize::new(sent / 2).map(Self::Guessed)
            }
            None => None,
        }
    }

    /// The most inputs to send at once.
    fn limit(self) -> NonZeroUsize {
        match self {
            Self::Told(limit) | Self::Guessed(limit) => limit,
        }
    }
}

/// The request as several of at most `max` inputs each. It is copied, as it is sent again in
/// smaller batches if the container refuses these.
fn split(request: &EmbedRequest, max: usize) -> Vec<EmbedRequest> {
    if request.input.len() <= max.max(1) {
        return vec![request.clone()];
    }
    let inputs: Vec<EmbedInput> = match request.input.clone() {
        EmbedInput::Texts(texts) => chunks(texts, max).into_iter().map(EmbedInput::Texts).collect(),
        EmbedInput::TokenLists(lists) => chunks(lists, max).into_iter().map(EmbedInput::TokenLists).collect(),
        one => vec![one],
    };
    inputs.into_iter().map(|input| with_input(request, input)).collect()
}

fn chunks<T>(items: Vec<T>, max: usize) -> Vec<Vec<T>> {
    let mut chunks = Vec::with_capacity(items.len().div_ceil(max.max(1)));
    let mut items = items.into_iter().peekable();
    while items.peek().is_some() {
        chunks.push(items.by_ref().take(max.max(1)).collect());
    }
    chunks
}

fn with_input(request: &EmbedRequest, input: EmbedInput) -> EmbedRequest {
    let mut batch = EmbedRequest::new(request.model.as_str(), input);
    batch.dimensions = request.dimensions;
    batch.encoding_format = request.encoding_format;
    batch.user.clone_from(&request.user);
    batch.extra.clone_from(&request.extra);
    batch
}

/// The replies as one: vectors in order, counts summed, the facts of the first with the tries and
/// decisions of all. Where one batch reports no usage, the sum would be wrong: there is none.
fn join(replies: impl IntoIterator<Item = Reply<EmbedResponse>>) -> Reply<EmbedResponse> {
    let mut replies = replies.into_iter();
    let Some(mut whole) = replies.next() else {
        return Reply { value: EmbedResponse::new("", []), meta: ReplyMeta::default() };
    };
    for Reply { value, meta } in replies {
        whole.value.data.extend(value.data);
        whole.value.usage = whole.value.usage.zip(value.usage).map(|(one, other)| sum(one, &other));
        whole.meta.attempts = whole.meta.attempts.saturating_add(meta.attempts);
        whole.meta.decisions.extend(meta.decisions);
    }
    for (Embedding { index, .. }, place) in whole.value.data.iter_mut().zip(0..) {
        *index = place;
    }
    whole
}

/// The error of a batch whose first input has this place among all. An error that names an input
/// names it by its place in the batch.
fn of_all_inputs(error: Error, first: usize) -> Error {
    let place = error.param().and_then(|param| param.strip_prefix("input[")?.strip_suffix(']')?.parse::<usize>().ok());
    match place.filter(|_| first > 0 && error.kind() == ErrorKind::Decode) {
        Some(place) => {
            let of_all = no_numbers(first + place).with_attempts(error.attempts());
            match error.upstream() {
                Some(upstream) => of_all.with_upstream(upstream.clone()),
                None => of_all,
            }
        }
        None => error,
    }
}

/// The tokens of two parts of one call.
pub(crate) fn sum(mut one: Usage, other: &Usage) -> Usage {
    one.prompt_tokens = one.prompt_tokens.saturating_add(other.prompt_tokens);
    one.completion_tokens = one.completion_tokens.saturating_add(other.completion_tokens);
    one.total_tokens = one.total_tokens.saturating_add(other.total_tokens);
    one.estimated |= other.estimated;
    one
}

#[cfg(test)]
mod tests;
