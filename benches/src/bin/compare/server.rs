//! The programs that are measured, as child processes.
//!
//! Owns their start, their addresses, and their end: whatever happens, each is killed and waited
//! for.

use std::{
    io::{BufRead, BufReader, Lines},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use sagewire_benches::{
    client::{Connection, post},
    config,
};
use tokio::time::{Duration, Instant, sleep};

use crate::{Failure, results::Subject};

/// The key that callers send; a forwarder passes it on, and the upstream does not look at it.
pub(crate) const KEY: &str = "sk-bench";

/// The signer's own bench, beside `aws-sigv4`.
pub(crate) const SIGNING: [&str; 8] =
    ["bench", "--locked", "--profile", "dist", "-p", "sagewire-sigv4", "--bench", "signing"];

/// A running program. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Kept open: a program must not fail because nobody reads its second line.
    said: Option<Lines<BufReader<ChildStdout>>>,
    /// `http://127.0.0.1:PORT`
    pub(crate) url: String,
}

impl Server {
    /// Starts a program whose first line that holds a URL says where it listens.
    pub(crate) fn announced(command: &mut Command) -> Result<Self, Failure> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let said = child.stdout.take().map(|stdout| BufReader::new(stdout).lines());
        let mut server = Self { child, said, url: String::new() };
        while let Some(line) = server.said.as_mut().and_then(Iterator::next) {
            if let Some(at) = line?.split_whitespace().find(|word| word.starts_with("http://")) {
                at.trim_end_matches('/').clone_into(&mut server.url);
                return Ok(server);
            }
        }
        Err(format!("{} said no address", command.get_program().display()).into())
    }

    /// Starts a program that listens where it was told to.
    pub(crate) fn at(command: &mut Command, url: String) -> Result<Self, Failure> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        Ok(Self { child, said: None, url })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The host and port.
    pub(crate) fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Asks until there is an answer with status 200, and says how long that took.
    pub(crate) async fn first_answer(
        &mut self,
        path: &str,
        body: &str,
        patience: Duration,
    ) -> Result<Duration, Failure> {
        let began = Instant::now();
        let request = post(self.address(), path, KEY, body);
        let mut status = None;
        while began.elapsed() < patience {
            if let Some(ended) = self.child.try_wait()? {
                return Err(format!("it ended at once, {ended}").into());
            }
            if let Ok(mut connection) = Connection::open(self.address()).await
                && let Ok(answer) = connection.ask(&request).await
            {
                if answer.status == 200 {
                    return Ok(began.elapsed());
                }
                status = Some(answer.status);
                sleep(Duration::from_millis(200)).await;
            }
            sleep(Duration::from_micros(500)).await;
        }
        Err(format!("no answer within {} s (last status: {status:?})", patience.as_secs()).into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the built programs are.
#[derive(Debug)]
pub(crate) struct Programs {
    folder: PathBuf,
    pub(crate) scratch: PathBuf,
    /// The proxy that is judged.
    pub(crate) sagewire: PathBuf,
    /// The one that was built without a profile, where that is another.
    plain: Option<PathBuf>,
}

impl Programs {
    /// Those beside this one, and the guided proxy, which has a folder of its own.
    pub(crate) fn find(guided: bool) -> Result<Self, Failure> {
        let folder = std::env::current_exe()?.parent().map(Path::to_owned).ok_or("this program has no folder")?;
        let scratch = folder.join("compare-scratch");
        std::fs::create_dir_all(&scratch)?;
        let plain = folder.join("sagewire");
        let (sagewire, plain) = if guided {
            let target = folder.parent().ok_or("this program has no target folder")?;
            (target.join("guided/sagewire"), Some(plain))
        } else {
            (plain, None)
        };
        Ok(Self { folder, scratch, sagewire, plain })
    }

    pub(crate) fn command(&self, name: &str) -> Command {
        Command::new(self.folder.join(name))
    }

    /// Builds all of them, as releases are built.
    pub(crate) fn build(guided: bool) -> Result<(), Failure> {
        eprintln!("building what is measured");
        let built = Command::new("cargo")
            .args(["build", "--locked", "--profile", "dist", "-p", "sagewire-cli", "-p", "sagewire-benches"])
            .args(["--bin", "sagewire", "--bin", "upstream", "--bin", "forwarder", "--bin", "library"])
            .status()?;
        let signing = Command::new("cargo").args(SIGNING).arg("--no-run").status()?;
        let twice = !guided
            || Command::new("cargo")
                .args(["run", "--locked", "--profile", "dist", "-p", "sagewire-benches", "--bin", "guided", "--"])
                // As the image has it.
                .args(["--static", "--no-default-features", "--features", "otlp"])
                .status()?
                .success();
        if built.success() && signing.success() && twice { Ok(()) } else { Err("the build failed".into()) }
    }

    /// Our proxies: the judged one, and the plain one where it is another.
    pub(crate) fn proxies(&self) -> Vec<Subject> {
        if self.plain.is_some() { vec![Subject::Sagewire, Subject::Plain] } else { vec![Subject::Sagewire] }
    }

    /// One of our proxies, over this upstream.
    pub(crate) fn proxy(&self, subject: Subject, upstream: &str) -> Result<Command, Failure> {
        let program = if subject == Subject::Plain { self.plain.as_ref() } else { None };
        self.serve(program.unwrap_or(&self.sagewire), "sagewire.yaml", &litellm_config(upstream))
    }

    /// The judged proxy for callers whose key has limits that none of them reaches.
    pub(crate) fn limited(&self, upstream: &str) -> Result<Command, Failure> {
        let config = litellm_config(upstream).replace(KEY, "sk-master");
        let limits = "rpm: 1000000000, tpm: 1000000000000, token_budget: 1000000000000, budget_duration: 30d";
        let keys =
            format!("sagewire_settings:\n  keys:\n    - {{name: bench, key: {KEY}, models: [chat], {limits}}}\n");
        self.serve(&self.sagewire, "limited.yaml", &(config + &keys))
    }

    fn serve(&self, program: &Path, name: &str, config: &str) -> Result<Command, Failure> {
        let path = self.scratch.join(name);
        std::fs::write(&path, config)?;
        let mut command = Command::new(program);
        command.args(["serve", "--port", "0", "--host", "127.0.0.1", "--config"]).arg(&path);
        Ok(command)
    }
}

/// The same file configures LiteLLM's proxy.
pub(crate) fn litellm_config(upstream: &str) -> String {
    let models =
        [("chat", "sagemaker_chat/chat"), ("held", "sagemaker_chat/held"), ("embedding", "sagemaker/embedding")];
    config::litellm(models.map(|(name, model)| (name.to_owned(), model, upstream)), KEY)
}
