//! The eight core event types, a closed set, and the kinds around them.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The eight activities that trustfold learns and scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum EventType {
    /// A process began.
    ProcessStart = 0,
    /// A process ended.
    ProcessEnd = 1,
    /// A connection was opened, or tried.
    NetworkConnection = 2,
    /// A command was run through sudo, or refused by it.
    SudoCommand = 3,
    /// A file was created, changed or deleted.
    FileChange = 4,
    /// Somebody logged in.
    Login = 5,
    /// Somebody logged out.
    Logout = 6,
    /// Somebody failed to authenticate.
    AuthFailure = 7,
}

impl EventType {
    /// All eight, in the order of their numbers.
    pub const ALL: [EventType; 8] = [
        Self::ProcessStart,
        Self::ProcessEnd,
        Self::NetworkConnection,
        Self::SudoCommand,
        Self::FileChange,
        Self::Login,
        Self::Logout,
        Self::AuthFailure,
    ];

    /// Its name on the wire, for instance `sudo_command`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ProcessStart => "process_start",
            Self::ProcessEnd => "process_end",
            Self::NetworkConnection => "network_connection",
            Self::SudoCommand => "sudo_command",
            Self::FileChange => "file_change",
            Self::Login => "login",
            Self::Logout => "logout",
            Self::AuthFailure => "auth_failure",
        }
    }

    /// ECS 9.4 `event.category` and `event.type` values.
    pub fn ecs(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::ProcessStart | Self::SudoCommand => ("process", &["start"]),
            Self::ProcessEnd => ("process", &["end"]),
            Self::NetworkConnection => ("network", &["connection", "start"]),
            Self::FileChange => ("file", &["change"]),
            Self::Login | Self::AuthFailure => ("authentication", &["start"]),
            Self::Logout => ("session", &["end"]),
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names none of the eight event types.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown event type \"{0}\"")]
pub struct UnknownEventType(pub String);

impl FromStr for EventType {
    type Err = UnknownEventType;

    fn from_str(text: &str) -> Result<Self, UnknownEventType> {
        Self::ALL.into_iter().find(|t| t.name() == text).ok_or_else(|| UnknownEventType(text.chars().take(64).collect()))
    }
}

/// What a record is: one of the eight, or a plain log line, which is kept and never scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// One of the eight.
    Core(EventType),
    /// A log line that is none of the eight.
    Log,
}

impl Kind {
    /// One of the eight, or `None` for a plain log line.
    pub fn core(self) -> Option<EventType> {
        match self {
            Self::Core(event_type) => Some(event_type),
            Self::Log => None,
        }
    }

    /// Its name on the wire: an event type's name, or `log`.
    pub fn name(self) -> &'static str {
        self.core().map_or("log", EventType::name)
    }
}

/// How it went, as far as the sender says: ECS `event.outcome`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Not said.
    #[default]
    Unknown,
    /// It succeeded.
    Success,
    /// It failed.
    Failure,
}

impl Outcome {
    /// Its ECS value.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_numbers_are_dense() {
        for (i, t) in EventType::ALL.into_iter().enumerate() {
            assert_eq!(t as usize, i);
            assert_eq!(t.name().parse(), Ok(t));
            assert_eq!(serde_json::to_string(&t).unwrap(), format!("\"{}\"", t.name()));
        }
        assert!("shutdown".parse::<EventType>().is_err());
    }
}
