use std::{
    collections::BTreeSet,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::Response;
use sagewire_credentials::seam::{HttpError, HttpErrorKind, HttpFn, MapEnv, MapFiles};
use sagewire_types::{Error, ErrorKind};
use tokio::time::advance;
use tracing_subscriber::fmt::MakeWriter;

use super::*;
use crate::{
    Settings,
    template::tests::{CONFIG, Counted, ENDPOINT, find, settings, templates},
};

const HOME: (&str, &str) = ("HOME", "/home/me");
const CANARY: &str = "hf_canary";

/// One request: its URL, and whether it carried the token.
type Asked = Arc<Mutex<Vec<(String, bool)>>>;

/// A world whose network is this Hub.
fn hub(
    variables: &[(&str, &str)],
    files: impl sagewire_credentials::seam::Files + 'static,
    answer: impl Fn(&str) -> Result<Response<Bytes>, HttpError> + Send + Sync + 'static,
) -> (World, Asked) {
    let asked = Asked::default();
    let log = Arc::clone(&asked);
    let http = HttpFn::new(move |request: http::Request<Bytes>, options| {
        assert!(options.timeout <= Duration::from_secs(10) && options.connect_timeout <= Duration::from_secs(3));
        let url = request.uri().to_string();
        let token = request.headers().get("authorization");
        assert!(token.is_none_or(|token| token == "Bearer hf_canary" && token.is_sensitive()));
        log.lock().unwrap().push((url.clone(), token.is_some()));
        answer(&url)
    });
    let env = MapEnv::from_iter(variables.iter().copied().chain([HOME]));
    (World::builder().with_env(env).with_files(files).with_http(http).build(), asked)
}

fn allowed(name: &str) -> Settings {
    Settings { hub_access: Some(true), ..settings(name) }
}

fn status(status: u16) -> Result<Response<Bytes>, HttpError> {
    Ok(Response::builder().status(status).body(Bytes::new()).unwrap())
}

fn body(text: &'static str) -> Result<Response<Bytes>, HttpError> {
    Ok(Response::new(Bytes::from_static(text.as_bytes())))
}

fn redirect(location: &str) -> Result<Response<Bytes>, HttpError> {
    Ok(Response::builder().status(307).header("location", location).body(Bytes::new()).unwrap())
}

fn config_or_nothing(url: &str) -> Result<Response<Bytes>, HttpError> {
    if url.ends_with("/tokenizer_config.json") { body(CONFIG) } else { status(404) }
}

fn urls(asked: &Asked) -> Vec<String> {
    asked.lock().unwrap().iter().map(|(url, _)| url.clone()).collect()
}

#[tokio::test]
async fn the_hub_is_asked_only_where_it_is_allowed_and_once_for_a_thousand_calls() {
    let (world, asked) = hub(&[], MapFiles::new(), config_or_nothing);
    assert_eq!(find(&templates(), &world, &settings("acme/model")).await.unwrap(), "hi");
    assert!(urls(&asked).is_empty());

    let (shared, allowed) = (templates(), allowed("acme/model"));
    let all = future::join_all((0..1000).map(|_| find(&shared, &world, &allowed))).await;
    assert!(all.into_iter().all(|prompt| prompt.unwrap() == "<s><hi>"));
    let expected = ["tokenizer_config.json", "chat_template.jinja"]
        .map(|file| format!("https://huggingface.co/acme/model/resolve/main/{file}"));
    assert_eq!(urls(&asked), expected);
    assert!(urls(&asked).iter().all(|url| !url.contains(ENDPOINT)));

    // Another program finds it on disk, and may be offline.
    let env = MapEnv::from([HOME, ("HF_HUB_OFFLINE", "1")]);
    let offline = world.to_builder().with_env(env).build();
    for world in [&world, &offline] {
        assert_eq!(find(&templates(), world, &allowed).await.unwrap(), "<s><hi>");
    }
    assert_eq!(urls(&asked), expected);
}

#[tokio::test]
async fn what_was_fetched_is_kept_as_one_small_file() {
    for (variables, folder) in [
        (vec![], "/home/me/.cache/sagewire"),
        (vec![("XDG_CACHE_HOME", "/x")], "/x/sagewire"),
        (vec![("XDG_CACHE_HOME", "/x"), ("SAGEWIRE_CACHE_DIR", "/s")], "/s"),
    ] {
        let files = MapFiles::new();
        let (world, asked) = hub(&variables, files.clone(), |url| {
            if url.ends_with("/tokenizer_config.json") {
                body(r#"{"eos_token": "</s>", "added_tokens_decoder": {"0": {"content": "<unk>"}}}"#)
            } else {
                body("jinja{{ eos_token }}")
            }
        });
        let settings = Settings { hub_revision: Some("refs/pr/1".to_owned()), ..allowed("acme/model") };
        assert_eq!(find(&templates(), &world, &settings).await.unwrap(), "jinja</s>");
        assert!(urls(&asked).iter().all(|url| url.contains("/resolve/refs%2Fpr%2F1/")), "{asked:?}");
        let kept = files.get(format!("{folder}/chat-templates/acme--model@refs%2Fpr%2F1/tokenizer_config.json"));
        assert_eq!(kept.unwrap(), br#"{"eos_token":"</s>","chat_template":"jinja{{ eos_token }}"}"#);
    }
}

#[tokio::test]
async fn a_disk_that_cannot_be_used_costs_a_fetch_and_no_call() {
    let (world, asked) = hub(&[], Counted { unreadable: true, ..Counted::default() }, config_or_nothing);
    assert_eq!(find(&templates(), &world, &allowed("acme/model")).await.unwrap(), "<s><hi>");
    assert_eq!(urls(&asked).len(), 2);
}

#[tokio::test]
async fn the_file_of_older_processors_is_asked_for_last() {
    let (world, asked) = hub(&[], MapFiles::new(), |url| match url.rsplit('/').next() {
        Some("tokenizer_config.json") => body(r#"{"eos_token": "</s>"}"#),
        Some("chat_template.json") => body(r#"{"chat_template": "processor{{ eos_token }}"}"#),
        _ => status(404),
    });
    for _ in 0..2 {
        assert_eq!(find(&templates(), &world, &allowed("acme/model")).await.unwrap(), "processor</s>");
    }
    assert_eq!(urls(&asked).len(), 3);
}

#[tokio::test]
async fn offline_asks_nobody() {
    for variable in ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"] {
        for (value, is_offline) in
            [("1", true), ("TRUE", true), ("on", true), ("0", false), ("False", false), ("", false)]
        {
            let (world, asked) = hub(&[(variable, value)], MapFiles::new(), config_or_nothing);
            let expected = if is_offline { "hi" } else { "<s><hi>" };
            assert_eq!(
                find(&templates(), &world, &allowed("acme/model")).await.unwrap(),
                expected,
                "{variable}={value}"
            );
            assert_eq!(urls(&asked).is_empty(), is_offline);
        }
    }
}

#[tokio::test]
async fn the_token_goes_to_the_hubs_own_host_alone() {
    for (endpoint, files_at) in [
        ("https://huggingface.co", "https://cas-bridge.xethub.hf.co/x/tokenizer_config.json"),
        ("https://huggingface.co", "https://cdn-lfs.huggingface.co/x/tokenizer_config.json"),
        ("https://huggingface.co/", "https://huggingface.co:8443/x/tokenizer_config.json"),
        ("https://mirror.example/hub/", "https://storage.example/x/tokenizer_config.json"),
        ("http://127.0.0.1:8080", "https://storage.example/x/tokenizer_config.json"),
    ] {
        let home = format!("{}/acme/model/resolve/main/", endpoint.trim_end_matches('/'));
        let (start, redirected) = (home.clone(), files_at);
        let variables = [("HF_TOKEN", CANARY), ("HF_ENDPOINT", endpoint)];
        let (world, asked) = hub(&variables, MapFiles::new(), move |url| match url {
            url if url == redirected => body(CONFIG),
            url if url == format!("{start}tokenizer_config.json") => redirect("/renamed/tokenizer_config.json"),
            url if url.ends_with("/renamed/tokenizer_config.json") => redirect(redirected),
            _ => status(404),
        });
        assert_eq!(find(&templates(), &world, &allowed("acme/model")).await.unwrap(), "<s><hi>", "{endpoint}");
        let asked: BTreeSet<_> = asked.lock().unwrap().iter().cloned().collect();
        let origin = url::Url::parse(endpoint).unwrap().origin().ascii_serialization();
        let renamed = format!("{origin}/renamed/tokenizer_config.json");
        let expected = [
            (format!("{home}tokenizer_config.json"), true),
            (format!("{home}chat_template.jinja"), true),
            (renamed, true),
            (files_at.to_owned(), false),
        ];
        assert_eq!(asked, BTreeSet::from(expected));
    }
}

#[tokio::test]
async fn the_token_travels_unencrypted_to_no_other_machine() {
    for (endpoint, with_token) in
        [("http://mirror.example", false), ("http://localhost:1", true), ("http://[::1]:1", true), ("https://h", true)]
    {
        let variables = [("HF_TOKEN", CANARY), ("HF_ENDPOINT", endpoint)];
        let (world, asked) = hub(&variables, MapFiles::new(), config_or_nothing);
        assert_eq!(find(&templates(), &world, &allowed("acme/model")).await.unwrap(), "<s><hi>");
        assert!(asked.lock().unwrap().iter().all(|(_, token)| *token == with_token), "{endpoint}: {asked:?}");
    }
}

#[tokio::test]
async fn redirects_lead_neither_away_nor_on_for_ever() {
    for (location, most) in [
        ("https://evil.example/x", 2),
        ("https://evilhf.co/x", 2),
        ("http://cdn-lfs.huggingface.co/x", 2),
        ("file:///etc/passwd", 2),
        ("/again", 2 + 2 * 4),
    ] {
        let (world, asked) = hub(&[("HF_TOKEN", CANARY)], MapFiles::new(), move |_| redirect(location));
        let error = find(&templates(), &world, &allowed("acme/model")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
        assert!(
            urls(&asked).len() <= most && urls(&asked).iter().all(|url| url.starts_with("https://huggingface.co/"))
        );
    }
}

#[tokio::test]
async fn failures_of_the_hub_are_errors_that_show_no_token() {
    let refused = || Err(HttpError::new(HttpErrorKind::ConnectTimeout, "no connection"));
    let cases: [(fn() -> Result<Response<Bytes>, HttpError>, ErrorKind); 6] = [
        (|| status(401), ErrorKind::Configuration),
        (|| status(403), ErrorKind::Configuration),
        (|| status(429), ErrorKind::Connection),
        (|| status(500), ErrorKind::Connection),
        (|| status(301), ErrorKind::Connection),
        (refused, ErrorKind::Connection),
    ];
    for (answer, kind) in cases {
        let (world, _) = hub(&[("HF_TOKEN", CANARY)], MapFiles::new(), move |_| answer());
        let error = find(&templates(), &world, &allowed("acme/model")).await.unwrap_err();
        assert_eq!((error.kind(), error.param()), (kind, Some("hf_model_name")), "{error}");
        assert!(error.to_string().contains("`acme/model`"), "{error}");
        let shown = format!("{error} {error:?} {error:#?} {:?}", std::error::Error::source(&error));
        assert!(!shown.contains(CANARY) && !shown.contains(ENDPOINT), "{shown}");
        let hub = Hub::from_env(&world).unwrap();
        assert!(!format!("{hub:?} {hub:#?}").contains(CANARY));
    }
}

#[tokio::test(start_paused = true)]
async fn what_came_to_nothing_is_remembered_for_minutes_and_then_asked_again() {
    for (code, minutes) in [(404, 5), (401, 5), (503, 1)] {
        let (world, asked) = hub(&[], MapFiles::new(), move |_| status(code));
        let (templates, settings) = (templates(), allowed("acme/model"));
        let mut first = None;
        for _ in 0..10 {
            let outcome = find(&templates, &world, &settings).await.map_err(|error| error.to_string());
            assert_eq!(*first.get_or_insert(outcome.clone()), outcome);
            assert_eq!(urls(&asked).len(), 2, "{code}");
        }
        advance(Duration::from_secs(minutes * 60)).await;
        let _ = find(&templates, &world, &settings).await;
        assert_eq!(urls(&asked).len(), 4, "{code}");
    }
}

#[tokio::test]
async fn a_template_of_the_hub_that_cannot_be_used_is_an_error_and_not_kept() {
    for (config, jinja) in [("{", "x"), (r#"{"chat_template": 1}"#, ""), ("<html>", "x"), ("{}", "{% if %}")] {
        let files = MapFiles::new();
        let (world, _) = hub(&[], files.clone(), move |url| match url {
            url if url.ends_with("/tokenizer_config.json") => body(config),
            _ if jinja.is_empty() => status(404),
            _ => body(jinja),
        });
        let error = find(&templates(), &world, &allowed("acme/model")).await.unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::Configuration, Some("hf_model_name")), "{error}");
        assert_eq!(format!("{files:?}"), "MapFiles([])");
    }
}

#[tokio::test]
async fn settings_of_the_hub_that_cannot_be_are_errors_that_do_not_repeat_them() {
    for (name, value) in [
        ("HF_ENDPOINT", "not-a-url"),
        ("HF_ENDPOINT", "ftp://h"),
        ("HF_ENDPOINT", "https://h?x=1"),
        ("HF_TOKEN", "a\nb"),
    ] {
        let (world, asked) = hub(&[(name, value)], MapFiles::new(), config_or_nothing);
        let error = find(&templates(), &world, &allowed("acme/model")).await.unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::Configuration, Some("hub_access")));
        assert!(error.to_string().contains(name) && !error.to_string().contains(value), "{error}");
        assert!(urls(&asked).is_empty());
    }
}

#[tokio::test]
async fn names_that_are_no_models_reach_neither_disk_nor_hub() {
    for name in ["../../etc/passwd", "a/b/c", "acme/model?x=1", "a b/c", "http://evil.example/x", "/etc", "a/..", ""] {
        let counted = Counted::default();
        let reads = Arc::clone(&counted.reads);
        let (world, asked) = hub(&[], counted, config_or_nothing);
        assert_eq!(find(&templates(), &world, &allowed(name)).await.unwrap(), "hi");
        assert!(urls(&asked).is_empty(), "{name}");
        assert_eq!(reads.load(std::sync::atomic::Ordering::SeqCst), 0, "{name}");
    }
}

/// What is traced, as text.
#[derive(Clone, Default)]
struct Traced(Arc<Mutex<Vec<u8>>>);

impl io::Write for Traced {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Traced {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn the_operator_is_told_once_where_was_looked_in_vain() -> Result<(), Error> {
    let traced = Traced::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(traced.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let (world, asked) = hub(&[("HF_TOKEN", CANARY)], MapFiles::new(), |_| status(404));
    let templates = templates();
    for _ in 0..3 {
        find(&templates, &world, &allowed("acme/model")).await?;
        advance(Duration::from_secs(600)).await;
    }
    assert_eq!(urls(&asked).len(), 6);
    let text = String::from_utf8(traced.0.lock().unwrap().clone()).unwrap();
    let warnings: Vec<_> = text.lines().filter(|line| line.contains("WARN")).collect();
    let [warning] = warnings.as_slice() else { panic!("{text}") };
    for part in
        ["sagewire::template", "acme/model", "/home/me/.cache/huggingface/hub", "the built-in catalog", "the Hub"]
    {
        assert!(warning.contains(part), "{part}: {warning}");
    }
    // Each call says which template it has.
    assert_eq!(text.lines().filter(|line| line.contains("chat template chosen") && line.contains(ENDPOINT)).count(), 3);
    assert!(!text.contains(CANARY));
    Ok(())
}
