//! What sudo says: `USER : [REASON ; ]TTY=… ; PWD=… ; USER=… ; COMMAND=…`.
//!
//! A reason before the fields says why sudo refused. The command is all that follows the first field `COMMAND=`. A wrong
//! password also makes a line of PAM's, which is the auth_failure; sudo's own line is the refused command. Sessions that
//! PAM opens and closes are log lines.

use super::pam;
use crate::kind::{EventType, Kind, Outcome};
use crate::parsed::{Parsed, Text};
use std::borrow::Cow;

/// Fills in what a message of sudo says; leaves a log line where it tells of no command and no failure.
pub(super) fn read<'a>(message: &'a str, parsed: &mut Parsed<'a>) {
    let message = message.trim_start_matches(' ');
    if let Some((user, host)) = pam::failure(message, "sudo") {
        parsed.kind = Kind::Core(EventType::AuthFailure);
        parsed.outcome = Outcome::Failure;
        parsed.user = user.map(Cow::Borrowed);
        parsed.source_ip = host.map(Cow::Borrowed);
        return;
    }
    let Some((user, rest)) = split(message, b':') else { return };
    let Some(fields) = fields(rest) else { return };
    if user.is_empty() || user.contains(' ') {
        return;
    }
    parsed.kind = Kind::Core(EventType::SudoCommand);
    parsed.outcome = if fields.reason.is_some() { Outcome::Failure } else { Outcome::Success };
    parsed.user = Some(Cow::Borrowed(user));
    parsed.effective_user = text(fields.user);
    parsed.working_directory = text(fields.directory);
    parsed.command = text(Some(fields.command));
    parsed.reason = text(fields.reason);
}

struct Fields<'a> {
    reason: Option<&'a str>,
    directory: Option<&'a str>,
    user: Option<&'a str>,
    command: &'a str,
}

/// `None` where there is no command.
fn fields(mut rest: &str) -> Option<Fields<'_>> {
    let (mut reason, mut directory, mut user) = (None, None, None);
    let mut first = true;
    loop {
        if let Some(command) = rest.strip_prefix("COMMAND=") {
            return Some(Fields { reason, directory, user, command });
        }
        let (field, after) = split(rest, b';')?;
        if let Some(value) = field.strip_prefix("PWD=") {
            directory = directory.or(Some(value));
        } else if let Some(value) = field.strip_prefix("USER=") {
            user = user.or(Some(value));
        } else if first && !is_field(field) {
            reason = Some(field);
        }
        first = false;
        rest = after;
    }
}

/// True where the text begins with a name in capitals and an equals sign.
fn is_field(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, _)| !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase()))
}

/// Splits at the first separator that has a space on both sides.
fn split(text: &str, separator: u8) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let at =
        memchr::memchr_iter(separator, bytes).find(|&at| at > 0 && bytes[at - 1] == b' ' && bytes.get(at + 1) == Some(&b' '))?;
    Some((text.get(..at - 1)?, text.get(at + 2..)?))
}

fn text(value: Option<&str>) -> Text<'_> {
    value.filter(|v| !v.is_empty()).map(Cow::Borrowed)
}
