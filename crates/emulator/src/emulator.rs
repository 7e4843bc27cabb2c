//! A running emulator.
//!
//! Owns its life: it serves from [`Emulator::start`] until it is dropped. Settings are in
//! `builder`.

#[cfg(feature = "faults")]
mod preparing;

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, PoisonError, atomic::Ordering},
};

use tokio::{sync::oneshot, task::JoinHandle};

#[cfg(feature = "identity")]
use crate::identity::IssuedSession;
use crate::{
    account::Account,
    builder::EmulatorBuilder,
    connection::Connection,
    error::EmulatorError,
    keys::{EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY},
    listener::Order,
    operation::Operation,
    received::Received,
    state::State,
};

/// A server on 127.0.0.1 that answers as SageMaker Runtime and the identity services do. It stops
/// when dropped.
///
/// ```
/// use sagewire_emulator::{Emulator, Scripted, AwsError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sagewire_emulator::EmulatorError> {
/// let emulator = Emulator::start().await?;
/// emulator.enqueue("tgi", Scripted::error(AwsError::throttling()));
/// println!("point your client at {}", emulator.url());
/// assert!(emulator.received().is_empty());
/// emulator.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Emulator {
    address: SocketAddr,
    state: Arc<State>,
    server: JoinHandle<()>,
}

impl Emulator {
    /// Settings to start one with.
    pub fn builder() -> EmulatorBuilder {
        EmulatorBuilder::new()
    }

    /// Starts one on any free port, with the endpoints `tgi`, `messages` and `embedding` and the
    /// example key pair ([`EXAMPLE_ACCESS_KEY_ID`](crate::EXAMPLE_ACCESS_KEY_ID),
    /// [`EXAMPLE_SECRET_ACCESS_KEY`](crate::EXAMPLE_SECRET_ACCESS_KEY)).
    ///
    /// # Errors
    /// When no port can be bound.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn start() -> Result<Self, EmulatorError> {
        Self::builder().start().await
    }

    pub(crate) fn running(address: SocketAddr, state: Arc<State>, server: JoinHandle<()>) -> Self {
        Self { address, state, server }
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end. An emulator that listens on all addresses is reached on this machine by that.
    #[must_use]
    pub fn url(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
        }
        format!("http://{address}")
    }

    /// Shell commands that point any AWS client at it, one `export` a line: the URLs of its
    /// services, the region and the [example key pair](crate::EXAMPLE_ACCESS_KEY_ID).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sagewire_emulator::EmulatorError> {
    /// let emulator = sagewire_emulator::Emulator::start().await?;
    /// assert!(emulator.exports().contains(&format!("export AWS_ENDPOINT_URL_STS={}\n", emulator.url())));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn exports(&self) -> String {
        self.variables().map(|(name, value)| format!("export {name}={value}\n")).concat()
    }

    /// The variables of [`exports`](Self::exports) and their values.
    #[must_use]
    pub fn variables(&self) -> [(&'static str, String); 7] {
        let region = "us-east-1".to_owned();
        [
            ("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", self.url()),
            ("AWS_ENDPOINT_URL_SAGEMAKER", self.url()),
            ("AWS_ENDPOINT_URL_STS", self.url()),
            ("AWS_REGION", region.clone()),
            // The only one of the two that boto3 and the AWS CLI read.
            ("AWS_DEFAULT_REGION", region),
            ("AWS_ACCESS_KEY_ID", EXAMPLE_ACCESS_KEY_ID.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", EXAMPLE_SECRET_ACCESS_KEY.to_owned()),
        ]
    }

    /// The address it listens on.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.address
    }

    /// The names of its endpoints, in alphabetical order.
    #[must_use]
    pub fn endpoints(&self) -> Vec<String> {
        self.state.endpoints.names()
    }

    /// Changes what SageMaker's control plane says from now on.
    pub fn set_account(&self, account: Account) {
        *self.state.account.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(account));
    }

    /// Is the container behind an endpoint ready?
    ///
    /// # Errors
    /// With the reason, where it is not, or where there is no such endpoint.
    pub async fn ping(&self, endpoint: &str) -> Result<(), String> {
        match self.state.endpoints.get(endpoint) {
            Some(container) => container.ping().await,
            None => Err(format!("there is no endpoint `{endpoint}`")),
        }
    }

    /// Every request so far, oldest first, refused ones too; of very many, [the
    /// last](EmulatorBuilder::max_received).
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.state.log.entries()
    }

    /// Forgets the requests so far, and their number.
    pub fn clear_received(&self) {
        self.state.log.clear();
    }

    /// How often an operation has been asked for, refused requests included.
    #[must_use]
    pub fn calls(&self, operation: Operation) -> usize {
        self.state.log.count(operation)
    }

    /// Every session that STS, the instance metadata, the container endpoint and IAM Identity
    /// Center have issued, oldest first.
    #[cfg(feature = "identity")]
    #[must_use]
    pub fn sessions(&self) -> Vec<IssuedSession> {
        self.state.identity.issuer.issued()
    }

    /// Ends every temporary credential now, issued ones and those of the builder: each is answered
    /// with `ExpiredTokenException`.
    pub fn expire_sessions(&self) {
        self.state.keys.expire_sessions(self.state.now());
    }

    /// Where a container finds its credentials: the value of `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
    #[cfg(feature = "identity")]
    #[must_use]
    pub fn container_credentials_url(&self) -> String {
        format!("{}{}", self.url(), self.state.identity.container.path())
    }

    /// Puts the emulator's clock ahead by so many seconds, or back where negative. 0 sets it right.
    pub fn skew_clock(&self, seconds: i64) {
        self.state.skew.store(seconds, Ordering::Relaxed);
    }

    /// Stops listening, so that new connections are refused. Those that are open go on.
    ///
    /// # Errors
    /// When the server has ended.
    pub async fn refuse_connections(&self) -> io::Result<()> {
        self.switch(false).await
    }

    /// Listens again, on the same port.
    ///
    /// # Errors
    /// When the port was taken meanwhile.
    pub async fn accept_connections(&self) -> io::Result<()> {
        self.switch(true).await
    }

    async fn switch(&self, listen: bool) -> io::Result<()> {
        let (done, told) = oneshot::channel();
        self.order(Order::Listen(listen, done)).await?;
        told.await.map_err(|_| gone())?
    }

    async fn order(&self, order: Order) -> io::Result<()> {
        self.state.orders.send(order).await.map_err(|_| gone())
    }

    /// A connection through memory, as good as one to the port: it is refused where the port is.
    ///
    /// # Errors
    /// `ConnectionRefused` where the emulator does not listen now; any other when it has ended.
    pub async fn connect(&self) -> io::Result<Connection> {
        let (done, told) = oneshot::channel();
        self.order(Order::Connect(done)).await?;
        told.await.map_err(|_| gone())?
    }

    /// How many connections are open now.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.state.open_connections.load(Ordering::Acquire)
    }

    /// Stops at once, conversations included, and returns when the port is free again.
    pub async fn shutdown(mut self) {
        self.server.abort();
        // The task's end is all that matters, and being cancelled is what was asked for.
        let _ = (&mut self.server).await;
    }
}

fn gone() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.server.abort();
    }
}
