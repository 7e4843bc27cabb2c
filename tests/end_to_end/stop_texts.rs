//! Stop texts and end tokens, on every dialect and way of asking: whole, streamed at any cut, and
//! streamed from a whole reply.

use sagewire::{CallContext, ChatRequest, FinishReason, Message, Provider, Settings};
use sagewire_tests::{
    endpoint::builder_for,
    replies::{openai_event, openai_reply, tgi_reply, tgi_token},
    transport::{Answer, ScriptedTransport, part},
};
use serde_json::json;

const ANSWER: &str = "One E END two";

fn asking(dialect: &str, fake: bool) -> CallContext {
    let mut settings = Settings::default();
    settings.dialect = Some(dialect.parse().unwrap());
    settings.fake_stream = Some(fake);
    CallContext::new().with(settings)
}

fn request() -> ChatRequest {
    ChatRequest::new("sagemaker/e", [Message::user("Count, please, and stop.")]).with_stop("END")
}

fn whole(dialect: &str) -> String {
    match dialect {
        "messages" | "nova" => openai_reply(ANSWER),
        "jumpstart" => json!([{"generation": {"role": "assistant", "content": ANSWER}}]).to_string(),
        "lmi" => json!({"generated_text": ANSWER}).to_string(),
        _ => tgi_reply(ANSWER),
    }
}

/// The answer as a stream of this dialect's, in two tokens cut here.
fn streamed(dialect: &str, at: usize) -> String {
    let (first, second) = ANSWER.split_at(at);
    match dialect {
        "messages" | "nova" => {
            let piece = |text: &str| openai_event(json!([{"index": 0, "delta": {"content": text}}]));
            format!(
                "{}{}{}",
                piece(first),
                piece(second),
                openai_event(json!([{"index": 0, "delta": {}, "finish_reason": "length"}]))
            )
        }
        "lmi" => {
            let line = |text: &str| format!("{}\n", json!({"token": {"id": 1, "text": text, "log_prob": -0.1}}));
            let end = json!({"token": {"id": 2, "text": ""}, "generated_text": ANSWER, "details": {"finish_reason": "length"}});
            format!("{}{}{end}\n", line(first), line(second))
        }
        _ => {
            let end = json!({"token": {"id": 2, "text": ""}, "generated_text": ANSWER, "details": {"finish_reason": "length"}});
            format!("{}{}data:{end}\n\n", tgi_token(first), tgi_token(second))
        }
    }
}

#[tokio::test]
async fn a_stop_text_ends_the_answer_wherever_it_is_cut() {
    for dialect in ["tgi", "lmi", "messages", "nova", "jumpstart"] {
        for at in 1..ANSWER.len() {
            let answer = Answer::stream([part(streamed(dialect, at))]);
            let sagemaker =
                builder_for("http://endpoint.invalid").transport(ScriptedTransport::new([answer])).build().unwrap();
            let stream = sagemaker.chat_stream(request(), &asking(dialect, false)).await.unwrap();
            let reply = stream.collect_reply().await.unwrap().value;
            assert_eq!(reply.content(), "One E ", "{dialect}, cut at {at}");
            assert_eq!(reply.choices[0].finish_reason, Some(FinishReason::Stop), "{dialect}, cut at {at}");
        }
    }
}

#[tokio::test]
async fn a_whole_answer_and_a_stream_made_of_one_end_before_it_too() {
    for dialect in ["tgi", "lmi", "messages", "nova", "jumpstart"] {
        let transport = ScriptedTransport::new([Answer::json(200, whole(dialect))]);
        let sagemaker = builder_for("http://endpoint.invalid").transport(transport.clone()).build().unwrap();
        let reply = sagemaker.chat(request(), &asking(dialect, false)).await.unwrap();
        assert_eq!(reply.value.content(), "One E ", "{dialect}");
        let stream = sagemaker.chat_stream(request(), &asking(dialect, true)).await.unwrap();
        let chunks: Vec<_> = futures_util::StreamExt::collect::<Vec<_>>(stream).await;
        let text: String = chunks.iter().map(|chunk| chunk.as_ref().unwrap().content().to_owned()).collect();
        assert_eq!(text, "One E ", "{dialect}");
        assert!(chunks.len() > 2, "{dialect}: cut into chunks");
        let asked = transport.each(|sent| {
            let body: serde_json::Value = serde_json::from_slice(sent.request.body()).unwrap();
            (sent.request.uri().path().to_owned(), body.get("stream").cloned())
        });
        assert_eq!(
            asked,
            vec![("/endpoints/e/invocations".to_owned(), None); 2],
            "{dialect}: a whole reply is asked for"
        );
    }
}
