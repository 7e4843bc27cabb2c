//! Several prompts of one completion, for containers that take one at a time.
//!
//! Owns how many are under way at once, the places of the choices, and the sum of the counts. How
//! one prompt is sent is the provider's. The choices of the prompt at place `p` are `p * n` to `p *
//! n + n - 1`, as with [OpenAI](https://platform.openai.com/docs/api-reference/completions/create).

use std::{future::Future, sync::Arc};

use futures_util::{StreamExt, TryStreamExt, stream};
use sagewire_types::{CompletionResponse, CompletionStream, Error, ErrorKind, Reply, ReplyMeta, ReplyStream, Usage};

use super::batches::{CONCURRENT_BATCHES, sum};

/// How many prompts can be streamed at once: each has a connection of its own until its end.
const STREAMED_PROMPTS: usize = 16;

/// Answers each prompt by a call of its own. A single prompt is that call.
///
/// # Errors
/// The first error of any prompt; the others are given up.
pub(crate) async fn whole<F, Fut>(prompts: Vec<String>, n: u32, ask: F) -> Result<Reply<CompletionResponse>, Error>
where
    F: Fn(String) -> Fut,
    Fut: Future<Output = Result<Reply<CompletionResponse>, Error>>,
{
    let answers: Vec<_> =
        stream::iter(prompts.into_iter().map(ask)).buffered(CONCURRENT_BATCHES.get()).try_collect().await?;
    let mut answers = answers.into_iter().zip(0..).map(|(mut answer, place)| {
        give_places(&mut answer.value, place, n);
        answer
    });
    let mut joined = answers.next().ok_or_else(no_prompt)?;
    for Reply { value, meta } in answers {
        joined.value.choices.extend(value.choices);
        joined.value.usage = joined.value.usage.zip(value.usage).map(|(one, other)| sum(one, &other));
        joined.meta.attempts = joined.meta.attempts.saturating_add(meta.attempts);
        joined.meta.decisions.extend(meta.decisions);
    }
    Ok(joined)
}

/// Streams the answers to all prompts side by side. A single prompt is its own stream.
///
/// # Errors
/// The first error of any prompt before its first piece, and more prompts than can be streamed at
/// once.
pub(crate) async fn streamed<F, Fut>(prompts: Vec<String>, n: u32, ask: F) -> Result<CompletionStream, Error>
where
    F: Fn(String) -> Fut,
    Fut: Future<Output = Result<CompletionStream, Error>>,
{
    if prompts.len() > STREAMED_PROMPTS {
        let message = format!(
            "invalid `prompt`: a text container can stream the answers to {STREAMED_PROMPTS} prompts at once, not {}; send fewer, or ask without `stream`",
            prompts.len()
        );
        return Err(Error::new(ErrorKind::Unsupported, message).with_param("prompt"));
    }
    let mut streams: Vec<_> =
        stream::iter(prompts.into_iter().map(ask)).buffered(CONCURRENT_BATCHES.get()).try_collect().await?;
    if streams.len() == 1 {
        if let Some(only) = streams.pop() {
            return Ok(only);
        }
    }
    let mut meta = ReplyMeta::default();
    for (place, stream) in streams.iter().enumerate() {
        if place == 0 {
            meta = stream.meta.clone();
        } else {
            meta.attempts = meta.attempts.saturating_add(stream.meta.attempts);
            meta.decisions.extend(stream.meta.decisions.iter().cloned());
        }
    }
    let mut joined = Joined { waiting: streams.len(), ..Joined::default() };
    let placed = streams.into_iter().zip(0..).map(move |(stream, place)| {
        stream.map(move |piece| {
            piece.map(|mut piece| {
                give_places(&mut piece, place, n);
                piece
            })
        })
    });
    let pieces = stream::select_all(placed).filter_map(move |piece| {
        std::future::ready(match piece {
            Ok(piece) => joined.take(piece).map(Ok),
            Err(error) => Some(Err(error)),
        })
    });
    Ok(ReplyStream::new(meta, pieces))
}

/// What the pieces of several streams have in common in one.
#[derive(Debug, Default)]
struct Joined {
    id: Option<Arc<str>>,
    usage: Option<Usage>,
    /// How many streams have not reported their usage yet.
    waiting: usize,
}

