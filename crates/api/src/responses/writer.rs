//! The events of one stream as JSON.
//!
//! Owns writing what they have in common once: an answer's text comes in hundreds of events, which
//! differ in what they add and in their number, and the first two events tell the same answer, with
//! all tools of its request. The text is that of [`ResponseEvent`]'s own `Serialize`.

use std::{io, sync::Arc};

use serde_json::Error;

use super::{
    answer::Response,
    stream::{EventKind, ResponseEvent},
};

/// What is written last of an event that adds to a text.
const ADDED: &str = "\"delta\":";

/// Writes events as JSON, quickest if one writer writes all the events of a stream.
///
/// ```
/// use sagewire_api::responses::{ResponseEvent, EventWriter};
///
/// let event: ResponseEvent = serde_json::from_str(
///     r#"{"type":"response.reasoning_text.delta","item_id":"i","output_index":0,"content_index":0,"delta":"a","sequence_number":3}"#,
/// )?;
/// let mut json = Vec::new();
/// EventWriter::default().write(&event, &mut json)?;
/// assert_eq!(json, serde_json::to_vec(&event)?);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct EventWriter {
    /// The JSON up to what an event adds, and the text that it adds to.
    head: String,
    name: &'static str,
    item_id: Arc<str>,
    place: [usize; 2],
    /// The answer that has begun, and its JSON.
    begun: Option<(Arc<Response>, Vec<u8>)>,
    /// The event that is being written.
    event: Vec<u8>,
}

impl EventWriter {
    /// Writes one event.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&mut self, event: &ResponseEvent, out: &mut impl io::Write) -> Result<(), Error> {
        let (item_id, place, delta) = match &event.kind {
            EventKind::TextDelta { item_id, output_index, content_index, delta, logprobs } if logprobs.is_empty() => {
                (item_id, [*output_index, *content_index], delta)
            }
            EventKind::ReasoningDelta { item_id, output_index, content_index, delta } => {
                (item_id, [*output_index, *content_index], delta)
            }
            EventKind::SummaryDelta { item_id, output_index, summary_index, delta } => {
                (item_id, [*output_index, *summary_index], delta)
            }
            EventKind::ArgumentsDelta { item_id, output_index, delta } => (item_id, [*output_index, 0], delta),
            EventKind::Created { response } => {
                let json = serde_json::to_vec(response)?;
                self.begun = Some((Arc::clone(response), json));
                return self.beginning(event, out);
            }
            EventKind::InProgress { .. } => {
                self.beginning(event, out)?;
                self.begun = None;
                return Ok(());
            }
            _ => return self.whole(event, out),
        };
        let name = event.kind.name();
        if (self.name, &self.item_id, self.place) != (name, item_id, place) {
            let json = serde_json::to_string(event)?;
            // No text before it can have a quote that is not escaped.
            let Some((head, _)) = json.split_once(ADDED) else { return put(json.as_bytes(), out) };
            self.head.clear();
            self.head.extend([head, ADDED]);
            (self.name, self.item_id, self.place) = (name, Arc::clone(item_id), place);
        }
        put(self.head.as_bytes(), out)?;
        serde_json::to_writer(&mut *out, delta)?;
        number(event, out)
    }

    /// Writes an event that tells the answer which has begun.
    fn beginning(&mut self, event: &ResponseEvent, out: &mut impl io::Write) -> Result<(), Error> {
        let (EventKind::Created { response } | EventKind::InProgress { response }) = &event.kind else {
            return self.whole(event, out);
        };
        let Some((_, json)) = self.begun.as_ref().filter(|(begun, _)| Arc::ptr_eq(begun, response)) else {
            return self.whole(event, out);
        };
        put(b"{\"type\":", out)?;
        serde_json::to_writer(&mut *out, event.kind.name())?;
        put(b",\"response\":", out)?;
        put(json, out)?;
        number(event, out)
    }

    fn whole(&mut self, event: &ResponseEvent, out: &mut impl io::Write) -> Result<(), Error> {
        self.event.clear();
        serde_json::to_writer(&mut self.event, &event.kind)?;
        // The number belongs into the same object.
        self.event.pop();
        put(&self.event, out)?;
        number(event, out)
    }
}

/// Writes the end of an event.
fn number(event: &ResponseEvent, out: &mut impl io::Write) -> Result<(), Error> {
    put(b",\"sequence_number\":", out)?;
    serde_json::to_writer(&mut *out, &event.sequence_number)?;
    put(b"}", out)
}

fn put(bytes: &[u8], out: &mut impl io::Write) -> Result<(), Error> {
    out.write_all(bytes).map_err(Error::io)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_that_of_serde_whatever_came_before() {
        let mut events = Vec::new();
        for kind in ["output_text", "reasoning_text", "reasoning_summary_text", "function_call_arguments"] {
            for (item_id, place) in [("i", 0), ("i", 1), ("\"delta\":", 1), ("j", 1)] {
                for delta in ["a", "\"\\\n\u{1F600}\"", "", "\"delta\":"] {
                    let json = serde_json::json!({
                        "type": format!("response.{kind}.delta"), "item_id": item_id, "output_index": place, "content_index": place,
                        "summary_index": place, "delta": delta, "logprobs": [], "sequence_number": events.len(),
                    });
                    events.push(json);
                }
            }
        }
        let response = serde_json::json!({
            "id": "r", "object": "response", "created_at": 1, "status": "in_progress", "background": false, "error": null,
            "incomplete_details": null, "model": "m", "output": [], "store": false, "usage": null, "tools": [{"type": "function", "n": 1e2}],
        });
        for kind in ["in_progress", "created", "in_progress", "completed"] {
            events.push(
                serde_json::json!({ "type": format!("response.{kind}"), "response": response, "sequence_number": 9 }),
            );
        }
        events.push(serde_json::json!({
            "type": "error", "code": null, "message": "m", "param": "p", "error": {"code": "c", "message": "m"}, "sequence_number": 7,
        }));
        events.push(serde_json::json!({
            "type": "response.output_text.delta", "item_id": "j", "output_index": 1, "content_index": 1, "delta": "x",
            "logprobs": [{"token": "x"}], "sequence_number": 1,
        }));
        let mut writer = EventWriter::default();
        for event in events {
            let event: ResponseEvent = serde_json::from_value(event).unwrap();
            let mut json = Vec::new();
            writer.write(&event, &mut json).unwrap();
            assert_eq!(String::from_utf8(json).unwrap(), serde_json::to_string(&event).unwrap());
        }
    }
    #[test]
    fn the_first_events_share_the_answer() {
        let request: crate::responses::ResponsesRequest = serde_json::from_str(r#"{"input":"a"}"#).unwrap();
        let head = crate::responses::Head::new("resp_1", "m", 0);
        let mut stream = crate::responses::ResponseStream::new(request.into_chat().unwrap().form, head, 5);
        let (mut events, mut writer) = (Vec::new(), EventWriter::default());
        stream.push(&serde_json::from_str(r#"{"choices":[{"delta":{"content":"b"}}]}"#).unwrap(), &mut events).unwrap();
        for event in &events {
            let mut json = Vec::new();
            writer.write(event, &mut json).unwrap();
            assert_eq!(String::from_utf8(json).unwrap(), serde_json::to_string(event).unwrap());
            let is_shared =
                writer.begun.as_ref().is_some_and(|(begun, _)| std::ptr::eq(&raw const **begun, stream.response()));
            assert_eq!(is_shared, matches!(event.kind, EventKind::Created { .. }));
        }
        assert!(events.len() > 3);
    }
}
