//! Records in a stream: server-sent events and JSON lines, told apart line by line.
//!
//! Owns the framing that containers use: `data:` with or without a space and with or without the
//! blank line after it, bare JSON lines, and a last line without its end. What a record means is
//! its dialect's to say.

use sagewire_types::{Error, ErrorKind};

/// The most bytes one record may have: AWS's own limit for the payload of a frame, far above any
/// token's record.
const MAX_RECORD_BYTES: usize = 24 * 1024 * 1024;

/// A byte order mark, which the standard allows at the beginning of a stream.
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One record of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Record<'a> {
    /// The text of a JSON value, or what a container wrote in its place.
    Json(&'a [u8]),
    /// The data of an event that is named `error`.
    Failure(&'a [u8]),
    /// OpenAI's mark of a complete stream, `[DONE]`.
    Done,
}

/// Splits a stream's bytes into [`Record`]s, in one pass over them.
///
/// Server-sent events follow the [standard](https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream)
/// but for one thing: as containers write each event's JSON in one `data:` line and some leave out
/// the blank line after it, each such line is a record of its own, unless its JSON goes on in the
/// next one. Bare lines are records in the same way.
#[derive(Debug, Default)]
pub struct RecordFramer {
    /// Whether the first line is over.
    begun: bool,
    /// Whether the last byte was a carriage return, to which a line feed may belong.
    after_return: bool,
    /// The beginning of a line whose end has not come yet.
    partial: Vec<u8>,
    event: PartialEvent,
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
        loop {
            if !bytes.is_empty() && std::mem::take(&mut self.after_return) {
                bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
            }
            let Some(end) = memchr::memchr2(b'\n', b'\r', bytes) else { break };
            let (line, rest) = bytes.split_at(end);
            self.after_return = rest.first() == Some(&b'\r');
            bytes = rest.get(1..).unwrap_or_default();
            let is_last = ends_event(bytes, self.after_return);
            if self.partial.is_empty() {
                self.line(line, is_last, &mut take)?;
            } else {
                let mut whole = std::mem::take(&mut self.partial);
                whole.extend_from_slice(line);
                let taken = self.line(&whole, is_last, &mut take);
                whole.clear();
                self.partial = whole;
                taken?;
            }
        }
        if self.partial.len() + self.event.text.len() + bytes.len() > MAX_RECORD_BYTES {
            return Err(Error::new(
                ErrorKind::StreamBroken,
                "the container sent a record beyond 24 MiB without an end; check that `dialect` fits the container",
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
        self.line(&line, true, &mut take)?;
        self.event.end(&mut take)
    }

    /// Takes a line; `is_last` if it is known that nothing of its event follows.
    fn line(
        &mut self,
        line: &[u8],
        is_last: bool,
        take: &mut impl FnMut(Record<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let is_first = !std::mem::replace(&mut self.begun, true);
        let line = line.strip_prefix(BOM).filter(|_| is_first).unwrap_or(line);
        match field(line) {
            LineField::Data(text) => self.event.add(text, is_last, take),
            LineField::PartialEvent(name) => {
                self.event.is_failure = name == b"error";
                Ok(())
            }
            LineField::Other => Ok(()),
            LineField::End => self.event.end(take),
        }
    }
}

/// Whether the next bytes are the blank line that ends an event.
fn ends_event(mut next: &[u8], after_return: bool) -> bool {
    if after_return {
        next = next.strip_prefix(b"\n").unwrap_or(next);
    }
    matches!(next.first(), Some(b'\n' | b'\r'))
}

/// What a line is.
enum LineField<'a> {
    Data(&'a [u8]),
    /// The name of an event.
    PartialEvent(&'a [u8]),
    /// A comment, an id, a time to wait, or no data at all.
    Other,
    /// The blank line that ends an event.
    End,
}

fn field(line: &[u8]) -> LineField<'_> {
    if let Some(data) = line.strip_prefix(b"data:") {
        let data = trim(data);
        return if data.is_empty() { LineField::Other } else { LineField::Data(data) };
    }
    let line = trim(line);
    if let Some(name) = line.strip_prefix(b"event:") {
        return LineField::PartialEvent(trim(name));
    }
    match line {
        [] => LineField::End,
        [b':', ..] | b"data" | b"event" | b"id" | b"retry" => LineField::Other,
        line if line.starts_with(b"id:") || line.starts_with(b"retry:") => LineField::Other,
        line => LineField::Data(line),
    }
}

/// Without blanks at both ends, and without the NULs that some servers keep a connection alive
/// with.
fn trim(text: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !byte.is_ascii_whitespace() && *byte != 0;
    let Some(first) = text.iter().position(is_text) else { return &[] };
    let end = text.iter().rposition(is_text).map_or(first, |last| last + 1);
    text.get(first..end).unwrap_or_default()
}

/// An event, or a JSON value, in the making.
#[derive(Debug, Default)]
struct PartialEvent {
    /// The lines of a record whose JSON is not whole yet.
    text: Vec<u8>,
    nesting: Nesting,
    is_failure: bool,
}

impl PartialEvent {
    fn add(
        &mut self,
        line: &[u8],
        is_last: bool,
        take: &mut impl FnMut(Record<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let is_one_line = self.text.is_empty();
        if is_one_line {
            self.nesting = Nesting::default();
        } else {
            self.text.push(b'\n');
        }
        // Of nearly every record of a stream the brackets need not be counted, which would be a third of
        // the work on it.
        if !(is_one_line && is_last) {
            self.nesting.read(line);
        }
        if is_one_line && self.nesting.is_closed() {
            return hand_over(line, self.is_failure, take);
        }
        self.text.extend_from_slice(line);
        if self.nesting.is_closed() {
            let whole = std::mem::take(&mut self.text);
            return hand_over(&whole, self.is_failure, take);
        }
        Ok(())
    }

    /// Hands over what is left, whole or not.
    fn end(&mut self, take: &mut impl FnMut(Record<'_>) -> Result<(), Error>) -> Result<(), Error> {
        let rest = std::mem::take(&mut self.text);
        let is_failure = std::mem::take(&mut self.is_failure);
        if rest.is_empty() { Ok(()) } else { hand_over(&rest, is_failure, take) }
    }
}

fn hand_over(
    text: &[u8],
    is_failure: bool,
    take: &mut impl FnMut(Record<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    take(match text {
        b"[DONE]" => Record::Done,
        text if is_failure => Record::Failure(text),
        text => Record::Json(text),
    })
}

/// How many brackets of a JSON text are open, as its bytes come. A text that begins with none is
/// closed at once.
#[derive(Debug, Default)]
pub(crate) struct Nesting {
    open: usize,
    /// The most that were open at once.
    pub(crate) deepest: usize,
    in_string: bool,
}

impl Nesting {
    fn is_closed(&self) -> bool {
        self.open == 0
    }

    /// Reads a line. An escape cannot be cut by its end, since no string of JSON goes on in the
    /// next line.
    pub(crate) fn read(&mut self, line: &[u8]) {
        if self.open == 0 && !matches!(line.first(), Some(b'{' | b'[')) {
            return;
        }
        let mut rest = line;
        loop {
            if self.in_string {
                let Some(at) = memchr::memchr2(b'"', b'\\', rest) else { return };
                let escapes = rest.get(at) == Some(&b'\\');
                self.in_string = escapes;
                rest = rest.get(at + if escapes { 2 } else { 1 }..).unwrap_or_default();
            } else {
                let Some(at) = rest.iter().position(|byte| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']')) else {
                    return;
                };
                match rest.get(at) {
                    Some(b'"') => self.in_string = true,
                    Some(b'{' | b'[') => {
                        self.open += 1;
                        self.deepest = self.deepest.max(self.open);
                    }
                    _ => self.open = self.open.saturating_sub(1),
                }
                rest = rest.get(at + 1..).unwrap_or_default();
            }
        }
    }
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
                Record::Failure(text) => format!("failure {}", String::from_utf8(text.to_vec()).unwrap()),
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
            // Brackets in texts, and a value that seems to end with its first line.
            (
                "{\"a\":\"}]\\\"}\"}\n{\"b\": {}\n,\"c\":\"\\\\\"}\n",
                &["{\"a\":\"}]\\\"}\"}", "{\"b\": {}\n,\"c\":\"\\\\\"}"],
            ),
            // The standard's line ends, byte order mark, and fields without a colon.
            ("data: {\"a\":1}\r\rdata: [DONE]\r\r", &["{\"a\":1}", "[DONE]"]),
            ("\u{feff}data: {\"a\":1}\n\n", &["{\"a\":1}"]),
            ("data\nevent\nid\nretry\ndata: {\"a\":1}\n\n", &["{\"a\":1}"]),
            ("data: {\ndata\rdata: }\r\n\r\n", &["{\n}"]),
            // What keeps a connection alive.
            ("\0\0\n\0{\"a\":1}\0\n", &["{\"a\":1}"]),
            // An event's name holds until the event ends.
            ("event: error\ndata: {\"a\":1}\n\ndata: {\"b\":2}\n\n", &["failure {\"a\":1}", "{\"b\":2}"]),
            ("event: error\r\ndata: {\"a\":1}\r\n\r\ndata: {\"b\":2}\r\n", &["failure {\"a\":1}", "{\"b\":2}"]),
            ("event:error\ndata: no json\n\nevent: token\ndata: {\"b\":2}\n\n", &["failure no json", "{\"b\":2}"]),
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
    fn a_value_on_many_lines_is_one_record_and_is_looked_at_once() {
        // Looked at anew for each line, this would take minutes.
        let text = format!("{{\"a\":[\n{}{{}}\n]}}\n{{\"b\":1}}\n", "{}\n,\n".repeat(50_000));
        let read = records(&[text.as_bytes()]);
        assert_eq!((read.len(), read[0].len(), read[1].as_str()), (2, text.len() - 1 - 8, "{\"b\":1}"));
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
