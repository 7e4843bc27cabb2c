//! The bounds a template runs in. A template is untrusted input: it may come from the Hub or from a
//! caller.

use std::fmt;
use std::sync::Arc;

/// How much a template may do. All bounds are hard: going past one ends rendering with
/// [`TemplateError::LimitExceeded`](crate::TemplateError::LimitExceeded).
///
/// The defaults are far from what templates of the Hub need: of 85 of them, 84 take less than
/// 100,000 units of fuel for a conversation of 100 messages of 4 KiB. One copies the whole prompt
/// for each message and takes 1.4 million.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Steps of one rendering. One unit pays for one instruction, or for 64 bytes of text that are
    /// read or written.
    pub fuel: u64,
    /// The longest prompt, in bytes, and the longest text that a template may make on its way to
    /// it.
    pub output_bytes: usize,
    /// The longest template, in bytes.
    pub source_bytes: usize,
    /// How deep blocks, loops and macros may nest while rendering. Values above 500 count as 500.
    pub recursion: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { fuel: 4_000_000, output_bytes: 16 << 20, source_bytes: 256 << 10, recursion: 200 }
    }
}

impl Limits {
    /// Sets the steps of one rendering.
    #[must_use]
    pub fn fuel(mut self, fuel: u64) -> Self {
        self.fuel = fuel;
        self
    }

    /// Sets the longest prompt, in bytes.
    #[must_use]
    pub fn output_bytes(mut self, bytes: usize) -> Self {
        self.output_bytes = bytes;
        self
    }

    /// Sets the longest template, in bytes.
    #[must_use]
    pub fn source_bytes(mut self, bytes: usize) -> Self {
        self.source_bytes = bytes;
        self
    }

    /// Sets how deep a rendering may nest.
    #[must_use]
    pub fn recursion(mut self, levels: usize) -> Self {
        self.recursion = levels;
        self
    }
}

/// Whether a rendering may go on: a question of the caller's, such as whether its time is over. It
/// is asked after every few thousand steps, and before work of that size, on the thread that
/// renders.
///
/// ```
/// use sagewire_chat_template::{ChatTemplate, Conversation, KeepGoing, SpecialTokens, TemplateError};
///
/// let template = ChatTemplate::from_jinja("{% for i in range(9999) %}{{ i }}{% endfor %}", SpecialTokens::new())?;
/// let messages = [serde_json::json!({"role": "user", "content": "Hi"})];
/// let conversation = Conversation::new(&messages);
/// let stopped = template.render_while(&conversation, &|| std::time::UNIX_EPOCH, &KeepGoing::new(|_| false));
/// assert!(matches!(stopped, Err(TemplateError::Stopped)));
/// # Ok::<(), TemplateError>(())
/// ```
#[derive(Clone)]
pub struct KeepGoing(Arc<dyn Fn(u64) -> bool + Send + Sync>);

impl KeepGoing {
    /// Goes on as long as `question` answers true. It gets the steps taken so far, in the unit of
    /// [`Limits::fuel`], with those that are about to be taken. It must be quick.
    #[must_use]
    pub fn new(question: impl Fn(u64) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(question))
    }

    /// Goes on to the end, within [`Limits`].
    #[must_use]
    pub fn always() -> Self {
        Self::new(|_| true)
    }

    pub(crate) fn ask(&self, steps: u64) -> bool {
        (self.0)(steps)
    }
}

impl fmt::Debug for KeepGoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeepGoing").finish()
    }
}

/// Which bound was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::fuel`].
    Fuel,
    /// [`Limits::output_bytes`].
    OutputBytes,
    /// [`Limits::source_bytes`].
    SourceBytes,
    /// [`Limits::recursion`], or a value nested deeper than 256 levels.
    Recursion,
    /// A fixed bound on the template's text, named here: tokens in one tag, branches, lines.
    Complexity(&'static str),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Limit::Fuel => "steps of one rendering",
            Limit::OutputBytes => "bytes of the prompt",
            Limit::SourceBytes => "bytes of the template",
            Limit::Recursion => "levels of nesting",
            Limit::Complexity(what) => what,
        })
    }
}
