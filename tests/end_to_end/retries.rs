//! What is tried again, how often, when, and what never is.

use std::{sync::Arc, time::Duration};

use sagewire::{
    CallContext, Client, ErrorKind, Provider, Retries,
    credentials::seam::{TokioClock, World},
};
use sagewire_emulator::{AwsError, Scripted, StreamEvent};
use sagewire_sagemaker::TransportErrorKind;
use sagewire_tests::{
    endpoint::{builder_for, client, client_over, question, start, stream, tries},
    replies::{tgi_reply, tgi_stream, tgi_token},
    transport::{Answer, Piece, ScriptedTransport, part},
};

fn container_error(status: u16) -> Answer {
    let body = serde_json::json!({"Message": "x", "OriginalStatusCode": status, "OriginalMessage": "x"});
    Answer::json(424, body.to_string()).with_header("x-amzn-errortype", "ModelError")
}

fn good() -> Answer {
    Answer::json(200, tgi_reply("fine"))
}

/// How many tries a whole reply takes when every one of them is answered so.
async fn tries_of(answer: Answer) -> u32 {
    let transport = ScriptedTransport::new([answer]);
    let error = client_over(transport.clone(), tries(3)).chat(question("sagemaker/e")).await.unwrap_err();
    assert_eq!(error.attempts() as usize, transport.count());
    error.attempts()
}

#[tokio::test]
async fn a_service_that_fails_twice_is_asked_three_times_each_with_a_good_signature() {
    let emulator = start().await;
    let client = client(&emulator);
    for _ in 0..2 {
        emulator.enqueue("tgi", Scripted::error(AwsError::service_unavailable()));
    }
    let reply = client.chat(question("sagemaker/tgi")).await.unwrap();
    let received = emulator.received();
    assert_eq!((received.len(), reply.meta.attempts), (3, 3));
    assert!(received.iter().all(|request| request.accepted));
    assert!(received.iter().all(|request| request.body == received[0].body));
    assert_eq!(reply.meta.request_id.as_deref(), Some(received[2].request_id.as_str()));
}

#[tokio::test]
async fn a_stream_that_breaks_before_its_first_chunk_is_tried_again() {
    let emulator = start().await;
    let client = client(&emulator);
    emulator.enqueue("tgi", Scripted::reset());
    emulator.enqueue("tgi", Scripted::stream([tgi_stream(&["One"])]).cut_at(20));
    let streamed = stream(&client, question("sagemaker/tgi")).await;
    assert!(streamed.error.is_none(), "{:?}", streamed.error);
    assert!(!streamed.text().is_empty());
    assert_eq!(emulator.received().len(), 3);
}

#[tokio::test]
async fn nothing_is_tried_again_after_the_first_chunk() {
    let emulator = start().await;
    let client = client(&emulator);
    for end in [StreamEvent::Reset, StreamEvent::BreakOff] {
        emulator.clear_received();
        emulator.enqueue("tgi", Scripted::stream([tgi_token("One")]).then(end));
        let streamed = stream(&client, question("sagemaker/tgi")).await;
        assert_eq!(streamed.text(), "One");
        assert_eq!(streamed.error.unwrap().kind(), ErrorKind::StreamBroken);
        assert_eq!(emulator.received().len(), 1);
    }
}

