//! Ranks, whichever shape they come in.
//!
//! Owns the reading of every reply whose shape says what it is: TEI's bare list, and the objects of
//! Cohere, Jina, vLLM and servers of scores. A score is passed on as the number that it is.

use bytes::Bytes;
use sagewire_types::{
    Error, ErrorKind, ReportedUsage, RerankResponse, RerankResult, Usage, json,
    lenient::{Lenient, Object},
};
use serde::Deserialize;
use serde_json::Value;

use super::{RerankContext, no_score};
use crate::failure_report::{self as failure, FailureReport, is_absent};

/// A reply that is an object: where the ranks are, and what is beside them.
#[derive(Debug, Deserialize)]
struct RankReply {
    /// Cohere's, Jina's and vLLM's.
    results: Option<Vec<Rank>>,
    /// vLLM's scores, and Voyage's ranks.
    data: Option<Vec<Rank>>,
    #[serde(default)]
    id: Lenient<String>,
    #[serde(default)]
    model: Lenient<String>,
    #[serde(default)]
    usage: ReportedUsage,
    #[serde(default)]
    meta: Object<RankMeta>,
    /// What failed beside the ranks.
    error: Option<Value>,
}

/// What Cohere reports beside its ranks.
#[derive(Debug, Deserialize)]
struct RankMeta {
    #[serde(default)]
    billed_units: Object<Units>,
    #[serde(default)]
    tokens: Object<Units>,
}

#[derive(Debug, Deserialize)]
struct Units {
    #[serde(default)]
    search_units: Lenient<u64>,
    #[serde(default)]
    input_tokens: Lenient<u64>,
    #[serde(default)]
    output_tokens: Lenient<u64>,
}

/// A document's place and score. A score that is not a number is null once the reply is repaired.
#[derive(Debug, Deserialize)]
struct Rank {
    index: Lenient<u64>,
    #[serde(alias = "relevance_score")]
    score: Option<f64>,
}

/// Reads a reply.
///
/// # Errors
/// As for [`RerankFamily::decode`](super::RerankFamily::decode).
pub(super) fn read(reply: &Bytes, context: &RerankContext, family: &str) -> Result<RerankResponse, Error> {
    let unknown = || match FailureReport::read(reply) {
        Some(report) => report.into_error(),
        None => failure::unknown_reply(
            reply,
            &format!("Set `rerank_dialect` to the family that fits the container (now `{family}`)"),
        ),
    };
    let mut answer = RerankResponse::new(&*context.model, []);
    let ranks = if reply.trim_ascii_start().starts_with(b"[") {
        json::from_reply::<Vec<Rank>>(reply).map_err(|_| unknown())?
    } else {
        let parsed: RankReply = json::from_reply(reply).map_err(|_| unknown())?;
        if !is_absent(parsed.error.as_ref()) {
            return Err(unknown());
        }
        answer.id = parsed.id.0;
        answer.model = parsed.model.0.filter(|model| !model.is_empty()).unwrap_or(answer.model);
        (answer.usage, answer.search_units) = used(parsed.usage, parsed.meta.0);
        parsed.results.or(parsed.data).ok_or_else(unknown)?
    };
    let mut is_ranked = vec![false; context.documents];
    for Rank { index, score } in ranks {
        let index = usize::try_from(index.0.ok_or_else(unknown)?).unwrap_or(usize::MAX);
        match is_ranked.get_mut(index) {
            Some(known) if !*known => *known = true,
            Some(_) => return Err(wrong(&format!("ranked document {index} twice"))),
            None => return Err(wrong(&format!("ranked document {index} of {}", context.documents))),
        }
        let score = score.filter(|score| score.is_finite()).ok_or_else(|| no_score(index))?;
        answer.results.push(RerankResult::new(index, score));
    }
    if answer.results.len() < context.results {
        return Err(wrong(&format!("ranked {} of {} documents", answer.results.len(), context.results)));
    }
    answer.sort();
    answer.results.truncate(context.results);
    Ok(answer)
}

/// The tokens and the units that were reported.
fn used(usage: ReportedUsage, meta: Option<RankMeta>) -> (Option<Usage>, Option<u64>) {
    let RankMeta { billed_units, tokens } =
        meta.unwrap_or(RankMeta { billed_units: Object(None), tokens: Object(None) });
    let units = billed_units.0.as_ref().and_then(|units| units.search_units.0);
    let counted = [tokens.0, billed_units.0]
        .into_iter()
        .flatten()
        .find_map(|units| Some(Usage::reported(units.input_tokens.0?, units.output_tokens.0.unwrap_or_default())));
    let usage = usage.0.map(|mut usage| {
        // Jina counts the total alone.
        if usage.prompt_tokens == 0 {
            usage.prompt_tokens = usage.total_tokens;
        }
        usage
    });
    (usage.or(counted), units)
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::Decode, format!("the container {what}; see the endpoint's log"))
}
