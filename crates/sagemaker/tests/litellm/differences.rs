//! Where we differ from LiteLLM on purpose, case by case. `docs/differences-from-litellm.md` says the same to users.

use sagewire_sagemaker::SageMakerBuilder;

use crate::{case::Case, compare::What};

/// One agreed difference.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) case: &'static str,
    pub(crate) what: What,
    pub(crate) reason: &'static str,
}

pub(crate) static LISTED: &[Difference] = &[];

pub(crate) fn of(case: &str) -> Vec<&'static Difference> {
    LISTED.iter().filter(|difference| difference.case == case).collect()
}

/// What a case registers before its call.
pub(crate) fn register(_case: &Case, provider: SageMakerBuilder) -> SageMakerBuilder {
    provider
}
