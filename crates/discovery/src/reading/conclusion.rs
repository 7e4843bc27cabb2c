//! [`Conclusion`]: what the rules about one container lead to.

use super::told::told_name;
use crate::deployment::{Certainty, NativeRoutes, Serves};

/// What a container serves, and how that was concluded.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Conclusion {
    pub(super) serves: Serves,
    pub(super) container: Option<&'static str>,
    pub(super) model_name: Option<String>,
    pub(super) served_name: Option<String>,
    pub(super) native_routes: NativeRoutes,
    pub(super) certainty: Certainty,
    pub(super) reasons: Vec<String>,
}

impl Conclusion {
    fn new(serves: Serves, certainty: Certainty) -> Self {
        Self {
            serves,
            container: None,
            model_name: None,
            served_name: None,
            native_routes: NativeRoutes::No,
            certainty,
            reasons: Vec::new(),
        }
    }

    pub(super) fn sure(serves: Serves) -> Self {
        Self::new(serves, Certainty::Sure)
    }

    pub(super) fn likely(serves: Serves) -> Self {
        Self::new(serves, Certainty::Likely)
    }

    /// A task that is neither chat nor embeddings.
    pub(super) fn task(task: &str) -> Self {
        Self::sure(Serves::Other(told_name(task)))
    }

    pub(super) fn unknown(reason: impl Into<String>) -> Self {
        Self::new(Serves::Unknown, Certainty::Unknown).because(reason)
    }

    pub(super) fn because(mut self, reason: impl Into<String>) -> Self {
        self.reasons.push(reason.into());
        self
    }

    /// The model's name and why it is that.
    pub(super) fn of_model(mut self, named: Option<(String, String)>) -> Self {
        if let Some((name, reason)) = named {
            self.model_name = Some(name);
            self.reasons.push(reason);
        }
        self
    }

    pub(super) fn at_most_likely(mut self) -> Self {
        self.certainty = self.certainty.min(Certainty::Likely);
        self
    }
}
