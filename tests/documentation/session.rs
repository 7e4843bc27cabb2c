//! What the commands of one page run in: a folder, an emulated endpoint, and the servers that they
//! start.
//!
//! Owns the environment of the commands and how addresses on a page become real ones. Nothing
//! listens at a fixed port, and nothing is reachable but this machine.

use std::{
    ffi::OsString,
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use async_trait::async_trait;
use libtest_mimic::Failed;
use sagewire_emulator::{
    Container, ContainerReply, EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY, Embedding, Emulator, Invocation,
    Messages, Tgi,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use sagewire_tests::page::Page;

use crate::tools::Tools;

pub(crate) struct Session<'a> {
    pub(crate) folder: TempDir,
    tools: &'a Tools,
    // Its runtime serves the emulator.
    _runtime: Runtime,
    emulator: Emulator,
    servers: Vec<Child>,
    /// The proxy and the emulator that the page started.
    proxy: Option<String>,
    emulated: Option<String>,
}

/// The folder's file with what the page exported.
const EXPORTS: &str = ".exports";

impl<'a> Session<'a> {
    pub(crate) fn start(page: &Page, tools: &'a Tools) -> Result<Self, Failed> {
        let folder = tempfile::Builder::new().prefix("sagewire").tempdir()?;
        fs::write(folder.path().join(EXPORTS), "")?;
        for block in &page.blocks {
            if let Some(file) = &block.file {
                let path = folder.path().join(file);
                fs::create_dir_all(path.parent().unwrap())?;
                fs::write(path, &block.text)?;
            }
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let mut builder = Emulator::builder();
        for endpoint in endpoints(&page.text) {
            builder = builder.endpoint(endpoint, Any::default());
        }
        let emulator = runtime.block_on(builder.start())?;
        let session =
            Self { folder, tools, _runtime: runtime, emulator, servers: Vec::new(), proxy: None, emulated: None };
        session.put_programs()?;
        Ok(session)
    }

    /// Programs under the names that the page uses.
    fn put_programs(&self) -> Result<(), Failed> {
        let programs = self.programs();
        fs::create_dir(&programs)?;
        let write = |name: &str, text: String| -> Result<(), Failed> {
            let path = programs.join(name);
            fs::write(&path, format!("#!/bin/sh\n{text}\n"))?;
            #[cfg(unix)]
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
            Ok(())
        };
        write("sagewire", format!("exec '{}' \"$@\"", self.tools.sagewire.display()))?;
        if let Some(curl) = self.tools.curl.ready() {
            // A status that is no success is a failure of the page.
            write(
                "curl",
                format!("exec '{}' --silent --show-error --fail-with-body --max-time 60 \"$@\"", curl.display()),
            )?;
        }
        Ok(())
    }

    fn search_path(&self) -> OsString {
        let mut path = self.programs().into_os_string();
        path.push(":");
        path.push(&self.tools.path);
        path
    }

    fn programs(&self) -> std::path::PathBuf {
        self.folder.path().join(".programs")
    }

    /// Remembers an `export` for the commands that follow.
    pub(crate) fn export(&self, command: &str) -> Result<(), Failed> {
        let path = self.folder.path().join(EXPORTS);
        let mut text = fs::read_to_string(&path)?;
        text.push_str(&self.with_real_addresses(command));
        text.push('\n');
        Ok(fs::write(path, text)?)
    }

    /// Runs a command to its end.
    pub(crate) fn run(&mut self, command: &str) -> Result<Output, Failed> {
        self.serve_if_asked(command)?;
        Ok(self.shell(&self.with_real_addresses(command)).output()?)
    }

    /// Starts a server, whose first line is its address.
    pub(crate) fn spawn(&mut self, command: &str) -> Result<(), Failed> {
        let mut child = self.shell(&self.with_real_addresses(command)).stdout(Stdio::piped()).spawn()?;
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first)?;
        let address = first.trim().strip_prefix("http://").map(str::to_owned);
        let Some(address) = address else {
            let _ = child.kill();
            let mut complaint = String::new();
            child.stderr.take().unwrap().read_to_string(&mut complaint)?;
            child.wait()?;
            return Err(format!("`{command}` did not start: {first}{complaint}").into());
        };
        self.servers.push(child);
        if command.contains(" serve") {
            self.proxy = Some(address);
        } else {
            self.emulated = Some(address);
        }
        Ok(())
    }

    /// A page that only calls a proxy is given one.
    pub(crate) fn serve_if_asked(&mut self, text: &str) -> Result<(), Failed> {
        let asks = ["127.0.0.1:4000", "localhost:4000", "0.0.0.0:4000"].iter().any(|address| text.contains(address));
        if asks && self.proxy.is_none() {
            self.spawn("exec sagewire serve --demo --host 127.0.0.1 --port 0")?;
        }
        Ok(())
    }

    /// The page's fixed addresses as those of this session.
    pub(crate) fn with_real_addresses(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let own = self.emulator.addr().to_string();
        for (port, real) in [("4000", self.proxy.as_ref()), ("8080", Some(self.emulated.as_ref().unwrap_or(&own)))] {
            for host in ["127.0.0.1", "localhost", "0.0.0.0"] {
                if let Some(real) = real {
                    text = text.replace(&format!("{host}:{port}"), real);
                }
            }
        }
        text
    }

    /// A program in this session's folder and environment.
    pub(crate) fn program(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("PATH", self.search_path())
            // Every service of AWS that a command could ask.
            .env("AWS_ENDPOINT_URL", self.emulator.url())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", EXAMPLE_ACCESS_KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", EXAMPLE_SECRET_ACCESS_KEY);
        command
    }

    fn shell(&self, command: &str) -> Command {
        let mut shell = self.program(Path::new("/bin/sh"));
        shell.args(["-c", &format!(". ./{EXPORTS}\n{command}")]);
        shell
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

/// The endpoints that a page names.
fn endpoints(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for prefix in ["sagemaker/", "sagemaker_chat/", "sagemaker_nova/"] {
        for rest in text.split(prefix).skip(1) {
            let name: String =
                rest.chars().take_while(|character| character.is_ascii_alphanumeric() || *character == '-').collect();
            let is_built_in = ["tgi", "messages", "embedding"].contains(&name.as_str());
            if !name.is_empty() && !is_built_in && !names.contains(&name) && !name.ends_with('-') {
                names.push(name);
            }
        }
    }
    names
}

/// Stands for whatever container a page has in mind: it answers in the language that it is asked
/// in.
#[derive(Debug, Default)]
struct Any {
    tgi: Tgi,
    messages: Messages,
    embedding: Embedding,
}

impl Any {
    fn of(&self, invocation: &Invocation) -> &dyn Container {
        let body: serde_json::Value = serde_json::from_slice(&invocation.body).unwrap_or_default();
        if body.get("messages").or(body.get("prompt")).is_some() {
            &self.messages
        } else if invocation.endpoint.contains("embed") {
            &self.embedding
        } else {
            &self.tgi
        }
    }
}

#[async_trait]
impl Container for Any {
    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        self.of(&invocation).invoke(invocation).await
    }

    async fn stream(&self, invocation: Invocation) -> ContainerReply {
        self.of(&invocation).stream(invocation).await
    }
}
