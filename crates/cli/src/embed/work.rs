//! The work itself: batches of texts, several at a time, each written as soon as it is answered.
//!
//! Owns the order of asking and writing, and what a failure or Ctrl-C leaves behind: every answer
//! that came is in the output.

use std::io::Write;

use futures_util::{FutureExt, Stream, StreamExt, stream::FuturesUnordered};
use sagewire::{CallContext, EmbedRequest, Error, ErrorKind, Provider, Vector};
use serde_json::{Map, Value};

use super::{
    input::Record,
    output::{self, Done},
};
use crate::{Failure, fingerprint::Fingerprint, progress::Progress};

/// What to ask, and how.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) provider: &'a dyn Provider,
    pub(super) model: &'a str,
    pub(super) parameters: &'a Map<String, Value>,
    pub(super) fingerprint: &'a Fingerprint,
    pub(super) batch_size: usize,
    pub(super) concurrency: usize,
    /// Whether texts that the model refuses are skipped.
    pub(super) keep_going: bool,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// The tokens of this run, as far as they were counted.
    pub(super) tokens: u64,
    /// The index of each text that the model refused, and why.
    pub(super) refused: Vec<(u64, Error)>,
    pub(super) end: End,
}

/// How the work ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum End {
    #[default]
    Finished,
    /// By Ctrl-C.
    Stopped,
}

/// The answers of one batch, in its order.
type Answered = Vec<(Record, Result<Vector, Error>)>;

/// A batch that failed as a whole.
#[derive(Debug)]
struct Failed {
    first: u64,
    last: u64,
    error: Error,
}

