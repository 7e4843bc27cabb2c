//! Which deployment is asked next.
//!
//! Owns the order of preference: another deployment of the same model, then one that is being
//! probed, then the same one after a pause, then a place in the queue, then the next model, and
//! last a deployment that is cooling down. Which of several equal ones is taken is the strategy's
//! to say.

use std::time::Duration;

use tokio::time::Instant;

use super::{RoutedCall, Tried};
use crate::{
    bounds::Cut,
    groups::{Group, Member},
    lease::Lease,
    ledger,
    state::{DeploymentState, Refusal, Terms},
    strategy::Candidate,
    verdict::Next,
};

/// A deployment that holds a place for the call.
pub(super) struct Chosen<'r> {
    pub(super) place: usize,
    pub(super) member: &'r Member,
    pub(super) lease: Lease,
    /// How many it was chosen from.
    pub(super) among: usize,
}

/// Why no deployment is asked any more.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    /// By the limits of the caller's key.
    Refused(ledger::KeyRefusal),
    OutOfTime,
    Nothing,
}

impl From<Cut> for End {
    fn from(_: Cut) -> Self {
        Self::OutOfTime
    }
}

/// What the deployments of one model offer.
#[derive(Default)]
struct Offers<'r> {
    /// Those that this call has not asked.
    fresh: Vec<Offer<'r>>,
    /// Those that it has not asked either, and that another call is probing after their cooldown.
    probed: Vec<Offer<'r>>,
    /// Those that it may ask again.
    again: Vec<Offer<'r>>,
}

struct Offer<'r> {
    member: &'r Member,
    candidate: Candidate,
    /// Before when it is not asked.
    not_before: Option<Instant>,
}

impl AsRef<Candidate> for Offer<'_> {
    fn as_ref(&self) -> &Candidate {
        &self.candidate
    }
}

