//! Model packages of AWS Marketplace, known by the names of their products: neither image nor
//! settings are shown to subscribers.

use super::conclusion::Conclusion;
use crate::deployment::Serves;

/// Parts of a package's name, and what the product serves. The first whose parts are all there
/// counts. Rerankers of others than Cohere take bodies of their own.
static PRODUCTS: &[(&[&str], Serves)] = &[
    (&["cohere", "rerank"], Serves::Rerank("cohere")),
    (&["rerank"], Serves::Unknown),
    (&["cohere", "embed"], Serves::Embeddings("cohere")),
    (&["voyage"], Serves::Embeddings("voyage")),
];

/// What the name or ARN of a package tells.
pub(super) fn recognise(package: &str) -> Conclusion {
    let name = package.rsplit('/').next().unwrap_or(package).to_ascii_lowercase();
    let product = PRODUCTS.iter().find(|(parts, _)| parts.iter().all(|part| name.contains(part)));
    match product.filter(|(_, serves)| *serves != Serves::Unknown) {
        Some((_, serves)) => {
            Conclusion::likely(serves.clone()).because(format!("the model package is called `{name}`"))
        }
        None => Conclusion::unknown(format!(
            "the model package `{name}` is one of AWS Marketplace, which shows neither image nor settings; its page there says what it takes"
        )),
    }
}
