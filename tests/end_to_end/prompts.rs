//! The prompt that an endpoint is sent: which template makes it, and what reaches the Hub on the
//! way.

use std::sync::{Arc, Mutex};

use sagewire::{
    CallContext, ChatRequest, Content, ContentPart, Error, Message, Provider, SageMaker, SageMakerBuilder, Settings,
    TemplateChoice, ToolCall,
    chat_template::{ChatTemplate, RoleTemplate},
    credentials::seam::{MapEnv, SystemFiles, SystemHttp, World},
};
use sagewire_emulator::Emulator;
use sagewire_tests::endpoint::{builder_for, start};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// Only user and assistant in turns, content as one text: what most models' own templates know.
const STRICT: &str = "{{ bos_token }}{% for m in messages %}\
    {% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}\
    {% if m.role == 'user' %}{{ '[INST] ' + m.content + ' [/INST]' }}{% else %}{{ ' ' + m.content + eos_token }}{% endif %}\
    {% endfor %}";

fn conversation() -> ChatRequest {
    let turns =
        [Message::system("Be brief."), Message::user("Hi"), Message::assistant("Hello!"), Message::user("Bye?")];
    ChatRequest::new("sagemaker/tgi", turns)
}

fn settings(hf_model_name: &str) -> Settings {
    let mut settings = Settings::default();
    settings.hf_model_name = Some(hf_model_name.to_owned());
    settings
}

/// The prompt that the endpoint was sent last.
fn sent(emulator: &Emulator) -> String {
    let received = emulator.received();
    let body = received.last().unwrap().json().unwrap();
    body["inputs"].as_str().unwrap().to_owned()
}

async fn prompt(emulator: &Emulator, provider: SageMakerBuilder, request: ChatRequest) -> Result<String, Error> {
    provider.build()?.chat(request, &CallContext::new()).await?;
    Ok(sent(emulator))
}

#[tokio::test]
async fn the_models_name_chooses_its_template() {
    let emulator = start().await;
    for (name, expected) in [
        (
            "meta-llama/Llama-2-7b-chat-hf",
            "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Hello! </s><s>[INST] Bye? [/INST]",
        ),
        (
            "meta-llama/Meta-Llama-3-8B-Instruct",
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>\
             <|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n\
             Hello!<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nBye?<|eot_id|>\
             <|start_header_id|>assistant<|end_header_id|>\n\n",
        ),
        ("meta-llama/Llama-2-7b", "Be brief. Hi Hello! Bye?"),
        ("acme/nobody-knows", "Be brief. Hi Hello! Bye?"),
    ] {
        let provider = builder_for(emulator.url()).settings(settings(name)).build().unwrap();
        provider.chat(conversation(), &CallContext::new()).await.unwrap();
        assert_eq!(sent(&emulator), expected, "{name}");
        drop(provider.chat_stream(conversation(), &CallContext::new()).await.unwrap());
        assert_eq!(sent(&emulator), expected, "{name}, streamed");
    }
}

#[tokio::test]
async fn templates_of_ones_own_stand_over_the_models() {
    let emulator = start().await;
    let roles = |mark: &str| {
        let template = RoleTemplate::new().role("user", format!("<{mark}>"), "</>").final_prompt_value("?");
        ChatTemplate::from_roles(template)
    };
    let registered = || {
        builder_for(emulator.url())
            .prompt_template("tgi", roles("endpoint"))
            .prompt_template("acme/model", roles("model"))
    };
    let question = ChatRequest::new("sagemaker/tgi", [Message::user("Hi")]);
    let model = registered().settings(settings("acme/model"));
    assert_eq!(prompt(&emulator, model, question.clone()).await.unwrap(), "<endpoint>Hi</>?");

    let by_model =
        builder_for(emulator.url()).prompt_template("acme/model", roles("model")).settings(settings("acme/model"));
    assert_eq!(prompt(&emulator, by_model, question.clone()).await.unwrap(), "<model>Hi</>?");

    let mut own = Settings::default();
    own.template = Some(TemplateChoice::Template(roles("call")));
    let provider: SageMaker = registered().build().unwrap();
    provider.chat(question, &CallContext::new().with(own)).await.unwrap();
    assert_eq!(sent(&emulator), "<call>Hi</>?");
}

