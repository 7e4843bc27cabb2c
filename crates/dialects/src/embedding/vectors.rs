//! Vectors, whichever shape they come in.
//!
//! Owns the reading of every reply whose shape says what it is: bare lists to four levels, and the
//! objects that containers put them in. A vector's text passes unparsed unless it must be averaged,
//! cut or encoded.

use bytes::Bytes;
use sagewire_types::{
    Base64Floats, EmbedResponse, EncodingFormat, Error, ErrorKind, NumberList, ReportedUsage, Usage, Vector, json,
    lenient::{Lenient, Object},
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{EmbedContext, no_numbers, plain, pooling, unknown_reply};
use crate::failure_report::{FailureReport, is_absent};

/// A reply that is an object: where the vectors are, and what is beside them.
#[derive(Debug, Deserialize)]
struct Reply<'a> {
    /// JumpStart's.
    #[serde(borrow)]
    embedding: Option<&'a RawValue>,
    /// Cohere's: a list, or an object of lists by type.
    #[serde(borrow)]
    embeddings: Option<&'a RawValue>,
    #[serde(borrow)]
    vectors: Option<&'a RawValue>,
    /// A wrapper that model servers put around a list.
    #[serde(borrow)]
    predictions: Option<&'a RawValue>,
    /// OpenAI's and Voyage's.
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    model: Lenient<String>,
    #[serde(default)]
    usage: ReportedUsage,
    #[serde(default)]
    meta: Object<Meta>,
    /// What failed beside the vectors.
    error: Option<Value>,
}

/// What Cohere reports beside its vectors.
#[derive(Debug, Deserialize)]
struct Meta {
    #[serde(default)]
    billed_units: Object<BilledUnits>,
}

#[derive(Debug, Deserialize)]
struct BilledUnits {
    #[serde(default)]
    input_tokens: Lenient<u64>,
}

/// Cohere's vectors by type; floats are what is asked for.
#[derive(Debug, Deserialize)]
struct ByType<'a> {
    #[serde(borrow)]
    float: Option<&'a RawValue>,
    #[serde(borrow)]
    int8: Option<&'a RawValue>,
    #[serde(borrow)]
    uint8: Option<&'a RawValue>,
}

/// One of OpenAI's vectors.
#[derive(Debug, Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    embedding: Option<&'a RawValue>,
    #[serde(default)]
    index: Lenient<u32>,
    /// The vectors of texts that are each other's context.
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// The vector of one input.
enum Numbers {
    /// As the container wrote them.
    Raw(NumberList),
    /// Averaged.
    Floats(Vec<f32>),
    /// As the container encoded them.
    Base64(String),
}

/// Why the vectors of a reply were not read.
enum UnreadVectors {
    /// The shape is not known.
    Shape,
    /// The vector of the input at this place has something else than numbers.
    NoNumbers(usize),
    /// The reply reports a failure.
    Failed(Error),
}

/// Reads a reply.
///
/// # Errors
/// As for [`EmbeddingFamily::decode`](super::EmbeddingFamily::decode).
pub(super) fn read(reply: &Bytes, context: &EmbedContext, family: &str) -> Result<EmbedResponse, Error> {
    let parsed = match parse(reply) {
        // `NaN` and `Infinity` are no JSON: as null they show which vector they are in.
        Err(UnreadVectors::Shape) => {
            json::repair_reply(reply).map_or(Err(UnreadVectors::Shape), |repaired| parse(&repaired.into()))
        }
        parsed => parsed,
    };
    let (vectors, model, usage) = parsed.map_err(|unread| match unread {
        UnreadVectors::Shape => unknown_reply(reply, family),
        UnreadVectors::NoNumbers(input) => no_numbers(input),
        UnreadVectors::Failed(error) => error,
    })?;
    if vectors.len() != context.inputs {
        return Err(Error::new(
            ErrorKind::Decode,
            format!(
                "the container replied {} vectors for {} inputs; set `embedding_dialect` to the family that fits the container (now `{family}`)",
                vectors.len(),
                context.inputs
            ),
        ));
    }
    let mut lengths = vectors.iter().filter_map(Numbers::len);
    if let Some(first) = lengths.next() {
        if let Some(other) = lengths.find(|length| *length != first) {
            return Err(Error::new(
                ErrorKind::Decode,
                format!("the container replied vectors of {first} and of {other} numbers; see the endpoint's log"),
            ));
        }
    }
    let written = vectors.into_iter().enumerate().map(|(place, vector)| write(vector, place, context));
    let vectors = written.collect::<Result<Vec<_>, _>>()?;
    let mut response = EmbedResponse::new(model.as_deref().unwrap_or(&context.model), vectors);
    response.usage = usage;
    Ok(response)
}

