//! Chat templates from the Hugging Face Hub, where the operator allows it.
//!
//! Owns the requests: one fetch for a model ever, kept on disk. Only a checked model name is asked for, the token goes to the Hub's own
//! host alone, and redirects are followed a few times at most.
//!
//! <https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables>

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use sagewire_chat_template::{
    ChatTemplate,
    model_files::{CHAT_TEMPLATE, HubModel, TOKENIZER_CONFIG},
};
use sagewire_credentials::seam::{RequestOptions, World};
use sagewire_types::{Error, ErrorKind};
use url::Url;

use super::{disk, from_files};

const DEFAULT_ENDPOINT: &str = "https://huggingface.co";
const MAX_REDIRECTS: usize = 4;

/// The model's template; nothing where the Hub has none, or is not to be asked now.
///
/// # Errors
/// `Connection` where the Hub cannot be reached, `Configuration` for a template that cannot be used.
pub(super) async fn fetch(world: &World, model: &HubModel, revision: &str) -> Result<Option<ChatTemplate>, Error> {
    let place = format!("`{}` on the Hub", model.name());
    let folder =
        disk::own_cache(world).map(|cache| cache.join(format!("{}@{revision}", model.name().replace('/', "--"))));
    if let Some(folder) = &folder
        && let Some(template) = disk::from_folder(world, folder, &place).await?
    {
        return Ok(Some(template));
    }
    let is_on = |value: String| !matches!(value.to_ascii_lowercase().as_str(), "0" | "false" | "no" | "off");
    if world.var("HF_HUB_OFFLINE").is_some_and(is_on) {
        return Ok(None);
    }
    let config = get(world, model, revision, TOKENIZER_CONFIG).await?;
    let jinja = get(world, model, revision, CHAT_TEMPLATE).await?;
    let jinja_text = jinja.as_ref().and_then(|jinja| std::str::from_utf8(jinja).ok());
    let template = from_files(config.as_deref(), jinja_text, &place)?;
    if let (Some(folder), Some(_)) = (folder, &template) {
        let kept = keep(world, &folder, [(TOKENIZER_CONFIG, config), (CHAT_TEMPLATE, jinja)]).await;
        if let Err(error) = kept {
            tracing::warn!(target: "sagewire::template", %error, "the template fetched from the Hub could not be kept on disk");
        }
    }
    Ok(template)
}

async fn keep(world: &World, folder: &std::path::Path, files: [(&str, Option<Bytes>); 2]) -> std::io::Result<()> {
    world.files().create_folder(folder).await?;
    for (name, content) in files {
        if let Some(content) = content {
            world.files().replace(&folder.join(name), &content).await?;
        }
    }
    Ok(())
}

/// One file; nothing where the Hub says that there is none.
async fn get(world: &World, model: &HubModel, revision: &str, file: &str) -> Result<Option<Bytes>, Error> {
    let endpoint = world.var("HF_ENDPOINT").unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned());
    let home = Url::parse(&endpoint).map_err(|error| {
        Error::new(ErrorKind::Configuration, "HF_ENDPOINT is no URL: set it to the Hub's or a mirror's")
            .with_source(error)
    })?;
    let start = format!("{}{}", endpoint.trim_end_matches('/'), model.url_path(revision, file));
    let mut url = Url::parse(&start).map_err(|error| unreachable(model).with_source(error))?;
    let mut options = RequestOptions::default();
    options.max_response = disk::MAX_FILE;
    for _ in 0..=MAX_REDIRECTS {
        let mut request =
            Request::get(url.as_str()).body(Bytes::new()).map_err(|error| unreachable(model).with_source(error))?;
        let at_home = url.origin() == home.origin();
        if let Some(token) = world.var("HF_TOKEN").filter(|_| at_home) {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| {
                Error::new(ErrorKind::Configuration, "HF_TOKEN holds characters that no token has: copy it again")
            })?;
            value.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        let reply =
            world.http().send(request, &options).await.map_err(|error| unreachable(model).with_source(error))?;
        match reply.status() {
            status if status.is_success() => return Ok(Some(reply.into_body())),
            StatusCode::NOT_FOUND => return Ok(None),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err(Error::new(
                    ErrorKind::Configuration,
                    format!(
                        "the Hub does not show `{}`: set HF_TOKEN to a token that may read it, or give the template",
                        model.name()
                    ),
                ));
            }
            status if status.is_redirection() => {
                let location = reply.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
                let next = location
                    .and_then(|location| url.join(location).ok())
                    .filter(|next| next.scheme() == "https" || next.origin() == home.origin());
                url = next.ok_or_else(|| unreachable(model))?;
            }
            status => {
                return Err(Error::new(
                    ErrorKind::Connection,
                    format!(
                        "the Hub answered {} for `{}`: ask again, or give the template",
                        status.as_u16(),
                        model.name()
                    ),
                ));
            }
        }
    }
    Err(unreachable(model))
}

fn unreachable(model: &HubModel) -> Error {
    Error::new(
        ErrorKind::Connection,
        format!(
            "the chat template of `{}` could not be fetched from the Hub: check the network, or give the template with `chat_template`",
            model.name()
        ),
    )
}
