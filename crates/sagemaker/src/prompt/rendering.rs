//! Where a prompt is rendered, and for how long.
//!
//! A template may come from a file, a request's operator or the Hub, and its work grows with the
//! conversation. Most prompts take a few thousand steps, which are done at once on the thread of
//! the call. What takes more is rendered on a thread that serves no connection: at most one for
//! each processor at a time, so that the memory of all renderings is bounded, and no longer than
//! the call may take.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::available_parallelism,
    time::SystemTime,
};

use sagewire_chat_template::{ChatTemplate, KeepGoing, PromptParameters, TemplateError};
use serde_json::Value;
use tokio::{sync::Semaphore, time::Instant};

/// Steps that a rendering may take on the thread of the call: half a millisecond. A conversation of
/// 100 messages of 4 KiB takes 100,000 with most templates, one of 10 such messages less than this.
const STEPS_AT_ONCE: u64 = 20_000;

/// The renderings of a provider that take long.
#[derive(Debug)]
pub(crate) struct Renderings {
    places: Arc<Semaphore>,
}

/// A conversation and the template of its model, which can be rendered on any thread.
pub(crate) struct Rendering {
    pub(crate) template: ChatTemplate,
    pub(crate) messages: Vec<Value>,
    /// The tools that are offered.
    pub(crate) tools: Vec<Value>,
    pub(crate) parameters: PromptParameters,
    /// What the template is told if it asks for the time.
    pub(crate) now: SystemTime,
}

/// Why there is no prompt.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The template, or the conversation.
    Template(TemplateError),
    /// The call's time is over.
    OutOfTime,
    /// The thread that rendered is gone.
    Lost(tokio::task::JoinError),
}

impl Default for Renderings {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(available_parallelism().map_or(1, usize::from))) }
    }
}

impl Renderings {
    /// Renders a prompt before the deadline. When the caller gives up, so does the rendering.
    pub(crate) async fn render(&self, rendering: Rendering, deadline: Option<Instant>) -> Result<String, Failure> {
        match rendering.run(&KeepGoing::new(|steps| steps < STEPS_AT_ONCE)) {
            Err(TemplateError::Stopped) => {}
            done => return done.map_err(Failure::Template),
        }
        let elsewhere = self.render_elsewhere(rendering);
        match deadline {
            Some(deadline) => tokio::time::timeout_at(deadline, elsewhere).await.unwrap_or(Err(Failure::OutOfTime)),
            None => elsewhere.await,
        }
    }

    async fn render_elsewhere(&self, rendering: Rendering) -> Result<String, Failure> {
        // Without a permit there is no bound, but still a prompt: the semaphore is never closed.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        let wanted = Wanted(Arc::new(AtomicBool::new(true)));
        let is_wanted = Arc::clone(&wanted.0);
        let keep_going = KeepGoing::new(move |_| is_wanted.load(Ordering::Relaxed));
        let task = tokio::task::spawn_blocking(move || {
            let _place = place;
            rendering.run(&keep_going)
        });
        task.await.map_err(Failure::Lost)?.map_err(Failure::Template)
    }
}

impl Rendering {
    fn run(&self, keep_going: &KeepGoing) -> Result<String, TemplateError> {
        let mut conversation = self.parameters.conversation(&self.messages)?;
        // To a template, an empty list is something else than none.
        conversation.tools = Some(self.tools.as_slice()).filter(|tools| !tools.is_empty());
        self.template.render_while(&conversation, &|| self.now, keep_going)
    }
}

/// Whether somebody still waits for a rendering: not after this is dropped.
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
