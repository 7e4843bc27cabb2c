//! Names in the file that mean a model of the file.
//!
//! Owns the check that each of them exists.

use super::{
    model_list::DeploymentConfig, nearest::nearest, problem::Report, settings::RouterSettings, table::Section,
};

pub(super) fn check(
    deployments: &[DeploymentConfig],
    router: &RouterSettings,
    file: &Section<'_>,
    report: &mut Report,
) {
    if deployments.is_empty() {
        return;
    }
    let served = |name: &str| {
        router.model_group_alias.contains_key(name)
            || deployments.iter().any(|deployment| match deployment.model_name.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => deployment.model_name == name,
            })
    };
    let place = file.node("router_settings").or(file.node("litellm_settings")).map_or(file.place, |node| node.place);
    let mut check = |name: &str, key: &str| {
        if !served(name) {
            let hint = nearest(name, deployments.iter().map(|deployment| deployment.model_name.as_str()))
                .map_or_else(String::new, |near| format!(" Did you mean `{near}`?"));
            report.problem(
                place,
                format!("`{key}` names the model `{name}`, but no entry of `model_list` has this `model_name`.{hint}"),
            );
        }
    };
    for (key, fallbacks) in
        [("fallbacks", &router.fallbacks), ("context_window_fallbacks", &router.context_window_fallbacks)]
    {
        for (model, next) in fallbacks {
            if model != "*" {
                check(model, key);
            }
            next.iter().for_each(|name| check(name, key));
        }
    }
    for model in router.model_group_retry_policy.keys() {
        check(model, "model_group_retry_policy");
    }
    router.default_fallbacks.iter().for_each(|name| check(name, "default_fallbacks"));
    for alias in router.model_group_alias.values() {
        check(&alias.model, "model_group_alias");
    }
}
