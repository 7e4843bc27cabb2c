//! `sagewire man`: the manual pages, made of the same words as `--help`.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::{Args, Command};
use clap_mangen::Man;

use crate::{Failure, announce, arguments};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sagewire man | man -l -
  sagewire man chat
  sagewire man --output ~/.local/share/man/man1

With `--output` there is one page for each command: sagewire.1, sagewire-chat.1, sagewire-template-render.1 and so on.")]
pub(crate) struct ManArguments {
    /// The subcommand whose page is printed
    #[arg(value_name = "SUBCOMMAND")]
    subcommand: Vec<String>,
    /// Writes every page into this folder
    #[arg(long, short, value_name = "FOLDER", conflicts_with = "subcommand")]
    output: Option<PathBuf>,
}

pub(crate) fn run(arguments: &ManArguments) -> Result<(), Failure> {
    let mut command = arguments::command();
    command.build();
    if let Some(folder) = &arguments.output {
        std::fs::create_dir_all(folder).map_err(Failure::work)?;
        return write_all(&command, folder);
    }
    let mut found = &command;
    for name in &arguments.subcommand {
        found = found
            .find_subcommand(name)
            .ok_or_else(|| Failure::usage(format!("unknown subcommand `{name}`; see `sagewire --help`")))?;
    }
    std::io::stdout().lock().write_all(&page(found)?).map_err(Failure::output)
}

fn write_all(command: &Command, folder: &Path) -> Result<(), Failure> {
    let path = folder.join(format!("{}.1", file_name(command)));
    std::fs::write(&path, page(command)?).map_err(Failure::work)?;
    announce::line(path.display());
    command
        .get_subcommands()
        .filter(|command| command.get_name() != "help")
        .try_for_each(|command| write_all(command, folder))
}

/// `sagewire template render` is `sagewire-template-render`.
fn file_name(command: &Command) -> String {
    command.get_display_name().unwrap_or(command.get_name()).to_owned()
}

fn page(command: &Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    let source = concat!("sagewire ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).title(file_name(command).to_uppercase()).section("1").source(source);
    man.render(&mut page).map_err(Failure::work)?;
    Ok(with_sections(&String::from_utf8_lossy(&page)).into_bytes())
}

/// The section that the words below `--help` come in, made into those that a manual page has for
/// them.
fn with_sections(page: &str) -> String {
    const NAMES: [(&str, &str); 3] =
        [("Examples:", "EXAMPLES"), ("Exit codes:", "EXIT STATUS"), ("Environment:", "ENVIRONMENT")];
    let Some((before, rest)) = page.split_once(".SH EXTRA\n") else { return page.to_owned() };
    let (extra, after) = rest.split_at_checked(rest.find(".SH ").unwrap_or(rest.len())).unwrap_or((rest, ""));
    let mut text = before.to_owned();
    for paragraph in extra.split("\n\n") {
        let found = NAMES.iter().find_map(|(word, name)| Some((name, paragraph.strip_prefix(word)?)));
        match found {
            Some((name, rest)) => {
                let lines = rest.strip_prefix('\n').unwrap_or_else(|| rest.trim_start());
                text.push_str(&format!(".SH \"{name}\"\n{}\n", lines.trim_end()));
            }
            // What has no heading of its own is of the section before.
            None => text.push_str(&format!(".PP\n{}\n", paragraph.trim_end())),
        }
    }
    text + after
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_and_exit_codes_have_sections_of_their_own() {
        let page = ".SH OPTIONS\no\n.SH EXTRA\nExamples:\n  a\n  b\n\nNote.\n\nExit codes: 0 or 1.\n.SH VERSION\nv\n";
        let expected =
            ".SH OPTIONS\no\n.SH \"EXAMPLES\"\n  a\n  b\n.PP\nNote.\n.SH \"EXIT STATUS\"\n0 or 1.\n.SH VERSION\nv\n";
        assert_eq!(with_sections(page), expected);
        assert_eq!(with_sections(".SH NAME\nx\n"), ".SH NAME\nx\n");
    }
}
