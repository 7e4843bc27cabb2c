//! Lines whose deployment fails: retries and fallbacks are those of a live request.

use sagewire_emulator::{AwsError, Scripted};
use serde_json::{Value, json};

use super::{As, keep, line};
use crate::setup::Setup;

/// Runs three lines of this model, and gives the batch and its answers.
async fn run(setup: &Setup) -> (Value, Vec<Value>) {
    let kept = keep(setup);
    let master = As(setup, "sk-master");
    let text: String = ["a", "b", "c"].map(|id| line(id, "m", json!({}))).concat();
    let created = master.create(&master.upload(&text).await).await;
    let batch = master.ended(created.json()["id"].as_str().unwrap()).await;
    let answers = match &batch["output_file_id"] {
        Value::Null => Vec::new(),
        file => master.lines(file).await,
    };
    kept.abort();
    (batch, answers)
}

fn yaml(store: &std::path::Path, router: &str) -> String {
    let store = store.display();
    format!(
        "
model_list:
  - {{model_name: m, litellm_params: {{model: sagemaker/tgi}}, model_info: {{id: first}}}}
  - {{model_name: spare, litellm_params: {{model: sagemaker_chat/messages}}, model_info: {{id: spare-1}}}}
router_settings: {{{router}}}
general_settings: {{master_key: sk-master}}
sagewire_settings: {{batches: {{store: '{store}', concurrency: 1}}}}
"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fallback_answers_the_lines_of_a_deployment_that_fails() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::start(&yaml(folder.path(), "num_retries: 0, fallbacks: [{m: [spare]}]")).await;
    for _ in 0..3 {
        setup.emulator.enqueue("tgi", Scripted::error(AwsError::model_error(500, "out of memory")));
    }
    let (batch, answers) = run(&setup).await;
    assert_eq!(batch["request_counts"], json!({"total": 3, "completed": 3, "failed": 0}), "{batch}");
    assert!(answers.iter().all(|line| line["response"]["body"]["model"] == "m"), "{answers:?}");
    let received = setup.emulator.received();
    let asked = |name: &str| received.iter().filter(|request| request.endpoint.as_deref() == Some(name)).count();
    assert_eq!((asked("messages"), asked("tgi") > 0), (3, true), "each line was asked of the spare once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_retried_as_a_live_request_and_has_one_result() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::start(&yaml(folder.path(), "num_retries: 2")).await;
    for _ in 0..2 {
        setup.emulator.enqueue("tgi", Scripted::error(AwsError::service_unavailable()));
    }
    let (batch, answers) = run(&setup).await;
    assert_eq!(batch["request_counts"], json!({"total": 3, "completed": 3, "failed": 0}), "{batch}");
    assert_eq!(answers.iter().map(|line| &line["custom_id"]).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(setup.emulator.received().len(), 5, "two failures and three answers");
}
