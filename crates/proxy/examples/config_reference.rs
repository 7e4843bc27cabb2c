//! Prints what is made from the tables of keys, to be checked in:
//!
//! ```sh
//! cargo run -p sagewire-proxy --example config_reference -- schema > docs/config.schema.json
//! cargo run -p sagewire-proxy --example config_reference -- keys > docs/configuration.md
//! ```

#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::process::ExitCode;

use sagewire_proxy::config;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("schema") => print!("{}", config::json_schema()),
        Some("keys") => print!("{}", config::key_tables()),
        _ => {
            println!("say `schema` or `keys`");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
