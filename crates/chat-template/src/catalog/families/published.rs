//! Families whose published template is part of the catalog, word for word: the model's licence allows it (see
//! `published/README.md`), and a text of our own would have to say the same.
//!
//! They are written for messages as `transformers` has them: OpenAI's are given to them as to a template of the Hub.

use crate::catalog::Entry;

mod glm_kimi_minimax;
mod mistral;
mod others;
mod qwen;

pub(super) fn families() -> impl Iterator<Item = Entry> {
    let first = qwen::families().into_iter().chain(glm_kimi_minimax::families());
    first.chain(mistral::families()).chain(others::families())
}
