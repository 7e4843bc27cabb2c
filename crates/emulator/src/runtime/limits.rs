//! The limits of SageMaker Runtime's members: lengths, patterns, ranges.
//!
//! Owns one table, taken from the service model, and the `ValidationError` that AWS words from it.
//! A header that an operation does not have is not looked at: AWS drops it.

use std::ops::RangeInclusive;

use crate::{
    aws_error::AwsError,
    constraints::Constraints,
    operation::Operation::{
        self, InvokeEndpoint as Unary, InvokeEndpointAsync as Async, InvokeEndpointWithResponseStream as Stream,
    },
};

use super::Call;

/// The most bytes of a body sent inline to `InvokeEndpointAsync`.
const MAX_ASYNC_BODY: usize = 128_000;

const NAME_PATTERN: &str = "^[a-zA-Z0-9](-*[a-zA-Z0-9])*";

/// What a member's value must be.
#[derive(Clone, Copy)]
enum Rule {
    /// Any ASCII.
    Ascii,
    /// Letters, digits and hyphens, with no hyphen at either end.
    Name,
    /// The same, or `NEW_SESSION`.
    NameOrNewSession,
    /// Printable, not beginning with a blank.
    Printable,
    /// Anything.
    Any,
    /// `s3://bucket/key` or `https://host/path`.
    Location,
    /// A path that is no location.
    PathExtension,
    /// A file's name with at most one dot.
    Filename,
    /// A whole number in this range.
    Number(i64, i64),
}

struct Member {
    header: &'static str,
    name: &'static str,
    length: RangeInclusive<usize>,
    rule: Rule,
    operations: &'static [Operation],
    /// AWS does not repeat the value of a sensitive member.
    sensitive: bool,
}

const fn member(
    header: &'static str,
    name: &'static str,
    length: RangeInclusive<usize>,
    rule: Rule,
    operations: &'static [Operation],
) -> Member {
    Member { header, name, length, rule, operations, sensitive: false }
}

const MEMBERS: [Member; 19] = [
    member("content-type", "contentType", 0..=1024, Rule::Ascii, &[Unary, Stream]),
    member("x-amzn-sagemaker-content-type", "contentType", 0..=1024, Rule::Ascii, &[Async]),
    member("accept", "accept", 0..=1024, Rule::Ascii, &[Unary]),
    member("x-amzn-sagemaker-accept", "accept", 0..=1024, Rule::Ascii, &[Stream, Async]),
    Member {
        sensitive: true,
        ..member(
            "x-amzn-sagemaker-custom-attributes",
            "customAttributes",
            0..=1024,
            Rule::Ascii,
            &[Unary, Stream, Async],
        )
    },
    member("x-amzn-sagemaker-target-model", "targetModel", 1..=1024, Rule::Printable, &[Unary]),
    member("x-amzn-sagemaker-target-variant", "targetVariant", 0..=63, Rule::Name, &[Unary, Stream]),
    member(
        "x-amzn-sagemaker-target-container-hostname",
        "targetContainerHostname",
        0..=63,
        Rule::Name,
        &[Unary, Stream],
    ),
    member("x-amzn-sagemaker-inference-id", "inferenceId", 1..=64, Rule::Printable, &[Unary, Stream, Async]),
    member("x-amzn-sagemaker-enable-explanations", "enableExplanations", 1..=64, Rule::Any, &[Unary]),
    member("x-amzn-sagemaker-inference-component", "inferenceComponentName", 0..=63, Rule::Name, &[Unary, Stream]),
    member("x-amzn-sagemaker-session-id", "sessionId", 0..=256, Rule::NameOrNewSession, &[Unary]),
    member("x-amzn-sagemaker-session-id", "sessionId", 0..=256, Rule::Name, &[Stream]),
    member("x-amzn-sagemaker-prefix-aware-id", "prefixAwareId", 1..=64, Rule::Printable, &[Unary, Stream]),
    member("x-amzn-sagemaker-inputlocation", "inputLocation", 1..=1024, Rule::Location, &[Async]),
    member("x-amzn-sagemaker-s3outputpathextension", "s3OutputPathExtension", 1..=512, Rule::PathExtension, &[Async]),
    member("x-amzn-sagemaker-filename", "filename", 1..=32, Rule::Filename, &[Async]),
    member(
        "x-amzn-sagemaker-requestttlseconds",
        "requestTTLSeconds",
        0..=usize::MAX,
        Rule::Number(60, 21_600),
        &[Async],
    ),
    member(
        "x-amzn-sagemaker-invocationtimeoutseconds",
        "invocationTimeoutSeconds",
        0..=usize::MAX,
        Rule::Number(1, 3_600),
        &[Async],
    ),
];

