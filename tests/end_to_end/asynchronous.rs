//! Asynchronous endpoints that are asked like any other: the answer is fetched from where the
//! emulator leaves it.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use sagewire::{AsyncObjects, CallContext, EmbedRequest, Error, ErrorKind, Provider, SageMaker, Settings};
use sagewire_emulator::{Container, ContainerReply, Emulator, Invocation, ObjectStore, Operation};
use sagewire_tests::endpoint::{builder_for, question};
use serde_json::{Value, json};

/// Objects in a folder, as the emulator has them.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// The locations at which something was found, in their order.
    found: Mutex<Vec<String>>,
}

impl Folder {
    fn new(path: &std::path::Path) -> Arc<Self> {
        Arc::new(Self { path: path.to_owned(), found: Mutex::default() })
    }

    fn file(&self, location: &str) -> PathBuf {
        self.path.join(location.strip_prefix("s3://").unwrap())
    }
}

#[async_trait]
impl AsyncObjects for Folder {
    async fn get(&self, location: &str) -> Result<Option<Bytes>, Error> {
        let object = std::fs::read(self.file(location)).ok().map(Bytes::from);
        self.found.lock().unwrap().extend(object.is_some().then(|| location.to_owned()));
        Ok(object)
    }

    async fn put(&self, location: &str, body: Bytes) -> Result<(), Error> {
        let file = self.file(location);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, body).unwrap();
        Ok(())
    }
}

/// Answers with the length of its input, and fails where it is told to.
#[derive(Debug)]
struct Lengths;

#[async_trait]
impl Container for Lengths {
    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        let body: Value = serde_json::from_slice(&invocation.body).unwrap();
        if let Some(texts) = body["inputs"].as_array() {
            return ContainerReply::json(200, &json!(vec![[1.5, 2.5]; texts.len()]));
        }
        let said = body["messages"][0]["content"].as_str().unwrap();
        match said {
            "fail" => {
                ContainerReply::json(400, &json!({"object": "error", "message": "that is too much", "code": 400}))
            }
            "hang" => std::future::pending().await,
            _ => {
                let message = json!({"role": "assistant", "content": format!("{} bytes", said.len())});
                let choices = json!([{"index": 0, "message": message, "finish_reason": "stop"}]);
                let reply =
                    json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": choices});
                ContainerReply::json(200, &reply)
            }
        }
    }
}

async fn setup(folder: &tempfile::TempDir) -> (Emulator, SageMaker, Arc<Folder>) {
    let emulator = Emulator::builder()
        .endpoint("queue", Lengths)
        .object_store(ObjectStore::folder(folder.path()))
        .async_output("s3://mine/async")
        .start()
        .await
        .unwrap();
    let settings = Settings::new().with_async_inference(true).with_async_input_location("s3://mine/inputs");
    let objects = Folder::new(folder.path());
    let sagemaker =
        builder_for(emulator.url()).settings(settings).async_objects(Arc::clone(&objects) as _).build().unwrap();
    (emulator, sagemaker, objects)
}

fn said(text: &str) -> sagewire::ChatRequest {
    let mut request = question("sagemaker_chat/queue");
    request.messages = vec![sagewire::Message::user(text)];
    request
}

#[tokio::test]
async fn answers_failures_and_large_inputs_go_by_way_of_the_objects() {
    let folder = tempfile::tempdir().unwrap();
    let (emulator, sagemaker, objects) = setup(&folder).await;
    let context = CallContext::new();
    let reply = sagemaker.chat(said("hello"), &context).await.unwrap();
    assert_eq!(reply.value.content(), "5 bytes");
    let large = "x".repeat(200_000);
    let reply = sagemaker.chat(said(&large), &context).await.unwrap();
    assert_eq!(reply.value.content(), "200000 bytes");
    let mut stream = sagemaker.chat_stream(said("hello"), &context).await.unwrap();
    let mut text = String::new();
    while let Some(chunk) = stream.next().await {
        text += &chunk.unwrap().choices.iter().filter_map(|choice| choice.delta.content.clone()).collect::<String>();
    }
    assert_eq!(text, "5 bytes");
    let error = sagemaker.chat(said("fail"), &context).await.unwrap_err();
    assert!(error.to_string().contains("that is too much"), "{error:?}");
    let reply = sagemaker.embed(EmbedRequest::new("sagemaker/queue", ["a", "b"]), &context).await.unwrap();
    assert_eq!(reply.value.data.len(), 2);
    let received = emulator.received();
    assert!(received.iter().all(|request| request.operation == Operation::InvokeEndpointAsync));
    let first = received.first().unwrap();
    assert_eq!(first.header("x-amzn-sagemaker-content-type"), Some("application/json"));
    let ids: BTreeSet<_> =
        received.iter().map(|request| request.header("x-amzn-sagemaker-inference-id").unwrap()).collect();
    assert_eq!(ids.len(), received.len(), "each request has an id of its own");
    let inputs: Vec<_> =
        received.iter().filter_map(|request| request.header("x-amzn-sagemaker-inputlocation")).collect();
    assert!(matches!(inputs.as_slice(), [input] if input.starts_with("s3://mine/inputs/")), "{inputs:?}");
    let found = objects.found.lock().unwrap().clone();
    assert_eq!(found.len(), received.len(), "each result is fetched once: {found:?}");
    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), found.len(), "{found:?}");
}

#[tokio::test]
async fn a_result_that_never_comes_ends_with_the_calls_time() {
    let folder = tempfile::tempdir().unwrap();
    let (emulator, sagemaker, _) = setup(&folder).await;
    let soon = std::time::Duration::from_secs(2);
    let context = CallContext::new().with_deadline(tokio::time::Instant::now().into_std() + soon);
    let error = sagemaker.chat(said("hang"), &context).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    let received = emulator.received();
    assert_eq!(received.first().unwrap().header("x-amzn-sagemaker-requestttlseconds"), Some("60"));
}

#[tokio::test]
async fn what_the_program_or_the_settings_lack_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (emulator, _, _) = setup(&folder).await;
    let settings = Settings::new().with_async_inference(true);
    let without = builder_for(emulator.url()).settings(settings.clone()).build().unwrap();
    let error = without.chat(said("hello"), &CallContext::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.param()), (ErrorKind::Configuration, Some("async_inference")));
    let objects = Folder::new(folder.path());
    let sagemaker = builder_for(emulator.url()).settings(settings).async_objects(objects).build().unwrap();
    let error = sagemaker.chat(said(&"x".repeat(130_000)), &CallContext::new()).await.unwrap_err();
    assert_eq!(error.param(), Some("async_input_location"), "{error:?}");
    assert!(emulator.received().is_empty());
}
