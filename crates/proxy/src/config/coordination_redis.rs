//! `general_settings.coordination_redis`: the Redis or Valkey that replicas share.
//!
//! What the section leaves out comes from the variables `REDIS_*`. `router_settings.redis_url`,
//! `redis_host`, `redis_port` and `redis_password` mean the same as the section's own keys.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    general_settings::Text,
    node::{Entry, Node, Yaml},
    problem::Report,
};

/// The keys of `router_settings`, and the section's own.
pub(super) const OF_THE_ROUTER: [(&str, &str); 6] = [
    ("redis_url", "url"),
    ("redis_host", "host"),
    ("redis_port", "port"),
    ("redis_ssl", "ssl"),
    ("redis_username", "username"),
    ("redis_password", "password"),
];

/// The Redis or Valkey through which replicas share limits, cooldowns and budgets. `{}` takes
/// everything from the variables `REDIS_*`.
#[derive(Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CoordinationRedis {
    /// Its URL: `redis://`, `valkey://`, or with TLS `rediss://` or `valkeys://`. Default:
    /// `REDIS_URL`.
    #[schemars(with = "Text")]
    pub url: Option<String>,
    /// Its host, in place of `url`. Default: `REDIS_HOST`.
    #[schemars(with = "Text")]
    pub host: Option<String>,
    /// Its port, with `host`. Default: `REDIS_PORT`, else 6379.
    #[schemars(with = "u64")]
    pub port: Option<u16>,
    /// Whether `host` and `startup_nodes` are connected to with TLS. Default: false.
    pub ssl: bool,
    /// The user. Default: the URL's, else `REDIS_USERNAME`.
    #[schemars(with = "Text")]
    pub username: Option<String>,
    /// The password. Default: the URL's, else `REDIS_PASSWORD`.
    #[schemars(with = "Text")]
    pub password: Option<String>,
    /// Nodes of a Redis cluster, in place of `url` and `host`. The other nodes are found through
    /// them.
    pub startup_nodes: Vec<RedisNode>,
    /// The prefix of every key in Redis. Proxies with different namespaces share nothing.
    /// Default: `sagewire`.
    #[schemars(with = "Text")]
    pub namespace: Option<String>,
    /// How long a request waits for Redis, in seconds, before the proxy decides from its own
    /// state. Default: 0.05.
    #[schemars(with = "f64")]
    pub timeout: Option<f64>,
}

/// A node of a Redis cluster.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedisNode {
    /// Its host.
    pub host: String,
    /// Its port.
    #[schemars(with = "u64")]
    pub port: u16,
}

impl fmt::Debug for CoordinationRedis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A URL may hold a password.
        f.debug_struct("CoordinationRedis")
            .field("url", &self.url.is_some())
            .field("host", &self.host)
            .field("port", &self.port)
            .field("ssl", &self.ssl)
            .field("password", &self.password.is_some())
            .field("startup_nodes", &self.startup_nodes)
            .field("namespace", &self.namespace)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Puts the keys of `router_settings` that name the server into the section. What the section says
/// itself wins.
pub(super) fn gather(file: &mut Node, report: &mut Report) {
    let Some(router) = file.value_mut("router_settings") else { return };
    let taken: Vec<(&str, Entry)> =
        OF_THE_ROUTER.iter().filter_map(|(theirs, own)| Some((*own, router.take(theirs)?))).collect();
    for (own, entry) in taken.into_iter().filter(|(_, entry)| !entry.node.is_null()) {
        let general = file.mapping("general_settings");
        let Some(section) = general.and_then(|general| general.mapping("coordination_redis")) else { return };
        if section.value(own).is_some_and(|node| !node.is_null()) {
            let key = entry.key;
            report.warning(
                entry.place,
                format!("router_settings.{key}"),
                format!("`router_settings.{key}` has no effect: `general_settings.coordination_redis.{own}` is set too and takes precedence"),
            );
            continue;
        }
        section.take(own);
        if let Yaml::Map(entries) = &mut section.yaml {
            entries.push(Entry { key: own.to_owned(), ..entry });
        }
    }
}
