//! One call, stage by stage: whose settings and limits hold, which dialect is spoken, and the
//! attempts until there is an answer.

pub(crate) mod attempt;
pub(crate) mod batches;
pub(crate) mod caller;
pub(crate) mod capacity;
pub(crate) mod clock;
pub(crate) mod completion_prompts;
pub(crate) mod derived_ids;
pub(crate) mod details;
pub(crate) mod forward;
pub(crate) mod later;
pub(crate) mod limits;
pub(crate) mod place;
pub(crate) mod plan;
pub(crate) mod refused_parameter;
pub(crate) mod retry;
pub(crate) mod route;
pub(crate) mod stream_usage;
