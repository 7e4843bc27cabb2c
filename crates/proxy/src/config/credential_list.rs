//! `credential_list`: credentials that several deployments share by name.
//!
//! Owns putting them where `litellm_credential_name` asks for them. What the values mean is
//! `litellm_params`'s.
//!
//! <https://docs.litellm.ai/docs/proxy/configs#centralized-credential-management>

use super::{
    environment::Path,
    file::Credential,
    nearest::nearest,
    node::{Entry, Node, Yaml},
    problem::Report,
    reader,
};

/// The key of `litellm_params` that names a credential.
const NAME: &str = "litellm_credential_name";

/// Puts the values of named credentials into the deployments that ask for them. What a deployment
/// says itself stays.
pub(super) fn apply(file: &mut Node, report: &mut Report) {
    let credentials = read(file, report);
    let Yaml::Map(sections) = &mut file.yaml else { return };
    let Some(list) = sections.iter_mut().find(|entry| entry.key == "model_list") else { return };
    let Yaml::List(deployments) = &mut list.node.yaml else { return };
    for deployment in deployments {
        let Yaml::Map(entries) = &mut deployment.yaml else { continue };
        let Some(params) = entries.iter_mut().find(|entry| entry.key == "litellm_params") else { continue };
        let Some((name, place)) = params.node.value(NAME).and_then(|node| Some((node.as_text()?, node.place))) else {
            continue;
        };
        let Yaml::Map(params) = &mut params.node.yaml else { continue };
        match credentials.iter().find(|(known, _)| *known == name) {
            Some((_, values)) => {
                let missing: Vec<Entry> =
                    values.iter().filter(|value| params.iter().all(|own| own.key != value.key)).cloned().collect();
                params.extend(missing);
            }
            None => {
                let hint = nearest(&name, credentials.iter().map(|(known, _)| known.as_str()))
                    .map_or_else(|| "add it there".to_owned(), |near| format!("did you mean `{near}`?"));
                report.problem(
                    place,
                    format!(
                        "`{NAME}` names `{name}`, but no entry of `credential_list` has this `credential_name`: {hint}"
                    ),
                );
            }
        }
    }
}

/// The credentials by their names.
fn read(file: &Node, report: &mut Report) -> Vec<(String, Vec<Entry>)> {
    let mut credentials: Vec<(String, Vec<Entry>)> = Vec::new();
    for (index, node) in file.value("credential_list").and_then(Node::items).unwrap_or_default().iter().enumerate() {
        let path = Path::default().key(&format!("credential_list[{index}]"));
        let Credential { credential_name: name, .. } = reader::read(node, &path, report);
        if name.is_empty() {
            report.problem(
                node.place,
                format!("{path} has no `credential_name`: add the name that deployments give in `{NAME}`"),
            );
            continue;
        }
        if credentials.iter().any(|(known, _)| *known == name) {
            report.problem(node.place, format!("{path} has the `credential_name` of another: names must differ"));
            continue;
        }
        let values = node.value("credential_values").and_then(Node::entries).unwrap_or_default().to_vec();
        credentials.push((name, values));
    }
    credentials
}
