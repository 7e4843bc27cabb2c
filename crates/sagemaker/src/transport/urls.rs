//! URLs in reqwest's form.
//!
//! Owns keeping them: a provider asks the same few URLs again and again, and reading one anew, with
//! its host's name, takes longer than signing: 8 % of a call's instructions.

use std::sync::{PoisonError, RwLock};

use http::Uri;

use super::{TransportError, TransportErrorKind};

/// How many are kept; the oldest give way.
const MAX_URLS: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Urls(RwLock<Vec<(Uri, reqwest::Url)>>);

impl Urls {
    pub(super) fn of(&self, uri: &Uri) -> Result<reqwest::Url, TransportError> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, url)) = known.iter().find(|(known, _)| known == uri) {
            return Ok(url.clone());
        }
        drop(known);
        let url = reqwest::Url::parse(&uri.to_string()).map_err(|error| {
            TransportError::new(TransportErrorKind::Configuration, "the URL cannot be requested").with_source(error)
        })?;
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_URLS {
            known.remove(0);
        }
        known.push((uri.clone(), url.clone()));
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_once_and_the_oldest_give_way() {
        let urls = Urls::default();
        let uri = |number: usize| {
            Uri::try_from(format!("http://127.0.0.1:8080/endpoints/e{number}/invocations?a=b")).unwrap()
        };
        for number in (0..=MAX_URLS).chain([MAX_URLS]) {
            assert_eq!(urls.of(&uri(number)).unwrap().as_str(), uri(number).to_string());
        }
        let known = urls.0.read().unwrap();
        assert_eq!((known.len(), &known[0].0), (MAX_URLS, &uri(1)));
    }
}
