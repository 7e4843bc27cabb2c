//! Which web pages may call the proxy from a browser.
//!
//! Owns the [CORS](https://fetch.spec.whatwg.org/#http-cors-protocol) headers, and the refusal of strange pages where no key is
//! asked for: there, any page that a user opens could otherwise spend the operator's money.

use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header, request::Parts};

use super::{
    arrival::{self, Arrival},
    error::ApiError,
    response::Body,
};

/// The pages that may call.
#[derive(Clone, Debug)]
pub(crate) struct Cors {
    any: bool,
    origins: Vec<HeaderValue>,
    key_required: bool,
    /// Names of this machine that requests may use beside `localhost` and addresses.
    hosts: Vec<String>,
}

impl Cors {
    /// These origins; without a list, any where a key is required, and none where not.
    pub(crate) fn new(origins: Option<&[String]>, hosts: Vec<String>, key_required: bool) -> Self {
        let any = origins.map_or(key_required, |origins| origins.iter().any(|origin| origin == "*"));
        let origins = origins
            .unwrap_or_default()
            .iter()
            .filter_map(|origin| HeaderValue::from_str(origin.trim_end_matches('/')).ok())
            .collect();
        Self { any, origins, key_required, hosts }
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        self.any || self.origins.contains(origin)
    }

    /// Refuses what a page of another site could make a user's browser send, unless a key keeps it
    /// out.
    ///
    /// Browsers send no `Origin` with images and with GETs of a page's own origin: `Sec-Fetch-Site`
    /// tells the former, and the name in `Host` the latter, of a page whose own name was made
    /// to point to this machine.
    pub(crate) fn check(&self, head: &Parts) -> Result<(), ApiError> {
        if self.key_required {
            return Ok(());
        }
        let headers = &head.headers;
        // Each of several is looked at: another reader might take any of them.
        let is_foreign = if headers.contains_key(header::ORIGIN) {
            let mut origins = headers.get_all(header::ORIGIN).iter();
            origins.any(|origin| !self.allows(origin) && !self.is_own_page(origin, head))
        } else {
            headers.get_all("sec-fetch-site").iter().any(|site| site == "cross-site" || site == "same-site")
        };
        if is_foreign {
            return Err(ApiError::forbidden(
                "origin_not_allowed",
                "web pages of other sites cannot call this proxy because no key is set: list the page's origin in `sagewire_settings.cors.allow_origins`, or set a key",
            ));
        }
        let at_loopback =
            head.extensions.get::<Arrival>().is_some_and(|arrival| arrival.local.ip().to_canonical().is_loopback());
        match arrival::host(&head.uri, headers) {
            Some(host) if (at_loopback || !self.hosts.is_empty()) && !self.knows(host) => Err(ApiError::forbidden(
                "host_not_allowed",
                format!(
                    "the host `{}` is not a name of this machine, and no key is set: use `localhost`, list the name in `sagewire_settings.allowed_hosts`, or set a key",
                    host.chars().take(100).collect::<String>()
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Whether the request comes from the proxy's own page: from the origin that it is sent to, by a
    /// name that no other site can give to this machine.
    fn is_own_page(&self, origin: &HeaderValue, head: &Parts) -> bool {
        let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
        let asked = head.uri.authority().map(http::uri::Authority::as_str);
        let asked = asked.or_else(|| head.headers.get(header::HOST)?.to_str().ok());
        let is_same = origin.zip(asked).is_some_and(|(origin, asked)| origin.eq_ignore_ascii_case(asked));
        is_same && arrival::host(&head.uri, &head.headers).is_some_and(|host| self.knows(host))
    }

    fn knows(&self, host: &str) -> bool {
        arrival::is_own_name(host) || self.hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
    }

    /// Whether this is a browser asking beforehand.
    pub(crate) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
        *method == Method::OPTIONS
            && headers.contains_key(header::ORIGIN)
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
    }

    /// The answer to a browser asking beforehand.
    pub(crate) fn preflight(&self, asked: &HeaderMap) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        if asked.get(header::ORIGIN).is_some_and(|origin| self.allows(origin)) {
            let headers = response.headers_mut();
            headers
                .insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, DELETE, OPTIONS"));
            // `*` does not cover `Authorization`: what is asked for is named.
            if let Some(names) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
                headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
            }
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        }
        self.decorate(asked, response.headers_mut());
        response
    }

    /// Adds what a browser needs to see the answer.
    pub(crate) fn decorate(&self, asked: &HeaderMap, headers: &mut HeaderMap) {
        let Some(origin) = asked.get(header::ORIGIN).filter(|origin| self.allows(origin)) else { return };
        if self.any {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        } else {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.append(header::VARY, HeaderValue::from_static("origin"));
        }
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("x-request-id, x-amzn-requestid, retry-after, x-should-retry"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::arrival::Stopping;

    fn asked(origin: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ORIGIN, HeaderValue::from_static(origin))])
    }

    fn arrived(address: [u8; 4]) -> Arrival {
        Arrival { local: (address, 4000).into(), stopping: Stopping::default() }
    }

    fn head(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut head = request.body(()).unwrap().into_parts().0;
        head.extensions.insert(arrived([127, 0, 0, 1]));
        head
    }

    fn shown(cors: &Cors, origin: &'static str) -> Option<HeaderValue> {
        let mut headers = HeaderMap::new();
        cors.decorate(&asked(origin), &mut headers);
        headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).cloned()
    }

