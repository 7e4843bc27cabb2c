//! A stream of generated tokens.
//!
//! Owns the reading of token records into chunks and the judgement whether the answer was whole:
//! details with a finish reason, the whole text in the last record, or OpenAI's end mark. DJL's
//! bare `outputs` lines have neither.

use sagewire_types::{
    ChatChunk, ChunkChoice, Error, FinishReason, Role, Usage,
    json::{self, HalfJoiner},
    lenient::Object,
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{
    OneOrMany,
    details::{Details, Token, logprobs},
    echo::EchoFilter,
    failure_of, read,
};
use crate::{
    DecodeContext, Ending,
    answer::{AnswerReader, Said},
    failure_report as failure, finish_reason,
    reply::{RecordReader, Unread, failure_beside_text},
    stop_texts::tell_stop,
    whole_as_chunks,
};

/// One record of a token stream.
#[derive(Debug, Deserialize)]
struct TokenRecord<'a> {
    #[serde(default)]
    token: Object<Token>,
    #[serde(borrow)]
    top_tokens: Option<&'a RawValue>,
    /// In the last record, the whole text. Some servers give the text so far in each record.
    #[serde(borrow)]
    generated_text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    details: Object<Details<'a>>,
    outputs: Option<OneOrMany>,
    /// What failed beside the text.
    error: Option<Value>,
}

/// Reads the token records of TGI and DJL, DJL's bare `outputs`, and whole replies of containers
/// that do not stream.
pub(crate) struct GenerationStream {
    context: DecodeContext,
    halves: HalfJoiner,
    echo: EchoFilter,
    answer: AnswerReader,
    /// Whether the first chunk, which names the role, is out.
    started: bool,
    /// Whether a token or a text came, shown or not.
    answered: bool,
    /// The whole text, as long as no token had one: then it is the answer.
    untold: Untold,
    /// Lines of `outputs` have no end mark: their end is the stream's.
    endless: bool,
    whole_text: WholeText,
    marked: bool,
    /// A whole reply came in one record and is out already, its end too.
    complete: bool,
    finish_reason: Option<FinishReason>,
    usage: Option<Usage>,
}

/// What the field `generated_text` of a token's record means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WholeText {
    /// It has not come yet.
    Missing,
    /// It came in the record before: if no token follows, that one was the last.
    Last,
    /// It comes with each token, and marks no end.
    Cumulative,
}

/// The whole text of an answer whose tokens have no texts.
#[derive(Debug)]
enum Untold {
    Nothing,
    Text(String),
    /// A token had a text.
    Tokens,
}

impl GenerationStream {
    pub(crate) fn new(context: DecodeContext) -> Self {
        let echo = EchoFilter::new(&context);
        Self {
            halves: HalfJoiner::default(),
            echo,
            answer: AnswerReader::streamed(&context),
            context,
            started: false,
            answered: false,
            untold: Untold::Nothing,
            endless: false,
            whole_text: WholeText::Missing,
            marked: false,
            complete: false,
            finish_reason: None,
            usage: None,
        }
    }
}

impl RecordReader for GenerationStream {
    fn take(&mut self, record: &[u8], out: &mut Vec<ChatChunk>) -> Result<(), Unread> {
        if record.first() != Some(&b'{') {
            return self.take_whole(record, out);
        }
        match serde_json::from_slice(record) {
            Ok(parsed) => self.take_record(parsed, record, HalfMarks::Whole, out),
            Err(error) if error.is_eof() => Err(Unread::Failed(failure::cut_record(&error))),
            Err(_) => {
                let (repaired, halves) = match json::mark_halves(record) {
                    Some(marked) => (marked, HalfMarks::Marked),
                    None => (json::repair_reply(record).ok_or(Unread::Shape)?, HalfMarks::Whole),
                };
                let parsed = serde_json::from_slice(&repaired).map_err(|_| Unread::Shape)?;
                self.take_record(parsed, &repaired, halves, out)
            }
        }
    }

    fn mark(&mut self, _: &mut Vec<ChatChunk>) {
        self.marked = true;
    }

