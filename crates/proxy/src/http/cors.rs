//! Which web pages may call the proxy from a browser.
//!
//! Owns the [CORS](https://fetch.spec.whatwg.org/#http-cors-protocol) headers, and the refusal of strange pages where no key is
//! asked for: there, any page that a user opens could otherwise spend the operator's money.

use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};

use crate::{http::error::ApiError, http::response::Body};

/// The pages that may call.
#[derive(Clone, Debug)]
pub(crate) struct Cors {
    any: bool,
    origins: Vec<HeaderValue>,
    key_required: bool,
}

impl Cors {
    /// These origins; without a list, any where a key is required, and none where not.
    pub(crate) fn new(origins: Option<&[String]>, key_required: bool) -> Self {
        let any = origins.map_or(key_required, |origins| origins.iter().any(|origin| origin == "*"));
        let origins = origins
            .unwrap_or_default()
            .iter()
            .filter_map(|origin| HeaderValue::from_str(origin.trim_end_matches('/')).ok())
            .collect();
        Self { any, origins, key_required }
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        self.any || self.origins.contains(origin)
    }

    /// Refuses a page's request where nothing but its origin could keep it out.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        match headers.get(header::ORIGIN) {
            Some(origin) if !self.key_required && !self.allows(origin) => Err(ApiError::forbidden(
                "origin_not_allowed",
                "Web pages may not call this proxy, since it asks for no key: list the page's origin in `sagewire_settings.cors.allow_origins`, or set a key",
            )),
            _ => Ok(()),
        }
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
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS"));
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

    fn asked(origin: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ORIGIN, HeaderValue::from_static(origin))])
    }

    fn shown(cors: &Cors, origin: &'static str) -> Option<HeaderValue> {
        let mut headers = HeaderMap::new();
        cors.decorate(&asked(origin), &mut headers);
        headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).cloned()
    }

    #[test]
    fn any_page_may_call_where_a_key_is_required_and_none_where_not() {
        let keyed = Cors::new(None, true);
        assert_eq!(shown(&keyed, "https://a.example").unwrap(), "*");
        assert!(keyed.check(&asked("https://a.example")).is_ok());
        let keyless = Cors::new(None, false);
        assert_eq!(shown(&keyless, "https://a.example"), None);
        assert_eq!(keyless.check(&asked("https://a.example")).unwrap_err().status(), 403);
        assert!(keyless.check(&HeaderMap::new()).is_ok());
    }

    #[test]
    fn a_list_names_the_pages() {
        let cors = Cors::new(Some(&["https://a.example/".to_owned()]), false);
        assert_eq!(shown(&cors, "https://a.example").unwrap(), "https://a.example");
        assert_eq!(shown(&cors, "https://b.example"), None);
        assert!(cors.check(&asked("https://a.example")).is_ok());
        assert!(cors.check(&asked("https://b.example")).is_err());
    }

    #[test]
    fn a_preflight_names_the_headers_that_were_asked_for() {
        let mut headers = asked("https://a.example");
        headers.insert(header::ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("POST"));
        headers.insert(header::ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_static("authorization"));
        assert!(Cors::is_preflight(&Method::OPTIONS, &headers));
        let response = Cors::new(None, true).preflight(&headers);
        assert_eq!(response.status(), 204);
        assert_eq!(response.headers()["access-control-allow-headers"], "authorization");
        let refused = Cors::new(Some(&[]), true).preflight(&headers);
        assert!(!refused.headers().contains_key("access-control-allow-headers"));
    }
}