#[tokio::test]
async fn a_models_files_take_every_form_of_conversation() {
    let folder = tempfile::tempdir().unwrap();
    let config = json!({"bos_token": "<s>", "eos_token": {"content": "</s>"}, "chat_template": STRICT});
    std::fs::write(folder.path().join("tokenizer_config.json"), config.to_string()).unwrap();
    let emulator = start().await;
    let parts = Content::Parts(vec![ContentPart::text("Hel"), ContentPart::text("lo")]);
    let mut call = Message::assistant("");
    call.content = None;
    call.tool_calls = vec![ToolCall::function("1", "add", r#"{"a": 1}"#)];
    for (messages, expected) in [
        (vec![Message::user("Hi")], "<s>[INST] Hi [/INST]"),
        (vec![Message::system("S"), Message::user("Hi")], "<s>[INST] S\n\nHi [/INST]"),
        (vec![Message::user(parts)], "<s>[INST] Hello [/INST]"),
        (vec![Message::user("a"), Message::user("b")], "<s>[INST] a\n\nb [/INST]"),
        (
            vec![Message::user("add"), call, Message::tool("1", "3")],
            r#"<s>[INST] add [/INST] {"name": "add", "arguments": {"a": 1}}</s>[INST] 3 [/INST]"#,
        ),
    ] {
        let mut settings = Settings::default();
        settings.template = Some(TemplateChoice::Path(folder.path().to_owned()));
        let world = World::builder().with_files(SystemFiles).build();
        let provider = builder_for(emulator.url()).world(world).settings(settings);
        let request = ChatRequest::new("sagemaker/tgi", messages);
        assert_eq!(prompt(&emulator, provider, request).await.unwrap(), expected);
    }
}

/// A Hub on this machine that has one model, and keeps what it is asked.
async fn hub() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") && stream.read_buf(&mut request).await.unwrap_or_default() > 0 {}
            let request = String::from_utf8(request).unwrap();
            let answer = if request.starts_with("GET /acme/model/resolve/main/chat_template.jinja ") {
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{STRICT}", STRICT.len())
            } else if request.starts_with("GET /acme/model/resolve/main/tokenizer_config.json ") {
                "HTTP/1.1 307 Temporary Redirect\r\nlocation: /moved.json\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()
            } else if request.starts_with("GET /moved.json ") {
                let config = r#"{"bos_token": "<s>", "eos_token": "</s>"}"#;
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{config}", config.len())
            } else {
                "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()
            };
            log.lock().unwrap().push(request);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, asked)
}

#[tokio::test]
async fn the_hub_is_asked_once_and_hears_of_no_endpoint() {
    let (emulator, (hub, asked), cache) = (start().await, hub().await, tempfile::tempdir().unwrap());
    let provider = |offline: &str| {
        let env = MapEnv::from([
            ("HF_ENDPOINT", hub.as_str()),
            ("HF_TOKEN", "hf_token"),
            ("HF_HUB_OFFLINE", offline),
            ("SAGEWIRE_CACHE_DIR", cache.path().to_str().unwrap()),
        ]);
        let world = World::builder().with_env(env).with_files(SystemFiles).with_http(SystemHttp::new(MapEnv::new()));
        let mut settings = settings("acme/model");
        settings.hub_access = Some(true);
        builder_for(emulator.url()).world(world.build()).settings(settings)
    };
    let question = ChatRequest::new("sagemaker/tgi", [Message::user("Hi")]);
    for offline in ["0", "0", "1"] {
        assert_eq!(prompt(&emulator, provider(offline), question.clone()).await.unwrap(), "<s>[INST] Hi [/INST]");
    }
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 3, "two files and a redirect: {asked:?}");
    for request in &*asked {
        assert!(
            request.contains("Bearer hf_token") && !request.contains("tgi") && !request.contains("AWS4"),
            "{request}"
        );
    }
}
