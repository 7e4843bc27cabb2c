//! What holds for any bytes at all: no panic, the same at every cut, and no error that shows a
//! reply's text.
//!
//! The bytes are random ones, and fixtures with random changes: the second come much farther.

use proptest::{collection::vec, prelude::*, sample::Index};
use sagewire_types::ChatChunk;

use crate::{
    ChatDialect, DecodeContext, Dialect, StreamDecoder,
    completion::CompletionDecoder,
    embedding::{EmbedContext, EmbeddingDialect},
    fixtures::folder::{ExpectedError, Folder},
    records::{Record, RecordFramer},
};

fn dialects() -> impl Iterator<Item = &'static dyn Dialect> {
    ChatDialect::ALL.iter().map(|dialect| dialect.implementation())
}

fn context() -> DecodeContext {
    let mut context = DecodeContext::new("id", "m", 1);
    context.prompt = Some("Hello, how are you?".into());
    context.stop = ["END".to_owned(), "</s>".to_owned()].into();
    context.end_tokens = ["<|im_end|>".to_owned()].into();
    (context.logprobs, context.include_usage) = (true, true);
    context
}

/// The streams and replies of all fixtures, so that a change of one is near to what containers
/// send.
fn recorded(file: &'static str) -> Vec<Vec<u8>> {
    let folders = ["dialects", "embeddings"].into_iter().flat_map(Folder::under);
    folders.filter(|folder| folder.has(file)).map(|folder| folder.bytes(file)).collect()
}

/// One of these texts with a few bytes replaced, taken out or put in.
fn nearly(texts: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<Index>(), any::<u8>(), 0..3_u8);
    (any::<Index>(), vec(change, 0..4)).prop_map(move |(which, changes)| {
        let mut text = which.get(&texts).clone();
        for (place, byte, kind) in changes {
            if text.is_empty() {
                break;
            }
            let place = place.index(text.len());
            match kind {
                0 => text[place] = byte,
                1 => drop(text.remove(place)),
                _ => text.insert(place, byte),
            }
        }
        text
    })
}

fn any_or_nearly(file: &'static str) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![1 => vec(any::<u8>(), 0..300), 4 => nearly(recorded(file))]
}

fn cut_at(bytes: &[u8], cuts: &[Index]) -> Vec<Vec<u8>> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|ends| bytes[ends[0]..ends[1]].to_vec()).collect()
}

/// What comes out, and the error at its end.
fn read<T>(mut decoder: Box<dyn StreamDecoder<T>>, pieces: &[Vec<u8>]) -> (Vec<T>, Option<ExpectedError>) {
    let mut out = Vec::new();
    for piece in pieces {
        if let Err(error) = decoder.push(piece, &mut out) {
            return (out, Some(error.into()));
        }
    }
    let error = decoder.finish(&mut out).err();
    (out, error.map(Into::into))
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn records_are_the_same_at_every_cut(bytes in any_or_nearly("stream.txt"), cuts in vec(any::<Index>(), 0..6)) {
        let records = |pieces: &[Vec<u8>]| {
            let (mut framer, mut records) = (RecordFramer::default(), Vec::new());
            let mut take = |record: Record<'_>| {
                records.push(match record { Record::Json(text) | Record::Failure(text) => Some(text.to_vec()), Record::Done => None });
                Ok(())
            };
            pieces.iter().for_each(|piece| framer.push(piece, &mut take).unwrap());
            framer.finish(&mut take).unwrap();
            records
        };
        prop_assert_eq!(records(std::slice::from_ref(&bytes)), records(&cut_at(&bytes, &cuts)));
    }

    #[test]
    fn streams_are_read_the_same_at_every_cut(bytes in any_or_nearly("stream.txt"), cuts in vec(any::<Index>(), 0..6)) {
        let pieces = cut_at(&bytes, &cuts);
        for dialect in dialects() {
            let whole: (Vec<ChatChunk>, _) = read(dialect.stream_decoder(context()), std::slice::from_ref(&bytes));
            prop_assert_eq!(&read(dialect.stream_decoder(context()), &pieces), &whole, "{}", dialect.name());
            let completion = || Box::new(CompletionDecoder::new(dialect.stream_decoder(context().keeping_thoughts()))) as Box<_>;
            prop_assert_eq!(read(completion(), &pieces), read(completion(), std::slice::from_ref(&bytes)));
        }
    }

    #[test]
    fn a_stream_that_ends_well_has_an_answer_with_an_end(bytes in any_or_nearly("stream.txt")) {
        for dialect in dialects() {
            let (chunks, error) = read(dialect.stream_decoder(context()), std::slice::from_ref(&bytes));
            let ended = chunks.iter().flat_map(|chunk| &chunk.choices).any(|choice| choice.finish_reason.is_some());
            prop_assert!(error.is_some() || ended, "{}", dialect.name());
        }
    }

    #[test]
    fn any_reply_is_an_answer_or_an_error(bytes in any_or_nearly("reply.json")) {
        for dialect in dialects() {
            if let Ok(response) = dialect.decode(&bytes, &context()) {
                prop_assert!(!response.choices.is_empty());
            }
        }
        for family in EmbeddingDialect::ALL.iter().map(|family| family.implementation()) {
            for inputs in 1..3 {
                let mut context = EmbedContext::new("m", &sagewire_types::EmbedRequest::new("m", "text"));
                context.inputs = inputs;
                if let Ok(response) = family.decode(&bytes.clone().into(), &context) {
                    prop_assert_eq!(response.data.len(), inputs);
                    for item in response.data {
                        prop_assert!(!item.floats().is_empty());
                    }
                }
            }
        }
    }

    #[test]
    fn plain_text_is_for_the_operator_alone(secret in "[a-z]{12}") {
        for dialect in dialects() {
            let error = dialect.decode(secret.as_bytes(), &context()).unwrap_err();
            prop_assert!(!error.to_string().contains(&secret), "{}", error);
            prop_assert_eq!(error.upstream().and_then(|upstream| upstream.original_message.as_ref()), Some(&secret));
        }
    }

    #[test]
    fn an_unknown_reply_shows_no_text(secret in "[a-z]{12}") {
        for reply in [
            format!(r#"{{"answer": "{secret}"}}"#),
            format!(r#"{{"generated_text": {{"text": "{secret}"}}}}"#),
            format!(r#"{{"choices": [{{"message": "{secret}"}}]}}"#),
            format!(r#"{{"choices": "{secret}"}}"#),
            format!(r#"["{secret}", 1]"#),
            format!("data: {{\"token\": \"{secret}\"}}\n\n"),
        ] {
            for dialect in dialects() {
                let whole = dialect.decode(reply.as_bytes(), &context());
                let mut decoder = dialect.stream_decoder(context());
                let streamed = decoder.push(reply.as_bytes(), &mut Vec::new()).and_then(|()| decoder.finish(&mut Vec::new()));
                for error in [whole.err(), streamed.err()].into_iter().flatten() {
                    let shown = format!("{error} {error:?} {error:#?}");
                    prop_assert!(!shown.contains(&secret), "{}", shown);
                }
            }
        }
    }
}
