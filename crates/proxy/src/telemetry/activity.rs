//! The figures of the last hour and the last failures, from memory.
//!
//! Owns what `GET /activity` can show: sums for each minute, model and caller, and the failures that
//! callers were told. Prompts and answers are in neither. The numbers that Prometheus collects are
//! those of [`metrics`](super::metrics).

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::callers::Caller;

/// How long a sum covers.
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
/// How many minutes are kept.
const MINUTES: u64 = 60;
/// The most sums in one minute: models times callers of an ordinary configuration are far fewer.
const MOST_SUMS: usize = 2000;
/// The most failures that are kept of one caller, and of all.
const MOST_FAILURES_OF_ONE: usize = 50;
const MOST_FAILURES: usize = 500;

/// Whose figures they are. A key may have any name, `master` too, so that names alone do not
/// separate callers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum ActivityOwner {
    /// A caller without a key, or with a wrong one.
    Anyone,
    /// The holder of the master key.
    Master,
    /// The holder of the key of this name.
    Key(String),
}

impl ActivityOwner {
    pub(crate) fn of(caller: &Caller) -> Self {
        match caller {
            Caller::Anyone => Self::Anyone,
            Caller::Master => Self::Master,
            Caller::Key(key) => Self::Key(key.name.clone()),
        }
    }

    /// The name in logs and metrics.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Anyone => "",
            Self::Master => "master",
            Self::Key(name) => name,
        }
    }
}

/// One request that has ended.
#[derive(Debug)]
pub(crate) struct EndedRequest<'a> {
    pub(crate) owner: ActivityOwner,
    /// The configured name, or `None` if no such model is served.
    pub(crate) model: Option<&'a str>,
    pub(crate) result: RequestResult,
    pub(crate) took: Duration,
    /// From its beginning to the first piece of a stream.
    pub(crate) first_piece: Option<Duration>,
    pub(crate) retries: u64,
    pub(crate) prompt_tokens: u64,
    pub(crate) completion_tokens: u64,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestResult {
    Answered,
    Failed,
    /// The caller went away.
    Cancelled,
}

/// The sums of one minute, model and caller.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sums {
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    pub(crate) cancelled: u64,
    pub(crate) retries: u64,
    pub(crate) prompt_tokens: u64,
    pub(crate) completion_tokens: u64,
    /// Requests that were answered, and how long they took together.
    pub(crate) answers: u64,
    pub(crate) answering: Duration,
    /// Streams among them, and how long their first pieces took together.
    pub(crate) streams: u64,
    pub(crate) first_pieces: Duration,
}

impl Sums {
    fn add(&mut self, ended: &EndedRequest<'_>) {
        self.requests += 1;
        self.retries += ended.retries;
        self.prompt_tokens = self.prompt_tokens.saturating_add(ended.prompt_tokens);
        self.completion_tokens = self.completion_tokens.saturating_add(ended.completion_tokens);
        match ended.result {
            RequestResult::Failed => self.errors += 1,
            RequestResult::Cancelled => self.cancelled += 1,
            RequestResult::Answered => {
                self.answers += 1;
                self.answering += ended.took;
                if let Some(first) = ended.first_piece {
                    self.streams += 1;
                    self.first_pieces += first;
                }
            }
        }
    }
}

/// A failed request, as its caller was told.
#[derive(Clone, Debug)]
pub(crate) struct FailedRequest {
    pub(crate) owner: ActivityOwner,
    pub(crate) request_id: String,
    pub(crate) route: &'static str,
    /// As it was asked for; there may be no such model.
    pub(crate) model: Option<String>,
    pub(crate) deployment: Option<String>,
    pub(crate) status: u16,
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    pub(crate) aws_request_id: Option<String>,
    pub(crate) took: Duration,
}

/// The last failure of a deployment, which a retry elsewhere may have hidden from the caller.
#[derive(Clone, Debug)]
pub(crate) struct DeploymentFailure {
    pub(crate) kind: String,
    pub(crate) request_id: String,
    /// How long ago it was.
    pub(crate) age: Duration,
}