impl Joined {
    /// The piece under the one id. The usage comes with the last one that is reported, for all
    /// prompts together.
    fn take(&mut self, mut piece: CompletionResponse) -> Option<CompletionResponse> {
        piece.id = Arc::clone(self.id.get_or_insert_with(|| Arc::clone(&piece.id)));
        if let Some(usage) = piece.usage.take() {
            self.usage = Some(match self.usage.take() {
                Some(others) => sum(others, &usage),
                None => usage,
            });
            self.waiting = self.waiting.saturating_sub(1);
            if self.waiting == 0 {
                piece.usage = self.usage.take();
            }
        }
        (!piece.choices.is_empty() || piece.usage.is_some()).then_some(piece)
    }
}

fn give_places(answer: &mut CompletionResponse, place: u32, n: u32) {
    for choice in &mut answer.choices {
        choice.index = choice.index.saturating_add(place.saturating_mul(n));
    }
}

fn no_prompt() -> Error {
    Error::invalid("prompt", "`prompt` is an empty list; give at least one text")
}

#[cfg(test)]
mod tests {
    use sagewire_types::CompletionChoice;

    use super::*;

    fn answer(prompt: &str, n: u32) -> CompletionResponse {
        let choices = (0..n).map(|index| CompletionChoice::new(index, format!("{prompt}{index}"), None)).collect();
        let mut answer = CompletionResponse::new(prompt.into(), "m".into(), 1, choices);
        answer.usage = Some(Usage::reported(1, 2));
        answer
    }

    fn texts(choices: &[CompletionChoice]) -> Vec<(u32, &str)> {
        choices.iter().map(|choice| (choice.index, choice.text.as_str())).collect()
    }

    fn prompts(count: usize) -> Vec<String> {
        (0..count).map(|place| format!("p{place}-")).collect()
    }

    #[tokio::test]
    async fn choices_have_the_places_of_their_prompts() {
        let reply =
            whole(prompts(2), 2, |prompt| async move { Ok(Reply::new(answer(&prompt, 2))) }).await.unwrap().value;
        assert_eq!(texts(&reply.choices), [(0, "p0-0"), (1, "p0-1"), (2, "p1-0"), (3, "p1-1")]);
        assert_eq!(reply.usage, Some(Usage::reported(2, 4)));
        assert_eq!(&*reply.id, "p0-");
    }

    #[tokio::test]
    async fn a_sum_without_one_of_its_counts_is_not_told() {
        let reply = whole(prompts(2), 1, |prompt| async move {
            let mut answer = answer(&prompt, 1);
            answer.usage = answer.usage.filter(|_| prompt == "p0-");
            Ok(Reply::new(answer))
        });
        assert_eq!(reply.await.unwrap().value.usage, None);
    }

    #[tokio::test]
    async fn one_failure_is_the_failure_of_all() {
        let failed = whole(prompts(3), 1, |prompt| async move {
            if prompt == "p1-" { Err(Error::invalid("prompt", "no")) } else { Ok(Reply::new(answer(&prompt, 1))) }
        });
        assert_eq!(failed.await.unwrap_err().param(), Some("prompt"));
        let none = whole(Vec::new(), 1, |prompt| async move { Ok(Reply::new(answer(&prompt, 1))) });
        assert_eq!(none.await.unwrap_err().param(), Some("prompt"));
    }

    async fn stream_of(prompt: String) -> Result<CompletionStream, Error> {
        let mut end = CompletionResponse::new(prompt.as_str().into(), "m".into(), 1, Vec::new());
        end.usage = Some(Usage::reported(1, 2));
        let mut text = answer(&prompt, 1);
        text.usage = None;
        Ok(ReplyStream::new(ReplyMeta::default(), stream::iter([Ok(text), Ok(end)])))
    }

    #[tokio::test]
    async fn streams_are_joined_under_one_id_with_one_usage() {
        let stream = streamed(prompts(3), 1, stream_of).await.unwrap();
        let pieces: Vec<_> = stream.try_collect().await.unwrap();
        let mut choices: Vec<_> = pieces.iter().flat_map(|piece| piece.choices.clone()).collect();
        choices.sort_by_key(|choice| choice.index);
        assert_eq!(texts(&choices), [(0, "p0-0"), (1, "p1-0"), (2, "p2-0")]);
        assert!(pieces.iter().all(|piece| piece.id == pieces[0].id));
        let usages: Vec<_> = pieces.iter().filter_map(|piece| piece.usage.clone()).collect();
        assert_eq!(usages, [Usage::reported(3, 6)]);
        assert!(pieces.last().unwrap().usage.is_some());
    }

    #[tokio::test]
    async fn more_prompts_than_connections_are_refused() {
        let error = streamed(prompts(STREAMED_PROMPTS + 1), 1, stream_of).await.unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::Unsupported, Some("prompt")));
    }
}
