//! A conversation on a terminal.
//!
//! Owns the messages so far, the commands that begin with `/`, and what Ctrl-C and Ctrl-D mean.

use std::io::{IsTerminal, stdout};

use sagewire::{ChatRequest, ChatResponse, Message, Role};

use super::{
    answer::{self, Outcome, Printer},
    lines::{Lines, Typed},
    typing::Unseen,
};
use crate::{Failure, connection::Connection, interrupt, terminal::aside};

const HELP: &str = "\
/system TEXT  sets the system message; without TEXT, removes it
/clear        clears the conversation
/again        asks the last question again
/exit         leaves, as Ctrl-D and Ctrl-C twice do
A line that ends in \\ continues in the next one. //text asks /text.";

pub(super) async fn run(connection: &Connection, request: ChatRequest, mut printer: Printer) -> Result<(), Failure> {
    aside(format_args!("{}: /help lists the commands, Ctrl-D leaves", request.model));
    let mut lines = Lines::new(stdout().is_terminal())?;
    let mut conversation = Conversation { request };
    let mut interrupted = false;
    loop {
        let line = match read_whole(&mut lines).await? {
            Typed::Line(line) => line,
            Typed::Ended => return Ok(()),
            Typed::Interrupted if interrupted => return Ok(()),
            Typed::Interrupted => {
                interrupted = true;
                aside("press Ctrl-C again, or Ctrl-D, to leave");
                continue;
            }
        };
        interrupted = false;
        match conversation.take(&line) {
            LineAction::Nothing => {}
            LineAction::Say(text) => aside(text),
            LineAction::Leave => return Ok(()),
            LineAction::Ask => {
                let request = conversation.request.clone();
                let _unseen = Unseen::begin();
                match answer::ask(&*connection.provider, request, &mut printer, interrupt::ctrl_c()).await {
                    // A Ctrl-C that stopped an answer is none of the two that leave.
                    Ok(Outcome::Whole(response) | Outcome::Stopped(response)) => conversation.answered(&response),
                    Err(failure) => {
                        // The question may be asked again, or another; a half answer would mislead the model.
                        conversation.forget_question();
                        failure.print();
                    }
                }
            }
        }
    }
}

/// A line, with those that it goes on in.
async fn read_whole(lines: &mut Lines) -> Result<Typed, Failure> {
    let mut whole = String::new();
    loop {
        match lines.read(if whole.is_empty() { "> " } else { ". " }).await? {
            Typed::Line(line) => match line.strip_suffix('\\') {
                Some(line) => {
                    whole.push_str(line);
                    whole.push('\n');
                }
                None => return Ok(Typed::Line(whole + &line)),
            },
            other => return Ok(other),
        }
    }
}

/// What a line leads to.
#[derive(Debug, PartialEq, Eq)]
enum LineAction {
    Nothing,
    Say(String),
    Ask,
    Leave,
}

/// The request with its messages so far.
#[derive(Debug)]
struct Conversation {
    request: ChatRequest,
}

impl Conversation {
    fn take(&mut self, line: &str) -> LineAction {
        let line = line.trim();
        if line.is_empty() {
            return LineAction::Nothing;
        }
        let Some(command) = line.strip_prefix('/') else { return self.question(line) };
        if command.starts_with('/') {
            return self.question(command);
        }
        let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        match name {
            "help" | "?" => LineAction::Say(HELP.to_owned()),
            "exit" | "quit" => LineAction::Leave,
            "clear" => {
                self.request.messages.retain(|message| message.role == Role::System);
                LineAction::Say("the conversation was cleared".to_owned())
            }
            "system" => self.system(rest.trim()),
            "again" => self.again(),
            _ => LineAction::Say(format!(
                "unknown command `/{name}`; /help lists them, and //{command} asks it as a question"
            )),
        }
    }

    fn question(&mut self, text: &str) -> LineAction {
        self.request.messages.push(Message::user(text));
        LineAction::Ask
    }

    fn system(&mut self, text: &str) -> LineAction {
        self.request.messages.retain(|message| message.role != Role::System);
        if text.is_empty() {
            return LineAction::Say("the system message was removed".to_owned());
        }
        self.request.messages.insert(0, Message::system(text));
        LineAction::Say("the system message was set".to_owned())
    }

    fn again(&mut self) -> LineAction {
        match self.request.messages.iter().rposition(|message| message.role == Role::User) {
            Some(last) => {
                self.request.messages.truncate(last + 1);
                LineAction::Ask
            }
            None => LineAction::Say("there is no question to repeat".to_owned()),
        }
    }

    /// Keeps what was answered, if anything was: a model is to see its own words.
    fn answered(&mut self, response: &ChatResponse) {
        match response.content() {
            "" => self.forget_question(),
            text => self.request.messages.push(Message::assistant(text)),
        }
    }

    fn forget_question(&mut self) {
        self.request.messages.pop_if(|message| message.role == Role::User);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(conversation: &Conversation) -> Vec<String> {
        conversation
            .request
            .messages
            .iter()
            .map(|message| format!("{} {}", message.role.as_str(), message.text()))
            .collect()
    }

    #[test]
    fn a_conversation_grows_and_forgets() {
        let mut conversation = Conversation { request: ChatRequest::new("m", []) };
        assert_eq!(conversation.take("  hello "), LineAction::Ask);
        conversation.answered(&ChatResponse::text("m", "hi", sagewire::FinishReason::Stop));
        assert!(matches!(conversation.take("/system be brief"), LineAction::Say(_)));
        assert_eq!(conversation.take("//etc"), LineAction::Ask);
        assert_eq!(roles(&conversation), ["system be brief", "user hello", "assistant hi", "user /etc"]);
        conversation.forget_question();
        conversation.forget_question();
        assert_eq!(roles(&conversation), ["system be brief", "user hello", "assistant hi"], "an answer stays");
        assert!(matches!(conversation.take("/clear"), LineAction::Say(_)));
        assert_eq!(roles(&conversation), ["system be brief"]);
        assert!(matches!(conversation.take("/system"), LineAction::Say(_)));
        assert!(roles(&conversation).is_empty());
    }

    #[test]
    fn the_last_question_is_asked_again_without_its_answer() {
        let mut conversation = Conversation { request: ChatRequest::new("m", []) };
        assert!(matches!(conversation.take("/again"), LineAction::Say(_)));
        conversation.take("one");
        conversation.answered(&ChatResponse::text("m", "1", sagewire::FinishReason::Stop));
        assert_eq!(conversation.take("/again"), LineAction::Ask);
        assert_eq!(roles(&conversation), ["user one"]);
    }

    #[test]
    fn an_empty_answer_leaves_no_trace_and_an_unknown_command_asks_nothing() {
        let mut conversation = Conversation { request: ChatRequest::new("m", []) };
        conversation.take("one");
        conversation.answered(&ChatResponse::default());
        assert!(matches!(conversation.take("/nonsense"), LineAction::Say(text) if text.contains("/help")));
        assert_eq!(conversation.take(""), LineAction::Nothing);
        assert_eq!(conversation.take("/quit"), LineAction::Leave);
        assert!(roles(&conversation).is_empty());
    }
}
