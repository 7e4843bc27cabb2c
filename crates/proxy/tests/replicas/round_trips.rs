//! How often a call waits for Redis, seen from between the two.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use sagewire_emulator::Emulator;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use super::{Redis, ask, ask_for_stream, proxy};

/// What lies between a proxy and Redis: it passes questions on at once, and holds answers if it is
/// told to.
struct Between {
    port: u16,
    held: Arc<Mutex<Held>>,
    changed: Arc<Notify>,
}

#[derive(Default)]
struct Held {
    holds: bool,
    questions: Vec<u8>,
    answers: Vec<u8>,
    /// What may be passed on although answers are held.
    released: Vec<u8>,
}

impl Held {
    /// Scripts that were asked, and those that have answered.
    fn scripts(&self) -> (usize, usize) {
        let asked = self.questions.windows(7).filter(|bytes| *bytes == b"EVALSHA").count();
        // Each answers with one text, in whose JSON there is no `$`.
        (asked, self.answers.iter().filter(|byte| **byte == b'$').count())
    }
}

impl Between {
    async fn start(redis: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (held, changed) = (Arc::<Mutex<Held>>::default(), Arc::<Notify>::default());
        let between = Self { port, held: Arc::clone(&held), changed: Arc::clone(&changed) };
        tokio::spawn(async move {
            while let Ok((proxy, _)) = listener.accept().await {
                let redis = TcpStream::connect(("127.0.0.1", redis)).await.unwrap();
                let (held, changed) = (Arc::clone(&held), Arc::clone(&changed));
                tokio::spawn(async move { pass_on(proxy, redis, &held, &changed).await });
            }
        });
        between
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap()
    }

    /// Holds answers from now on.
    fn hold(&self) {
        *self.held() = Held { holds: true, ..Held::default() };
    }

    /// Passes on the answers that are held now, and holds those that come later.
    fn release_once(&self) {
        let mut held = self.held();
        held.released = std::mem::take(&mut held.answers);
        drop(held);
        self.changed.notify_one();
    }

    /// Holds nothing from now on.
    fn let_go(&self) {
        self.held().holds = false;
        self.changed.notify_one();
    }

    /// Waits until so many scripts have been asked, none of which has been answered.
    async fn asked(&self, scripts: usize) {
        super::until(async || {
            let (asked, answered) = self.held().scripts();
            asked >= scripts && answered == asked
        })
        .await;
    }

    fn was_asked(&self, what: &str) -> bool {
        self.held().questions.windows(what.len()).any(|bytes| bytes == what.as_bytes())
    }
}

async fn pass_on(proxy: TcpStream, redis: TcpStream, held: &Mutex<Held>, changed: &Notify) {
    let ((mut questions, mut to_proxy), (mut answers, mut to_redis)) = (proxy.into_split(), redis.into_split());
    let forth = async {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = questions.read(&mut buffer).await {
            held.lock().unwrap().questions.extend(&buffer[..read]);
            to_redis.write_all(&buffer[..read]).await?;
        }
        std::io::Result::Ok(())
    };
    let back = async {
        let mut buffer = [0; 4096];
        loop {
            let read = tokio::select! {
                read = answers.read(&mut buffer) => match read { Ok(read @ 1..) => read, _ => return std::io::Result::Ok(()) },
                () = changed.notified() => 0,
            };
            let passed = {
                let mut held = held.lock().unwrap();
                held.answers.extend(&buffer[..read]);
                if held.holds { std::mem::take(&mut held.released) } else { std::mem::take(&mut held.answers) }
            };
            to_proxy.write_all(&passed).await?;
        }
    };
    tokio::select! {
        _ = forth => {}
        _ = back => {}
    }
}

const KEYS: &str =
    "keys: [{name: team, key: sk-team, rpm: 1000, tpm: 1000000, token_budget: 1000000, budget_duration: 30d}]";
const LIMITS: &str = ", rpm: 1000, tpm: 1000000, max_parallel_requests: 10";

/// No answer of Redis comes but those that the test lets through: all that the first questions
/// brought, at once. The call ends with them, whatever is told to Redis afterwards.
pub(crate) async fn one(program: PathBuf) {
    let (emulator, redis) = (Emulator::start().await.unwrap(), Redis::start(&program));
    let between = Between::start(redis.port).await;
    let (wiring, app) = proxy(&emulator, between.port, KEYS, LIMITS, 600.0).await;
    for (at, is_stream) in [false, true, false].into_iter().enumerate() {
        let asking = async |app: &_| if is_stream { ask_for_stream(app).await } else { ask(app).await };
        if at == 0 {
            // The first call brings Redis the scripts.
            assert_eq!(asking(&app).await.0, 200);
        }
        wiring.finish().await;
        between.hold();
        let call = asking(&app);
        let watching = async {
            between.asked(2).await;
            assert!(between.was_asked("\"place\":") && between.was_asked("\"call\":"), "both are asked at once");
            between.release_once();
        };
        let both = async { tokio::join!(call, watching).0 };
        let (status, body) = tokio::time::timeout(Duration::from_secs(60), both).await.expect("it waits once more");
        assert_eq!(status, 200, "{body}");
        between.let_go();
    }
}

/// A call that its key's limits refuse is asked about at the same time as its deployment's place.
pub(crate) async fn refused(program: PathBuf) {
    let (emulator, redis) = (Emulator::start().await.unwrap(), Redis::start(&program));
    let keys = "keys: [{name: team, key: sk-team, rpm: 3}, {name: other, key: sk-other}]";
    let mut proxies = Vec::new();
    for _ in 0..3 {
        proxies.push(proxy(&emulator, redis.port, keys, ", rpm: 10", 30.0).await);
    }
    assert_eq!(super::answered(&proxies, 30).await, 3);
    for (wiring, _) in &proxies {
        wiring.finish().await;
    }
    let mut answered = 0;
    for (_, app) in proxies.iter().cycle().take(12) {
        answered += usize::from(super::ask_with(app, "sk-other").await.0 == 200);
    }
    assert_eq!(answered, 7, "what the other key's refused calls did not use");
}