/// After how long a state is read again by the calls that wait for a place: limits and cooldowns
/// end without anyone giving one back.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl<'r> RoutedCall<'r> {
    /// The next deployment to ask.
    pub(super) async fn choose(&mut self) -> Result<Chosen<'r>, End> {
        while let Some(target) = self.plan.target(self.at) {
            let group = target.group();
            if self.affordable(self.at) {
                if let Some(chosen) = self.choose_in(group, self.at).await? {
                    return Ok(chosen);
                }
            }
            self.at += 1;
            if self.at < self.plan.places().end {
                tracing::info!(target: "sagewire::router", model_group = group.name, fallback = self.plan.name(self.at), "falling back");
            }
        }
        self.last_resort().await
    }

    async fn choose_in(&mut self, group: &'r Group, place: usize) -> Result<Option<Chosen<'r>>, Cut> {
        if self.seems_too_long(group) && self.plan.has_larger_context(self.router, place) {
            self.plan.go_to_larger_context(self.router, place);
            return Ok(None);
        }
        let queue_end =
            if group.has_places { Instant::now().checked_add(self.router.settings.queue_timeout) } else { None };
        // A call that was here before need not queue behind those that were not: some may wait for what it
        // has already left.
        let queues = group.has_places && !self.attempted(place);
        let mut turn = None;
        let mut rested = false;
        loop {
            self.bounds.check()?;
            if queues && turn.is_none() && group.queue.try_lock().is_err() {
                turn = self.queued(group.queue.lock(), queue_end).await?;
                if turn.is_none() {
                    return Ok(None);
                }
            }
            let mut offers = self.offers(group).await;
            if let Some(chosen) = self.admit(place, &mut offers.fresh, false).await {
                return Ok(Some(chosen));
            }
            if !offers.again.is_empty() {
                // A deployment that has just failed is a worse bet than one that has rested.
                if let Some(chosen) = self.admit(place, &mut offers.probed, true).await {
                    return Ok(Some(chosen));
                }
                if rested {
                    offers.again.retain(|offer| offer.not_before.is_none_or(|at| at <= Instant::now()));
                    if let Some(chosen) = self.admit(place, &mut offers.again, false).await {
                        return Ok(Some(chosen));
                    }
                } else if self.rest(offers.again.iter().filter_map(|offer| offer.not_before).min()).await? {
                    rested = true;
                    continue;
                }
            }
            if !self.lacks_only_places(group) {
                return Ok(None);
            }
            if queues && turn.is_none() {
                turn = self.queued(group.queue.lock(), queue_end).await?;
                if turn.is_none() {
                    return Ok(None);
                }
                continue;
            }
            let state = &self.router.state;
            if queue_end.is_some_and(|end| end <= Instant::now()) {
                return Ok(None);
            }
            let _ = self.queued(state.wait(&group.ids, LOOK_AGAIN), queue_end).await?;
        }
    }

    /// What this model's deployments offer now, and why the others offer nothing.
    async fn offers(&mut self, group: &'r Group) -> Offers<'r> {
        let states = self.router.glance(group).await;
        let too_long_for_all = self.seems_too_long(group);
        let mut offers = Offers::default();
        for (member, state) in group.members.iter().zip(states) {
            let before = self.last_try(member);
            if before.is_some_and(|tried| tried.next != Next::Again) {
                continue;
            }
            if before.is_none() && !too_long_for_all && self.exceeds(member) {
                continue;
            }
            let not_before = before.map(|tried| tried.not_before);
            let refusal = self.terms(member, false).refusal(&state);
            match refusal {
                Some(refusal) => self.refuse(member, refusal),
                None => self.accept(member),
            }
            let list = match (refusal, not_before) {
                (None, None) => &mut offers.fresh,
                (None, Some(_)) => &mut offers.again,
                (Some(Refusal::Probing), None) => &mut offers.probed,
                (Some(_), _) => continue,
            };
            list.push(Offer { member, candidate: candidate(member, state), not_before });
        }
        offers
    }

    /// Takes a place at one of these deployments: the strategy's choice among those of the lowest
    /// rank, as long as one of them has a place left.
    async fn admit(&mut self, place: usize, offers: &mut Vec<Offer<'r>>, despite_cooldown: bool) -> Option<Chosen<'r>> {
        offers.sort_by_key(|offer| offer.member.deployment.order);
        while let Some(order) = offers.first().map(|offer| offer.member.deployment.order) {
            let among = offers.iter().take_while(|offer| offer.member.deployment.order == order).count();
            let index = self.router.pick(offers.get(..among)?, self.measure)?;
            let member = offers.remove(index).member;
            let terms = self.terms(member, despite_cooldown);
            match self.router.state.begin(&member.id, &terms).await {
                Ok(admission) => {
                    let rules = self.cooldown_rules(place, member);
                    let lease = Lease::new(&self.router.state, &member.id, admission, rules);
                    self.accept(member);
                    return Some(Chosen { place, member, lease, among });
                }
                Err(refusal) => self.refuse(member, refusal),
            }
        }
        None
    }

    /// A deployment that is cooling down, because no other is left: of the first model that has
    /// one, the one whose cooldown ends first.
    async fn last_resort(&mut self) -> Result<Chosen<'r>, End> {
        self.bounds.check()?;
        let mut options: Vec<(bool, usize, Duration, Offer<'r>)> = Vec::new();
        for place in self.plan.places().filter(|place| self.affordable(*place)).collect::<Vec<_>>() {
            let Some(group) = self.plan.target(place).map(|target| target.group()) else { continue };
            let states = self.router.read(group).await;
            for (member, state) in group.members.iter().zip(states) {
                let before = self.last_try(member);
                if before.is_some_and(|tried| tried.next != Next::Again) {
                    continue;
                }
                let not_before = before.map(|tried| tried.not_before);
                let ends_in = match self.terms(member, false).refusal(&state) {
                    Some(Refusal::CoolingDown { ends_in }) => ends_in,
                    Some(Refusal::Probing) | None => Duration::ZERO,
                    Some(refusal) => {
                        self.refuse(member, refusal);
                        continue;
                    }
                };
                let offer = Offer { member, candidate: candidate(member, state), not_before };
                options.push((not_before.is_some(), place, ends_in, offer));
            }
        }
        options.sort_by_key(|(tried, place, ends_in, _)| (*tried, *place, *ends_in));
        for (tried, place, _, offer) in options {
            if tried && !self.rest(offer.not_before).await? {
                continue;
            }
            if let Some(chosen) = self.admit(place, &mut vec![offer], true).await {
                return Ok(chosen);
            }
        }
        Err(End::Nothing)
    }

    /// Pauses before a deployment is asked again, at least until this time. `false`, without a
    /// pause, where the call would end before.
    async fn rest(&mut self, not_before: Option<Instant>) -> Result<bool, Cut> {
        let now = Instant::now();
        let asked = not_before.map(|at| at.saturating_duration_since(now)).unwrap_or_default();
        let pause = self.router.pause(self.repeats, asked.max(self.router.settings.retry_after));
        let Some(until) = now.checked_add(pause) else { return Ok(false) };
        if self.bounds.end().is_some_and(|end| end <= until) {
            return Ok(false);
        }
        tracing::debug!(target: "sagewire::router", ?pause, "pausing before the same deployment is asked again");
        self.repeats += 1;
        self.bounds.within(tokio::time::sleep_until(until), None).await?;
        Ok(true)
    }

    /// Waits for something in the queue; `None` where the queue's own time is over first.
    async fn queued<F: Future>(&mut self, step: F, queue_end: Option<Instant>) -> Result<Option<F::Output>, Cut> {
        let began = Instant::now();
        let outcome = self.bounds.within(step, queue_end).await;
        self.queued += began.elapsed();
        match outcome {
            Ok(output) => Ok(Some(output)),
            Err(Cut::Step) => Ok(None),
            Err(cut) => Err(cut),
        }
    }

    fn last_try(&self, member: &Member) -> Option<&Tried<'r>> {
        self.tried.iter().rev().find(|tried| std::ptr::eq(tried.member, member))
    }

    fn terms(&self, member: &Member, despite_cooldown: bool) -> Terms {
        Terms { limits: member.limits, estimated_tokens: self.estimated_tokens, despite_cooldown }
    }

    fn refuse(&mut self, member: &'r Member, refusal: Refusal) {
        tracing::debug!(target: "sagewire::router", deployment = &*member.id, %refusal, "skipping");
        match self.refused.iter_mut().find(|(id, _)| *id == &*member.id) {
            Some((_, latest)) => *latest = refusal,
            None => self.refused.push((&member.id, refusal)),
        }
    }

    fn accept(&mut self, member: &Member) {
        self.refused.retain(|(id, _)| *id != &*member.id);
    }

    /// Whether a deployment that this call has not asked would take it, if only it had a place.
    fn lacks_only_places(&self, group: &Group) -> bool {
        let is_full =
            |member: &Member| self.refused.iter().any(|(id, why)| *id == &*member.id && *why == Refusal::Full);
        group.members.iter().any(|member| self.last_try(member).is_none() && is_full(member))
    }

    /// Whether the request seems too long for every deployment of a model.
    fn seems_too_long(&self, group: &Group) -> bool {
        group.members.iter().all(|member| self.exceeds(member))
    }

    fn exceeds(&self, member: &Member) -> bool {
        self.router.settings.enable_pre_call_checks
            && member.deployment.max_input_tokens.is_some_and(|most| self.estimated_tokens > most)
    }
}

fn candidate(member: &Member, state: DeploymentState) -> Candidate {
    Candidate { weight: member.deployment.weight, limits: member.limits, state }
}
