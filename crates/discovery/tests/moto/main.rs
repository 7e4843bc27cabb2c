//! A second opinion on the control plane: moto's server describes endpoints that boto3 made in it,
//! and they are read.
//!
//! `SAGEWIRE_MOTO_PYTHON` names a Python with `moto[server]`. Without it, the case is ignored. moto
//! knows no inference components and verifies no signature.

use std::{path::Path, process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Failed};
use sagewire_credentials::{
    Credentials, Region, SharedConfig, StaticCredentials,
    seam::{MapEnv, SystemHttp, World},
};
use sagewire_discovery::{Account, Certainty, ControlPlane, Filter, Serves, read};
use sagewire_test_programs::Served;

fn main() -> ExitCode {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/moto/serve.py");
    let moto = sagewire_test_programs::moto().and_then(|python| Served::start(&python, &script, &[])).map(Arc::new);
    let trial = moto.trial("endpoints that boto3 made", |moto| check(moto));
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}

fn check(moto: &Served) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let world = World::builder().with_http(SystemHttp::new(MapEnv::new())).build();
        let config = SharedConfig::load(&world, None).await;
        let credentials = Arc::new(StaticCredentials::new(Credentials::new("AKIDEXAMPLE", "secret")));
        let region = Region::new("us-east-1")?;
        let plane = ControlPlane::new(&config, region, Some(moto.url()), credentials)?;
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
