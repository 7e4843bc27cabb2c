//! The proxies that the environment names: the commonest thing to stand in the way unseen.

use sagewire::credentials::seam::World;

use super::{
    report::{Status, Step},
    url::Target,
};

const NAME: &str = "proxy";

/// A proxy variable that is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proxy {
    pub(super) variable: &'static str,
    /// The URL without user and password.
    pub(super) url: String,
}

/// The proxy that a call to this URL would take, `NO_PROXY` aside.
pub(super) fn of(world: &World, target: &Target) -> Option<Proxy> {
    let names: &[&'static str] = match target.url.scheme() {
        "https" => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        _ => &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
    };
    names.iter().find_map(|variable| Some(Proxy { variable, url: shown(&world.var(variable)?) }))
}

pub(super) fn look(world: &World, target: Option<&Target>) -> Option<Step> {
    let target = target?;
    let proxy = of(world, target)?;
    let exceptions = ["no_proxy", "NO_PROXY"].iter().find_map(|name| world.var(name));
    let details = match exceptions {
        Some(list) => format!("NO_PROXY is `{list}`"),
        None => "NO_PROXY is not set".to_owned(),
    };
    let summary = format!(
        "{} is set: calls to {} go through {}, unless NO_PROXY excepts it",
        proxy.variable,
        target.host(),
        proxy.url
    );
    Some(Step::new(NAME, Status::Warning, summary).with_details([details]))
}

fn shown(value: &str) -> String {
    match value.parse::<url::Url>() {
        Ok(mut url) if url.has_host() => {
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.set_query(None);
            url.to_string().trim_end_matches('/').to_owned()
        }
        // `host:port`, or something that may hold a password.
        _ if !value.contains('@') => value.to_owned(),
        _ => "[hidden]".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use sagewire::credentials::seam::MapEnv;

    use super::*;

    fn world<const N: usize>(variables: [(&str, &str); N]) -> World {
        World::builder().with_env(MapEnv::from(variables)).build()
    }

    #[test]
    fn the_variable_of_the_scheme_counts_and_its_password_is_not_shown() {
        let target = |url: &str| Target { url: url.parse().unwrap(), setting: None };
        let world = world([("HTTPS_PROXY", "http://me:s3cret@proxy:3128/"), ("NO_PROXY", "localhost")]);
        let step = look(&world, Some(&target("https://runtime.sagemaker.us-east-1.amazonaws.com"))).unwrap();
        assert!(step.summary.contains("HTTPS_PROXY") && step.summary.contains("http://proxy:3128"), "{}", step.summary);
        assert!(!format!("{step:?}").contains("s3cret"));
        assert_eq!(look(&world, Some(&target("http://127.0.0.1:1"))), None);
        assert_eq!(shown("user:s3cret@proxy:3128"), "[hidden]");
        assert_eq!(shown("proxy:3128"), "proxy:3128");
    }
}
