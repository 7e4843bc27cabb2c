//! The texts to embed: from the arguments, plain lines, or JSON lines.
//!
//! Owns reading them, and the check that an output begun earlier still belongs to them. Nothing is
//! sent before both are through.

use serde_json::Value;

use super::{Done, InputFormat};
use crate::{Failure, fingerprint::Fingerprint};

/// What editors of Windows put before a text in UTF-8. It is not part of the text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The fields that hold the text unless one is named.
const FIELDS: [&str; 2] = ["text", "input"];

/// One text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Record {
    /// The line of the input, from 0, or the place among the arguments.
    pub(super) index: u64,
    pub(super) text: String,
    /// The object's own `id`, passed on to the output.
    pub(super) id: Option<Value>,
}

/// A line that is not a string.
#[derive(Debug, PartialEq)]
pub(super) struct Broken {
    /// The line of the input, from 0.
    pub(super) index: u64,
    pub(super) why: String,
}

/// All of them. Lines are parsed anew each time they are gone through, so that a file of texts is
/// in memory once.
#[derive(Debug)]
pub(super) struct Input {
    text: String,
    /// What messages call the input.
    name: String,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Arguments(Vec<String>),
    Lines,
    Jsonl { field: Option<String> },
}

impl Input {
    pub(super) fn of_texts(texts: Vec<String>) -> Self {
        Self { text: String::new(), name: "the arguments".to_owned(), form: Form::Arguments(texts) }
    }

    pub(super) fn parse(
        bytes: Vec<u8>,
        name: String,
        format: InputFormat,
        field: Option<&str>,
    ) -> Result<Self, Failure> {
        let bytes = match bytes.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) => rest.to_vec(),
            None => bytes,
        };
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
            let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
            Failure::usage(format!("{name}, line {line}: invalid UTF-8"))
        })?;
        let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let looks_like_json = || {
            let named = [".jsonl", ".ndjson"].iter().any(|ending| name.ends_with(ending));
            named || matches!(serde_json::from_str(first), Ok(Value::Object(_) | Value::String(_)))
        };
        let is_jsonl = match format {
            InputFormat::Jsonl => true,
            InputFormat::Lines => false,
            InputFormat::Auto => field.is_some() || looks_like_json(),
        };
        let form = if is_jsonl { Form::Jsonl { field: field.map(str::to_owned) } } else { Form::Lines };
        Ok(Self { text, name, form })
    }

    /// Each text, or what is wrong with its line, in the input's order. Blank lines are not texts.
    pub(super) fn records(&self) -> Box<dyn Iterator<Item = Result<Record, Broken>> + Send + '_> {
        let numbered = (0_u64..).zip(self.text.lines()).filter(|(_, line)| !line.trim().is_empty());
        match &self.form {
            Form::Arguments(texts) => {
                Box::new((0_u64..).zip(texts).map(|(index, text)| Ok(Record { index, text: text.clone(), id: None })))
            }
            Form::Lines => {
                Box::new(numbered.map(|(index, line)| Ok(Record { index, text: line.to_owned(), id: None })))
            }
            Form::Jsonl { field } => Box::new(numbered.map(move |(index, line)| {
                json_record(index, line, field.as_deref()).map_err(|why| Broken { index, why })
            })),
        }
    }

    /// How many texts there are, and the lines that are not texts, once none that the output holds
    /// has changed.
    ///
    /// # Errors
    /// A line has changed, or is not a string and `keep_going` is not set.
    pub(super) fn check(
        &self,
        done: &Done,
        fingerprint: &Fingerprint,
        keep_going: bool,
    ) -> Result<(u64, Vec<Broken>), Failure> {
        let (mut total, mut met) = (0, 0);
        let mut broken = Vec::new();
        for record in self.records() {
            let record = match record {
                Ok(record) => record,
                Err(line) if keep_going => {
                    broken.push(line);
                    continue;
                }
                Err(Broken { index, why }) => {
                    let failure = Failure::usage(format!("{}, line {}: {why}", self.name, index + 1));
                    return Err(failure.with_hint("`--keep-going` embeds the other lines"));
                }
            };
            total += 1;
            if let Some(hash) = done.hash(record.index) {
                met += 1;
                if *hash != *fingerprint.of(&record.text) {
                    return Err(self.changed(&format!("line {}", record.index + 1)));
                }
            }
        }
        if met < done.len() {
            return Err(self.changed(&format!("it lacks {} lines that the output has; it", done.len() - met)));
        }
        Ok((total, broken))
    }

    fn changed(&self, what: &str) -> Failure {
        Failure::usage(format!(
            "{}: {what}, or the model or its parameters, has changed since the output was begun",
            self.name
        ))
        .with_hint("restore the input and the model, choose another `--output`, or start over with `--restart`")
    }
}

