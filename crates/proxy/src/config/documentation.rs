//! The tables of keys as Markdown.
//!
//! Owns `docs/configuration.md`, which is made from the tables, so that it cannot fall behind them.

use std::fmt::Write as _;

use sagewire::sagemaker::parameters::{self, InRequest};

use super::{
    keys::FILE,
    litellm_params,
    table::{Kind, Table, Unknown},
};

const INTRODUCTION: &str = "# Every key of the configuration

This page is generated from the code. The guide is [The proxy](proxy.md); the JSON schema for editors is `docs/config.schema.json`.

A value `os.environ/NAME`, anywhere, is taken from the environment; an unset variable is an error at the start. A key that LiteLLM knows and that
has no effect here is a warning. An unknown key is an error, except inside `litellm_params`, where it is a parameter of the model's container.

";

/// Every key of the file, as the Markdown of `docs/configuration.md`.
#[must_use]
pub fn key_tables() -> String {
    let mut text = INTRODUCTION.to_owned();
    table(&mut text, "The file", "", &FILE);
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn table(text: &mut String, title: &str, path: &str, table: &Table) {
    // Writing to a `String` cannot fail.
    let _ = write!(text, "## {title}\n\n{}\n\n| key | value | meaning |\n|---|---|---|\n", table.meaning);
    for key in table.keys {
        let _ = writeln!(text, "| `{}` | {} | {} |", key.name, key.kind.wanted(), key.meaning);
    }
    text.push('\n');
    if table.unknown == Unknown::Kept {
        text.push_str("Any other key is yours.\n\n");
    }
    if !table.ignored.is_empty() {
        text.push_str("Keys of LiteLLM that have no effect here, each with a warning:\n\n");
        for (reason, names) in table.ignored {
            let _ = writeln!(text, "- `{}`: {reason}.", names.join("`, `"));
        }
        text.push('\n');
    }
    for key in table.keys {
        if matches!(key.kind, Kind::Parameters) {
            parameters(text, &format!("`{path}.{}`", key.name));
        }
        if let Kind::One(inner) | Kind::Many(inner) = key.kind {
            let suffix = if matches!(key.kind, Kind::Many(_)) { "[]" } else { "" };
            let path =
                if path.is_empty() { format!("{}{suffix}", key.name) } else { format!("{path}.{}{suffix}", key.name) };
            self::table(text, &format!("`{path}`"), &path, inner);
        }
    }
}

/// The parameters of a deployment, and who may set them.
fn parameters(text: &mut String, title: &str) {
    let _ = write!(
        text,
        "## {title}\n\n{}\n\nIn a request's body, a *caller* may set what says so; what is *listed* only if the deployment's \
         `configurable_clientside_auth_params` has it; what is the *operator*'s is refused by name.\n\n\
         | key | value | set by | meaning |\n|---|---|---|---|\n",
        litellm_params::MEANING
    );
    for parameter in parameters::all() {
        let set_by = match parameter.in_request() {
            InRequest::Passed | InRequest::Caller => "caller",
            InRequest::Listed => "operator; listed",
            _ => "operator",
        };
        let names = parameter
            .aliases()
            .iter()
            .fold(format!("`{}`", parameter.name()), |names, alias| format!("{names}, `{alias}`"));
        let _ = writeln!(text, "| {names} | {} | {set_by} | {} |", parameter.kind(), parameter.meaning());
    }
    text.push_str(
        "\nParameters of LiteLLM that have no effect here, each with a warning. `*` stands for any text.\n\n",
    );
    for group in parameters::groups() {
        let _ = writeln!(text, "- `{}`: {}.", group.names.join("`, `"), group.reason);
    }
    text.push_str(
        "- Every other parameter of LiteLLM's own: it belongs to a service of LiteLLM that sagewire does not have.\n\n",
    );
}
