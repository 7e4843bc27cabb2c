//! A world that records what is looked at: variables, files, URLs and processes, and the outcome
//! of each. It never records their contents.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use zeroize::Zeroizing;

use super::{
    Env, FileMetadata, Files, HttpClient, HttpError, ProcessLimits, ProcessOutput, Processes, RequestOptions, World,
};

/// One look at the world: a name and an outcome, without contents.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Look {
    /// An environment variable.
    Variable {
        /// Its name.
        name: String,
        /// Whether it was set, blank or not.
        set: bool,
    },
    /// A file that was read.
    File {
        /// Its path.
        path: PathBuf,
        /// Its size in bytes, or why it could not be read.
        outcome: Result<u64, String>,
    },
    /// A file that was replaced.
    Replaced {
        /// Its path.
        path: PathBuf,
        /// Why it could not be, if so.
        outcome: Result<(), String>,
    },
    /// A request that was sent.
    Url {
        /// The method, such as `GET`.
        method: String,
        /// The URL, without its query.
        url: String,
        /// The HTTP status, or why there was no answer.
        outcome: Result<u16, String>,
    },
    /// A process that was run. Its command line is left out, since it may contain a secret.
    Process {
        /// Its exit code, if it has one, or why it could not be run.
        outcome: Result<Option<i32>, String>,
    },
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable { name, set } => write!(f, "variable {name}: {}", if *set { "set" } else { "not set" }),
            Self::File { path, outcome: Ok(len) } => write!(f, "file {}: {len} bytes", path.display()),
            Self::File { path, outcome: Err(reason) } => write!(f, "file {}: {reason}", path.display()),
            Self::Replaced { path, outcome: Ok(()) } => write!(f, "file {}: replaced", path.display()),
            Self::Replaced { path, outcome: Err(reason) } => {
                write!(f, "file {}: not replaced: {reason}", path.display())
            }
            Self::Url { method, url, outcome: Ok(status) } => write!(f, "{method} {url}: status {status}"),
            Self::Url { method, url, outcome: Err(reason) } => write!(f, "{method} {url}: {reason}"),
            Self::Process { outcome: Ok(Some(code)) } => write!(f, "process: exit code {code}"),
            Self::Process { outcome: Ok(None) } => write!(f, "process: ended by a signal"),
            Self::Process { outcome: Err(reason) } => write!(f, "process: {reason}"),
        }
    }
}

/// The looks so far, in order. A repeated look is recorded once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal(Arc<Mutex<Vec<Look>>>);

impl Journal {
    /// Takes the looks out.
    pub(crate) fn take(&self) -> Vec<Look> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, look: Look) {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_request = matches!(look, Look::Url { .. } | Look::Process { .. });
        if is_request || !looks.contains(&look) {
            looks.push(look);
        }
    }
}

impl World {
    /// This world, and a journal of the looks at it.
    pub(crate) fn observed(&self) -> (World, Journal) {
        let journal = Journal::default();
        let world = self
            .to_builder()
            .with_env(Observed { inner: Arc::clone(self.env()), journal: journal.clone() })
            .with_files(Observed { inner: Arc::clone(self.files()), journal: journal.clone() })
            .with_http(Observed { inner: Arc::clone(self.http()), journal: journal.clone() })
            .with_processes(Observed { inner: Arc::clone(self.processes()), journal: journal.clone() })
            .build();
        (world, journal)
    }
}

#[derive(Debug)]
struct Observed<T> {
    inner: T,
    journal: Journal,
}

impl Env for Observed<Arc<dyn Env>> {
    fn var(&self, name: &str) -> Option<String> {
        let value = self.inner.var(name);
        self.journal.add(Look::Variable { name: name.to_owned(), set: value.is_some() });
        value
    }
}

#[async_trait]
impl Files for Observed<Arc<dyn Files>> {
    async fn read(&self, path: &Path, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
        let content = self.inner.read(path, limit).await;
        let outcome = content.as_ref().map(|content| content.len() as u64).map_err(ToString::to_string);
        self.journal.add(Look::File { path: path.to_owned(), outcome });
        content
    }

    async fn replace(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let replaced = self.inner.replace(path, content).await;
        let outcome = replaced.as_ref().copied().map_err(ToString::to_string);
        self.journal.add(Look::Replaced { path: path.to_owned(), outcome });
        replaced
    }

    async fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.inner.create_folder(path).await
    }

    async fn metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        self.inner.metadata(path).await
    }
}

#[async_trait]
impl HttpClient for Observed<Arc<dyn HttpClient>> {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        options: &RequestOptions,
    ) -> Result<http::Response<Bytes>, HttpError> {
        let method = request.method().to_string();
        let url = request.uri().to_string();
        let url = url.split('?').next().unwrap_or_default().to_owned();
        let answer = self.inner.send(request, options).await;
        let outcome = answer.as_ref().map(|answer| answer.status().as_u16()).map_err(ToString::to_string);
        self.journal.add(Look::Url { method, url, outcome });
        answer
    }
}

#[async_trait]
impl Processes for Observed<Arc<dyn Processes>> {
    async fn run(&self, command_line: &str, limits: ProcessLimits) -> io::Result<ProcessOutput> {
        let output = self.inner.run(command_line, limits).await;
        let outcome = output.as_ref().map(|output| output.exit_code).map_err(ToString::to_string);
        self.journal.add(Look::Process { outcome });
        output
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Look;
    use crate::seam::{HttpFn, MapEnv, MapFiles, ProcessLimits, RequestOptions, World};

    #[tokio::test]
    async fn writes_down_names_and_outcomes_and_no_content() {
        let (world, journal) = World::builder()
            .with_env(MapEnv::from([("A", "hidden")]))
            .with_files(MapFiles::new().with("/f", "hidden"))
            .with_http(HttpFn::new(|_, _| Ok(http::Response::new("hidden".into()))))
            .build()
            .observed();
        assert_eq!(world.var("A"), world.var("A"));
        assert_eq!(world.var("B"), None);
        world.files().read(Path::new("/f"), 100).await.unwrap();
        world.files().read(Path::new("/g"), 100).await.unwrap_err();
        world.files().replace(Path::new("/f"), b"hidden").await.unwrap();
        let request = http::Request::get("http://h/p?token=hidden").body(bytes::Bytes::new()).unwrap();
        world.http().send(request, &RequestOptions::default()).await.unwrap();
        let limits = ProcessLimits { timeout: std::time::Duration::ZERO, max_stdout: 0 };
        world.processes().run("echo hidden", limits).await.unwrap_err();

        let looks = journal.take();
        let text: Vec<_> = looks.iter().map(Look::to_string).collect();
        assert_eq!(
            text,
            [
                "variable A: set",
                "variable B: not set",
                "file /f: 6 bytes",
                "file /g: No such file or directory (os error 2)",
                "file /f: replaced",
                "GET http://h/p: status 200",
                "process: this program does not run processes",
            ]
        );
        assert!(!format!("{looks:?}").contains("hidden"));
        assert!(journal.take().is_empty());
    }
}
