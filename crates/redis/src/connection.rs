//! One connection, to a server or to a cluster.

use std::{sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, Cmd, IntoConnectionInfo as _, Pipeline, RedisError, RedisFuture, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster::ClusterClient,
    cluster_async::ClusterConnection,
    io::tcp::TcpSettings,
};

use crate::{RedisSettings, SettingsError};

/// Where connections are made to. It keeps none.
#[derive(Clone)]
pub(crate) enum Server {
    Single(Arc<Client>),
    Cluster(Arc<ClusterClient>),
}

/// Sends each question at once: without this, the second one waits for the answer to the first.
fn at_once() -> TcpSettings {
    TcpSettings::default().set_nodelay(true)
}

/// A connection that all calls share: what they ask is sent one after the other, without waiting
/// for answers between.
#[derive(Clone)]
pub(crate) enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Server {
    pub(crate) fn new(settings: &RedisSettings) -> Result<Self, SettingsError> {
        let urls: Vec<&str> = settings.urls.iter().map(url::Url::as_str).collect();
        // The client takes the process's provider of cryptography, and there may be none yet.
        let _ = rustls::crypto::ring::default_provider().install_default();
        if settings.is_cluster {
            // Whether to ask once more is decided by us.
            let builder = ClusterClient::builder(urls).retries(1).tcp_settings(at_once());
            let client = builder.build().map_err(SettingsError::Client)?;
            return Ok(Self::Cluster(Arc::new(client)));
        }
        let url = urls.first().ok_or(SettingsError::NoNodes)?;
        let address = url.into_connection_info().map_err(SettingsError::Client)?.set_tcp_settings(at_once());
        Ok(Self::Single(Arc::new(Client::open(address).map_err(SettingsError::Client)?)))
    }

    /// Connects, within this time.
    pub(crate) async fn connect(&self, limit: Duration) -> Result<Connection, RedisError> {
        Ok(match self {
            Self::Single(client) => {
                // Each call has a limit of its own.
                let config =
                    AsyncConnectionConfig::new().set_connection_timeout(Some(limit)).set_response_timeout(None);
                Connection::Single(client.get_multiplexed_async_connection_with_config(&config).await?)
            }
            Self::Cluster(client) => Connection::Cluster(client.get_async_connection().await?),
        })
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Single(connection) => connection.req_packed_command(cmd),
            Self::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Single(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Single(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}
