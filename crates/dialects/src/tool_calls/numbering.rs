//! Tool calls: which call a piece belongs to, its number, its id and its type.
//!
//! Owns the rules for whole answers and for calls that come in pieces. Containers leave out
//! indexes, ids and types, repeat names, and number several calls alike; clients join what has one
//! index.

use sagewire_types::{ToolCall, ToolCallDelta};

/// Gives an id to each call that has none: a tool message must name the call that it answers.
pub(crate) fn name_calls(calls: &mut [ToolCall], choice: u32, response_id: &str) {
    for (call, place) in calls.iter_mut().zip(0..) {
        if call.id.is_empty() {
            call.id = call_id(response_id, choice, place);
        }
    }
}

/// The id of a call for which there is none.
pub(crate) fn call_id(response_id: &str, choice: u32, place: u32) -> String {
    format!("call_{response_id}_{choice}_{place}")
}

/// The calls of one choice, as their pieces go by.
#[derive(Debug, Default)]
pub(crate) struct CallPieces {
    calls: Vec<ReportedCall>,
}

/// What the container said of a call.
#[derive(Debug, Default)]
struct ReportedCall {
    index: Option<u32>,
    id: Option<String>,
    name: Option<String>,
    /// The arguments so far, of a call without an id: where they are whole, a further piece may
    /// begin another call of the same name.
    arguments: String,
}

impl CallPieces {
    /// Whether a call has begun.
    pub(crate) fn any(&self) -> bool {
        !self.calls.is_empty()
    }

    /// Numbers the next piece. The first one of a call has an id, a type and the name; the others
    /// have none of them.
    pub(crate) fn take(&mut self, piece: &mut ToolCallDelta, choice: u32, response_id: &str) {
        let id = piece.id.take();
        let mut function = piece.function.take();
        let name = function.as_mut().and_then(|function| function.name.take()).filter(|name| !name.is_empty());
        let arguments = function.as_ref().and_then(|function| function.arguments.as_deref()).unwrap_or_default();
        let found = self.find(piece.index, id.as_deref(), name.as_deref(), arguments);
        let place = found.unwrap_or(self.calls.len());
        if found.is_none() {
            self.calls.push(ReportedCall { index: piece.index, ..ReportedCall::default() });
        }
        let number = u32::try_from(place).unwrap_or(u32::MAX);
        piece.index = Some(number);
        piece.kind = piece.kind.take().filter(|_| found.is_none());
        if found.is_none() {
            piece.id = Some(id.clone().unwrap_or_else(|| call_id(response_id, choice, number)));
            piece.kind.get_or_insert_with(|| "function".to_owned());
        }
        if let Some(call) = self.calls.get_mut(place) {
            call.id = call.id.take().or(id);
            if call.id.is_none() {
                call.arguments.push_str(arguments);
            }
            if call.name.is_none() && name.is_some() {
                call.name.clone_from(&name);
                function.get_or_insert_default().name = name;
            }
        }
        piece.function = function;
    }

    /// The call that a piece goes on with; `None` if it begins one.
    fn find(&self, index: Option<u32>, id: Option<&str>, name: Option<&str>, arguments: &str) -> Option<usize> {
        let same_index = |call: &ReportedCall| index.is_none() || call.index.is_none() || call.index == index;
        let same_name = |call: &ReportedCall| name.is_none() || call.name.is_none() || call.name.as_deref() == name;
        let last = self.calls.iter().rposition(same_index)?;
        let call = self.calls.get(last)?;
        match id {
            // An id may come after the first piece.
            Some(id) => self
                .calls
                .iter()
                .rposition(|call| call.id.as_deref() == Some(id) && same_index(call))
                .or_else(|| (call.id.is_none() && same_name(call)).then_some(last)),
            None if !same_name(call) => None,
            None if index.is_none() && name.is_some() && begins_anew(call, arguments) => None,
            None => Some(last),
        }
    }
}

