//! What lies between proxies and Redis, where things go wrong.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// What becomes of Redis' answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weather {
    /// They are passed on.
    Fair,
    /// Every connection is ended, and none is taken.
    Refused,
    /// They are held until this changes.
    Silent,
    /// They come later than anyone waits for them.
    Slow,
    /// The connection ends in the middle of one.
    Cut,
    /// Something else comes in their place, and then the connection ends.
    Wrong,
}

impl Weather {
    pub(crate) const ALL: [Self; 6] = [Self::Fair, Self::Refused, Self::Silent, Self::Slow, Self::Cut, Self::Wrong];
}

/// What comes in place of an answer: no RESP, other types than were asked for, errors, and texts of which a script's answer is one.
const WRONG: [&str; 8] = [
    "HTTP/1.1 400 Bad Request\r\n\r\n",
    "$-1\r\n",
    ":7\r\n",
    "*2\r\n:1\r\n:2\r\n",
    "-LOADING not yet\r\n",
    "-ERR no\r\n",
    "$2\r\n{}\r\n",
    "$9\r\n{\"now\":1}\r\n",
];

/// A way to Redis.
pub(crate) struct Relay {
    pub(crate) port: u16,
    weather: watch::Sender<Weather>,
}

impl Relay {
    pub(crate) async fn start(redis: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (relay, seen) = watch::channel(Weather::Fair);
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let mut connections = 0;
            while let Ok((proxy, _)) = listener.accept().await {
                if *seen.borrow() != Weather::Refused {
                    let redis = TcpStream::connect(("127.0.0.1", redis)).await.unwrap();
                    connections += 1;
                    tokio::spawn(pass_on(proxy, redis, seen.clone(), WRONG[connections % WRONG.len()]));
                }
            }
        });
        Self { port, weather: relay }
    }

    pub(crate) fn get(&self) -> Weather {
        *self.weather.borrow()
    }

    pub(crate) fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

async fn pass_on(proxy: TcpStream, redis: TcpStream, mut weather: watch::Receiver<Weather>, wrong: &str) {
    const LATE: std::time::Duration = std::time::Duration::from_millis(80);

    let ((mut questions, mut to_proxy), (mut answers, mut to_redis)) = (proxy.into_split(), redis.into_split());
    let mut refused = weather.clone();
    let forth = async { tokio::io::copy(&mut questions, &mut to_redis).await.map(drop) };
    let back = async {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = answers.read(&mut buffer).await {
            // What is held is passed on as the next weather has it.
            let Ok(now) = weather.wait_for(|weather| *weather != Weather::Silent).await.map(|now| *now) else { break };
            match now {
                Weather::Slow => tokio::time::sleep(LATE).await,
                Weather::Cut => return to_proxy.write_all(&buffer[..read / 2]).await,
                Weather::Wrong => return to_proxy.write_all(wrong.as_bytes()).await,
                _ => {}
            }
            to_proxy.write_all(&buffer[..read]).await?;
        }
        Ok(())
    };
    tokio::select! {
        _ = forth => {}
        _ = back => {}
        _ = refused.wait_for(|weather| *weather == Weather::Refused) => {}
    }
}
