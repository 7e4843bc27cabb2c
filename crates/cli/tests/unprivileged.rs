//! The binary as a container runs it best: as nobody, without capabilities, without a home, on a
//! file system that cannot be written.
//!
//! Only root on Linux can set that up: elsewhere the cases are reported as ignored.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use libtest_mimic::{Arguments, Failed, Trial};

/// Everything is mounted read-only for what follows; then the rights of root are given away for
/// good.
const CONFINED: &str = r#"
set -e
while read -r _ place _; do mount -o remount,bind,ro "$place" 2>/dev/null || true; done < /proc/self/mounts
exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
"#;

fn main() {
    let arguments = Arguments::from_args();
    let unable = unable();
    let trials = [
        ("nothing can be written", nothing_can_be_written as fn() -> Result<(), Failed>),
        ("the version is told", the_version_is_told),
        ("a configuration is checked", a_configuration_is_checked),
        ("the proxy serves", the_proxy_serves),
    ];
    let trials = trials.map(|(name, run)| match &unable {
        None => Trial::test(name, run),
        Some(why) => Trial::test(format!("{name} (not here: {why})"), run).with_ignored_flag(true),
    });
    libtest_mimic::run(&arguments, trials.into()).exit();
}

/// Why it cannot be set up here.
fn unable() -> Option<String> {
    match confined(&["true"]).stdout(Stdio::null()).stderr(Stdio::null()).status() {
        Ok(status) if status.success() => None,
        Ok(_) => Some("unshare, mount or setpriv is not allowed".to_owned()),
        Err(error) => Some(format!("unshare: {error}")),
    }
}

fn confined(command: &[&str]) -> Command {
    let mut confined = Command::new("unshare");
    confined.args(["--mount", "--propagation", "private", "sh", "-c", CONFINED, "sh"]).args(command).env_clear();
    confined.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").current_dir("/");
    confined
}

/// The binary and a configuration where nobody may read them.
struct Installed {
    folder: tempfile::TempDir,
}

impl Installed {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("sagewire-unprivileged").tempdir_in("/var/tmp").unwrap();
        let this = Self { folder };
        // A link costs nothing where the target folder is on the same disk.
        let (from, to) = (env!("CARGO_BIN_EXE_sagewire"), this.path("sagewire"));
        fs::hard_link(from, &to).or_else(|_| fs::copy(from, &to).map(drop)).unwrap();
        #[cfg(unix)]
        for path in [this.folder.path(), to.as_ref()] {
            fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        }
        let config = "model_list: [{model_name: m, litellm_params: {model: sagemaker/e, aws_region_name: us-east-1, aws_access_key_id: a, aws_secret_access_key: b}}]\n";
        fs::write(this.path("config.yaml"), config).unwrap();
        this
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }
}

/// Otherwise the other cases would show nothing.
fn nothing_can_be_written() -> Result<(), Failed> {
    let installed = Installed::new();
    for folder in ["/", "/tmp", "/var/tmp", &installed.path("")] {
        let file = format!("{}/written-by-a-test", folder.trim_end_matches('/'));
        let status = confined(&["touch", &file]).stderr(Stdio::null()).status()?;
        if status.success() {
            return Err(format!("{folder} can be written").into());
        }
    }
    let shown = confined(&["id", "-u"]).output()?;
    if shown.stdout == b"65534\n" { Ok(()) } else { Err(format!("{shown:?}").into()) }
}

fn succeeds(installed: &Installed, arguments: &[&str]) -> Result<String, Failed> {
    let binary = installed.path("sagewire");
    let output = confined(&[&[binary.as_str()], arguments].concat()).output()?;
    let shown = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if output.status.success() { Ok(shown) } else { Err(format!("{}: {shown}", output.status).into()) }
}

fn the_version_is_told() -> Result<(), Failed> {
    let shown = succeeds(&Installed::new(), &["--version"])?;
    if shown.contains(env!("CARGO_PKG_VERSION")) { Ok(()) } else { Err(shown.into()) }
}

fn a_configuration_is_checked() -> Result<(), Failed> {
    let installed = Installed::new();
    succeeds(&installed, &["check", "--config", &installed.path("config.yaml")]).map(drop)
}

/// Ended when it is dropped.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn the_proxy_serves() -> Result<(), Failed> {
    let installed = Installed::new();
    let (binary, config) = (installed.path("sagewire"), installed.path("config.yaml"));
    let mut command = confined(&[&binary, "serve", "--config", &config, "--port", "0"]);
    let mut serving = Serving(command.stdout(Stdio::piped()).spawn()?);
    let mut first_line = String::new();
    BufReader::new(serving.0.stdout.take().ok_or("no output")?).read_line(&mut first_line)?;
    let address = first_line.trim().strip_prefix("http://").ok_or_else(|| format!("no address: {first_line}"))?;
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET /health/liveliness HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(answer.into()) }
}
