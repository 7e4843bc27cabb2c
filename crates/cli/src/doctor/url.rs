//! The URL of the calls, its source, and whether it has a path that replaces the endpoint's own.

use sagewire::credentials::{LocatedRegion, SharedConfig, endpoint::ConfiguredUrl, seam::World};

use super::{report::Step, skipped, subject::Subject};

const NAME: &str = "url";

/// Where calls go.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) url: url::Url,
    /// The setting that it comes from, if it is set.
    pub(super) setting: Option<String>,
}

impl Target {
    /// The host, with its port.
    pub(super) fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// A path that is not an invocation's. Nothing is added to it, so the endpoint's name is
    /// missing.
    pub(super) fn stray_path(&self) -> Option<&str> {
        let path = self.url.path();
        let is_invocation = ["/invocations", "/invocations-response-stream"].iter().any(|end| path.ends_with(end));
        (path != "/" && !is_invocation).then_some(path)
    }

    /// The URL without its path.
    pub(super) fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }
}

pub(super) async fn look(subject: &Subject, world: &World, region: Option<&LocatedRegion>) -> (Step, Option<Target>) {
    let explicit = subject.settings().ok().and_then(|settings| settings.base_url);
    if region.is_none() && explicit.is_none() {
        return (skipped(NAME, "it depends on the region"), None);
    }
    let region = region.map(|found| &found.region);
    let wrong = "write the URL as `https://host[:port]`, without user, password or query";
    let config = SharedConfig::load(world, subject.aws().profile_name(world).as_deref()).await;
    let service = subject.service();
    let found = config.configured_url(service, explicit.as_deref()).and_then(|configured| {
        let url = config.service_url(service, region, explicit.as_deref())?;
        Ok((configured, url))
    });
    let (configured, text) = match found {
        Ok(found) => found,
        Err(error) => return (Step::failed(NAME, super::with_causes(&error), wrong), None),
    };
    let Ok(url) = text.parse::<url::Url>() else { return (Step::failed(NAME, "it is not a URL", wrong), None) };
    let setting = configured.as_ref().map(ConfiguredUrl::source).map(|source| match &explicit {
        // What was given here has a name of its own.
        Some(_) => "`sagemaker_base_url` (`--base-url`)".to_owned(),
        None => source.to_string(),
    });
    let target = Target { url, setting };
    let origin = target.origin();
    let from = match &target.setting {
        Some(setting) => format!("set by {setting}"),
        None => "the region's own host".to_owned(),
    };
    let step = match (target.stray_path(), target.url.path()) {
        (Some(path), _) => {
            let fix = stray_path_fix(&target);
            Step::warning(NAME, format!("{origin}{path}, {from}: the path `{path}` is used unchanged"), fix)
        }
        (None, "/") => Step::ok(NAME, format!("{origin}, {from}")),
        (None, path) => Step::ok(NAME, format!("{origin}{path}, {from}"))
            .with_details(["used unchanged for whole answers and streams".to_owned()]),
    };
    (step, Some(target))
}

/// What to do about a base URL with a path.
pub(super) fn stray_path_fix(target: &Target) -> String {
    format!(
        "leave the path out: set `{}`, and `/endpoints/<name>/invocations` is added to it. A URL with a path is called unchanged",
        target.origin()
    )
}