impl Numbers {
    /// How many there are; `None` if they would have to be decoded.
    fn len(&self) -> Option<usize> {
        match self {
            Self::Raw(numbers) => Some(numbers.len()),
            Self::Floats(floats) => Some(floats.len()),
            Self::Base64(_) => None,
        }
    }
}

type ParsedVectors = (Vec<Numbers>, Option<String>, Option<Usage>);

fn parse(reply: &Bytes) -> Result<ParsedVectors, UnreadVectors> {
    if let Some(lists) = plain::lists(reply) {
        return Ok((lists.into_iter().map(Numbers::Raw).collect(), None, None));
    }
    if !reply.trim_ascii_start().starts_with(b"{") {
        return Ok((nested(serde_json::from_slice(reply).map_err(|_| UnreadVectors::Shape)?)?, None, None));
    }
    let parsed: Reply<'_> = serde_json::from_slice(reply).map_err(|_| UnreadVectors::Shape)?;
    if let Some(report) =
        Some(reply).filter(|_| !is_absent(parsed.error.as_ref())).and_then(|reply| FailureReport::read(reply))
    {
        return Err(UnreadVectors::Failed(report.into_error()));
    }
    let usage = parsed.usage.0.map(with_prompt_tokens).or_else(|| {
        let tokens = parsed.meta.0?.billed_units.0?.input_tokens.0?;
        Some(Usage::reported(tokens, 0))
    });
    let vectors = match (parsed.data, parsed.embeddings) {
        (Some(data), _) => items(data)?,
        (None, Some(embeddings)) if embeddings.get().starts_with('{') => {
            let ByType { float, int8, uint8 } =
                serde_json::from_str(embeddings.get()).map_err(|_| UnreadVectors::Shape)?;
            nested(float.or(int8).or(uint8).ok_or(UnreadVectors::Shape)?)?
        }
        (None, embeddings) => {
            let named = embeddings.or(parsed.embedding).or(parsed.vectors).or(parsed.predictions);
            nested(named.ok_or(UnreadVectors::Shape)?)?
        }
    };
    Ok((vectors, parsed.model.0, usage))
}

/// Voyage counts the tokens of the inputs as the total alone.
fn with_prompt_tokens(mut usage: Usage) -> Usage {
    if usage.prompt_tokens == 0 {
        usage.prompt_tokens = usage.total_tokens;
    }
    usage
}

