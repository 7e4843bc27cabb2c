//! Which models may answer a call, in order.
//!
//! Owns the first model, its fallbacks and theirs, and the switch to models with a larger context.

use sagewire_types::Retries;

use crate::{Router, decision, groups::Target};

/// The models that may answer a call, in order, each once.
pub(super) struct Plan<'r> {
    steps: Vec<Step<'r>>,
    /// Whether only the first may answer, because the caller has others of its own.
    alone: bool,
    /// How many models there may be, the first one included.
    most: usize,
}

struct Step<'r> {
    target: Target<'r>,
    larger_context: bool,
}

impl<'r> Plan<'r> {
    /// The plan for a model; `None` where nobody serves it.
    pub(super) fn new(router: &'r Router, model: &'r str, retries: Retries) -> Option<Self> {
        let target = router.groups.resolve(model)?;
        let most = usize::try_from(router.settings.max_fallbacks).unwrap_or(usize::MAX).saturating_add(1);
        let mut plan = Self { steps: Vec::new(), alone: retries == Retries::Caller, most };
        plan.add(router, target);
        Some(plan)
    }

    /// Adds a model and, right behind it, its fallbacks with theirs.
    fn add(&mut self, router: &'r Router, target: Target<'r>) {
        if self.has(&target) || self.is_full() {
            return;
        }
        let settings = &router.settings;
        let fallbacks = target.listed(&settings.fallbacks).unwrap_or(&settings.default_fallbacks);
        self.steps.push(Step { target, larger_context: false });
        if self.alone {
            return;
        }
        for name in fallbacks {
            if let Some(target) = router.groups.resolve(name) {
                self.add(router, target);
            }
        }
    }

    /// Puts models with a larger context in place of all that follow, for a request that was too
    /// long for this place. `false` where none is left.
    pub(super) fn go_to_larger_context(&mut self, router: &'r Router, place: usize) -> bool {
        let rest = self.steps.split_off((place + 1).min(self.steps.len()));
        let Some(step) = self.steps.get(place).filter(|_| !self.alone) else { return false };
        let listed = step.target.listed(&router.settings.context_window_fallbacks).map_or(&[][..], Vec::as_slice);
        let own = listed.iter().filter_map(|name| router.groups.resolve(name));
        let others = rest.into_iter().filter(|step| step.larger_context).map(|step| step.target);
        for target in own.chain(others).collect::<Vec<_>>() {
            if !self.has(&target) && !self.is_full() {
                self.steps.push(Step { target, larger_context: true });
            }
        }
        self.steps.len() > place + 1
    }

    /// Whether [`go_to_larger_context`](Self::go_to_larger_context) would find a model.
    pub(super) fn has_larger_context(&self, router: &'r Router, place: usize) -> bool {
        let Some(step) = self.steps.get(place).filter(|_| !self.alone && place + 1 < self.most) else { return false };
        let listed = step.target.listed(&router.settings.context_window_fallbacks).map_or(&[][..], Vec::as_slice);
        let before = self.steps.get(..=place).unwrap_or_default();
        let is_new = |target: Target<'_>| !before.iter().any(|step| step.target.is_same(&target));
        listed.iter().filter_map(|name| router.groups.resolve(name)).any(is_new)
            || self.steps.iter().skip(place + 1).any(|step| step.larger_context)
    }

    fn is_full(&self) -> bool {
        self.steps.len() >= self.most
    }

    fn has(&self, target: &Target<'_>) -> bool {
        self.steps.iter().any(|step| step.target.is_same(target))
    }

    pub(super) fn places(&self) -> std::ops::Range<usize> {
        0..self.steps.len()
    }

    pub(super) fn target(&self, place: usize) -> Option<&Target<'r>> {
        self.steps.get(place).map(|step| &step.target)
    }

    /// The name of the model in this place.
    pub(super) fn name(&self, place: usize) -> &'r str {
        self.steps.get(place).map_or("", |step| &step.target.group().name)
    }

    /// What it is called that the model in this place answers.
    pub(super) fn kind(&self, place: usize) -> &'static str {
        match self.steps.get(place) {
            Some(Step { larger_context: true, .. }) => decision::CONTEXT_WINDOW_FALLBACK,
            _ => decision::FALLBACK,
        }
    }
}
