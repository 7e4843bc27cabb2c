//! A second opinion on the control plane: moto's server describes endpoints that boto3 made in it,
//! and they are read.
//!
//! `SAGEWIRE_MOTO_PYTHON` names a Python with `moto[server]`. Without it, the case is ignored. moto
//! knows no inference components and verifies no signature.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    sync::Arc,
};

use libtest_mimic::{Arguments, Failed};
use sagewire_credentials::{
    Credentials, Region, SharedConfig, StaticCredentials,
    seam::{MapEnv, SystemHttp, World},
};
use sagewire_discovery::{Account, Certainty, ControlPlane, Filter, Serves, read};

fn main() -> ExitCode {
    let moto = sagewire_test_programs::moto().and_then(|python| Moto::start(&python)).map(Arc::new);
    let trial = moto.trial("endpoints that boto3 made", |moto| check(moto));
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}

/// moto's server, which ends when this is dropped.
struct Moto {
    server: Child,
    url: String,
}

impl Moto {
    fn start(python: &Path) -> Result<Self, String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/moto/serve.py");
        let mut server = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut url = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut url).map_err(|error| error.to_string())?;
        if url.is_empty() {
            return Err(format!("moto's server did not start: {}", server.wait().unwrap()));
        }
        Ok(Self { server, url: url.trim().to_owned() })
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // The server ends with its standard input.
        drop(self.server.stdin.take());
        drop(self.server.wait());
    }
}

fn check(moto: &Moto) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let world = World::builder().with_http(SystemHttp::new(MapEnv::new())).build();
        let config = SharedConfig::load(&world, None).await;
        let credentials = Arc::new(StaticCredentials::new(Credentials::new("AKIDEXAMPLE", "secret")));
        let region = Region::new("us-east-1")?;
        let plane = ControlPlane::new(&config, region, Some(&moto.url), credentials)?;
        let filter = Filter::default().with_name_contains("chat-");
        let facts = Account::new(plane).endpoints(&filter, &|_, _| {}).await?;
        let found: Vec<_> = facts.iter().flat_map(|facts| read(facts)).collect();
        assert_eq!(found.len(), 12, "every page is read");
        for deployment in found {
            assert_eq!((&deployment.serves, deployment.certainty), (&Serves::Chat("messages"), Certainty::Sure));
            assert_eq!(deployment.model_name.as_deref(), Some("Qwen/Qwen3-8B"));
            assert_eq!(deployment.obstacle, None, "{deployment:?}");
        }
        Ok(())
    })
}
