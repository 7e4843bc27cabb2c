//! Chat templates on disk: a file or folder that the operator names, and Hugging Face's cache.
//!
//! Owns which files are read, and their largest size. Names and paths inside the cache are the
//! template crate's.

use std::{
    io,
    path::{Path, PathBuf},
};

use sagewire_chat_template::{
    ChatTemplate,
    model_files::{
        ADDITIONAL_NAMES, ADDITIONAL_TEMPLATES, CHAT_TEMPLATE, HubModel, PROCESSOR_TEMPLATE, SPECIAL_TOKENS_MAP,
        TOKENIZER_CONFIG, hub_cache,
    },
};
use sagewire_credentials::seam::World;
use zeroize::Zeroizing;

use super::{error::LookupError, model_files::ModelFiles, search::Look};

/// The largest file read: configurations with a whole vocabulary of added tokens have a few
/// megabytes.
pub(super) const MAX_FILE: u64 = 16 * 1024 * 1024;

/// The setting that names a file or folder.
const PARAM: &str = "chat_template";

type Content = Zeroizing<Vec<u8>>;

/// The template in this file or model folder.
///
/// # Errors
/// Where there is none, as it was asked for by name, or where it cannot be used.
pub(super) async fn from_path(world: &World, path: &Path) -> Result<ChatTemplate, LookupError> {
    let path = in_home(world, path.to_owned());
    let place = format!("`{}`", path.display());
    let found = find_at(world, &path, &place).await.map_err(|error| {
        LookupError::bad_file(format!("the chat template at {place} cannot be read: {error}")).with_source(error)
    })?;
    found.map_err(LookupError::of_a_file)?.ok_or_else(|| {
        LookupError::bad_file(format!(
            "no chat template is at {place}: name a file of Jinja, a `tokenizer_config.json`, or a model's folder"
        ))
    })
}

async fn find_at(world: &World, path: &Path, place: &str) -> io::Result<Result<Option<ChatTemplate>, LookupError>> {
    let folder = path.parent().unwrap_or(Path::new(""));
    if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
        match from_folder(world, path, place, PARAM).await? {
            Ok(None) => {}
            done => return Ok(done),
        }
        let Some(jinja) = read(world, path).await? else { return Ok(Ok(None)) };
        // The special tokens that the template prints stand beside it.
        let files = ModelFiles { jinja: Some(jinja), ..tokens_of(world, folder).await? };
        return Ok(files.compile(place, PARAM));
    }
    let Some(json) = read(world, path).await? else { return Ok(Ok(None)) };
    if path.file_name().is_some_and(|name| name == PROCESSOR_TEMPLATE) {
        let files = ModelFiles { processor: Some(json), ..tokens_of(world, folder).await? };
        return Ok(files.compile(place, PARAM));
    }
    match (ModelFiles { config: Some(json), ..ModelFiles::default() }).compile(place, PARAM) {
        // Newer models keep the template beside the configuration.
        Ok(None) => from_folder(world, folder, place, PARAM).await,
        done => Ok(done),
    }
}

/// The template of a model that Hugging Face's tools downloaded.
pub(super) async fn from_hub_cache(world: &World, model: &HubModel, revision: &str) -> Result<Look, LookupError> {
    let Some(cache) = hub_cache(|name| world.var(name)).map(|cache| in_home(world, cache)) else {
        return Ok(Look::Nothing("Hugging Face's cache: no home folder is set".to_owned()));
    };
    let nothing = |why: &str| Ok(Look::Nothing(format!("Hugging Face's cache at `{}`: {why}", cache.display())));
    let commit = match read(world, &cache.join(model.cached_reference(revision))).await {
        Ok(Some(reference)) => String::from_utf8_lossy(&reference).trim().to_owned(),
        // The revision may be a commit itself.
        Ok(None) => revision.to_owned(),
        Err(error) => return nothing(&error.to_string()),
    };
    if commit.is_empty() || !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return nothing("the model is not there in this revision");
    }
    let snapshot = cache.join(model.cached_file(&commit, ""));
    let place = format!("`{}`", snapshot.display());
    match from_folder(world, &snapshot, &place, "hf_model_name").await {
        Ok(found) => match found? {
            Some(template) => Ok(Look::Template(template)),
            None => nothing("the model has no template there"),
        },
        // An unreadable home folder, as in many containers, hides what else is known of the model no more than a
        // missing one.
        Err(error) => nothing(&error.to_string()),
    }
}

/// The template of the model files in a folder, if there is one. The outer error is the disk's, the
/// inner that of what is there.
pub(super) async fn from_folder(
    world: &World,
    folder: &Path,
    place: &str,
    param: &'static str,
) -> io::Result<Result<Option<ChatTemplate>, LookupError>> {
    let jinja = read(world, &folder.join(CHAT_TEMPLATE)).await?;
    let mut files = ModelFiles { jinja, ..tokens_of(world, folder).await? };
    // `transformers` writes them beside `chat_template.jinja`.
    if files.jinja.is_some() {
        for name in ADDITIONAL_NAMES {
            let file = folder.join(ADDITIONAL_TEMPLATES).join(format!("{name}.jinja"));
            files.additional.extend(read(world, &file).await?.map(|source| (name, source)));
        }
    }
    match files.compile(place, param) {
        Ok(None) => {}
        done => return Ok(done),
    }
    files.processor = read(world, &folder.join(PROCESSOR_TEMPLATE)).await?;
    Ok(files.compile(place, param))
}

/// The files of a folder that hold the special tokens.
async fn tokens_of(world: &World, folder: &Path) -> io::Result<ModelFiles<Content>> {
    let config = read(world, &folder.join(TOKENIZER_CONFIG)).await?;
    let tokens = read(world, &folder.join(SPECIAL_TOKENS_MAP)).await?;
    Ok(ModelFiles { config, tokens, ..ModelFiles::default() })
}

/// A path of which `~` may be the beginning, as Hugging Face's tools take it.
fn in_home(world: &World, path: PathBuf) -> PathBuf {
    match (path.strip_prefix("~"), home(world)) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path,
    }
}

/// The home folder.
pub(super) fn home(world: &World) -> Option<PathBuf> {
    sagewire_credentials::profile::Platform::current().home(|name| world.var(name)).map(PathBuf::from)
}

/// A file, if it is there.
pub(super) async fn read(world: &World, path: &Path) -> io::Result<Option<Content>> {
    match world.files().read(path, MAX_FILE).await {
        Ok(content) => Ok(Some(content)),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => Ok(None),
            _ => Err(error),
        },
    }
}

#[cfg(test)]
mod tests;
