//! What one call of a model takes, from its admission to its end.
//!
//! Owns a request's place at work, what its key's limits say to it, the tokens that are reserved for
//! it, and what is counted when it ends. The task that answers settles it before the end of the answer is sent; a call
//! whose caller goes away is settled where it is dropped.

use std::{sync::Arc, time::Duration};

use sagewire_types::{Error, ErrorKind, Tally, Usage};

use super::{
    Caller,
    admission::Permit,
    expected_output::ExpectedOutput,
    {KeyAdmission, KeyLimit, KeyRefusal, Ledger, Reached},
};
use crate::{app::Lasting, config::CallerKey, http::error::ApiError, limits::Limits};

/// A call under way. It is settled once: by [`settle`](Self::settle), or when it is dropped.
#[derive(Debug)]
pub(crate) struct Booking {
    /// Held until the call is settled.
    permit: Option<Permit>,
    account: Option<Account>,
    wanted: Wanted,
    /// What answers of this model have had of late.
    expected: Option<Arc<ExpectedOutput>>,
    progress: Progress,
    usage: Option<Usage>,
    /// How much text was generated.
    text_bytes: usize,
    /// Whether no model worked on the answer.
    no_tokens: bool,
}

/// The key that is charged.
#[derive(Debug)]
struct Account {
    ledger: Arc<dyn Ledger>,
    key: Arc<CallerKey>,
    /// What the key's limits say, once they are asked.
    admission: Option<KeyAdmission>,
}

/// How old what is known of a key may be for it to refuse a request by its head alone.
const KNOWN_LATELY: Duration = Duration::from_secs(1);

/// What a call seems to need.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    /// Tokens of the prompt, estimated.
    pub(crate) prompt: u64,
    /// How many answers are generated.
    pub(crate) answers: u64,
    /// The most tokens that an answer may have, if the caller says so.
    pub(crate) max_output: Option<u64>,
}

/// How far a call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// No model was asked, or it refused.
    NotServed,
    /// A model was asked, and no answer has begun.
    Asked,
    /// An answer has begun.
    Answering,
    /// An answer has ended well.
    Answered,
}

/// Tokens of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) prompt: u64,
    pub(crate) completion: u64,
    /// Whether they are estimated, because nothing was reported.
    pub(crate) estimated: bool,
}

impl Booking {
    /// Takes a place at work, unless this caller's key is known to have used up a limit: the body of
    /// such a request is not read.
    pub(crate) async fn enter(lasting: &Lasting, caller: &Caller, limits: &Limits) -> Result<Self, ApiError> {
        let account = match caller {
            Caller::Key(key) => {
                let limits = key.limits();
                let known = lasting.ledger.known(&limits, KNOWN_LATELY);
                if let Some(refusal) = known.and_then(|standing| standing.used_up(&limits)) {
                    return Err(refused(&refusal));
                }
                Some(Account { ledger: Arc::clone(&lasting.ledger), key: Arc::clone(key), admission: None })
            }
            Caller::Anyone | Caller::Master => None,
        };
        Ok(Self {
            permit: Some(lasting.admission.enter(limits).await?),
            account,
            wanted: Wanted::default(),
            expected: None,
            progress: Progress::NotServed,
            usage: None,
            text_bytes: 0,
            no_tokens: false,
        })
    }

    /// Notes what the call seems to need. Its key's limits are asked when [`admitted`](Self::admitted)
    /// or a router first waits for what is returned.
    pub(crate) fn wants(&mut self, wanted: Wanted, expected: &Arc<ExpectedOutput>) -> Option<KeyAdmission> {
        self.wanted = wanted;
        self.expected = Some(Arc::clone(expected));
        let tokens = wanted.prompt.saturating_add(self.expected_output());
        let account = self.account.as_mut()?;
        let (ledger, key) = (Arc::clone(&account.ledger), Arc::clone(&account.key));
        let admission = KeyAdmission::new(async move { ledger.begin(&key.limits(), tokens).await });
        account.admission = Some(admission.clone());
        Some(admission)
    }

    /// Counts the request and reserves its tokens, or says why not, once. To be waited for beside
    /// the call, which must not reach a model before.
    pub(crate) fn admitted(&self) -> impl Future<Output = Result<(), ApiError>> + Send + use<> {
        let admission = self.account.as_ref().and_then(|account| account.admission.clone());
        async move {
            let Some(admission) = admission else { return Ok(()) };
            admission.outcome().await.map(drop).map_err(|refusal| refused(&refusal))
        }
    }

    fn expected_output(&self) -> u64 {
        let average = self.expected.as_ref().map_or(0, |expected| expected.tokens());
        let each = self.wanted.max_output.map_or(average, |most| most.min(average));
        each.saturating_mul(self.wanted.answers)
    }

