//! The one form of error messages: lower case, without a full stop at the end, in plain English.
//!
//! Owns which texts of the sources are messages, and what may not be in them.

use std::collections::BTreeSet;

use crate::sources::sources;

/// What an error is made with. The words of AWS's errors are AWS's, so that the emulator's own
/// functions are not among them.
const CONSTRUCTORS: [&str; 9] = [
    "#[error(",
    "ApiError::",
    "CredentialsError::",
    "Failure::",
    "LookupError::",
    "TransportError::",
    " Error::",
    "(Error::",
    "report.problem(",
];

/// Names that begin with a capital letter.
const NAMES: [&str; 3] = ["LangChain", "Redis", "SageMaker"];

/// Words of the project's first edition, each with what is written instead.
const UNUSUAL: [(&str, &str); 8] = [
    (" is no ", "is not a"),
    (" nobody", "no one, or the passive voice"),
    ("whoever", "anyone who"),
    (" mend", "fix"),
    ("all the same", "nevertheless"),
    ("as it stands", "unchanged"),
    (" by hand", "yourself"),
    (" is none of ", "is not one of"),
];

/// The messages that do not have the one form.
pub(crate) fn have_one_form() -> Vec<String> {
    let (mut seen, mut wrong) = (0, BTreeSet::new());
    for (path, text) in sources() {
        let is_emulator = path.components().any(|part| part.as_os_str() == "emulator");
        for constructor in CONSTRUCTORS.into_iter().filter(|constructor| !is_emulator || constructor.starts_with('#')) {
            for (start, _) in text.match_indices(constructor) {
                let rest = text.get(start + constructor.len()..).unwrap_or_default();
                for message in literals_of_call(rest, constructor.ends_with('(')) {
                    seen += 1;
                    let fault = fault(&message);
                    wrong.extend(fault.map(|fault| format!("{} ({fault}): {message}", path.display())));
                }
            }
        }
    }
    assert!(seen > 300, "only {seen} messages were found");
    wrong.into_iter().collect()
}

/// What is wrong with a message.
fn fault(message: &str) -> Option<String> {
    let first = message.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
    let mut letters = first.chars();
    let is_capital =
        letters.next().is_some_and(char::is_uppercase) && letters.all(char::is_lowercase) && first.len() > 1;
    if is_capital && !NAMES.contains(&first) {
        return Some("it begins with a capital letter".to_owned());
    }
    if message.ends_with('.') && !message.ends_with("...") {
        return Some("it ends with a full stop".to_owned());
    }
    let text = message.replace("is no longer", "").replace("there is no ", "");
    let unusual = UNUSUAL.iter().find(|(words, _)| text.contains(words));
    unusual.map(|(words, instead)| format!("for `{}` write `{instead}`", words.trim()))
}

/// The sentences among the arguments of a call: the text begins after its parenthesis if that
/// `is_open`, else before it.
fn literals_of_call(text: &str, is_open: bool) -> Vec<String> {
    let (mut found, mut depth, mut opened) = (Vec::new(), 1, is_open);
    let mut rest = text.chars();
    while let Some(letter) = rest.next() {
        match letter {
            '"' => {
                let mut literal = String::new();
                while let Some(letter) = rest.next().filter(|letter| *letter != '"') {
                    match letter {
                        '\\' => literal.extend(rest.next().filter(|escaped| !escaped.is_whitespace())),
                        letter => literal.push(letter),
                    }
                }
                let literal = literal.split_whitespace().collect::<Vec<_>>().join(" ");
                if literal.contains(' ') {
                    found.push(literal);
                }
            }
            '(' | '[' | '{' => (depth, opened) = (depth + usize::from(opened), true),
            ')' | ']' | '}' => depth -= 1,
            ';' if depth == 1 => break,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_seen() {
        for message in ["The body is empty", "the body is empty.", "`x` is no number", "mend it: run it by hand"] {
            assert!(fault(message).is_some(), "{message}");
        }
        for message in
            ["`x`: expected a number", "AWS refused it", "SageMaker's answer", "it is no longer valid", "wait ..."]
        {
            assert_eq!(fault(message), None);
        }
        assert_eq!(literals_of_call("\"a { b \\\n    c\", x(\"d e\"))] other(\"f g\");", true), ["a { b c", "d e"]);
        let method = "invalid(\"p\", format!(\"q r\")).with(\"s t\"); later(\"u v\")";
        assert_eq!(literals_of_call(method, false), ["q r"]);
    }
}
