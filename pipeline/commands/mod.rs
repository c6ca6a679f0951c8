//! One file a command.

pub mod demo;
pub mod digest;
pub mod doctor;
pub mod generate;
pub mod reference;
pub mod run;
pub mod score;
pub mod validate;

use std::fmt::Display;
use std::io::Write;

/// A command failed: one line for people, and the exit code.
#[derive(Debug)]
pub struct Failure {
    /// What is wrong and how to mend it.
    pub message: String,
    /// 2 for input, 3 for settings and surroundings, 4 for the system.
    pub code: u8,
}

impl Failure {
    /// The input cannot be used.
    pub fn input(message: impl Display) -> Self {
        Self { message: message.to_string(), code: 2 }
    }

    /// Settings or surroundings.
    pub fn settings(message: impl Display) -> Self {
        Self { message: message.to_string(), code: 3 }
    }

    /// The system failed while running.
    pub fn system(message: impl Display) -> Self {
        Self { message: message.to_string(), code: 4 }
    }
}

/// Writes a line to standard output. A reader that has gone is no failure.
pub fn say(line: impl Display) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// A panic anywhere ends the process and says where: a dataflow that lost a worker would hang, and nothing acknowledged
/// is lost by stopping. By a hook and not by the profile, so that tests, which need unwinding, share the release's build.
pub fn die_with_the_first_panic() {
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let what = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(thread = thread.name(), place, "panic: {what}");
        eprintln!(
            "trustfold: internal error in thread {} at {place}: {what}. Nothing acknowledged is lost; start again.",
            thread.name().unwrap_or("?")
        );
        std::process::exit(4);
    }));
}
