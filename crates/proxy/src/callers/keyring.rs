//! The keys that are accepted, and finding the caller's among them.
//!
//! Owns the comparison: every key is compared in constant time, and all of them always, so that
//! time tells nothing.

use std::{sync::Arc, time::SystemTime};

use http::{HeaderMap, HeaderName, header};
use sagewire_router::names;
use subtle::ConstantTimeEq;

use super::KeyDigest;
use crate::{app::Model, config::CallerKey, http::error::ApiError};

/// Where a key may stand as it is.
static PLAIN: [HeaderName; 2] = [HeaderName::from_static("x-api-key"), HeaderName::from_static("api-key")];

/// Every key that is accepted. Without any, every caller is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keyring {
    pub(crate) master: Option<KeyDigest>,
    pub(crate) keys: Vec<Arc<CallerKey>>,
    /// A further header that callers may put their key in.
    pub(crate) header: Option<HeaderName>,
}

/// What logs and metrics call the holder of the master key.
pub(crate) const MASTER: &str = "master";

/// Who calls.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    /// No key is asked for.
    Anyone,
    /// The holder of the master key.
    Master,
    /// The holder of this key.
    Key(Arc<CallerKey>),
}

impl Caller {
    /// What logs and metrics call the caller.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Anyone => "",
            Self::Master => MASTER,
            Self::Key(key) => &key.name,
        }
    }

    /// The digest of its key, if it has one of its own.
    pub(crate) fn digest(&self, keyring: &Keyring) -> Option<KeyDigest> {
        match self {
            Self::Anyone => None,
            Self::Master => keyring.master,
            Self::Key(key) => key.key.or(key.key_hash),
        }
    }

    /// Whether the caller may use this model, which it may call by another name: one of those that
    /// a wildcard stands for.
    pub(crate) fn may_use(&self, model: &Model, asked: &str) -> bool {
        let Self::Key(key) = self else { return true };
        match &key.models {
            Some(models) => {
                models.iter().any(|allowed| names::matches(allowed, asked) || names::matches(allowed, &model.name))
            }
            None => !model.needs_listing,
        }
    }

    /// Whether the caller may see and do what is the operator's.
    pub(crate) fn is_operator(&self) -> bool {
        !matches!(self, Self::Key(_))
    }
}

impl Keyring {
    pub(crate) fn is_empty(&self) -> bool {
        self.master.is_none() && self.keys.is_empty()
    }

    /// Whether this text is one of the keys.
    pub(crate) fn has(&self, text: &str) -> bool {
        if self.is_empty() || text.is_empty() {
            return false;
        }
        let digest = KeyDigest::of(text);
        let keys = self.keys.iter().filter_map(|key| key.digest());
        self.master.iter().chain(keys).any(|key| key.ct_eq(&digest).into())
    }

    /// Who sends these headers. The body is not looked at.
    pub(crate) fn identify(&self, headers: &HeaderMap, now: SystemTime) -> Result<Caller, ApiError> {
        if self.is_empty() {
            return Ok(Caller::Anyone);
        }
        let presented = KeyDigest::of(self.presented(headers)?);
        let is_master = self.master.is_some_and(|master| master.ct_eq(&presented).into());
        let mut found = None;
        for key in &self.keys {
            if key.digest().is_some_and(|digest| digest.ct_eq(&presented).into()) {
                found = Some(key);
            }
        }
        match found {
            _ if is_master => Ok(Caller::Master),
            None => Err(ApiError::unauthorized("incorrect API key: check the key that you send")),
            Some(key) if key.expires.is_some_and(|expires| expires <= now) => {
                Err(ApiError::unauthorized("this API key has expired: ask the proxy's operator for a new one"))
            }
            Some(key) => Ok(Caller::Key(Arc::clone(key))),
        }
    }

    /// The key that the caller sends: as `Authorization: Bearer`, `x-api-key`, `api-key`, or the
    /// header the operator named.
    fn presented<'h>(&self, headers: &'h HeaderMap) -> Result<&'h str, ApiError> {
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        // A server in front of the proxy may have checked the other one.
        let places = self.header.iter().chain(&PLAIN).chain([&header::AUTHORIZATION]);
        if let Some(name) = places.into_iter().find(|name| headers.get_all(*name).iter().nth(1).is_some()) {
            return Err(ApiError::duplicate_header(name.as_str()));
        }
        let own = self.header.as_ref().and_then(text).map(without_bearer);
        if let Some(key) = own.or_else(|| PLAIN.iter().find_map(text)).filter(|key| !key.is_empty()) {
            return Ok(key);
        }
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return Err(ApiError::unauthorized(
                "missing API key: send it as `Authorization: Bearer <key>`, `x-api-key: <key>` or `api-key: <key>`",
            ));
        };
        value
            .to_str()
            .ok()
            .map(str::trim)
            .filter(|value| value.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer ")))
            .map(without_bearer)
            .filter(|key| !key.is_empty())
            .ok_or_else(|| ApiError::unauthorized("invalid `Authorization` header: expected `Bearer <key>`"))
    }
}

