//! Asking the Hub for one file of a model.
//!
//! Owns whom a request may go to: only a checked model name is asked for, the token goes to the
//! Hub's own host alone, and redirects are followed a few times at most.
//!
//! <https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables>

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use sagewire_chat_template::model_files::HubModel;
use sagewire_credentials::seam::{RequestOptions, World};
use url::{Host, Url};

use super::super::{disk::MAX_FILE, error::LookupError};

const OFFICIAL: &str = "https://huggingface.co";
/// Where the official Hub keeps files.
const OFFICIAL_DOMAINS: [&str; 2] = ["huggingface.co", "hf.co"];
const MAX_REDIRECTS: usize = 4;

/// The Hub or a mirror of it.
#[derive(Debug)]
pub(super) struct Hub<'w> {
    world: &'w World,
    home: Url,
    /// The whole header, marked sensitive.
    token: Option<HeaderValue>,
}

impl<'w> Hub<'w> {
    /// The Hub that `HF_ENDPOINT` names, with the token of `HF_TOKEN`.
    pub(super) fn from_env(world: &'w World) -> Result<Self, LookupError> {
        let bad = |what| {
            LookupError::broken("hub_access", format!("HF_ENDPOINT {what}: set it to the Hub's URL or a mirror's"))
        };
        let endpoint = world.var("HF_ENDPOINT").unwrap_or_else(|| OFFICIAL.to_owned());
        let home = Url::parse(&endpoint).map_err(|error| bad("is not a URL").with_source(error))?;
        if !matches!(home.scheme(), "http" | "https") || home.query().is_some() || home.fragment().is_some() {
            return Err(bad("is not a plain HTTP URL"));
        }
        Ok(Self { world, token: token(world, &home)?, home })
    }

    /// One file; nothing where the Hub says that there is none.
    pub(super) async fn get(&self, model: &HubModel, revision: &str, file: &str) -> Result<Option<Bytes>, LookupError> {
        // A `/` is part of the revision's name; nothing else that it may hold needs an escape.
        let revision = revision.replace('/', "%2F");
        let path = format!("{}{}", self.home.path().trim_end_matches('/'), model.url_path(&revision, file));
        let mut url = self.home.clone();
        url.set_path(&path);
        let mut options = RequestOptions::default();
        options.max_response = MAX_FILE;
        for _ in 0..=MAX_REDIRECTS {
            let reply = self.send(&url, &options, model).await?;
            match reply.status() {
                StatusCode::OK => return Ok(Some(reply.into_body())),
                StatusCode::NOT_FOUND => return Ok(None),
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(self.refused(model)),
                status if status.is_redirection() => url = self.next(&url, &reply, model)?,
                status => {
                    return Err(LookupError::unreachable(format!(
                        "the Hub answered {} when asked for the chat template of `{}`: it is asked again in a minute; \
                         or set `chat_template`",
                        status.as_u16(),
                        model.name()
                    )));
                }
            }
        }
        Err(unreachable(model, "it redirects too often"))
    }

    async fn send(
        &self,
        url: &Url,
        options: &RequestOptions,
        model: &HubModel,
    ) -> Result<Response<Bytes>, LookupError> {
        let mut request = Request::get(url.as_str())
            .header(header::USER_AGENT, concat!("sagewire/", env!("CARGO_PKG_VERSION")))
            .body(Bytes::new())
            .map_err(|error| unreachable(model, "the URL is not valid").with_source(error))?;
        if let Some(token) = self.token.as_ref().filter(|_| url.origin() == self.home.origin()) {
            request.headers_mut().insert(header::AUTHORIZATION, token.clone());
        }
        let answer = self.world.http().send(request, options).await;
        answer.map_err(|error| unreachable(model, "there is no answer").with_source(error))
    }

    /// Where a redirect leads: within the Hub, or to where it keeps files, without the token then.
    fn next(&self, url: &Url, reply: &Response<Bytes>, model: &HubModel) -> Result<Url, LookupError> {
        let location = reply.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
        let next = location
            .and_then(|location| url.join(location).ok())
            .ok_or_else(|| unreachable(model, "it redirects to nowhere"))?;
        let is_official = self.home.host_str() == Url::parse(OFFICIAL).ok().as_ref().and_then(Url::host_str);
        let may_follow = next.origin() == self.home.origin()
            // A mirror, which the operator trusts, keeps its files where it likes.
            || (next.scheme() == "https" && (!is_official || OFFICIAL_DOMAINS.iter().any(|domain| is_within(&next, domain))));
        if may_follow {
            return Ok(next);
        }
        Err(unreachable(
            model,
            &format!("it redirects to `{}`, which is not one of its hosts", next.host_str().unwrap_or_default()),
        ))
    }

    fn refused(&self, model: &HubModel) -> LookupError {
        let help = match self.token {
            None => "set HF_TOKEN to a token that may read it",
            Some(_) => "accept its terms on the Hub, or set HF_TOKEN to a token that may read it",
        };
        LookupError::broken(
            "hf_model_name",
            format!(
                "the Hub does not show `{}`, or there is no such model: {help}, correct the name, or set `chat_template`",
                model.name()
            ),
        )
    }
}

/// `HF_TOKEN` as a header; nothing where it would travel readably to another machine.
fn token(world: &World, home: &Url) -> Result<Option<HeaderValue>, LookupError> {
    let Some(token) = world.var("HF_TOKEN") else { return Ok(None) };
    let is_this_machine = match home.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if home.scheme() != "https" && !is_this_machine {
        tracing::warn!(target: "sagewire::template", "HF_TOKEN is not sent because HF_ENDPOINT is not an `https` URL");
        return Ok(None);
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| {
        LookupError::broken("hub_access", "HF_TOKEN contains characters that are invalid in a token: copy it again")
    })?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn is_within(url: &Url, domain: &str) -> bool {
    url.host_str().and_then(|host| host.strip_suffix(domain)).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn unreachable(model: &HubModel, why: &str) -> LookupError {
    LookupError::unreachable(format!(
        "the chat template of `{}` could not be fetched from the Hub, as {why}: check the network, or set `chat_template`",
        model.name()
    ))
}
