//! Chat templates on disk: a file or folder that the operator names, and Hugging Face's cache.
//!
//! Owns which files are read, and their largest size. Names and paths are the template crate's.

use std::{
    io,
    path::{Path, PathBuf},
};

use sagewire_chat_template::{
    ChatTemplate,
    model_files::{CHAT_TEMPLATE, HubModel, TOKENIZER_CONFIG, hub_cache},
};
use sagewire_credentials::seam::World;
use sagewire_types::{Error, ErrorKind};
use zeroize::Zeroizing;

use super::from_files;

/// The largest file read: configurations with a whole vocabulary of added tokens have a few megabytes.
pub(super) const MAX_FILE: u64 = 16 * 1024 * 1024;

/// The template in this file or folder; nothing where there is none.
pub(super) async fn from_path(world: &World, path: &Path) -> Result<Option<ChatTemplate>, Error> {
    let place = format!("`{}`", path.display());
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    if is_json && let Some(config) = read(world, path).await? {
        return from_files(Some(&config), None, &place);
    }
    let folder = from_folder(world, path, &place).await?;
    if folder.is_some() || is_json {
        return Ok(folder);
    }
    match read(world, path).await? {
        Some(jinja) => from_files(None, Some(text(&jinja, &place)?), &place),
        None => Ok(None),
    }
}

/// The template of a model that Hugging Face's tools downloaded.
pub(super) async fn from_hub_cache(
    world: &World,
    model: &HubModel,
    revision: &str,
) -> Result<Option<ChatTemplate>, Error> {
    let Some(cache) = hub_cache(|name| world.var(name)) else { return Ok(None) };
    let commit = match read(world, &cache.join(model.cached_reference(revision))).await? {
        Some(reference) => String::from_utf8_lossy(&reference).trim().to_owned(),
        // The revision may be a commit itself.
        None => revision.to_owned(),
    };
    if !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) || commit.is_empty() {
        return Ok(None);
    }
    let snapshot = cache.join(model.cached_file(&commit, ""));
    from_folder(world, &snapshot, &format!("`{}` in Hugging Face's cache", model.name())).await
}

/// The template of the model files in a folder.
pub(super) async fn from_folder(world: &World, folder: &Path, place: &str) -> Result<Option<ChatTemplate>, Error> {
    let config = read(world, &folder.join(TOKENIZER_CONFIG)).await?;
    let jinja = read(world, &folder.join(CHAT_TEMPLATE)).await?;
    let jinja = jinja.as_ref().map(|jinja| text(jinja, place)).transpose()?;
    from_files(config.as_ref().map(|config| config.as_slice()), jinja, place)
}

/// Our own folder for what was fetched from the Hub.
pub(super) fn own_cache(world: &World) -> Option<PathBuf> {
    let base = world
        .var("SAGEWIRE_CACHE_DIR")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(world.var("XDG_CACHE_HOME")?).join("sagewire")))
        .or_else(|| Some(PathBuf::from(world.var("HOME")?).join(".cache").join("sagewire")))?;
    Some(base.join("chat-templates"))
}

async fn read(world: &World, path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    match world.files().read(path, MAX_FILE).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(Error::new(
            ErrorKind::Configuration,
            format!("`{}`, where a chat template may be, cannot be read: check its permissions", path.display()),
        )
        .with_source(error)),
    }
}

fn text<'a>(bytes: &'a [u8], place: &str) -> Result<&'a str, Error> {
    std::str::from_utf8(bytes).map_err(|error| {
        Error::new(ErrorKind::Configuration, format!("the chat template of {place} is no UTF-8 text"))
            .with_source(error)
    })
}
