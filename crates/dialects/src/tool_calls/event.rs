//! What is read out of a text.

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Content.
    Text(String),
    /// Thoughts, in forms that have a place of their own for them.
    Thought(String),
    /// A call begins.
    Call {
        /// The model's own id, in forms that have one.
        id: Option<String>,
        name: String,
    },
    /// The next piece of the last call's arguments.
    Arguments(String),
}

impl Event {
    /// Adds text to the last piece if it is of the same kind.
    pub(super) fn push_text(events: &mut Vec<Self>, text: &str) {
        match events.last_mut() {
            _ if text.is_empty() => {}
            Some(Self::Text(last)) => last.push_str(text),
            _ => events.push(Self::Text(text.to_owned())),
        }
    }

    /// The same for arguments.
    pub(super) fn push_arguments(events: &mut Vec<Self>, text: &str) {
        match events.last_mut() {
            _ if text.is_empty() => {}
            Some(Self::Arguments(last)) => last.push_str(text),
            _ => events.push(Self::Arguments(text.to_owned())),
        }
    }

    /// A whole call.
    pub(super) fn push_call(events: &mut Vec<Self>, id: Option<String>, name: &str, arguments: &str) {
        events.push(Self::Call { id, name: name.to_owned() });
        events.push(Self::Arguments(arguments.to_owned()));
    }
}
