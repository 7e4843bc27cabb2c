//! Blocks of Python.
//!
//! Owns how they run: one process for each, against the page's proxy, in order.

use std::path::Path;

use sagewire_tests::page::{Block, Page};

use crate::{Outcome, session::Session, shell, tools::Tools};

pub(crate) fn run(page: &Page, blocks: &[&Block], tools: &Tools, python: &Path) -> Outcome {
    let mut session = Session::start(page, tools)?;
    // A page that serves a configuration of its own is asked through it.
    for block in
        page.blocks.iter().filter(|block| block.kind == "sh" && block.not_run.is_none() && block.when.is_none())
    {
        if block.text.contains(" serve ") || block.text.trim_start().starts_with("export ") {
            shell::run(&mut session, block)?;
        }
    }
    for block in blocks {
        session.serve_if_asked(&block.text)?;
        let script = session.with_real_addresses(&block.text);
        let mut program = session.program(python);
        match block.file.as_deref().filter(|file| file.starts_with("test_")) {
            Some(tests) => program.args(["-m", "pytest", "--quiet", "-p", "no:cacheprovider", tests]),
            None => program.args(["-c", &script]),
        };
        let output = program.output()?;
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            let said = String::from_utf8_lossy(&output.stdout);
            return Err(format!("{}:{}: {said}{complaint}", page.name, block.line).into());
        }
    }
    Ok(())
}
