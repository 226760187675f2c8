//! How the program ends when it cannot do what it was asked: one line that says where and why, and an
//! exit code that says whose turn it is.

use std::fmt;
use std::io::Write;
use std::process::ExitCode;

/// Why the program ends early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was asked cannot be done: another command or another pipeline would.
    Usage(String),
    /// It failed while running.
    Running(String),
    /// Whoever read the output has gone, as `head` does. That is no error.
    OutputClosed,
    /// Help or version, which clap has to say.
    Told(Box<clap::Error>),
}

impl Failure {
    /// Wrong use or configuration, at a place: a file, a flag, a source.
    pub(crate) fn usage(place: impl fmt::Display, message: impl fmt::Display) -> Self {
        Self::Usage(format!("{place}: {message}"))
    }

    /// A failure while running, at a place.
    pub(crate) fn running(place: impl fmt::Display, message: impl fmt::Display) -> Self {
        Self::Running(format!("{place}: {message}"))
    }

    /// Says it on standard error, in one line.
    pub(crate) fn report(self) -> ExitCode {
        let (message, code) = match self {
            Self::Usage(message) => (message, 2),
            Self::Running(message) => (message, 1),
            Self::OutputClosed => return ExitCode::SUCCESS,
            Self::Told(told) => {
                // Help that cannot be printed has no one to read it.
                let _ = told.print();
                return ExitCode::SUCCESS;
            }
        };
        // With nowhere to say it, the exit code still does.
        let _ = writeln!(std::io::stderr(), "kappascope: {message}");
        ExitCode::from(code)
    }
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        use clap::error::ErrorKind;
        match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Self::Told(Box::new(error)),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                Self::usage("arguments", "a verb is missing; `kappascope --help` lists them")
            }
            _ => {
                let text = error.render().to_string();
                let said = text.split("\n\nUsage:").next().unwrap_or_default();
                let said = said.trim_start_matches("error: ").split_whitespace().collect::<Vec<_>>();
                Self::usage("arguments", said.join(" ").replace(" For more information, try '--help'.", ""))
            }
        }
    }
}

/// The message of an error of the operating system, without its number.
pub(crate) fn told(error: &std::io::Error) -> String {
    let text = error.to_string();
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => text.split(" (os error").next().unwrap_or_default().to_lowercase(),
    }
}
