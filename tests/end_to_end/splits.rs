//! Payload parts and pieces of the HTTP body have arbitrary borders: wherever a stream is cut, its
//! chunks are the same.

use bytes::Bytes;
use sagewire::{ChatChunk, Client};
use sagewire_emulator::{Frame, Scripted};
use sagewire_tests::{
    endpoint::{client, client_over, question, start, stream, tries},
    replies::{openai_event, openai_stream, tgi_stream},
    transport::{Answer, Piece, ScriptedTransport, part},
};
use serde_json::{Value, json};

const TEXTS: [&str; 3] = ["é😀", "{\"a\": [1, \"}\\n\\ndata: \"]}", " \n\nend"];

/// Each model with a stream that holds an emoji, JSON inside JSON, and what looks like an event's
/// border.
fn answers() -> [(&'static str, String); 3] {
    let djl: String =
        tgi_stream(&TEXTS).lines().filter_map(|line| Some(format!("{}\n", line.strip_prefix("data:")?))).collect();
    [("sagemaker/tgi", tgi_stream(&TEXTS)), ("sagemaker/tgi", djl), ("sagemaker_chat/messages", openai_stream(&TEXTS))]
}

/// The chunks without what a provider makes up for each call.
fn comparable(chunks: &[ChatChunk]) -> Vec<Value> {
    let without = |chunk: &ChatChunk| {
        let mut chunk = serde_json::to_value(chunk).unwrap();
        chunk["id"] = Value::Null;
        chunk["created"] = Value::Null;
        chunk
    };
    chunks.iter().map(without).collect()
}

async fn chunks(client: &Client, model: &str) -> Vec<Value> {
    let streamed = stream(client, question(model)).await;
    assert!(streamed.error.is_none(), "{:?}", streamed.error);
    comparable(&streamed.chunks)
}

async fn chunks_of(model: &str, pieces: Vec<Piece>) -> Vec<Value> {
    chunks(&client_over(ScriptedTransport::new([Answer::stream(pieces)]), tries(1)), model).await
}

fn parts(text: &[u8], size: usize) -> impl Iterator<Item = Bytes> {
    text.chunks(size).map(Bytes::copy_from_slice)
}

#[tokio::test]
async fn two_parts_cut_at_any_byte_give_the_chunks_of_one() {
    for (model, text) in answers() {
        let whole = chunks_of(model, vec![part(text.clone())]).await;
        assert!(whole.len() >= TEXTS.len());
        for at in 1..text.len() {
            let (left, right) = text.as_bytes().split_at(at);
            let cut = [left, right].map(|half| part(Bytes::copy_from_slice(half)));
            assert_eq!(chunks_of(model, cut.to_vec()).await, whole, "{model} cut at {at}");
        }
    }
}

#[tokio::test]
async fn parts_of_one_size_give_the_chunks_of_one() {
    for (model, text) in answers() {
        let whole = chunks_of(model, vec![part(text.clone())]).await;
        for size in 1..100 {
            let pieces = parts(text.as_bytes(), size).map(part).collect();
            assert_eq!(chunks_of(model, pieces).await, whole, "{model} in parts of {size}");
        }
    }
}

#[tokio::test]
async fn pieces_of_the_body_of_any_size_give_the_same_chunks() {
    for (model, text) in answers() {
        let body: Vec<u8> = parts(text.as_bytes(), 30).flat_map(|part| Frame::payload_part(part).encode()).collect();
        let whole = chunks_of(model, vec![Piece::Bytes(body.clone().into())]).await;
        for size in 1..100 {
            let pieces = parts(&body, size).map(Piece::Bytes).collect();
            assert_eq!(chunks_of(model, pieces).await, whole, "{model} in pieces of {size}");
        }
    }
}

#[tokio::test]
async fn the_same_over_http() {
    let emulator = start().await;
    let client = client(&emulator);
    for (model, text) in answers() {
        let whole = chunks_of(model, vec![part(text.clone())]).await;
        let endpoint = model.split_once('/').unwrap().1;
        for size in 1..40 {
            emulator.enqueue(endpoint, Scripted::stream(parts(text.as_bytes(), size)));
            assert_eq!(chunks(&client, model).await, whole, "{model} in parts of {size}");
        }
    }
}

#[tokio::test]
async fn two_events_in_one_part_are_two_chunks() {
    let event = |text: &str| openai_event(json!([{"index": 0, "delta": {"content": text}, "finish_reason": null}]));
    let two = format!("{}{}", event("one"), event("two"));
    let end = openai_event(json!([{"index": 0, "delta": {}, "finish_reason": "stop"}]));
    let transport = ScriptedTransport::new([Answer::stream([part(two), part(end), part("data: [DONE]\n\n")])]);
    let streamed = stream(&client_over(transport, tries(1)), question("sagemaker_chat/messages")).await;
    let texts: Vec<_> = streamed.chunks.iter().map(ChatChunk::content).collect();
    assert_eq!(texts, ["one", "two", ""]);
    assert!(streamed.error.is_none());
}

#[tokio::test]
async fn the_emulated_containers_awkward_parts_give_the_whole_answer() {
    let emulator = start().await;
    let client = client(&emulator);
    for model in ["sagemaker/tgi", "sagemaker_chat/messages"] {
        let whole = client.chat(question(model)).await.unwrap().value;
        let streamed = client.chat_stream(question(model)).await.unwrap().collect_reply().await.unwrap().value;
        assert_eq!(streamed.content(), whole.content());
        assert_eq!(streamed.choices[0].finish_reason, whole.choices[0].finish_reason);
        assert!(!whole.content().is_empty());
    }
}
