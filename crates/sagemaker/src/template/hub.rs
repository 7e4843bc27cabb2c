//! Chat templates from the Hugging Face Hub, where the operator allows it: one fetch for a model
//! ever.
//!
//! Owns whether the Hub is asked, and for which files; how it is asked is [`request`]'s, and what
//! was fetched before is [`store`](super::store)'s.

use futures_util::future;
use sagewire_chat_template::model_files::{CHAT_TEMPLATE, HubModel, PROCESSOR_TEMPLATE, TOKENIZER_CONFIG};
use sagewire_credentials::seam::World;

use self::request::Hub;
use super::{error::LookupError, model_files::ModelFiles, search::Look, store::Store};

mod request;

const PARAM: &str = "hf_model_name";

/// The model's template, from what was fetched before or from the Hub.
///
/// # Errors
/// Where the Hub does not answer or refuses, and for a template that cannot be used.
pub(super) async fn look(
    world: &World,
    model: &HubModel,
    revision: &str,
    hub_access: bool,
) -> Result<Look, LookupError> {
    if !hub_access {
        return Ok(Look::Nothing("the Hub: was not asked, as `hub_access` is off".to_owned()));
    }
    let store = Store::of(world, model, revision);
    if let Some(store) = &store {
        if let Some(template) = store.read().await? {
            return Ok(Look::Template(template));
        }
    }
    if let Some(variable) = ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"].into_iter().find(|name| is_on(world, name)) {
        return Ok(Look::Nothing(format!("the Hub: was not asked, as {variable} is set")));
    }
    let place = format!("`{}` on the Hub", model.name());
    let hub = Hub::from_env(world)?;
    let get = |file| hub.get(model, revision, file);
    let (config, jinja) = future::join(get(TOKENIZER_CONFIG), get(CHAT_TEMPLATE)).await;
    let mut files = ModelFiles { config: config?, jinja: jinja?, ..ModelFiles::default() };
    let mut template = files.compile(&place, PARAM)?;
    if template.is_none() && files.config.is_some() {
        files.processor = get(PROCESSOR_TEMPLATE).await?;
        template = files.compile(&place, PARAM)?;
    }
    let Some(template) = template else {
        return Ok(Look::Nothing("the Hub: has no template of the model".to_owned()));
    };
    if let Some(store) = &store {
        store.keep(&files, &place).await?;
    }
    Ok(Look::Template(template))
}

/// Whether a switch is on. What is no clear "no" counts as "yes": it keeps the program from asking.
fn is_on(world: &World, name: &str) -> bool {
    let is_no = |value: String| matches!(value.to_ascii_lowercase().as_str(), "0" | "false" | "no" | "off");
    world.var(name).is_some_and(|value| !is_no(value))
}

#[cfg(test)]
mod tests;
