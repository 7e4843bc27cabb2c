//! Log probabilities in the form of the completion API: lists side by side, where the chat API has
//! a list of objects.
//!
//! Owns that one turn.
//!
//! <https://platform.openai.com/docs/api-reference/completions/object#completions/object-choices>

use serde_json::{Map, Value, json};

/// The chat API's form in the completion API's; any other form stays as it is. `offset` is the
/// place of the first token in the text, in characters; afterwards, that behind the last.
pub(super) fn of_completion(logprobs: Value, offset: &mut usize) -> Value {
    let Some(content) = logprobs.get("content").and_then(Value::as_array) else { return logprobs };
    let (mut tokens, mut token_logprobs, mut top_logprobs, mut text_offset) = (vec![], vec![], vec![], vec![]);
    for entry in content {
        let token = entry.get("token").and_then(Value::as_str).unwrap_or_default();
        tokens.push(json!(token));
        token_logprobs.push(entry.get("logprob").cloned().unwrap_or_default());
        top_logprobs.push(top(entry));
        text_offset.push(json!(*offset));
        *offset += token.chars().count();
    }
    // Its items are objects: without any, there is no list of them.
    if top_logprobs.iter().all(|top| top == &json!({})) {
        return json!({ "tokens": tokens, "token_logprobs": token_logprobs, "text_offset": text_offset });
    }
    json!({
        "tokens": tokens,
        "token_logprobs": token_logprobs,
        "top_logprobs": top_logprobs,
        "text_offset": text_offset,
    })
}

/// The most likely tokens at one place.
fn top(entry: &Value) -> Value {
    let top = entry.get("top_logprobs").and_then(Value::as_array);
    let by_token: Map<String, Value> = top
        .into_iter()
        .flatten()
        .map(|entry| {
            let token = entry.get("token").and_then(Value::as_str).unwrap_or_default();
            (token.to_owned(), entry.get("logprob").cloned().unwrap_or_default())
        })
        .collect();
    Value::Object(by_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_stand_side_by_side() {
        let chat = json!({"content": [
            {"token": "é", "logprob": -0.5, "top_logprobs": [{"token": "é", "logprob": -0.5}, {"token": "e", "logprob": -2.0}]},
            {"token": "b", "logprob": -1.0, "top_logprobs": []},
        ]});
        let mut offset = 3;
        assert_eq!(
            of_completion(chat, &mut offset),
            json!({
                "tokens": ["é", "b"],
                "token_logprobs": [-0.5, -1.0],
                "top_logprobs": [{"é": -0.5, "e": -2.0}, {}],
                "text_offset": [3, 4],
            })
        );
        assert_eq!(offset, 5);
    }

    #[test]
    fn the_completion_apis_own_form_stays() {
        let own = json!({"tokens": ["a"], "token_logprobs": [-1.0], "top_logprobs": null, "text_offset": [7]});
        assert_eq!(of_completion(own.clone(), &mut 0), own);
    }
}
