//! Embeddings through the whole library: batches, their order and bounds, formats, and families
//! that take no JSON.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use sagewire::{CallContext, EmbedRequest, EncodingFormat, ErrorKind, Provider, Settings};
use sagewire_emulator::{AwsError, Embedding, Emulator, Scripted};
use sagewire_sagemaker::{Body, ParameterPolicy, Transport, TransportError};
use sagewire_tests::{
    endpoint::{builder_for, sagemaker, start},
    transport::{Answer, ScriptedTransport},
};
use serde_json::{Value, json};

fn texts(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("text number {number}")).collect()
}

fn with_family(family: &str) -> Settings {
    let mut settings = Settings::default();
    settings.embedding_dialect = Some(family.parse().unwrap());
    settings
}

fn in_context(settings: Settings) -> CallContext {
    CallContext::new().with(settings)
}

/// How many inputs each request had.
fn sizes(emulator: &Emulator) -> Vec<usize> {
    let mut sizes: Vec<usize> =
        emulator.received().iter().map(|request| request.json().unwrap()["inputs"].as_array().unwrap().len()).collect();
    sizes.sort_unstable();
    sizes
}

#[tokio::test]
async fn a_list_above_the_containers_limit_is_split_and_joined_in_order() {
    let emulator = start().await;
    let sagemaker = sagemaker(&emulator);
    let tei = in_context(with_family("tei"));
    let reply = sagemaker.embed(EmbedRequest::new("sagemaker/embedding", texts(70)), &tei).await.unwrap();
    assert_eq!(sizes(&emulator), [6, 32, 32]);
    assert_eq!((reply.value.data.len(), reply.meta.attempts), (70, 3));
    for number in [0, 31, 32, 69] {
        let one = EmbedRequest::new("sagemaker/embedding", format!("text number {number}").as_str());
        let alone = sagemaker.embed(one, &tei).await.unwrap();
        let item = &reply.value.data[number];
        assert_eq!(item.index as usize, number);
        assert_eq!(item.floats(), alone.value.data[0].floats(), "{number}");
    }
}

#[tokio::test]
async fn the_size_of_a_batch_is_a_setting() {
    let emulator = Emulator::builder().endpoint("large", Embedding::new().max_batch(64)).start().await.unwrap();
    let sagemaker = sagemaker(&emulator);
    for (size, expected) in [(64, vec![40]), (20, vec![20, 20])] {
        emulator.clear_received();
        let mut settings = with_family("tei");
        settings.embedding_batch_size = std::num::NonZeroUsize::new(size);
        let reply = sagemaker.embed(EmbedRequest::new("sagemaker/large", texts(40)), &in_context(settings)).await;
        assert_eq!((reply.unwrap().value.data.len(), sizes(&emulator)), (40, expected));
    }
}