#[tokio::test]
async fn what_the_caller_must_mend_is_not_tried_again() {
    let emulator = start().await;
    let client = client(&emulator);
    let errors = [
        AwsError::validation("no"),
        AwsError::access_denied("no"),
        AwsError::unrecognized_client(),
        AwsError::signature_mismatch(),
        AwsError::unknown_operation(),
        AwsError::body_too_large(1),
        AwsError::internal_dependency(),
        AwsError::modelled("SomethingNew", 409, "no"),
        AwsError::model_error(400, "no"),
        AwsError::model_error(500, "no"),
        AwsError::model_error(0, "Your invocation timed out"),
    ];
    for error in errors {
        emulator.clear_received();
        emulator.enqueue("tgi", Scripted::error(error.clone()));
        let failed = client.chat(question("sagemaker/tgi")).await.unwrap_err();
        assert_eq!((emulator.received().len(), failed.attempts()), (1, 1), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_well_pass_is_tried_three_times() {
    let answers = [
        Answer::error(500, "InternalFailure", "x"),
        Answer::error(503, "ServiceUnavailable", "x"),
        Answer::error(400, "ThrottlingException", "Rate exceeded"),
        Answer::error(429, "ModelNotReadyException", "x"),
        Answer::json(429, "{}"),
        Answer::json(502, ""),
        container_error(429),
        container_error(503),
        Answer::Fail(TransportErrorKind::Connect),
        Answer::Fail(TransportErrorKind::ConnectTimeout),
        Answer::Fail(TransportErrorKind::Broken),
        Answer::Silence,
        Answer::Reply(200, Vec::new(), vec![Piece::Bytes("[{".into()), Piece::Break]),
    ];
    for answer in answers {
        assert_eq!(tries_of(answer.clone()).await, 3, "{answer:?}");
    }
    for answer in [container_error(500), Answer::Fail(TransportErrorKind::Configuration), Answer::json(200, "no json")]
    {
        assert_eq!(tries_of(answer.clone()).await, 1, "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn waits_grow_from_the_kinds_base_and_stay_below_it_times_two() {
    let bounds =
        [(Answer::error(500, "InternalFailure", "x"), 50), (Answer::error(400, "ThrottlingException", "x"), 1000)];
    for (answer, base) in bounds {
        let transport = ScriptedTransport::new([answer]);
        let _ = client_over(transport.clone(), tries(4)).chat(question("sagemaker/e")).await.unwrap_err();
        let times = transport.each(|sent| sent.at);
        assert_eq!(times.len(), 4);
        for (failures, pair) in times.windows(2).enumerate() {
            // tokio's timers have a resolution of a millisecond.
            let longest = Duration::from_millis((base << failures) + 1);
            assert!(pair[1] - pair[0] <= longest, "{:?} after {} failures", pair[1] - pair[0], failures + 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_wait_that_the_service_asks_for_is_kept_and_each_try_is_signed_at_its_own_time() {
    let world = |start: u64| {
        let start = std::time::UNIX_EPOCH + Duration::from_secs(start);
        World::builder().with_clock(TokioClock::starting_at(start)).build()
    };
    let asking = Answer::error(503, "ServiceUnavailable", "x").with_header("x-amz-retry-after", "3000");
    let transport = ScriptedTransport::new([asking.clone(), asking, good()]);
    let sagemaker = builder_for("http://endpoint.invalid")
        .world(world(1_700_000_000))
        .transport(transport.clone())
        .build()
        .unwrap();
    let reply = sagemaker.chat(question("sagemaker/e"), &CallContext::new()).await.unwrap();
    assert_eq!((reply.value.content(), reply.meta.attempts), ("fine", 3));
    let times = transport.each(|sent| sent.at);
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_secs(3)), "{times:?}");
    let header =
        |name: &'static str| transport.each(move |sent| sent.request.headers()[name].to_str().unwrap().to_owned());
    assert_eq!(header("x-amz-date"), ["20231114T221320Z", "20231114T221323Z", "20231114T221326Z"]);
    let signatures = header("authorization");
    assert!(signatures[0] != signatures[1] && signatures[1] != signatures[2]);
    let bodies = transport.each(|sent| sent.request.body().clone());
    assert!(bodies[0] == bodies[1] && bodies[1] == bodies[2]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_tries_itself_gets_one_try() {
    for answer in
        [Answer::error(503, "ServiceUnavailable", "x"), container_error(429), Answer::Fail(TransportErrorKind::Connect)]
    {
        let transport = ScriptedTransport::new([answer]);
        let client = client_over(transport.clone(), tries(3));
        let context = CallContext::new().with_retries(Retries::Caller);
        let error = Provider::chat(&client, question("sagemaker/e"), &context).await.unwrap_err();
        assert_eq!((transport.count(), error.attempts(), error.is_retryable()), (1, 1, true));
        let _ = Provider::chat_stream(&client, question("sagemaker/e"), &context).await.unwrap_err();
        assert_eq!(transport.count(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn retries_stop_when_the_providers_bucket_is_empty_and_whole_calls_go_on() {
    let transport = ScriptedTransport::new([Answer::error(500, "InternalFailure", "x")]);
    let client = client_over(transport.clone(), tries(3));
    let mut attempts = Vec::new();
    for _ in 0..60 {
        attempts.push(client.chat(question("sagemaker/e")).await.unwrap_err().attempts());
    }
    assert_eq!(attempts[..50], [3; 50], "500 tokens pay for two retries of 5 each in 50 calls");
    assert_eq!(attempts[50..], [1; 10]);
}

#[tokio::test(start_paused = true)]
async fn the_number_of_tries_is_a_setting() {
    for wanted in [1, 2, 5] {
        let transport = ScriptedTransport::new([Answer::error(500, "InternalFailure", "x")]);
        let error = client_over(transport, tries(wanted)).chat(question("sagemaker/e")).await.unwrap_err();
        assert_eq!(error.attempts(), wanted);
    }
}

#[tokio::test(start_paused = true)]
async fn a_streams_failures_before_the_first_chunk_count_like_a_whole_replys() {
    let broken = Answer::stream([part(&b"data:{\"tok"[..]), Piece::Break]);
    let transport = ScriptedTransport::new([broken.clone(), broken, Answer::stream([part(tgi_stream(&["One"]))])]);
    let client: Client = client_over(transport.clone() as Arc<_>, tries(3));
    let stream = client.chat_stream(question("sagemaker/e")).await.unwrap();
    assert_eq!((stream.meta.attempts, transport.count()), (3, 3));
    assert_eq!(stream.collect_reply().await.unwrap().value.content(), "One");
}
