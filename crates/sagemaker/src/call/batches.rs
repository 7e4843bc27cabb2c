//! Inputs beyond a container's limit: split, sent a few at a time, and joined in their order.
//!
//! Owns the split, the join, the bound on how many are under way, and what a refusal says about the
//! container's limit. How one batch is sent is the provider's.

use std::{future::Future, num::NonZeroUsize};

use futures_util::{StreamExt, TryStreamExt, stream};
use sagewire_types::{Error, ErrorKind, Reply, Usage};

mod documents;
mod embeddings;

/// A request of many inputs that may be sent as several requests.
pub(crate) trait Batched: Sized {
    /// What is answered.
    type Answer;

    /// How many inputs it has.
    fn len(&self) -> usize;

    /// The request as several of at most `max` inputs each. It is copied, as it is sent again in
    /// smaller batches if the container refuses these.
    fn split(&self, max: usize) -> Vec<Self>;

    /// Adds the answer of the next batch, whose first input has this place among all.
    fn join(whole: &mut Self::Answer, next: Self::Answer, first: usize);

    /// Finishes the answer to the whole request.
    fn finish(&self, whole: &mut Self::Answer);

    /// The error of a batch whose first input has this place among all. An error that names an
    /// input names it by its place in the batch.
    fn of_all_inputs(error: Error, first: usize) -> Error;
}

/// How many batches are under way at once, unless the operator says otherwise.
pub(crate) const CONCURRENT_BATCHES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);

/// Sends a request in batches of at most `at_once` inputs, and in smaller ones for as long as the
/// container refuses their size. A limit that it names is told to `learn`.
///
/// # Errors
/// The first error of any batch that no smaller one can cure.
pub(crate) async fn in_fitting_batches<R, F, Fut>(
    request: &R,
    mut at_once: Option<NonZeroUsize>,
    concurrency: NonZeroUsize,
    learn: impl Fn(NonZeroUsize) + Send,
    send: F,
) -> Result<Reply<R::Answer>, Error>
where
    R: Batched,
    F: Fn(R) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Reply<R::Answer>, Error>> + Send,
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
        let sent = at_once.map_or(request.len(), |most| most.get().min(request.len()));
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
async fn in_batches<R, F, Fut>(
    request: &R,
    max_batch: Option<NonZeroUsize>,
    concurrency: NonZeroUsize,
    send: F,
) -> Result<Reply<R::Answer>, Error>
where
    R: Batched,
    F: Fn(R) -> Fut,
    Fut: Future<Output = Result<Reply<R::Answer>, Error>>,
{
    let mut batches = request.split(max_batch.unwrap_or(NonZeroUsize::MAX).get());
    if batches.len() == 1 {
        if let Some(only) = batches.pop() {
            return send(only).await;
        }
    }
    let mut before = 0;
    let sent = batches.into_iter().map(|batch| {
        let first = before;
        before += batch.len();
        let reply = send(batch);
        async move { Ok::<_, Error>((first, reply.await.map_err(|error| R::of_all_inputs(error, first))?)) }
    });
    let mut replies: Vec<_> = stream::iter(sent).buffer_unordered(concurrency.get()).try_collect().await?;
    replies.sort_by_key(|(first, _)| *first);
    let whole = replies.into_iter().reduce(|(zero, mut whole), (first, Reply { value, meta })| {
        R::join(&mut whole.value, value, first);
        whole.meta.attempts = whole.meta.attempts.saturating_add(meta.attempts);
        whole.meta.decisions.extend(meta.decisions);
        (zero, whole)
    });
    // An empty request is refused before.
    let (_, mut whole) = whole.ok_or_else(|| Error::new(ErrorKind::InvalidRequest, "the request has no inputs"))?;
    request.finish(&mut whole.value);
    Ok(whole)
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

/// Items in lists of at most `max`.
fn chunks<T: Clone>(items: &[T], max: usize) -> Vec<Vec<T>> {
    items.chunks(max.max(1)).map(<[T]>::to_vec).collect()
}

/// The counts of two batches. If one reports none, the sum would be wrong: there is none.
fn sum_of(one: Option<Usage>, other: Option<Usage>) -> Option<Usage> {
    one.zip(other).map(|(one, other)| sum(one, &other))
}

/// The place that a parameter such as `input[3]` names.
fn place_in(error: &Error, parameter: &str) -> Option<usize> {
    error.param()?.strip_prefix(parameter)?.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

/// The same error about an input at another place.
fn at_another_place(error: &Error, of_all: Error) -> Error {
    let of_all = of_all.with_attempts(error.attempts());
    match error.upstream() {
        Some(upstream) => of_all.with_upstream(upstream.clone()),
        None => of_all,
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
