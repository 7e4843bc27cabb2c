//! Counts that are missing, in part or at all, with and without something that estimates them.

use sagewire_types::{ChunkChoice, FinishReason, Message};

use super::*;

/// A word is a token.
fn words(text: &str) -> u64 {
    text.split_whitespace().map(|_| 1).sum()
}

fn context(count: Option<CountTokens>) -> DecodeContext {
    let mut context = DecodeContext::new("id", "m", 0).with_count(count).with_prompt("Hello, how are you?", false, &[]);
    context.include_usage = true;
    context
}

fn answer(usage: Option<Usage>) -> ChatResponse {
    let mut response = ChatResponse::text("m", "I am fine.", FinishReason::Stop);
    response.usage = usage;
    response
}

#[test]
fn what_is_reported_stays() {
    let mut with_thoughts = Usage::reported(3, 4);
    with_thoughts.total_tokens = 12;
    for count in [None, Some(CountTokens::With(words))] {
        for reported in [Usage::reported(3, 4), with_thoughts.clone()] {
            let mut response = answer(Some(reported.clone()));
            fill_in(&mut response, &context(count));
            assert_eq!(response.usage, Some(reported));
        }
    }
}

#[test]
fn a_missing_usage_is_estimated_and_says_so() {
    let mut response = answer(None);
    fill_in(&mut response, &context(Some(CountTokens::With(words))));
    assert_eq!(response.usage, Some(Usage::estimated(4, 3)));
}

#[test]
fn a_prompt_that_was_not_counted_is_estimated_and_the_answers_count_stays() {
    let mut response = answer(Some(Usage::reported(0, 9)));
    fill_in(&mut response, &context(Some(CountTokens::With(words))));
    assert_eq!(response.usage, Some(Usage::estimated(4, 9)));
}

#[test]
fn a_stream_gets_its_usage_at_its_end() {
    let context = context(Some(CountTokens::With(words)));
    let mut meter = Meter::new(&context).unwrap();
    let chunk = |text: &str| ChatChunk::new("id".into(), "m".into(), 0, vec![ChunkChoice::text(text)]);
    meter.see(&mut [chunk("I am"), chunk(" fine.")], &context);
    let missing = meter.missing(&context).unwrap();
    assert_eq!((missing.id.as_ref(), missing.usage), ("id", Some(Usage::estimated(4, 3))));
    let mut last = chunk("");
    last.usage = Some(Usage::reported(0, 9));
    let mut chunks = [last];
    meter.see(&mut chunks, &context);
    assert_eq!((chunks[0].usage.clone(), meter.missing(&context)), (Some(Usage::estimated(4, 9)), None));
}

#[test]
fn lengths_are_enough_for_an_estimate() {
    let request = ChatRequest::new("m", [Message::user("Hello, how are you?")]);
    let prompt = request.estimated_tokens();
    let mut context = DecodeContext::new("id", "m", 0).with_count(Some(CountTokens::ByLength)).with_request(&request);
    let mut response = answer(None);
    fill_in(&mut response, &context);
    assert_eq!(response.usage, Some(Usage::estimated(prompt, 3)));

    context.include_usage = true;
    let mut meter = Meter::new(&context).unwrap();
    meter.see(&mut [ChatChunk::new("id".into(), "m".into(), 0, vec![ChunkChoice::text("I am fine.")])], &context);
    assert_eq!(meter.missing(&context).unwrap().usage, Some(Usage::estimated(prompt, 3)));
}

#[test]
fn token_ids_of_a_completion_are_their_count() {
    let mut request = CompletionRequest::new("m", "");
    request.prompt = sagewire_types::Prompt::Tokens(vec![1, 2, 3, 4, 5]);
    for count in [CountTokens::ByLength, CountTokens::With(words)] {
        let context = DecodeContext::new("id", "m", 0).with_count(Some(count)).with_completion(&request);
        let mut response = answer(None);
        fill_in(&mut response, &context);
        assert_eq!(response.usage, Some(Usage::estimated(5, 3)));
    }
}

#[test]
fn messages_count_with_their_marks() {
    let request = ChatRequest::new("m", [Message::system("Be brief."), Message::user("Hi")]);
    let context = DecodeContext::new("id", "m", 0).with_count(Some(CountTokens::With(words))).with_request(&request);
    let mut response = answer(None);
    fill_in(&mut response, &context);
    assert_eq!(response.usage, Some(Usage::estimated(3 + 2 * TOKENS_PER_MESSAGE, 3)));
}

#[test]
fn inputs_are_counted_as_texts_or_as_the_tokens_they_are() {
    for (input, tokens) in [
        (EmbedInput::from(["I am fine.", "I am fine."]), 6),
        (EmbedInput::Tokens(vec![1, 2, 3]), 3),
        (EmbedInput::TokenLists(vec![vec![1], vec![2, 3]]), 3),
    ] {
        let mut response = EmbedResponse::new("m", []);
        fill_in_embeddings(&mut response, &input, CountTokens::With(words));
        assert_eq!(response.usage, Some(Usage::estimated(tokens, 0)));
    }
}

#[test]
fn without_a_count_nothing_is_made_up() {
    for usage in [None, Some(Usage::reported(0, 9))] {
        let mut response = answer(usage.clone());
        fill_in(&mut response, &context(None));
        assert_eq!(response.usage, usage);
    }
    assert!(Meter::new(&context(None)).is_none());
}
