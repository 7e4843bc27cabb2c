//! Vectors, whichever shape they come in.
//!
//! Owns the reading of every reply whose shape says what it is: bare lists to four levels, and the objects that containers put them in.
//! A vector's text passes unparsed unless it must be averaged, cut or encoded.

use bytes::Bytes;
use sagewire_types::{EmbedResponse, EncodingFormat, Error, ErrorKind, NumberList, Usage, Vector};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{EmbedContext, floats, plain, unknown_reply};

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
    model: Option<String>,
    #[serde(default)]
    usage: Option<Usage>,
    #[serde(default)]
    meta: Option<Meta>,
}

/// What Cohere reports beside its vectors.
#[derive(Debug, Deserialize)]
struct Meta {
    #[serde(default)]
    billed_units: Option<BilledUnits>,
}

#[derive(Debug, Deserialize)]
struct BilledUnits {
    #[serde(default)]
    input_tokens: Option<u64>,
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
    embedding: &'a RawValue,
    #[serde(default)]
    index: Option<usize>,
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

/// A shape that nobody knows.
struct Unknown;

/// Reads a reply.
///
/// # Errors
/// As for [`EmbeddingFamily::decode`](super::EmbeddingFamily::decode).
pub(super) fn read(reply: &Bytes, context: &EmbedContext, family: &str) -> Result<EmbedResponse, Error> {
    let (vectors, model, usage) = parse(reply).map_err(|Unknown| unknown_reply(reply, family))?;
    if vectors.len() != context.inputs {
        return Err(Error::new(
            ErrorKind::Decode,
            format!(
                "the container replied {} vectors for {} inputs: set `embedding_dialect` to the family that fits the container (now `{family}`)",
                vectors.len(),
                context.inputs
            ),
        ));
    }
    let vectors = vectors.into_iter().map(|vector| write(vector, context)).collect::<Result<Vec<_>, _>>()?;
    let mut response = EmbedResponse::new(model.as_deref().unwrap_or(&context.model), vectors);
    response.usage = usage;
    Ok(response)
}

type Parsed = (Vec<Numbers>, Option<String>, Option<Usage>);

fn parse(reply: &Bytes) -> Result<Parsed, Unknown> {
    if let Some(lists) = plain::lists(reply) {
        return Ok((lists.into_iter().map(Numbers::Raw).collect(), None, None));
    }
    if !reply.trim_ascii_start().starts_with(b"{") {
        return Ok((nested(serde_json::from_slice(reply).map_err(|_| Unknown)?)?, None, None));
    }
    let reply: Reply<'_> = serde_json::from_slice(reply).map_err(|_| Unknown)?;
    let usage = reply.usage.map(with_prompt_tokens).or_else(|| {
        let tokens = reply.meta?.billed_units?.input_tokens?;
        Some(Usage::reported(tokens, 0))
    });
    let vectors = match (reply.data, reply.embeddings) {
        (Some(data), _) => items(data)?,
        (None, Some(embeddings)) if embeddings.get().starts_with('{') => {
            let ByType { float, int8, uint8 } = serde_json::from_str(embeddings.get()).map_err(|_| Unknown)?;
            nested(float.or(int8).or(uint8).ok_or(Unknown)?)?
        }
        (None, embeddings) => {
            nested(embeddings.or(reply.embedding).or(reply.vectors).or(reply.predictions).ok_or(Unknown)?)?
        }
    };
    Ok((vectors, reply.model, usage))
}

/// Voyage counts the tokens of the inputs as the total alone.
fn with_prompt_tokens(mut usage: Usage) -> Usage {
    if usage.prompt_tokens == 0 {
        usage.prompt_tokens = usage.total_tokens;
    }
    usage
}

/// OpenAI's list, in the order of its indexes.
fn items(data: &RawValue) -> Result<Vec<Numbers>, Unknown> {
    let mut items: Vec<Item<'_>> = serde_json::from_str(data.get()).map_err(|_| Unknown)?;
    if items.iter().all(|item| item.index.is_some()) {
        items.sort_by_key(|item| item.index);
        if items.iter().enumerate().any(|(place, item)| item.index != Some(place)) {
            return Err(Unknown);
        }
    }
    items.into_iter().map(|item| one(item.embedding)).collect()
}

/// Lists in lists: one vector, a vector for each input, or a vector for each token of each input.
fn nested(lists: &RawValue) -> Result<Vec<Numbers>, Unknown> {
    match levels(lists.get()) {
        1 => match lists.get().bytes().find(|byte| !byte.is_ascii_whitespace() && *byte != b'[') {
            Some(b']') => Ok(Vec::new()),
            Some(b'{') => items(lists),
            _ => Ok(vec![one(lists)?]),
        },
        2..=4 => parts(lists)?.into_iter().map(one).collect(),
        _ => Err(Unknown),
    }
}

/// The vector of one input: as it is, or the mean of its tokens'.
fn one(list: &RawValue) -> Result<Numbers, Unknown> {
    match levels(list.get()) {
        0 => serde_json::from_str(list.get()).map(Numbers::Base64).map_err(|_| Unknown),
        1 => numbers(list),
        2 => match parts(list)?.as_slice() {
            [only] => numbers(only),
            _ => floats::mean(list.get()).map(Numbers::Floats).ok_or(Unknown),
        },
        // The toolkit puts each input's tokens into a list of one more level.
        3 => match parts(list)?.as_slice() {
            [only] => one(only),
            _ => Err(Unknown),
        },
        _ => Err(Unknown),
    }
}

/// A list of numbers, with at least one.
fn numbers(list: &RawValue) -> Result<Numbers, Unknown> {
    let text = Bytes::copy_from_slice(list.get().as_bytes());
    let numbers = NumberList::from_json(text).ok().filter(|numbers| !numbers.is_empty());
    numbers.map(Numbers::Raw).ok_or(Unknown)
}

fn parts(list: &RawValue) -> Result<Vec<&RawValue>, Unknown> {
    serde_json::from_str(list.get()).map_err(|_| Unknown)
}

/// How many lists the first number is in.
fn levels(json: &str) -> usize {
    json.bytes().filter(|byte| !byte.is_ascii_whitespace()).take_while(|byte| *byte == b'[').count()
}

/// The vector with as many numbers and in the format that was asked for.
fn write(numbers: Numbers, context: &EmbedContext) -> Result<Vector, Error> {
    let dimensions = context.dimensions.map(|dimensions| usize::try_from(dimensions).unwrap_or(usize::MAX));
    let base64 = context.encoding_format == Some(EncodingFormat::Base64);
    let numbers = match numbers {
        Numbers::Raw(numbers) if !base64 && dimensions.is_none_or(|wanted| wanted == numbers.len()) => {
            return Ok(Vector::Raw(numbers));
        }
        Numbers::Raw(numbers) => parsed(&Vector::Raw(numbers))?,
        Numbers::Base64(text) if base64 && dimensions.is_none() => return Ok(Vector::Base64(text)),
        Numbers::Base64(text) => parsed(&Vector::Base64(text))?,
        Numbers::Floats(floats) => floats,
    };
    let numbers = match dimensions {
        Some(wanted) if wanted < numbers.len() => floats::cut(numbers, wanted),
        Some(wanted) if wanted > numbers.len() => {
            return Err(Error::invalid(
                "dimensions",
                format!("the model's vectors have {} numbers: ask for no more `dimensions`", numbers.len()),
            ));
        }
        _ => numbers,
    };
    Ok(if base64 { Vector::Base64(floats::to_base64(&numbers)) } else { Vector::Floats(numbers) })
}

fn parsed(vector: &Vector) -> Result<Vec<f32>, Error> {
    vector.to_floats().map_err(|error| {
        Error::new(
            ErrorKind::Decode,
            "the container replied a vector that is no list of numbers: see the endpoint's log",
        )
        .with_source(error)
    })
}