    #[test]
    fn any_page_may_call_where_a_key_is_required_and_none_where_not() {
        let keyed = Cors::new(None, Vec::new(), true);
        assert_eq!(shown(&keyed, "https://a.example").unwrap(), "*");
        assert!(keyed.check(&head("http://localhost", &[("origin", "https://a.example")])).is_ok());
        let keyless = Cors::new(None, Vec::new(), false);
        assert_eq!(shown(&keyless, "https://a.example"), None);
        assert_eq!(
            keyless.check(&head("http://localhost", &[("origin", "https://a.example")])).unwrap_err().status(),
            403
        );
        assert!(keyless.check(&head("http://localhost", &[])).is_ok());
    }

    #[test]
    fn a_list_names_the_pages() {
        let cors = Cors::new(Some(&["https://a.example/".to_owned()]), Vec::new(), false);
        assert_eq!(shown(&cors, "https://a.example").unwrap(), "https://a.example");
        assert_eq!(shown(&cors, "https://b.example"), None);
        assert!(cors.check(&head("http://localhost", &[("origin", "https://a.example")])).is_ok());
        assert!(cors.check(&head("http://localhost", &[("origin", "https://b.example")])).is_err());
    }

    #[test]
    fn a_preflight_names_the_headers_that_were_asked_for() {
        let mut headers = asked("https://a.example");
        headers.insert(header::ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("POST"));
        headers.insert(header::ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_static("authorization"));
        assert!(Cors::is_preflight(&Method::OPTIONS, &headers));
        let response = Cors::new(None, Vec::new(), true).preflight(&headers);
        assert_eq!(response.status(), 204);
        assert_eq!(response.headers()["access-control-allow-headers"], "authorization");
        let refused = Cors::new(Some(&[]), Vec::new(), true).preflight(&headers);
        assert!(!refused.headers().contains_key("access-control-allow-headers"));
    }

    #[test]
    fn without_a_key_other_sites_and_strange_names_are_refused() {
        let keyless = |hosts: &[&str]| Cors::new(None, hosts.iter().map(|&host| host.to_owned()).collect(), false);
        for (cors, uri, sent, allowed) in [
            (keyless(&[]), "http://localhost:4000/models", vec![], true),
            (keyless(&[]), "http://127.0.0.1:4000/models", vec![("sec-fetch-site", "same-origin")], true),
            (keyless(&[]), "http://127.0.0.1/models", vec![("sec-fetch-site", "none")], true),
            (keyless(&[]), "http://127.0.0.1/models", vec![("sec-fetch-site", "cross-site")], false),
            (keyless(&[]), "http://localhost/models", vec![("sec-fetch-site", "same-site")], false),
            (keyless(&[]), "http://rebound.example/models", vec![], false),
            (keyless(&[]), "/models", vec![("host", "\u{24db}ocalhost")], false),
            (keyless(&[]), "/models", vec![("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")], false),
            (
                keyless(&[]),
                "http://127.0.0.1:4000/models",
                vec![("origin", "http://127.0.0.1:4000"), ("origin", "https://a.example")],
                false,
            ),
            // The proxy's own page.
            (keyless(&[]), "http://127.0.0.1:4000/models", vec![("origin", "http://127.0.0.1:4000")], true),
            (keyless(&[]), "http://127.0.0.1:4000/models", vec![("origin", "http://127.0.0.1:4001")], false),
            (keyless(&[]), "http://rebound.example:4000/m", vec![("origin", "http://rebound.example:4000")], false),
            (keyless(&["p.internal"]), "http://p.internal:4000/m", vec![("origin", "http://p.internal:4000")], true),
            (keyless(&["proxy.internal"]), "http://Proxy.internal:4000/models", vec![], true),
            (
                Cors::new(None, Vec::new(), true),
                "http://rebound.example/models",
                vec![("sec-fetch-site", "cross-site")],
                true,
            ),
        ] {
            let refused = cors.check(&head(uri, &sent)).map_err(|error| error.status().as_u16());
            assert_eq!(refused, if allowed { Ok(()) } else { Err(403) }, "{uri} {sent:?}");
        }
        let mut elsewhere = head("http://any.example/models", &[]);
        elsewhere.extensions.insert(arrived([10, 0, 0, 1]));
        assert!(keyless(&[]).check(&elsewhere).is_ok(), "beyond loopback any name is taken unless names are listed");
        assert!(keyless(&["proxy.internal"]).check(&elsewhere).is_err());
    }
}
