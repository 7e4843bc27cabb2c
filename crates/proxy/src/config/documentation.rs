//! The tables of keys as Markdown.
//!
//! Owns the part of `docs/proxy.md` that is made from the tables, so that it cannot fall behind them.

use std::fmt::Write as _;

use super::{
    keys::FILE,
    table::{Kind, Table, Unknown},
};

/// Every key of the file, as the Markdown that stands in `docs/proxy.md`.
#[must_use]
pub fn key_tables() -> String {
    let mut text = String::new();
    table(&mut text, "The file", "", &FILE);
    text
}

fn table(text: &mut String, title: &str, path: &str, table: &Table) {
    // Writing to a `String` cannot fail.
    let _ = write!(text, "### {title}\n\n{}\n\n| key | value | meaning |\n|---|---|---|\n", table.meaning);
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
        if let Kind::One(inner) | Kind::Many(inner) = key.kind {
            let suffix = if matches!(key.kind, Kind::Many(_)) { "[]" } else { "" };
            let path =
                if path.is_empty() { format!("{}{suffix}", key.name) } else { format!("{path}.{}{suffix}", key.name) };
            self::table(text, &format!("`{path}`"), &path, inner);
        }
    }
}
