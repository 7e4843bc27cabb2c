//! vLLM with a model that reads: it ranks, scores, classifies, pools and counts tokens.
//!
//! Owns its routes, which `route=` names as in AWS's image; without one `/invocations` knows a body
//! by its fields. A token is a character, so that texts come back from their tokens. Rules:
//! [vLLM's server](https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html).

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Container, ContainerReply, Invocation, rerank, route};

/// vLLM with a pooling model, such as a reranker.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pooling;

/// A refusal: its status and its message.
type Refused = (u16, String);

#[async_trait]
impl Container for Pooling {
    fn image(&self) -> &str {
        "763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm:server-2.6-cuda"
    }

    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        let Ok(body) = serde_json::from_slice::<Value>(&invocation.body) else {
            return refusal(400, "JSON decode error");
        };
        let asked = route::asked_for(invocation.custom_attributes.as_deref()).or_else(|| route_of(&body));
        let answer = match asked {
            Some("/rerank" | "/v1/rerank" | "/v2/rerank") => ranking(&body),
            Some("/score" | "/v1/score") => scores(&body),
            Some("/classify") => classes(&body),
            Some("/pooling") => pooled(&body),
            Some("/tokenize") => tokens(&body),
            Some("/detokenize") => text(&body),
            Some(_) => return ContainerReply::json(404, &json!({"detail": "Not Found"})),
            None => Err((400, "Cannot find suitable handler for request.".to_owned())),
        };
        answer.map_or_else(|(status, message)| refusal(status, &message), |answer| ContainerReply::json(200, &answer))
    }
}

/// The route that `/invocations` takes a body for.
fn route_of(body: &Value) -> Option<&'static str> {
    let has = |name: &str| body.get(name).is_some();
    if has("query") && has("documents") {
        Some("/rerank")
    } else if has("queries") || has("text_1") || has("data_1") {
        Some("/score")
    } else if has("input") {
        Some("/pooling")
    } else {
        None
    }
}

fn refusal(status: u16, message: &str) -> ContainerReply {
    let error = json!({"message": message, "type": "BadRequestError", "param": null, "code": status});
    ContainerReply::json(status, &json!({"error": error}))
}

fn field<'a>(body: &'a Value, names: &[&str]) -> Result<&'a Value, Refused> {
    let missing =
        || (400, format!("[{{'type': 'missing', 'loc': ('body', '{}'), 'msg': 'Field required'}}]", names.join("|")));
    names.iter().find_map(|name| body.get(*name)).ok_or_else(missing)
}

/// A text, or a list of texts.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        value => value.as_str().map(str::to_owned).into_iter().collect(),
    }
}

fn count(texts: &[String]) -> usize {
    texts.iter().map(|text| text.chars().count()).sum()
}

/// The model that the answer names. A name that is not served is refused.
fn model(body: &Value) -> Result<&str, Refused> {
    match body.get("model").and_then(Value::as_str).unwrap_or_default() {
        "" | "served" => Ok("served"),
        other => Err((404, format!("The model `{other}` does not exist."))),
    }
}

fn ranking(body: &Value) -> Result<Value, Refused> {
    let query = field(body, &["query"])?.as_str().unwrap_or_default().to_owned();
    let documents = texts(field(body, &["documents"])?);
    let mut ranks = rerank::ranks(&query, &documents);
    if let Some(top_n @ 1..) = body.get("top_n").and_then(Value::as_u64) {
        ranks.truncate(usize::try_from(top_n).unwrap_or(usize::MAX));
    }
    let results = ranks.into_iter().map(|(index, score)| {
        json!({"index": index, "document": {"text": documents.get(index), "multi_modal": null}, "relevance_score": score})
    });
    let results: Vec<_> = results.collect();
    let used = count(&documents) + query.chars().count() * documents.len();
    let usage = json!({"prompt_tokens": used, "total_tokens": used});
    Ok(json!({"id": "rerank-1", "model": model(body)?, "usage": usage, "results": results}))
}

/// A list of items, with the tokens that were read.
fn list(body: &Value, data: Vec<Value>, used: usize) -> Result<Value, Refused> {
    let usage =
        json!({"prompt_tokens": used, "total_tokens": used, "completion_tokens": 0, "prompt_tokens_details": null});
    Ok(json!({"id": "pool-1", "object": "list", "created": 1, "model": model(body)?, "data": data, "usage": usage}))
}

