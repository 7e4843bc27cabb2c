use std::sync::{
    Mutex as StdMutex,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use sagewire_credentials::seam::{HttpFn, MapEnv, MapFiles, World};
use serde_json::json;

use super::*;

const CONFIG: &str = r#"{"chat_template": "{{ bos_token }}<{{ messages[0].content }}>", "bos_token": "<s>"}"#;
const CACHE: &str = "/home/me/.cache/huggingface/hub/models--acme--model";

fn render(template: &ChatTemplate) -> String {
    let messages = [json!({"role": "user", "content": "hi"})];
    template.render(&sagewire_chat_template::Conversation::new(&messages), &|| std::time::UNIX_EPOCH).unwrap()
}

fn world(files: MapFiles) -> World {
    World::builder().with_env(MapEnv::from([("HOME", "/home/me")])).with_files(files).build()
}

fn settings(name: &str) -> Settings {
    Settings { hf_model_name: Some(name.to_owned()), ..Settings::default() }
}

async fn find(templates: &Templates, world: &World, settings: &Settings) -> Result<ChatTemplate, Error> {
    templates.find(world, settings, &"sagemaker/my-endpoint".parse().unwrap()).await
}

fn jinja(source: &str) -> ChatTemplate {
    ChatTemplate::from_jinja(source, sagewire_chat_template::SpecialTokens::new()).unwrap()
}

#[tokio::test]
async fn each_place_stands_over_those_after_it() {
    let files = MapFiles::new()
        .with("/models/m/tokenizer_config.json", r#"{"chat_template": "folder"}"#)
        .with(format!("{CACHE}/refs/main"), "abc123")
        .with(format!("{CACHE}/snapshots/abc123/tokenizer_config.json"), CONFIG);
    let world = world(files);
    let templates = Templates::new(HashMap::from([
        ("my-endpoint".to_owned(), jinja("for the endpoint")),
        ("acme/registered".to_owned(), jinja("for the model")),
    ]));
    let mut all = settings("acme/registered");
    all.template = Some(TemplateChoice::Template(jinja("inline")));
    assert_eq!(render(&find(&templates, &world, &all).await.unwrap()), "inline");
    all.template = Some(TemplateChoice::Path("/models/m".into()));
    assert_eq!(render(&find(&templates, &world, &all).await.unwrap()), "for the endpoint");
    let other: ModelId = "sagemaker/other".parse().unwrap();
    assert_eq!(render(&templates.find(&world, &all, &other).await.unwrap()), "for the model");
    all.hf_model_name = Some("acme/model".to_owned());
    assert_eq!(render(&templates.find(&world, &all, &other).await.unwrap()), "folder");
    assert_eq!(render(&templates.find(&world, &settings("acme/model"), &other).await.unwrap()), "<s><hi>");
    let llama = templates.find(&world, &settings("meta-llama/Llama-2-7b-chat-hf"), &other).await.unwrap();
    assert_eq!(render(&llama), "<s>[INST] hi [/INST]");
    let by_name = templates
        .find(
            &world,
            &Settings::default(),
            &"sagemaker/jumpstart-dft-meta-textgeneration-llama-2-7b-f".parse().unwrap(),
        )
        .await;
    assert_eq!(render(&by_name.unwrap()), "<s>[INST] hi [/INST]");
    assert_eq!(render(&templates.find(&world, &Settings::default(), &other).await.unwrap()), "hi");
    assert_eq!(render(&templates.find(&world, &settings("acme/unknown"), &other).await.unwrap()), "hi");
}

#[tokio::test]
async fn a_template_that_is_there_and_broken_is_an_error_and_never_passed_over() {
    let files = MapFiles::new().with("/t.jinja", "{% if %}");
    let world = world(files);
    let mut settings = settings("meta-llama/Llama-2-7b-chat-hf");
    for path in ["/t.jinja", "/missing"] {
        settings.template = Some(TemplateChoice::Path(path.into()));
        let error = find(&Templates::default(), &world, &settings).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
        assert!(error.to_string().contains(path), "{error}");
    }
}

/// A world whose network is this Hub; what was asked is kept.
fn hub(
    env: &[(&str, &str)],
    answer: impl Fn(&str) -> http::Response<Bytes> + Send + Sync + 'static,
) -> (World, Arc<StdMutex<Vec<(String, bool)>>>) {
    let asked = Arc::new(StdMutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let http = HttpFn::new(move |request: http::Request<Bytes>, _| {
        let url = request.uri().to_string();
        log.lock().unwrap().push((url.clone(), request.headers().contains_key("authorization")));
        Ok(answer(&url))
    });
    let env = env
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .chain([("HOME".to_owned(), "/home/me".to_owned())]);
    (World::builder().with_env(MapEnv::from_iter(env)).with_files(MapFiles::new()).with_http(http).build(), asked)
}

fn status(status: u16) -> http::Response<Bytes> {
    http::Response::builder().status(status).body(Bytes::new()).unwrap()
}

fn config_or_nothing(url: &str) -> http::Response<Bytes> {
    if url.ends_with("tokenizer_config.json") {
        http::Response::new(Bytes::from_static(CONFIG.as_bytes()))
    } else {
        status(404)
    }
}

#[tokio::test]
async fn the_hub_is_asked_only_where_it_is_allowed_and_once_for_a_thousand_calls() {
    let (world, asked) = hub(&[], config_or_nothing);
    let mut settings = settings("acme/model");
    assert_eq!(render(&find(&Templates::default(), &world, &settings).await.unwrap()), "hi");
    assert!(asked.lock().unwrap().is_empty());
    settings.hub_access = Some(true);
    let templates = Templates::default();
    let all = futures_util::future::join_all((0..1000).map(|_| find(&templates, &world, &settings))).await;
    assert!(all.into_iter().all(|template| render(&template.unwrap()) == "<s><hi>"));
    assert_eq!(asked.lock().unwrap().len(), 2, "{asked:?}");
    // Another process finds it on disk.
    assert_eq!(render(&find(&Templates::default(), &world, &settings).await.unwrap()), "<s><hi>");
    assert_eq!(asked.lock().unwrap().len(), 2);
    assert!(
        asked
            .lock()
            .unwrap()
            .iter()
            .all(|(url, _)| url.starts_with("https://huggingface.co/acme/model/") && !url.contains("my-endpoint"))
    );
}

#[tokio::test]
async fn offline_asks_nobody() {
    let (world, asked) = hub(&[("HF_HUB_OFFLINE", "1")], config_or_nothing);
    let mut settings = settings("acme/model");
    settings.hub_access = Some(true);
    assert_eq!(render(&find(&Templates::default(), &world, &settings).await.unwrap()), "hi");
    assert!(asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_token_goes_to_the_hubs_own_host_alone() {
    let (world, asked) = hub(&[("HF_TOKEN", "hf_canary"), ("HF_ENDPOINT", "https://mirror.example")], |url| {
        if url.starts_with("https://mirror.example") && url.ends_with("tokenizer_config.json") {
            http::Response::builder()
                .status(302)
                .header("location", "https://cdn.example/x.json")
                .body(Bytes::new())
                .unwrap()
        } else if url.starts_with("https://cdn.example") {
            http::Response::new(Bytes::from_static(CONFIG.as_bytes()))
        } else {
            status(404)
        }
    });
    let mut settings = settings("acme/model");
    settings.hub_access = Some(true);
    assert_eq!(render(&find(&Templates::default(), &world, &settings).await.unwrap()), "<s><hi>");
    for (url, with_token) in asked.lock().unwrap().iter() {
        assert_eq!(*with_token, url.starts_with("https://mirror.example"), "{url}");
    }
}

#[tokio::test(start_paused = true)]
async fn that_there_is_nothing_is_remembered_for_minutes() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let (world, _) = hub(&[], move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        status(404)
    });
    let mut settings = settings("acme/none");
    settings.hub_access = Some(true);
    let templates = Templates::default();
    for _ in 0..10 {
        find(&templates, &world, &settings).await.unwrap();
    }
    assert_eq!(count.load(Ordering::Relaxed), 2);
    tokio::time::advance(REMEMBER_NOTHING).await;
    find(&templates, &world, &settings).await.unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn failures_of_the_hub_are_errors_that_show_no_token() {
    for (code, kind) in [(401, ErrorKind::Configuration), (500, ErrorKind::Connection), (301, ErrorKind::Connection)] {
        let (world, _) = hub(&[("HF_TOKEN", "hf_canary")], move |_| status(code));
        let mut settings = settings("acme/model");
        settings.hub_access = Some(true);
        let error = find(&Templates::default(), &world, &settings).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!format!("{error} {error:?}").contains("hf_canary"));
    }
}

#[tokio::test]
async fn names_that_are_no_models_reach_neither_disk_nor_hub() {
    let (world, asked) = hub(&[], config_or_nothing);
    for name in ["../../etc/passwd", "a/b/c", "acme/model?x=1", "a b/c", "http://evil.example/x"] {
        let mut settings = settings(name);
        settings.hub_access = Some(true);
        find(&Templates::default(), &world, &settings).await.unwrap();
    }
    assert!(asked.lock().unwrap().is_empty(), "{asked:?}");
}
