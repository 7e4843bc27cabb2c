//! The work itself: batches of texts, several at a time, each written as soon as it is answered.
//!
//! Owns the order of asking and writing, and what a failure or Ctrl-C leaves behind: every answer
//! that came is in the output.

use std::{cell::Cell, future::ready, io::Write, pin::pin};

use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use sagewire::{CallContext, EmbedRequest, Error, ErrorKind, Provider, Vector};
use sagewire_batch::BatchError;
use serde_json::{Map, Value};

use super::{
    input::{Record, Records},
    output::{self, Done},
};
use crate::{Failure, fingerprint::Fingerprint, lines, progress::Progress};

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
    /// How many of these have an answer that was not understood.
    undecoded: usize,
    /// Whether Ctrl-C ended it.
    pub(super) is_stopped: bool,
}

/// As many texts without a vector, and none with one, show that the model makes none.
const ENOUGH: usize = 3;

impl Summary {
    fn refuse(&mut self, index: u64, error: Error) {
        self.undecoded += usize::from(error.kind() == ErrorKind::Decode);
        self.refused.push((index, error));
    }

    /// The failure of the run, if the model has made no vector, and so many of its answers were not
    /// understood.
    fn hopeless(&self, has_embedded: bool, enough: usize) -> Option<Failure> {
        if has_embedded || self.undecoded < enough {
            return None;
        }
        let (index, error) = self.refused.iter().find(|(_, error)| error.kind() == ErrorKind::Decode)?;
        Some(failed(*index, *index, Error::new(error.kind(), error.message())))
    }
}

/// The answers of one batch, in its order.
type Answered = Vec<(Record, Result<Vector, Error>)>;

/// The failure of some lines, named by the first and the last of them.
fn failed(first: u64, last: u64, error: Error) -> Failure {
    Failure::from(error).about(match first == last {
        true => format!("line {}", first + 1),
        false => format!("lines {} to {}", first + 1, last + 1),
    })
}

impl Job<'_> {
    /// Embeds every record that is not done. The first item of `stops` lets the requests at work
    /// finish; the second drops them.
    pub(super) async fn run(
        &self,
        records: Records<'_>,
        done: &Done,
        output: &mut (dyn Write + Send),
        stops: impl Stream<Item = ()>,
        progress: &mut Progress,
    ) -> Result<Summary, Failure> {
        let asks_more = Cell::new(true);
        let records = stream::try_unfold(records, |mut records| async {
            Ok::<_, BatchError>(records.next().await?.map(|record| (record, records)))
        });
        let open =
            records.try_filter_map(|record| ready(Ok(record.ok().filter(|record| !done.contains_key(&record.index)))));
        let batches = open.try_chunks(self.batch_size).take_while(|_| ready(asks_more.get())).map(|batch| async {
            let batch = batch.map_err(|error| Failure::work(error.1))?;
            self.ask(batch).await
        });
        let mut answers = pin!(batches.buffer_unordered(self.concurrency));
        let mut stops = pin!(stops.fuse());
        let mut summary = Summary::default();
        let mut has_embedded = !done.is_empty();
        let mut failure = None;
        loop {
            let answered = tokio::select! {
                biased;
                Some(()) = stops.next() => {
                    if summary.is_stopped {
                        return Ok(summary);
                    }
                    summary.is_stopped = true;
                    asks_more.set(false);
                    lines::say_finishing(progress);
                    continue;
                }
                answered = answers.next() => answered,
            };
            match answered {
                None => break,
                Some(Ok((answered, tokens))) => {
                    summary.tokens += tokens;
                    has_embedded |= self.write(answered, output, progress, &mut summary)? > 0;
                    failure = failure.or(summary.hopeless(has_embedded, ENOUGH));
                }
                // Those in flight bring what they can before this one is reported.
                Some(Err(failed)) => drop(failure.get_or_insert(failed)),
            }
            asks_more.set(asks_more.get() && failure.is_none());
        }
        failure.or(summary.hopeless(has_embedded, 1)).map_or(Ok(summary), Err)
    }

    /// Writes the vectors, and says how many there were.
    fn write(
        &self,
        answered: Answered,
        output: &mut (dyn Write + Send),
        progress: &mut Progress,
        summary: &mut Summary,
    ) -> Result<u64, Failure> {
        let mut lines = Vec::new();
        let mut count = 0;
        for (record, result) in answered {
            match result {
                Ok(vector) => {
                    let hash = self.fingerprint.of(&record.text);
                    lines.extend(output::line(&record, &hash, &vector).map_err(Failure::work)?);
                    count += 1;
                }
                Err(error) => summary.refuse(record.index, error),
            }
        }
        output.write_all(&lines).and_then(|()| output.flush()).map_err(Failure::output)?;
        progress.add(count);
        Ok(count)
    }

    /// Asks for a batch; if its texts are refused and the work is to go on, for each of them alone.
    async fn ask(&self, batch: Vec<Record>) -> Result<(Answered, u64), Failure> {
        let error = match self.embed(&batch).await {
            Ok((vectors, tokens)) => return Ok((batch.into_iter().zip(vectors.into_iter().map(Ok)).collect(), tokens)),
            Err(error) => error,
        };
        if !self.keep_going || !is_about_the_texts(&error) {
            let first = batch.first().map_or(0, |record| record.index);
            let last = batch.last().map_or(0, |record| record.index);
            return Err(failed(first, last, error));
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
                Err(error) => return Err(failed(record.index, record.index, error)),
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
        let response = self.provider.embed(request, &CallContext::new()).await?.value;
        let tokens = response.usage.map_or(0, |usage| usage.prompt_tokens);
        Ok((response.data.into_iter().map(|embedding| embedding.vector).collect(), tokens))
    }
}

/// Whether another text might be embedded: what concerns keys, the network or the endpoint would
/// fail all of them. An answer without a vector may be the fault of either;
/// [`Summary::hopeless`] tells them apart.
fn is_about_the_texts(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::InvalidRequest | ErrorKind::ContextTooLong | ErrorKind::ModelFailed | ErrorKind::Decode
    )
}
