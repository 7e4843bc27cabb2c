//! When a deployment may take a request.
//!
//! Owns the one rule, used to choose among deployments and again, in one step with the counting, to
//! begin a request.

use std::{fmt, time::Duration};

use super::{Circuit, DeploymentState};

/// How much a deployment can take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The most requests in 60 seconds.
    pub rpm: Option<u64>,
    /// The most tokens in 60 seconds.
    pub tpm: Option<u64>,
    /// The most requests at a time.
    pub max_parallel_requests: Option<u32>,
}

/// On what terms a request may begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// How much the deployment can take.
    pub limits: Limits,
    /// About how many tokens the request's prompt has.
    pub estimated_tokens: u64,
    /// Whether it may begin during a cooldown, because there is no better deployment.
    pub despite_cooldown: bool,
}

impl Limits {
    /// Whether nothing is limited.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The share of one of so many replicas, rounded up.
    #[must_use]
    pub fn share(&self, replicas: u32) -> Self {
        let replicas = replicas.max(1);
        Self {
            rpm: self.rpm.map(|rpm| rpm.div_ceil(u64::from(replicas))),
            tpm: self.tpm.map(|tpm| tpm.div_ceil(u64::from(replicas))),
            max_parallel_requests: self.max_parallel_requests.map(|most| most.div_ceil(replicas)),
        }
    }
}

impl Terms {
    /// Why a deployment in this state cannot take the request; `None` where it can.
    ///
    /// A request that alone seems larger than `tpm` is let through when nothing else is counted: an
    /// estimate must not lock it out for ever.
    #[must_use]
    pub fn refusal(&self, state: &DeploymentState) -> Option<Refusal> {
        if !self.despite_cooldown {
            match state.circuit {
                Circuit::CoolingDown { ends_in } => return Some(Refusal::CoolingDown { ends_in }),
                Circuit::HalfOpen { probing: true } => return Some(Refusal::Probing),
                Circuit::HalfOpen { probing: false } | Circuit::Closed => {}
            }
        }
        let Limits { rpm, tpm, max_parallel_requests } = self.limits;
        if rpm.is_some_and(|rpm| state.requests >= rpm) {
            return Some(Refusal::RequestLimit { room_in: state.room_in });
        }
        let counted = state.tokens.saturating_add(state.reserved_tokens);
        if tpm.is_some_and(|tpm| counted > 0 && counted.saturating_add(self.estimated_tokens) > tpm) {
            return Some(Refusal::TokenLimit { room_in: state.room_in });
        }
        if max_parallel_requests.is_some_and(|most| state.in_flight >= most) {
            return Some(Refusal::Full);
        }
        None
    }
}

/// Why a deployment cannot take a request now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It failed too often.
    CoolingDown {
        /// How soon it may be asked again.
        ends_in: Duration,
    },
    /// Its cooldown is over and another request is finding out whether it is well.
    Probing,
    /// It had as many requests within a minute as its `rpm`.
    RequestLimit {
        /// How soon the oldest of them no longer counts.
        room_in: Duration,
    },
    /// It would have more tokens within a minute than its `tpm`.
    TokenLimit {
        /// How soon the oldest of them no longer count.
        room_in: Duration,
    },
    /// It has as many requests at a time as its `max_parallel_requests`.
    Full,
    /// The state cannot say what other replicas have counted, and is told to refuse then.
    Unavailable,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CoolingDown { ends_in } => write!(f, "cooling down for {:.1} s", ends_in.as_secs_f64()),
            Self::Probing => f.write_str("being probed"),
            Self::RequestLimit { room_in } => write!(f, "at its rpm for {:.1} s", room_in.as_secs_f64()),
            Self::TokenLimit { room_in } => write!(f, "at its tpm for {:.1} s", room_in.as_secs_f64()),
            Self::Full => f.write_str("at its max_parallel_requests"),
            Self::Unavailable => f.write_str("limited, and the store that replicas share is unavailable"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(limits: Limits) -> Terms {
        Terms { limits, estimated_tokens: 10, despite_cooldown: false }
    }

    #[test]
    fn each_limit_refuses_at_its_number_and_not_before() {
        let room_in = Duration::from_secs(7);
        let busy = DeploymentState { in_flight: 2, requests: 5, tokens: 80, room_in, ..DeploymentState::default() };
        let rpm = |rpm| terms(Limits { rpm: Some(rpm), ..Limits::default() }).refusal(&busy);
        assert_eq!((rpm(5), rpm(6)), (Some(Refusal::RequestLimit { room_in }), None));
        let tpm = |tpm| terms(Limits { tpm: Some(tpm), ..Limits::default() }).refusal(&busy);
        assert_eq!((tpm(89), tpm(90)), (Some(Refusal::TokenLimit { room_in }), None));
        let most = |most| terms(Limits { max_parallel_requests: Some(most), ..Limits::default() }).refusal(&busy);
        assert_eq!((most(2), most(3)), (Some(Refusal::Full), None));
        assert_eq!(terms(Limits::default()).refusal(&busy), None);
    }

    #[test]
    fn a_share_is_rounded_up_so_that_it_is_never_nothing() {
        let limits = Limits { rpm: Some(10), tpm: Some(9), max_parallel_requests: Some(1) };
        assert_eq!(limits.share(3), Limits { rpm: Some(4), tpm: Some(3), max_parallel_requests: Some(1) });
        assert_eq!((limits.share(1), limits.share(0)), (limits, limits));
        assert!(Limits::default().share(3).is_empty());
    }

    #[test]
    fn tokens_of_requests_in_flight_count_as_used() {
        let limits = terms(Limits { tpm: Some(100), ..Limits::default() });
        let state = DeploymentState { tokens: 50, reserved_tokens: 41, ..DeploymentState::default() };
        assert!(matches!(limits.refusal(&state), Some(Refusal::TokenLimit { .. })));
    }

    #[test]
    fn a_request_larger_than_the_whole_limit_goes_when_nothing_is_counted() {
        let limits = terms(Limits { tpm: Some(5), ..Limits::default() });
        assert_eq!(limits.refusal(&DeploymentState::default()), None);
    }

    #[test]
    fn a_cooldown_refuses_unless_the_terms_say_otherwise() {
        let ends_in = Duration::from_secs(3);
        let cooling = DeploymentState { circuit: Circuit::CoolingDown { ends_in }, ..DeploymentState::default() };
        let probing = DeploymentState { circuit: Circuit::HalfOpen { probing: true }, ..DeploymentState::default() };
        let strict = terms(Limits::default());
        assert_eq!(strict.refusal(&cooling), Some(Refusal::CoolingDown { ends_in }));
        assert_eq!(strict.refusal(&probing), Some(Refusal::Probing));
        let forced = Terms { despite_cooldown: true, ..strict };
        assert_eq!((forced.refusal(&cooling), forced.refusal(&probing)), (None, None));
    }
}
