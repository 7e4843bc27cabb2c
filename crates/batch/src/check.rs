//! A whole input, before any of it is asked.
//!
//! Owns the limits on lines, and that each `custom_id` is unique. Memory stays the same for any
//! number of lines: identifiers are compared by digests, a share of them at a time.

use std::collections::HashSet;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::{
    BatchError, Endpoint,
    input::{LONGEST_LINE, Source},
    line::{Line, Problem},
};

/// How many digests are in memory at a time.
const AT_ONCE: usize = 1 << 20;

/// How many problems are listed.
const MOST_PROBLEMS: usize = 100;

/// What an input is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checked {
    /// How many requests it has.
    pub(crate) total: u64,
    /// The digest of its lines, in hexadecimal.
    pub(crate) digest: String,
    /// What is wrong with it; with any, nothing of it is asked.
    pub(crate) problems: Vec<Problem>,
}

/// Reads all of an input.
pub(crate) async fn check(
    source: &Source,
    endpoint: Option<Endpoint>,
    most_lines: Option<u64>,
) -> Result<Checked, BatchError> {
    let mut lines = source.lines().await?;
    let (mut total, mut problems, mut whole) = (0, Vec::new(), Sha256::new());
    let mut known = HashSet::new();
    let mut is_complete = true;
    loop {
        let (number, text) = match lines.next().await {
            Ok(Some(line)) => line,
            Ok(None) => break,
            // What follows it is not looked for.
            Err(BatchError::LongLine { line }) => {
                let message = format!("longer than {LONGEST_LINE} bytes; write one request on each line");
                problems.push(Problem::new("line_too_long", None, message).at(line - 1));
                break;
            }
            Err(error) => return Err(error),
        };
        total += 1;
        if most_lines.is_some_and(|most| total > most) {
            let most = most_lines.unwrap_or_default();
            let message = format!("the input has more than {most} requests; split it into several batches");
            return Ok(Checked {
                total,
                digest: String::new(),
                problems: vec![Problem::new("too_many_tasks", None, message)],
            });
        }
        whole.update(&text);
        whole.update(b"\n");
        match Line::parse(&text, endpoint) {
            Err(problem) if problems.len() < MOST_PROBLEMS => problems.push(problem.at(number)),
            Err(_) => {}
            Ok(line) if known.len() < AT_ONCE => {
                if !known.insert(digest(&line.custom_id)) {
                    problems.push(duplicate().at(number));
                }
            }
            Ok(_) => is_complete = false,
        }
    }
    drop(known);
    if !is_complete && problems.is_empty() {
        problems = duplicates(source, total).await?;
    }
    if total == 0 && problems.is_empty() {
        let message = "the input has no requests; write one JSON object on each line";
        problems.push(Problem::new("empty_file", None, message));
    }
    problems.truncate(MOST_PROBLEMS);
    let digest = whole.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Checked { total, digest, problems })
}

/// The lines whose identifier stands before, by as many readings as memory makes necessary.
async fn duplicates(source: &Source, total: u64) -> Result<Vec<Problem>, BatchError> {
    let mut problems = Vec::new();
    // Twice as many shares as would do if digests were spread evenly.
    let shares = u128::from(2 * total / AT_ONCE as u64 + 1);
    for share in 0..shares {
        let mut known = HashSet::new();
        let mut lines = source.lines().await?;
        while let Some((number, text)) = lines.next().await? {
            let Ok(Line { custom_id, .. }) = Line::parse(&text, None) else { continue };
            let digest = digest(&custom_id);
            if digest % shares == share && !known.insert(digest) && problems.len() < MOST_PROBLEMS {
                problems.push(duplicate().at(number));
            }
        }
    }
    Ok(problems)
}

fn digest(custom_id: &str) -> u128 {
    let digest = Bytes::copy_from_slice(&Sha256::digest(custom_id.as_bytes()));
    digest.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
}

