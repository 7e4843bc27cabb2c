//! One call, from its first attempt to its answer or its last error.
//!
//! Owns the loop and what a call remembers of its attempts. Choosing the next deployment is
//! [`choose`]'s, the order of the models is [`plan`]'s, and what a failure means is the verdict's.

use std::time::Duration;

use futures_util::future;
use sagewire_types::{Answer, Call, CallContext, Error, ErrorKind, Retries};
use tokio::time::Instant;

use self::{
    choose::{Chosen, End},
    plan::Plan,
};
use crate::{
    FailurePolicy, Router, answer, backoff,
    bounds::Bounds,
    decision, failure,
    groups::Member,
    lease::CooldownRules,
    ledger::KeyAdmission,
    state::{CooldownPolicy, Measure, Refusal},
    verdict::{self, Next},
};

mod choose;
mod plan;

/// Answers a call with one of the deployments that its model stands for.
pub(crate) async fn run(router: &Router, call: Call, context: &CallContext) -> Result<Answer, Error> {
    let model = call.model().to_owned();
    let Some(plan) = Plan::new(router, &model, context.retries) else {
        return Err(failure::unknown_model(&model, router));
    };
    let mut routed = RoutedCall::new(router, context, plan, &call);
    let mut call = Some(call);
    let admission = context.get::<KeyAdmission>();
    loop {
        let admitted = async {
            let Some(admission) = admission else { return Ok(()) };
            admission.outcome().await.map(drop).map_err(End::Refused)
        };
        // Both ask at once: with a store that replicas share, they take one round trip.
        let chosen = match future::try_join(admitted, routed.choose()).await {
            Ok(((), chosen)) => chosen,
            Err(end) => return Err(routed.end(&model, end)),
        };
        routed.begin(&chosen);
        // Requests can be large: one is copied only where another attempt may need it.
        let asked = if routed.may_go_on_after(&chosen) { call.clone() } else { call.take() };
        let Some(asked) = asked else { return Err(routed.end(&model, End::Nothing)) };
        match routed.attempt(asked, chosen).await {
            Ok(answer) => return Ok(answer),
            Err(Some(last)) => return Err(last),
            Err(None) => {}
        }
    }
}

/// What one call knows and remembers.
struct RoutedCall<'r> {
    router: &'r Router,
    context: &'r CallContext,
    bounds: Bounds,
    measure: Measure,
    estimated_tokens: u64,
    plan: Plan<'r>,
    /// The place in the plan that is being tried; past its end, the last resort is.
    at: usize,
    /// How many retries the call has in all, by its latest failure.
    retries: u32,
    retried: u32,
    /// How often the same deployment was asked again.
    repeats: u32,
    tried: Vec<Tried<'r>>,
    /// Why deployments were passed over, the latest reason of each.
    refused: Vec<(&'r str, Refusal)>,
    queued: Duration,
    /// Tries that were sent, as the providers count them.
    attempts: u32,
    last_error: Option<Error>,
}

/// An attempt that failed.
struct Tried<'r> {
    member: &'r Member,
    place: usize,
    kind: ErrorKind,
    next: Next,
    /// Before when the same deployment is not asked again.
    not_before: Instant,
}

impl<'r> RoutedCall<'r> {
    fn new(router: &'r Router, context: &'r CallContext, plan: Plan<'r>, call: &Call) -> Self {
        let settings = &router.settings;
        let measure = match call {
            _ if call.is_stream() => Measure::FirstChunk,
            _ if call.is_generated() => Measure::PerToken,
            _ => Measure::Whole,
        };
        let limit = match measure {
            Measure::FirstChunk => settings.stream_timeout.or(settings.timeout),
            Measure::PerToken | Measure::Whole => settings.timeout,
        };
        Self {
            router,
            context,
            bounds: Bounds::new(context, limit.and_then(|limit| Instant::now().checked_add(limit))),
            measure,
            estimated_tokens: call.estimated_tokens(),
            plan,
            at: 0,
            retries: if context.retries == Retries::Caller { 0 } else { settings.num_retries },
            retried: 0,
            repeats: 0,
            tried: Vec::new(),
            refused: Vec::new(),
            queued: Duration::ZERO,
            attempts: 0,
            last_error: None,
        }
    }

    /// Whether an attempt was made in this place of the plan. The first one there is free; each
    /// further one is a retry.
    fn attempted(&self, place: usize) -> bool {
        self.tried.iter().any(|tried| tried.place == place)
    }