    fn ending(&self) -> Ending {
        if self.complete || (self.marked && self.answered) {
            Ending::Marked
        } else if self.finish_reason.is_some() {
            Ending::Answered
        } else {
            Ending::Open
        }
    }

    fn flush(&mut self, out: &mut Vec<ChatChunk>) {
        if let Untold::Text(text) = std::mem::replace(&mut self.untold, Untold::Tokens) {
            self.emit(text, None, out);
        }
        if let Some(half) = self.halves.finish() {
            self.emit(half.into(), None, out);
        }
        for (text, logprobs) in self.echo.finish() {
            self.pass(text, logprobs, out);
        }
        let said = self.answer.finish();
        if !said.is_empty() {
            self.show(said, None, out);
        }
    }

    fn finish(&mut self, out: &mut Vec<ChatChunk>) -> Result<(), Error> {
        if self.complete {
            return Ok(());
        }
        if !self.answered {
            return Err(failure::no_answer());
        }
        let has_ended = self.endless || self.marked || self.whole_text == WholeText::Last;
        let reason = match self.finish_reason.take() {
            _ if self.answer.has_ended() => Some(FinishReason::Stop),
            Some(reason) => Some(reason),
            None if has_ended => None,
            None => return Err(failure::unfinished()),
        };
        let reason = finish_reason::of_ended(reason, self.answer.has_calls());
        if !self.started {
            self.show(empty(), None, out);
        }
        let mut choice = ChunkChoice::finished(reason);
        tell_stop(&mut choice.extra, self.answer.stop());
        out.push(self.chunk(vec![choice]));
        if let Some(usage) = self.usage.take().filter(|_| self.context.include_usage) {
            let mut chunk = self.chunk(Vec::new());
            chunk.usage = Some(usage);
            out.push(chunk);
        }
        Ok(())
    }
}

/// Whether halves of characters are marked in a record's texts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum HalfMarks {
    Whole,
    Marked,
}

impl GenerationStream {
    fn take_record(
        &mut self,
        record: TokenRecord<'_>,
        text: &[u8],
        halves: HalfMarks,
        out: &mut Vec<ChatChunk>,
    ) -> Result<(), Unread> {
        let TokenRecord { token: Object(token), top_tokens, generated_text, details: Object(details), outputs, error } =
            record;
        // The text of the same record belongs to the text so far.
        let failed = failure_beside_text(error.as_ref(), text)
            .or_else(|| details.as_ref().is_some_and(Details::has_failed).then(|| failure_of(text)));
        let ends = details.as_ref().is_some_and(|details| details.finish_reason().is_some());
        // Nothing passes after the end; DJL names the reason in several last records.
        if self.finish_reason.is_some() && !ends {
            return Ok(());
        }
        match (token, outputs) {
            (Some(token), _) => {
                let top = top_tokens.and_then(|top| serde_json::from_str(top.get()).ok());
                self.take_token(token, top, halves, out);
                self.see_whole_text(generated_text, halves);
            }
            (None, Some(outputs)) => {
                let [text] = <[String; 1]>::try_from(outputs.into_vec()).map_err(|_| Unread::Shape)?;
                (self.answered, self.endless) = (true, true);
                self.emit(text, None, out);
            }
            // The whole text once more, after its tokens.
            (None, None) if self.answered && generated_text.is_some() => {
                self.see_whole_text(generated_text, halves);
            }
            (None, None) if self.answered && ends => {}
            (None, None) if failed.is_some() => {}
            (None, None) => return self.take_whole(text, out),
        }
        if let Some(error) = failed {
            return Err(Unread::Failed(error));
        }
        if let Some(details) = details.filter(|_| ends) {
            self.finish_reason = details.finish_reason();
            self.usage = details.usage().or(self.usage.take());
        }
        Ok(())
    }

