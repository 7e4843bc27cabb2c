//! The proxies that the environment names: the commonest thing to stand in the way unseen.
//!
//! Owns which of the variables counts for a call. Whether a host is excepted is decided by the code
//! that the calls themselves go through.

use hyper_util::client::proxy::matcher::Matcher;
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

/// The variables, as the transport asks for them: of each pair the first that is set.
const HTTPS: [&str; 2] = ["HTTPS_PROXY", "https_proxy"];
const HTTP: [&str; 2] = ["HTTP_PROXY", "http_proxy"];
const ALL: [&str; 2] = ["ALL_PROXY", "all_proxy"];
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The proxy that a call to this URL takes.
pub(super) fn of(world: &World, target: &Target) -> Option<Proxy> {
    let exceptions = first(world, EXCEPTIONS).map(|(_, list)| list).unwrap_or_default();
    named(world, target, &exceptions)
}

pub(super) fn look(world: &World, target: Option<&Target>) -> Option<Step> {
    let target = target?;
    let host = target.host();
    if let Some(proxy) = of(world, target) {
        let details = match first(world, EXCEPTIONS) {
            Some((variable, list)) => format!("{variable} is `{list}`, which does not except this host"),
            None => "NO_PROXY is not set".to_owned(),
        };
        let summary = format!("{} is set: calls to {host} go through {}", proxy.variable, proxy.url);
        return Some(Step::new(NAME, Status::Warning, summary).with_details([details]));
    }
    let proxy = named(world, target, "")?;
    let (variable, list) = first(world, EXCEPTIONS)?;
    let summary = format!("{} is set, and {variable} excepts {host}: calls go straight there", proxy.variable);
    Some(Step::ok(NAME, summary).with_details([format!("{variable} is `{list}`")]))
}

/// The proxy for the URL, with these exceptions.
fn named(world: &World, target: &Target, exceptions: &str) -> Option<Proxy> {
    // In a CGI program HTTP_PROXY is a request header that anyone can send: there the transport heeds
    // no variable.
    if world.var("REQUEST_METHOD").is_some() {
        return None;
    }
    let uri: http::Uri = target.url.as_str().parse().ok()?;
    let of_scheme = if target.url.scheme() == "https" { HTTPS } else { HTTP };
    [of_scheme, ALL].into_iter().find_map(|names| {
        let (variable, value) = first(world, names)?;
        let matcher = Matcher::builder().all(value.as_str()).no(exceptions).build();
        matcher.intercept(&uri).map(|_| Proxy { variable, url: shown(&value) })
    })
}

fn first(world: &World, names: [&'static str; 2]) -> Option<(&'static str, String)> {
    names.into_iter().find_map(|name| Some((name, world.var(name)?)))
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

    fn target(url: &str) -> Target {
        Target { url: url.parse().unwrap(), setting: None }
    }

    const AWS: &str = "https://runtime.sagemaker.us-east-1.amazonaws.com";

    #[test]
    fn the_variable_of_the_scheme_counts_and_its_password_is_not_shown() {
        let world = world([("HTTPS_PROXY", "http://me:s3cret@proxy:3128/"), ("NO_PROXY", "localhost")]);
        let step = look(&world, Some(&target(AWS))).unwrap();
        assert_eq!(step.status, Status::Warning);
        assert!(step.summary.contains("HTTPS_PROXY") && step.summary.contains("http://proxy:3128"), "{}", step.summary);
        assert!(!format!("{step:?}").contains("s3cret"));
        assert_eq!(look(&world, Some(&target("http://127.0.0.1:1"))), None);
        assert_eq!(shown("user:s3cret@proxy:3128"), "[hidden]");
        assert_eq!(shown("proxy:3128"), "proxy:3128");
    }

    #[test]
    fn exceptions_are_those_of_the_calls() {
        for (list, excepts) in [
            ("runtime.sagemaker.us-east-1.amazonaws.com", true),
            ("localhost, .amazonaws.com", true),
            ("amazonaws.com", true),
            ("*", true),
            ("aws.com", false),
            ("*.amazonaws.com", false),
            ("10.0.0.0/8", false),
            ("", false),
        ] {
            let world = world([("https_proxy", "http://proxy:3128"), ("no_proxy", list)]);
            assert_eq!(of(&world, &target(AWS)).is_none(), excepts, "{list}");
            let step = look(&world, Some(&target(AWS))).unwrap();
            assert_eq!(step.status, if excepts { Status::Ok } else { Status::Warning }, "{list}: {step:?}");
        }
        let private = world([("http_proxy", "http://proxy:3128"), ("NO_PROXY", "10.0.0.0/8")]);
        assert_eq!(of(&private, &target("http://10.1.2.3:8080")), None);
        assert!(of(&private, &target("http://11.1.2.3:8080")).is_some());
    }

    #[test]
    fn of_two_variables_the_first_counts_and_what_is_no_proxy_is_passed_over() {
        let both = world([
            ("https_proxy", "http://lower:1"),
            ("HTTPS_PROXY", "http://upper:1"),
            ("ALL_PROXY", "http://all:1"),
        ]);
        assert_eq!(of(&both, &target(AWS)).unwrap().variable, "HTTPS_PROXY");
        let wrong = world([("HTTPS_PROXY", "ftp://proxy:1"), ("ALL_PROXY", "http://all:1")]);
        assert_eq!(of(&wrong, &target(AWS)).unwrap().variable, "ALL_PROXY");
        assert_eq!(of(&world([("HTTPS_PROXY", "")]), &target(AWS)), None);
        assert_eq!(of(&world([("HTTPS_PROXY", "http://p:1"), ("REQUEST_METHOD", "GET")]), &target(AWS)), None);
    }
}
