//! Blocks of commands.
//!
//! Owns how a block is taken apart, which commands run how, and what their output must hold.
//! `sagewire` runs against the session's emulator, its servers in the background; cargo's commands
//! are compared with the manifests; whatever else is not plainly harmless must be marked.

use libtest_mimic::Failed;

use crate::{Outcome, cargo, page::Block, session::Session};

/// Programs that may run as they stand.
const HARMLESS: [&str; 8] = ["cat", "curl", "echo", "grep", "head", "printf", "sagewire", "sleep"];

/// One command, and the lines that the page shows below it.
struct Step {
    command: String,
    shown: Vec<String>,
}

pub(crate) fn run(session: &mut Session<'_>, block: &Block) -> Outcome {
    let steps = steps(block)?;
    let last = steps.len().saturating_sub(1);
    for (index, step) in steps.iter().enumerate() {
        let expected = if index == last { block.exits } else { 0 };
        one(session, step, expected)
            .map_err(|why| format!("`{}`: {}", step.command, why.message().unwrap_or("failed")))?;
    }
    Ok(())
}

fn one(session: &mut Session<'_>, step: &Step, expected: i32) -> Outcome {
    let words = words(&step.command);
    let command = match words.first().map(String::as_str) {
        None => return Ok(()),
        Some("export") => return session.export(&step.command),
        Some("cargo") => match cargo::checked(&words)? {
            cargo::Command::Checked => return Ok(()),
            // The rest of the line is `sagewire`'s.
            cargo::Command::Run(arguments) => format!("sagewire {arguments}"),
        },
        Some(_) => step.command.clone(),
    };
    let program = self::words(&command).into_iter().next().unwrap_or_default();
    if !HARMLESS.contains(&program.as_str()) {
        return Err(
            format!("`{program}` is not run by these tests: mark the block with `<!-- not run: ... -->`").into()
        );
    }
    if let Some(server) = as_server(&command) {
        return session.spawn(&server);
    }
    let output = session.run(&command)?;
    let (shown, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.code() != Some(expected) {
        return Err(format!("ended with {:?} and not {expected}: {shown}{complaint}", output.status.code()).into());
    }
    holds(&format!("{shown}{complaint}"), &step.shown)
}

/// A command that would not end, listening where there is room.
fn as_server(command: &str) -> Option<String> {
    let words = words(command);
    let subcommand = words.iter().skip_while(|word| *word != "sagewire").nth(1)?;
    let asks = |flag: &str| words.iter().any(|word| word == flag);
    if !["serve", "emulate"].contains(&subcommand.as_str()) || asks("--help") {
        return None;
    }
    let mut kept = command.trim_end_matches('&').to_owned();
    for flag in ["--port", "--host"] {
        if let Some(value) = words.iter().skip_while(|word| *word != flag).nth(1) {
            kept = kept.replace(&format!(" {flag} {value}"), "");
        }
    }
    let host = if subcommand == "serve" { " --host 127.0.0.1" } else { "" };
    let comment = kept.find(" #").unwrap_or(kept.len());
    kept.truncate(comment);
    // The shell gives its place to the server, so that ending it ends the server.
    let at = if kept.starts_with("sagewire ") { 0 } else { kept.find(" sagewire ")? + 1 };
    let (before, after) = kept.split_at(at);
    Some(format!("{before}exec {}{host} --port 0", after.trim_end()))
}

/// Each shown line is in the output, in this order. `...` stands for anything, in a line or between
/// lines.
fn holds(output: &str, shown: &[String]) -> Outcome {
    let mut lines = output.lines();
    for wanted in shown.iter().map(|line| line.trim()).filter(|line| !line.is_empty() && *line != "...") {
        let parts: Vec<_> = wanted.split("...").collect();
        let matches = |line: &str| {
            let mut rest = line;
            parts.iter().all(|part| {
                rest.find(part).is_some_and(|at| {
                    rest = rest.get(at + part.len()..).unwrap_or_default();
                    true
                })
            })
        };
        if !lines.any(matches) {
            return Err(format!("its output has no line `{wanted}` where the page shows it:\n{output}").into());
        }
    }
    Ok(())
}

/// The commands of a block: `sh` has nothing else, `console` has them after `$ ` and their output
/// below.
fn steps(block: &Block) -> Result<Vec<Step>, Failed> {
    let mut steps: Vec<Step> = Vec::new();
    let mut open = String::new();
    for line in block.text.lines() {
        let is_command = block.kind == "sh" || !open.is_empty() || line.starts_with("$ ");
        if !is_command {
            let step = steps.last_mut().ok_or("a console block begins with `$ `")?;
            step.shown.push(line.to_owned());
            continue;
        }
        open.push_str(if block.kind == "console" && open.is_empty() {
            line.strip_prefix("$ ").unwrap_or(line)
        } else {
            line
        });
        open.push('\n');
        if is_whole(&open) {
            let command = std::mem::take(&mut open).trim().to_owned();
            if !command.is_empty() && !command.starts_with('#') {
                steps.push(Step { command, shown: Vec::new() });
            }
        }
    }
    if open.is_empty() { Ok(steps) } else { Err(format!("the command is not whole: {open}").into()) }
}

/// Whether quotes are closed and the line goes on nowhere.
fn is_whole(text: &str) -> bool {
    let (mut single, mut double, mut escaped) = (false, false, false);
    let (mut comment, mut before) = (false, ' ');
    for character in text.trim_end_matches('\n').chars() {
        let begins_a_word = std::mem::replace(&mut before, character).is_whitespace();
        match character {
            '\n' if comment => comment = false,
            _ if comment => {}
            '#' if begins_a_word && !single && !double && !escaped => comment = true,
            _ if escaped => escaped = false,
            '\\' if !single => escaped = true,
            '\'' if !double => single = !single,
            '"' if !single => double = !double,
            _ => {}
        }
    }
    !single && !double && !escaped
}

/// The words of a command, without variables set before it, up to a comment.
pub(crate) fn words(command: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let (mut single, mut double, mut escaped) = (false, false, false);
    for character in command.replace("\\\n", " ").chars() {
        match character {
            _ if escaped => {
                word.push(character);
                escaped = false;
            }
            '\\' if !single => escaped = true,
            '\'' if !double => single = !single,
            '"' if !single => double = !double,
            '#' if !single && !double && word.is_empty() => break,
            _ if character.is_whitespace() && !single && !double => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            _ => word.push(character),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    let is_variable = |word: &String| {
        word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty()
                && name.chars().all(|character| character.is_ascii_uppercase() || "_0123456789".contains(character))
        })
    };
    words.into_iter().skip_while(is_variable).collect()
}
