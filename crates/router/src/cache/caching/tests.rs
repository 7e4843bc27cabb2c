use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use sagewire_types::{
    ChatChunk, ChatRequest, ChatResponse, ChunkChoice, CompletionRequest, EmbedInput, EmbedRequest, EmbedResponse,
    ErrorKind, FinishReason, Message, ReplyStream, Usage, Vector,
};

use super::{
    super::{MemoryCache, NewAnswer},
    *,
};
use crate::decision;

const HOUR: Duration = Duration::from_secs(3600);

/// Answers with a number that grows, and remembers which texts it embedded.
#[derive(Debug, Default)]
struct Model {
    calls: AtomicUsize,
    reason: Mutex<Option<FinishReason>>,
    decision: Mutex<Option<&'static str>>,
    breaks_off: bool,
    embedded: Mutex<Vec<String>>,
}

impl Model {
    fn meta(&self) -> ReplyMeta {
        let mut meta = ReplyMeta::default();
        meta.decisions.extend(self.decision.lock().unwrap().map(|name| (name, "a -> b".to_owned())));
        meta
    }
}

#[async_trait]
impl Provider for Model {
    async fn call(&self, call: Call, _: &CallContext) -> Result<Answer, Error> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let reason = self.reason.lock().unwrap().clone().unwrap_or(FinishReason::Stop);
        let chunk = |choice| ChatChunk::new(format!("id-{number}").into(), "m".into(), 7, vec![choice]);
        Ok(match call {
            Call::Chat(_) => {
                let json = format!(
                    r#"{{"id":"id-{number}","object":"chat.completion","created":7,"model":"m","choices":[{{"index":0,"message":{{"role":"assistant","content":"answer {number}"}},"finish_reason":"{}"}}],"usage":{{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}},"x":1.10}}"#,
                    reason.as_str()
                );
                let value: ChatResponse = serde_json::from_str(&json).unwrap();
                Answer::Chat(Reply { value, meta: self.meta() })
            }
            Call::ChatStream(_) => {
                let mut pieces = vec![Ok(chunk(ChunkChoice::text(format!("piece {number}"))))];
                if self.breaks_off {
                    pieces.push(Err(Error::new(ErrorKind::StreamBroken, "cut")));
                }
                pieces.push(Ok(chunk(ChunkChoice::finished(reason))));
                Answer::ChatStream(ReplyStream::new(self.meta(), stream::iter(pieces)))
            }
            Call::Embed(request) => {
                let texts = request.input.texts().unwrap_or_default().to_vec();
                let vectors: Vec<_> =
                    texts.iter().map(|text| Vector::Floats(vec![text.len() as f32, number as f32])).collect();
                let mut value = EmbedResponse::new("m", vectors);
                value.usage = Some(Usage::reported(texts.len() as u64, 0));
                self.embedded.lock().unwrap().extend(texts);
                Answer::Embed(Reply { value, meta: self.meta() })
            }
            other => return Err(other.unsupported()),
        })
    }
}

fn cached(model: &Arc<Model>) -> Caching {
    Caching::new(Arc::clone(model) as Arc<dyn Provider>, Arc::new(MemoryCache::new(1 << 20)))
}

fn with(scope: &'static str, change: impl FnOnce(&mut CacheTerms)) -> CallContext {
    let mut terms = CacheTerms::new(scope, HOUR);
    change(&mut terms);
    CallContext::new().with(terms)
}

fn terms() -> CallContext {
    with("team-a", |_| {})
}

fn chat(text: &str) -> ChatRequest {
    ChatRequest::new("m", [Message::user(text)])
}

fn said(meta: &ReplyMeta, name: &str) -> String {
    meta.decisions.iter().filter(|(known, _)| *known == name).map(|(_, value)| value.as_str()).collect()
}

async fn pieces(caching: &Caching, context: &CallContext) -> (String, String) {
    let mut stream = caching.chat_stream(chat("hi"), context).await.unwrap();
    let found = said(&stream.meta, decision::CACHE);
    let mut all = String::new();
    while let Some(piece) = stream.next().await {
        match piece {
            Ok(piece) => all.push_str(&serde_json::to_string(&piece).unwrap()),
            Err(error) => all.push_str(error.kind().as_str()),
        }
    }
    (found, all)
}

#[tokio::test(start_paused = true)]
async fn the_same_request_has_the_same_answer_until_its_time_is_over() {
    let model = Arc::new(Model::default());
    let caching = cached(&model);
    let first = caching.chat(chat("hi"), &terms()).await.unwrap();
    assert_eq!(said(&first.meta, decision::CACHE), "miss");
    tokio::time::advance(Duration::from_secs(90)).await;
    let second = caching.chat(chat("hi"), &terms()).await.unwrap();
    assert_eq!(
        (said(&second.meta, decision::CACHE), said(&second.meta, decision::CACHE_AGE)),
        ("hit".into(), "90".into())
    );
    assert_eq!(said(&first.meta, decision::CACHE_KEY), said(&second.meta, decision::CACHE_KEY));
    assert_eq!(serde_json::to_string(&first.value).unwrap(), serde_json::to_string(&second.value).unwrap());
    assert_eq!(Found::of(&second.meta), Some(Found::Hit));
    tokio::time::advance(HOUR).await;
    let third = caching.chat(chat("hi"), &terms()).await.unwrap();
    assert_eq!((said(&third.meta, decision::CACHE), third.value.content()), ("miss".into(), "answer 1"));
}

