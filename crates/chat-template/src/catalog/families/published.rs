//! Families whose published template is part of the catalog, word for word: the model's licence
//! allows it (see `published/README.md`), and a text of our own would have to say the same.
//!
//! They are written for messages as `transformers` has them: OpenAI's are given to them as to a
//! template of the Hub.

use crate::catalog::Entry;

mod glm_kimi_minimax;
mod inclusionai;
mod mistral;
mod nvidia;
mod others;
mod qwen;
mod small_makers;

pub(super) fn families() -> impl Iterator<Item = Entry> {
    let first = qwen::families().into_iter().chain(glm_kimi_minimax::families());
    let first = first.chain(mistral::families()).chain(inclusionai::families()).chain(nvidia::families());
    first.chain(others::families()).chain(small_makers::families())
}