/// Whether a call is complete and these arguments begin those of another one.
fn begins_anew(call: &ReportedCall, arguments: &str) -> bool {
    call.id.is_none() && !arguments.is_empty() && serde_json::from_str::<serde::de::IgnoredAny>(&call.arguments).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each piece as `index id name arguments`.
    fn numbered(pieces: &[&str]) -> Vec<String> {
        let mut calls = CallPieces::default();
        let numbered = pieces.iter().map(|json| {
            let mut piece: ToolCallDelta = serde_json::from_str(json).unwrap();
            calls.take(&mut piece, 0, "r");
            let is_first = piece.id.is_some();
            assert_eq!(piece.kind.as_deref(), is_first.then_some("function"), "{json}");
            let function = piece.function.unwrap_or_default();
            format!(
                "{} {} {} {}",
                piece.index.unwrap(),
                piece.id.as_deref().unwrap_or("-"),
                function.name.as_deref().unwrap_or("-"),
                function.arguments.as_deref().unwrap_or("-")
            )
        });
        numbered.collect()
    }

    #[test]
    fn a_new_id_begins_a_call_whatever_its_index() {
        let expected = ["0 c1 f {}", "1 c2 f {1}"];
        for index in ["", r#""index":0,"#, r#""index":null,"#, r#""index":"x","#] {
            let piece = |id, arguments| {
                format!(r#"{{{index}"id":"{id}","type":null,"function":{{"name":"f","arguments":"{arguments}"}}}}"#)
            };
            assert_eq!(numbered(&[&piece("c1", "{}"), &piece("c2", "{1}")]), expected, "{index}");
        }
    }

    #[test]
    fn pieces_without_an_id_go_on_with_the_last_call_of_their_index() {
        assert_eq!(
            numbered(&[
                r#"{"index":0,"id":"c1","function":{"name":"f","arguments":""}}"#,
                r#"{"index":1,"id":"c2","function":{"name":"g","arguments":""}}"#,
                r#"{"index":0,"function":{"arguments":"a"}}"#,
                r#"{"index":1,"function":{"arguments":"b"}}"#,
                r#"{"function":{"arguments":"c"}}"#,
            ]),
            ["0 c1 f ", "1 c2 g ", "0 - - a", "1 - - b", "1 - - c"]
        );
        assert_eq!(
            numbered(&[
                r#"{"index":0,"id":"c1","function":{"name":"f"}}"#,
                r#"{"index":0,"id":"c2","function":{"name":"f"}}"#,
                r#"{"index":0,"function":{"arguments":"x"}}"#,
            ]),
            ["0 c1 f -", "1 c2 f -", "1 - - x"]
        );
    }

    #[test]
    fn ids_types_and_names_that_are_repeated_are_told_once() {
        let piece = r#"{"index":3,"id":"c","type":"function","function":{"name":"f","arguments":"x"}}"#;
        assert_eq!(numbered(&[piece, piece]), ["0 c f x", "0 - - x"]);
        let piece = r#"{"index":0,"function":{"name":"f","arguments":"{"}}"#;
        assert_eq!(numbered(&[piece, piece]), ["0 call_r_0_0 f {", "0 - - {"]);
    }

    #[test]
    fn without_ids_a_new_name_or_new_arguments_begin_a_call() {
        let piece =
            |name: &str, arguments: &str| format!(r#"{{"function":{{"name":"{name}","arguments":"{arguments}"}}}}"#);
        assert_eq!(
            numbered(&[&piece("f", "{"), &piece("f", "}"), &piece("f", "{}"), &piece("g", "{}")]),
            ["0 call_r_0_0 f {", "0 - - }", "1 call_r_0_1 f {}", "2 call_r_0_2 g {}"]
        );
    }

    #[test]
    fn an_id_or_a_name_may_come_late() {
        assert_eq!(
            numbered(&[
                r#"{"index":0,"function":{"arguments":""}}"#,
                r#"{"index":0,"id":"c1","function":{"name":"f","arguments":"x"}}"#,
                r#"{"index":0,"id":"c1"}"#,
            ]),
            ["0 call_r_0_0 - ", "0 - f x", "0 - - -"]
        );
    }
}
