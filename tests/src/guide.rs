//! The pages whose Rust rustdoc compiles and runs: `cargo test -p sagewire-tests --doc`.
//!
//! Owns the list. The test target `documentation` says where a page with Rust is missing from it.

macro_rules! pages {
    ($($name:ident: $page:expr;)*) => {$(
        #[doc = $page]
        #[derive(Debug)]
        pub struct $name;
    )*};
}

pages! {
    Readme: include_str!("../../README.md");
    GetStarted: include_str!("../../docs/get-started.md");
    Chat: include_str!("../../docs/chat.md");
    Streaming: include_str!("../../docs/streaming.md");
    Embeddings: include_str!("../../docs/embeddings.md");
    Audio: include_str!("../../docs/audio.md");
    Rerank: include_str!("../../docs/rerank.md");
    Credentials: include_str!("../../docs/credentials.md");
    ChatTemplates: include_str!("../../docs/chat-templates.md");
    Crates: include_str!("../../docs/crates.md");
    Errors: include_str!("../../docs/errors.md");
    Migration: include_str!("../../docs/migration.md");
    Testing: include_str!("../../docs/testing.md");
    FiveMinutesRust: include_str!("../../docs/five-minutes/rust.md");
}
