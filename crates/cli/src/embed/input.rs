//! The texts to embed: from the arguments, plain lines, or JSON lines.
//!
//! Owns reading them, and the check that an output begun earlier still belongs to them. Nothing is
//! sent before both are through.

use std::path::PathBuf;

use bytes::Bytes;
use sagewire_batch::{BatchError, Lines};
use serde_json::Value;

use super::{Done, InputFormat};
use crate::{Failure, batch, fingerprint::Fingerprint};

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

/// Where the texts are.
#[derive(Clone, Debug)]
pub(super) enum Source {
    File(PathBuf),
    /// What can be read once is in memory.
    Text(Bytes),
}

/// All of them. Lines are read anew each time they are gone through, so that a file is never in
/// memory as a whole.
#[derive(Debug)]
pub(super) struct Input {
    source: Source,
    /// What messages call the input.
    name: String,
    is_jsonl: bool,
    field: Option<String>,
}

/// The texts of an input, in its order.
pub(super) struct Records<'a>(Lines, &'a Input);

impl Input {
    pub(super) fn of_texts(texts: &[String]) -> Result<Self, Failure> {
        let lines = texts.iter().map(|text| serde_json::to_string(text).map(|json| json + "\n"));
        let lines: String = lines.collect::<Result<_, _>>().map_err(Failure::work)?;
        let source = Source::Text(lines.into());
        Ok(Self { source, name: "the arguments".to_owned(), is_jsonl: true, field: None })
    }

    pub(super) async fn open(
        source: Source,
        name: String,
        format: InputFormat,
        field: Option<String>,
    ) -> Result<Self, Failure> {
        let mut input = Self { source, name, is_jsonl: false, field };
        input.is_jsonl = match format {
            InputFormat::Jsonl => true,
            InputFormat::Lines => false,
            InputFormat::Auto => input.field.is_some() || input.looks_like_json().await?,
        };
        Ok(input)
    }

    async fn looks_like_json(&self) -> Result<bool, Failure> {
        if [".jsonl", ".ndjson"].iter().any(|ending| self.name.ends_with(ending)) {
            return Ok(true);
        }
        let first = self.records().await?.0.next().await.map_err(batch::failure)?;
        let first = first.and_then(|(_, line)| serde_json::from_slice(&line).ok());
        Ok(matches!(first, Some(Value::Object(_) | Value::String(_))))
    }

    /// The texts from the first one on.
    pub(super) async fn records(&self) -> Result<Records<'_>, Failure> {
        let lines = match &self.source {
            Source::Text(text) => Ok(Lines::of_text(text.clone())),
            Source::File(path) => Lines::of_file(path).await.map_err(BatchError::Input),
        };
        Ok(Records(lines.map_err(batch::failure)?, self))
    }

    /// How many texts there are, and the lines that are not texts, once none that the output holds
    /// has changed.
    ///
    /// # Errors
    /// A line has changed, or is not a string and `keep_going` is not set.
    pub(super) async fn check(
        &self,
        done: &Done,
        fingerprint: &Fingerprint,
        keep_going: bool,
    ) -> Result<(u64, Vec<Broken>), Failure> {
        let (mut total, mut met) = (0, 0);
        let mut broken = Vec::new();
        let mut records = self.records().await?;
        while let Some(record) = records.next().await.map_err(batch::failure)? {
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
            if let Some(hash) = done.get(&record.index) {
                met += 1;
                if **hash != *fingerprint.of(&record.text) {
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

impl Records<'_> {
    /// The next text, or what is wrong with its line. Blank lines are not texts.
    pub(super) async fn next(&mut self) -> Result<Option<Result<Record, Broken>>, BatchError> {
        let Self(lines, input) = self;
        while let Some((index, line)) = lines.next().await? {
            let record = match std::str::from_utf8(&line) {
                Err(_) => Err("invalid UTF-8".to_owned()),
                Ok(text) if text.trim().is_empty() => continue,
                Ok(text) if input.is_jsonl => json_record(index, text, input.field.as_deref()),
                Ok(text) => Ok(Record { index, text: text.strip_suffix('\r').unwrap_or(text).to_owned(), id: None }),
            };
            return Ok(Some(record.map_err(|why| Broken { index, why })));
        }
        Ok(None)
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

    async fn records(
        text: &[u8],
        name: &str,
        format: InputFormat,
        field: Option<&str>,
    ) -> Result<Vec<(u64, String)>, String> {
        let source = Source::Text(Bytes::copy_from_slice(text));
        let input = Input::open(source, name.to_owned(), format, field.map(str::to_owned)).await.unwrap();
        let (mut records, mut found) = (input.records().await.unwrap(), Vec::new());
        while let Some(record) = records.next().await.unwrap() {
            let record = record.map_err(|broken| format!("{broken:?}"))?;
            found.push((record.index, record.text));
        }
        Ok(found)
    }

    #[tokio::test]
    async fn plain_lines_keep_their_numbers_over_blank_ones() {
        let got = records(b"a\n\n b \r\nlast", "t.txt", InputFormat::Auto, None).await.unwrap();
        assert_eq!(got, [(0, "a".to_owned()), (2, " b ".to_owned()), (3, "last".to_owned())]);
    }

    #[tokio::test]
    async fn json_lines_are_known_by_name_first_line_or_field() {
        let json = b"{\"id\": 7, \"text\": \"a\"}\n\"b\"\n{\"input\": \"c\"}\n";
        let expected = [(0, "a".to_owned()), (1, "b".to_owned()), (2, "c".to_owned())];
        assert_eq!(records(json, "t", InputFormat::Auto, None).await.unwrap(), expected);
        assert_eq!(records(json, "t", InputFormat::Lines, None).await.unwrap().len(), 3);
        assert_eq!(
            records(b"{\"body\": \"x\"}", "t", InputFormat::Auto, Some("body")).await.unwrap(),
            [(0, "x".to_owned())]
        );
        assert_eq!(
            records(b"12\n", "t", InputFormat::Auto, None).await.unwrap(),
            [(0, "12".to_owned())],
            "a number is a text"
        );
    }

    #[tokio::test]
    async fn a_wrong_line_is_named_and_not_shown() {
        for (text, said) in [
            ("{\"text\": \"a\"}\n{\"text\": secret}\n", "invalid JSON"),
            ("{\"text\": 1}\n", "`text` or `input` must be a string"),
            ("{\"body\": \"a\"}\n", "--field"),
            ("[1]\n", "expected a JSON string or an object"),
        ] {
            let error = records(text.as_bytes(), "t.jsonl", InputFormat::Auto, None).await.unwrap_err();
            assert!(error.contains(said), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        let error = records(b"ok\n\xff", "t", InputFormat::Auto, None).await.unwrap_err();
        assert!(error.contains("index: 1") && error.contains("UTF-8"), "{error}");
    }
}
