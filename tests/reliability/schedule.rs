//! What a run does: everything in it follows from one seed.
//!
//! Owns the draw: which way the requests go, how often faults come and in which bursts, and what
//! each request asks.

use sagewire::{
    CallContext, ChatRequest, CompletionRequest, EmbedRequest, Message, Settings, sagemaker::CallerParameters,
};
use sagewire_emulator::Chaos;
use sagewire_tests::observed::mark;
use serde_json::{Value, json};

use crate::speaker::Tongue;

/// An inference component that no endpoint has.
pub(crate) const MISSING_PART: &str = "gone";

/// An endpoint and how it is spoken to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The endpoint's name, and the router's and the proxy's for it.
    pub(crate) name: &'static str,
    pub(crate) model: &'static str,
    pub(crate) tongue: Tongue,
    dialect: Option<&'static str>,
    embedding_dialect: Option<&'static str>,
    /// Takes raw prompts too.
    completes: bool,
    /// Who answers in its place under the router.
    pub(crate) fallback: Option<&'static str>,
}

const fn target(name: &'static str, model: &'static str, tongue: Tongue) -> Target {
    Target { name, model, tongue, dialect: None, embedding_dialect: None, completes: false, fallback: None }
}

/// Every endpoint of a run. The last one is asked on the routes of the APIs that it speaks.
pub(crate) static TARGETS: [Target; 8] = [
    Target { completes: true, fallback: Some("messages"), ..target("tgi", "sagemaker/tgi", Tongue::Tgi) },
    Target { completes: true, dialect: Some("lmi"), ..target("lmi", "sagemaker/lmi", Tongue::Lmi) },
    Target { completes: true, ..target("messages", "sagemaker_chat/messages", Tongue::OpenAi) },
    target("nova", "sagemaker_nova/nova", Tongue::OpenAi),
    Target { fallback: Some("tei"), ..target("hf", "sagemaker/hf", Tongue::Vectors) },
    Target { embedding_dialect: Some("tei"), ..target("tei", "sagemaker/tei", Tongue::Vectors) },
    Target { embedding_dialect: Some("openai"), ..target("openai", "sagemaker/openai", Tongue::OpenAiVectors) },
    Target { dialect: Some("vllm"), ..target("native", "sagemaker_chat/native", Tongue::Native) },
];

impl Target {
    pub(crate) fn embeds(&self) -> bool {
        matches!(self.tongue, Tongue::Vectors | Tongue::OpenAiVectors)
    }

    /// Whether its container speaks the callers' APIs itself.
    pub(crate) fn is_native(&self) -> bool {
        self.tongue == Tongue::Native
    }

    /// What the operator says of it.
    pub(crate) fn settings(&self, max_attempts: u32) -> Settings {
        let mut settings = Settings::default();
        settings.dialect = self.dialect.map(|name| name.parse().unwrap());
        settings.embedding_dialect = self.embedding_dialect.map(|name| name.parse().unwrap());
        settings.max_attempts = Some(max_attempts);
        settings
    }
}

/// Which way requests go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Way {
    /// From a program straight to the provider.
    Provider,
    /// Through the router, over two deployments of each endpoint.
    Router,
    /// Through the proxy over HTTP, and the router behind it.
    Proxy,
}

/// What goes between the provider and the emulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Net {
    Memory,
    MemoryHttp2,
    /// The transport that programs get, over TCP.
    Sockets,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Chat,
    ChatStream,
    Completion,
    CompletionStream,
    Embedding,
}

/// The API in which a caller of the proxy asks for a chat answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Api {
    Chat,
    Messages,
    Responses,
}

impl Kind {
    pub(crate) fn streams(self) -> bool {
        matches!(self, Self::ChatStream | Self::CompletionStream)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) number: u64,
    pub(crate) kind: Kind,
    pub(crate) target: &'static Target,
    /// Counts for chat answers alone.
    pub(crate) api: Api,
    /// The caller gives up after so many pieces of a stream.
    pub(crate) abandoned_after: Option<usize>,
    /// The caller names an inference component that is not there.
    pub(crate) names_a_part: bool,
    /// A gateway on the way refuses the first attempt, with all of its headers in the message.
    pub(crate) is_echoed: bool,
    /// The place of the caller's key among those of the schedule.
    pub(crate) key: usize,
}

/// A caller's key and its limits.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) secret: &'static str,
    pub(crate) token_budget: Option<u64>,
    pub(crate) rpm: Option<u64>,
}

const KEYS: [(&str, &str); 2] = [("first", "sk-key-of-the-first-caller"), ("second", "sk-key-of-the-second-caller")];

#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) seed: u64,
    pub(crate) way: Way,
    pub(crate) net: Net,
    pub(crate) chaos: Chaos,
    pub(crate) max_attempts: u32,
    pub(crate) num_retries: u32,
    pub(crate) requests: Vec<Asked>,
    /// Failures in a row after which the router lets a deployment rest.
    pub(crate) allowed_fails: u32,
    /// Each request begins when the one before it has ended.
    pub(crate) in_turn: bool,
    /// The keys of the proxy's callers.
    pub(crate) keys: Vec<Key>,
}