fn duplicate() -> Problem {
    let message = "`custom_id` is used by an earlier line; give each request its own";
    Problem::new("duplicate_custom_id", Some("custom_id"), message)
}

#[cfg(test)]
mod tests {
    use std::{fmt::Write as _, sync::Arc};

    use object_store::{ObjectStore, ObjectStoreExt as _, memory::InMemory, path::Path};

    use super::*;

    async fn checked(text: &str, most: Option<u64>) -> Checked {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("in.jsonl");
        std::fs::write(&file, text).unwrap();
        check(&Source::File(file), Some(Endpoint::Embeddings), most).await.unwrap()
    }

    fn lines(ids: impl IntoIterator<Item = u64>) -> String {
        ids.into_iter().fold(String::new(), |mut text, id| {
            writeln!(text, r#"{{"custom_id":"{id}","method":"POST","url":"/v1/embeddings","body":{{}}}}"#).unwrap();
            text
        })
    }

    #[tokio::test]
    async fn problems_name_their_lines() {
        let good = checked(&lines([1, 2, 3]), None).await;
        assert_eq!((good.total, good.problems.len()), (3, 0));
        assert_ne!(good.digest, checked(&lines([1, 2, 4]), None).await.digest);
        let bad = checked(&format!("{}\n{{\n{}", lines([1, 2]), lines([2])), None).await;
        let found: Vec<_> = bad.problems.iter().map(|problem| (problem.code.as_str(), problem.line)).collect();
        assert_eq!(found, [("invalid_json_line", Some(4)), ("duplicate_custom_id", Some(5))]);
        assert_eq!(checked("\n", None).await.problems[0].code, "empty_file");
        assert_eq!(checked(&lines([1, 2]), Some(1)).await.problems[0].code, "too_many_tasks");
        assert_eq!(checked(&"{\n".repeat(500), None).await.problems.len(), MOST_PROBLEMS);
    }

    #[tokio::test]
    async fn what_an_attacker_may_upload_is_a_mistake_of_a_line() {
        let deep = "[".repeat(100_000);
        let blank = "\n".repeat(100_000);
        for (text, code, line) in [
            (format!("{}{{\"custom_id\":{deep}\n", lines([1])), "invalid_json_line", Some(2)),
            ("\0\0\0".to_owned(), "invalid_json_line", Some(1)),
            (format!("{blank}{}x", lines([1])), "invalid_json_line", Some(100_002)),
            (blank, "empty_file", None),
            (String::new(), "empty_file", None),
            ("\u{feff}".to_owned(), "empty_file", None),
        ] {
            let problem = checked(&text, None).await.problems.remove(0);
            assert_eq!((problem.code.as_str(), problem.line), (code, line), "{problem:?}");
        }
        // Line ends of Windows, no end of the last line, a byte order mark, and a deep body, which is
        // judged when its line is asked.
        let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        let text = format!("\u{feff}{}{}", lines([1, 2]).replace('\n', "\r\n"), lines([3]).trim_end());
        let deep = lines([4]).replace("{}", &deep);
        let found = checked(&format!("{text}\n{deep}"), None).await;
        assert_eq!((found.total, found.problems), (4, Vec::new()));

        let objects: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let path = Path::from("long");
        objects.put(&path, vec![b'x'; LONGEST_LINE + 1].into()).await.unwrap();
        let problem = check(&Source::Object { objects, path, from: 0 }, None, None).await.unwrap().problems.remove(0);
        assert_eq!((problem.code.as_str(), problem.line), ("line_too_long", Some(1)));
    }

    #[tokio::test]
    async fn identifiers_are_compared_in_shares_too() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("in.jsonl");
        std::fs::write(&file, lines((0..50).chain([7]))).unwrap();
        // As if there were three times what memory takes.
        let found = duplicates(&Source::File(file), 3 * AT_ONCE as u64).await.unwrap();
        assert_eq!(found.iter().map(|problem| problem.line).collect::<Vec<_>>(), [Some(51)]);
    }
}
