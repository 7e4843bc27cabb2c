//! The listening side: connections in, requests to the app, an orderly end.
//!
//! Owns sockets, TLS, connection limits and the swap of one app for another. What a request means
//! is in `routes`.

use std::{future::Future, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};

pub use discoverer::Discoverer;
pub use reload::{ReloadError, Reloader};
pub use shutdown::shutdown_signal;
pub use tls::TlsError;
pub(crate) use tls::check as check_tls;
pub use workers::Workers;

use self::tls::Certificates;
use crate::{
    App, Limits,
    app::probes,
    config::{Config, TlsFiles},
    http::arrival::Phase,
};

mod connection;
mod discoverer;
mod early_answer;
mod half_closed;
mod pulse;
mod reload;
mod shutdown;
mod tls;
mod watched;
mod workers;

/// How a [`Server`] listens.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ServerOptions {
    /// What a connection may use.
    pub limits: Limits,
    /// The certificate to serve HTTPS with; without one it is plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Whether the server may listen beyond this machine although the app asks for no key.
    pub permit_no_key: bool,
}

impl ServerOptions {
    /// What a configuration says.
    #[must_use]
    pub fn from_config(config: &Config) -> Self {
        Self {
            limits: config.sagewire_settings.limits,
            tls: config.sagewire_settings.tls.clone(),
            permit_no_key: config.general_settings.permit_no_key,
        }
    }
}

/// Why a server cannot start, or cannot take another app.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: the port may be in use, or the address may not be one of this machine")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Anyone who reaches the machine could spend the operator's money.
    #[error(
        "the proxy asks for no key, so it listens on 127.0.0.1 only and not on {address}: set `general_settings.master_key`, or permit it with `dangerously_permit_weak_or_unset_master_key: true`"
    )]
    NoKey {
        /// The address.
        address: SocketAddr,
    },
    /// The certificate cannot be used.
    #[error("the TLS certificate cannot be used")]
    Tls(#[from] TlsError),
}

/// A listening server. It serves once [`serve`](Self::serve) is called.
///
/// ```no_run
/// # async fn run(app: sagewire_proxy::App) -> Result<(), sagewire_proxy::ServerError> {
/// use sagewire_proxy::{Server, ServerOptions, shutdown_signal};
///
/// let server = Server::bind(([127, 0, 0, 1], 4000).into(), app, ServerOptions::default()).await?;
/// println!("listening on http://{}", server.local_addr());
/// server.serve(shutdown_signal()).await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<SharedServer>,
    workers: Option<Workers>,
}

#[derive(Debug)]
struct SharedServer {
    app: ArcSwap<App>,
    options: ServerOptions,
    certificates: Option<Certificates>,
    address: SocketAddr,
}

/// Changes a running server.
#[derive(Clone, Debug)]
pub struct ServerHandle(Arc<SharedServer>);

impl ServerHandle {
    /// The app that new requests get.
    #[must_use]
    pub fn app(&self) -> App {
        App::clone(&self.0.app.load())
    }

    /// Gives new requests this app. Requests at work finish on the old one.
    ///
    /// # Errors
    /// [`ServerError::NoKey`] where the app asks for no key and the server listens beyond this
    /// machine.
    pub fn replace(&self, app: App) -> Result<(), ServerError> {
        check_key(&app, self.0.address, &self.0.options)?;
        self.0.app.store(Arc::new(app));
        Ok(())
    }

    /// Gives new requests this app, and new connections the certificate that its files hold now:
    /// both or neither.
    ///
    /// # Errors
    /// [`ServerError`] if the server cannot take one of them; then nothing has changed.
    pub(crate) fn reload(&self, app: App) -> Result<(), ServerError> {
        check_key(&app, self.0.address, &self.0.options)?;
        // What can fail comes first.
        let renewed = self.0.certificates.as_ref().map(|own| own.read_again().map(|fresh| (own, fresh))).transpose()?;
        if let Some((own, fresh)) = renewed {
            own.replace(fresh);
        }
        self.0.app.store(Arc::new(app));
        Ok(())
    }

    /// The files of the certificate.
    pub(crate) fn certificate_files(&self) -> Vec<PathBuf> {
        let files = self.0.options.tls.as_ref();
        files.map(|files| vec![files.certificate_file.clone(), files.private_key_file.clone()]).unwrap_or_default()
    }

    /// Reads the certificate's files again. Connections that are open keep the old one.
    ///
    /// # Errors
    /// [`ServerError::Tls`] where they cannot be used; the old certificate stays.
    pub fn reload_certificate(&self) -> Result<(), ServerError> {
        if let Some(certificates) = &self.0.certificates {
            certificates.replace(certificates.read_again()?);
        }
        Ok(())
    }
}

