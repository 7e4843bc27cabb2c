use sagewire_credentials::seam::{MapEnv, MapFiles};
use sagewire_types::{Error, ErrorKind};

use super::*;
use crate::template::tests::{CACHE, CONFIG, Counted, find, render, settings, templates, world};

const TOKENS: &str = r#"{"eos_token": "</s>"}"#;

async fn at(files: MapFiles, path: &str) -> Result<String, Error> {
    Ok(render(&from_path(&world(files), Path::new(path)).await?))
}

#[tokio::test]
async fn a_path_is_a_folder_or_a_file_of_either_kind() {
    let folder = || MapFiles::new().with("/m/tokenizer_config.json", CONFIG);
    assert_eq!(at(folder(), "/m").await.unwrap(), "<s><hi>");
    assert_eq!(at(folder(), "/m/tokenizer_config.json").await.unwrap(), "<s><hi>");
    let renamed = MapFiles::new().with("/m/mine.JSON", CONFIG);
    assert_eq!(at(renamed, "/m/mine.JSON").await.unwrap(), "<s><hi>");

    // The template's own file stands over the configuration, and is what is used where it is named or
    // the configuration has none.
    let both = || folder().with("/m/chat_template.jinja", "own{{ bos_token }}");
    assert_eq!(at(both(), "/m").await.unwrap(), "own<s>");
    assert_eq!(at(both(), "/m/tokenizer_config.json").await.unwrap(), "<s><hi>");
    let newer = || {
        MapFiles::new().with("/m/tokenizer_config.json", TOKENS).with("/m/chat_template.jinja", "own{{ eos_token }}")
    };
    for path in ["/m", "/m/tokenizer_config.json", "/m/chat_template.jinja"] {
        assert_eq!(at(newer(), path).await.unwrap(), "own</s>", "{path}");
    }

    let older = || {
        let json = r#"{"chat_template": "processor{{ eos_token }}"}"#;
        MapFiles::new().with("/m/tokenizer_config.json", TOKENS).with("/m/chat_template.json", json)
    };
    for path in ["/m", "/m/chat_template.json"] {
        assert_eq!(at(older(), path).await.unwrap(), "processor</s>", "{path}");
    }

    let text = || MapFiles::new().with("/templates/mine", "just Jinja").with("/home/me/t.j2", "at home");
    assert_eq!(at(text(), "/templates/mine").await.unwrap(), "just Jinja");
    assert_eq!(at(text(), "~/t.j2").await.unwrap(), "at home");
}

#[tokio::test]
async fn a_template_that_was_asked_for_and_cannot_be_used_is_an_error_that_names_it() {
    let files = || {
        MapFiles::new()
            .with("/broken.jinja", "{% if %}")
            .with("/latin.jinja", b"\xe9")
            .with("/no.json", "{")
            .with("/base/tokenizer_config.json", TOKENS)
            .with("/large.jinja", vec![b' '; usize::try_from(MAX_FILE).unwrap() + 1])
    };
    for path in ["/broken.jinja", "/latin.jinja", "/no.json", "/base", "/large.jinja", "/missing", "/missing.json"] {
        let error = at(files(), path).await.unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::Configuration, Some("chat_template")), "{error}");
        assert!(error.to_string().contains(path), "{error}");
    }
    let unreadable = world(Counted { unreadable: true, ..Counted::default() });
    let error = Error::from(from_path(&unreadable, Path::new("/m")).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("permission denied"), "{error}");
}

#[tokio::test]
async fn the_cache_is_where_its_variables_say() {
    for (variables, cache) in [
        (vec![("HOME", "/h")], "/h/.cache/huggingface/hub"),
        (vec![("HOME", "/h"), ("HF_HOME", "/f")], "/f/hub"),
        (vec![("HOME", "/h"), ("HF_HOME", "~/f")], "/h/f/hub"),
        (vec![("HOME", "/h"), ("HF_HOME", "/f"), ("HF_HUB_CACHE", "/c")], "/c"),
    ] {
        let files = MapFiles::new()
            .with(format!("{cache}/models--acme--model/refs/main"), "abc123\n")
            .with(format!("{cache}/models--acme--model/snapshots/abc123/tokenizer_config.json"), CONFIG);
        let world = World::builder().with_env(MapEnv::from_iter(variables.clone())).with_files(files).build();
        assert_eq!(find(&templates(), &world, &settings("acme/model")).await.unwrap(), "<s><hi>", "{variables:?}");
    }
    let homeless = World::builder().build();
    assert_eq!(find(&templates(), &homeless, &settings("acme/model")).await.unwrap(), "hi");
}

#[tokio::test]
async fn a_broken_template_in_the_cache_is_an_error_although_the_catalog_knows_the_model() {
    let llama = CACHE.replace("acme--model", "meta-llama--Llama-2-7b-chat-hf");
    let files = |file: &str, content: &str| {
        MapFiles::new()
            .with(format!("{llama}/refs/main"), "abc123")
            .with(format!("{llama}/snapshots/abc123/{file}"), content)
    };
    let settings = settings("meta-llama/Llama-2-7b-chat-hf");
    let broken = world(files("chat_template.jinja", "{% if %}"));
    let error = find(&templates(), &broken, &settings).await.unwrap_err();
    assert_eq!((error.kind(), error.param()), (ErrorKind::Configuration, Some("hf_model_name")));
    assert!(error.to_string().contains(&llama) && error.to_string().contains("syntax error"), "{error}");
    // A model whose tokenizer alone was downloaded has no template there.
    let tokens = world(files("tokenizer_config.json", TOKENS));
    assert_eq!(find(&templates(), &tokens, &settings).await.unwrap(), "<s>[INST] hi [/INST]");
    // The reference of a branch must be a commit, not a path.
    let astray =
        world(MapFiles::new().with(format!("{llama}/refs/main"), "../../x").with("/x/chat_template.jinja", "astray"));
    assert_eq!(find(&templates(), &astray, &settings).await.unwrap(), "<s>[INST] hi [/INST]");
}

#[tokio::test]
async fn a_cache_that_may_not_be_read_hides_nothing() {
    let world = world(Counted { unreadable: true, ..Counted::default() });
    let known = find(&templates(), &world, &settings("meta-llama/Llama-2-7b-chat-hf")).await;
    assert_eq!(known.unwrap(), "<s>[INST] hi [/INST]");
    assert_eq!(find(&templates(), &world, &settings("acme/model")).await.unwrap(), "hi");
}

#[tokio::test]
async fn a_folder_is_read_as_transformers_writes_it() {
    let files = MapFiles::new()
        .with("/m/tokenizer_config.json", r#"{"model_specific_special_tokens": {"image_token": "<image>"}}"#)
        .with("/m/special_tokens_map.json", r#"{"bos_token": {"content": "<s>"}}"#)
        .with("/m/chat_template.jinja", "{{ bos_token }}{{ image_token }}")
        .with("/m/additional_chat_templates/tool_use.jinja", "{{ bos_token }}tools");
    let world = world(files);
    for path in ["/m", "/m/chat_template.jinja"] {
        let template = from_path(&world, Path::new(path)).await.unwrap();
        let messages = [serde_json::json!({"role": "user", "content": "hi"})];
        let conversation = sagewire_chat_template::Conversation::new(&messages);
        let render = |conversation| template.render(&conversation, &|| std::time::UNIX_EPOCH).unwrap();
        assert_eq!(render(conversation), "<s><image>", "{path}");
        let expected = if path == "/m" { "<s>tools" } else { "<s><image>" };
        assert_eq!(render(conversation.tools(&[])), expected, "{path}");
    }
}
