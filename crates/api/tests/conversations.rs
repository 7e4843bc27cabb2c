//! A conversation in the form of either API is the same conversation in chat: whatever both can say
//! can be read back.
//!
//! Owns the conversations, their two forms on the way there, and the reading of chat on the way
//! back.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use proptest::prelude::*;
use sagewire_api::{messages::MessagesRequest, responses::ResponsesRequest};
use serde_json::{Value, json};

/// What is said before the model answers, and its answers until it is the user's turn again.
#[derive(Clone, Debug, Default, PartialEq)]
struct Round {
    said: Vec<Piece>,
    answers: Vec<Answer>,
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    Image(String),
    /// Of the developer or the system.
    Instruction(String),
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Answer {
    thoughts: Option<String>,
    text: Option<String>,
    calls: Vec<Call>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Call {
    id: String,
    name: String,
    arguments: Value,
    result: String,
    image: Option<String>,
    is_error: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Conversation {
    system: Option<String>,
    rounds: Vec<Round>,
}

fn words() -> impl Strategy<Value = String> {
    "[a-z é\"\\\\\n]{1,12}"
}

fn call() -> impl Strategy<Value = Call> {
    let argument =
        prop_oneof![words().prop_map(Value::from), any::<i32>().prop_map(Value::from), Just(json!([null, {"a": 1.5}]))];
    (
        "[a-z_]{1,8}",
        prop::collection::btree_map("[a-z]{1,4}", argument, 0..3),
        words(),
        prop::option::of("[A-Za-z0-9]{4}"),
        any::<bool>(),
    )
        .prop_map(|(name, arguments, result, image, is_error)| Call {
            id: String::new(),
            name,
            arguments: json!(arguments),
            result,
            image,
            is_error,
        })
}

fn answer() -> impl Strategy<Value = Answer> {
    (prop::option::of(words()), prop::option::of(words()), prop::collection::vec(call(), 0..3))
        .prop_map(|(thoughts, text, calls)| Answer { thoughts, text, calls })
}

fn round() -> impl Strategy<Value = Round> {
    let piece = prop_oneof![
        3 => words().prop_map(Piece::Text),
        1 => "[A-Za-z0-9]{4}".prop_map(Piece::Image),
        1 => words().prop_map(Piece::Instruction),
    ];
    (words(), prop::collection::vec(piece, 0..3), prop::collection::vec(answer(), 0..3)).prop_map(
        |(first, more, mut answers)| {
            // The model goes on by itself only after results.
            let last = answers.len().saturating_sub(1);
            for (place, answer) in answers.iter_mut().enumerate() {
                if answer.calls.is_empty() && place < last {
                    answer.calls.push(Call {
                        name: "f".to_owned(),
                        arguments: json!({}),
                        result: "ok".to_owned(),
                        ..Call::default()
                    });
                }
                if *answer == Answer::default() {
                    answer.text = Some("a".to_owned());
                }
            }
            let said = std::iter::once(Piece::Text(first)).chain(more).collect();
            Round { said, answers }
        },
    )
}

fn conversation() -> impl Strategy<Value = Conversation> {
    (prop::option::of(words()), prop::collection::vec(round(), 1..4)).prop_map(|(system, mut rounds)| {
        // Two turns of the user's in a row are one.
        let last = rounds.len() - 1;
        for round in rounds.iter_mut().take(last).filter(|round| round.answers.is_empty()) {
            round.answers.push(Answer { text: Some("a".to_owned()), ..Answer::default() });
        }
        let calls = rounds.iter_mut().flat_map(|round| &mut round.answers).flat_map(|answer| &mut answer.calls);
        calls.enumerate().for_each(|(number, call)| call.id = format!("call-{number}"));
        Conversation { system, rounds }
    })
}

fn data_url(image: &str) -> String {
    format!("data:image/png;base64,{image}")
}

/// As a request of the Messages API.
fn as_messages(conversation: &Conversation) -> Value {
    let image =
        |data: &str| json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}});
    let mut messages = Vec::new();
    for round in &conversation.rounds {
        for piece in &round.said {
            messages.push(match piece {
                Piece::Text(text) => json!({"role": "user", "content": text}),
                Piece::Image(data) => json!({"role": "user", "content": [image(data)]}),
                Piece::Instruction(text) => json!({"role": "system", "content": [{"type": "text", "text": text}]}),
            });
        }
        for answer in &round.answers {
            let thoughts = answer
                .thoughts
                .iter()
                .map(|thoughts| json!({"type": "thinking", "thinking": thoughts, "signature": "of another"}));
            let text = answer.text.iter().map(|text| json!({"type": "text", "text": text}));
            let calls = answer
                .calls
                .iter()
                .map(|call| json!({"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}));
            messages
                .push(json!({"role": "assistant", "content": thoughts.chain(text).chain(calls).collect::<Vec<_>>()}));
            let results = answer.calls.iter().map(|call| {
                let text = json!({"type": "text", "text": call.result});
                let content: Vec<_> = std::iter::once(text).chain(call.image.as_deref().map(image)).collect();
                json!({"type": "tool_result", "tool_use_id": call.id, "content": content, "is_error": call.is_error})
            });
            let results: Vec<_> = results.collect();
            if !results.is_empty() {
                messages.push(json!({"role": "user", "content": results}));
            }
        }
    }
    json!({"model": "m", "max_tokens": 9, "system": conversation.system, "messages": messages})
}

/// As a request of the Responses API.
fn as_responses(conversation: &Conversation) -> Value {
    let image = |data: &str| json!({"type": "input_image", "image_url": data_url(data)});
    let mut input = Vec::new();
    for round in &conversation.rounds {
        for piece in &round.said {
            input.push(match piece {
                Piece::Text(text) => json!({"role": "user", "content": text}),
                Piece::Image(data) => json!({"type": "message", "role": "user", "content": [image(data)]}),
                Piece::Instruction(text) => {
                    json!({"role": "developer", "content": [{"type": "input_text", "text": text}]})
                }
            });
        }
        for answer in &round.answers {
            input.extend(answer.thoughts.iter().map(|thoughts| json!({"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": thoughts}]})));
            input.extend(answer.text.iter().map(|text| json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]})));
            input.extend(answer.calls.iter().map(|call| json!({"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments.to_string()})));
            input.extend(answer.calls.iter().map(|call| {
                // This API has no mark for a failed call.
                let text = if call.is_error { format!("Error: {}", call.result) } else { call.result.clone() };
                let text = json!({"type": "input_text", "text": text});
                let output: Vec<_> = std::iter::once(text).chain(call.image.as_deref().map(image)).collect();
                json!({"type": "function_call_output", "call_id": call.id, "output": output})
            }));
        }
    }
    json!({"model": "m", "instructions": conversation.system, "input": input})
}

/// Reads the conversation back out of chat's messages.
fn read(messages: &Value) -> Conversation {
    let mut conversation = Conversation::default();
    for message in messages.as_array().unwrap() {
        let text = message["content"].as_str().map(str::to_owned);
        match message["role"].as_str().unwrap() {
            "system" => conversation.system = text,
            "user" => {
                let said = match (text, message["content"].as_array()) {
                    (Some(text), _) => vec![piece(&json!({"type": "text", "text": text}))],
                    (None, parts) => unlabelled(parts.unwrap(), &mut conversation),
                };
                if !said.is_empty() {
                    conversation.rounds.push(Round { said, answers: Vec::new() });
                }
            }
            "assistant" => {
                let calls = message["tool_calls"].as_array().into_iter().flatten().map(|call| Call {
                    id: call["id"].as_str().unwrap().to_owned(),
                    name: call["function"]["name"].as_str().unwrap().to_owned(),
                    arguments: serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap(),
                    ..Call::default()
                });
                let thoughts = message["reasoning_content"].as_str().map(str::to_owned);
                let answer = Answer { thoughts, text, calls: calls.collect() };
                conversation.rounds.last_mut().unwrap().answers.push(answer);
            }
            "tool" => {
                let text = text.unwrap();
                let call = call_of(&mut conversation, message["tool_call_id"].as_str().unwrap());
                call.is_error = text.starts_with("Error: ");
                text.trim_start_matches("Error: ").clone_into(&mut call.result);
            }
            other => panic!("a message of the role {other}"),
        }
    }
    conversation
}

/// The pieces of a user's message. Images of results come first, each behind the call that it
/// belongs to.
fn unlabelled(parts: &[Value], conversation: &mut Conversation) -> Vec<Piece> {
    let mut said = Vec::new();
    let mut parts = parts.iter();
    while let Some(part) = parts.next() {
        let label =
            part["text"].as_str().and_then(|text| text.strip_prefix("Result of the tool call ")?.strip_suffix(':'));
        match (label, piece(part)) {
            (Some(id), _) => {
                let Some(Piece::Image(image)) = parts.next().map(piece) else { panic!("no image behind {id}") };
                call_of(conversation, id).image = Some(image);
            }
            (None, piece) => said.push(piece),
        }
    }
    said
}

fn piece(part: &Value) -> Piece {
    if let Some(url) = part.pointer("/image_url/url") {
        return Piece::Image(url.as_str().unwrap().strip_prefix(&data_url("")).unwrap().to_owned());
    }
    let text = part["text"].as_str().unwrap();
    let instruction =
        text.strip_prefix("<system-reminder>\n").and_then(|text| text.strip_suffix("\n</system-reminder>"));
    instruction.map_or_else(|| Piece::Text(text.to_owned()), |text| Piece::Instruction(text.to_owned()))
}

fn call_of<'c>(conversation: &'c mut Conversation, id: &str) -> &'c mut Call {
    let mut calls =
        conversation.rounds.iter_mut().flat_map(|round| &mut round.answers).flat_map(|answer| &mut answer.calls);
    calls.find(|call| call.id == id).unwrap()
}

proptest! {
    #[test]
    fn a_conversation_in_either_form_is_the_same_in_chat_and_loses_nothing(conversation in conversation()) {
        let messages: MessagesRequest = serde_json::from_value(as_messages(&conversation)).unwrap();
        let responses: ResponsesRequest = serde_json::from_value(as_responses(&conversation)).unwrap();
        let of_messages = serde_json::to_value(messages.into_chat().unwrap().chat.messages).unwrap();
        let of_responses = serde_json::to_value(responses.into_chat().unwrap().chat.messages).unwrap();
        prop_assert_eq!(&of_messages, &of_responses);
        prop_assert_eq!(read(&of_messages), conversation);
    }
}
