//! Why bytes did not become an event. Bad bytes are data: they travel on, into dead letters, counted by reason.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Why a record was refused, with a stable code for counters and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// Stable, for instance `json.syntax`.
    pub code: Cow<'static, str>,
    /// What was wrong, with the place where that is known.
    pub reason: String,
}

impl Reject {
    /// A reject from its parts.
    pub fn new(code: &'static str, reason: impl Into<String>) -> Self {
        Self { code: Cow::Borrowed(code), reason: reason.into() }
    }
}
