//! Endpoints that come and go under a running server.
//!
//! Owns when the account is looked at, and what is logged and counted of it. What is looked for is
//! the wiring's.

use std::{sync::Arc, time::Duration};

use crate::{ServerHandle, Wiring, wiring::Look};

/// How long a start waits for the account.
const START: Duration = Duration::from_secs(20);

/// Serves endpoints of the account as `sagewire_settings.discover` says, without a reload. It
/// follows the configuration that is served.
#[derive(Debug)]
pub struct Discoverer {
    wiring: Arc<Wiring>,
    handle: ServerHandle,
    is_started: bool,
}

impl Discoverer {
    /// Looks for what this server, whose app this wiring made, can serve.
    #[must_use]
    pub fn new(wiring: Arc<Wiring>, handle: ServerHandle) -> Self {
        Self { wiring, handle, is_started: false }
    }

    /// Looks for the first time, and waits up to 20 seconds for it.
    pub async fn start(&mut self) {
        self.is_started = tokio::time::timeout(START, self.look()).await.is_ok();
    }

    /// Looks once. New endpoints are served from then on, those that are gone no more; requests in
    /// flight finish. A failure keeps what is served.
    pub async fn look(&self) {
        let Some(config) = self.wiring.config() else { return };
        let look = match self.wiring.discover(&config).await {
            Ok(look) => look,
            Err(error) => {
                let failed = vec![("none".to_owned(), error)];
                Look { failed, ..Look::default() }
            }
        };
        self.report(&look);
        if !look.has_changes() {
            return;
        }
        if let Err(error) = self.wiring.take_found(&self.handle) {
            tracing::error!(target: "sagewire::proxy", %error, "the endpoints that were found cannot be served");
            return;
        }
        let list = |names: &[String]| names.join(", ");
        let (added, removed, changed) = (list(&look.added), list(&look.removed), list(&look.changed));
        tracing::info!(target: "sagewire::proxy", added, removed, changed, "the account's endpoints have changed");
    }

    fn report(&self, look: &Look) {
        let app = self.handle.app();
        let count = |region: &str, result: &str| app.lasting().metrics.discoveries.add([region, result], 1);
        for region in &look.read {
            count(region, "read");
        }
        for (region, error) in &look.failed {
            count(region, "failed");
            tracing::warn!(target: "sagewire::proxy", region, %error, "the account's endpoints could not be read; what was found before stays");
        }
    }

    /// Looks at once, unless [`start`](Self::start) did, and then at every interval, until the
    /// future is dropped.
    pub async fn run(self) {
        if !self.is_started {
            self.look().await;
        }
        loop {
            let discover = self.wiring.config().and_then(|config| config.sagewire_settings.discover.clone());
            let pause = async {
                match &discover {
                    Some(settings) => tokio::time::sleep(settings.interval).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = pause => self.look().await,
                () = self.wiring.is_reconfigured() => {}
            }
        }
    }
}
