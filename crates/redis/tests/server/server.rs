//! Redis servers on free ports. Dropping one ends it.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use sagewire_redis::RedisSettings;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::Instant,
};

pub(crate) struct Server {
    program: PathBuf,
    port: u16,
    arguments: Vec<String>,
    process: Child,
}

impl Server {
    pub(crate) fn start(program: &Path) -> Self {
        Self::with(program, &[])
    }

    fn with(program: &Path, arguments: &[&str]) -> Self {
        let port = free_port();
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let process = run(program, port, &arguments);
        Self { program: program.to_owned(), port, arguments, process }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn settings(&self) -> RedisSettings {
        RedisSettings::new(&self.url()).unwrap()
    }

    pub(crate) async fn connect(&self) -> redis::aio::MultiplexedConnection {
        redis::Client::open(self.url()).unwrap().get_multiplexed_async_connection().await.unwrap()
    }

    /// Ends it at once, as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it anew, empty.
    pub(crate) fn start_again(&mut self) {
        self.process = run(&self.program, self.port, &self.arguments);
    }

    /// Stops its clock, or lets it go on.
    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

/// The URL of a way to this port on which every answer takes so long.
pub(crate) async fn delayed(port: u16, delay: Duration) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let (mut asked, mut told) = client.into_split();
            let (mut answers, mut questions) = server.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut asked, &mut questions).await });
            let (sender, mut pieces) = tokio::sync::mpsc::unbounded_channel();
            tokio::spawn(async move {
                let mut piece = vec![0; 4096];
                while let Ok(length @ 1..) = answers.read(&mut piece).await {
                    let _ = sender.send((Instant::now() + delay, piece[..length].to_vec()));
                }
            });
            tokio::spawn(async move {
                while let Some((at, piece)) = pieces.recv().await {
                    tokio::time::sleep_until(at).await;
                    if told.write_all(&piece).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    url
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    // A node of a cluster listens on the port 10,000 above, too.
    loop {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let low = port % 20_000 + 20_000;
        if TcpListener::bind(("127.0.0.1", low)).is_ok() && TcpListener::bind(("127.0.0.1", low + 10_000)).is_ok() {
            return low;
        }
    }
}

/// Starts a server and waits until it accepts connections.
fn run(program: &Path, port: u16, arguments: &[String]) -> Child {
    let mut process = Command::new(program)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir", env!("CARGO_TARGET_TMPDIR")])
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut said = Vec::new();
    for line in lines.map_while(Result::ok) {
        if line.contains("Ready to accept connections") {
            return process;
        }
        said.push(line);
    }
    let ended = process.wait().unwrap();
    panic!("the server ended with {ended}: {said:#?}");
}

/// Three nodes that share the slots.
pub(crate) struct Cluster(Vec<Server>);

impl Cluster {
    pub(crate) async fn start(program: &Path) -> Self {
        let nodes: Vec<Server> = (0..3)
            .map(|_| {
                let file = format!("nodes-{:016x}.conf", fastrand::u64(..));
                Server::with(program, &["--cluster-enabled", "yes", "--cluster-config-file", &file])
            })
            .collect();
        for (node, (first, last)) in nodes.iter().zip([(0, 5460), (5461, 10922), (10923, 16383)]) {
            let mut connection = node.connect().await;
            let add = redis::cmd("CLUSTER").arg("ADDSLOTSRANGE").arg(first).arg(last).to_owned();
            add.exec_async(&mut connection).await.unwrap();
            for other in &nodes {
                let meet = redis::cmd("CLUSTER").arg("MEET").arg("127.0.0.1").arg(other.port).to_owned();
                meet.exec_async(&mut connection).await.unwrap();
            }
        }
        for node in &nodes {
            let mut connection = node.connect().await;
            until(async || {
                let info = redis::cmd("CLUSTER").arg("INFO").to_owned();
                let info: String = info.query_async(&mut connection).await.unwrap();
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
            })
            .await;
        }
        Self(nodes)
    }

    pub(crate) fn settings(&self) -> RedisSettings {
        let urls: Vec<String> = self.0.iter().map(Server::url).collect();
        RedisSettings::cluster(urls.iter().map(String::as_str)).unwrap()
    }
}

/// Looks again and again until something is so.
pub(crate) async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), looking).await.expect("it has not become so within a minute");
}