fn json_record(index: u64, line: &str, field: Option<&str>) -> Result<Record, String> {
    let value: Value = sagewire::json::from_caller(line.as_bytes()).map_err(|error| {
        // The error's own text may quote the line.
        format!("invalid JSON (column {})", error.column())
    })?;
    match value {
        Value::String(text) if field.is_none() => Ok(Record { index, text, id: None }),
        Value::Object(mut object) => {
            let names = field.map_or(FIELDS.to_vec(), |field| vec![field]);
            let found = names.iter().find_map(|name| object.shift_remove(*name));
            let id = object.shift_remove("id");
            match found {
                Some(Value::String(text)) => Ok(Record { index, text, id }),
                Some(_) => Err(format!("`{}` must be a string", names.join("` or `"))),
                None => Err(format!(
                    "missing `{}`; choose the field that holds the text with `--field`",
                    names.join("` or `")
                )),
            }
        }
        _ => Err("expected a JSON string or an object".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str, name: &str, format: InputFormat, field: Option<&str>) -> Result<Vec<(u64, String)>, String> {
        let input = Input::parse(text.as_bytes().to_vec(), name.to_owned(), format, field)
            .map_err(|failure| format!("{failure:?}"))?;
        let records = input.records().map(|record| record.map(|record| (record.index, record.text)));
        records.collect::<Result<_, _>>().map_err(|broken| format!("{broken:?}"))
    }

    #[test]
    fn a_byte_order_mark_is_not_part_of_the_first_text() {
        assert_eq!(records("\u{feff}a\n", "t", InputFormat::Auto, None).unwrap(), [(0, "a".to_owned())]);
        let json = "\u{feff}{\"text\": \"a\"}\n";
        assert_eq!(records(json, "t", InputFormat::Auto, None).unwrap(), [(0, "a".to_owned())]);
    }

    #[test]
    fn plain_lines_keep_their_numbers_over_blank_ones() {
        let got = records("a\n\n b \r\nlast", "t.txt", InputFormat::Auto, None).unwrap();
        assert_eq!(got, [(0, "a".to_owned()), (2, " b ".to_owned()), (3, "last".to_owned())]);
    }

    #[test]
    fn json_lines_are_known_by_name_first_line_or_field() {
        let json = "{\"id\": 7, \"text\": \"a\"}\n\"b\"\n{\"input\": \"c\"}\n";
        let expected = [(0, "a".to_owned()), (1, "b".to_owned()), (2, "c".to_owned())];
        assert_eq!(records(json, "t", InputFormat::Auto, None).unwrap(), expected);
        assert_eq!(records(json, "t", InputFormat::Lines, None).unwrap().len(), 3);
        assert_eq!(records("{\"body\": \"x\"}", "t", InputFormat::Auto, Some("body")).unwrap(), [(0, "x".to_owned())]);
        assert_eq!(
            records("12\n", "t", InputFormat::Auto, None).unwrap(),
            [(0, "12".to_owned())],
            "a number is a text"
        );
    }

    #[test]
    fn a_wrong_line_is_named_and_not_shown() {
        for (text, said) in [
            ("{\"text\": \"a\"}\n{\"text\": secret}\n", "invalid JSON"),
            ("{\"text\": 1}\n", "`text` or `input` must be a string"),
            ("{\"body\": \"a\"}\n", "--field"),
            ("[1]\n", "expected a JSON string or an object"),
        ] {
            let error = records(text, "t.jsonl", InputFormat::Auto, None).unwrap_err();
            assert!(error.contains(said), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        let bytes = b"ok\n\xff".to_vec();
        let error = Input::parse(bytes, "t".to_owned(), InputFormat::Auto, None).unwrap_err();
        assert!(format!("{error:?}").contains("line 2"), "{error:?}");
    }
}
