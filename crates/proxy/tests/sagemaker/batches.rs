//! Files and batches over HTTP, with a directory as their store.

use std::sync::Arc;

use futures_util::stream;
use http::{Method, StatusCode};
use sagewire_batch::{Input, NewBatch, NewFile, Owner, Store};
use sagewire_proxy::{Config, Wiring};
use serde_json::{Value, json};

use crate::setup::{Answer, Setup};

mod endpoints;
mod failures;

const BOUNDARY: &str = "boundary-7";

fn yaml(store: &std::path::Path, more: &str) -> String {
    let store = store.display();
    format!(
        "
model_list:
  - {{model_name: chat, litellm_params: {{model: sagemaker_chat/messages}}}}
  - {{model_name: secret, litellm_params: {{model: sagemaker_chat/messages}}}}
  - {{model_name: vectors, litellm_params: {{model: sagemaker/embedding}}, model_info: {{mode: embedding}}}}
general_settings: {{master_key: sk-master}}
sagewire_settings:
  keys:
    - {{name: one, key: sk-one, models: [chat, vectors]}}
    - {{name: two, key: sk-two}}
  batches: {{store: '{store}', max_file_bytes: 20000, quota_bytes: 40000, max_requests: 50{more}}}
"
    )
}

fn form(fields: &[(&str, &str)], file: Option<(&str, &str)>) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        body += &format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    if let Some((name, content)) = file {
        body += &format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{content}\r\n"
        );
    }
    body + &format!("--{BOUNDARY}--\r\n")
}

struct As<'a>(&'a Setup, &'a str);

