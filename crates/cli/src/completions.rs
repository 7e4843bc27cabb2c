//! `sagewire completions`: what a shell needs to complete the commands.

use clap::Args;
use clap_complete::Shell;

use crate::{Failure, arguments};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sagewire completions bash > ~/.local/share/bash-completion/completions/sagewire
  sagewire completions zsh > ~/.zfunc/_sagewire
  sagewire completions fish > ~/.config/fish/completions/sagewire.fish
  sagewire completions powershell >> $PROFILE
  sagewire completions elvish >> ~/.config/elvish/rc.elv")]
pub(crate) struct CompletionsArguments {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(arguments: &CompletionsArguments) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut arguments::command(), "sagewire", &mut script);
    std::io::Write::write_all(&mut std::io::stdout().lock(), &script).map_err(Failure::output)
}
