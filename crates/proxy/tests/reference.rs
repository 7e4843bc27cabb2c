//! The checked-in JSON schema and the tables in `docs/proxy.md` are what the code says.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{fs, path::PathBuf};

use sagewire_proxy::config;

fn docs(name: &str) -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)).unwrap()
}

#[test]
fn the_schema_is_current() {
    assert_eq!(
        docs("config.schema.json"),
        config::json_schema(),
        "run `cargo run -p sagewire-proxy --example config_reference -- schema > docs/config.schema.json`"
    );
}

#[test]
fn the_documented_keys_are_current() {
    let page = docs("proxy.md");
    let tables = config::key_tables();
    assert!(
        page.contains(tables.trim_end()),
        "replace the tables in docs/proxy.md by what `cargo run -p sagewire-proxy --example config_reference -- keys` prints"
    );
}