/// Is `name` one that an endpoint may have?
pub(crate) fn is_endpoint_name(name: &str) -> bool {
    name.len() <= 63 && is_name(name)
}

/// Every limit of a call's operation; all that are broken are named in one `ValidationError`.
pub(crate) fn check(call: &Call<'_>) -> Result<(), AwsError> {
    let mut constraints = Constraints::default();
    if call.endpoint.len() > 63 {
        let complaint = "Member must have length less than or equal to 63";
        constraints.broken(Some(call.endpoint), "endpointName", complaint);
    }
    if !is_name(call.endpoint) {
        let complaint = format!("Member must satisfy regular expression pattern: {NAME_PATTERN}");
        constraints.broken(Some(call.endpoint), "endpointName", &complaint);
    }
    for member in MEMBERS.iter().filter(|member| member.operations.contains(&call.operation)) {
        let Some(value) = call.headers.get(member.header) else { continue };
        // Bytes outside ASCII stay what they are: no pattern allows them.
        let value = String::from_utf8_lossy(value.as_bytes());
        let shown = (!member.sensitive).then_some(value.as_ref());
        for complaint in member.complaints(&value) {
            constraints.broken(shown, member.name, &complaint);
        }
    }
    constraints.finish()?;
    if call.operation == Async { check_async_input(call) } else { Ok(()) }
}

/// The input is in S3 or in the body, not in both and not in neither.
fn check_async_input(call: &Call<'_>) -> Result<(), AwsError> {
    match (call.headers.contains_key("x-amzn-sagemaker-inputlocation"), call.body.len()) {
        (true, 1..) => {
            Err(AwsError::validation("InputLocation and Body are mutually exclusive: send only one of them."))
        }
        (false, 0) => Err(AwsError::validation("Either InputLocation or Body must be given.")),
        (_, length) if length > MAX_ASYNC_BODY => Err(AwsError::validation(format!(
            "The request's body of {length} bytes exceeds the maximum of {MAX_ASYNC_BODY} bytes."
        ))),
        _ => Ok(()),
    }
}

impl Member {
    fn complaints(&self, value: &str) -> Vec<String> {
        let mut complaints = Vec::new();
        let (shortest, longest) = (self.length.start(), self.length.end());
        if value.len() > *longest {
            complaints.push(format!("Member must have length less than or equal to {longest}"));
        }
        if value.len() < *shortest {
            complaints.push(format!("Member must have length greater than or equal to {shortest}"));
        }
        let pattern = |pattern: &str| format!("Member must satisfy regular expression pattern: {pattern}");
        match self.rule {
            Rule::Ascii if !value.is_ascii() => complaints.push(pattern(r"\p{ASCII}*")),
            Rule::Name if !is_name(value) => complaints.push(pattern(NAME_PATTERN)),
            Rule::NameOrNewSession if value != super::NEW_SESSION && !is_name(value) => {
                complaints.push(pattern(&format!("^({})$|{NAME_PATTERN}$", super::NEW_SESSION)));
            }
            Rule::Printable if !is_printable(value) => complaints.push(pattern(r"\A\S[\p{Print}]*\z")),
            Rule::Location if !is_location(value) => complaints.push(pattern("^(https|s3)://([^/]+)/?(.*)$")),
            Rule::PathExtension if !is_path_extension(value) => {
                complaints.push(pattern("^(?!s3:|https:)[a-zA-Z0-9!_.*'()/-]+$"));
            }
            Rule::Filename if !is_filename(value) => {
                complaints.push(pattern(r"^(?!.*\..*\.)[a-zA-Z0-9][a-zA-Z0-9-_\.]*$"));
            }
            Rule::Number(least, most) => match value.parse::<i64>() {
                Ok(number) if number < least => {
                    complaints.push(format!("Member must have value greater than or equal to {least}"));
                }
                Ok(number) if number > most => {
                    complaints.push(format!("Member must have value less than or equal to {most}"));
                }
                Ok(_) => {}
                Err(_) => complaints.push("Member must be a whole number".to_owned()),
            },
            _ => {}
        }
        complaints
    }
}

fn is_name(value: &str) -> bool {
    let ends = |at: Option<u8>| at.is_some_and(|byte| byte.is_ascii_alphanumeric());
    ends(value.bytes().next())
        && ends(value.bytes().next_back())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_printable(value: &str) -> bool {
    !value.starts_with(' ') && value.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

fn is_location(value: &str) -> bool {
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("s3://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}

fn is_path_extension(value: &str) -> bool {
    !value.starts_with("s3:")
        && !value.starts_with("https:")
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!_.*'()/-".contains(&byte))
}

fn is_filename(value: &str) -> bool {
    value.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && value.matches('.').count() <= 1
}

#[cfg(test)]
mod tests;