    fn take_token(&mut self, mut token: Token, top: Option<Vec<Token>>, halves: HalfMarks, out: &mut Vec<ChatChunk>) {
        self.answered = true;
        if token.text.as_ref().is_some_and(|text| !text.is_empty()) {
            self.untold = Untold::Tokens;
        }
        if token.has_id() {
            self.echo.trust();
        }
        if token.is_special() && !token.is_mark(&self.context) {
            return;
        }
        let mut top = top.unwrap_or_default();
        if halves == HalfMarks::Marked {
            token.join_halves(&mut self.halves);
            top.iter_mut().for_each(|token| token.join_halves(&mut HalfJoiner::default()));
        }
        let logprobs = logprobs(&self.context, std::slice::from_ref(&token), &[top]);
        let mut text = token.text.unwrap_or_default();
        if halves == HalfMarks::Whole {
            if let Some(half) = self.halves.finish() {
                text.insert(0, half);
            }
        }
        self.emit(text, logprobs, out);
    }

    fn see_whole_text(&mut self, text: Option<&RawValue>, halves: HalfMarks) {
        if !matches!(self.untold, Untold::Tokens) {
            if let Some(Ok(mut text)) = text.map(|text| serde_json::from_str::<String>(text.get())) {
                if halves == HalfMarks::Marked {
                    let mut joiner = HalfJoiner::default();
                    text = joiner.push(&text);
                    text.extend(joiner.finish());
                }
                self.untold = Untold::Text(text);
            }
        }
        let is_text = text.is_some_and(|text| text.get().starts_with('"') && (text.get() != "\"\"" || !self.started));
        self.whole_text = match self.whole_text {
            WholeText::Missing if is_text => WholeText::Last,
            WholeText::Missing => WholeText::Missing,
            WholeText::Last | WholeText::Cumulative => WholeText::Cumulative,
        };
    }

    /// A container that does not stream puts its whole reply into one record.
    fn take_whole(&mut self, text: &[u8], out: &mut Vec<ChatChunk>) -> Result<(), Unread> {
        if self.answered {
            return Err(Unread::Shape);
        }
        let response = read(text, &self.context)?;
        (self.answered, self.complete) = (true, true);
        out.extend(whole_as_chunks::into_chunks(response, self.context.include_usage));
        Ok(())
    }

    fn emit(&mut self, text: String, logprobs: Option<Value>, out: &mut Vec<ChatChunk>) {
        if self.echo.is_open() {
            return self.pass(text, logprobs, out);
        }
        for (text, logprobs) in self.echo.push((text, logprobs)) {
            self.pass(text, logprobs, out);
        }
    }

    /// Hands over what is no echo, its thoughts apart, up to a stop text.
    fn pass(&mut self, text: String, logprobs: Option<Value>, out: &mut Vec<ChatChunk>) {
        let had_ended = self.answer.has_ended();
        let said = self.answer.push(text);
        let tells_more = logprobs.is_some() && !had_ended && !self.answer.has_ended();
        if !said.is_empty() {
            self.show(said, logprobs, out);
        } else if tells_more {
            self.show(empty(), logprobs, out);
        }
    }

    /// Hands a piece over. The first one names the role, and begins with the prompt if the caller
    /// asked for it.
    fn show(&mut self, said: Said, logprobs: Option<Value>, out: &mut Vec<ChatChunk>) {
        let first = !std::mem::replace(&mut self.started, true);
        let Said { thoughts, mut content, calls } = said;
        if let Some(prompt) = self.context.prompt.as_deref().filter(|_| first && self.context.keep_prompt) {
            content.get_or_insert_default().insert_str(0, prompt);
        }
        let mut choice = ChunkChoice::default();
        (choice.delta.reasoning_content, choice.delta.content) = (thoughts, content);
        choice.delta.tool_calls = calls;
        choice.delta.role = first.then_some(Role::Assistant);
        choice.logprobs = logprobs;
        out.push(self.chunk(vec![choice]));
    }

    fn chunk(&self, choices: Vec<ChunkChoice>) -> ChatChunk {
        ChatChunk::new(self.context.id.clone(), self.context.model.clone(), self.context.created, choices)
    }
}

/// A piece without text.
fn empty() -> Said {
    Said { content: Some(String::new()), ..Said::default() }
}
