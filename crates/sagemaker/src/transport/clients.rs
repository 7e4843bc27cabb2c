//! The reqwest clients of a transport.
//!
//! Owns which call uses which: a client's connections belong to the runtime that made them. Used
//! from another one they answer through two threads, and they break when theirs ends; so each
//! runtime has a client of its own. reqwest also fixes the time for connecting per client.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio::runtime::{Handle, Id};

use super::{TransportError, TransportErrorKind};

/// How many connections to an endpoint are kept for the next calls: a burst's, so that the next
/// burst makes none anew. They close by themselves after 90 s.
const MAX_IDLE: usize = 1024;

/// How many times for connecting, besides the transport's own, calls can bring into being; above it
/// they share that one.
const MAX_TIMES: usize = 8;

/// How many clients are kept; the oldest give way, as their runtimes have most likely ended.
const MAX_CLIENTS: usize = 256;

/// Clients that are alike but for their runtime and their time for connecting.
#[derive(Debug)]
pub(super) struct Clients {
    connect_timeout: Duration,
    /// The certificates to trust in place of the system's.
    certificates: Box<[reqwest::Certificate]>,
    /// Made with the transport, so that what is wrong shows there. The first runtime that calls has
    /// it.
    first: reqwest::Client,
    kept: RwLock<Vec<Kept>>,
}

#[derive(Debug)]
struct Kept {
    runtime: Option<Id>,
    connect_timeout: Duration,
    client: reqwest::Client,
}

impl Kept {
    fn is_for(&self, runtime: Option<Id>, connect_timeout: Duration) -> bool {
        self.runtime == runtime && self.connect_timeout == connect_timeout
    }
}

impl Clients {
    pub(super) fn new(
        connect_timeout: Duration,
        certificates: Box<[reqwest::Certificate]>,
    ) -> Result<Arc<Self>, TransportError> {
        let first = client(connect_timeout, &certificates)?;
        Ok(Arc::new(Self { connect_timeout, certificates, first, kept: RwLock::default() }))
    }

    /// This runtime's client with this time for connecting, or with the transport's own.
    pub(super) fn of(&self, connect_timeout: Option<Duration>) -> Result<reqwest::Client, TransportError> {
        let runtime = Handle::try_current().ok().map(|handle| handle.id());
        let limit = connect_timeout.unwrap_or(self.connect_timeout);
        let known =
            |kept: &[Kept], limit| kept.iter().find(|kept| kept.is_for(runtime, limit)).map(|kept| kept.client.clone());
        if let Some(client) = known(&self.kept.read().unwrap_or_else(PoisonError::into_inner), limit) {
            return Ok(client);
        }
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        let limit = if self.has_room_for(&kept, limit) { limit } else { self.connect_timeout };
        if let Some(client) = known(&kept, limit) {
            return Ok(client);
        }
        let client = if limit == self.connect_timeout && kept.iter().all(|kept| kept.connect_timeout != limit) {
            self.first.clone()
        } else {
            client(limit, &self.certificates)?
        };
        if kept.len() >= MAX_CLIENTS {
            kept.remove(0);
        }
        kept.push(Kept { runtime, connect_timeout: limit, client: client.clone() });
        Ok(client)
    }

    fn has_room_for(&self, kept: &[Kept], limit: Duration) -> bool {
        let mut times: Vec<Duration> =
            kept.iter().map(|kept| kept.connect_timeout).filter(|time| *time != self.connect_timeout).collect();
        times.sort_unstable();
        times.dedup();
        limit == self.connect_timeout || times.len() < MAX_TIMES || times.contains(&limit)
    }
}

fn client(connect_timeout: Duration, certificates: &[reqwest::Certificate]) -> Result<reqwest::Client, TransportError> {
    // An error means that the program has chosen a provider, which is then used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder();
    if !certificates.is_empty() {
        builder = builder.tls_certs_only(certificates.iter().cloned());
    }
    builder
        .connect_timeout(connect_timeout)
        .redirect(reqwest::redirect::Policy::none())
        // The caller retries, with a fresh signature: no second budget below it, and no copy of each request in case.
        .retry(reqwest::retry::never().max_retries_per_request(0))
        .tcp_nodelay(true)
        .pool_max_idle_per_host(MAX_IDLE)
        .build()
        .map_err(|error| {
            let message = "the HTTP client could not be set up: check the system's certificates";
            TransportError::new(TransportErrorKind::Configuration, message).with_source(error)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Duration = Duration::from_secs(5);

    fn kept(clients: &Clients) -> Vec<(Option<Id>, Duration)> {
        clients.kept.read().unwrap().iter().map(|kept| (kept.runtime, kept.connect_timeout)).collect()
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().unwrap()
    }

    #[test]
    fn each_runtime_has_a_client_of_its_own_and_finds_it_again() {
        let clients = Clients::new(USUAL, Box::default()).unwrap();
        let (one, two) = (runtime(), runtime());
        for _ in 0..3 {
            one.block_on(async { clients.of(None).unwrap() });
            two.block_on(async { clients.of(Some(USUAL)).unwrap() });
        }
        let ids = [one.handle().id(), two.handle().id()];
        assert_eq!(kept(&clients), ids.map(|id| (Some(id), USUAL)));
    }

    #[test]
    fn so_many_times_for_connecting_and_no_more() {
        let clients = Clients::new(USUAL, Box::default()).unwrap();
        for seconds in 10..40 {
            clients.of(Some(Duration::from_secs(seconds))).unwrap();
        }
        let times = kept(&clients);
        assert_eq!(times.len(), MAX_TIMES + 1, "{times:?}");
        assert_eq!(times.iter().filter(|(_, time)| *time == USUAL).count(), 1);
        clients.of(Some(Duration::from_secs(10))).unwrap();
        assert_eq!(kept(&clients).len(), MAX_TIMES + 1, "one that is there is found");
    }

    #[test]
    fn the_oldest_give_way() {
        let clients = Clients::new(USUAL, Box::default()).unwrap();
        let first = runtime();
        first.block_on(async { clients.of(None).unwrap() });
        let others: Vec<_> = (0..MAX_CLIENTS).map(|_| runtime()).collect();
        for other in &others {
            clients.kept.write().unwrap().push(Kept {
                runtime: Some(other.handle().id()),
                connect_timeout: USUAL,
                client: clients.first.clone(),
            });
        }
        clients.kept.write().unwrap().truncate(MAX_CLIENTS);
        runtime().block_on(async { clients.of(None).unwrap() });
        let ids = kept(&clients);
        assert!(ids.len() == MAX_CLIENTS && ids.iter().all(|(id, _)| *id != Some(first.handle().id())));
    }
}
