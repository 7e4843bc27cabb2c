//! What only a terminal shows: the conversation, Ctrl-C, colours and the bar.

use std::time::Duration;

use sagewire_emulator::{AwsError, Container, ContainerReply, Emulator, Invocation, Scripted, StreamEvent};

use crate::{process::Home, pty::Terminal};

const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const DIM: &str = "\x1b[2m";

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_remembers_and_ends_with_ctrl_d() {
    let emulator = Emulator::start().await.unwrap();
    let mut terminal = Terminal::start(Home::of(&emulator).command(&["chat", "-m", "sagemaker_chat/messages"]));
    terminal.expect("/help");
    terminal.expect("> ");
    terminal.press("/system Be brief.\r");
    terminal.expect("was set");
    terminal.expect("> ");
    terminal.press("first question\r");
    terminal.expect("tokens/s");
    terminal.expect("> ");
    terminal.press("second \\\r");
    terminal.expect(". ");
    terminal.press("question\r");
    terminal.expect("tokens/s");
    terminal.expect("> ");
    let messages = emulator.received().pop().unwrap().json().unwrap()["messages"].clone();
    // The arrow key brings back the line before.
    terminal.press("\x1b[A\r");
    terminal.expect("tokens/s");
    terminal.expect("> ");
    let repeated = emulator.received().pop().unwrap().json().unwrap()["messages"].clone();
    assert_eq!(repeated.as_array().unwrap().last().unwrap()["content"], "question");
    terminal.press(CTRL_D);
    let (_, code) = terminal.end();
    assert_eq!(code, 0);
    let roles: Vec<_> =
        messages.as_array().unwrap().iter().map(|message| message["role"].as_str().unwrap().to_owned()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
    assert_eq!(messages[3]["content"], "second \nquestion");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_stops_the_answer_and_not_the_conversation() {
    let emulator = Emulator::start().await.unwrap();
    let chunk = r#"data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"it begins now"},"finish_reason":null}]}"#;
    let endless = Scripted::stream([format!("{chunk}\n\n")]).then(StreamEvent::Wait(Duration::from_secs(3600)));
    emulator.enqueue("messages", endless);
    let mut terminal = Terminal::start(Home::of(&emulator).command(&["chat", "-m", "sagemaker_chat/messages"]));
    terminal.expect("> ");
    terminal.press("go on for ever\r");
    terminal.expect("it begins");
    terminal.press(CTRL_C);
    terminal.expect("stopped");
    terminal.expect("> ");
    // Pressed once more in impatience, it leaves nothing behind.
    terminal.press(CTRL_C);
    terminal.expect("to leave");
    terminal.expect("> ");
    terminal.press("and now\r");
    terminal.expect("tokens/s");
    terminal.expect("> ");
    // What had come is part of the conversation.
    let messages = emulator.received().pop().unwrap().json().unwrap()["messages"].clone();
    assert_eq!(messages[1]["content"], "it begins now");
    terminal.press(CTRL_C);
    terminal.expect("to leave");
    terminal.expect("> ");
    terminal.press(CTRL_C);
    assert_eq!(terminal.end().1, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_a_single_question_with_its_exit_code() {
    let emulator = Emulator::start().await.unwrap();
    emulator.enqueue("messages", Scripted::ok("{}").after(Duration::from_secs(3600)));
    let home = Home::of(&emulator);
    let mut terminal = Terminal::start(home.command(&["chat", "-m", "sagemaker_chat/messages", "hi"]));
    // The request is on its way once the emulator has it.
    while emulator.received().is_empty() {
        tokio::task::yield_now().await;
    }
    terminal.press(CTRL_C);
    let (shown, code) = terminal.end();
    assert!(code == 130 && shown.contains("stopped"), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_are_for_terminals_without_no_color() {
    let home = Home::empty();
    let (shown, code) = Terminal::start(home.command(&["chat", "--demo", "hi"])).end();
    assert!(code == 0 && shown.contains(DIM), "{shown:?}");
    let home = home.with("NO_COLOR", "1");
    for arguments in [["chat", "--demo", "hi"].as_slice(), &["doctor", "--demo"], &["--help"]] {
        let (shown, code) = Terminal::start(home.command(arguments)).end();
        assert!(code == 0 && !shown.contains('\x1b'), "{arguments:?}: {shown:?}");
    }
    let (shown, _) = Terminal::start(Home::empty().command(&["doctor", "--demo"])).end();
    assert!(shown.contains("\x1b[32m✓"), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bar_is_for_terminals() {
    let home = Home::empty();
    let input = home.file("texts.txt", "a\nb\nc\n");
    let output = home.path().join("out.jsonl");
    let arguments =
        ["embed", "--demo", "-i", input.to_str().unwrap(), "-o", output.to_str().unwrap(), "--batch-size", "1"];
    let (shown, code) = Terminal::start(home.command(&arguments)).end();
    assert!(code == 0 && shown.contains("/3 (") && shown.contains("3 of 3 lines"), "{shown:?}");
    std::fs::remove_file(&output).unwrap();
    let printed = home.run(&arguments);
    assert!(!printed.err.contains("/3 (") && printed.err.contains("3 of 3 lines"), "{printed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_typed_while_an_answer_comes_are_asked_after_it() {
    let (asked, has_asked) = std::sync::mpsc::sync_channel(1);
    let (go, may_go) = std::sync::mpsc::channel();
    let slow = Slow { asked, may_go: std::sync::Mutex::new(may_go) };
    let emulator = Emulator::builder().endpoint("slow", slow).start().await.unwrap();
    let home = Home::of(&emulator);
    let mut terminal = Terminal::start(home.command(&["chat", "-m", "sagemaker_chat/slow", "--no-stream"]));
    terminal.expect("> ");
    terminal.press("one\r");
    tokio::task::block_in_place(|| has_asked.recv()).unwrap();
    terminal.press("two\rthree\rand fo");
    go.send(()).unwrap();
    for question in ["two", "three"] {
        tokio::task::block_in_place(|| has_asked.recv()).unwrap();
        go.send(()).unwrap();
        terminal.expect(&format!("answer to {question}"));
    }
    // The beginning of a line waits for its end.
    terminal.expect("> ");
    terminal.press("ur\r");
    tokio::task::block_in_place(|| has_asked.recv()).unwrap();
    go.send(()).unwrap();
    terminal.expect("answer to and four");
    terminal.expect("> ");
    terminal.press(CTRL_D);
    let (shown, _) = terminal.end();
    let first = shown.split("answer to one").next().unwrap();
    assert!(!first.contains("two"), "it is shown at its prompt, not in the answer: {shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_starts_is_waited_for_and_the_spinner_says_so() {
    let emulator = Emulator::start().await.unwrap();
    emulator.enqueue("messages", Scripted::error(AwsError::no_capacity()));
    let mut terminal = Terminal::start(Home::of(&emulator).command(&["chat", "-m", "sagemaker_chat/messages", "hi"]));
    terminal.expect("waiting for the model");
    terminal.expect("waking the endpoint");
    terminal.press(CTRL_C);
    assert_eq!(terminal.end().1, 130);
}

/// Answers a question once it may.
#[derive(Debug)]
struct Slow {
    asked: std::sync::mpsc::SyncSender<()>,
    may_go: std::sync::Mutex<std::sync::mpsc::Receiver<()>>,
}

#[async_trait::async_trait]
impl Container for Slow {
    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        let body: serde_json::Value = serde_json::from_slice(&invocation.body).unwrap();
        let question = body["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap().to_owned();
        tokio::task::block_in_place(|| {
            self.asked.send(()).unwrap();
            self.may_go.lock().unwrap().recv().unwrap();
        });
        let message = serde_json::json!({"role": "assistant", "content": format!("answer to {question}")});
        let choice = serde_json::json!({"index": 0, "message": message, "finish_reason": "stop"});
        ContainerReply::json(200, &serde_json::json!({"choices": [choice]}))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_cannot_steer_the_terminal() {
    let emulator = Emulator::start().await.unwrap();
    let home = Home::of(&emulator).with("NO_COLOR", "1");
    let hostile = "no\u{1b}]0;owned\u{7} \u{1b}[2Jmodel";
    let refusal = || Scripted::error(AwsError::model_error(400, serde_json::json!({"error": hostile}).to_string()));
    for (endpoint, arguments) in [
        ("messages", ["chat", "-m", "sagemaker_chat/messages", "hi"].as_slice()),
        ("embedding", &["embed", "-m", "sagemaker/embedding", "hi"]),
        ("embedding", &["embed", "-m", "sagemaker/embedding", "--keep-going", "hi"]),
    ] {
        emulator.enqueue(endpoint, refusal());
        emulator.enqueue(endpoint, refusal());
        let (shown, code) = Terminal::start(home.command(arguments)).end();
        assert!(code == 1 && shown.contains("owned"), "{arguments:?}: {shown:?}");
        // The progress bar has sequences of its own, but none of these.
        for sequence in ["\u{1b}]", "\u{1b}[2J", "\u{7}"] {
            assert!(!shown.contains(sequence), "{arguments:?}: {shown:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_cannot_steer_the_terminal() {
    let emulator = Emulator::start().await.unwrap();
    let body = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"safe\u001b]0;owned\u0007text"},"finish_reason":"stop"}]}"#;
    emulator.enqueue("messages", Scripted::ok(body));
    let home = Home::of(&emulator).with("NO_COLOR", "1");
    let (shown, _) =
        Terminal::start(home.command(&["chat", "-m", "sagemaker_chat/messages", "--no-stream", "hi"])).end();
    assert!(shown.contains("safe]0;ownedtext") && !shown.contains('\x1b'), "{shown:?}");
}
