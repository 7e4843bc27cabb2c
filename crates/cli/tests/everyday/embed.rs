//! `sagewire embed` over the emulator, killed for real.

use std::{collections::BTreeSet, path::Path, sync::mpsc, time::Duration};

use async_trait::async_trait;
use sagewire_emulator::{Container, ContainerReply, Emulator, Invocation};
use serde_json::{Value, json};

use crate::process::Home;

/// Embeds some batches, and then never answers again.
#[derive(Debug)]
struct Tired {
    batches: std::sync::atomic::AtomicUsize,
    at_last: mpsc::SyncSender<()>,
}

#[async_trait]
impl Container for Tired {
    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        let left = std::sync::atomic::AtomicUsize::fetch_sub(&self.batches, 1, std::sync::atomic::Ordering::SeqCst);
        if left == 0 {
            let _ = self.at_last.send(());
            std::future::pending::<()>().await;
        }
        let body: Value = serde_json::from_slice(&invocation.body).unwrap();
        let count = body["inputs"].as_array().unwrap().len();
        ContainerReply::json(200, &json!(vec![[0.5, 1.5]; count]))
    }
}

fn texts(count: usize) -> String {
    (0..count).map(|number| format!("text {number}\n")).collect()
}

fn indexes(path: &Path) -> Vec<u64> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["index"].as_u64().unwrap()).collect()
}