impl As<'_> {
    async fn send(&self, method: Method, path: &str, content_type: &str, body: &str) -> Answer {
        let key = format!("Bearer {}", self.1);
        self.0.send(method, path, &[("authorization", &key), ("content-type", content_type)], body).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "application/json", "").await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, "application/json", &body.to_string()).await
    }

    async fn form(&self, fields: &[(&str, &str)], file: Option<(&str, &str)>) -> Answer {
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        self.send(Method::POST, "/v1/files", &content_type, &form(fields, file)).await
    }

    async fn upload(&self, content: &str) -> String {
        let answer = self.form(&[("purpose", "batch")], Some(("in.jsonl", content))).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    async fn create(&self, file: &str) -> Answer {
        self.create_for(file, "/v1/chat/completions").await
    }

    async fn create_for(&self, file: &str, endpoint: &str) -> Answer {
        let body = json!({
            "input_file_id": file, "endpoint": endpoint, "completion_window": "24h", "metadata": {"a": "b"},
        });
        self.post("/v1/batches", &body).await
    }

    /// The batch when it has ended.
    async fn ended(&self, id: &str) -> Value {
        loop {
            let batch = self.get(&format!("/v1/batches/{id}")).await.json();
            if matches!(batch["status"].as_str(), Some("completed" | "failed" | "cancelled" | "expired")) {
                return batch;
            }
        }
    }

    async fn lines(&self, file: &Value) -> Vec<Value> {
        let answer = self.get(&format!("/v1/files/{}/content", file.as_str().unwrap())).await;
        assert_eq!(answer.headers["content-type"], "application/octet-stream");
        answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn line(id: &str, model: &str, more: Value) -> String {
    let mut body = json!({"model": model, "messages": [{"role": "user", "content": id}]});
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    json!({"custom_id": id, "method": "POST", "url": "/v1/chat/completions", "body": body}).to_string() + "\n"
}

/// Runs what the program runs beside requests.
fn keep(setup: &Setup) -> tokio::task::JoinHandle<()> {
    let wiring = Arc::clone(&setup.wiring);
    tokio::spawn(async move { wiring.keep().await })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_uploaded_run_and_read_and_each_line_is_judged_as_a_request_of_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::start(&yaml(folder.path(), "")).await;
    let kept = keep(&setup);
    let (one, two) = (As(&setup, "sk-one"), As(&setup, "sk-two"));
    let mut text: String = (0..30).map(|number| line(&format!("r{number}"), "chat", json!({}))).collect();
    text += &line("not-mine", "secret", json!({}));
    text += &line("streamed", "chat", json!({"stream": true}));
    text += &line("operators", "chat", json!({"aws_region_name": "eu-west-1"}));
    let file = one.upload(&text).await;
    let shown = one.get(&format!("/v1/files/{file}")).await.json();
    assert_eq!((&shown["bytes"], &shown["filename"]), (&json!(text.len()), &json!("in.jsonl")));
    let created = one.create(&file).await;
    assert_eq!(created.status, StatusCode::OK, "{}", created.text());
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let batch = one.ended(&id).await;
    assert_eq!(batch["status"], "completed", "{batch}");
    assert_eq!(batch["request_counts"], json!({"total": 33, "completed": 30, "failed": 3}));
    assert_eq!((&batch["metadata"], &batch["completion_window"]), (&json!({"a": "b"}), &json!("24h")));
    let answers = one.lines(&batch["output_file_id"]).await;
    let ids: Vec<_> = answers.iter().map(|line| line["custom_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, (0..30).map(|number| format!("r{number}")).collect::<Vec<_>>());
    for answer in &answers {
        assert_eq!(answer["response"]["status_code"], 200);
        assert_eq!(answer["response"]["body"]["object"], "chat.completion");
        assert_eq!(answer["response"]["body"]["model"], "chat", "the caller's name for the model");
    }
    let errors = one.lines(&batch["error_file_id"]).await;
    let reasons: Vec<_> =
        errors.iter().map(|line| (line["custom_id"].as_str().unwrap(), &line["response"]["status_code"])).collect();
    assert_eq!(reasons[0].0, "not-mine");
    assert!([403, 404].map(|status| json!(status)).contains(reasons[0].1), "{errors:?}");
    assert_eq!(errors[1]["error"]["code"], "invalid_request");
    assert_eq!(reasons[2], ("operators", &json!(400)));

    // Nobody else sees any of it, nor the operator by accident.
    let output = batch["output_file_id"].as_str().unwrap();
    for other in [&two, &As(&setup, "sk-master")] {
        for path in [format!("/v1/batches/{id}"), format!("/v1/files/{file}"), format!("/v1/files/{output}/content")] {
            assert_eq!(other.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(other.create(&file).await.status, StatusCode::NOT_FOUND);
        assert_eq!(other.post(&format!("/v1/batches/{id}/cancel"), &json!({})).await.status, StatusCode::NOT_FOUND);
        let path = format!("/v1/files/{file}");
        assert_eq!(other.send(Method::DELETE, &path, "application/json", "").await.status, StatusCode::NOT_FOUND);
        assert_eq!(other.get("/v1/batches").await.json()["data"], json!([]));
        assert_eq!(other.get("/v1/files").await.json()["data"], json!([]));
    }
    assert_eq!(one.get("/v1/files").await.json()["data"].as_array().unwrap().len(), 3);
    let page = one.get("/v1/files?limit=1").await.json();
    assert_eq!((page["data"].as_array().unwrap().len(), &page["has_more"]), (1, &json!(true)));
    let deleted = one.send(Method::DELETE, &format!("/v1/files/{file}"), "application/json", "").await;
    assert_eq!(deleted.json(), json!({"id": file, "object": "file", "deleted": true}));
    assert_eq!(one.get(&format!("/v1/files/{file}")).await.status, StatusCode::NOT_FOUND);
    let cancel = one.post(&format!("/v1/batches/{id}/cancel"), &json!({})).await;
    assert_eq!(cancel.status, StatusCode::BAD_REQUEST, "{}", cancel.text());
    kept.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_uploads_and_requests_are_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::start(&yaml(folder.path(), "")).await;
    let one = As(&setup, "sk-one");
    let big = "x".repeat(20_001);
    for (answer, status, says) in [
        (one.post("/v1/files", &json!({})).await, 415, "multipart/form-data"),
        (one.form(&[("purpose", "batch")], None).await, 400, "missing `file`"),
        (one.form(&[], Some(("a", "b"))).await, 400, "missing `purpose`"),
        (one.form(&[("purpose", "evil")], Some(("a", "b"))).await, 400, "expected one of `batch`"),
        (one.form(&[("purpose", "batch")], Some(("", "b"))).await, 400, "name"),
        (
            one.form(&[("purpose", "batch"), ("purpose", "evals")], Some(("a", "b"))).await,
            400,
            "duplicate parameter `purpose`",
        ),
        (one.form(&[("purpose", "batch"), ("file", "b")], Some(("a", "b"))).await, 400, "`file`"),
        (
            one.form(&[("purpose", "batch"), ("expires_after[anchor]", "now")], Some(("a", "b"))).await,
            400,
            "`created_at`",
        ),
        (one.form(&[("purpose", "batch"), ("path", "/etc")], Some(("a", "b"))).await, 400, "unknown parameter `path`"),
        (one.form(&[("purpose", "batch"), ("expires_after[seconds]", "1")], Some(("a", "b"))).await, 400, "3600"),
        (one.form(&[("purpose", "batch")], Some(("a", &big))).await, 400, "limit of 20000 bytes"),
        (one.create("file-../../../etc/passwd").await, 404, "no file"),
        (one.get("/v1/files/..%2f..%2fetc%2fpasswd").await, 404, "no file"),
        (one.get("/v1/files/..%2f..%2fetc%2fpasswd/content").await, 404, "no file"),
        (one.get("/v1/batches/batch_..").await, 404, "no batch"),
        (one.get("/v1/batches?limit=0").await, 400, "limit"),
        (one.get("/v1/files?order=sideways").await, 400, "expected `asc` or `desc`"),
        (one.get("/v1/batches?after=batch_x").await, 400, "after"),
        (one.post("/v1/batches", &json!({"input_file_id": "file-x"})).await, 400, "endpoint"),
    ] {
        assert_eq!(answer.status.as_u16(), status, "{says}: {}", answer.text());
        assert!(answer.text().contains(says), "{says}: {}", answer.text());
    }
    // An upload that was refused leaves nothing, and the quota holds over all files.
    assert_eq!(one.get("/v1/files").await.json()["data"], json!([]));
    let file = one.upload(&"x".repeat(19_000)).await;
    one.upload(&"x".repeat(19_000)).await;
    let over = one.form(&[("purpose", "batch")], Some(("a", &"x".repeat(3_000)))).await;
    assert!(over.text().contains("may store 40000 bytes"), "{}", over.text());
    let upload = As(&setup, "sk-two").upload("x").await;
    assert!(upload.starts_with("file-"), "another key has its own");
    for (body, param) in [
        (json!({"input_file_id": file, "endpoint": "/v1/models", "completion_window": "24h"}), "endpoint"),
        (json!({"input_file_id": file, "endpoint": "/v1/embeddings", "completion_window": "1d"}), "completion_window"),
        (
            json!({"input_file_id": file, "endpoint": "/v1/embeddings", "completion_window": "24h", "metadata": {"a": 1}}),
            "metadata",
        ),
        (
            json!({"input_file_id": file, "endpoint": "/v1/embeddings", "completion_window": "24h", "output_expires_after": {"anchor": "created_at", "seconds": 1}}),
            "output_expires_after",
        ),
        (
            json!({"input_file_id": file, "endpoint": "/v1/embeddings", "completion_window": "24h", "output_expires_after": {"anchor": "now", "seconds": 3600}}),
            "output_expires_after",
        ),
    ] {
        let answer = one.post("/v1/batches", &body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["error"]["param"].as_str()),
            (400, Some(param)),
            "{}",
            answer.text()
        );
    }
    let anyone = setup.get("/v1/files").await;
    assert_eq!(anyone.status, StatusCode::UNAUTHORIZED);
    let off = Setup::start("model_list: [{model_name: m, litellm_params: {model: sagemaker_chat/messages}}]").await;
    let answer = off.get("/v1/batches").await;
    assert!(answer.status == 404 && answer.text().contains("sagewire_settings.batches"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_with_mistakes_fails_with_their_lines() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::start(&yaml(folder.path(), "")).await;
    let kept = keep(&setup);
    let one = As(&setup, "sk-one");
    let file = one.upload(&(line("a", "chat", json!({})) + "{\n")).await;
    let id = one.create(&file).await.json()["id"].as_str().unwrap().to_owned();
    let batch = one.ended(&id).await;
    assert_eq!((&batch["status"], &batch["errors"]["data"][0]["line"]), (&json!("failed"), &json!(2)));
    let many: String = (0..51).map(|number| line(&number.to_string(), "chat", json!({}))).collect();
    let file = one.upload(&many).await;
    let id = one.create(&file).await.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(one.ended(&id).await["errors"]["data"][0]["code"], "too_many_tasks");
    assert!(setup.emulator.received().is_empty());
    kept.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_started_goes_on_with_the_batches_that_it_finds() {
    let folder = tempfile::tempdir().unwrap();
    let text = yaml(folder.path(), "");
    let off = Setup::start("model_list: [{model_name: m, litellm_params: {model: sagemaker_chat/messages}}]").await;
    let store = Store::directory(folder.path(), Arc::clone(off.world.clock())).unwrap();
    let owner = Owner::new("master").unwrap();
    let lines = stream::iter([Ok(line("a", "chat", json!({})).into())]);
    let file = store.upload(&owner, NewFile::new("in.jsonl", "batch"), lines).await.unwrap();
    let batch = store.create(&owner, NewBatch::new(Input::File(file.id))).await.unwrap();
    let (config, _) = Config::from_yaml(&text, &|name| off.world.var(name)).unwrap();
    let second = Wiring::new(off.world.clone()).app(&config, None).unwrap_err();
    assert!(second.to_string().contains("another process uses the store"), "{second}");
    drop(store);
    let setup = Setup::start(&text).await;
    let kept = keep(&setup);
    assert_eq!(As(&setup, "sk-master").ended(&batch.id).await["request_counts"]["completed"], 1);
    kept.abort();
}

#[tokio::test]
async fn a_directory_is_refused_beside_shared_state() {
    let folder = tempfile::tempdir().unwrap();
    let text = yaml(folder.path(), "").replace("sk-master}", "sk-master, coordination_redis: {host: localhost}}");
    let setup = Setup::start("model_list: [{model_name: m, litellm_params: {model: sagemaker_chat/messages}}]").await;
    let (config, _) = Config::from_yaml(&text, &|name| setup.world.var(name)).unwrap();
    let findings = setup.wiring.check(&config).await;
    let problems: Vec<_> = findings.problems.iter().map(ToString::to_string).collect();
    assert!(problems.iter().any(|problem| problem.contains("serves one proxy")), "{problems:?}");
    let bucket = text.replace(&folder.path().display().to_string(), "s3://bucket/prefix");
    let (config, _) = Config::from_yaml(&bucket, &|name| setup.world.var(name)).unwrap();
    assert!(setup.wiring.check(&config).await.problems.is_empty());
    for wrong in ["s3://", "https://bucket", ""] {
        let text = text.replace(&folder.path().display().to_string(), wrong);
        assert!(Config::from_yaml(&text, &|name| setup.world.var(name)).is_err(), "{wrong}");
        let reading = sagewire_proxy::config::Reading::of_yaml(&text, &|name| setup.world.var(name)).unwrap();
        let found: Vec<_> = setup.wiring.checked(reading).await.problems.iter().map(ToString::to_string).collect();
        assert!(matches!(found.as_slice(), [problem] if problem.contains("batches.store")), "{found:?}");
    }
    let text = yaml(folder.path(), "").replace(&format!("store: '{}', ", folder.path().display()), "");
    let missing = Config::from_yaml(&text, &|name| setup.world.var(name)).unwrap_err();
    assert!(missing.to_string().contains("batches` has no `store`"), "{missing}");
    // In an environment that is not known, there may be one.
    let elsewhere = folder.path().join("config.yaml");
    std::fs::write(&elsewhere, bucket.replace("'s3://bucket/prefix'", "os.environ/BATCHES")).unwrap();
    let reading = sagewire_proxy::config::Reading::of_file_elsewhere(&elsewhere).unwrap();
    assert!(reading.problems.is_empty(), "{:?}", reading.problems);
}
