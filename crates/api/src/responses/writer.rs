//! The events of one stream as JSON.
//!
//! Owns writing what they have in common once: an answer's text comes in hundreds of events, which
//! differ in what they add and in their number. The text is that of [`ResponseEvent`]'s own `Serialize`.

use std::{io, sync::Arc};

use serde_json::Error;

use super::stream::{EventKind, ResponseEvent};

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
            _ => return serde_json::to_writer(out, event),
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
        put(b",\"sequence_number\":", out)?;
        serde_json::to_writer(&mut *out, &event.sequence_number)?;
        put(b"}", out)
    }
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
}
