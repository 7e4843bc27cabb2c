//! One answer: asked for, shown as it comes, and stopped if the user says so.
//!
//! Owns what goes to standard output and what to standard error. Which question is asked is not its
//! business.

use std::{
    future::Future,
    io::{self, IsTerminal, Write},
    pin::pin,
};

use futures_util::StreamExt;
use sagewire::{CallContext, ChatChunk, ChatRequest, ChatResponse, ChunkCollector, Provider};
use serde::Serialize;
use tokio::time::Instant;

use super::{JsonForm, speed::Speed, waiting::Waiting, wrap::Wrap};
use crate::{
    Failure,
    terminal::{Colour, Style, harmless, harmless_json},
};

/// How an answer ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Whole.
    Whole(ChatResponse),
    /// Stopped by the user: what had come until then.
    Stopped(ChatResponse),
}

/// Where an answer is shown.
pub(super) struct Printer {
    output: Box<dyn Write + Send>,
    notes: Box<dyn Write + Send>,
    /// How lines are broken, if people read the output. Control characters of the model are then
    /// left out.
    wrap: Option<Wrap>,
    style: Style,
    json: Option<JsonForm>,
    quiet: bool,
    shown: Shown,
}

/// What has been written last, so that a note begins on a line of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shown {
    #[default]
    Nothing,
    Reasoning,
    Text {
        ends_line: bool,
    },
}

impl Printer {
    /// Standard output and standard error.
    pub(super) fn system(json: Option<JsonForm>, quiet: bool) -> Self {
        Self {
            output: Box::new(io::stdout()),
            notes: Box::new(io::stderr()),
            wrap: io::stdout().is_terminal().then(|| Wrap::new(columns())),
            style: Style::of_stderr(),
            json,
            quiet,
            shown: Shown::default(),
        }
    }

    #[cfg(test)]
    pub(super) fn to(
        output: impl Write + Send + 'static,
        notes: impl Write + Send + 'static,
        json: Option<JsonForm>,
    ) -> Self {
        let style = Style::plain();
        Self {
            output: Box::new(output),
            notes: Box::new(notes),
            wrap: None,
            style,
            json,
            quiet: false,
            shown: Shown::default(),
        }
    }

    fn chunk(&mut self, chunk: &ChatChunk) -> Result<(), Failure> {
        match self.json {
            Some(JsonForm::Chunks) => return self.object(chunk),
            Some(JsonForm::Answer) => return Ok(()),
            None => {}
        }
        if let Some(choice) = chunk.choices.first() {
            self.reasoning(choice.delta.reasoning_content.as_deref().unwrap_or_default())?;
        }
        self.text(chunk.content())
    }

