//! What a parameter's value must be, and reading it.
//!
//! Owns the leniency: texts are read where a number or a flag is wanted, as pydantic reads them,
//! because values from the environment and quoted values of a file are texts.
//!
//! <https://docs.pydantic.dev/latest/concepts/conversion_table/>

use std::{fmt, num::NonZeroUsize, time::Duration};

use serde_json::Value;

/// What a value must be.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Kind {
    /// A text. A number counts as its digits.
    Text,
    /// One of these texts.
    Choice(fn() -> Vec<&'static str>),
    /// A list of these texts.
    Choices(fn() -> Vec<&'static str>),
    /// True or false.
    Flag,
    /// A whole number from 0.
    Count,
    /// A whole number from 1.
    Positive,
    /// A finite number.
    Number,
    /// A length of time in seconds, with or without a fraction.
    Seconds,
    /// The same, above 0: with a time limit of 0 nothing would ever succeed.
    Timeout,
    /// A list of texts.
    Texts,
    /// An object.
    Mapping,
    /// Any value.
    Any,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("a string"),
            Self::Choice(names) => write!(f, "one of `{}`", names().join("`, `")),
            Self::Choices(names) => write!(f, "a list of `{}`", names().join("`, `")),
            Self::Flag => f.write_str("`true` or `false`"),
            Self::Count => f.write_str("a non-negative integer"),
            Self::Positive => f.write_str("a positive integer"),
            Self::Number => f.write_str("a number"),
            Self::Seconds => f.write_str("a number of seconds"),
            Self::Timeout => f.write_str("a positive number of seconds"),
            Self::Texts => f.write_str("a list of strings"),
            Self::Mapping => f.write_str("a mapping"),
            Self::Any => f.write_str("any value"),
        }
    }
}

impl Kind {
    /// Whether a value is of this kind.
    #[must_use]
    pub fn accepts(self, value: &Value) -> bool {
        match self {
            Self::Text => text(value).is_some(),
            Self::Choice(names) => choice(value).is_some_and(|text| names().contains(&text.as_str())),
            Self::Choices(names) => {
                let names = names();
                texts(value).is_some_and(|texts| texts.iter().all(|text| names.contains(&text.as_str())))
            }
            Self::Flag => flag(value).is_some(),
            Self::Count => count(value).is_some(),
            Self::Positive => positive(value).is_some(),
            Self::Number => number(value).is_some(),
            Self::Seconds => seconds(value).is_some(),
            Self::Timeout => seconds(value).is_some_and(|limit| !limit.is_zero()),
            Self::Texts => texts(value).is_some(),
            Self::Mapping => value.is_object(),
            Self::Any => true,
        }
    }

    /// The value in its own type, where it was written as a text. What is not of this kind is left
    /// as it is.
    #[must_use]
    pub fn typed(self, value: Value) -> Value {
        let typed = match self {
            Self::Text => text(&value).map(Value::from),
            Self::Flag => flag(&value).map(Value::from),
            Self::Count | Self::Positive => count(&value).map(Value::from),
            Self::Number | Self::Seconds | Self::Timeout if value.is_string() => number(&value).map(Value::from),
            _ => None,
        };
        typed.unwrap_or(value)
    }
}

pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A text, or a flag by its name.
pub(super) fn choice(value: &Value) -> Option<String> {
    match value {
        Value::Bool(flag) => Some(flag.to_string()),
        Value::String(text) if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") => {
            Some(text.to_ascii_lowercase())
        }
        value => text(value),
    }
}

pub(super) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => match number.as_f64() {
            Some(0.0) => Some(false),
            Some(1.0) => Some(true),
            _ => None,
        },
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "on" | "1" => Some(true),
            "false" | "f" | "no" | "n" | "off" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the number is whole, at least 0 and below 2^53"
)]
pub(super) fn count(value: &Value) -> Option<u64> {
    const EXACT: f64 = (1_u64 << 53) as f64;
    let whole = |number: f64| (number.fract() == 0.0 && (0.0..EXACT).contains(&number)).then_some(number as u64);
    match value {
        Value::Number(number) => number.as_u64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok().or_else(|| whole(text.trim().parse().ok()?)),
        _ => None,
    }
}

pub(super) fn positive(value: &Value) -> Option<NonZeroUsize> {
    NonZeroUsize::new(usize::try_from(count(value)?).ok()?)
}

pub(super) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number: &f64| number.is_finite())
}

pub(super) fn seconds(value: &Value) -> Option<Duration> {
    Duration::try_from_secs_f64(number(value)?).ok()
}

pub(super) fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_read_where_a_number_or_a_flag_is_wanted() {
        for value in [json!(60), json!(60.0), json!("60"), json!("60.0"), json!(" 60 ")] {
            assert_eq!((count(&value), number(&value)), (Some(60), Some(60.0)), "{value}");
        }
        for value in [json!(true), json!("True"), json!("yes"), json!("1"), json!(1), json!("on")] {
            assert_eq!(flag(&value), Some(true), "{value}");
        }
        for value in [json!(-1), json!("many"), json!(1.5), json!(true), json!("NaN"), json!(1e300)] {
            assert_eq!(count(&value), None, "{value}");
        }
        assert_eq!((flag(&json!("maybe")), number(&json!("inf")), seconds(&json!(-1))), (None, None, None));
        assert_eq!(Kind::Seconds.typed(json!("2.5")), json!(2.5));
        assert_eq!(Kind::Text.typed(json!(7)), json!("7"));
        assert_eq!(Kind::Count.typed(json!("many")), json!("many"));
    }

    #[test]
    fn a_choice_may_be_a_flag() {
        let kind = Kind::Choice(|| vec!["auto", "true", "false"]);
        for value in [json!("auto"), json!(true), json!("False")] {
            assert!(kind.accepts(&value), "{value}");
        }
        assert!(!kind.accepts(&json!("maybe")) && !kind.accepts(&json!(["auto"])));
        assert_eq!(kind.to_string(), "one of `auto`, `true`, `false`");
    }
}
