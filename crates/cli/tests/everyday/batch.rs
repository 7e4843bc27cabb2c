//! `sagewire batch` over the emulator, killed for real.

use std::{
    fmt::Write as _,
    path::Path,
    sync::{
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
};

use async_trait::async_trait;
use sagewire_emulator::{Container, ContainerReply, Emulator, Invocation};
use serde_json::{Value, json};

use crate::process::Home;

mod engines;
mod stores;

/// Answers chats with what was said; after so many it answers no more.
#[derive(Debug)]
struct Tired {
    left: AtomicUsize,
    at_last: mpsc::SyncSender<()>,
}

#[async_trait]
impl Container for Tired {
    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        if self.left.fetch_sub(1, SeqCst) == 0 {
            let _ = self.at_last.send(());
        }
        if self.left.load(SeqCst) > usize::MAX / 2 {
            std::future::pending::<()>().await;
        }
        let body: Value = serde_json::from_slice(&invocation.body).unwrap();
        let said = body["messages"][0]["content"].as_str().unwrap();
        if said == "bad" {
            return ContainerReply::json(400, &json!({"object": "error", "message": "that is bad", "code": 400}));
        }
        let message = json!({"role": "assistant", "content": format!("echo {said}")});
        let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
        ContainerReply::json(
            200,
            &json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}),
        )
    }
}

fn requests(said: &[String]) -> String {
    said.iter().enumerate().fold(String::new(), |mut text, (number, said)| {
        let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": said}]});
        let line =
            json!({"custom_id": format!("r-{number}"), "method": "POST", "url": "/v1/chat/completions", "body": body});
        writeln!(text, "{line}").unwrap();
        text
    })
}