impl Schedule {
    pub(crate) fn new(seed: u64, ways: &[(Way, Net)]) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (way, net) = ways[rng.usize(..ways.len())];
        let rate = [0.0, 0.25, 0.5, 0.9][rng.usize(..4)];
        let burst = [1, 1, 3, 8][rng.usize(..4)];
        let chaos = Chaos::seeded(rng.u64(..)).any().rate(rate).burst(burst);
        let requests = (0..rng.u64(2..=5)).map(|at| Asked::new(&mut rng, seed % 1_000 * 10 + at)).collect();
        let (max_attempts, num_retries) = (rng.u32(1..=4), rng.u32(0..=3));
        let mut schedule = Self {
            seed,
            way,
            net,
            chaos,
            max_attempts,
            num_retries,
            requests,
            allowed_fails: 3,
            in_turn: false,
            keys: Vec::new(),
        };
        if way != Way::Provider {
            schedule.draw_callers(&mut rng);
        }
        schedule
    }

    /// One whole answer of a container that counts no tokens, and no fault.
    pub(crate) fn quiet() -> Self {
        let asked = Asked {
            number: 0,
            kind: Kind::Chat,
            target: &TARGETS[0],
            api: Api::Chat,
            abandoned_after: None,
            names_a_part: false,
            is_echoed: false,
            key: 0,
        };
        Self { chaos: Chaos::seeded(0), requests: vec![asked], ..Self::new(0, &[(Way::Provider, Net::Memory)]) }
    }

    /// Draws what callers choose and may do, which nobody does who calls the provider.
    fn draw_callers(&mut self, rng: &mut fastrand::Rng) {
        self.allowed_fails = [0, 3][rng.usize(..2)];
        let is_limited = rng.bool();
        let mut limit = |most: std::ops::Range<u64>| (is_limited && rng.bool()).then(|| rng.u64(most));
        self.keys = KEYS
            .iter()
            .map(|&(name, secret)| Key { name, secret, token_budget: limit(1..40), rpm: limit(1..4) })
            .collect();
        self.in_turn = self.way == Way::Proxy && rng.bool();
        for asked in &mut self.requests {
            asked.names_a_part = rng.u32(..6) == 0;
            asked.is_echoed = rng.u32(..12) == 0;
            asked.key = rng.usize(..KEYS.len());
        }
        if self.way == Way::Proxy {
            for asked in &mut self.requests {
                asked.api = [Api::Chat, Api::Messages, Api::Responses][rng.usize(..3)];
                let chats = matches!(asked.kind, Kind::Chat | Kind::ChatStream);
                if chats && asked.api != Api::Chat && rng.bool() {
                    asked.target = &TARGETS[TARGETS.len() - 1];
                }
            }
        }
    }

    /// How many attempts a request may make, but for those that only renew a signature.
    pub(crate) fn allowed_attempts(&self, asked: &Asked) -> usize {
        let allowed = match self.way {
            Way::Provider => self.max_attempts,
            Way::Router | Way::Proxy => 1 + self.num_retries + u32::from(asked.target.fallback.is_some()),
        };
        asked.most_requests() * usize::try_from(allowed).unwrap()
    }

    /// How often a request may be signed anew for a wrong clock or an expired session.
    pub(crate) fn allowed_renewals(&self, asked: &Asked) -> usize {
        if self.way == Way::Provider { asked.most_requests() } else { self.allowed_attempts(asked) }
    }
}

impl Asked {
    fn new(rng: &mut fastrand::Rng, number: u64) -> Self {
        let target = &TARGETS[rng.usize(..TARGETS.len() - 1)];
        let kind = match rng.u32(..6) {
            _ if target.embeds() => Kind::Embedding,
            0 => Kind::Chat,
            1 if target.completes => Kind::Completion,
            2 if target.completes => Kind::CompletionStream,
            _ => Kind::ChatStream,
        };
        let abandoned_after = (kind.streams() && rng.u32(..10) == 0).then(|| rng.usize(0..3));
        Self { number, kind, target, api: Api::Chat, abandoned_after, names_a_part: false, is_echoed: false, key: 0 }
    }

    /// How many requests it may become: two inputs that are refused for their size are sent again
    /// one by one, and what is refused on a route of the container's own is translated.
    fn most_requests(&self) -> usize {
        if self.target.embeds() { 3 } else { 1 + usize::from(self.target.is_native()) }
    }

    fn prompt(&self) -> String {
        format!("Say {}", mark(self.number))
    }

    pub(crate) fn chat(&self, model: &str) -> ChatRequest {
        ChatRequest::new(model, [Message::user(self.prompt())])
    }

    pub(crate) fn message(&self, model: &str) -> Value {
        json!({"model": model, "messages": [{"role": "user", "content": self.prompt()}]})
    }

    pub(crate) fn response(&self, model: &str) -> Value {
        json!({"model": model, "input": self.prompt()})
    }

    pub(crate) fn completion(&self, model: &str) -> CompletionRequest {
        CompletionRequest::new(model, self.prompt())
    }

    pub(crate) fn embedding(&self, model: &str) -> EmbedRequest {
        EmbedRequest::new(model, vec![self.prompt(), self.prompt()])
    }

    pub(crate) fn context(&self, max_attempts: u32) -> CallContext {
        CallContext::new().with(self.target.settings(max_attempts))
    }

    /// What the caller of a router may say beside the request.
    pub(crate) fn callers_context(&self) -> CallContext {
        let mut parameters = CallerParameters::default();
        parameters.model_id = self.names_a_part.then(|| MISSING_PART.to_owned());
        CallContext::new().with(parameters)
    }
}
