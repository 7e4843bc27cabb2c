//! The cases in `fixtures/`, each a folder that the tests find by itself.

pub(crate) mod folder;

mod dialects;
mod embeddings;
mod reranks;
mod tool_calls;