    fn affordable(&self, place: usize) -> bool {
        self.retries_left() > 0 || !self.attempted(place)
    }

    fn retries_left(&self) -> u32 {
        self.retries.saturating_sub(self.retried)
    }

    /// Whether another attempt may follow this one.
    fn may_go_on_after(&self, chosen: &Chosen<'r>) -> bool {
        if self.context.retries == Retries::Caller {
            return false;
        }
        let own = chosen.member.deployment.num_retries.unwrap_or(self.router.settings.num_retries);
        let retries = self.retry_policy(chosen.place).most().map_or(own, |named| named.max(own));
        let elsewhere = |place| place != chosen.place && !self.attempted(place);
        self.retried < retries
            || self.plan.places().any(elsewhere)
            || self.plan.has_larger_context(self.router, chosen.place)
    }

    fn begin(&mut self, chosen: &Chosen<'r>) {
        if self.attempted(chosen.place) {
            self.retried += 1;
        }
        tracing::debug!(
            target: "sagewire::router",
            deployment = &*chosen.member.id,
            model_group = self.plan.name(chosen.place),
            attempt = self.tried.len() + 1,
            among = chosen.among,
            "asking"
        );
    }

    /// Makes one attempt. Its error is the call's, or nothing where the call goes on.
    async fn attempt(&mut self, mut call: Call, chosen: Chosen<'r>) -> Result<Answer, Option<Error>> {
        let Chosen { place, member, mut lease, among } = chosen;
        lease.asks();
        let deployment = &member.deployment;
        let began = Instant::now();
        let limit = match self.measure {
            Measure::FirstChunk => deployment.stream_timeout.or(deployment.timeout),
            Measure::PerToken | Measure::Whole => deployment.timeout,
        };
        let step_end = limit.and_then(|limit| began.checked_add(limit));
        if let Some(target) = self.plan.target(place) {
            call.set_model(target.model_for(member));
        }
        let context = self.context_for(step_end);
        let error = match deployment.provider.call(call, &context).await {
            Ok(mut answer) => {
                let meta = answer.meta_mut();
                self.attempts = self.attempts.saturating_add(meta.attempts.max(1));
                meta.attempts = self.attempts;
                let own = std::mem::take(&mut meta.decisions);
                meta.decisions = self.decisions(place, member, among);
                meta.decisions.extend(own);
                let took = began.elapsed();
                tracing::debug!(target: "sagewire::router", deployment = &*member.id, ?took, "answered");
                answer::settle(&mut answer, lease, self.measure, took, self.bounds.caller);
                return Ok(answer);
            }
            Err(error) => self.in_our_words(error, member, limit, step_end),
        };
        self.attempts = self.attempts.saturating_add(error.attempts());
        if error.kind() != ErrorKind::Cancelled {
            lease.used(0);
        }
        if !self.is_callers_haste(&error, step_end) {
            lease.failed(&error);
        }
        drop(lease);
        Err(self.note(place, member, error))
    }

    /// The error of an attempt that ended because its time was over: which of the limits it was is
    /// known here.
    fn in_our_words(&self, error: Error, member: &Member, limit: Option<Duration>, step_end: Option<Instant>) -> Error {
        let now = Instant::now();
        let attempts = error.attempts().max(1);
        match (error.kind(), self.bounds.end(), step_end, limit) {
            (ErrorKind::Timeout, Some(end), ..) if end <= now => failure::out_of_time_during(&member.id, attempts),
            (ErrorKind::Timeout, _, Some(end), Some(limit)) if end <= now => {
                failure::attempt_timed_out(&member.id, limit, attempts)
            }
            (ErrorKind::Cancelled, ..) => error.with_attempts(attempts),
            _ => error,
        }
    }

    /// The context of one attempt: the provider keeps its limits.
    fn context_for(&self, step_end: Option<Instant>) -> CallContext {
        let mut context = self.context.clone().with_retries(Retries::Caller);
        let ours = [self.bounds.own, step_end].into_iter().flatten().min().map(Instant::into_std);
        context.answer_by = [context.answer_by, ours].into_iter().flatten().min();
        context
    }

    /// Whether an attempt only took too long for a caller that waits less than the operator allows.
    fn is_callers_haste(&self, error: &Error, step_end: Option<Instant>) -> bool {
        let now = Instant::now();
        let passed = |end: Option<Instant>| end.is_some_and(|end| end <= now);
        error.kind() == ErrorKind::Timeout
            && (passed(self.bounds.caller) || passed(self.bounds.answer_by))
            && !passed(self.bounds.own)
            && !passed(step_end)
    }

