//! What the documentation says is so: every fenced block of every page is run, parsed, compiled, or
//! marked as not run with its reason; links lead somewhere; lists that claim to be complete are.
//!
//! Owns which pages and checks there are. Pages are found by their place. A block's kind is the
//! word after its fence; what else it needs is said in comments right above it, which no reader
//! sees:
//!
//! - `<!-- not run: needs a cluster -->`: why it cannot run here.
//! - `<!-- file: config.yaml -->`: the block is written to this file, for the commands of the same
//!   page.
//! - `<!-- when: chat -->`: it runs where the command line has this subcommand, and is reported as
//!   ignored elsewhere.
//! - `<!-- exits: 2 -->`: its last command ends with this code.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod cargo;
mod data;
mod deploy;
mod links;
mod lists;
mod monitoring;
mod packages;
mod python;
mod release;
mod self_checks;
mod session;
mod shell;
mod tables;
mod tools;

use libtest_mimic::{Arguments, Failed, Trial};

use sagewire_tests::page::{self, Block, Page};

use crate::{session::Session, tools::Tools};

/// What a check finds.
type Outcome = Result<(), Failed>;

fn main() {
    let arguments = Arguments::from_args();
    let tools = Tools::find();
    let mut trials = lists::trials();
    trials.extend(tables::trials());
    trials.extend(packages::trials(tools));
    trials.extend(deploy::trials(tools));
    trials.extend(monitoring::trials(tools));
    trials.extend(release::trials());
    trials.extend(self_checks::trials(tools));
    for page in page::all() {
        trials.extend(of_page(page, tools));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn of_page(page: &'static Page, tools: &'static Tools) -> Vec<Trial> {
    let mut trials = vec![
        Trial::test(format!("links::{}", page.name), || links::lead_somewhere(page)),
        Trial::test(format!("kinds::{}", page.name), || kinds(page)),
    ];
    let (mut commands, mut scripts) = (Vec::new(), Vec::new());
    for block in &page.blocks {
        let name = format!("{}::{}:{}", block.kind, page.name, block.line);
        if block.not_run.is_some() {
            continue;
        }
        match (block.kind.as_str(), &block.when) {
            // Its own session: what comes before it may be there without it.
            ("sh" | "console", Some(command)) => {
                let is_there = tools.subcommands.contains(command);
                let trial = tools.trial_of_commands(name, &[&block.text], || together(page, &[block], tools));
                trials.push(if is_there { trial } else { trial.with_ignored_flag(true) });
            }
            ("sh" | "console", None) => commands.push(block),
            ("python", _) => scripts.push(block),
            ("yaml", _) => trials.push(Trial::test(name, || data::yaml(&block.text))),
            ("json", _) => trials.push(Trial::test(name, || data::json(&block.text))),
            ("toml", _) => trials.push(Trial::test(name, || data::toml(&block.text))),
            ("rust", _) => trials.push(Trial::test(name, || lists::is_compiled(page))),
            _ => {}
        }
    }
    if !commands.is_empty() {
        let name = format!("commands::{}", page.name);
        let texts: Vec<&str> = commands.iter().map(|block| block.text.as_str()).collect();
        trials.push(tools.trial_of_commands(name, &texts, move || together(page, &commands, tools)));
    }
    if !scripts.is_empty() {
        let name = format!("python::{}", page.name);
        trials.push(tools::python(&scripts).trial(name, move |python| python::run(page, &scripts, tools, python)));
    }
    trials
}

/// The commands of a page, one after the other, in one folder.
fn together(page: &Page, blocks: &[&Block], tools: &Tools) -> Outcome {
    let mut session = Session::start(page, tools)?;
    for block in blocks {
        shell::run(&mut session, block)
            .map_err(|why| format!("{}:{}: {}", page.name, block.line, why.message().unwrap_or("failed")))?;
    }
    Ok(())
}

/// A block of a kind that nothing here checks has its reason.
fn kinds(page: &Page) -> Outcome {
    for block in &page.blocks {
        let is_checked = ["console", "json", "python", "rust", "sh", "toml", "yaml"].contains(&block.kind.as_str());
        if !is_checked && block.not_run.is_none() {
            let why = "is of a kind that is not checked: say why in `<!-- not run: ... -->` above it";
            return Err(format!("{}:{}: a block of `{}` {why}", page.name, block.line, block.kind).into());
        }
        if block.info.split(',').any(|word| word.trim() == "ignore") {
            return Err(format!("{}:{}: Rust that is ignored is not checked", page.name, block.line).into());
        }
    }
    Ok(())
}
