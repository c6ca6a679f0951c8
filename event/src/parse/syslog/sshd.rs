//! What OpenSSH's server says.
//!
//! One act, one event. Of the lines that tell of the same act, one counts; the others stay log lines:
//!
//! | act | counts | repeats it |
//! |---|---|---|
//! | login | `Accepted METHOD for USER from …` | `pam_unix(sshd:session): session opened`, `Starting session` |
//! | failure | `Failed METHOD for [invalid user ]USER from …` | `Invalid user …`, `pam_unix(sshd:auth): authentication failure`, `PAM N more …`, `maximum authentication attempts exceeded`, `Connection closed by authenticating user …` |
//! | logout | the one line with which a connection ends: `Disconnected from user USER …`, `Connection closed by user USER …`, `Connection reset by user USER …`, `Timeout, client not responding from user USER …` | `Received disconnect …`, `pam_unix(sshd:session): session closed` |
//!
//! PAM's "session closed" never counts: newer servers also say how the connection ended, with the address, and servers
//! without PAM say only that. Servers before OpenSSH 7.5 name no user there, so they yield no logouts.
//!
//! A client chooses its user name, which may look like the rest of the line. So lines are read from their right end; where
//! a certificate's identity, which a client chooses too, makes that ambiguous, the line stays a log line.

use crate::kind::{EventType, Kind, Outcome};
use crate::parse::ip::is_ip;
use crate::parsed::Parsed;
use std::borrow::Cow;

/// Fills in what a message of sshd says; leaves a log line where it says none of the three.
pub(super) fn read<'a>(message: &'a str, parsed: &mut Parsed<'a>) {
    let found = match message.as_bytes().first() {
        Some(b'A') => accepted(message),
        Some(b'F') => failed(message),
        Some(b'D' | b'C' | b'T') => ended(message),
        _ => None,
    };
    let Some(Found { event_type, outcome, origin, reason }) = found else { return };
    parsed.kind = Kind::Core(event_type);
    parsed.outcome = outcome;
    parsed.user = (!origin.user.is_empty()).then_some(Cow::Borrowed(origin.user));
    parsed.source_ip = Some(Cow::Borrowed(origin.ip));
    parsed.source_port = Some(origin.port);
    parsed.reason = reason.map(Cow::Borrowed);
}

struct Found<'a> {
    event_type: EventType,
    outcome: Outcome,
    origin: Origin<'a>,
    reason: Option<&'static str>,
}

struct Origin<'a> {
    user: &'a str,
    ip: &'a str,
    port: u16,
}

fn accepted(message: &str) -> Option<Found<'_>> {
    let (may_have_key, rest) = after_method(message.strip_prefix("Accepted ")?)?;
    let origin = origin(rest, may_have_key)?;
    Some(Found { event_type: EventType::Login, outcome: Outcome::Success, origin, reason: None })
}

fn failed(message: &str) -> Option<Found<'_>> {
    let message = message.strip_suffix(" [preauth]").unwrap_or(message);
    let (may_have_key, rest) = after_method(message.strip_prefix("Failed ")?)?;
    let mut origin = origin(rest, may_have_key)?;
    let known = match origin.user.strip_prefix("invalid user") {
        Some("") => Some(""),
        Some(rest) => rest.strip_prefix(' '),
        None => None,
    };
    let reason = known.map(|user| {
        origin.user = user;
        "invalid user"
    });
    Some(Found { event_type: EventType::AuthFailure, outcome: Outcome::Failure, origin, reason })
}

/// Whether the method is one of keys, and what follows "METHOD for "; a method has no spaces.
fn after_method(text: &str) -> Option<(bool, &str)> {
    let space = memchr::memchr(b' ', text.as_bytes())?;
    let may_have_key = matches!(text.get(..space)?, "publickey" | "hostbased");
    Some((may_have_key, text.get(space..)?.strip_prefix(" for ")?))
}

fn ended(message: &str) -> Option<Found<'_>> {
    let rest = message
        .strip_prefix("Disconnected from user ")
        .or_else(|| message.strip_prefix("Connection closed by user "))
        .or_else(|| message.strip_prefix("Connection reset by user "))
        .or_else(|| message.strip_prefix("Timeout, client not responding from user "))?;
    let (rest, port) = split_last(rest)?;
    let (rest, word) = split_last(rest)?;
    let (user, ip) = split_last(rest)?;
    let holds = word == "port" && is_ip(ip);
    let origin = Origin { user, ip, port: number(port)? };
    holds.then_some(Found { event_type: EventType::Logout, outcome: Outcome::Success, origin, reason: None })
}

/// Reads "USER from IP port N[ ssh2[: KEY]]", from the right.
fn origin(text: &str, may_have_key: bool) -> Option<Origin<'_>> {
    let (found, at) = last_origin(text, text.len())?;
    let ambiguous = may_have_key && last_origin(text, at).is_some() && text.contains("-CERT ");
    (!ambiguous).then_some(found)
}

/// The last "USER from IP port N …" whose "from" ends before `end`, and where that is.
fn last_origin(text: &str, mut end: usize) -> Option<(Origin<'_>, usize)> {
    loop {
        end = memchr::memrchr(b' ', text.as_bytes().get(..end)?)?;
        let Some(before) = text.get(..end)?.strip_suffix("from") else { continue };
        let user = match before.strip_suffix(' ') {
            Some(user) => user,
            None if before.is_empty() => before,
            None => continue,
        };
        if let Some((ip, port)) = address(text.get(end + 1..)?) {
            return Some((Origin { user, ip, port }, before.len()));
        }
    }
}

/// Reads "IP port N", and checks that only what sshd itself adds comes after it.
fn address(text: &str) -> Option<(&str, u16)> {
    let (ip, rest) = text.split_once(' ')?;
    let rest = rest.strip_prefix("port ")?;
    let (port, tail) = rest.split_once(' ').unwrap_or((rest, ""));
    let port = number(port)?;
    let tail_holds = match tail {
        "" | "ssh2" | "ssh1" => true,
        _ => is_key(tail.strip_prefix("ssh2: ")?),
    };
    (tail_holds && is_ip(ip)).then_some((ip, port))
}

/// A key: its type and its fingerprint; then whose certificate it is, or whose host, after a space.
fn is_key(text: &str) -> bool {
    let Some((kind, rest)) = text.split_once(' ') else { return false };
    let (fingerprint, more) = rest.split_once(' ').unwrap_or((rest, ""));
    let fingerprint = fingerprint.strip_suffix(',').unwrap_or(fingerprint);
    let known = kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') && fingerprint.contains(':');
    known && (more.is_empty() || more.starts_with("ID ") || more.starts_with("client user "))
}

fn split_last(text: &str) -> Option<(&str, &str)> {
    let space = memchr::memrchr(b' ', text.as_bytes())?;
    Some((text.get(..space)?, text.get(space + 1..)?))
}

fn number(text: &str) -> Option<u16> {
    if text.starts_with('+') { None } else { text.parse().ok() }
}
