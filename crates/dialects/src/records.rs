//! Records in a stream: server-sent events and JSON lines, told apart line by line.
//!
//! Owns the framing that containers use: `data:` with or without a space and with or without the blank line after it, bare JSON
//! lines, and a last line without its end. What a record means is its dialect's to say.

use sagewire_types::{Error, ErrorKind};

/// The most bytes one record may have: AWS's own limit for the payload of a frame, far above any token's record.
const MAX_RECORD_BYTES: usize = 24 * 1024 * 1024;

/// One record of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// The text of a JSON value.
    Json(&'a [u8]),
    /// OpenAI's mark of a complete stream, `[DONE]`.
    Done,
}

/// Splits a stream's bytes into [`Record`]s.
///
/// Server-sent events follow the [standard](https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream)
/// but for one thing: as containers write each event's JSON in one `data:` line and some leave out the blank line after it, each such
/// line is a record of its own, unless its JSON goes on in the next one. Bare lines are records in the same way.
#[derive(Debug, Default)]
pub struct RecordFramer {
    /// The beginning of a line whose end has not come yet.
    partial: Vec<u8>,
    /// The lines of a record whose JSON is not whole yet.
    event: Vec<u8>,
}

impl RecordFramer {
    /// Takes the next bytes and hands every record that they complete to `take`.
    ///
    /// # Errors
    /// What `take` returns, or `StreamBroken` for a record beyond 24 MiB.
    pub fn push(
        &mut self,
        mut bytes: &[u8],
        mut take: impl FnMut(Record<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at(end);
            bytes = rest.get(1..).unwrap_or_default();
            if self.partial.is_empty() {
                line_end(&mut self.event, line, &mut take)?;
            } else {
                self.partial.extend_from_slice(line);
                let taken = line_end(&mut self.event, &self.partial, &mut take);
                self.partial.clear();
                taken?;
            }
        }
        if self.partial.len() + self.event.len() + bytes.len() > MAX_RECORD_BYTES {
            return Err(Error::new(
                ErrorKind::StreamBroken,
                "the container sent a record beyond 24 MiB without an end: check that the dialect fits the container",
            ));
        }
        self.partial.extend_from_slice(bytes);
        Ok(())
    }

    /// The bytes have ended: hands over a last record whose line had no end.
    ///
    /// # Errors
    /// What `take` returns.
    pub fn finish(&mut self, mut take: impl FnMut(Record<'_>) -> Result<(), Error>) -> Result<(), Error> {
        let line = std::mem::take(&mut self.partial);
        line_end(&mut self.event, &line, &mut take)?;
        // A blank line hands over what is left of an event.
        line_end(&mut self.event, b"", &mut take)
    }
}

fn line_end(
    event: &mut Vec<u8>,
    line: &[u8],
    take: &mut impl FnMut(Record<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = match line.strip_prefix(b"data:") {
        Some(data) => data.trim_ascii(),
        None => {
            let line = line.trim_ascii();
            if line.is_empty() {
                let rest = std::mem::take(event);
                return if rest.is_empty() { Ok(()) } else { record(&rest, take) };
            }
            if is_event_field(line) {
                return Ok(());
            }
            line
        }
    };
    if event.is_empty() && is_whole(text, Lines::One) {
        return if text.is_empty() { Ok(()) } else { record(text, take) };
    }
    if !event.is_empty() {
        event.push(b'\n');
    }
    event.extend_from_slice(text);
    if is_whole(event, Lines::Several) {
        let whole = std::mem::take(event);
        return record(&whole, take);
    }
    Ok(())
}

/// Comments and the fields of server-sent events that carry no data.
fn is_event_field(line: &[u8]) -> bool {
    line.starts_with(b":") || [&b"event:"[..], b"id:", b"retry:"].iter().any(|field| line.starts_with(field))
}

/// Whether the text of a line stands for itself. Only JSON over several lines, which containers hardly send, is read twice.
fn is_whole(data: &[u8], lines: Lines) -> bool {
    match (data.first(), data.last()) {
        (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')) => {
            lines == Lines::One || serde_json::from_slice::<serde::de::IgnoredAny>(data).is_ok()
        }
        (Some(b'{' | b'['), _) => false,
        _ => true,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    One,
    Several,
}

fn record(text: &[u8], take: &mut impl FnMut(Record<'_>) -> Result<(), Error>) -> Result<(), Error> {
    if text == b"[DONE]" { take(Record::Done) } else { take(Record::Json(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(pieces: &[&[u8]]) -> Vec<String> {
        let mut framer = RecordFramer::default();
        let mut records = Vec::new();
        let mut take = |record: Record<'_>| {
            records.push(match record {
                Record::Json(text) => String::from_utf8(text.to_vec()).unwrap(),
                Record::Done => "[DONE]".to_owned(),
            });
            Ok(())
        };
        for piece in pieces {
            framer.push(piece, &mut take).unwrap();
        }
        framer.finish(&mut take).unwrap();
        records
    }

    #[test]
    fn every_form_of_record_is_read_the_same_at_every_cut() {
        let cases: &[(&str, &[&str])] = &[
            ("data: {\"a\":1}\n\ndata: [DONE]\n\n", &["{\"a\":1}", "[DONE]"]),
            ("data:{\"a\":\"é😀\"}\r\n\r\ndata:{\"b\":2}\r\n\r\n", &["{\"a\":\"é😀\"}", "{\"b\":2}"]),
            ("data: {\"a\":1}\ndata: {\"b\":2}\n", &["{\"a\":1}", "{\"b\":2}"]),
            ("{\"a\":1}\n{\"b\":2}", &["{\"a\":1}", "{\"b\":2}"]),
            (": ping\nevent: x\nid: 7\nretry: 10\ndata: {\"a\":1}", &["{\"a\":1}"]),
            (
                "data: {\ndata: \"a\": {\"b\": 1}\ndata: }\n\ndata: {\"c\":1}\n\n",
                &["{\n\"a\": {\"b\": 1}\n}", "{\"c\":1}"],
            ),
            ("data: {\"cut\": \n\n", &["{\"cut\":"]),
            ("\n\n \ndata:\ndata: \n\n", &[]),
            ("[\n  {\"a\": 1}\n]\n{\"b\":2}\n", &["[\n{\"a\": 1}\n]", "{\"b\":2}"]),
            ("plain text\n{\"cut\": ", &["plain text", "{\"cut\":"]),
        ];
        for (text, expected) in cases {
            let bytes = text.as_bytes();
            assert_eq!(records(&[bytes]), *expected, "{text:?}");
            for size in 1..bytes.len() {
                let pieces: Vec<_> = bytes.chunks(size).collect();
                assert_eq!(records(&pieces), *expected, "{text:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn a_record_without_end_is_refused_before_it_fills_the_memory() {
        let mut framer = RecordFramer::default();
        let piece = vec![b'x'; 1024 * 1024];
        let refused = (0..32).find_map(|_| framer.push(&piece, |_| Ok(())).err()).unwrap();
        assert_eq!(refused.kind(), ErrorKind::StreamBroken);
        assert!(framer.partial.len() <= MAX_RECORD_BYTES);
    }
}
