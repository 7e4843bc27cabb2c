//! A second opinion on STS and the instance metadata service: moto's server answers, our chain
//! reads it.
//!
//! `SAGEWIRE_MOTO_PYTHON` names a Python with `moto[server]`. Without it, these cases are ignored.
//! moto verifies no signature.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use libtest_mimic::{Arguments, Failed, Trial};
use sagewire_credentials::seam::{MapEnv, World};
use sagewire_credentials::{Credentials, CredentialsError, DefaultChain, ProvideCredentials};
use sagewire_test_programs::{Prepared, Served};
use tempfile::TempDir;

const ROLE: &str = "arn:aws:iam::123456789012:role/reader";

fn main() -> ExitCode {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/moto/serve.py");
    let moto = sagewire_test_programs::moto().and_then(|python| Served::start(&python, &script, &[])).map(Arc::new);
    let trials = [
        trial("a role of a profile", &moto, role_of_profile),
        trial("a role of a role", &moto, role_of_role),
        trial("a web identity", &moto, web_identity),
        trial("the instance's role", &moto, instance),
        trial("a role with the instance's credentials", &moto, role_of_instance),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
}

fn trial(name: &str, moto: &Prepared<Arc<Served>>, check: fn(&Place) -> Result<(), Failed>) -> Trial {
    moto.trial(name, move |moto| check(&Place::new(moto)))
}

/// A home folder, and a world whose AWS is moto.
struct Place {
    home: TempDir,
    env: MapEnv,
}

impl Place {
    fn new(moto: &Served) -> Self {
        let home = TempDir::new().unwrap();
        let env = MapEnv::from([
            ("HOME", home.path().to_str().unwrap()),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL_STS", moto.url()),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", moto.url()),
        ]);
        Self { home, env }
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn world(&self, variables: &[(&str, &str)]) -> World {
        let env = variables.iter().fold(self.env.clone(), |env, (name, value)| env.with(*name, *value));
        World::system().to_builder().with_env(env).build()
    }
}

fn chain(world: &World) -> Result<Credentials, CredentialsError> {
    block_on(DefaultChain::new(world).provide_credentials())
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Temporary keys: an id of the right form, a token, and an expiry about `hours` from now.
fn temporary(world: &World, keys: &Credentials, hours: u64) -> Result<(), Failed> {
    let id = keys.access_key_id();
    if !id.starts_with("ASIA") || keys.session_token().is_none_or(str::is_empty) {
        return Err(format!("no temporary keys: {keys:?}").into());
    }
    expires(world.now(), keys, hours)
}

fn expires(now: SystemTime, keys: &Credentials, hours: u64) -> Result<(), Failed> {
    let left = keys.expiry().ok_or("no expiry")?.duration_since(now)?;
    let (hours, slack) = (Duration::from_secs(hours * 3600), Duration::from_secs(600));
    if left > hours + slack || left + slack < hours { Err(format!("{left:?} are left").into()) } else { Ok(()) }
}

const SOURCE: &str = "[profile base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = secret\n";

fn role_of_profile(place: &Place) -> Result<(), Failed> {
    place.write(".aws/config", &format!("[default]\nrole_arn = {ROLE}\nsource_profile = base\n{SOURCE}"));
    let world = place.world(&[]);
    let keys = chain(&world)?;
    assert_eq!(keys.account_id(), Some("123456789012"));
    temporary(&world, &keys, 1)
}

fn role_of_role(place: &Place) -> Result<(), Failed> {
    let config = format!(
        "[profile last]\nrole_arn = arn:aws:iam::210987654321:role/writer\nsource_profile = middle\nduration_seconds = 7200\n\
         [profile middle]\nrole_arn = {ROLE}\nsource_profile = base\nexternal_id = ext\n{SOURCE}"
    );
    place.write(".aws/config", &config);
    let world = place.world(&[("AWS_PROFILE", "last")]);
    let keys = chain(&world)?;
    assert_eq!(keys.account_id(), Some("210987654321"));
    temporary(&world, &keys, 2)
}

fn web_identity(place: &Place) -> Result<(), Failed> {
    let token = place.write("token.jwt", "header.claims.signature\n");
    let world = place.world(&[("AWS_ROLE_ARN", ROLE), ("AWS_WEB_IDENTITY_TOKEN_FILE", &token)]);
    let keys = chain(&world)?;
    assert_eq!((keys.source(), keys.account_id()), ("WebIdentityToken", Some("123456789012")));
    temporary(&world, &keys, 1)
}

fn instance(place: &Place) -> Result<(), Failed> {
    let world = place.world(&[]);
    let keys = chain(&world)?;
    assert_eq!((keys.source(), keys.access_key_id()), ("InstanceMetadata", "test-key"));
    assert_eq!((keys.secret_access_key(), keys.session_token()), ("test-secret-key", Some("test-session-token")));
    expires(world.now(), &keys, 24)
}

fn role_of_instance(place: &Place) -> Result<(), Failed> {
    place.write(".aws/config", &format!("[default]\nrole_arn = {ROLE}\ncredential_source = Ec2InstanceMetadata\n"));
    let world = place.world(&[]);
    temporary(&world, &chain(&world)?, 1)
}