/// The texts that an endpoint was asked for.
fn asked(emulator: &Emulator, endpoint: &str) -> Vec<String> {
    let received = emulator.received().into_iter().filter(|request| request.endpoint.as_deref() == Some(endpoint));
    received
        .flat_map(|request| serde_json::from_value::<Vec<String>>(request.json().unwrap()["inputs"].clone()).unwrap())
        .collect()
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_it_goes_on_where_it_was() {
    let (at_last, reached) = mpsc::sync_channel(1);
    let tired = Tired { batches: 3.into(), at_last };
    let emulator = Emulator::builder().endpoint("vectors", tired).start().await.unwrap();
    let home = Home::of(&emulator);
    let input = home.file("texts.txt", &texts(20));
    let output = home.path().join("vectors.jsonl");
    let arguments = |concurrency: &str| {
        let paths = [input.to_str().unwrap(), output.to_str().unwrap()];
        let [input, output] = paths;
        [
            "embed",
            "-m",
            "sagemaker/vectors",
            "-i",
            input,
            "-o",
            output,
            "--batch-size",
            "4",
            "--concurrency",
            concurrency,
        ]
        .map(str::to_owned)
    };
    let mut child = home.command(&arguments("1")).spawn().unwrap();
    // The fourth request is sent when what the third brought has been written.
    reached.recv_timeout(Duration::from_secs(120)).unwrap();
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().code(), None, "ended by SIGKILL");
    assert_eq!(indexes(&output), (0..12).collect::<Vec<_>>());
    // As a power cut would leave it.
    let mut torn = std::fs::read_to_string(&output).unwrap();
    torn.push_str("{\"index\":12,\"hash\":\"0123");
    std::fs::write(&output, torn).unwrap();
    emulator.clear_received();

    let again = Emulator::start().await.unwrap();
    let home = Home::of(&again);
    let config = home.file("c.yaml", &format!("model_list:\n  - model_name: sagemaker/vectors\n    model_info:\n      mode: embedding\n    litellm_params:\n      model: sagemaker/embedding\n      sagemaker_base_url: {}\n", again.url()));
    let mut resumed = arguments("3").to_vec();
    resumed.extend(["--config".to_owned(), config.to_str().unwrap().to_owned()]);
    let printed = home.run(&resumed);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    assert!(printed.err.contains("20 of 20 lines embedded (12 by earlier runs)"), "{printed:?}");
    let written = indexes(&output);
    assert_eq!(written.len(), 20);
    assert_eq!(written.into_iter().collect::<BTreeSet<_>>(), (0..20).collect());
    let mut asked = asked(&again, "embedding");
    asked.sort();
    let mut expected: Vec<_> = (12..20).map(|number| format!("text {number}")).collect();
    expected.sort();
    assert_eq!(asked, expected, "what was done is not asked for again");

    // Once more there is nothing to do; and a changed line is refused before anything is sent.
    let before = again.received().len();
    assert_eq!(home.run(&resumed).code, Some(0));
    std::fs::write(&input, texts(20).replace("text 3\n", "text three\n")).unwrap();
    let printed = home.run(&resumed);
    assert!(
        printed.code == Some(2) && printed.err.contains("line 4") && printed.err.contains("--restart"),
        "{printed:?}"
    );
    assert_eq!(again.received().len(), before);
    resumed.push("--restart".to_owned());
    assert_eq!(home.run(&resumed).code, Some(0));
    assert_eq!(indexes(&output).len(), 20);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_twice_ends_at_once_with_its_exit_code_and_keeps_what_is_done() {
    let (at_last, reached) = mpsc::sync_channel(1);
    let emulator = Emulator::builder().endpoint("vectors", Tired { batches: 1.into(), at_last }).start().await.unwrap();
    let home = Home::of(&emulator);
    let input = home.file("texts.txt", &texts(4));
    let output = home.path().join("vectors.jsonl");
    let (from, to) = (input.to_str().unwrap(), output.to_str().unwrap());
    let arguments =
        ["embed", "-m", "sagemaker/vectors", "-i", from, "-o", to, "--batch-size", "2", "--concurrency", "1"];
    let mut child = home.command(&arguments).spawn().unwrap();
    reached.recv_timeout(Duration::from_secs(120)).unwrap();
    // Two that come at once count as one: it is pressed until it helps.
    while child.try_wait().unwrap().is_none() {
        rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT).unwrap();
    }
    let printed = crate::process::Printed::from(child.wait_with_output().unwrap());
    assert_eq!(printed.code, Some(130), "{printed:?}");
    assert!(printed.err.contains("run the same command again"), "{printed:?}");
    assert_eq!(indexes(&output), [0, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_lines_go_in_and_come_out_with_their_ids() {
    let home = Home::empty();
    let input = "{\"id\": \"a\", \"body\": \"good morning\"}\n\n{\"id\": 2, \"body\": \"good night\"}\n";
    let printed = home.run_with_input(&["embed", "--demo", "--input", "-", "--field", "body", "--quiet"], input);
    assert_eq!((printed.code, printed.err.as_str()), (Some(0), ""), "{printed:?}");
    let lines: Vec<Value> = printed.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["index"], &lines[0]["id"]), (&json!(0), &json!("a")));
    assert_eq!((&lines[1]["index"], &lines[1]["id"]), (&json!(2), &json!(2)));
    assert!(lines.iter().all(|line| line["embedding"].as_array().unwrap().len() > 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_refused_with_its_line() {
    let home = Home::empty();
    let printed =
        home.run_with_input(&["embed", "--demo", "-i", "-", "--format", "jsonl"], "{\"text\": \"a\"}\nnonsense\n");
    assert!(printed.code == Some(2) && printed.err.contains("line 2"), "{printed:?}");
    assert!(printed.out.is_empty(), "{printed:?}");
    let path = home.file("same.txt", "a\n");
    let file = path.to_str().unwrap();
    for arguments in [
        ["embed", "--demo"].as_slice(),
        &["embed", "--demo", "-i", "/nowhere/x"],
        &["embed", "--demo", "-i", file, "-o", file, "--restart"],
        &["embed", "--demo", "a", "--batch-size", "0"],
    ] {
        assert_eq!(home.run(arguments).code, Some(2), "{arguments:?}");
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), "a\n", "the input is not emptied");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_keep_going_every_broken_line_is_named_and_the_others_are_embedded() {
    let home = Home::empty();
    let input = home.file("texts.jsonl", "\u{feff}{\"text\": \"a\"}\nnonsense\n{\"text\": \"b\"}\n{\"text\": 1}\n");
    let input = input.to_str().unwrap();
    let printed = home.run(&["embed", "--demo", "-i", input]);
    assert!(printed.code == Some(2) && printed.err.contains("--keep-going"), "{printed:?}");
    let printed = home.run(&["embed", "--demo", "-i", input, "--keep-going"]);
    assert_eq!((printed.code, printed.out.lines().count()), (Some(1), 2), "{printed:?}");
    for named in ["invalid: line 2: invalid JSON", "invalid: line 4: `text`", "2 of 2 lines embedded"] {
        assert!(printed.err.contains(named), "{named}: {printed:?}");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_closed_standard_output_is_noticed_before_anything_is_sent() {
    let emulator = Emulator::start().await.unwrap();
    let home = Home::of(&emulator);
    for arguments in ["embed -m sagemaker/embedding a", "chat -m sagemaker_chat/messages a"] {
        let script = format!("exec \"$SAGEWIRE\" {arguments} >&-");
        let mut command = std::process::Command::new("/bin/sh");
        let as_usual = home.command(&[""; 0]);
        command
            .args(["-c", &script])
            .env_clear()
            .envs(as_usual.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let printed =
            crate::process::Printed::from(command.env("SAGEWIRE", env!("CARGO_BIN_EXE_sagewire")).output().unwrap());
        assert!(printed.code == Some(2) && printed.err.contains("standard output is closed"), "{printed:?}");
    }
    assert_eq!(emulator.received().len(), 0);
    assert_eq!(
        home.command(&["embed", "--demo", "a"]).stdout(std::process::Stdio::null()).status().unwrap().code(),
        Some(0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_its_lines_and_what_to_do() {
    let emulator = Emulator::start().await.unwrap();
    emulator.enqueue(
        "embedding",
        sagewire_emulator::Scripted::error(sagewire_emulator::AwsError::model_error(422, "the inputs are not valid")),
    );
    let home = Home::of(&emulator);
    let input = home.file("texts.txt", &texts(4));
    let output = home.path().join("out.jsonl");
    let arguments = [
        "embed",
        "-m",
        "sagemaker/embedding",
        "-i",
        input.to_str().unwrap(),
        "-o",
        output.to_str().unwrap(),
        "--batch-size",
        "2",
        "--concurrency",
        "1",
    ];
    let printed = home.run(&arguments);
    assert!(printed.code == Some(1) && printed.err.contains("error: lines 1 to 2: "), "{printed:?}");
    assert!(printed.err.contains("run the same command again"), "{printed:?}");
    assert_eq!(home.run(&arguments).code, Some(0));
    assert_eq!(indexes(&output).len(), 4);
}
