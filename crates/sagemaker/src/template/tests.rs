//! The order of the places, and what the tests of each have in common.

use std::{
    io,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use sagewire_chat_template::{Conversation, SpecialTokens};
use sagewire_credentials::seam::{FileMetadata, Files, MapEnv, MapFiles};
use sagewire_types::ErrorKind;
use serde_json::json;
use zeroize::Zeroizing;

use super::*;

pub(super) const CONFIG: &str =
    r#"{"chat_template": "{{ bos_token }}<{{ messages[0].content }}>", "bos_token": "<s>"}"#;
pub(super) const CACHE: &str = "/home/me/.cache/huggingface/hub/models--acme--model";
/// Nobody but the catalog may hear of it.
pub(super) const ENDPOINT: &str = "a-secret-endpoint";

pub(super) fn render(template: &ChatTemplate) -> String {
    let messages = [json!({"role": "user", "content": "hi"})];
    template.render(&Conversation::new(&messages), &|| std::time::UNIX_EPOCH).unwrap()
}

pub(super) fn world(files: impl Files + 'static) -> World {
    World::builder().with_env(MapEnv::from([("HOME", "/home/me")])).with_files(files).build()
}

pub(super) fn settings(name: &str) -> Settings {
    Settings { hf_model_name: Some(name.to_owned()), ..Settings::default() }
}

pub(super) fn templates() -> Templates {
    Templates::new(HashMap::new())
}

pub(super) fn jinja(source: &str) -> ChatTemplate {
    ChatTemplate::from_jinja(source, SpecialTokens::new()).unwrap()
}

pub(super) async fn find(templates: &Templates, world: &World, settings: &Settings) -> Result<String, Error> {
    find_for(templates, world, settings, ENDPOINT).await
}

async fn find_for(templates: &Templates, world: &World, settings: &Settings, endpoint: &str) -> Result<String, Error> {
    templates.find(world, settings, endpoint).await.map(|chosen| render(&chosen.template))
}

/// Files that count how often they are read, and that may all be unreadable.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) files: MapFiles,
    pub(super) reads: Arc<AtomicUsize>,
    pub(super) unreadable: bool,
}

