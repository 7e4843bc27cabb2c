//! What must hold, whatever went wrong.
//!
//! Owns the judgement on one run. It knows nothing of how the run was made: only what was asked,
//! what came back, and what the emulator and the transport saw.

use std::{collections::HashSet, fmt};

use sagewire_emulator::{Fault, Received};
use sagewire_tests::observed::Attempt;

use crate::{
    callers::{self, Spending, Turn},
    schedule::{Asked, Schedule, Way},
    speaker,
};

/// When a run's clock begins, counted from its month's beginning: the 14th, at 22:13:20.
const START: u64 = ((14 * 24 + 22) * 60 + 13) * 60 + 20;

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// As a whole answer.
    Whole,
    /// With one error. `told` says whether it explains itself; `attempts` is what it counts, where
    /// it does.
    Failed { kind: String, told: bool, attempts: Option<usize> },
    /// The caller gave it up.
    Abandoned,
    /// It did not, within a day of the run's time.
    Never,
    /// With neither an error nor an end mark, where HTTP carries it; and what came instead.
    CutOff(String),
}

/// What a request gave.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) asked: Asked,
    /// The text so far; of embeddings, the vectors.
    pub(crate) text: String,
    /// A finish reason was told.
    pub(crate) finished: bool,
    pub(crate) end: End,
    /// What came after the end.
    pub(crate) afterwards: usize,
    /// The request's attempts when its first piece came.
    pub(crate) attempts_at_first_piece: Option<usize>,
    /// What the answer says of its attempts.
    pub(crate) told_attempts: Option<usize>,
    /// Everything that the caller was shown: heads, bodies, errors in both forms.
    pub(crate) shown: String,
    /// The proxy refused it for a limit of the caller's key.
    pub(crate) refused_by_key: bool,
    pub(crate) turn: Turn,
}

/// Everything known of a run.
#[derive(Debug)]
pub(crate) struct Evidence {
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) sent: Vec<Attempt>,
    pub(crate) received: Vec<Received>,
    /// How many seconds the run's own clock went.
    pub(crate) seconds: u64,
    /// Open connections, tasks and bodies when all clients were gone.
    pub(crate) left: Left,
    /// What each key of the schedule has used in the end.
    pub(crate) spending: Vec<Spending>,
    /// The ids of the deployments that rest in the end.
    pub(crate) resting: Vec<String>,
    /// What no caller may see.
    pub(crate) secrets: Vec<String>,
}

impl Evidence {
    /// What was asked, what came back and what went wrong, a line for each.
    pub(crate) fn told(&self) -> String {
        let outcomes = self.outcomes.iter().map(|outcome| {
            let Outcome { asked, text, end, finished, .. } = outcome;
            format!(
                "{} {:?} of {}: {text:?}, finished {finished}, {end:?}\n",
                asked.number, asked.kind, asked.target.name
            )
        });
        let received = self.received.iter().map(|received| {
            let refused = received.refused.as_ref().map(|error| error.code());
            format!("  received {:?}: {:?} refused {refused:?}\n", number_of(received), received.fault)
        });
        outcomes.chain(received).collect()
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) connections: usize,
    pub(crate) tasks: usize,
    pub(crate) bodies: usize,
}