fn check_key(app: &App, address: SocketAddr, options: &ServerOptions) -> Result<(), ServerError> {
    if app.asks_for_key() || options.permit_no_key || address.ip().is_loopback() {
        Ok(())
    } else {
        Err(ServerError::NoKey { address })
    }
}

impl Server {
    /// Listens on this address; port 0 takes any that is free.
    ///
    /// # Errors
    /// [`ServerError`] where the address is taken, the certificate is of no use, or anyone could
    /// call without a key.
    pub async fn bind(address: SocketAddr, app: App, options: ServerOptions) -> Result<Self, ServerError> {
        check_key(&app, address, &options)?;
        let certificates = options.tls.clone().map(Certificates::read).transpose()?;
        let fail = |source| ServerError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        let shared = SharedServer { app: ArcSwap::from_pointee(app), options, certificates, address };
        Ok(Self { listener, address, shared: Arc::new(shared), workers: None })
    }

    /// Serves connections on these threads. Without them they are served on the runtime that
    /// [`serve`](Self::serve) runs on.
    #[must_use]
    pub fn with_workers(mut self, workers: Workers) -> Self {
        self.workers = Some(workers);
        self
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// A handle to change it while it serves.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        ServerHandle(Arc::clone(&self.shared))
    }

    /// Serves until the future ends; then takes no more connections, and waits for the requests at
    /// work as long as [`Limits::drain_timeout`] says.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let Self { listener, address, shared, workers } = self;
        let limits = shared.options.limits;
        let scheme = if shared.certificates.is_some() { "https" } else { "http" };
        tracing::info!(target: "sagewire::proxy", %address, "listening on {scheme}://{address}");
        if !shared.app.load().asks_for_key() {
            tracing::warn!(target: "sagewire::proxy", "no key is set: anyone who can reach {address} can call every model");
        }
        let (closing, phase) = watch::channel(Phase::Open);
        let mut connections = JoinSet::new();
        let probes = tokio::spawn({
            let handle = ServerHandle(Arc::clone(&shared));
            probes::probe_in_background(move || handle.app())
        });
        accept(&listener, &shared, workers.as_ref(), &phase, &mut connections, shutdown).await;
        drop(listener);
        probes.abort();

        let _ = closing.send(Phase::Draining);
        tracing::info!(target: "sagewire::proxy", connections = connections.len(), "shutting down; waiting for requests in progress");
        if tokio::time::timeout(limits.drain_timeout, all_ended(&mut connections)).await.is_ok() {
            return;
        }
        tracing::warn!(
            target: "sagewire::proxy",
            connections = connections.len(),
            "requests did not end within {} seconds (`drain_timeout`) and were cancelled",
            limits.drain_timeout.as_secs_f64(),
        );
        // Callers are told so: a stream that simply ends could be taken for whole.
        let _ = closing.send(Phase::CutOff);
        if tokio::time::timeout(LAST_WORDS, all_ended(&mut connections)).await.is_err() {
            connections.shutdown().await;
        }
    }
}

/// How long callers may take their last bytes.
const LAST_WORDS: Duration = Duration::from_secs(1);

async fn all_ended(connections: &mut JoinSet<()>) {
    while connections.join_next().await.is_some() {}
}

async fn accept(
    listener: &TcpListener,
    shared: &Arc<SharedServer>,
    workers: Option<&Workers>,
    phase: &watch::Receiver<Phase>,
    connections: &mut JoinSet<()>,
    shutdown: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(shared.options.limits.connections.min(Semaphore::MAX_PERMITS)));
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let next = async {
            // The semaphore is never closed.
            let place = Arc::clone(&places).acquire_owned().await.ok();
            (listener.accept().await, place)
        };
        tokio::select! {
            () = &mut shutdown => return,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            (accepted, place) = next => match accepted {
                Ok((stream, _)) => {
                    let shared = Arc::clone(shared);
                    let phase = phase.clone();
                    match workers.and_then(Workers::least_busy) {
                        None => {
                            connections.spawn(async move {
                                connection::serve(stream, shared, phase).await;
                                drop(place);
                            });
                        }
                        Some((worker, at_worker)) => {
                            let task = async move {
                                match moved(stream) {
                                    Ok(stream) => connection::serve(stream, shared, phase).await,
                                    Err(error) => tracing::warn!(target: "sagewire::proxy", %error, "cannot hand a connection to a worker"),
                                }
                                drop((place, at_worker));
                            };
                            connections.spawn_on(task, worker);
                        }
                    }
                }
                Err(error) => {
                    // Most of these are of one connection alone; where files have run out, waiting helps.
                    tracing::warn!(target: "sagewire::proxy", %error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
}

/// The same connection, watched by the runtime that this is called on.
fn moved(stream: TcpStream) -> std::io::Result<TcpStream> {
    TcpStream::from_std(stream.into_std()?)
}
