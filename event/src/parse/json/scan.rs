//! A cursor over JSON text (RFC 8259): strings, numbers and literals where they stand, values skipped without recursion.
//!
//! **Invariant:** the text is UTF-8, and every slice begins and ends beside an ASCII byte, so slicing cannot split a
//! character.

use super::quotes::Quotes;
use crate::reject::Reject;
use std::borrow::Cow;

/// A reject on its way up; boxed, so that what is passed up where all is well stays small.
pub(super) type Fault = Box<Reject>;

#[cold]
pub(super) fn fault(code: &'static str, reason: String) -> Fault {
    Box::new(Reject::new(code, reason))
}

/// How deep objects and arrays may nest; the record itself is at depth 1.
pub(super) const DEPTH_MAX: u32 = 64;

/// A string as it stands between its quotes, its escapes already checked.
#[derive(Clone, Copy)]
pub(super) struct Quoted<'a> {
    pub(super) raw: &'a str,
    pub(super) escaped: bool,
}

impl<'a> Quoted<'a> {
    /// Its text; allocates only where it has escapes.
    pub(super) fn text(self) -> Cow<'a, str> {
        if self.escaped { Cow::Owned(unescape(self.raw)) } else { Cow::Borrowed(self.raw) }
    }
}

pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    quotes: Quotes,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, quotes: Quotes::new(text.as_bytes()) }
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    #[inline]
    pub(super) fn skip_whitespace(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    /// The place, for a person.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    #[cold]
    pub(super) fn syntax(&self, expected: &str) -> Fault {
        let found = match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(c) => format!("found {c:?}"),
            None => "the record ends".to_owned(),
        };
        fault("json.syntax", format!("expected {expected} at byte {}, but {found}", self.at))
    }

    #[cold]
    pub(super) fn too_deep(&self) -> Fault {
        fault("json.too_deep", format!("nested deeper than {DEPTH_MAX} at byte {}", self.at))
    }

    #[inline]
    fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// A member's name, its colon, and the whitespace around both.
    #[inline(always)]
    pub(super) fn name(&mut self) -> Result<Quoted<'a>, Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.syntax("a member's name"));
        }
        let name = self.string()?;
        self.skip_whitespace();
        if self.peek() != Some(b':') {
            return Err(self.syntax("\":\""));
        }
        self.at += 1;
        self.skip_whitespace();
        Ok(name)
    }

    /// A string; the cursor stands on its opening quote.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Result<Quoted<'a>, Fault> {
        let start = self.at + 1;
        if let Some(end) = self.quotes.next(start) {
            self.at = end + 1;
            return Ok(Quoted { raw: self.slice(start, end), escaped: false });
        }
        self.searched_string(start)
    }

    /// A string from `start` on whose end is not indexed.
    #[inline(never)]
    fn searched_string(&mut self, start: usize) -> Result<Quoted<'a>, Fault> {
        let bytes = self.text.as_bytes();
        let mut escaped = false;
        self.at = start;
        loop {
            self.at = plain_end(bytes, self.at);
            match bytes.get(self.at) {
                Some(b'"') => {
                    let raw = self.slice(start, self.at);
                    self.at += 1;
                    return Ok(Quoted { raw, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(self.syntax("no control character in a string")),
                None => return Err(self.syntax("the string's end")),
            }
        }
    }

    /// Checks one escape, or the two of a surrogate pair. A surrogate on its own is refused: it is no Unicode text.
    fn escape(&mut self) -> Result<(), Fault> {
        let bytes = self.text.as_bytes();
        match bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => {
                let unit = hex4(bytes, self.at + 2).ok_or_else(|| self.syntax("four hexadecimal digits after \\u"))?;
                let pair = match unit {
                    0xD800..=0xDBFF => {
                        bytes.get(self.at + 6) == Some(&b'\\')
                            && bytes.get(self.at + 7) == Some(&b'u')
                            && matches!(hex4(bytes, self.at + 8), Some(0xDC00..=0xDFFF))
                    }
                    0xDC00..=0xDFFF => false,
                    _ => {
                        self.at += 6;
                        return Ok(());
                    }
                };
                if !pair {
                    return Err(self.syntax("a surrogate pair"));
                }
                self.at += 12;
                Ok(())
            }
            _ => Err(self.syntax("a known escape")),
        }
    }

    /// A number as it stands; the cursor stands on its first byte.
    pub(super) fn number(&mut self) -> Result<&'a str, Fault> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(self.slice(start, self.at))
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(self.syntax("a digit")) } else { Ok(()) }
    }

    /// `true`, `false` or `null`.
    pub(super) fn literal(&mut self, word: &str) -> Result<(), Fault> {
        if self.text.as_bytes().get(self.at..self.at + word.len()) != Some(word.as_bytes()) {
            return Err(self.syntax("a value"));
        }
        self.at += word.len();
        Ok(())
    }

    /// Passes over one value of any type, checked as strictly as one that is read. `depth` is that of what holds it.
    pub(super) fn skip_value(&mut self, depth: u32) -> Result<(), Fault> {
        // What is open, innermost in the lowest bit: 1 is an object, 0 an array. The depth limit keeps it within 64 bits.
        let mut kinds = 0u64;
        let mut open = 0u32;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.string()?;
                }
                Some(bracket @ (b'{' | b'[')) => {
                    if depth + open >= DEPTH_MAX {
                        return Err(self.too_deep());
                    }
                    let is_object = bracket == b'{';
                    self.at += 1;
                    self.skip_whitespace();
                    if self.peek() == Some(if is_object { b'}' } else { b']' }) {
                        self.at += 1;
                    } else {
                        kinds = kinds << 1 | u64::from(is_object);
                        open += 1;
                        if is_object {
                            self.name()?;
                        }
                        continue;
                    }
                }
                Some(b'-' | b'0'..=b'9') => {
                    self.number()?;
                }
                Some(b't') => self.literal("true")?,
                Some(b'f') => self.literal("false")?,
                Some(b'n') => self.literal("null")?,
                _ => return Err(self.syntax("a value")),
            }
            loop {
                if open == 0 {
                    return Ok(());
                }
                let in_object = kinds & 1 == 1;
                self.skip_whitespace();
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        self.skip_whitespace();
                        if in_object {
                            self.name()?;
                        }
                        break;
                    }
                    Some(b'}') if in_object => {}
                    Some(b']') if !in_object => {}
                    _ => return Err(self.syntax(if in_object { "\",\" or \"}\"" } else { "\",\" or \"]\"" })),
                }
                self.at += 1;
                kinds >>= 1;
                open -= 1;
            }
        }
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;

