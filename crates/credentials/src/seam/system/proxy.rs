//! The proxies that the environment configures. The rules are those of curl: lower case before
//! upper case, and `NO_PROXY` lists the exceptions.

use reqwest::{NoProxy, Proxy};

use crate::seam::{Env, HttpError, HttpErrorKind};

/// The proxies of the environment.
pub(super) fn from_env(env: &dyn Env) -> Result<Vec<Proxy>, HttpError> {
    let exceptions = setting(env, "no_proxy", "NO_PROXY").and_then(|(_, list)| NoProxy::from_string(&list));
    let mut proxies = Vec::new();
    let mut add = |found: Option<(&'static str, String)>, build: fn(String) -> reqwest::Result<Proxy>| {
        let Some((name, url)) = found else { return Ok(()) };
        // The value may contain a password, so the error names only the variable.
        let proxy = build(url).map_err(|_| {
            HttpError::new(
                HttpErrorKind::Configuration,
                format!("invalid `{name}`: expected the URL of an HTTP proxy; correct or unset it"),
            )
        })?;
        proxies.push(proxy.no_proxy(exceptions.clone()));
        Ok::<(), HttpError>(())
    };
    add(setting(env, "https_proxy", "HTTPS_PROXY"), Proxy::https)?;
    // In a CGI program HTTP_PROXY is a request header that callers can send (CVE-2016-5385): only
    // the lower-case name is safe there.
    let http = match env.var("REQUEST_METHOD") {
        Some(_) => setting(env, "http_proxy", "http_proxy"),
        None => setting(env, "http_proxy", "HTTP_PROXY"),
    };
    add(http, Proxy::http)?;
    add(setting(env, "all_proxy", "ALL_PROXY"), Proxy::all)?;
    Ok(proxies)
}

fn setting(env: &dyn Env, lower: &'static str, upper: &'static str) -> Option<(&'static str, String)> {
    [lower, upper].into_iter().find_map(|name| Some((name, env.var(name).filter(|value| !value.trim().is_empty())?)))
}

#[cfg(test)]
mod tests {
    use super::from_env;
    use crate::seam::{HttpErrorKind, MapEnv};

    #[test]
    fn one_proxy_for_each_variable() {
        let env = MapEnv::from([("https_proxy", "http://a:1"), ("HTTP_PROXY", "http://b:2"), ("ALL_PROXY", "")]);
        assert_eq!(from_env(&env).unwrap().len(), 2);
        assert_eq!(from_env(&env.with("REQUEST_METHOD", "GET")).unwrap().len(), 1);
    }

    #[test]
    fn a_bad_value_is_named_but_not_shown() {
        let error = from_env(&MapEnv::from([("HTTPS_PROXY", "http://user:hidden@[")])).unwrap_err();
        assert_eq!(error.kind(), HttpErrorKind::Configuration);
        assert!(error.to_string().contains("HTTPS_PROXY"), "{error}");
        assert!(!format!("{error} {error:?}").contains("hidden"));
    }
}
