//! JSON events: the flat shape and ECS 9.4, dotted and nested, mixed freely.
//!
//! One pass over the bytes; text is borrowed where it stands, and only text with escapes is copied. What is not known is
//! skipped, but checked as strictly as what is read.
//!
//! - Of fields that say the same, the last one that is neither null nor empty holds. The event type is the first of
//!   `event_type`, `trustfold.event_type` and `event.action` that is there, whatever their order.
//! - Members of a `metadata` object count as members of the record.
//! - A surrogate on its own (`"\ud800"`) is malformed, as it is no Unicode text. Objects and arrays nest to a depth of 64.
//!   A number's size is only bounded by what its field holds.
//! - The code of a reject is that of the first thing wrong, except that text that is not UTF-8 comes before all else.

mod keys;
mod numbers;
mod quotes;
mod scan;

use crate::EventTime;
use crate::kind::{EventType, Kind, Outcome};
use crate::parsed::{Parsed, Text};
use crate::reject::Reject;
use keys::{Field, Scope, Target, lookup};
use scan::{Cursor, DEPTH_MAX, Fault, Quoted, fault};
use std::borrow::Cow;

/// The longest text of one field, in bytes.
pub const TEXT_BYTES_MAX: usize = 64 << 10;

/// Parses one JSON object.
///
/// # Errors
/// - `utf8.invalid`, `json.syntax` (with the byte), `json.not_an_object`, `json.trailing`, `json.too_deep`: no JSON object;
/// - `event_type.missing`, `event_type.unknown`: none of the eight event types;
/// - `field.type`, `timestamp.invalid`, `port.range`, `text.too_long`: a known field with a value that it cannot have.
#[inline]
pub fn parse(record: &[u8]) -> Result<Parsed<'_>, Reject> {
    let text = std::str::from_utf8(record)
        .map_err(|e| Reject::new("utf8.invalid", format!("not UTF-8 from byte {} on", e.valid_up_to())))?;
    let mut reader = Reader {
        cursor: Cursor::new(text),
        parsed: Parsed::new(Kind::Log),
        event_type: None,
        trustfold_event_type: None,
        action: None,
        success: None,
        hostname: None,
        file_path: None,
    };
    match reader.record() {
        Ok(()) => Ok(reader.parsed),
        Err(fault) => Err(*fault),
    }
}

/// What is being read, and the fields that are only resolved once all are known.
struct Reader<'a> {
    cursor: Cursor<'a>,
    parsed: Parsed<'a>,
    event_type: Text<'a>,
    trustfold_event_type: Text<'a>,
    action: Text<'a>,
    success: Option<bool>,
    hostname: Text<'a>,
    file_path: Text<'a>,
}

impl<'a> Reader<'a> {
    /// Reads the whole record.
    fn record(&mut self) -> Result<(), Fault> {
        self.cursor.skip_whitespace();
        match self.cursor.peek() {
            Some(b'{') => self.cursor.advance(),
            Some(_) => return Err(fault("json.not_an_object", "an event is a JSON object".to_owned())),
            None => return Err(self.cursor.syntax("an object")),
        }
        self.members(Scope::Root, 1)?;
        self.cursor.skip_whitespace();
        if self.cursor.peek().is_some() {
            return Err(fault("json.trailing", format!("more after the object, from byte {} on", self.cursor.position())));
        }
        self.finish()
    }

    /// Reads the members of an object whose opening brace has been passed; the object is at `depth`.
    fn members(&mut self, scope: Scope, depth: u32) -> Result<(), Fault> {
        self.cursor.skip_whitespace();
        if self.cursor.peek() == Some(b'}') {
            self.cursor.advance();
            return Ok(());
        }
        loop {
            let name = self.cursor.name()?;
            let target = if name.escaped { lookup(scope, &name.text()) } else { lookup(scope, name.raw) };
            self.value(target, depth)?;
            self.cursor.skip_whitespace();
            match self.cursor.peek() {
                Some(b',') => {
                    self.cursor.advance();
                    self.cursor.skip_whitespace();
                }
                Some(b'}') => {
                    self.cursor.advance();
                    return Ok(());
                }
                _ => return Err(self.cursor.syntax("\",\" or \"}\"")),
            }
        }
    }

    #[inline]
    fn value(&mut self, target: Target, depth: u32) -> Result<(), Fault> {
        let scope = match target {
            Target::Leaf(field) => return self.field(field, depth),
            Target::Either(_, field) if self.cursor.peek() != Some(b'{') => return self.field(field, depth),
            Target::Scope(scope) | Target::Either(scope, _) if self.cursor.peek() == Some(b'{') => scope,
            _ => return self.cursor.skip_value(depth),
        };
        if depth >= DEPTH_MAX {
            return Err(self.cursor.too_deep());
        }
        self.cursor.advance();
        self.members(scope, depth + 1)
    }