/// What did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    NeverEnded(u64),
    /// Something came after the end.
    WentOn(u64),
    /// Reported complete, and it was not what the container said.
    FalselyComplete(u64, String),
    /// The text so far is no beginning of the answer.
    NotABeginning(u64, String),
    /// An error that does not say what happened, or an end without one.
    Unexplained(u64),
    TooManyAttempts(u64, usize),
    AttemptAfterFirstPiece(u64),
    /// The answer counts its attempts otherwise than the transport did.
    Miscounted(u64, usize, usize),
    SignatureReused(String),
    /// The emulator refused a signature for which nothing had gone wrong.
    SignatureRefused(String),
    LeftBehind(Left),
    /// So many bytes were not given back.
    MemoryKept(i64),
    /// A caller was shown this secret.
    Shown(u64, String),
    /// A deployment rests although nothing went wrong but what callers asked for.
    RestsForACaller(String),
    /// So many tokens of a key are reserved although none of its calls is at work.
    StillReserved(&'static str, u64),
    /// Fewer tokens are counted than the answers had.
    NotCounted(&'static str, u64),
    /// A call was let through although its key had used up its budget.
    OverBudget(&'static str, u64),
    /// A key has used so many tokens, more than its budget and what its calls at work may take.
    Overspent(&'static str, u64),
    /// So many calls of a key were at work although one reserves more than its budget.
    ReservedTogether(&'static str, u64),
    /// So many requests of a key were let through in its first minute.
    TooManyRequests(&'static str, u64),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// All that did not hold in a run.
pub(crate) fn violations(schedule: &Schedule, evidence: &Evidence) -> Vec<Violation> {
    let mut found: Vec<Violation> =
        evidence.outcomes.iter().flat_map(|outcome| of_outcome(schedule, evidence, outcome)).collect();
    found.extend(of_signatures(evidence));
    found.extend(callers::violations(schedule, evidence));
    if evidence.left != Left::default() {
        found.push(Violation::LeftBehind(evidence.left));
    }
    found
}

fn of_outcome(schedule: &Schedule, evidence: &Evidence, outcome: &Outcome) -> Vec<Violation> {
    let Outcome { asked, text, end, .. } = outcome;
    let number = asked.number;
    let mut found = Vec::new();
    if outcome.afterwards > 0 {
        found.push(Violation::WentOn(number));
    }
    let truth = truth(asked);
    match end {
        End::Never => found.push(Violation::NeverEnded(number)),
        End::CutOff(_) => found.push(Violation::Unexplained(number)),
        End::Whole => {
            let finished = outcome.finished || asked.target.embeds();
            if *text != truth || !finished {
                found.push(Violation::FalselyComplete(number, text.clone()));
            }
        }
        End::Failed { told: false, .. } => found.push(Violation::Unexplained(number)),
        End::Failed { .. } | End::Abandoned => {}
    }
    if *end != End::Whole && !truth.starts_with(text.as_str()) {
        found.push(Violation::NotABeginning(number, text.clone()));
    }
    let attempts = evidence.sent.iter().filter(|attempt| attempt.number == Some(number)).count();
    found.extend(of_attempts(schedule, evidence, outcome, attempts));
    found
}

fn of_attempts(schedule: &Schedule, evidence: &Evidence, outcome: &Outcome, attempts: usize) -> Vec<Violation> {
    let asked = &outcome.asked;
    let number = asked.number;
    let mut found = Vec::new();
    let renewals =
        evidence.received.iter().filter(|received| number_of(received) == Some(number) && asks_for_renewal(received));
    let renewals = renewals.count().min(schedule.allowed_renewals(asked));
    if attempts > schedule.allowed_attempts(asked) + renewals {
        found.push(Violation::TooManyAttempts(number, attempts));
    }
    if outcome.attempts_at_first_piece.is_some_and(|before| attempts > before) {
        found.push(Violation::AttemptAfterFirstPiece(number));
    }
    let counted = match outcome.end {
        End::Failed { attempts, .. } => attempts,
        _ => outcome.told_attempts,
    };
    if let (Way::Provider, Some(counted)) = (schedule.way, counted)
        && counted != attempts
    {
        found.push(Violation::Miscounted(number, counted, attempts));
    }
    found
}

fn of_signatures(evidence: &Evidence) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for attempt in &evidence.sent {
        let again = !seen.insert((&attempt.date, &attempt.authorization));
        if attempt.authorization.is_empty() || (again && is_of_the_runs_clock(evidence, &attempt.date)) {
            found.push(Violation::SignatureReused(attempt.date.clone()));
        }
    }
    let struck =
        |is: fn(&Fault) -> bool| evidence.received.iter().filter_map(|received| received.fault.as_ref()).any(is);
    for received in evidence.received.iter().filter(|received| !received.accepted) {
        let code = received.refused.as_ref().map_or("", |error| error.code());
        let message = received.refused.as_ref().and_then(|error| error.message()).unwrap_or_default();
        let excused = match code {
            "ExpiredTokenException" => struck(|fault| *fault == Fault::ExpireCredentials),
            "UnrecognizedClientException" => struck(|fault| *fault == Fault::RevokeCredentials),
            "InvalidSignatureException" if message.starts_with("Signature ") => {
                struck(|fault| matches!(fault, Fault::ClockSkew(_)))
            }
            _ => false,
        };
        if !excused {
            found.push(Violation::SignatureRefused(format!("{code}: {message}")));
        }
    }
    found
}

/// Was this attempt signed for a time that the run's clock showed? It shows each second once.
/// Corrected by AWS's clock, which is as old as the answer that told it, it may show one again: two
/// attempts signed then are two signatures of the same second, and equal.
fn is_of_the_runs_clock(evidence: &Evidence, date: &str) -> bool {
    let part = |range: std::ops::Range<usize>| date.get(range).and_then(|digits| digits.parse::<u64>().ok());
    let (Some(day), Some(hour), Some(minute), Some(second)) = (part(6..8), part(9..11), part(11..13), part(13..15))
    else {
        return true;
    };
    let time = ((day * 24 + hour) * 60 + minute) * 60 + second;
    (START..=START + evidence.seconds).contains(&time)
}

/// What the container says to a request.
fn truth(asked: &Asked) -> String {
    if asked.target.embeds() { format!("{:?}", speaker::vectors(asked.number)) } else { speaker::text(asked.number) }
}

fn number_of(received: &Received) -> Option<u64> {
    sagewire_tests::observed::number_in(&received.body)
}

/// Did AWS refuse the time or the session, so that the same attempt may be signed anew?
fn asks_for_renewal(received: &Received) -> bool {
    let by_fault = matches!(&received.fault, Some(Fault::Error(error)) if error.code() == "ExpiredTokenException");
    by_fault || received.refused.is_some()
}
