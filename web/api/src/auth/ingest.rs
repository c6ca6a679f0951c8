//! Keys that senders of events show.

use super::secret::Digest;

/// The keys, hashed.
#[derive(Clone, Debug)]
pub(crate) struct IngestKeys(Vec<Digest>);

const KEY_CHARACTERS_MIN: usize = 16;

impl IngestKeys {
    /// Reads a key file's text: one key a line, blank lines and `#` lines skipped. The error names lines, never keys.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut keys = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let key = line.trim();
            if key.is_empty() || key.starts_with('#') {
                continue;
            }
            if key.chars().count() < KEY_CHARACTERS_MIN {
                return Err(format!("line {} is shorter than {KEY_CHARACTERS_MIN} characters", number + 1));
            }
            keys.push(Digest::of(key.as_bytes()));
        }
        if keys.is_empty() { Err("it holds no key".to_owned()) } else { Ok(Self(keys)) }
    }

    /// Looks at every key, so that the time does not tell which one matched.
    pub(crate) fn hold(&self, key: &str) -> bool {
        let digest = Digest::of(key.as_bytes());
        self.0.iter().fold(false, |found, held| held.matches(&digest) | found)
    }
}
