//! Embeddings, kept text by text: of a list only what is missing is asked for.

use sagewire_types::{
    CallContext, EmbedInput, EmbedRequest, EmbedResponse, Embedding, Error, ErrorKind, Reply, ReplyMeta, Usage, Vector,
};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{CacheKey, CacheTerms, Caching, Found, Kept, NewAnswer, caching};

/// A text's vector, and the list that it was asked for with.
#[derive(Debug, Serialize, Deserialize)]
struct KeptText {
    vector: Vector,
    list: List,
}

/// The texts that one call asked for. What they took together is told again only if all of them
/// are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct List {
    id: u64,
    texts: usize,
    usage: Option<Usage>,
}

pub(super) async fn answer(
    caching: &Caching,
    request: EmbedRequest,
    context: &CallContext,
    terms: &CacheTerms,
) -> Result<Reply<EmbedResponse>, Error> {
    let texts = request.input.texts().unwrap_or_default().to_vec();
    let keys = keys_of(&request, &texts, terms).unwrap_or_default();
    // Lists of token ids are not kept.
    if keys.is_empty() {
        return caching.inner.embed(request, context).await;
    }
    let found = if terms.looks { caching.cache.get(&keys).await } else { Vec::new() };
    let mut kept: Vec<Option<(Kept, KeptText)>> = found
        .into_iter()
        .map(|kept| kept.filter(|kept| kept.is_fresh(terms)))
        .map(|kept| kept.and_then(|kept| serde_json::from_slice(&kept.answer).ok().map(|text| (kept, text))))
        .collect();
    kept.resize_with(texts.len(), || None);
    let missing: Vec<usize> = (0..texts.len()).filter(|index| kept.get(*index).is_some_and(Option::is_none)).collect();
    let key = keys.first().copied().filter(|_| keys.len() == 1);
    if missing.is_empty() {
        let age = kept.iter().flatten().map(|(kept, _)| kept.age).max();
        let texts: Vec<KeptText> = kept.into_iter().flatten().map(|(_, text)| text).collect();
        let usage = usage_of(&texts);
        let mut value = EmbedResponse::new(request.model, texts.into_iter().map(|text| text.vector));
        value.usage = usage;
        let mut meta = ReplyMeta::default();
        Found::Hit.note(&mut meta, key, age);
        return Ok(Reply { value, meta });
    }
    let is_partial = missing.len() < texts.len();
    let asked = if is_partial {
        let missing = missing.iter().filter_map(|index| texts.get(*index).cloned()).collect();
        with_input(request, EmbedInput::Texts(missing))
    } else {
        request
    };
    let asked_at = Instant::now();
    let Reply { mut value, mut meta } = caching.inner.embed(asked, context).await?;
    let found = if is_partial { Found::Partial } else { Found::Miss };
    found.note(&mut meta, key, None);
    value.data.sort_by_key(|embedding| embedding.index);
    if terms.keeps && value.data.len() == missing.len() {
        let list = List { id: fastrand::u64(..), texts: missing.len(), usage: value.usage.clone() };
        for (key, embedding) in missing.iter().filter_map(|index| keys.get(*index)).zip(&value.data) {
            let text = KeptText { vector: embedding.vector.clone(), list: list.clone() };
            if let Ok(json) = serde_json::to_vec(&text) {
                let asked_ago = asked_at.elapsed();
                caching.cache.put(*key, NewAnswer { answer: json.into(), lifetime: terms.lifetime, asked_ago });
            }
        }
    }
    if is_partial {
        if value.data.len() != missing.len() {
            let message =
                format!("{} vectors came for {} texts; check the embedding dialect", value.data.len(), missing.len());
            return Err(Error::new(ErrorKind::Decode, message));
        }
        let mut new = value.data.into_iter().map(|embedding| embedding.vector);
        let vectors = kept.into_iter().map(|kept| kept.map(|(_, text)| text.vector).or_else(|| new.next()));
        value.data = vectors.flatten().zip(0..).map(|(vector, index)| Embedding::new(index, vector)).collect();
    }
    Ok(Reply { value, meta })
}

/// What each text is kept under.
fn keys_of(request: &EmbedRequest, texts: &[String], terms: &CacheTerms) -> Option<Vec<CacheKey>> {
    let without_texts = with_input(request.clone(), EmbedInput::Texts(Vec::new()));
    let rest = serde_json::to_vec(&without_texts).ok()?;
    Some(texts.iter().map(|text| caching::key(terms, "embed", &[&rest, text.as_bytes()])).collect())
}

fn with_input(mut request: EmbedRequest, input: EmbedInput) -> EmbedRequest {
    request.input = input;
    request
}

/// What the texts of one list took together; `None` if they are of several.
fn usage_of(texts: &[KeptText]) -> Option<Usage> {
    let first = &texts.first()?.list;
    let is_whole = first.texts == texts.len() && texts.iter().all(|text| text.list.id == first.id);
    first.usage.clone().filter(|_| is_whole)
}