    /// Remembers a failed attempt. Gives the call's error where the call ends with it.
    fn note(&mut self, place: usize, member: &'r Member, error: Error) -> Option<Error> {
        let kind = error.kind();
        let policy = self.retry_policy(place).of(&error).map(|(_, retries)| retries);
        if self.context.retries != Retries::Caller {
            let settings = &self.router.settings;
            self.retries = policy.or(member.deployment.num_retries).unwrap_or(settings.num_retries);
        }
        let mut next = verdict::next(&error);
        // The operator says that such a failure is worth another try.
        if policy.is_some() && self.retries_left() > 0 {
            next = Next::Again;
        }
        let asked = error.retry_after().unwrap_or_default();
        if next == Next::Again && asked > backoff::LONGEST_RETRY_AFTER {
            next = Next::Elsewhere;
        }
        // At the default level, a call that fails has one line, the proxy's or the program's.
        tracing::debug!(target: "sagewire::router", deployment = &*member.id, %kind, ?next, retries_left = self.retries_left(), "attempt failed");
        let not_before = Instant::now() + asked.min(backoff::LONGEST_RETRY_AFTER);
        self.tried.push(Tried { member, place, kind, next, not_before });
        let goes_on = match next {
            Next::Stop => false,
            Next::LargerContext => {
                let found = self.plan.go_to_larger_context(self.router, place);
                self.at = place + 1;
                found
            }
            Next::Elsewhere | Next::Again => true,
        };
        if goes_on {
            self.last_error = Some(error);
            return None;
        }
        Some(failure::after_attempts(error, &self.trail(), self.attempts))
    }

    /// The error of a call for which there is nothing more to do.
    fn end(&mut self, model: &str, end: End) -> Error {
        match (end, self.last_error.take()) {
            (_, Some(error)) => failure::after_attempts(error, &self.trail(), self.attempts),
            (End::Refused(refusal), None) => failure::key_refused(refusal),
            (End::OutOfTime, None) => failure::out_of_time_before(model),
            (End::Nothing, None) => failure::no_room(model, &self.refused),
        }
    }

    /// The ids that were tried, and how each failed.
    fn trail(&self) -> Vec<(&'r str, ErrorKind)> {
        self.tried.iter().map(|tried| (&*tried.member.id, tried.kind)).collect()
    }

    /// What was decided on the way to this deployment's answer.
    fn decisions(&self, place: usize, member: &Member, among: usize) -> Vec<(&'static str, String)> {
        let mut decisions = vec![
            (decision::DEPLOYMENT, member.id.to_string()),
            (decision::MODEL_GROUP, self.plan.name(place).to_owned()),
        ];
        if among > 1 {
            decisions.push((decision::STRATEGY, format!("{} of {among}", self.router.settings.strategy)));
        }
        let failed = self.tried.iter().map(|tried| (decision::FAILED, format!("{}: {}", tried.member.id, tried.kind)));
        decisions.extend(failed);
        let skipped = self.refused.iter().filter(|(id, _)| *id != &*member.id);
        decisions.extend(skipped.map(|(id, refusal)| (decision::SKIPPED, format!("{id}: {refusal}"))));
        if place > 0 {
            decisions.push((self.plan.kind(place), format!("{} -> {}", self.plan.name(0), self.plan.name(place))));
        }
        if !self.queued.is_zero() {
            decisions.push((decision::QUEUED, format!("{:.3} s", self.queued.as_secs_f64())));
        }
        decisions
    }

    /// How many retries failures of this model's deployments give.
    fn retry_policy(&self, place: usize) -> FailurePolicy {
        let settings = &self.router.settings;
        let own = self.plan.target(place).and_then(|target| target.listed(&settings.model_group_retry_policy));
        own.copied().unwrap_or(settings.retry_policy)
    }

    fn cooldown_rules(&self, place: usize, member: &Member) -> Option<CooldownRules> {
        let target = self.plan.target(place)?;
        let settings = &self.router.settings;
        let deployment = &member.deployment;
        let policy = CooldownPolicy {
            allowed_fails: deployment.allowed_fails.unwrap_or(settings.allowed_fails),
            counted_as: None,
            cooldown_time: deployment.cooldown_time.unwrap_or(settings.cooldown_time),
        };
        // A deployment with a `*` stands for many endpoints: one's failure says nothing about the others.
        (!target.group().is_wildcard()).then_some(CooldownRules { policy, by_sort: settings.allowed_fails_policy })
    }
}
