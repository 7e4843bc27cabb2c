//! The proxy's request bodies: chat, completion, embeddings, Anthropic's messages and OpenAI's
//! responses.

use sagewire_proxy::testing::{self, Refused, Taken};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::Bound;

/// What a request may take: eight times its bytes, and a mebibyte.
pub const BOUND: Bound = Bound::small(8, 40);

/// Reads a body as each route does.
pub fn read(input: &[u8]) {
    let _ = testing::chat(input);
    let _ = testing::completion(input);
    let _ = testing::embedding(input);
    let _ = testing::messages(input);
    let _ = testing::responses(input);
}

/// No panic, however deep or large; a refusal is a 4xx with OpenAI's error object; what is taken
/// holds no parameter of the operator's, and reads the same once written and read again.
///
/// # Panics
/// Where this is not so.
pub fn check(input: &[u8]) {
    judge(testing::chat(input), |request| &request.extra);
    judge(testing::completion(input), |request| &request.extra);
    judge(testing::embedding(input), |request| &request.extra);
    // A parameter of chat that is none of these APIs' is a further one of theirs, which a chat request
    // reads as its own.
    for outcome in [testing::messages(input), testing::responses(input)] {
        judge_as(outcome, |request| &request.extra, |request| serde_json::to_value(request).unwrap());
    }
}

fn judge<T>(outcome: Result<Taken<T>, Refused>, extra: impl Fn(&T) -> &Map<String, Value>)
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug + Clone,
{
    judge_as(outcome, extra, T::clone);
}

/// Two requests are the same if what `view` makes of them is.
fn judge_as<T, V>(outcome: Result<Taken<T>, Refused>, extra: impl Fn(&T) -> &Map<String, Value>, view: impl Fn(&T) -> V)
where
    T: Serialize + DeserializeOwned,
    V: PartialEq + std::fmt::Debug,
{
    match outcome {
        Ok(taken) => {
            for name in extra(&taken.request).keys() {
                assert!(!testing::is_operators(name), "`{name}` came through");
            }
            assert!(taken.parameters.allowed.is_empty(), "something of the operator's was taken");
            let written = serde_json::to_string(&taken.request).expect("a request has a JSON form");
            let read: T = serde_json::from_str(&written).unwrap_or_else(|error| panic!("{error}: {written}"));
            assert_eq!(view(&read), view(&taken.request), "written as {written}");
        }
        Err(refused) => {
            assert!((400..500).contains(&refused.status), "{}", refused.status);
            let body: Value = serde_json::from_slice(&refused.body).expect("a refusal is JSON");
            assert!(body["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
            assert_eq!(body["error"]["type"], "invalid_request_error", "{body}");
        }
    }
}