impl Job<'_> {
    /// Embeds every record that is not done. The first item of `stops` lets the requests at work
    /// finish; the second drops them.
    pub(super) async fn run(
        &self,
        records: impl Iterator<Item = Record>,
        done: &Done,
        output: &mut (dyn Write + Send),
        stops: impl Stream<Item = ()>,
        progress: &mut Progress,
    ) -> Result<Summary, Failure> {
        let mut stops = std::pin::pin!(stops.fuse());
        let mut open = records.filter(|record| done.hash(record.index).is_none());
        let mut summary = Summary::default();
        let mut suspicion = Suspicion::new(done);
        let mut failure = None;
        let mut at_work = FuturesUnordered::new();
        loop {
            while at_work.len() < self.concurrency && failure.is_none() && summary.end == End::Finished {
                let batch: Vec<_> = open.by_ref().take(self.batch_size).collect();
                if batch.is_empty() {
                    break;
                }
                at_work.push(self.ask(batch).boxed());
            }
            let answered = tokio::select! {
                biased;
                Some(()) = stops.next() => match summary.end {
                    End::Finished => {
                        summary.end = End::Stopped;
                        progress.say(format_args!("waiting for {} requests in flight; press Ctrl-C again to end at once", at_work.len()));
                        continue;
                    }
                    End::Stopped => return Ok(summary),
                },
                answered = at_work.next() => answered,
            };
            match answered {
                None => break,
                Some(Ok((answered, tokens))) => {
                    summary.tokens += tokens;
                    suspicion.see(&answered);
                    failure = failure.or(suspicion.confirmed(Suspicion::ENOUGH));
                    self.write(answered, output, progress, &mut summary)?;
                }
                // Those in flight bring what they can before this one is reported.
                Some(Err(failed)) => drop(failure.get_or_insert(failed)),
            }
        }
        match failure.or(suspicion.confirmed(1)) {
            None => Ok(summary),
            Some(Failed { first, last, error }) if first == last => {
                Err(Failure::from(error).about(format!("line {}", first + 1)))
            }
            Some(Failed { first, last, error }) => {
                Err(Failure::from(error).about(format!("lines {} to {}", first + 1, last + 1)))
            }
        }
    }

    fn write(
        &self,
        answered: Answered,
        output: &mut (dyn Write + Send),
        progress: &mut Progress,
        summary: &mut Summary,
    ) -> Result<(), Failure> {
        let mut lines = Vec::new();
        let mut count = 0;
        for (record, result) in answered {
            match result {
                Ok(vector) => {
                    let hash = self.fingerprint.of(&record.text);
                    lines.extend(output::line(&record, &hash, &vector).map_err(Failure::work)?);
                    count += 1;
                }
                Err(error) => summary.refused.push((record.index, error)),
            }
        }
        output.write_all(&lines).and_then(|()| output.flush()).map_err(Failure::output)?;
        progress.add(count);
        Ok(())
    }

    /// Asks for a batch; if its texts are refused and the work is to go on, for each of them alone.
    async fn ask(&self, batch: Vec<Record>) -> Result<(Answered, u64), Failed> {
        let error = match self.embed(&batch).await {
            Ok((vectors, tokens)) => return Ok((batch.into_iter().zip(vectors.into_iter().map(Ok)).collect(), tokens)),
            Err(error) => error,
        };
        if !self.keep_going || !is_about_the_texts(&error) {
            let first = batch.first().map_or(0, |record| record.index);
            let last = batch.last().map_or(0, |record| record.index);
            return Err(Failed { first, last, error });
        }
        if batch.len() == 1 {
            return Ok((
                batch.into_iter().map(|record| (record, Err(Error::new(error.kind(), error.message())))).collect(),
                0,
            ));
        }
        let (mut answered, mut tokens) = (Answered::new(), 0);
        for record in batch {
            match self.embed(std::slice::from_ref(&record)).await {
                Ok((vectors, more)) => {
                    tokens += more;
                    answered.extend(vectors.into_iter().take(1).map(|vector| (record.clone(), Ok(vector))));
                }
                Err(error) if is_about_the_texts(&error) => answered.push((record, Err(error))),
                Err(error) => return Err(Failed { first: record.index, last: record.index, error }),
            }
        }
        Ok((answered, tokens))
    }

    /// The vectors of these texts, in their order, and the tokens.
    async fn embed(&self, batch: &[Record]) -> Result<(Vec<Vector>, u64), Error> {
        let texts: Vec<String> = batch.iter().map(|record| record.text.clone()).collect();
        let mut request = EmbedRequest::new(self.model, texts);
        for (name, value) in self.parameters {
            match (name.as_str(), value.as_u64().and_then(|number| u32::try_from(number).ok())) {
                ("dimensions", Some(number)) => request.dimensions = Some(number),
                _ => drop(request.extra.insert(name.clone(), value.clone())),
            }
        }
        let mut response = self.provider.embed(request, &CallContext::new()).await?.value;
        response.data.sort_by_key(|embedding| embedding.index);
        let in_order = response.data.iter().zip(0_u32..).all(|(embedding, index)| embedding.index == index);
        if response.data.len() != batch.len() || !in_order {
            let message = format!("received {} vectors for {} texts", response.data.len(), batch.len());
            return Err(Error::new(ErrorKind::Decode, message));
        }
        let tokens = response.usage.map_or(0, |usage| usage.prompt_tokens);
        Ok((response.data.into_iter().map(|embedding| embedding.vector).collect(), tokens))
    }
}

/// Whether another text might be embedded: what concerns keys, the network or the endpoint would
/// fail all of them. An answer without a vector may be the fault of either; [`Suspicion`] tells
/// them apart.
fn is_about_the_texts(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::InvalidRequest | ErrorKind::ContextTooLong | ErrorKind::ModelFailed | ErrorKind::Decode
    )
}

/// Whether the model makes vectors at all, or its answers are never understood.
#[derive(Debug)]
struct Suspicion {
    has_embedded: bool,
    batches: usize,
    first: Option<Failed>,
}

impl Suspicion {
    /// As many batches without any vector show that it does not depend on the text.
    const ENOUGH: usize = 3;

    fn new(done: &Done) -> Self {
        Self { has_embedded: done.len() > 0, batches: 0, first: None }
    }

    fn see(&mut self, answered: &Answered) {
        self.has_embedded |= answered.iter().any(|(_, result)| result.is_ok());
        let undecoded = answered.iter().find_map(|(record, result)| {
            let error = result.as_ref().err().filter(|error| error.kind() == ErrorKind::Decode)?;
            Some(Failed { first: record.index, last: record.index, error: Error::new(error.kind(), error.message()) })
        });
        if let Some(failed) = undecoded {
            self.batches += 1;
            self.first.get_or_insert(failed);
        }
    }

    /// The failure of the run, once so many batches brought nothing.
    fn confirmed(&mut self, batches: usize) -> Option<Failed> {
        self.first.take_if(|_| !self.has_embedded && self.batches >= batches)
    }
}
