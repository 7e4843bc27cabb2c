//! Where Redis is, and what is done if it does not answer.

use std::{fmt, time::Duration};

use url::Url;

/// Where Redis or Valkey is, and what is done if it does not answer.
///
/// ```
/// use sagewire_redis::RedisSettings;
///
/// let settings = RedisSettings::new("rediss://cache.example.com:6380/0")?.with_password("secret").with_namespace("team-a");
/// assert!(!format!("{settings:?}").contains("secret"));
/// # Ok::<(), sagewire_redis::SettingsError>(())
/// ```
#[derive(Clone)]
pub struct RedisSettings {
    /// One server, or some nodes of a cluster.
    pub(crate) urls: Vec<Url>,
    pub(crate) is_cluster: bool,
    pub(crate) namespace: String,
    pub(crate) time_limit: Duration,
    pub(crate) fails_closed: bool,
    #[cfg(feature = "testing")]
    pub(crate) paused: Option<PausedTime>,
}

/// Tests that pause Tokio's clock: time is that clock's, and nothing is done in the background or
/// limited in time.
#[cfg(feature = "testing")]
#[derive(Clone, Debug)]
pub(crate) struct PausedTime {
    /// When this clock showed the beginning of the server's.
    pub(crate) began: tokio::time::Instant,
    /// The runtime of the connection, whose clock is not paused.
    pub(crate) io: tokio::runtime::Handle,
}

/// Why settings are of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The URL is not one of a Redis server.
    #[error(
        "invalid Redis URL: expected `redis://host:port`, `rediss://host:port` (TLS), `valkey://host:port` or `valkeys://host:port`"
    )]
    Url,
    /// A cluster has no node.
    #[error("no server is named: set its URL, its host, or nodes of its cluster")]
    NoNodes,
    /// The client refuses them.
    #[error("the Redis client cannot use these settings")]
    Client(#[source] redis::RedisError),
}

impl RedisSettings {
    /// The server of this URL: `redis://`, `rediss://` (TLS), `valkey://` or `valkeys://` (TLS),
    /// with user, password and database as [Redis writes them](https://www.iana.org/assignments/uri-schemes/prov/redis).
    ///
    /// # Errors
    /// [`SettingsError::Url`]
    pub fn new(url: &str) -> Result<Self, SettingsError> {
        Ok(Self::of(vec![parse(url)?], false))
    }

    /// The cluster that these nodes are part of. The others are found through them.
    ///
    /// # Errors
    /// [`SettingsError::Url`] or [`SettingsError::NoNodes`].
    pub fn cluster<'u>(urls: impl IntoIterator<Item = &'u str>) -> Result<Self, SettingsError> {
        let urls = urls.into_iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        if urls.is_empty() {
            return Err(SettingsError::NoNodes);
        }
        Ok(Self::of(urls, true))
    }

    fn of(urls: Vec<Url>, is_cluster: bool) -> Self {
        Self {
            urls,
            is_cluster,
            namespace: "sagewire".to_owned(),
            time_limit: Duration::from_millis(50),
            fails_closed: false,
            #[cfg(feature = "testing")]
            paused: None,
        }
    }

    /// Sets the user, in place of the URL's.
    #[must_use]
    pub fn with_username(mut self, username: &str) -> Self {
        for url in &mut self.urls {
            // Only a URL without a host takes none.
            let _ = url.set_username(username);
        }
        self
    }

    /// Sets the password, in place of the URL's.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Self {
        for url in &mut self.urls {
            let _ = url.set_password(Some(password));
        }
        self
    }

    /// Sets what every key begins with. Replicas share what they count only within one namespace.
    /// Default: `sagewire`.
    #[must_use]
    pub fn with_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Sets how long a call waits for Redis, at most. Default: 50 ms.
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Sets whether what is limited is refused while Redis is away. Default: false: each replica
    /// applies its share of the limits.
    #[must_use]
    pub fn with_fail_closed(mut self, fails_closed: bool) -> Self {
        self.fails_closed = fails_closed;
        self
    }

    /// Goes by Tokio's clock, which the test has paused, instead of the server's. The connection is
    /// driven by another runtime.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    #[must_use]
    pub fn in_paused_time(mut self, began: tokio::time::Instant, io: tokio::runtime::Handle) -> Self {
        self.paused = Some(PausedTime { began, io });
        self
    }

    #[cfg_attr(
        not(feature = "testing"),
        expect(clippy::unused_self, reason = "only a test's settings can pause the time")
    )]
    pub(crate) fn is_paused(&self) -> bool {
        #[cfg(feature = "testing")]
        return self.paused.is_some();
        #[cfg(not(feature = "testing"))]
        false
    }

    /// Host and port of the first server, for people.
    #[must_use]
    pub fn address(&self) -> String {
        let address = |url: &Url| format!("{}:{}", url.host_str().unwrap_or_default(), url.port().unwrap_or(6379));
        self.urls.first().map(address).unwrap_or_default()
    }
}

impl fmt::Debug for RedisSettings {
    /// Shows neither user nor password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSettings")
            .field("address", &self.address())
            .field("is_cluster", &self.is_cluster)
            .field("namespace", &self.namespace)
            .field("time_limit", &self.time_limit)
            .field("fails_closed", &self.fails_closed)
            .finish_non_exhaustive()
    }
}

fn parse(url: &str) -> Result<Url, SettingsError> {
    let url: Url = url.parse().map_err(|_| SettingsError::Url)?;
    let is_redis = matches!(url.scheme(), "redis" | "rediss" | "valkey" | "valkeys");
    if is_redis && url.host_str().is_some_and(|host| !host.is_empty()) { Ok(url) } else { Err(SettingsError::Url) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_url_of_redis_is_refused_without_being_shown() {
        for url in ["", "hush", "http://hush:6379", "redis://", "unix:///hush", "localhost:6379"] {
            let error = RedisSettings::new(url).unwrap_err();
            assert!(!format!("{error:?} {error}").contains("hush"), "{url}");
        }
        assert!(matches!(RedisSettings::cluster([]), Err(SettingsError::NoNodes)));
    }

    #[test]
    fn neither_user_nor_password_is_shown() {
        let url = "valkey://me:hush-hush@cache:7000/2";
        let settings = [
            RedisSettings::new(url).unwrap(),
            RedisSettings::new("redis://cache:7000").unwrap().with_username("me").with_password("hush-hush"),
            RedisSettings::cluster([url, url]).unwrap(),
        ];
        for settings in settings {
            let shown = format!("{settings:?} {settings:#?}");
            assert!(shown.contains("cache:7000") && !shown.contains("hush") && !shown.contains("me:"), "{shown}");
        }
    }
}
