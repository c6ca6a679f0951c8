//! The one table of features: code, explanations and documents share it.

/// A feature's name, meaning, window, unit and range.
#[derive(Clone, Copy, Debug)]
pub struct FeatureRow {
    /// Its stable name.
    pub name: &'static str,
    /// What it means, in a few words.
    pub meaning: &'static str,
    /// What it looks back on.
    pub window: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// Its smallest and largest value.
    pub range: (f32, f32),
}

const fn row(
    name: &'static str,
    meaning: &'static str,
    window: &'static str,
    unit: &'static str,
    range: (f32, f32),
) -> FeatureRow {
    FeatureRow { name, meaning, window, unit, range }
}

/// How many features.
pub const WIDTH: usize = 16;

/// Columns, by name.
#[expect(missing_docs, reason = "documented in FEATURES, which a test holds against these")]
pub mod column {
    pub const HOUR_SIN: usize = 0;
    pub const HOUR_COS: usize = 1;
    pub const TYPE_SURPRISE: usize = 2;
    pub const HOUR_SURPRISE: usize = 3;
    pub const OBJECT_RARITY: usize = 4;
    pub const PEER_RARITY: usize = 5;
    pub const PORT_RARITY: usize = 6;
    pub const OUTCOME_RARITY: usize = 7;
    pub const OBJECT_NOVELTY: usize = 8;
    pub const PEER_NOVELTY: usize = 9;
    pub const BURST: usize = 10;
    pub const RATE: usize = 11;
    pub const FAILURES: usize = 12;
    pub const PEERS: usize = 13;
    pub const OBJECTS: usize = 14;
    pub const TOTAL_RARITY: usize = 15;
}

/// Version of the table and of everything that computes it; a model made under another one is refused.
pub const FEATURE_VERSION: u32 = 1;

/// The features, in column order. "bits" are −log₂ of a share: each bit more is half as usual.
pub const FEATURES: [FeatureRow; WIDTH] = [
    row("hour_sin", "time of day (sine)", "now", "", (-1.0, 1.0)),
    row("hour_cos", "time of day (cosine)", "now", "", (-1.0, 1.0)),
    row("type_surprise", "how unusual this activity is for the entity", "its life", "bits", (0.0, 33.0)),
    row("hour_surprise", "how unusual this hour is for the entity", "its life", "bits", (0.0, 33.0)),
    row("object_rarity", "how rare the process or command is among all", "training", "bits", (0.0, 32.0)),
    row("peer_rarity", "how rare the other side's address is among all", "training", "bits", (0.0, 32.0)),
    row("port_rarity", "how rare the destination port is among all", "training", "bits", (0.0, 32.0)),
    row("outcome_rarity", "how rare this outcome of the activity is among all", "training", "bits", (0.0, 32.0)),
    row("object_novelty", "how new the process or command is for the entity", "its last 16 kept", "bits", (0.0, 33.0)),
    row("peer_novelty", "how new the other side's address is for the entity", "its last 16 kept", "bits", (0.0, 33.0)),
    row("burst", "events of this type", "2 min", "log2(1+n)", (0.0, 19.0)),
    row("rate", "events against the entity's own hourly rate", "1 h", "log2 ratio", (-33.0, 20.0)),
    row("failures", "failures", "10 min", "log2(1+n)", (0.0, 20.0)),
    row("peers", "different addresses", "1 h", "log2(1+n)", (0.0, 4.1)),
    row("objects", "different processes and commands", "1 h", "log2(1+n)", (0.0, 4.1)),
    row("total_rarity", "the four rarities together", "training", "bits", (0.0, 128.0)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_stand_in_their_columns() {
        let names: std::collections::BTreeSet<_> = FEATURES.iter().map(|f| f.name).collect();
        assert_eq!(names.len(), WIDTH);
        assert_eq!(FEATURES[column::BURST].name, "burst");
        assert_eq!(FEATURES[column::FAILURES].name, "failures");
        assert_eq!(FEATURES[column::TOTAL_RARITY].name, "total_rarity");
        assert_eq!(FEATURES[column::PEER_NOVELTY].name, "peer_novelty");
    }
}
