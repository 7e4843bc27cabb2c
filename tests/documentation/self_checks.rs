//! That the checks can fail: pages that are wrong in one way each, and what is said of them.
//!
//! Owns these pages.

use libtest_mimic::Trial;

use sagewire_tests::page::{self, Page};

use crate::{Outcome, data, kinds, links, together, tools::Tools};

pub(crate) fn trials(tools: &'static Tools) -> Vec<Trial> {
    let says = |name: &str, check: fn(&Page, &Tools) -> Outcome, text: &'static str, wanted: &'static str| {
        tools.trial_of_commands(format!("self_checks::{name}"), &[text], move || {
            let page = Page::of("docs/wrong.md".to_owned(), page::root().join("docs/wrong.md"), text.to_owned());
            match check(&page, tools) {
                Err(why) if why.message().is_some_and(|why| why.contains(wanted)) => Ok(()),
                Err(why) => Err(format!("it says {:?} and not `{wanted}`", why.message()).into()),
                Ok(()) => Err(format!("nothing is found wrong with {text:?}").into()),
            }
        })
    };
    let links: fn(&Page, &Tools) -> Outcome = |page, _| links::lead_somewhere(page);
    let kinds: fn(&Page, &Tools) -> Outcome = |page, _| kinds(page);
    let yaml: fn(&Page, &Tools) -> Outcome = |page, _| page.blocks.iter().try_for_each(|block| data::yaml(&block.text));
    let commands: fn(&Page, &Tools) -> Outcome =
        |page, tools| together(page, &page.blocks.iter().collect::<Vec<_>>(), tools);
    vec![
        says("a_page_that_is_not_there", links, "See [this](nowhere.md).", "there is no such file"),
        says("a_heading_that_is_not_there", links, "See [this](proxy.md#nowhere).", "no such heading"),
        says("an_unmarked_block", kinds, "```haskell\nmain = pure ()\n```", "not checked"),
        says("rust_that_is_ignored", kinds, "```rust,ignore\nnonsense\n```", "ignored"),
        says("an_unknown_key", yaml, "```yaml\nrouter_settings:\n  nonsense: 1\n```", "nonsense"),
        says("a_flag_that_is_not_there", commands, "```sh\nsagewire check --nonsense\n```", "--nonsense"),
        says("a_package_that_is_not_there", commands, "```sh\ncargo test -p nonsense\n```", "no package"),
        says("a_program_that_is_not_known", commands, "```sh\nkubectl get pods\n```", "mark the block"),
        says(
            "output_that_is_not_so",
            commands,
            "```console\n$ sagewire template list\nnonsense\n```",
            "no line `nonsense`",
        ),
        says("an_answer_that_is_no_success", commands, "```sh\ncurl http://127.0.0.1:4000/nowhere\n```", "404"),
        says(
            "a_server_that_does_not_start",
            commands,
            "```sh\nsagewire serve --config nowhere.yaml\n```",
            "did not start",
        ),
    ]
}
