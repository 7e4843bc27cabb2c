//! The Redis or Valkey that replicas share: from the configuration and the variables `REDIS_*` to
//! the router's state and the ledger.

use std::{sync::Arc, time::Duration};

use sagewire::credentials::seam::World;
use sagewire_redis::{Redis, RedisLedger, RedisResponses, RedisSettings, RedisState, SettingsError};

use crate::config::{Config, CoordinationRedis, RedisNode};

/// What replicas share. It is made once: a reload keeps it.
#[derive(Clone, Debug)]
pub(super) struct SharedState {
    pub(super) redis: Arc<Redis>,
    pub(super) router_state: Arc<RedisState>,
    pub(super) ledger: Arc<RedisLedger>,
    pub(super) responses: Arc<RedisResponses>,
    section: CoordinationRedis,
}

impl SharedState {
    /// That of a configuration; `None` if it names no Redis.
    pub(super) fn of(config: &Config, world: &World) -> Result<Option<Self>, SettingsError> {
        let general = &config.general_settings;
        let Some(section) = &general.coordination_redis else { return Ok(None) };
        let settings = settings(section, &|name| world.var(name).filter(|value| !value.is_empty()))?
            .with_fail_closed(general.fail_closed_rate_limit_enforcement);
        let redis = Redis::new(settings)?;
        Ok(Some(Self {
            router_state: Arc::new(RedisState::new(&redis)),
            ledger: Arc::new(RedisLedger::new(&redis)),
            responses: Arc::new(RedisResponses::new(&redis)),
            redis,
            section: section.clone(),
        }))
    }

    /// Whether a configuration names the same Redis.
    pub(super) fn is_of(&self, config: &Config) -> bool {
        config.general_settings.coordination_redis.as_ref() == Some(&self.section)
    }
}

pub(super) fn settings(
    section: &CoordinationRedis,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<RedisSettings, SettingsError> {
    let address = |host: &str, port: u16| {
        let scheme = if section.ssl { "rediss" } else { "redis" };
        // An address of IPv6 has colons of its own.
        let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
        format!("{scheme}://{host}:{port}")
    };
    let of_variables = || {
        let port = env("REDIS_PORT").and_then(|port| port.parse().ok());
        (env("REDIS_HOST"), section.port.or(port).unwrap_or(6379))
    };
    let mut settings = if !section.startup_nodes.is_empty() {
        let urls: Vec<String> =
            section.startup_nodes.iter().map(|RedisNode { host, port }| address(host, *port)).collect();
        RedisSettings::cluster(urls.iter().map(String::as_str))?
    } else if let Some(url) = &section.url {
        RedisSettings::new(url)?
    } else if let Some(host) = &section.host {
        RedisSettings::new(&address(host, of_variables().1))?
    } else if let Some(url) = env("REDIS_URL") {
        RedisSettings::new(&url)?
    } else {
        let (host, port) = of_variables();
        RedisSettings::new(&address(&host.ok_or(SettingsError::NoNodes)?, port))?
    };
    let has_own_user = section.url.is_some() || section.host.is_none() && env("REDIS_URL").is_some();
    let variable = |name: &str| env(name).filter(|_| !has_own_user);
    if let Some(username) = section.username.clone().or_else(|| variable("REDIS_USERNAME")) {
        settings = settings.with_username(&username);
    }
    if let Some(password) = section.password.clone().or_else(|| variable("REDIS_PASSWORD")) {
        settings = settings.with_password(&password);
    }
    if let Some(namespace) = &section.namespace {
        settings = settings.with_namespace(namespace);
    }
    if let Some(limit) = section.timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
        settings = settings.with_time_limit(limit);
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str, variables: &[(&str, &str)]) -> String {
        let env = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let yaml = format!("model_list: [{{model_name: m, litellm_params: {{model: sagemaker/e}}}}]\n{yaml}");
        let (config, warnings) = Config::from_yaml(&yaml, &env).unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        let section = config.general_settings.coordination_redis.unwrap();
        assert!(!format!("{section:?}").contains("hush"), "{section:?}");
        match settings(&section, &env) {
            Ok(settings) => {
                assert!(!format!("{settings:?}").contains("hush"), "{settings:?}");
                settings.address()
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_server_is_found_by_litellms_keys_and_variables() {
        let variables = [("REDIS_HOST", "of-env"), ("REDIS_PORT", "7000"), ("REDIS_PASSWORD", "hush")];
        for (yaml, address) in [
            ("router_settings: {redis_host: cache, redis_port: 7001, redis_password: hush}", "cache:7001"),
            ("router_settings: {redis_url: 'redis://:hush@cache/1'}", "cache:6379"),
            ("general_settings: {coordination_redis: {url: 'valkeys://me:hush@cache:1'}}", "cache:1"),
            ("general_settings: {coordination_redis: {host: cache}}", "cache:7000"),
            ("general_settings: {coordination_redis: {host: '::1', port: 2, ssl: true}}", "[::1]:2"),
            (
                "general_settings: {coordination_redis: {startup_nodes: [{host: a, port: 1}, {host: b, port: 2}]}}",
                "a:1",
            ),
            ("general_settings: {coordination_redis: {}}", "of-env:7000"),
        ] {
            assert_eq!(read(yaml, &variables), address, "{yaml}");
        }
        let url = [("REDIS_URL", "redis://me:hush@url:5"), ("REDIS_HOST", "of-env")];
        assert_eq!(read("general_settings: {coordination_redis: {}}", &url), "url:5");
        let nothing = read("general_settings: {coordination_redis: {}}", &[]);
        assert!(nothing.contains("no server is named"), "{nothing}");
        let wrong = read("general_settings: {coordination_redis: {url: 'http://hush'}}", &[]);
        assert!(wrong.contains("invalid Redis URL") && !wrong.contains("hush"), "{wrong}");
    }
}