#[tokio::test(start_paused = true)]
async fn whatever_decides_an_answer_tells_requests_apart() {
    let model = Arc::new(Model::default());
    let caching = cached(&model);
    let requests = [
        chat("hi"),
        chat("hi "),
        chat("hi").with_temperature(0.0),
        chat("hi").with_seed(1),
        chat("hi").with_parameter("top_k", 1),
        ChatRequest::new("n", [Message::user("hi")]),
        ChatRequest::new("m", [Message::system("hi")]),
    ];
    for request in requests.iter().chain(&requests) {
        caching.chat(request.clone(), &terms()).await.unwrap();
    }
    assert_eq!(model.calls.load(Ordering::Relaxed), requests.len());
    // Another caller, or another configuration of the model.
    assert_eq!(caching.chat(chat("hi"), &with("team-b", |_| {})).await.unwrap().value.content(), "answer 7");
    assert_eq!(pieces(&caching, &terms()).await.0, "miss", "a stream is another answer");
}

#[tokio::test(start_paused = true)]
async fn a_call_decides_whether_answers_are_looked_for_and_kept() {
    let model = Arc::new(Model::default());
    let caching = cached(&model);
    let ask = async |context: &CallContext| caching.chat(chat("hi"), context).await.unwrap().value.content().to_owned();
    assert_eq!(ask(&CallContext::new()).await, "answer 0");
    assert_eq!(ask(&with("team-a", |terms| terms.keeps = false)).await, "answer 1");
    assert_eq!(ask(&terms()).await, "answer 2");
    assert_eq!(ask(&with("team-a", |terms| terms.looks = false)).await, "answer 3");
    assert_eq!(ask(&terms()).await, "answer 3", "the newest one is kept");
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(ask(&with("team-a", |terms| terms.max_age = Some(Duration::from_secs(9)))).await, "answer 4");
    assert_eq!(ask(&with("team-a", |terms| terms.max_age = Some(Duration::from_secs(9)))).await, "answer 4");
}

