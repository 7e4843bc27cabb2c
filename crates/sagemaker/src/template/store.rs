//! Our own folder for what was fetched from the Hub, so that a model is fetched once, however often
//! programs start.
//!
//! Owns where it is and what is in it: for each model and revision a folder with one small
//! `tokenizer_config.json`, which is written in one step. A program may name such a folder as its
//! template.

use std::{io, path::PathBuf};

use sagewire_chat_template::{
    ChatTemplate,
    model_files::{HubModel, TOKENIZER_CONFIG},
};
use sagewire_credentials::seam::World;

use super::{disk, error::LookupError, model_files::ModelFiles};

/// The folder of one model in one revision.
#[derive(Debug)]
pub(super) struct Store<'w> {
    world: &'w World,
    folder: PathBuf,
}

impl<'w> Store<'w> {
    /// The folder; nothing where neither it nor a home folder is set. The revision was checked.
    pub(super) fn of(world: &'w World, model: &HubModel, revision: &str) -> Option<Self> {
        let set = |name: &str| world.var(name).map(PathBuf::from);
        let base = set("SAGEWIRE_CACHE_DIR")
            .or_else(|| Some(set("XDG_CACHE_HOME")?.join("sagewire")))
            .or_else(|| Some(disk::home(world)?.join(".cache").join("sagewire")))?;
        let name = format!("{}@{}", model.name().replace('/', "--"), revision.replace('/', "%2F"));
        Some(Self { world, folder: base.join("chat-templates").join(name) })
    }

    /// What was fetched before. A folder that cannot be read holds nothing.
    ///
    /// # Errors
    /// For a template that is there and cannot be used.
    pub(super) async fn read(&self) -> Result<Option<ChatTemplate>, LookupError> {
        let place = format!("`{}`, which may be deleted,", self.folder.display());
        match disk::from_folder(self.world, &self.folder, &place, "hf_model_name").await {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(target: "sagewire::template", folder = %self.folder.display(), %error, "not readable");
                Ok(None)
            }
        }
    }

    /// Keeps these files. A disk that is full or read-only costs no more than another fetch by the
    /// next program.
    pub(super) async fn keep<B: AsRef<[u8]>>(&self, files: &ModelFiles<B>, place: &str) -> Result<(), LookupError> {
        let content = files.as_one(place, "hf_model_name")?;
        if let Err(error) = self.write(&content).await {
            tracing::warn!(target: "sagewire::template", folder = %self.folder.display(), %error,
                "a chat template from the Hub could not be kept on disk: set SAGEWIRE_CACHE_DIR to a folder that can be written");
        }
        Ok(())
    }

    async fn write(&self, content: &[u8]) -> io::Result<()> {
        self.world.files().create_folder(&self.folder).await?;
        self.world.files().replace(&self.folder.join(TOKENIZER_CONFIG), content).await
    }
}
