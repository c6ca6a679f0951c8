//! Cursors: where a page ended, as opaque text. All stores share it, so that a cursor outlives a change of store.
//!
//! **Invariant:** a cursor names a position and not an offset, so documents that arrive while somebody turns pages are
//! neither shown twice nor push others out of sight.

use super::{Page, PageRequest, StoreError};
use std::fmt::Write;
use trustfold_event::EventId;

/// The lists that are read page by page. A cursor of one is refused by the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum List {
    Sessions,
    Anomalies,
    Notices,
    Models,
    Audit,
    DeadLetters,
}

impl List {
    fn tag(self) -> &'static str {
        match self {
            Self::Sessions => "s",
            Self::Anomalies => "a",
            Self::Notices => "n",
            Self::Models => "m",
            Self::Audit => "t",
            Self::DeadLetters => "d",
        }
    }
}

/// A place in a list. Lists are read from the greatest position down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    /// Microseconds; 0 in lists that are ordered by id alone.
    pub(crate) ts: i64,
    /// An id as text, whose order is the id's; a model's digest.
    pub(crate) id: String,
    /// What tells notices of one id apart; else empty.
    pub(crate) scope: String,
}

impl Position {
    /// Above every document: where the first page begins.
    pub(crate) fn top() -> Self {
        Self { ts: i64::MAX, id: char::MAX.to_string(), scope: char::MAX.to_string() }
    }

    /// A place given by an id alone.
    pub(crate) fn of_id(id: EventId) -> Self {
        Self::at(0, id)
    }

    /// A place given by a time and an id.
    pub(crate) fn at(ts: i64, id: EventId) -> Self {
        Self { ts, id: id.to_string(), scope: String::new() }
    }

    fn encode(&self, list: List) -> String {
        format!("{}-{:016x}-{}-{}", list.tag(), self.ts, hex(&self.id), hex(&self.scope))
    }

    fn decode(list: List, text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let tag = parts.next()?;
        let ts = u64::from_str_radix(parts.next()?, 16).ok()?.cast_signed();
        let position = Self { ts, id: unhex(parts.next()?)?, scope: unhex(parts.next()?)? };
        let known = list == List::Models || position.id.parse::<EventId>().is_ok();
        // Written again it must be the same text: one position has one cursor.
        (tag == list.tag() && known && position.encode(list) == text).then_some(position)
    }
}

fn hex(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len() * 2), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}

fn unhex(text: &str) -> Option<String> {
    let nibble = |b: u8| char::from(b).to_digit(16).map(|d| d as u8);
    let bytes: Option<Vec<u8>> =
        text.as_bytes().chunks(2).map(|pair| Some(nibble(pair[0])? << 4 | nibble(*pair.get(1)?)?)).collect();
    String::from_utf8(bytes?).ok()
}

/// Where a page begins: documents below this position.
pub(crate) fn start(list: List, request: &PageRequest) -> Result<Position, StoreError> {
    match &request.cursor {
        None => Ok(Position::top()),
        Some(text) => Position::decode(list, text).ok_or_else(|| StoreError::BadCursor(text.chars().take(200).collect())),
    }
}

/// Makes a page of one document more than was asked for, where there is one more.
pub(crate) fn page<T>(list: List, request: &PageRequest, mut found: Vec<(Position, T)>) -> Page<T> {
    let more = found.len() > request.limit;
    found.truncate(request.limit);
    let next_cursor = match found.last() {
        Some((last, _)) if more => Some(last.encode(list)),
        // A page of nothing goes no further.
        None if more => request.cursor.clone(),
        _ => None,
    };
    Page { data: found.into_iter().map(|(_, document)| document).collect(), next_cursor }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use trustfold_event::Epoch;

    proptest! {
        #[test]
        fn comes_back_and_only_to_its_own_list(ts: i64, epoch in 0u64..1 << 48, index: u32, scope in "\\PC{0,8}") {
            let mut position = Position::at(ts, EventId::new(Epoch(epoch), index));
            position.scope = scope;
            let text = position.encode(List::Notices);
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "needs no escaping in a URL");
            prop_assert_eq!(Position::decode(List::Sessions, &text), None);
            prop_assert_eq!(Position::decode(List::Notices, &text.to_uppercase()), None);
            prop_assert_eq!(Position::decode(List::Notices, &text), Some(position));
        }

        #[test]
        fn never_panics(text in "[a-z0-9é-]{0,60}") {
            let _ = Position::decode(List::Audit, &text);
        }
    }
}