    /// Thoughts are not part of the answer: they are shown dimmed beside it, and only to people.
    fn reasoning(&mut self, text: &str) -> Result<(), Failure> {
        if text.is_empty() || self.quiet || self.wrap.is_none() {
            return Ok(());
        }
        let text = harmless(text);
        write!(self.notes, "{}", self.style.paint(Colour::Dim, text))
            .and_then(|()| self.notes.flush())
            .map_err(Failure::output)?;
        self.shown = Shown::Reasoning;
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Failure> {
        if text.is_empty() {
            return Ok(());
        }
        if self.shown == Shown::Reasoning {
            writeln!(self.notes, "\n").map_err(Failure::output)?;
        }
        self.shown = Shown::Text { ends_line: text.ends_with('\n') };
        match &mut self.wrap {
            Some(wrap) => {
                let shown = wrap.push(&harmless(text));
                self.write(&shown)
            }
            None => self.write(text),
        }
    }

    fn write(&mut self, text: &str) -> Result<(), Failure> {
        self.output.write_all(text.as_bytes()).and_then(|()| self.output.flush()).map_err(Failure::output)
    }

    /// Shows that the answer is awaited, to people who look at it.
    fn wait(&self) -> Waiting {
        Waiting::new(!self.quiet && self.json.is_none() && self.wrap.is_some() && self.style.is_coloured())
    }

    fn object(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let line = serde_json::to_string(value).map_err(Failure::work)?;
        let line = if self.wrap.is_some() { harmless_json(&line) } else { line.into() };
        writeln!(self.output, "{line}").and_then(|()| self.output.flush()).map_err(Failure::output)
    }

    /// Ends the answer's last line.
    fn end_line(&mut self) -> Result<(), Failure> {
        if let Some(rest) = self.wrap.as_mut().map(Wrap::finish) {
            self.write(&rest)?;
        }
        let result = match std::mem::take(&mut self.shown) {
            Shown::Text { ends_line: false } => writeln!(self.output).and_then(|()| self.output.flush()),
            Shown::Reasoning => writeln!(self.notes),
            Shown::Nothing | Shown::Text { ends_line: true } => Ok(()),
        };
        result.map_err(Failure::output)
    }

    fn note(&mut self, text: impl std::fmt::Display) {
        if !self.quiet {
            // An error about a note would help nobody.
            let _ = writeln!(self.notes, "{}", self.style.paint(Colour::Dim, text));
        }
    }
}

/// The terminal's width.
fn columns() -> usize {
    /// That of a terminal that does not say.
    const USUAL: usize = 80;
    terminal_size::terminal_size().map_or(USUAL, |(width, _)| usize::from(width.0))
}

/// Asks, shows the answer as it comes, and stops if `stop` ends first.
pub(super) async fn ask(
    provider: &dyn Provider,
    request: ChatRequest,
    printer: &mut Printer,
    stop: impl Future<Output = ()>,
) -> Result<Outcome, Failure> {
    let mut stop = pin!(stop);
    let streams = request.stream == Some(true);
    let begun = Instant::now();
    let context = CallContext::new();
    let waiting = printer.wait();
    if !streams {
        let response = tokio::select! {
            biased;
            () = &mut stop => {
                drop(waiting);
                return Ok(stopped(printer, ChatResponse::default()));
            }
            reply = provider.chat(request, &context) => reply?.value,
        };
        drop(waiting);
        let speed = Speed { usage: response.usage.clone(), first: None, total: begun.elapsed() };
        if printer.json.is_some() {
            printer.object(&response)?;
        } else {
            let message = response.choices.first().map(|choice| &choice.message);
            printer.reasoning(message.and_then(|message| message.reasoning_content.as_deref()).unwrap_or_default())?;
            printer.text(response.content())?;
        }
        finish(printer, &response, &speed)?;
        return Ok(Outcome::Whole(response));
    }
    let mut stream = tokio::select! {
        biased;
        () = &mut stop => {
            drop(waiting);
            return Ok(stopped(printer, ChatResponse::default()));
        }
        stream = provider.chat_stream(request, &context) => stream?,
    };
    // It has its first chunk.
    drop(waiting);
    let first = begun.elapsed();
    let mut collector = ChunkCollector::new();
    loop {
        let chunk = tokio::select! {
            biased;
            () = &mut stop => {
                printer.end_line()?;
                return Ok(stopped(printer, collector.finish()));
            }
            chunk = stream.next() => chunk,
        };
        let Some(chunk) = chunk else { break };
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => {
                printer.end_line()?;
                return Err(error.into());
            }
        };
        printer.chunk(&chunk)?;
        collector.push(chunk);
    }
    let response = collector.finish();
    if printer.json == Some(JsonForm::Answer) {
        printer.object(&response)?;
    }
    let speed = Speed { usage: response.usage.clone(), first: Some(first), total: begun.elapsed() };
    finish(printer, &response, &speed)?;
    Ok(Outcome::Whole(response))
}

fn finish(printer: &mut Printer, response: &ChatResponse, speed: &Speed) -> Result<(), Failure> {
    printer.end_line()?;
    let reason = response.choices.first().and_then(|choice| choice.finish_reason.as_ref());
    if reason.is_some_and(|reason| reason.as_str() == "length") {
        printer.note("the answer was cut off at the token limit; raise it with `--max-tokens`");
    }
    if printer.json.is_none() && response.choices.first().is_some_and(|choice| !choice.message.tool_calls.is_empty()) {
        printer.note("the model calls a tool; `--json` shows the call");
    }
    printer.note(speed);
    Ok(())
}

fn stopped(printer: &mut Printer, response: ChatResponse) -> Outcome {
    printer.note("stopped");
    Outcome::Stopped(response)
}
