//! The settings of an emulator.
//!
//! Owns the defaults. What each setting does is told where it is used.

#[cfg(feature = "identity")]
mod identity;
#[cfg(feature = "faults")]
mod preparing;

use std::{
    collections::BTreeMap,
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use tokio::{net::TcpListener, sync::mpsc};

#[cfg(feature = "faults")]
use crate::control::{Access, Control};
#[cfg(feature = "identity")]
use crate::identity::{Identity, Settings as IdentitySettings};
use crate::{
    account::Account,
    clock::{self, Clock},
    container::{Container, Embedding, Forward, Messages, Parts, Tgi, built_in, of_image},
    emulator::Emulator,
    error::EmulatorError,
    keys::{EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY, Key, KeyRing, check_key},
    listener,
    object_store::{ObjectStore, is_prefix},
    prepared::Prepared,
    received::{Log, Received},
    runtime::limits::is_endpoint_name,
    state::{Endpoints, Observer, State},
};

/// The limit in the service model of SageMaker Runtime.
const DEFAULT_MAX_BODY_BYTES: usize = 6_291_456;
const DEFAULT_MAX_RECEIVED: usize = 10_000;
/// SageMaker gives a container so long to answer.
const DEFAULT_CONTAINER_TIMEOUT: Duration = Duration::from_secs(60);

/// Settings of an [`Emulator`].
///
/// ```
/// use sagewire_emulator::{Emulator, Messages};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sagewire_emulator::EmulatorError> {
/// let emulator = Emulator::builder()
///     .no_default_endpoints()
///     .endpoint("llama-3", Messages::new())
///     .session("ASIAEXAMPLE", "secret", "token")
///     .start()
///     .await?;
/// assert_eq!(emulator.endpoints(), ["llama-3"]);
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing until it is started"]
pub struct EmulatorBuilder {
    port: u16,
    endpoints: Vec<(String, Behind)>,
    default_endpoints: bool,
    pace: Duration,
    latency: Duration,
    keys: Vec<(String, Key)>,
    clock: Clock,
    max_body_bytes: usize,
    container_timeout: Duration,
    #[cfg(feature = "identity")]
    identity: IdentitySettings,
    prepared: Prepared,
    max_received: usize,
    observer: Option<Observer>,
    example_key: bool,
    host: IpAddr,
    #[cfg(feature = "faults")]
    control: Access,
    parts: Parts,
    components: Vec<(String, String)>,
    object_store: Option<ObjectStore>,
    async_output: Option<String>,
    account: Option<Account>,
}

/// What is behind an endpoint.
enum Behind {
    Container(Arc<dyn Container>),
    BuiltIn(String),
    Url(String),
}

impl EmulatorBuilder {
    pub(crate) fn new() -> Self {
        Self {
            port: 0,
            endpoints: Vec::new(),
            default_endpoints: true,
            pace: Duration::ZERO,
            latency: Duration::ZERO,
            keys: Vec::new(),
            clock: clock::system(),
            max_body_bytes: DEFAULT_MAX_BODY_BYTES,
            container_timeout: DEFAULT_CONTAINER_TIMEOUT,
            #[cfg(feature = "identity")]
            identity: IdentitySettings::default(),
            prepared: Prepared::default(),
            max_received: DEFAULT_MAX_RECEIVED,
            observer: None,
            example_key: true,
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            #[cfg(feature = "faults")]
            control: Access::Off,
            parts: Parts::default(),
            components: Vec::new(),
            object_store: None,
            async_output: None,
            account: None,
        }
    }

    /// The address to listen on; 127.0.0.1 by default. Its keys are well known: anyone who reaches
    /// another address can use it.
    pub const fn host(mut self, host: IpAddr) -> Self {
        self.host = host;
        self
    }

    /// An inference component of an endpoint, which then refuses calls that do not name one of its
    /// components.
    pub fn inference_component(mut self, endpoint: impl Into<String>, name: impl Into<String>) -> Self {
        self.components.push((endpoint.into(), name.into()));
        self
    }

    /// Where asynchronous calls find inputs that are in S3, and put their outcomes. Without one
    /// they are accepted and never run.
    pub fn object_store(mut self, store: ObjectStore) -> Self {
        self.object_store = Some(store);
        self
    }

    /// Where the outcomes of asynchronous calls are put, such as `s3://bucket/async`: below
    /// `s3://bucket/async-outputs/` and `s3://bucket/async-failures/`. Default: a bucket named
    /// after account and region.
    pub fn async_output(mut self, location: impl Into<String>) -> Self {
        self.async_output = Some(location.into().trim_end_matches('/').to_owned());
        self
    }

    /// Where the parts of a streamed answer end.
    pub const fn parts(mut self, parts: Parts) -> Self {
        self.parts = parts;
        self
    }

    /// The port; 0, the default, is any free one.
    pub const fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Puts a container behind an endpoint. It may replace one of the default endpoints.
    pub fn endpoint(mut self, name: impl Into<String>, container: impl Container + 'static) -> Self {
        self.endpoints.push((name.into(), Behind::Container(Arc::new(container))));
        self
    }

    /// Puts a built-in container behind an endpoint by its name, such as `tgi`, `lmi`, `vllm`,
    /// `embedding`, `rerank` or `echo`; an unknown one is answered with all of them.
    pub fn built_in(mut self, name: impl Into<String>, container: impl Into<String>) -> Self {
        self.endpoints.push((name.into(), Behind::BuiltIn(container.into())));
        self
    }

    /// Puts a model server reached over HTTP behind an endpoint: it gets `POST {url}/invocations`,
    /// as from SageMaker, or the route that the custom attributes name by `route=`, as behind
    /// AWS's vLLM image.
    pub fn forward(mut self, name: impl Into<String>, url: impl Into<String>) -> Self {
        self.endpoints.push((name.into(), Behind::Url(url.into())));
        self
    }

    /// What SageMaker's control plane says, in place of what follows from the endpoints. Its
    /// endpoints answer too: those that are not set here by the built-in container that their
    /// image is of.
    pub fn account(mut self, account: Account) -> Self {
        self.account = Some(account);
        self
    }

    /// Leaves out the endpoints `tgi`, `messages` and `embedding`.
    pub const fn no_default_endpoints(mut self) -> Self {
        self.default_endpoints = false;
        self
    }

    /// Lets the default and the [built-in](Self::built_in) endpoints wait so long before each part
    /// of a stream, by tokio's clock.
    pub const fn pace(mut self, pace: Duration) -> Self {
        self.pace = pace;
        self
    }

    /// Waits this long before each answer of SageMaker Runtime, by tokio's clock.
    pub const fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Accepts this key pair, beside the others.
    pub fn credentials(mut self, access_key_id: impl Into<String>, secret_access_key: impl Into<String>) -> Self {
        let access_key_id = access_key_id.into();
        let key = Key::user(&access_key_id, secret_access_key.into(), None);
        self.keys.push((access_key_id, key));
        self
    }

    /// Accepts these temporary credentials, beside the others, and only with their token.
    pub fn session(
        mut self,
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<String>,
        session_token: impl Into<String>,
    ) -> Self {
        let access_key_id = access_key_id.into();
        let key = Key::user(&access_key_id, secret_access_key.into(), Some(session_token.into()));
        self.keys.push((access_key_id, key));
        self
    }

    /// Leaves out the example key pair ([`EXAMPLE_ACCESS_KEY_ID`]).
    pub const fn no_example_credentials(mut self) -> Self {
        self.example_key = false;
        self
    }

    /// Where the time comes from; by default the machine's clock. Signatures, expiry and the `Date`
    /// header follow it.
    pub fn clock(mut self, clock: Arc<dyn Fn() -> SystemTime + Send + Sync>) -> Self {
        self.clock = clock;
        self
    }

    /// The limit of a request's body in bytes. A larger one is answered with 413. Default:
    /// 6,291,456, as in the service model.
    pub const fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// How many requests [`Emulator::received`] remembers; the last 10,000 by default.
    pub const fn max_received(mut self, requests: usize) -> Self {
        self.max_received = requests;
        self
    }

    /// Tells `observer` of every request before it is answered, refused ones included. It runs on
    /// the server's own tasks, so it should be quick.
    pub fn observe(mut self, observer: impl Fn(&Received) + Send + Sync + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// How long a container may take to begin its answer, by tokio's clock; 60 s by default. Then
    /// it is a `ModelError`.
    pub const fn container_timeout(mut self, timeout: Duration) -> Self {
        self.container_timeout = timeout;
        self
    }

    /// Starts the server.
    ///
    /// # Errors
    /// When a name cannot be an endpoint's or is given twice, when a container's address is
    /// unusable, and when the port cannot be bound.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn start(self) -> Result<Emulator, EmulatorError> {
        #[cfg(feature = "faults")]
        if !self.host.is_loopback() && matches!(self.control, Access::ThisMachine) {
            return Err(EmulatorError::OpenControl { host: self.host });
        }
        #[cfg(feature = "faults")]
        if matches!(&self.control, Access::Token(token) if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            return Err(EmulatorError::ControlToken);
        }
        #[cfg(feature = "faults")]
        self.prepared.check().map_err(|why| EmulatorError::Rates { why })?;
        let endpoints = self.containers()?;
        for (endpoint, name) in &self.components {
            if !endpoints.contains_key(endpoint) || !is_endpoint_name(name) {
                return Err(EmulatorError::Component { endpoint: endpoint.clone(), name: name.clone() });
            }
        }
        if let Some(location) = self.async_output.as_ref().filter(|location| !is_prefix(location)) {
            return Err(EmulatorError::AsyncOutput { location: location.clone() });
        }
        let keys = KeyRing::default();
        if self.example_key {
            let example = Key::user(EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY.to_owned(), None);
            keys.insert(EXAMPLE_ACCESS_KEY_ID, example);
        }
        for (access_key_id, key) in self.keys {
            check_key(&access_key_id, &key.secret, key.token.as_deref()).map_err(|why| EmulatorError::Key { why })?;
            if keys.find(&access_key_id).is_some() {
                return Err(EmulatorError::DuplicateKey { access_key_id });
            }
            keys.insert(access_key_id, key);
        }
        let (orders, ordered) = mpsc::channel(16);
        let state = Arc::new(State {
            clock: self.clock,
            keys,
            #[cfg(feature = "identity")]
            identity: Identity::new(self.identity),
            log: Log::new(self.max_received),
            observer: self.observer,
            endpoints: Endpoints::new(endpoints),
            account: Mutex::new(self.account.map(Arc::new)),
            prepared: self.prepared,
            skew: 0.into(),
            max_body_bytes: self.max_body_bytes,
            parts: self.parts,
            latency_ms: u64::try_from(self.latency.as_millis()).unwrap_or(u64::MAX).into(),
            container_timeout: self.container_timeout,
            requests: 0.into(),
            generated: 0.into(),
            open_connections: 0.into(),
            components: self.components,
            object_store: self.object_store,
            async_output: self.async_output,
            #[cfg(feature = "faults")]
            control: std::sync::OnceLock::new(),
            orders,
        });
        #[cfg(feature = "faults")]
        state.control.get_or_init(|| Control::new(self.control, &state));
        let address = SocketAddr::new(self.host, self.port);
        let listen = |source| EmulatorError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let bound = listener.local_addr().map_err(listen)?;
        let serving = Arc::clone(&state);
        let server = tokio::spawn(async move {
            listener::serve(bound, listener, ordered, serving).await;
        });
        Ok(Emulator::running(bound, state, server))
    }

    fn containers(&self) -> Result<BTreeMap<String, Arc<dyn Container>>, EmulatorError> {
        let mut containers: BTreeMap<String, Arc<dyn Container>> = BTreeMap::new();
        for (name, behind) in &self.endpoints {
            if !is_endpoint_name(name) {
                return Err(EmulatorError::EndpointName { name: name.clone() });
            }
            let container: Arc<dyn Container> = match behind {
                Behind::Container(container) => Arc::clone(container),
                Behind::BuiltIn(kind) => built_in(kind, self.pace).map_err(|expected| {
                    EmulatorError::UnknownContainer { endpoint: name.clone(), container: kind.clone(), expected }
                })?,
                Behind::Url(url) => Arc::new(
                    Forward::new(url)
                        .map_err(|source| EmulatorError::ContainerUrl { endpoint: name.clone(), source })?,
                ),
            };
            if containers.insert(name.clone(), container).is_some() {
                return Err(EmulatorError::DuplicateEndpoint { name: name.clone() });
            }
        }
        if let Some(account) = &self.account {
            for name in account.endpoints() {
                let image = account.image_of(name).unwrap_or_default();
                containers.entry(name.to_owned()).or_insert_with(|| of_image(image, self.pace));
            }
        }
        if self.default_endpoints {
            containers.entry("tgi".to_owned()).or_insert_with(|| Arc::new(Tgi::new().paced(self.pace)));
            containers.entry("messages".to_owned()).or_insert_with(|| Arc::new(Messages::new().paced(self.pace)));
            containers.entry("embedding".to_owned()).or_insert_with(|| Arc::new(Embedding::new()));
        }
        Ok(containers)
    }
}

impl fmt::Debug for EmulatorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoints: Vec<&str> = self.endpoints.iter().map(|(name, _)| name.as_str()).collect();
        let keys: Vec<&str> = self.keys.iter().map(|(access_key_id, _)| access_key_id.as_str()).collect();
        f.debug_struct("EmulatorBuilder")
            .field("port", &self.port)
            .field("endpoints", &endpoints)
            .field("access_key_ids", &keys)
            .field("max_body_bytes", &self.max_body_bytes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bad_settings_are_named() {
        let started = Emulator::builder().endpoint("bad name", Tgi::new()).start().await;
        assert!(matches!(started, Err(EmulatorError::EndpointName { name }) if name == "bad name"));
        let started = Emulator::builder().endpoint("a", Tgi::new()).endpoint("a", Tgi::new()).start().await;
        assert!(matches!(started, Err(EmulatorError::DuplicateEndpoint { name }) if name == "a"));
        let started = Emulator::builder().forward("a", "https://host").start().await;
        assert!(matches!(started, Err(EmulatorError::ContainerUrl { endpoint, .. }) if endpoint == "a"));
        let started = Emulator::builder().inference_component("nowhere", "a").start().await;
        assert!(matches!(started, Err(EmulatorError::Component { endpoint, .. }) if endpoint == "nowhere"));
        let started = Emulator::builder().inference_component("tgi", "a_b").start().await;
        assert!(matches!(started, Err(EmulatorError::Component { name, .. }) if name == "a_b"));
        for location in ["", "/tmp", "s3://", "s3:///async", "s3://b/../c"] {
            let started = Emulator::builder().async_output(location).start().await;
            assert!(matches!(started, Err(EmulatorError::AsyncOutput { .. })), "{location}");
        }
        for (id, secret, token) in
            [("", "s", "t"), ("A B", "s", "t"), ("A", "", "t"), ("A", "s", ""), ("A", "s", "a b")]
        {
            let started = Emulator::builder().session(id, secret, token).start().await;
            assert!(matches!(started, Err(EmulatorError::Key { .. })), "{id}:{secret}:{token}");
        }
        let started = Emulator::builder().credentials(EXAMPLE_ACCESS_KEY_ID, "other").start().await;
        assert!(matches!(started, Err(EmulatorError::DuplicateKey { .. })));
        let first = Emulator::start().await.unwrap();
        let started = Emulator::builder().port(first.addr().port()).start().await;
        assert!(matches!(started, Err(EmulatorError::Listen { address, .. }) if address == first.addr()));
    }

    #[tokio::test]
    async fn defaults_can_be_replaced_and_left_out() {
        let emulator = Emulator::builder().endpoint("tgi", Messages::new()).start().await.unwrap();
        assert_eq!(emulator.endpoints(), ["embedding", "messages", "tgi"]);
        let bare = Emulator::builder().no_default_endpoints().start().await.unwrap();
        assert!(bare.endpoints().is_empty());
        let port = emulator.addr().port();
        emulator.shutdown().await;
        let again = Emulator::builder().port(port).start().await.unwrap();
        assert_eq!(again.url(), format!("http://127.0.0.1:{port}"));
    }

    #[test]
    fn nothing_secret_is_printed() {
        let builder = EmulatorBuilder::new().credentials("AKID1", "hush").session("ASIA1", "hush", "hush");
        for text in [format!("{builder:?}"), format!("{builder:#?}")] {
            assert!(!text.contains("hush") && text.contains("AKID1") && text.contains("ASIA1"), "{text}");
        }
    }
}