/// What each line of a file of results says: its identifier, and the answer or the message.
fn results(path: &Path) -> Vec<(String, String)> {
    let read = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let body = &line["response"]["body"];
        let said = body["choices"][0]["message"]["content"].as_str().or_else(|| body["error"]["message"].as_str());
        (line["custom_id"].as_str().unwrap().to_owned(), said.unwrap().to_owned())
    };
    std::fs::read_to_string(path).unwrap().lines().map(read).collect()
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_it_goes_on_and_every_line_has_one_result() {
    let (at_last, reached) = mpsc::sync_channel(1);
    let emulator = Emulator::builder().endpoint("chat", Tired { left: 300.into(), at_last }).start().await.unwrap();
    let home = Home::of(&emulator);
    let mut said: Vec<_> = (0..500).map(|number| format!("word {number}")).collect();
    said[100] = "bad".to_owned();
    let input = home.file("in.jsonl", &requests(&said));
    let output = home.path().join("out.jsonl");
    let run = ["batch", "run", input.to_str().unwrap(), "-o", output.to_str().unwrap(), "-m", "sagemaker_chat/chat"];
    let mut child = home.command(&run).spawn().unwrap();
    reached.recv_timeout(std::time::Duration::from_secs(120)).unwrap();
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().code(), None, "ended by SIGKILL");
    assert!(!output.exists(), "there is no output before its end");
    drop(emulator);

    let (at_last, _reached) = mpsc::sync_channel(1);
    let emulator = Emulator::builder().endpoint("chat", Tired { left: 100_000.into(), at_last }).start().await.unwrap();
    let home = home.without("AWS_ENDPOINT_URL").with("AWS_ENDPOINT_URL", &emulator.url());
    let printed = home.run(&run);
    assert_eq!(printed.code, Some(1), "{printed:?}");
    assert!(printed.err.contains("500 of 500 lines done"), "{printed:?}");
    assert!(printed.err.contains("failed: r-100: ") && printed.err.contains("that is bad"), "{printed:?}");
    let expected = (0..500).filter(|number| *number != 100);
    let expected: Vec<_> = expected.map(|number| (format!("r-{number}"), format!("echo word {number}"))).collect();
    assert_eq!(results(&output), expected);
    let errors = results(&home.path().join("out.errors.jsonl"));
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].0, "r-100");
    assert!(!home.path().join("out.jsonl.batch").exists(), "what a run keeps is gone at its end");
    // What is there is not overwritten by mistake.
    let printed = home.run(&run);
    assert_eq!(printed.code, Some(2), "{printed:?}");
    assert!(printed.err.contains("--restart"), "{printed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_line_is_named_before_anything_is_asked() {
    let emulator = Emulator::builder().start().await.unwrap();
    let home = Home::of(&emulator);
    let text =
        format!("{}\n{{\"custom_id\": \"r-0\", \"secret\": 1}}\nnonsense\n", requests(&["a".to_owned()]).trim_end());
    let input = home.file("in.jsonl", &text);
    let output = home.path().join("out.jsonl");
    let run = ["batch", "run", input.to_str().unwrap(), "-o", output.to_str().unwrap(), "-m", "sagemaker_chat/chat"];
    let printed = home.run(&run);
    assert_eq!(printed.code, Some(2), "{printed:?}");
    assert!(
        printed.err.contains("line 2: missing `method`") && printed.err.contains("line 3: invalid JSON"),
        "{printed:?}"
    );
    assert!(!printed.err.contains("secret") && !printed.err.contains("nonsense"), "{printed:?}");
    assert!(emulator.received().is_empty() && !output.exists());
    assert!(!home.path().join("out.jsonl.batch").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_every_line_would_fail_of_ends_the_run_at_once() {
    let emulator = Emulator::builder().start().await.unwrap();
    let home = Home::of(&emulator).with("AWS_SECRET_ACCESS_KEY", "wrong");
    let said: Vec<_> = (0..500).map(|number| number.to_string()).collect();
    let input = home.file("in.jsonl", &requests(&said));
    let output = home.path().join("out.jsonl");
    let run =
        ["batch", "run", input.to_str().unwrap(), "-o", output.to_str().unwrap(), "-m", "sagemaker_chat/messages"];
    let printed = home.run(&run);
    assert_eq!(printed.code, Some(1), "{printed:?}");
    assert!(emulator.received().len() < 100, "{}", emulator.received().len());
    assert!(
        printed.err.contains("run the same command again") || printed.err.contains("sagewire doctor"),
        "{printed:?}"
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_looked_at_stopped_with_ctrl_c_cancelled_and_ended_with_a_result_for_each_line() {
    let (at_last, reached) = mpsc::sync_channel(1);
    let emulator = Emulator::builder().endpoint("chat", Tired { left: 20.into(), at_last }).start().await.unwrap();
    let home = Home::of(&emulator);
    let said: Vec<_> = (0..30).map(|number| format!("word {number}")).collect();
    let input = home.file("in.jsonl", &requests(&said));
    let (output, store) = (home.path().join("out.jsonl"), home.path().join("out.jsonl.batch"));
    let (output, store) = (output.to_str().unwrap(), store.to_str().unwrap());
    let run =
        ["batch", "run", input.to_str().unwrap(), "-o", output, "-m", "sagemaker_chat/chat", "--concurrency", "1"];
    let mut child = home.command(&run).spawn().unwrap();
    reached.recv_timeout(std::time::Duration::from_secs(120)).unwrap();
    // It has one user, who may look at it.
    let second = home.run(&run);
    assert!(second.code == Some(2) && second.err.contains("another process uses the store"), "{second:?}");
    let listed = home.run(&["batch", "list", "--store", store, "--json"]);
    let batch: Value = serde_json::from_str(listed.out.trim()).unwrap();
    assert_eq!((&batch["status"], &batch["request_counts"]["total"]), (&json!("in_progress"), &json!(30)));
    let id = batch["id"].as_str().unwrap();
    let shown = home.run(&["batch", "show", id, "--store", store]);
    assert_eq!(serde_json::from_str::<Value>(&shown.out).unwrap()["id"], id);
    let early = home.run(&["batch", "results", id, "--store", store]);
    assert!(early.code == Some(2) && early.err.contains("no results yet"), "{early:?}");
    let other = home.run(&["batch", "show", id, "--store", store, "--owner", "other"]);
    assert!(other.code == Some(2) && other.err.contains("no batch"), "{other:?}");

    // Two that come at once count as one: it is pressed until it helps.
    while child.try_wait().unwrap().is_none() {
        rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT).unwrap();
    }
    let printed = crate::process::Printed::from(child.wait_with_output().unwrap());
    assert_eq!(printed.code, Some(130), "{printed:?}");
    assert!(printed.err.contains("20 of 30 lines done"), "{printed:?}");
    assert!(printed.err.contains("run the same command again"), "{printed:?}");

    let cancelled = home.run(&["batch", "cancel", id, "--store", store]);
    assert!(cancelled.code == Some(0) && cancelled.out.contains("cancelling"), "{cancelled:?}");
    let printed = home.run(&run);
    assert_eq!(printed.code, Some(1), "{printed:?}");
    let expected: Vec<_> = (0..20).map(|number| (format!("r-{number}"), format!("echo word {number}"))).collect();
    assert_eq!(results(Path::new(output)), expected);
    let errors = std::fs::read_to_string(home.path().join("out.errors.jsonl")).unwrap();
    let errors: Vec<Value> = errors.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(errors.iter().all(|line| line["error"]["code"] == "batch_cancelled"), "{errors:?}");
    let left: Vec<_> = errors.iter().map(|line| line["custom_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(left, (20..30).map(|number| format!("r-{number}")).collect::<Vec<_>>());
}