#[tokio::test(start_paused = true)]
async fn a_stream_comes_again_as_it_came_once_it_was_whole() {
    let model = Arc::new(Model::default());
    let caching = cached(&model);
    // Given up after the first piece.
    caching.chat_stream(chat("hi"), &terms()).await.unwrap().next().await.unwrap().unwrap();
    let first = pieces(&caching, &terms()).await;
    let second = pieces(&caching, &terms()).await;
    assert_eq!((first.0.as_str(), second.0.as_str()), ("miss", "hit"));
    assert!(first.1 == second.1 && first.1.contains("piece 1"), "{first:?} {second:?}");

    let caching = cached(&Arc::new(Model { breaks_off: true, ..Model::default() }));
    for _ in 0..2 {
        let (found, text) = pieces(&caching, &terms()).await;
        assert!(found == "miss" && text.contains("stream_broken"), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_cut_or_came_from_another_model_is_not_kept() {
    for (reason, decision, kept) in [
        (FinishReason::ToolCalls, None, true),
        (FinishReason::Length, None, false),
        (FinishReason::ContentFilter, None, false),
        (FinishReason::Stop, Some(decision::FALLBACK), false),
        (FinishReason::Stop, Some(decision::CONTEXT_WINDOW_FALLBACK), false),
        (FinishReason::Stop, Some(decision::FAILED), true),
    ] {
        let model =
            Model { reason: Mutex::new(Some(reason.clone())), decision: Mutex::new(decision), ..Model::default() };
        let caching = cached(&Arc::new(model));
        caching.chat(chat("hi"), &terms()).await.unwrap();
        let again = caching.chat(chat("hi"), &terms()).await.unwrap();
        assert_eq!(said(&again.meta, decision::CACHE) == "hit", kept, "{reason:?} {decision:?}");
        pieces(&caching, &terms()).await;
        assert_eq!(pieces(&caching, &terms()).await.0 == "hit", kept, "stream, {reason:?} {decision:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn failures_are_passed_on_and_not_kept() {
    let model = Arc::new(Model::default());
    let caching = cached(&model);
    for _ in 0..2 {
        let error = caching.complete(CompletionRequest::new("m", "hi"), &terms()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
    assert_eq!(model.calls.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn of_a_list_only_the_missing_texts_are_embedded() {
    let model = Arc::new(Model::default());
    let caching = cached(&model);
    let embed = async |texts: &[&str]| {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let reply = caching.embed(EmbedRequest::new("m", EmbedInput::Texts(texts)), &terms()).await.unwrap();
        let vectors: Vec<Vec<f32>> = reply.value.data.iter().map(|embedding| embedding.floats().into_owned()).collect();
        assert!(reply.value.data.iter().zip(0..).all(|(embedding, index)| embedding.index == index));
        (said(&reply.meta, decision::CACHE), vectors, reply.value.usage.map(|usage| usage.prompt_tokens))
    };
    let first = embed(&["a", "bb"]).await;
    assert_eq!((first.0.as_str(), first.2), ("miss", Some(2)));
    let again = embed(&["a", "bb"]).await;
    assert_eq!((again.0.as_str(), &again.1, again.2), ("hit", &first.1, first.2));
    let partial = embed(&["ccc", "bb", "dddd", "a"]).await;
    assert_eq!(partial.1, [[3.0, 1.0], [2.0, 0.0], [4.0, 1.0], [1.0, 0.0]]);
    assert_eq!((partial.0.as_str(), partial.2), ("partial", Some(2)), "only what was asked for is counted");
    assert_eq!(*model.embedded.lock().unwrap(), ["a", "bb", "ccc", "dddd"]);
    let mixed = embed(&["a", "ccc"]).await;
    assert_eq!((mixed.0.as_str(), mixed.2), ("hit", None), "nobody counted these two together");
}

#[tokio::test(start_paused = true)]
async fn token_ids_are_passed_on() {
    let model = Arc::new(Model::default());
    let caching = cached(&model);
    for _ in 0..2 {
        let reply = caching.embed(EmbedRequest::new("m", EmbedInput::Tokens(vec![1, 2])), &terms()).await.unwrap();
        assert_eq!(Found::of(&reply.meta), None);
    }
    assert_eq!(model.calls.load(Ordering::Relaxed), 2);
}

/// Writes answers for their callers, but those that the request changes.
fn writer(answer: &ChatResponse, model: &str) -> Option<Vec<u8>> {
    (!answer.content().contains('1'))
        .then(|| format!(r#"{{"id":"{}","written for":"{model}"}}"#, answer.id).into_bytes())
}

#[tokio::test]
async fn a_chat_that_was_written_for_its_callers_is_passed_on_as_it_is() {
    let (model, room) = (Arc::new(Model::default()), AsWritten::default());
    let caching = cached(&model).with_writer(writer);
    let passed_on = || terms().with(room.clone());
    let first = caching.chat(chat("a"), &passed_on()).await.unwrap();
    assert_eq!((first.value.content(), room.get()), ("answer 0", None), "a model answered");
    let second = caching.chat(chat("a"), &passed_on()).await.unwrap();
    assert_eq!(said(&second.meta, decision::CACHE), "hit");
    assert_eq!(room.get().as_deref(), Some(&br#"{"id":"id-0","written for":"m"}"#[..]));

    // What the writer leaves alone is kept as it was, and read.
    let room = AsWritten::default();
    for found in ["miss", "hit"] {
        let context = terms().with(room.clone());
        let reply = caching.chat(chat("b"), &context).await.unwrap();
        let seen = (said(&reply.meta, decision::CACHE), reply.value.content().to_owned(), room.get());
        assert_eq!(seen, (found.to_owned(), "answer 1".to_owned(), None));
    }
}

#[tokio::test]
async fn a_written_chat_that_was_cut_is_asked_for_again() {
    let (model, cache) = (Arc::new(Model::default()), Arc::new(MemoryCache::new(1 << 20)));
    let caching = Caching::new(Arc::clone(&model) as _, Arc::clone(&cache) as _).with_writer(writer);
    let reply = caching.chat(chat("a"), &terms()).await.unwrap();
    let key = key_of(&Call::Chat(Box::new(chat("a"))), terms().get().unwrap()).unwrap();
    let kept = cache.get(&[key]).await.remove(0).unwrap().answer;
    assert_eq!(said(&reply.meta, decision::CACHE_KEY), key.to_string());
    for cut in 0..kept.len() {
        let room = AsWritten::default();
        let answer = NewAnswer { answer: kept.slice(..cut), lifetime: HOUR, asked_ago: Duration::ZERO };
        cache.put(key, answer);
        let reply = caching.chat(chat("a"), &terms().with(room.clone())).await.unwrap();
        assert_eq!((said(&reply.meta, decision::CACHE).as_str(), room.get()), ("miss", None), "cut after {cut} bytes");
    }
}

#[test]
fn a_key_is_shown_as_64_hexadecimal_digits() {
    let mut bytes = [0x0f; 32];
    bytes[0] = 0xa0;
    assert_eq!(CacheKey(bytes).to_string(), format!("a0{}", "0f".repeat(31)));
}
