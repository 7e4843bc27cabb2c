//! Every example that people are shown is one that the command takes.

use std::collections::BTreeSet;

use clap::{Command, CommandFactory, Parser};

use super::Arguments;

/// The crate's own page.
const README: &str = include_str!("../../README.md");

/// The guide's, which is no part of the published package.
fn guide() -> Option<String> {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/command-line.md")).ok()
}

fn commands(command: &Command, path: &str, into: &mut Vec<(String, Command)>) {
    for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
        let path = format!("{path} {}", command.get_name());
        into.push((path.clone(), command.clone()));
        commands(command, &path, into);
    }
}

fn all() -> Vec<(String, Command)> {
    let root = super::command();
    let mut all = vec![("sagewire".to_owned(), root.clone())];
    commands(&root, "sagewire", &mut all);
    all
}

/// The words of a command line as a shell splits them, and the signs that end a command; a comment
/// is none.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut begun) = (Vec::new(), String::new(), None, false);
    for c in line.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            (c, Some(_)) => word.push(c),
            ('\'' | '"', None) => (quote, begun) = (Some(c), true),
            (c, None) if c.is_whitespace() => {
                if begun || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            // The rest is a comment.
            ('#', None) if !begun && word.is_empty() => break,
            ('|' | '>' | '<' | ';' | '&', None) => {
                if begun || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                (begun, word) = (false, String::new());
                words.push(c.to_string());
            }
            (c, None) => word.push(c),
        }
    }
    assert_eq!(quote, None, "an open quote: {line}");
    if begun || !word.is_empty() {
        words.push(word);
    }
    words
}

/// The arguments of each `sagewire` in a line; what it is piped from and to is not ours.
fn invocations(line: &str) -> Vec<Vec<String>> {
    if !line.contains("sagewire ") && !line.ends_with("sagewire") {
        return Vec::new();
    }
    let words = words(line);
    let mut found = Vec::new();
    for command in words.split(|word| matches!(word.as_str(), "|" | ";" | "&")) {
        let variable = |word: &&String| {
            word.split_once('=').is_some_and(|(name, _)| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
        };
        let mut command: Vec<_> = command.iter().skip_while(variable).cloned().collect();
        if let Some(end) = command.iter().position(|word| matches!(word.as_str(), ">" | "<")) {
            command.truncate(end);
        }
        if command.first().is_some_and(|word| word == "sagewire") {
            found.push(command);
        }
    }
    found
}

fn assert_parses(line: &str) -> usize {
    let invocations = invocations(line);
    for arguments in &invocations {
        if let Err(error) = Arguments::try_parse_from(arguments) {
            assert!(!error.use_stderr(), "`{line}` is no command: {error}");
        }
    }
    invocations.len()
}

#[test]
fn a_build_without_the_emulator_shows_no_example_of_it() {
    let mut all = Vec::new();
    commands(&super::without_demo(Arguments::command()), "sagewire", &mut all);
    for (path, command) in all {
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(!after.contains("--demo") && after.contains("Examples:"), "{path}: {after}");
    }
}

#[test]
fn clap_finds_nothing_wrong() {
    Arguments::command().debug_assert();
}

#[test]
fn every_command_has_examples_and_each_parses() {
    for (path, command) in all() {
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(after.contains("Examples:"), "`{path}` has no examples");
        let examples: usize = after.lines().filter(|line| line.starts_with("  ")).map(assert_parses).sum();
        assert!(examples > 0, "`{path}` has no example");
        assert!(command.get_about().is_some(), "`{path}` does not say what it does");
    }
}

/// Parses each command of a page's blocks, and gives the subcommands that are shown.
fn assert_page_parses(page: &str) -> BTreeSet<String> {
    let mut shown = BTreeSet::new();
    let mut inside = false;
    for line in page.replace("\\\n", " ").lines() {
        if let Some(language) = line.trim().strip_prefix("```") {
            inside = !inside && matches!(language, "sh" | "console");
            continue;
        }
        if inside {
            let line = line.trim().trim_start_matches("$ ");
            let is_of_emulator = ["--demo", "sagewire demo", "sagewire emulate"].iter().any(|part| line.contains(part));
            if is_of_emulator && cfg!(not(feature = "emulator")) {
                continue;
            }
            assert_parses(line);
            shown.extend(invocations(line).into_iter().filter_map(|words| words.get(1).cloned()));
        }
    }
    shown
}

#[test]
fn every_command_of_the_readme_parses() {
    assert!(assert_page_parses(README).len() > 3);
}

#[test]
fn every_command_of_the_guide_parses_and_none_is_missing_there() {
    let Some(guide) = guide() else { return };
    let shown = assert_page_parses(&guide);
    let names: BTreeSet<_> =
        Arguments::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
    let missing: Vec<_> = names.difference(&shown).collect();
    assert!(missing.is_empty(), "docs/command-line.md shows no example of {missing:?}");
}

#[test]
fn the_splitter_takes_lines_apart_as_a_shell_does() {
    let found = invocations("A=1 sagewire chat 'a b' -p x=\"y z\" > out | jq . ; sagewire doctor");
    assert_eq!(found, [vec!["sagewire", "chat", "a b", "-p", "x=y z"], vec!["sagewire", "doctor"]]);
    assert!(Arguments::try_parse_from(["sagewire", "chat", "--nonsense"]).is_err());
}