fn without_bearer(value: &str) -> &str {
    match value.split_at_checked(7) {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer ") => key.trim(),
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::{app::ModelTable, callers::ExpectedOutputs, telemetry::Metrics};

    fn key(name: &str, models: Option<&[&str]>, expires: Option<u64>) -> Arc<CallerKey> {
        Arc::new(CallerKey {
            models: models.map(|models| models.iter().map(|model| (*model).to_owned()).collect()),
            expires: expires.map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds)),
            ..CallerKey::new(name, KeyDigest::of(&format!("sk-{name}")))
        })
    }

    fn ring() -> Keyring {
        Keyring {
            master: Some(KeyDigest::of("sk-master")),
            keys: vec![key("a", Some(&["m", "sagemaker/*"]), Some(100)), key("b", None, None)],
            header: Some(HeaderName::from_static("x-team-key")),
        }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_key_is_found_in_each_header_it_may_stand_in() {
        for sent in [
            ("authorization", "Bearer sk-b"),
            ("authorization", "bearer  sk-b"),
            ("x-api-key", "sk-b"),
            ("api-key", "sk-b"),
            ("x-team-key", "sk-b"),
            ("x-team-key", "Bearer sk-b"),
        ] {
            assert_eq!(ring().identify(&headers(&[sent]), UNIX_EPOCH).unwrap().name(), "b", "{sent:?}");
        }
        assert!(matches!(ring().identify(&headers(&[("api-key", "sk-master")]), UNIX_EPOCH), Ok(Caller::Master)));
    }

    #[test]
    fn a_missing_wrong_malformed_or_expired_key_is_a_401_that_says_what_to_do() {
        for (sent, says) in [
            (&[][..], "missing API key"),
            (&[("authorization", "Bearer sk-nobody")], "incorrect API key"),
            (&[("authorization", "sk-b")], "Bearer <key>"),
            (&[("authorization", "Basic sk-b")], "Bearer <key>"),
            (&[("authorization", "Bearer ")], "Bearer <key>"),
            (&[("x-api-key", "")], "missing API key"),
        ] {
            let error = ring().identify(&headers(sent), UNIX_EPOCH).unwrap_err();
            let text = String::from_utf8(error.to_json()).unwrap();
            assert!(error.status() == 401 && text.contains(says), "{sent:?}: {text}");
            assert!(!text.contains("sk-nobody") && !text.contains("sk-b"), "{text}");
        }
        let sent = headers(&[("api-key", "sk-a")]);
        assert!(ring().identify(&sent, UNIX_EPOCH + Duration::from_secs(99)).is_ok());
        let error = ring().identify(&sent, UNIX_EPOCH + Duration::from_secs(100)).unwrap_err();
        assert!(String::from_utf8(error.to_json()).unwrap().contains("expired"));
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_wherever_it_stands() {
        for name in ["authorization", "x-api-key", "api-key", "x-team-key"] {
            let mut sent = headers(&[("x-api-key", "sk-b")]);
            sent.append(HeaderName::from_static(name), "Bearer sk-b".parse().unwrap());
            sent.append(HeaderName::from_static(name), "Bearer sk-master".parse().unwrap());
            let error = ring().identify(&sent, UNIX_EPOCH).unwrap_err();
            let text = String::from_utf8(error.to_json()).unwrap();
            assert!(error.status() == 400 && text.contains(&format!(r#""param":"{name}""#)), "{text}");
        }
    }

    #[test]
    fn a_key_opens_its_own_models_alone() {
        let caller = ring().identify(&headers(&[("api-key", "sk-a")]), UNIX_EPOCH).unwrap();
        let may_use = |caller: &Caller, name: &str, asked: &str| {
            let served = crate::ServedModel::new(name).found(false);
            let table = ModelTable::new(vec![served], &Metrics::default(), &ExpectedOutputs::default());
            let model = table.iter().next().unwrap();
            caller.may_use(model, asked)
        };
        assert!(may_use(&caller, "m", "m") && may_use(&caller, "sagemaker/*", "sagemaker/x"));
        assert!(!may_use(&caller, "m2", "m2") && !may_use(&caller, "sagemaker", "sagemaker"));
        assert!(may_use(&Caller::Master, "x", "x") && may_use(&Caller::Anyone, "x", "x"));
        let unlisted = ring().identify(&headers(&[("api-key", "sk-b")]), UNIX_EPOCH).unwrap();
        assert!(!may_use(&unlisted, "m", "m"), "what is found needs a list");
    }

    #[test]
    fn without_any_key_anyone_is_welcome() {
        assert!(matches!(Keyring::default().identify(&HeaderMap::new(), UNIX_EPOCH), Ok(Caller::Anyone)));
    }
}