/// Where a run of plain string bytes ends: at a quote, a backslash, a control character, or the end. Eight bytes at a time,
/// with the zero-byte test of Mycroft; its false hits are only ever above a true one, and the lowest hit is taken.
#[inline]
fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*word);
        let quote = word ^ (ONES * 0x22);
        let backslash = word ^ (ONES * 0x5C);
        let hits = (word.wrapping_sub(ONES * 0x20) & !word)
            | (quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash);
        let hits = hits & (ONES << 7);
        if hits != 0 {
            return at + (hits.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(&b) = bytes.get(at) {
        if b == b'"' || b == b'\\' || b < 0x20 {
            break;
        }
        at += 1;
    }
    at
}

fn hex4(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 4)?;
    digits.iter().try_fold(0, |value, &b| Some(value << 4 | char::from(b).to_digit(16)?))
}

/// Resolves the escapes of a string that [`Cursor::string`] has checked.
#[cold]
fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        text.push_str(rest.get(..at).unwrap_or_default());
        let escape = rest.get(at + 1..).unwrap_or_default().as_bytes();
        let (character, length) = match escape.first() {
            Some(b'b') => ('\u{8}', 1),
            Some(b'f') => ('\u{c}', 1),
            Some(b'n') => ('\n', 1),
            Some(b'r') => ('\r', 1),
            Some(b't') => ('\t', 1),
            Some(b'u') => {
                let high = hex4(escape, 1).unwrap_or_default();
                if (0xD800..0xDC00).contains(&high) {
                    let low = hex4(escape, 7).unwrap_or_default();
                    let code = 0x10000 + ((high - 0xD800) << 10) + (low.wrapping_sub(0xDC00) & 0x3FF);
                    (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 11)
                } else {
                    (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), 5)
                }
            }
            other => (char::from(other.copied().unwrap_or(b'\\')), 1),
        };
        text.push(character);
        rest = rest.get(at + 1 + length..).unwrap_or_default();
    }
    text.push_str(rest);
    text
}