/// What was done of late.
#[derive(Debug)]
pub(crate) struct Activity {
    /// Minutes are counted from here, by a clock that never jumps.
    began: Instant,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// By the number of the minute, the oldest first.
    minutes: VecDeque<(u64, HashMap<(ActivityOwner, Option<String>), Sums>)>,
    failures: VecDeque<(Instant, FailedRequest)>,
    deployments: HashMap<String, (Instant, String, String)>,
}

impl Default for Activity {
    fn default() -> Self {
        Self { began: Instant::now(), kept: Mutex::default() }
    }
}

/// The sums of a model and a caller, by how long ago their minutes began.
pub(crate) type Series = BTreeMap<(Option<String>, ActivityOwner), Vec<(Duration, Sums)>>;

impl Activity {
    pub(crate) fn ended(&self, ended: &EndedRequest<'_>) {
        let minute = self.minute();
        let mut kept = self.kept();
        kept.forget(minute);
        if kept.minutes.back().is_none_or(|(last, _)| *last < minute) {
            kept.minutes.push_back((minute, HashMap::new()));
        }
        let Some((_, sums)) = kept.minutes.back_mut() else { return };
        let key = (ended.owner.clone(), ended.model.map(str::to_owned));
        if sums.len() < MOST_SUMS || sums.contains_key(&key) {
            sums.entry(key).or_default().add(ended);
        }
    }

    pub(crate) fn failed(&self, failed: FailedRequest) {
        let mut kept = self.kept();
        let failures = &mut kept.failures;
        let own = failures.iter().filter(|(_, other)| other.owner == failed.owner).count();
        let oldest = if own >= MOST_FAILURES_OF_ONE {
            failures.iter().position(|(_, other)| other.owner == failed.owner)
        } else {
            (failures.len() >= MOST_FAILURES).then_some(0)
        };
        if let Some(oldest) = oldest {
            failures.remove(oldest);
        }
        failures.push_back((Instant::now(), failed));
    }

    /// A deployment failed a request with this id.
    pub(crate) fn deployment_failed(&self, deployment: &str, kind: &str, request_id: &str) {
        let failure = (Instant::now(), kind.to_owned(), request_id.to_owned());
        self.kept().deployments.insert(deployment.to_owned(), failure);
    }

    pub(crate) fn last_failure(&self, deployment: &str) -> Option<DeploymentFailure> {
        let kept = self.kept();
        let (at, kind, request_id) = kept.deployments.get(deployment)?;
        Some(DeploymentFailure { kind: kind.clone(), request_id: request_id.clone(), age: at.elapsed() })
    }

    /// The sums of the last hour that this test of their owner lets through.
    pub(crate) fn series(&self, shows: impl Fn(&ActivityOwner) -> bool) -> Series {
        let now = self.began.elapsed();
        let mut kept = self.kept();
        kept.forget(now.as_secs() / MINUTE.as_secs());
        let mut series = Series::new();
        for (minute, sums) in &kept.minutes {
            let age = now.saturating_sub(Duration::from_secs(minute * MINUTE.as_secs()));
            for ((owner, model), sums) in sums.iter().filter(|((owner, _), _)| shows(owner)) {
                series.entry((model.clone(), owner.clone())).or_default().push((age, *sums));
            }
        }
        series
    }

    /// The failures that this test of their owner lets through and how long ago they were, the
    /// latest first.
    pub(crate) fn failures(&self, shows: impl Fn(&ActivityOwner) -> bool) -> Vec<(Duration, FailedRequest)> {
        let kept = self.kept();
        let shown = kept.failures.iter().rev().filter(|(_, failed)| shows(&failed.owner));
        shown.map(|(at, failed)| (at.elapsed(), failed.clone())).collect()
    }

    fn minute(&self) -> u64 {
        self.began.elapsed().as_secs() / MINUTE.as_secs()
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Drops what is older than an hour.
    fn forget(&mut self, now: u64) {
        while self.minutes.front().is_some_and(|(minute, _)| minute + MINUTES <= now) {
            self.minutes.pop_front();
        }
    }
}

#[cfg(test)]
mod tests;
