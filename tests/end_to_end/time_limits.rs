//! The limits in time: until the reply begins, between its pieces, and for the whole call.
//!
//! Transports follow a script and tokio's clock is paused: a minute takes no time, and each limit
//! can be told to the millisecond.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use sagewire::{CallContext, Client, ErrorKind, Provider, Settings, Timeouts};
use sagewire_router::{Deployment, Router};
use sagewire_tests::{
    endpoint::{client_over, question, stream, tries},
    replies::{tgi_reply, tgi_stream, tgi_token},
    transport::{Answer, Piece, ScriptedTransport, part},
};
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

fn limits(change: impl FnOnce(&mut Timeouts)) -> Settings {
    let mut settings = tries(1);
    change(&mut settings.timeouts);
    settings
}

fn over(answers: impl IntoIterator<Item = Answer>, settings: Settings) -> (Arc<ScriptedTransport>, Client) {
    let transport = ScriptedTransport::new(answers);
    (transport.clone(), client_over(transport, settings))
}

/// Tokio's timers have a resolution of a millisecond.
fn assert_about(elapsed: Duration, expected: Duration) {
    assert!(elapsed >= expected && elapsed < expected + Duration::from_millis(5), "{elapsed:?}, not {expected:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_does_not_begin_in_time_is_a_timeout() {
    let (_, client) = over([Answer::Silence], limits(|limits| limits.first_byte = Some(SECOND * 3)));
    for streaming in [false, true] {
        let begun = Instant::now();
        let error = if streaming {
            client.chat_stream(question("sagemaker/e")).await.unwrap_err()
        } else {
            client.chat(question("sagemaker/e")).await.unwrap_err()
        };
        assert_about(begun.elapsed(), SECOND * 3);
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Timeout, true));
        assert!(error.to_string().contains("3 seconds"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_setting_a_container_has_seventy_seconds() {
    let (_, client) = over([Answer::After(SECOND * 69, Box::new(Answer::json(200, tgi_reply("late"))))], tries(1));
    assert_eq!(client.chat(question("sagemaker/e")).await.unwrap().value.content(), "late");
    let (_, client) = over([Answer::After(SECOND * 71, Box::new(Answer::json(200, tgi_reply("late"))))], tries(1));
    assert_eq!(client.chat(question("sagemaker/e")).await.unwrap_err().kind(), ErrorKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn through_an_inference_router_a_reply_has_a_hundred_and_seventy_seconds() {
    let reply = r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"late"},"finish_reason":"stop"}]}"#;
    let late = |seconds: u32| [Answer::After(SECOND * seconds, Box::new(Answer::json(200, reply)))];
    let model = "sagemaker_router/r/chat";
    let (_, client) = over(late(169), tries(1));
    assert_eq!(client.chat(question(model)).await.unwrap().value.content(), "late");
    let (_, client) = over(late(169), tries(1));
    assert_eq!(stream(&client, question(model)).await.text(), "late", "streams are made of whole replies");
    for (settings, expected) in
        [(tries(1), SECOND * 170), (limits(|limits| limits.first_byte = Some(SECOND * 9)), SECOND * 9)]
    {
        let (_, client) = over(late(171), settings);
        let begun = Instant::now();
        assert_eq!(client.chat(question(model)).await.unwrap_err().kind(), ErrorKind::Timeout);
        assert_about(begun.elapsed(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_falls_silent_is_a_timeout_and_no_try_follows() {
    let silent = Answer::stream([part(tgi_token("One")), Piece::Wait(SECOND * 3600)]);
    let (transport, client) = over([silent], limits(|limits| limits.idle = Some(SECOND * 5)));
    let begun = Instant::now();
    let streamed = stream(&client, question("sagemaker/e")).await;
    assert_about(begun.elapsed(), SECOND * 5);
    assert_eq!(streamed.text(), "One");
    let error = streamed.error.unwrap();
    assert_eq!((error.kind(), error.is_retryable(), transport.count()), (ErrorKind::Timeout, false, 1));
    assert!(error.to_string().contains("5 seconds"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_stream_is_no_silent_one() {
    let text = tgi_stream(&["One", " two", " three"]);
    let pieces = text.split_inclusive("\n\n").flat_map(|event| [Piece::Wait(SECOND * 50), part(event.to_owned())]);
    let (_, client) = over([Answer::stream(pieces.collect::<Vec<_>>())], tries(1));
    let begun = Instant::now();
    let streamed = stream(&client, question("sagemaker/e")).await;
    assert!(streamed.error.is_none(), "{:?}", streamed.error);
    assert_eq!(streamed.text(), "One two three");
    assert!(begun.elapsed() >= SECOND * 200);
}

#[tokio::test(start_paused = true)]
async fn a_whole_reply_that_falls_silent_is_a_timeout() {
    let silent = Answer::Reply(200, Vec::new(), vec![Piece::Bytes("[".into()), Piece::Wait(SECOND * 3600)]);
    let (_, client) = over([silent], tries(1));
    let begun = Instant::now();
    let error = client.chat(question("sagemaker/e")).await.unwrap_err();
    assert_about(begun.elapsed(), SECOND * 60);
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn the_whole_call_has_a_limit_that_its_pieces_do_not_move() {
    let text = tgi_stream(&["One", " two", " three"]);
    let pieces = text.split_inclusive("\n\n").flat_map(|event| [Piece::Wait(SECOND * 4), part(event.to_owned())]);
    let (_, client) =
        over([Answer::stream(pieces.collect::<Vec<_>>())], limits(|limits| limits.total = Some(SECOND * 10)));
    let begun = Instant::now();
    let streamed = stream(&client, question("sagemaker/e")).await;
    assert_about(begun.elapsed(), SECOND * 10);
    assert_eq!(streamed.text(), "One two");
    let error = streamed.error.unwrap();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Timeout, false));
}

#[tokio::test(start_paused = true)]
async fn the_contexts_deadline_counts_where_it_comes_first() {
    let (_, client) = over([Answer::Silence], limits(|limits| limits.total = Some(SECOND * 10)));
    for (given, expected) in [(SECOND * 4, SECOND * 4), (SECOND * 40, SECOND * 10)] {
        let begun = Instant::now();
        let context = CallContext::new().with_deadline((begun + given).into_std());
        let error = Provider::chat(&client, question("sagemaker/e"), &context).await.unwrap_err();
        assert_about(begun.elapsed(), expected);
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Timeout, false));
    }
}

#[tokio::test(start_paused = true)]
async fn the_limit_covers_all_tries_and_their_waits() {
    let slow = Answer::After(SECOND * 3, Box::new(Answer::error(500, "InternalFailure", "x")));
    let mut settings = tries(10);
    settings.timeouts.total = Some(SECOND * 10);
    let (transport, client) = over([slow], settings);
    let begun = Instant::now();
    let error = client.chat(question("sagemaker/e")).await.unwrap_err();
    assert!(begun.elapsed() <= SECOND * 10 + Duration::from_millis(5), "{:?}", begun.elapsed());
    assert_eq!((error.kind(), error.attempts(), transport.count()), (ErrorKind::Timeout, 4, 4));
}

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_the_deadline_is_not_begun() {
    let asking = Answer::error(503, "ServiceUnavailable", "x").with_header("x-amz-retry-after", "5000");
    let (transport, client) = over([asking], {
        let mut settings = tries(3);
        settings.timeouts.total = Some(SECOND * 2);
        settings
    });
    let begun = Instant::now();
    let error = client.chat(question("sagemaker/e")).await.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!((error.kind(), error.status(), transport.count()), (ErrorKind::ServiceFailed, Some(503), 1));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_is_over_fails_before_anything_is_read() {
    let (_, client) = over([Answer::Silence], tries(3));
    let context = CallContext::new().with_deadline(Instant::now().into_std());
    let error = Provider::chat(&client, question("sagemaker/e"), &context).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Timeout, false));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_not_read_is_not_charged_for_its_readers_pauses() {
    let text = tgi_stream(&["One", " two"]);
    let pieces: Vec<_> = text.split_inclusive("\n\n").map(|event| part(event.to_owned())).collect();
    let (_, client) = over([Answer::stream(pieces)], limits(|limits| limits.idle = Some(SECOND)));
    let mut stream = client.chat_stream(question("sagemaker/e")).await.unwrap();
    let mut text = String::new();
    while let Some(chunk) = stream.next().await {
        text.push_str(chunk.unwrap().content());
        tokio::time::advance(SECOND * 30).await;
    }
    assert_eq!(text, "One two");
}

#[tokio::test(start_paused = true)]
async fn an_error_whose_body_does_not_end_tells_what_came() {
    let body = serde_json::json!({"Message": "m", "OriginalStatusCode": 400, "OriginalMessage": "no such adapter"});
    let Answer::Reply(status, headers, mut pieces) =
        Answer::json(424, body.to_string()).with_header("x-amzn-errortype", "ModelError")
    else {
        panic!("a reply")
    };
    pieces.push(Piece::Wait(SECOND * 3600));
    let (_, client) = over([Answer::Reply(status, headers, pieces)], tries(1));
    let begun = Instant::now();
    let error = client.chat(question("sagemaker/e")).await.unwrap_err();
    assert_about(begun.elapsed(), SECOND * 2);
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.to_string().contains("no such adapter"), "{error}");
    assert_eq!((error.attempts(), error.elapsed()), (1, Some(begun.elapsed())));
}

#[tokio::test(start_paused = true)]
async fn a_deployments_limit_sends_a_call_on_to_the_next_one() {
    let router = |streams: bool| {
        let provider = |answer| -> Arc<dyn Provider> { Arc::new(over([answer], tries(1)).1) };
        let answer =
            if streams { Answer::stream([part(tgi_stream(&["fine"]))]) } else { Answer::json(200, tgi_reply("fine")) };
        let slow = Deployment::new("m", "sagemaker/slow", provider(Answer::Silence)).with_timeout(SECOND * 4);
        let quick = Deployment::new("m", "sagemaker/quick", provider(answer));
        Router::builder().deployments([slow, quick.with_order(1)]).build().unwrap()
    };
    let begun = Instant::now();
    let reply = router(false).chat(question("m"), &CallContext::new()).await.unwrap();
    assert_eq!((reply.value.content(), reply.meta.attempts), ("fine", 2));
    assert_about(begun.elapsed(), SECOND * 4);
    let stream = router(true).chat_stream(question("m"), &CallContext::new()).await.unwrap();
    assert_eq!(stream.collect_reply().await.unwrap().value.content(), "fine");
    assert_about(begun.elapsed(), SECOND * 8);
}
