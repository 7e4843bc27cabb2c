//! Where connections come from: the port, and the memory of this process.
//!
//! Owns the accept loop, when the port is closed for a while, and the count of open connections.
//! What is said on a connection is in `server`.

use std::{
    convert::Infallible,
    future::pending,
    io,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::Instant,
};

use crate::{
    connection::{self, Connection},
    server::converse,
    socket::{Ending, Link, Socket},
    state::State,
};

/// The wait before another attempt to accept, or to have the port back.
const PAUSE: Duration = Duration::from_millis(10);

/// What the accept loop is told to do.
#[derive(Debug)]
pub(crate) enum Order {
    /// Listen, or no longer.
    Listen(bool, oneshot::Sender<io::Result<()>>),
    /// Refuse new connections for so long.
    #[cfg(feature = "faults")]
    Refuse(Duration, oneshot::Sender<()>),
    /// Take a connection that goes through memory.
    Connect(oneshot::Sender<io::Result<Connection>>),
}

/// Serves until it is dropped, and every connection with it.
pub(crate) async fn serve(
    address: SocketAddr,
    listener: TcpListener,
    mut orders: mpsc::Receiver<Order>,
    state: Arc<State>,
) -> Infallible {
    let mut listener = Some(listener);
    // When a refusal that was for a while is over.
    let mut back_at: Option<Instant> = None;
    let mut connections = JoinSet::new();
    let take = |connections: &mut JoinSet<()>, link: Link| {
        let (ending, state) = (Ending::default(), Arc::clone(&state));
        let socket = Socket::new(link, ending.clone());
        let open = Open::new(Arc::clone(&state));
        connections.spawn(async move {
            converse(socket, ending, state).await;
            drop(open);
        });
    };
    loop {
        tokio::select! {
            accepted = accept(listener.as_ref()) => match accepted {
                Ok(stream) => {
                    // Small frames must not wait for each other.
                    let _ = stream.set_nodelay(true);
                    take(&mut connections, Link::Tcp(stream));
                }
                // The client was gone before it was accepted, or descriptors ran out for a moment.
                Err(error) => {
                    tracing::debug!(%error, "could not accept a connection");
                    tokio::time::sleep(PAUSE).await;
                }
            },
            Some(order) = orders.recv() => match order {
                // The client may have disconnected: that the answer cannot be sent does not matter.
                Order::Listen(listen, done) => {
                    back_at = None;
                    let switched = match (listen, listener.take()) {
                        (true, None) => TcpListener::bind(address).await.map(Some),
                        (true, open) => Ok(open),
                        (false, _) => Ok(None),
                    };
                    let _ = done.send(switched.map(|open| listener = open));
                }
                #[cfg(feature = "faults")]
                Order::Refuse(time, done) => {
                    listener = None;
                    back_at = Some(Instant::now() + time);
                    let _ = done.send(());
                }
                Order::Connect(done) => {
                    let connection = match &listener {
                        Some(_) => {
                            let (ours, theirs) = connection::pair();
                            take(&mut connections, Link::Memory(ours));
                            Ok(theirs)
                        }
                        None => Err(io::ErrorKind::ConnectionRefused.into()),
                    };
                    let _ = done.send(connection);
                }
            },
            () = until(back_at) => match TcpListener::bind(address).await {
                Ok(open) => (listener, back_at) = (Some(open), None),
                Err(error) => {
                    tracing::debug!(%error, "the port is not free yet");
                    back_at = Some(Instant::now() + PAUSE);
                }
            },
            Some(ended) = connections.join_next(), if !connections.is_empty() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a container or an observer panicked");
                }
            }
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> io::Result<TcpStream> {
    match listener {
        Some(listener) => listener.accept().await.map(|(stream, _)| stream),
        None => pending().await,
    }
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => pending().await,
    }
}

/// Counts as an open connection while it lives.
struct Open(Arc<State>);

impl Open {
    fn new(state: Arc<State>) -> Self {
        state.open_connections.fetch_add(1, Ordering::AcqRel);
        Self(state)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open_connections.fetch_sub(1, Ordering::AcqRel);
    }
}
