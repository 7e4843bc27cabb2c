//! What is typed while an answer comes.
//!
//! Owns that it neither appears in the middle of the answer nor is lost: the terminal keeps it, and
//! the next prompt reads it.

#[cfg(unix)]
mod terminal {
    use std::io::{self, IsTerminal};

    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    /// A terminal that does not show what is typed, until this is dropped.
    pub(in crate::chat) struct Unseen(Option<Termios>);

    impl Unseen {
        /// Stops the echo, if standard input is a terminal.
        pub(in crate::chat) fn begin() -> Self {
            let input = io::stdin();
            let before = if input.is_terminal() { tcgetattr(&input).ok() } else { None };
            if let Some(before) = &before {
                let mut quiet = before.clone();
                quiet.local_modes.remove(LocalModes::ECHO);
                // If it cannot be changed, what is typed appears in the answer, and nothing else is lost.
                let _ = tcsetattr(&input, OptionalActions::Now, &quiet);
            }
            Self(before)
        }
    }

    impl Drop for Unseen {
        fn drop(&mut self) {
            if let Some(before) = &self.0 {
                let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
            }
        }
    }
}

#[cfg(not(unix))]
mod terminal {
    /// Consoles of Windows show what is typed only while a program reads it.
    pub(in crate::chat) struct Unseen;

    impl Unseen {
        pub(in crate::chat) fn begin() -> Self {
            Self
        }
    }
}

pub(super) use terminal::Unseen;
