//! The cache of answers: from `litellm_settings.cache_params` to a store in memory or in Redis.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use sagewire::credentials::seam::World;
use sagewire_router::cache::{AnswerCache, MemoryCache};
use sha2::{Digest as _, Sha256};

use super::{KeptOverReloads, WiringError};
use crate::{
    Config,
    config::{CacheParams, DeploymentConfig},
};

/// The section that says where answers are kept.
const CACHE_PARAMS: &str = "litellm_settings.cache_params";

/// The largest file whose content is looked at, in bytes: larger ones are no templates.
const LARGEST_FILE: u64 = 32 * 1024 * 1024;

/// Where the answers of this configuration are kept, if they are. A reload that changes nothing of
/// it goes on with the same store.
pub(super) fn kept(
    config: &Config,
    world: &World,
    kept: &mut KeptOverReloads,
) -> Result<Option<Arc<dyn AnswerCache>>, WiringError> {
    let params = &config.litellm_settings.cache_params;
    if !config.litellm_settings.cache {
        kept.answers = None;
        return Ok(None);
    }
    if let Some((known, cache)) = &kept.answers
        && known == params
    {
        return Ok(Some(Arc::clone(cache)));
    }
    let cache = if is_redis(params, config, world) {
        in_redis(params, world, kept)?
    } else {
        Arc::new(MemoryCache::new(params.max_bytes))
    };
    kept.answers = Some((params.clone(), Arc::clone(&cache)));
    Ok(Some(cache))
}

/// What decides the answers of a deployment beside its model and its parameters: settings for all
/// calls, where AWS is, and what the files of its template say. Empty if no answers are kept.
pub(super) fn revision(deployment: &DeploymentConfig, config: &Config, world: &World) -> String {
    const VARIABLES: [&str; 7] = [
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_ROLE_ARN",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME",
    ];
    let variables = VARIABLES.map(|name| world.var(name));
    let settings = &config.litellm_settings;
    if !settings.cache {
        return String::new();
    }
    // Other parameters may name files that are not the template's, such as a token's.
    let of_the_template = |name: &str| name == "chat_template" || name == "hf_model_name";
    let parameters = deployment.parameters.iter().filter(|(name, _)| of_the_template(name));
    let named = parameters.filter_map(|(_, value)| value.as_str());
    let files: Vec<String> = named.flat_map(template_files).collect();
    format!("{:?}", (settings.drop_params, variables, files))
}

/// The digests of the files of a template, or of a model's folder, that this value may name.
fn template_files(value: &str) -> Vec<String> {
    const OF_A_FOLDER: [&str; 4] =
        ["chat_template.jinja", "chat_template.json", "tokenizer_config.json", "special_tokens_map.json"];
    let path = Path::new(value);
    if !path.is_absolute() && path.components().count() < 2 && !value.ends_with(".jinja") {
        return Vec::new();
    }
    let files = if path.is_dir() { OF_A_FOLDER.map(|name| path.join(name)).to_vec() } else { vec![path.to_owned()] };
    let is_small = |path: &&PathBuf| path.metadata().is_ok_and(|file| file.is_file() && file.len() <= LARGEST_FILE);
    let small = files.iter().filter(is_small);
    small.filter_map(|path| std::fs::read(path).ok()).map(|content| format!("{:?}", Sha256::digest(&content))).collect()
}

fn is_redis(params: &CacheParams, config: &Config, world: &World) -> bool {
    let is_named = || {
        let variable = |name: &str| world.var(name).is_some_and(|value| !value.is_empty());
        config.general_settings.coordination_redis.is_some() || variable("REDIS_URL") || variable("REDIS_HOST")
    };
    params.is_redis().unwrap_or_else(|| cfg!(feature = "redis") && is_named())
}

/// Over the section's own server, else over the one that replicas share, else over that of the
/// variables.
#[cfg(feature = "redis")]
fn in_redis(params: &CacheParams, world: &World, kept: &KeptOverReloads) -> Result<Arc<dyn AnswerCache>, WiringError> {
    use sagewire_redis::{Redis, RedisCache};

    let shared = kept.shared.as_ref().filter(|_| !params.names_a_server());
    let redis = match shared {
        Some(shared) => Arc::clone(&shared.redis),
        None => {
            let variable = |name: &str| world.var(name).filter(|value| !value.is_empty());
            let settings = super::shared_state::settings(&params.server(), &variable);
            settings.and_then(Redis::new).map_err(|source| WiringError::Redis { key: CACHE_PARAMS, source })?
        }
    };
    Ok(Arc::new(RedisCache::new(&redis)))
}

#[cfg(not(feature = "redis"))]
fn in_redis(_: &CacheParams, _: &World, _: &KeptOverReloads) -> Result<Arc<dyn AnswerCache>, WiringError> {
    Err(WiringError::NoRedis { key: CACHE_PARAMS })
}

#[cfg(test)]
mod tests {
    use sagewire::credentials::seam::MapEnv;

    use super::*;

    fn revision_of(parameters: &str, variables: &[(&str, &str)]) -> String {
        let yaml = format!(
            "model_list: [{{model_name: m, litellm_params: {{model: sagemaker/e{parameters}}}}}]\nlitellm_settings: {{cache: true}}\n"
        );
        let (config, _) = Config::from_yaml(&yaml, &|_| None).unwrap();
        let world = World::builder().with_env(variables.iter().copied().collect::<MapEnv>()).build();
        revision(&config.deployments[0], &config, &world)
    }

    #[test]
    fn where_aws_is_makes_another_revision() {
        assert_eq!(revision_of("", &[]), revision_of("", &[("HOME", "/x")]));
        assert_ne!(revision_of("", &[("AWS_REGION", "eu-west-1")]), revision_of("", &[("AWS_REGION", "us-east-1")]));
    }

    #[test]
    fn a_changed_template_makes_another_revision() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chat_template.jinja");
        for named in [&*file, folder.path()] {
            let parameters = format!(", chat_template: '{}'", named.display());
            let revisions = ["A", "B", "A"].map(|content| {
                std::fs::write(&file, content).unwrap();
                revision_of(&parameters, &[])
            });
            assert!(revisions[0] != revisions[1] && revisions[0] == revisions[2], "{revisions:?}");
        }
        assert_eq!(revision_of(", chat_template: '{{ x }}/../y'", &[]), revision_of("", &[]));
        let token = tempfile::NamedTempFile::new().unwrap();
        let named = format!(", aws_web_identity_token: 'oidc/file/{0}', x: '{0}'", token.path().display());
        assert_eq!(revision_of(&named, &[]), revision_of("", &[]), "a file that is not the template's");
    }
}