fn scores(body: &Value) -> Result<Value, Refused> {
    let queries = texts(field(body, &["queries", "text_1", "data_1"])?);
    let documents = texts(field(body, &["documents", "items", "text_2", "data_2"])?);
    let used = count(&queries) + count(&documents);
    let query = |place: usize| queries.get(place).or(queries.first()).cloned().unwrap_or_default();
    let score = |(place, document): (usize, &String)| {
        let score = rerank::ranks(&query(place), std::slice::from_ref(document)).first().map(|(_, score)| *score);
        json!({"index": place, "object": "score", "score": score})
    };
    list(body, documents.iter().enumerate().map(score).collect(), used)
}

fn classes(body: &Value) -> Result<Value, Refused> {
    let inputs = texts(field(body, &["input"])?);
    let class = |(index, text): (usize, &String)| {
        let is_long = text.chars().count() > 10;
        let probs = if is_long { [0.25, 0.75] } else { [0.75, 0.25] };
        json!({"index": index, "label": if is_long { "LABEL_1" } else { "LABEL_0" }, "probs": probs, "num_classes": 2})
    };
    list(body, inputs.iter().enumerate().map(class).collect(), count(&inputs))
}

fn pooled(body: &Value) -> Result<Value, Refused> {
    let inputs = texts(field(body, &["input"])?);
    let vector =
        |(index, text): (usize, &String)| json!({"index": index, "object": "pooling", "data": [[text.len(), 1]]});
    list(body, inputs.iter().enumerate().map(vector).collect(), count(&inputs))
}

fn tokens(body: &Value) -> Result<Value, Refused> {
    let prompt = texts(field(body, &["prompt"])?).concat();
    model(body)?;
    let tokens: Vec<_> = prompt.chars().map(u32::from).collect();
    Ok(json!({"count": tokens.len(), "max_model_len": 4096, "tokens": tokens, "token_strs": null}))
}

fn text(body: &Value) -> Result<Value, Refused> {
    let tokens = field(body, &["tokens"])?.as_array().map(Vec::as_slice).unwrap_or_default();
    let character = |token: &Value| char::from_u32(u32::try_from(token.as_u64()?).ok()?);
    let text: Option<String> = tokens.iter().map(character).collect();
    text.map(|text| json!({"prompt": text})).ok_or_else(|| (400, "there is no such token".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(route: Option<&str>, body: Value) -> (u16, Value) {
        let mut invocation = Invocation::new(body.to_string());
        invocation.custom_attributes = route.map(|route| format!("route={route}"));
        let reply = Pooling.invoke(invocation).await;
        (reply.status, serde_json::from_slice(&reply.body.collect().await.unwrap()).unwrap())
    }

    #[tokio::test]
    async fn a_route_is_named_or_known_by_the_body() {
        let body = json!({"query": "llama", "documents": ["car", "llama"]});
        for route in [None, Some("/v1/rerank"), Some("/v2/rerank")] {
            let (status, answer) = ask(route, body.clone()).await;
            assert_eq!((status, &answer["results"][0]["index"]), (200, &json!(1)), "{answer}");
        }
        let (_, answer) = ask(Some("/tokenize"), json!({"prompt": "añ"})).await;
        assert_eq!(answer["tokens"], json!([97, 241]));
        assert_eq!(ask(Some("/detokenize"), answer).await.1, json!({"prompt": "añ"}));
        assert_eq!(
            ask(Some("/v1/score"), json!({"text_1": "a", "text_2": ["a", "b"]})).await.1["data"][1]["score"],
            0.0
        );
        assert_eq!(ask(Some("/classify"), json!({"input": "a"})).await.1["data"][0]["label"], "LABEL_0");
        assert_eq!(ask(None, json!({"input": ["a", "b"]})).await.1["data"][1]["index"], 1);
        assert_eq!(ask(Some("/v1/chat/completions"), json!({})).await.0, 404);
        assert_eq!(ask(Some("/v1/rerank"), json!({})).await.0, 400);
        assert_eq!(ask(Some("/tokenize"), json!({"prompt": "a", "model": "other"})).await.0, 404);
    }
}
