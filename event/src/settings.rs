//! The settings that decide. They are journaled at start and at each change, so that a replay needs no file.

use crate::kind::EventType;
use crate::points::MilliPoints;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Everything outside the events themselves that can change an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DecisionSettings {
    /// The share of training events that the threshold would call anomalous; above 0, at most 0.5. The first design
    /// asks for 0.10; that floods an operator, so the default is lower.
    pub contamination: f64,
    /// Trees of the Isolation Forest; 1 to 1,000.
    pub trees: u32,
    /// Rows a tree is grown from; 2 to 4,096.
    pub tree_sample: u32,
    /// Trust below this warns; points, 0 to 100.
    pub warn_below: f64,
    /// The score from which an anomaly is of each severity; below `medium` it is low.
    pub severity: SeverityBands,
    /// Points that one anomaly of each event type costs.
    pub weights: Weights,
}

impl Default for DecisionSettings {
    fn default() -> Self {
        Self {
            contamination: 0.005,
            trees: 100,
            tree_sample: 256,
            warn_below: 20.0,
            severity: SeverityBands::default(),
            weights: Weights::default(),
        }
    }
}

/// Lowest score of each severity, ascending.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SeverityBands {
    /// From this score on: medium.
    pub medium: f64,
    /// From this score on: high.
    pub high: f64,
    /// From this score on: critical.
    pub critical: f64,
}

impl Default for SeverityBands {
    fn default() -> Self {
        Self { medium: 0.6, high: 0.7, critical: 0.8 }
    }
}

/// Points an anomaly of each event type costs, each 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "each field is an event type's weight, documented at EventType")]
pub struct Weights {
    pub process_start: f64,
    pub process_end: f64,
    pub network_connection: f64,
    pub sudo_command: f64,
    pub file_change: f64,
    pub login: f64,
    pub logout: f64,
    pub auth_failure: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            process_start: 5.0,
            process_end: 1.0,
            network_connection: 6.0,
            sudo_command: 20.0,
            file_change: 10.0,
            login: 5.0,
            logout: 1.0,
            auth_failure: 8.0,
        }
    }
}

impl Weights {
    /// The weight of an event type.
    pub fn of(&self, event_type: EventType) -> f64 {
        match event_type {
            EventType::ProcessStart => self.process_start,
            EventType::ProcessEnd => self.process_end,
            EventType::NetworkConnection => self.network_connection,
            EventType::SudoCommand => self.sudo_command,
            EventType::FileChange => self.file_change,
            EventType::Login => self.login,
            EventType::Logout => self.logout,
            EventType::AuthFailure => self.auth_failure,
        }
    }
}

/// A setting is out of its range.
#[derive(Debug, thiserror::Error, PartialEq)]
#[error("{setting} is {value}; it must be {range}")]
pub struct OutOfRange {
    /// Its path.
    pub setting: &'static str,
    /// What was given.
    pub value: f64,
    /// What is allowed.
    pub range: &'static str,
}

impl DecisionSettings {
    /// Checks every range.
    ///
    /// # Errors
    /// Names the first setting that is out of its range.
    pub fn check(&self) -> Result<(), OutOfRange> {
        let need = |holds: bool, setting, value, range| if holds { Ok(()) } else { Err(OutOfRange { setting, value, range }) };
        need(
            self.contamination > 0.0 && self.contamination <= 0.5,
            "decision.contamination",
            self.contamination,
            "above 0 and at most 0.5",
        )?;
        need((1..=1000).contains(&self.trees), "decision.trees", f64::from(self.trees), "1 to 1000")?;
        need((2..=4096).contains(&self.tree_sample), "decision.tree_sample", f64::from(self.tree_sample), "2 to 4096")?;
        need((0.0..=100.0).contains(&self.warn_below), "decision.warn_below", self.warn_below, "0 to 100")?;
        let bands = self.severity;
        need(
            0.0 <= bands.medium && bands.medium <= bands.high && bands.high <= bands.critical && bands.critical <= 1.0,
            "decision.severity",
            bands.medium,
            "ascending, within 0 and 1",
        )?;
        for event_type in EventType::ALL {
            let weight = self.weights.of(event_type);
            let setting = match event_type {
                EventType::ProcessStart => "decision.weights.process_start",
                EventType::ProcessEnd => "decision.weights.process_end",
                EventType::NetworkConnection => "decision.weights.network_connection",
                EventType::SudoCommand => "decision.weights.sudo_command",
                EventType::FileChange => "decision.weights.file_change",
                EventType::Login => "decision.weights.login",
                EventType::Logout => "decision.weights.logout",
                EventType::AuthFailure => "decision.weights.auth_failure",
            };
            need((0.0..=100.0).contains(&weight), setting, weight, "0 to 100 points")?;
        }
        Ok(())
    }

    /// What an anomaly of this type costs.
    pub fn penalty(&self, event_type: EventType) -> MilliPoints {
        MilliPoints::from_points(self.weights.of(event_type)).unwrap_or_default()
    }
}