/// Answers each request with a vector when as many as can be are under way, and keeps the most that
/// were.
#[derive(Debug, Default)]
struct Counting {
    under_way: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl Transport for Counting {
    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Body>, TransportError> {
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        let reply = Bytes::from_static(b"[[0.5, 1.0]]");
        Ok(http::Response::new(Body::new(futures_util::stream::iter([Ok(reply)]))))
    }
}

#[tokio::test]
async fn how_many_batches_are_under_way_at_once_is_a_setting() {
    for (concurrency, most) in [(None, 4), (Some(1), 1), (Some(7), 7)] {
        let transport = Arc::new(Counting::default());
        let sagemaker = builder_for("http://endpoint.invalid").transport(transport.clone()).build().unwrap();
        let mut settings = Settings::default();
        settings.embedding_batch_size = std::num::NonZeroUsize::new(1);
        settings.embedding_concurrency = concurrency.and_then(std::num::NonZeroUsize::new);
        let reply = sagemaker.embed(EmbedRequest::new("sagemaker/e", texts(12)), &in_context(settings)).await.unwrap();
        assert_eq!((reply.value.data.len(), transport.most.load(Ordering::SeqCst)), (12, most));
    }
}

#[tokio::test]
async fn the_first_error_of_a_batch_is_the_calls() {
    let emulator = start().await;
    emulator.enqueue("embedding", Scripted::error(AwsError::access_denied("no")));
    let request = EmbedRequest::new("sagemaker/embedding", texts(100));
    let error = sagemaker(&emulator).embed(request, &in_context(with_family("tei"))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Permission);
}

#[tokio::test]
async fn a_container_of_one_raw_text_is_sent_each_text_as_it_is() {
    let replies = [r#"{"embedding": [1, 2]}"#, r#"{"embedding": [3, 4]}"#].map(|reply| Answer::json(200, reply));
    let transport = ScriptedTransport::new(replies);
    let sagemaker = builder_for("http://endpoint.invalid").transport(transport.clone()).build().unwrap();
    let mut settings = Settings::default();
    settings.embedding_concurrency = std::num::NonZeroUsize::new(1);
    // No container of this family takes more than one, whatever is set.
    settings.embedding_batch_size = std::num::NonZeroUsize::new(10);
    let request = EmbedRequest::new("sagemaker/jumpstart-dft-tensorflow-tcembedding-bert", ["one \"text\"", "two"]);
    let reply = sagemaker.embed(request, &in_context(settings)).await.unwrap();
    let sent = transport.each(|sent| {
        let header = |name: &str| sent.request.headers()[name].to_str().unwrap().to_owned();
        (sent.request.body().clone(), header("content-type"), header("accept"))
    });
    let (text, json) = ("application/x-text".to_owned(), "application/json".to_owned());
    assert_eq!(sent, [(Bytes::from("one \"text\""), text.clone(), json.clone()), (Bytes::from("two"), text, json)]);
    let vectors: Vec<_> = reply.value.data.iter().map(|item| item.floats().into_owned()).collect();
    assert_eq!(vectors, [[1.0, 2.0], [3.0, 4.0]]);
}

#[tokio::test]
async fn parameters_that_a_family_has_no_place_for_are_refused_or_dropped() {
    let transport = ScriptedTransport::new([Answer::json(200, r#"{"embedding": [1, 2]}"#)]);
    let sagemaker = builder_for("http://endpoint.invalid").transport(transport.clone()).build().unwrap();
    let mut request = EmbedRequest::new("sagemaker/e", "text");
    request.extra.insert("truncate".to_owned(), json!(true));
    let error = sagemaker.embed(request.clone(), &in_context(with_family("tcembedding"))).await.unwrap_err();
    assert_eq!((error.kind(), error.param(), transport.count()), (ErrorKind::Unsupported, Some("truncate"), 0));
    let mut settings = with_family("tcembedding");
    let mut policy = ParameterPolicy::default();
    policy.drop_params = true;
    settings.parameters = Some(policy);
    sagemaker.embed(request, &in_context(settings)).await.unwrap();
    assert_eq!(transport.each(|sent| sent.request.body().clone()), ["text"]);
}

/// Every family with a reply of its container's for one text.
const FAMILIES: [(&str, &str); 8] = [
    ("hf", "[[[0.6, 0.8, 0.0], [0.6, 0.8, 0.0]]]"),
    ("tei", "[[0.6, 0.8, 0.0]]"),
    ("jumpstart", r#"{"embedding": [[0.6, 0.8, 0.0]]}"#),
    ("tcembedding", r#"{"embedding": [0.6, 0.8, 0.0]}"#),
    ("lmi", "[0.6, 0.8, 0.0]"),
    ("openai", r#"{"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.6, 0.8, 0.0]}]}"#),
    ("cohere", r#"{"embeddings": {"float": [[0.6, 0.8, 0.0]]}, "id": "x"}"#),
    (
        "voyage",
        r#"{"object": "list", "data": [{"index": 0, "embedding": [0.6, 0.8, 0.0]}], "usage": {"total_tokens": 3}}"#,
    ),
];

#[tokio::test]
async fn dimensions_and_base64_are_honoured_by_every_family() {
    for (family, reply) in FAMILIES {
        let transport = ScriptedTransport::new([Answer::json(200, reply)]);
        let sagemaker = builder_for("http://endpoint.invalid").transport(transport.clone()).build().unwrap();
        let mut request = EmbedRequest::new("sagemaker/e", "good morning");
        request.dimensions = Some(2);
        request.encoding_format = Some(EncodingFormat::Base64);
        let reply = sagemaker.embed(request, &in_context(with_family(family))).await.unwrap();
        let shown: Value = serde_json::to_value(&reply.value.data[0].vector).unwrap();
        // 0.6 and 0.8 as little-endian 32-bit floats.
        assert_eq!(shown, json!("mpkZP83MTD8="), "{family}");
    }
}

#[tokio::test]
async fn a_limit_that_the_container_names_is_learned_for_the_endpoint() {
    let emulator = Emulator::builder().endpoint("e", Embedding::new().max_batch(32)).start().await.unwrap();
    let sagemaker = sagemaker(&emulator);
    // Nothing says what the container is: the default family knows no limit.
    let asked = || EmbedRequest::new("sagemaker/e", texts(70));
    let reply = sagemaker.embed(asked(), &CallContext::new()).await.unwrap();
    assert_eq!((reply.value.data.len(), reply.meta.attempts), (70, 4));
    assert_eq!(sizes(&emulator), [6, 32, 32, 70]);
    let vectors = |reply: &sagewire::EmbedResponse| -> Vec<Vec<f32>> {
        reply.data.iter().map(|item| item.floats().into_owned()).collect()
    };
    emulator.clear_received();
    let again = sagemaker.embed(asked(), &CallContext::new()).await.unwrap();
    assert_eq!(sizes(&emulator), [6, 32, 32], "the refused batch is not sent again");
    assert_eq!(vectors(&again.value), vectors(&reply.value));
}

#[tokio::test]
async fn a_refused_size_without_a_number_halves_this_calls_batches_alone() {
    let emulator = Emulator::builder().endpoint("e", Embedding::new()).start().await.unwrap();
    let sagemaker = sagemaker(&emulator);
    let too_large = || Scripted::error(AwsError::model_error(413, "Payload Too Large"));
    let asked = |count| EmbedRequest::new("sagemaker/e", texts(count));
    emulator.enqueue("e", too_large());
    let reply = sagemaker.embed(asked(8), &CallContext::new()).await.unwrap();
    assert_eq!((reply.value.data.len(), sizes(&emulator)), (8, vec![4, 4, 8]));
    emulator.clear_received();
    sagemaker.embed(asked(8), &CallContext::new()).await.unwrap();
    assert_eq!(sizes(&emulator), [8]);
    // One input cannot be halved.
    emulator.enqueue("e", too_large());
    let error = sagemaker.embed(asked(1), &CallContext::new()).await.unwrap_err();
    assert_eq!(error.upstream().unwrap().original_status, Some(413));
}