#[async_trait]
impl Files for Counted {
    async fn read(&self, path: &Path, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        if self.unreadable {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.files.read(path, limit).await
    }

    async fn replace(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        if self.unreadable {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.files.replace(path, content).await
    }

    async fn metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        self.files.metadata(path).await
    }
}

#[tokio::test]
async fn each_place_stands_over_those_after_it() {
    let files = MapFiles::new()
        .with("/models/m/tokenizer_config.json", r#"{"chat_template": "folder"}"#)
        .with(format!("{CACHE}/refs/main"), "abc123")
        .with(format!("{CACHE}/snapshots/abc123/tokenizer_config.json"), CONFIG);
    let world = world(files);
    let templates = Templates::new(HashMap::from([
        (ENDPOINT.to_owned(), jinja("for the endpoint")),
        ("acme/registered".to_owned(), jinja("for the model")),
    ]));
    let mut all = settings("acme/registered");
    all.template = Some(TemplateChoice::Template(jinja("inline")));
    assert_eq!(find(&templates, &world, &all).await.unwrap(), "inline");
    all.template = Some(TemplateChoice::Path("/models/m".into()));
    assert_eq!(find(&templates, &world, &all).await.unwrap(), "for the endpoint");

    let other = async |settings: &Settings| find_for(&templates, &world, settings, "other").await.unwrap();
    assert_eq!(other(&all).await, "for the model");
    all.hf_model_name = Some("acme/model".to_owned());
    assert_eq!(other(&all).await, "folder");
    assert_eq!(other(&settings("acme/model")).await, "<s><hi>");
    assert_eq!(other(&settings("meta-llama/Llama-2-7b-chat-hf")).await, "<s>[INST] hi [/INST]");
    assert_eq!(other(&settings("acme/unknown")).await, "hi");
    assert_eq!(other(&Settings::default()).await, "hi");
    let jumpstart = "jumpstart-dft-meta-textgeneration-llama-2-7b-f";
    for _ in 0..2 {
        let by_name = find_for(&templates, &world, &Settings::default(), jumpstart).await.unwrap();
        assert_eq!(by_name, "<s>[INST] hi [/INST]");
    }
    // A model's name stands over the endpoint's, even where it is known to nobody.
    assert_eq!(find_for(&templates, &world, &settings("acme/unknown"), jumpstart).await.unwrap(), "hi");
}

#[tokio::test]
async fn the_order_of_the_sources_can_be_set() {
    let llama = "/home/me/.cache/huggingface/hub/models--meta-llama--Llama-2-7b-chat-hf";
    let world = world(
        MapFiles::new()
            .with(format!("{llama}/refs/main"), "abc123")
            .with(format!("{llama}/snapshots/abc123/chat_template.jinja"), "from the cache"),
    );
    let templates = templates();
    let mut settings = settings("meta-llama/Llama-2-7b-chat-hf");
    for (sources, expected) in [
        (None, "from the cache"),
        (Some(vec![TemplateSource::Catalog, TemplateSource::HuggingFaceCache]), "<s>[INST] hi [/INST]"),
        (Some(vec![TemplateSource::HuggingFaceCache]), "from the cache"),
        (Some(vec![]), "hi"),
    ] {
        settings.template_sources = sources;
        assert_eq!(find(&templates, &world, &settings).await.unwrap(), expected, "{:?}", settings.template_sources);
    }
    let without_catalog = Settings { template_sources: Some(vec![TemplateSource::Hub]), ..Settings::default() };
    let by_name =
        find_for(&templates, &world, &without_catalog, "jumpstart-dft-meta-textgeneration-llama-2-7b-f").await;
    assert_eq!(by_name.unwrap(), "hi");

    for source in TemplateSource::ALL {
        assert_eq!(source.to_string().parse::<TemplateSource>().unwrap(), source);
    }
    let error = "huggingface".parse::<TemplateSource>().unwrap_err();
    assert_eq!((error.kind(), error.param()), (ErrorKind::Configuration, Some("template_sources")));
}

#[tokio::test]
async fn a_calls_revision_is_looked_at_by_itself() {
    let world = world(
        MapFiles::new()
            .with(format!("{CACHE}/refs/main"), "a1")
            .with(format!("{CACHE}/refs/refs/pr/7"), "b2\n")
            .with(format!("{CACHE}/snapshots/a1/chat_template.jinja"), "main")
            .with(format!("{CACHE}/snapshots/b2/chat_template.jinja"), "the request"),
    );
    let templates = templates();
    let mut settings = settings("acme/model");
    for (revision, expected) in
        [(None, "main"), (Some("refs/pr/7"), "the request"), (Some("b2"), "the request"), (Some("v2"), "hi")]
    {
        settings.hub_revision = revision.map(str::to_owned);
        assert_eq!(find(&templates, &world, &settings).await.unwrap(), expected, "{revision:?}");
    }
    settings.hub_revision = Some("../../x".to_owned());
    let error = find(&templates, &world, &settings).await.unwrap_err();
    assert_eq!((error.kind(), error.param()), (ErrorKind::Configuration, Some("hub_revision")));
}

#[tokio::test]
async fn a_prompt_that_may_not_have_the_models_format_is_a_warning_or_an_error() {
    let world = World::builder().build();
    let model = |name: &str| Settings { hf_model_name: Some(name.to_owned()), ..Settings::default() };
    let (acme, cut) = ("acme/model".to_owned(), "jumpstart-dft-hf-textgeneration1-mp-20240815-185614");
    let cases = [
        (model("acme/model"), "e", Some(TemplateWarning::UnknownModel { model: acme })),
        (Settings::default(), "e", Some(TemplateWarning::UnknownEndpoint { endpoint: "e".to_owned() })),
        (
            Settings::default(),
            "writer-palmyra-x-004",
            Some(TemplateWarning::UnknownChatModel { endpoint: "writer-palmyra-x-004".to_owned() }),
        ),
        (
            Settings::default(),
            cut,
            Some(TemplateWarning::Guessed { endpoint: cut.to_owned(), family: "alpaca".to_owned() }),
        ),
        (Settings::default(), "huggingface-reasoning-qwen3-8b", None),
        (model("meta-llama/Llama-2-7b"), "e", None),
    ];
    for (settings, endpoint, expected) in cases {
        let chosen = chosen_template(&world, &settings, endpoint).await.unwrap();
        assert_eq!(chosen.warning, expected, "{endpoint}");
        let strict = Settings { strict_chat_templates: Some(true), ..settings };
        let refused =
            chosen_template(&world, &strict, endpoint).await.err().map(|error| (error.kind(), error.to_string()));
        let wanted = expected.map(|warning| (ErrorKind::Configuration, warning.to_string()));
        assert_eq!(refused.as_ref().map(|(kind, _)| *kind), wanted.as_ref().map(|(kind, _)| *kind), "{endpoint}");
        if let (Some((_, said)), Some((_, wanted))) = (refused, wanted) {
            assert!(said.contains(&wanted), "{said}");
        }
    }
}