/// OpenAI's list, in the order of its indexes. If one is missing, the order is the inputs'; one
/// that is wrong would give an input the vector of another.
fn items(data: &RawValue) -> Result<Vec<Numbers>, UnreadVectors> {
    let mut items: Vec<Item<'_>> = serde_json::from_str(data.get()).map_err(|_| UnreadVectors::Shape)?;
    if items.len() > 1 && items.iter().all(|item| item.index.0.is_some()) {
        items.sort_by_key(|item| item.index.0);
        if items.iter().zip(0..).any(|(item, place)| item.index.0 != Some(place)) {
            return Err(UnreadVectors::Shape);
        }
    }
    if items.iter().any(|item| item.embedding.is_none() && item.data.is_some()) {
        let of_each = items.into_iter().map(|item| self::items(item.data.ok_or(UnreadVectors::Shape)?));
        return Ok(of_each.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect());
    }
    let vector = |(place, item): (usize, Item<'_>)| one(item.embedding.ok_or(UnreadVectors::NoNumbers(place))?, place);
    items.into_iter().enumerate().map(vector).collect()
}

/// Lists in lists: one vector, a vector for each input, or a vector for each token of each input.
fn nested(lists: &RawValue) -> Result<Vec<Numbers>, UnreadVectors> {
    match levels(lists.get()) {
        1 => match lists.get().bytes().find(|byte| !byte.is_ascii_whitespace() && *byte != b'[') {
            Some(b']') => Ok(Vec::new()),
            Some(b'{') => items(lists),
            Some(b'n') if parts(lists)?.iter().any(|part| part.get().starts_with('[')) => vectors(lists),
            _ => Ok(vec![one(lists, 0)?]),
        },
        2..=4 => vectors(lists),
        _ => Err(UnreadVectors::Shape),
    }
}

fn vectors(lists: &RawValue) -> Result<Vec<Numbers>, UnreadVectors> {
    parts(lists)?.into_iter().enumerate().map(|(place, list)| one(list, place)).collect()
}

/// The vector of the input at this place: as it is, or the mean of its tokens' (mean pooling).
fn one(list: &RawValue, place: usize) -> Result<Numbers, UnreadVectors> {
    // No text is in a list of numbers, so that this word is a value.
    let unread = || if has_nulls(list) { UnreadVectors::NoNumbers(place) } else { UnreadVectors::Shape };
    match levels(list.get()) {
        0 => serde_json::from_str(list.get()).map(Numbers::Base64).map_err(|_| unread()),
        1 => numbers(list).ok_or_else(unread),
        2 => match parts(list)?.as_slice() {
            [only] => numbers(only).ok_or_else(unread),
            _ => pooling::mean(list.get()).map(Numbers::Floats).ok_or_else(unread),
        },
        // The toolkit puts each input's tokens into a list of one more level.
        3 => match parts(list)?.as_slice() {
            [only] => one(only, place),
            _ => Err(UnreadVectors::Shape),
        },
        _ => Err(UnreadVectors::Shape),
    }
}

/// Whether null stands for a number, or for all of them.
fn has_nulls(list: &RawValue) -> bool {
    list.get().contains("null") && !list.get().contains(['"', '{'])
}

/// A list of numbers, with at least one.
fn numbers(list: &RawValue) -> Option<Numbers> {
    let text = Bytes::copy_from_slice(list.get().as_bytes());
    NumberList::from_json(text).ok().filter(|numbers| !numbers.is_empty()).map(Numbers::Raw)
}

fn parts(list: &RawValue) -> Result<Vec<&RawValue>, UnreadVectors> {
    serde_json::from_str(list.get()).map_err(|_| UnreadVectors::Shape)
}

/// How many lists the first number is in.
fn levels(json: &str) -> usize {
    json.bytes().filter(|byte| !byte.is_ascii_whitespace()).take_while(|byte| *byte == b'[').count()
}

/// The vector of the input at this place, with as many numbers and in the format that were asked
/// for.
fn write(numbers: Numbers, place: usize, context: &EmbedContext) -> Result<Vector, Error> {
    let dimensions = context.dimensions.map(|dimensions| usize::try_from(dimensions).unwrap_or(usize::MAX));
    let base64 = context.encoding_format == Some(EncodingFormat::Base64);
    let numbers = match numbers {
        Numbers::Raw(numbers) if !base64 && dimensions.is_none_or(|wanted| wanted == numbers.len()) => {
            return if numbers.is_finite() { Ok(Vector::Raw(numbers)) } else { Err(no_numbers(place)) };
        }
        Numbers::Raw(numbers) => numbers.floats(),
        Numbers::Base64(text) => {
            let encoded = Base64Floats::try_from(text).map_err(|error| {
                let message = "the container replied a vector that is not a list of numbers; see the endpoint's log";
                Error::new(ErrorKind::Decode, message).with_source(error)
            })?;
            let numbers = encoded.floats();
            if base64 && dimensions.is_none() && numbers.iter().all(|number| number.is_finite()) {
                return Ok(Vector::Base64(encoded));
            }
            numbers
        }
        Numbers::Floats(floats) => floats,
    };
    if !numbers.iter().all(|number| number.is_finite()) {
        return Err(no_numbers(place));
    }
    let numbers = match dimensions {
        Some(wanted) if wanted < numbers.len() => pooling::cut(numbers, wanted),
        Some(wanted) if wanted > numbers.len() => {
            return Err(Error::invalid(
                "dimensions",
                format!("the model's vectors have {} numbers; ask for no more `dimensions`", numbers.len()),
            ));
        }
        _ => numbers,
    };
    Ok(if base64 { Vector::Base64(numbers.as_slice().into()) } else { Vector::Floats(numbers) })
}