    #[inline]
    fn field(&mut self, field: Field, depth: u32) -> Result<(), Fault> {
        match field {
            Field::Timestamp => self.time(depth),
            Field::Success => self.boolean(field, depth),
            Field::Outcome => {
                match self.text(field, depth)?.as_deref() {
                    Some("success") => self.parsed.outcome = Outcome::Success,
                    Some("failure") => self.parsed.outcome = Outcome::Failure,
                    _ => {}
                }
                Ok(())
            }
            Field::SourcePort => {
                self.parsed.source_port = self.port(field, depth)?.or(self.parsed.source_port);
                Ok(())
            }
            Field::DestinationPort => {
                self.parsed.destination_port = self.port(field, depth)?.or(self.parsed.destination_port);
                Ok(())
            }
            Field::Pid => {
                if let Some(value) = self.integer(field, depth)? {
                    self.parsed.pid = Some(u32::try_from(value).map_err(|_| wrong_type(field, "a process number"))?);
                }
                Ok(())
            }
            Field::ExitCode => {
                // Windows gives exit codes as unsigned numbers; the upper half is the negative one with the same bits.
                if let Some(value) = self.integer(field, depth)? {
                    let code = i32::try_from(value).ok().or_else(|| u32::try_from(value).ok().map(u32::cast_signed));
                    self.parsed.exit_code = Some(code.ok_or_else(|| wrong_type(field, "a 32-bit number"))?);
                }
                Ok(())
            }
            _ => {
                if self.cursor.peek() != Some(b'"') {
                    return self.null(field, "text", depth);
                }
                let quoted = self.cursor.string()?;
                if quoted.escaped || quoted.raw.len() > TEXT_BYTES_MAX {
                    return self.put(field, checked(field, quoted)?);
                }
                // Written here and not passed on: moving a `Text` through returns costs more than finding its end.
                if !quoted.raw.is_empty()
                    && let Some(slot) = self.slot(field)
                {
                    *slot = Some(Cow::Borrowed(quoted.raw));
                }
                Ok(())
            }
        }
    }

    #[cold]
    fn put(&mut self, field: Field, text: Text<'a>) -> Result<(), Fault> {
        if let Some(slot) = self.slot(field).filter(|_| text.is_some()) {
            *slot = text;
        }
        Ok(())
    }

