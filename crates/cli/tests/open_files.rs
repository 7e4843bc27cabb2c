//! Each streamed answer takes two open files: the server takes as many as the system allows it, and
//! not the few that a shell begins with.
#![cfg(all(target_os = "linux", feature = "emulator"))]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

/// Ended when it is dropped.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_server_raises_its_own_limit() {
    let script = r#"ulimit -Sn 100; ulimit -Hn 1000; exec "$0" serve --demo --port 0"#;
    let child = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_sagewire")])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut serving = Serving(child);
    let mut line = String::new();
    BufReader::new(serving.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("http://"), "{line}");
    let limits = fs::read_to_string(format!("/proc/{}/limits", serving.0.id())).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(files.split_whitespace().collect::<Vec<_>>(), ["Max", "open", "files", "1000", "1000", "files"]);
}
