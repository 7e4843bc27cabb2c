//! Counts that are missing, in part or at all, with and without the feature.

use sagewire_types::{FinishReason, Message};

use super::*;

fn context() -> DecodeContext {
    let mut context = DecodeContext::new("id", "m", 0);
    context.uncounted = Prompt::text("Hello, how are you?");
    context.include_usage = true;
    context
}

fn answer(usage: Option<Usage>) -> ChatResponse {
    let mut response = ChatResponse::text("m", "I am fine.", FinishReason::Stop);
    response.usage = usage;
    response
}

#[tokio::test]
async fn what_is_reported_stays() {
    for reported in [Usage::reported(3, 4), Usage::reported(3, 0)] {
        let mut response = answer(Some(reported.clone()));
        fill_in(&mut response, &context()).await;
        assert_eq!(response.usage, Some(reported));
    }
}

#[cfg(feature = "estimate-usage")]
mod estimated {
    use sagewire_types::ChunkChoice;

    use super::*;

    #[tokio::test]
    async fn a_missing_usage_is_estimated_and_says_so() {
        let mut response = answer(None);
        fill_in(&mut response, &context()).await;
        assert_eq!(response.usage, Some(Usage::estimated(6, 4)));
    }

    #[tokio::test]
    async fn a_prompt_that_was_not_counted_is_estimated_and_the_answers_count_stays() {
        let mut response = answer(Some(Usage::reported(0, 9)));
        fill_in(&mut response, &context()).await;
        assert_eq!(response.usage, Some(Usage::estimated(6, 9)));
    }

    #[test]
    fn a_stream_gets_its_usage_at_its_end() {
        let context = context();
        let mut meter = Meter::new(&context).unwrap();
        let chunk = |text: &str| ChatChunk::new("id".into(), "m".into(), 0, vec![ChunkChoice::text(text)]);
        meter.see(&mut [chunk("I am"), chunk(" fine.")], &context);
        let missing = meter.missing(&context).unwrap();
        assert_eq!((missing.id.as_ref(), missing.usage), ("id", Some(Usage::estimated(6, 4))));
        let mut last = chunk("");
        last.usage = Some(Usage::reported(0, 9));
        let mut chunks = [last];
        meter.see(&mut chunks, &context);
        assert_eq!((chunks[0].usage.clone(), meter.missing(&context)), (Some(Usage::estimated(6, 9)), None));
    }

    #[tokio::test]
    async fn messages_count_with_their_marks() {
        let request = ChatRequest::new("m", [Message::system("Be brief."), Message::user("Hi")]);
        let mut context = context();
        context.uncounted = Prompt::messages(&request);
        let mut response = answer(None);
        fill_in(&mut response, &context).await;
        let usage = response.usage.unwrap();
        assert!((10..16).contains(&usage.prompt_tokens) && usage.estimated, "{usage:?}");
    }

    #[tokio::test]
    async fn inputs_are_counted_as_texts_or_as_the_tokens_they_are() {
        for (input, tokens) in [
            (EmbedInput::from(["I am fine.", "I am fine."]), 8),
            (EmbedInput::Tokens(vec![1, 2, 3]), 3),
            (EmbedInput::TokenLists(vec![vec![1], vec![2, 3]]), 3),
        ] {
            let mut response = EmbedResponse::new("m", []);
            fill_in_embeddings(&mut response, &input).await;
            assert_eq!(response.usage, Some(Usage::estimated(tokens, 0)));
        }
    }
}

#[cfg(not(feature = "estimate-usage"))]
#[tokio::test]
async fn without_the_feature_nothing_is_made_up() {
    for usage in [None, Some(Usage::reported(0, 9))] {
        let mut response = answer(usage.clone());
        fill_in(&mut response, &context()).await;
        assert_eq!(response.usage, usage);
    }
    let mut response = EmbedResponse::new("m", []);
    fill_in_embeddings(&mut response, &EmbedInput::from("text")).await;
    assert_eq!(response.usage, None);
    assert!(Meter::new(&context()).is_none());
    assert_eq!(Prompt::messages(&ChatRequest::new("m", [Message::user("hi")])), None);
}