    /// Tokens of the prompt, estimated.
    pub(crate) fn wanted_prompt(&self) -> u64 {
        self.wanted.prompt
    }

    /// The key's limits refuse the call: no model has worked on it.
    pub(crate) fn was_refused(&mut self) {
        self.progress = Progress::NotServed;
    }

    /// A model is asked from now on.
    pub(crate) fn asked(&mut self) {
        self.progress = Progress::Asked;
    }

    /// An answer has begun.
    pub(crate) fn answering(&mut self) {
        self.progress = Progress::Answering;
    }

    /// The call has failed. Before an answer has begun nothing is counted, unless the model may be
    /// at work on it still.
    pub(crate) fn failed(&mut self, error: &Error) {
        let at_work = matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Cancelled | ErrorKind::StreamBroken);
        if self.progress == Progress::Asked && !at_work {
            self.progress = Progress::NotServed;
        }
    }

    /// The answer has ended well.
    pub(crate) fn answered(&mut self) {
        self.progress = Progress::Answered;
    }

    /// No model works on the answer, as it comes from the cache or only counts: the request is
    /// counted, and no tokens.
    pub(crate) fn uses_no_tokens(&mut self) {
        self.no_tokens = true;
    }

    /// The model reported this.
    pub(crate) fn used(&mut self, usage: &Usage) {
        self.usage = Some(usage.clone());
    }

    /// So much text was generated.
    pub(crate) fn wrote(&mut self, text_bytes: usize) {
        self.text_bytes = self.text_bytes.saturating_add(text_bytes);
    }

    /// Books what was used, and gives back the place at work and what was reserved. Says what was
    /// counted.
    pub(crate) fn settle(mut self) -> Option<Count> {
        self.book()
    }

    fn book(&mut self) -> Option<Count> {
        let count = self.count();
        if let (Progress::Answered, Some(expected), Some(count)) = (self.progress, &self.expected, &count)
            && self.wanted.answers > 0
        {
            expected.learn(count.completion / self.wanted.answers);
        }
        if let Some(Account { ledger, key, admission: Some(admission) }) = self.account.take()
            && let Some(Ok(reserved)) = admission.known()
        {
            ledger.settle(
                &key.limits(),
                reserved,
                count.map_or(0, |count| count.prompt.saturating_add(count.completion)),
            );
        }
        self.permit = None;
        count
    }

    fn count(&self) -> Option<Count> {
        if self.no_tokens {
            return None;
        }
        let generated = Tally::new(None, self.text_bytes).generated();
        if let Some(usage) = self.usage.clone().map(|usage| usage.or_estimated(self.wanted.prompt, generated)) {
            // What a total has beyond its parts, such as tokens of thoughts, was generated.
            let completion = usage.total_tokens.saturating_sub(usage.prompt_tokens);
            return Some(Count { prompt: usage.prompt_tokens, completion, estimated: usage.estimated });
        }
        let completion = match self.progress {
            Progress::NotServed => return None,
            Progress::Asked => self.expected_output(),
            Progress::Answering | Progress::Answered => generated,
        };
        Some(Count { prompt: self.wanted.prompt, completion, estimated: true })
    }
}

impl Drop for Booking {
    fn drop(&mut self) {
        if self.permit.is_some() {
            self.book();
        }
    }
}

/// What a caller is told whose key has reached a limit.
fn refused(refusal: &KeyRefusal) -> ApiError {
    let KeyRefusal::Reached(reached) = refusal else {
        return ApiError::busy(
            "the limits of this key cannot be checked, because the store that replicas share is unavailable; retry in a moment".to_owned(),
            Duration::from_secs(1),
        );
    };
    let Reached { limit, allowed, resets_in, reserved } = *reached;
    let (code, what) = match limit {
        KeyLimit::Requests => ("rate_limit_exceeded", format!("{allowed} requests per minute (`rpm`)")),
        KeyLimit::Tokens => ("rate_limit_exceeded", format!("{allowed} tokens per minute (`tpm`)")),
        KeyLimit::Budget => ("insufficient_quota", format!("a budget of {allowed} tokens (`token_budget`)")),
    };
    if reserved {
        let message = format!(
            "this key has {what}, and its calls under way have reserved what is left; retry when they have ended"
        );
        return ApiError::rate_limited("rate_limit_exceeded", message, Some(Duration::from_secs(1)), true);
    }
    let when = match resets_in {
        Some(time) => {
            format!("it resets in {} seconds", time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0)))
        }
        None => "it does not reset; ask the proxy's operator for more".to_owned(),
    };
    // Waiting for a minute helps a client that retries; a budget may be spent for a month.
    let retry = limit != KeyLimit::Budget;
    ApiError::rate_limited(code, format!("this key has {what}, which is used up; {when}"), resets_in, retry)
}