    /// Where a text field is kept; `None` for the fields that are no text.
    #[inline]
    fn slot(&mut self, field: Field) -> Option<&mut Text<'a>> {
        let parsed = &mut self.parsed;
        Some(match field {
            Field::EventType => &mut self.event_type,
            Field::TrustfoldEventType => &mut self.trustfold_event_type,
            Field::Action => &mut self.action,
            Field::Id => &mut parsed.id,
            Field::Reason => &mut parsed.reason,
            Field::User => &mut parsed.user,
            Field::EffectiveUser => &mut parsed.effective_user,
            Field::Host => &mut parsed.host,
            Field::Hostname => &mut self.hostname,
            Field::SourceIp => &mut parsed.source_ip,
            Field::DestinationIp => &mut parsed.destination_ip,
            Field::Process => &mut parsed.process,
            Field::Path => &mut parsed.path,
            Field::FilePath => &mut self.file_path,
            Field::Command => &mut parsed.command,
            Field::WorkingDirectory => &mut parsed.working_directory,
            Field::SenderSession => &mut parsed.sender_session,
            Field::Message => &mut parsed.message,
            Field::Timestamp
            | Field::Outcome
            | Field::Success
            | Field::SourcePort
            | Field::DestinationPort
            | Field::Pid
            | Field::ExitCode => return None,
        })
    }

    /// Text; `None` where it is null or empty.
    #[inline]
    fn text(&mut self, field: Field, depth: u32) -> Result<Text<'a>, Fault> {
        if self.cursor.peek() != Some(b'"') {
            return self.null(field, "text", depth).map(|()| None);
        }
        checked(field, self.cursor.string()?)
    }

    /// Passes over null, or refuses what is neither null nor what the field holds: malformed values as such.
    #[cold]
    fn null(&mut self, field: Field, expected: &str, depth: u32) -> Result<(), Fault> {
        let is_null = self.cursor.peek() == Some(b'n');
        self.cursor.skip_value(depth)?;
        if is_null { Ok(()) } else { Err(wrong_type(field, expected)) }
    }

    fn boolean(&mut self, field: Field, depth: u32) -> Result<(), Fault> {
        let (word, value) = match self.cursor.peek() {
            Some(b't') => ("true", true),
            Some(b'f') => ("false", false),
            _ => return self.null(field, "true or false", depth),
        };
        self.cursor.literal(word)?;
        self.success = Some(value);
        Ok(())
    }

    fn time(&mut self, depth: u32) -> Result<(), Fault> {
        let (time, said) = match self.cursor.peek() {
            Some(b'"') => match self.text(Field::Timestamp, depth)? {
                Some(text) => (EventTime::parse(&text), text),
                None => return Ok(()),
            },
            Some(b'-' | b'0'..=b'9') => {
                let token = self.cursor.number()?;
                (numbers::time(token), Cow::Borrowed(token))
            }
            _ => return self.null(Field::Timestamp, "RFC 3339 text, or a number of seconds or milliseconds", depth),
        };
        if time.is_none() {
            return Err(fault("timestamp.invalid", format!("\"{}\" is no time", shortened(&said))));
        }
        self.parsed.time = time;
        Ok(())
    }

    /// A whole number, also as text; `None` where it is null or empty.
    fn integer(&mut self, field: Field, depth: u32) -> Result<Option<i64>, Fault> {
        let value = match self.cursor.peek() {
            Some(b'"') => match self.text(field, depth)? {
                Some(text) => text.parse().ok(),
                None => return Ok(None),
            },
            Some(b'-' | b'0'..=b'9') => numbers::integer(self.cursor.number()?),
            _ => return self.null(field, "a whole number", depth).map(|()| None),
        };
        value.map(Some).ok_or_else(|| wrong_type(field, "a whole number"))
    }

    fn port(&mut self, field: Field, depth: u32) -> Result<Option<u16>, Fault> {
        let Some(value) = self.integer(field, depth)? else { return Ok(None) };
        let port = u16::try_from(value);
        port.map(Some).map_err(|_| fault("port.range", format!("{} is {value}; a port is 0 to 65535", field.name())))
    }

    /// Settles what depends on more than one field.
    fn finish(&mut self) -> Result<(), Fault> {
        let parsed = &mut self.parsed;
        let named = self.event_type.as_ref().or(self.trustfold_event_type.as_ref()).or(self.action.as_ref());
        let event_type = event_type(named.map(Cow::as_ref))?;
        parsed.kind = Kind::Core(event_type);
        if parsed.outcome == Outcome::Unknown {
            parsed.outcome = match self.success {
                Some(true) => Outcome::Success,
                Some(false) => Outcome::Failure,
                None if event_type == EventType::AuthFailure => Outcome::Failure,
                None => Outcome::Unknown,
            };
        }
        if parsed.host.is_none() {
            parsed.host = self.hostname.take();
        }
        if event_type == EventType::FileChange && self.file_path.is_some() {
            parsed.path = self.file_path.take();
        }
        Ok(())
    }
}

/// A string's text, where it is not empty and not too long.
fn checked(field: Field, quoted: Quoted<'_>) -> Result<Text<'_>, Fault> {
    let text = quoted.text();
    if text.len() > TEXT_BYTES_MAX {
        return Err(too_long(field, text.len()));
    }
    Ok((!text.is_empty()).then_some(text))
}

fn event_type(name: Option<&str>) -> Result<EventType, Fault> {
    match name {
        Some("process_start") => Ok(EventType::ProcessStart),
        Some("process_end") => Ok(EventType::ProcessEnd),
        Some("network_connection") => Ok(EventType::NetworkConnection),
        Some("sudo_command") => Ok(EventType::SudoCommand),
        Some("file_change") => Ok(EventType::FileChange),
        Some("login") => Ok(EventType::Login),
        Some("logout") => Ok(EventType::Logout),
        Some("auth_failure") => Ok(EventType::AuthFailure),
        Some(name) => Err(fault("event_type.unknown", format!("unknown event type \"{}\"", shortened(name)))),
        None => Err(fault("event_type.missing", "an event needs an event_type, trustfold.event_type or event.action".to_owned())),
    }
}

/// The beginning of what a sender wrote, short enough for a sentence.
fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cold]
fn wrong_type(field: Field, expected: &str) -> Fault {
    fault("field.type", format!("{} must be {expected}", field.name()))
}

#[cold]
fn too_long(field: Field, length: usize) -> Fault {
    fault("text.too_long", format!("{} has {length} bytes; at most {TEXT_BYTES_MAX} are read", field.name()))
}
