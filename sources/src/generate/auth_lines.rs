//! The login, logout, auth_failure and sudo_command records as lines of OpenSSH and sudo.

use super::record::{Record, write_number, write_time, write_two};
use trustfold_event::kind::EventType;

/// Facility authpriv (10) with severity informational (6) and notice (5): RFC 5424 §6.2.1.
const AUTHPRIV_INFO: &[u8] = b"<86>";
const AUTHPRIV_NOTICE: &[u8] = b"<85>";

const MONTHS: [&[u8]; 12] = [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// Appends the record as an RFC 5424 message, without the end of the line. False, and nothing written, where it is none
/// of the four.
pub fn to_syslog_5424(record: &Record, out: &mut Vec<u8>) -> bool {
    let Some((program, severity)) = program(record) else { return false };
    out.extend_from_slice(severity);
    out.extend_from_slice(b"1 ");
    write_time(record.time, out);
    out.push(b' ');
    out.extend_from_slice(record.host.as_bytes());
    out.push(b' ');
    out.extend_from_slice(program);
    out.push(b' ');
    write_number(process_id(record), out);
    out.extend_from_slice(b" - - ");
    message(record, out);
    true
}

/// Appends the record as an RFC 3164 message, without the end of the line; its time is in UTC and has no year. False, and
/// nothing written, where it is none of the four.
pub fn to_syslog_3164(record: &Record, out: &mut Vec<u8>) -> bool {
    let Some((program, severity)) = program(record) else { return false };
    let time = record.time.civil();
    out.extend_from_slice(severity);
    out.extend_from_slice(MONTHS[(time.month as usize + 11) % 12]);
    out.push(b' ');
    if time.day < 10 {
        out.push(b' ');
    }
    write_number(u64::from(time.day), out);
    for (separator, part) in [(b' ', time.hour), (b':', time.minute), (b':', time.second)] {
        out.push(separator);
        write_two(part, out);
    }
    out.push(b' ');
    // RFC 3164 §4.1.2: the host's name without its domain.
    out.extend_from_slice(record.host.split('.').next().unwrap_or("").as_bytes());
    out.push(b' ');
    out.extend_from_slice(program);
    out.push(b'[');
    write_number(process_id(record), out);
    out.extend_from_slice(b"]: ");
    message(record, out);
    true
}

/// The program that says it and its PRI.
fn program(record: &Record) -> Option<(&'static [u8], &'static [u8])> {
    match record.event_type {
        EventType::Login | EventType::Logout | EventType::AuthFailure => Some((b"sshd", AUTHPRIV_INFO)),
        EventType::SudoCommand => Some((b"sudo", AUTHPRIV_NOTICE)),
        EventType::ProcessStart | EventType::ProcessEnd | EventType::NetworkConnection | EventType::FileChange => None,
    }
}

/// The same within a session, as a daemon's child has one.
fn process_id(record: &Record) -> u64 {
    1000 + (record.session_id.unwrap_or(0) & 0x7fff) as u64
}

fn message(record: &Record, out: &mut Vec<u8>) {
    let user = record.user.as_bytes();
    let failed = record.success == Some(false);
    if record.event_type == EventType::SudoCommand {
        out.extend_from_slice(user);
        out.extend_from_slice(if failed { b" : command not allowed ; TTY=pts/" } else { b" : TTY=pts/" });
        write_number(process_id(record) % 8, out);
        out.extend_from_slice(b" ; PWD=/home/");
        out.extend_from_slice(user);
        out.extend_from_slice(b" ; USER=root ; COMMAND=");
        out.extend_from_slice(record.command.as_bytes());
        return;
    }
    out.extend_from_slice(match record.event_type {
        EventType::Login => b"Accepted password for ",
        EventType::AuthFailure => b"Failed password for ",
        _ => b"Disconnected from user ",
    });
    out.extend_from_slice(user);
    let from: &[u8] = if record.event_type == EventType::Logout { b" " } else { b" from " };
    out.extend_from_slice(from);
    out.extend_from_slice(record.src_ip.as_bytes());
    out.extend_from_slice(b" port ");
    write_number(32_768 + (record.session_id.unwrap_or(0) >> 96) as u64 % 28_000, out);
    if record.event_type != EventType::Logout {
        out.extend_from_slice(b" ssh2");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trustfold_event::EventTime;

    fn lines(record: &Record) -> Option<[String; 2]> {
        let (mut new, mut old) = (Vec::new(), Vec::new());
        let written = (to_syslog_5424(record, &mut new), to_syslog_3164(record, &mut old));
        assert_eq!(written.0, written.1);
        assert_eq!(written.0, !new.is_empty());
        written.0.then(|| [String::from_utf8(new).unwrap(), String::from_utf8(old).unwrap()])
    }

    #[test]
    fn the_four_and_no_others() {
        let mut record = Record {
            time: EventTime::parse("2026-03-02T08:09:10.123Z").unwrap(),
            event_type: EventType::Login,
            user: "ada.abe".into(),
            host: "ws-00042.example.net".into(),
            src_ip: "192.0.2.7".into(),
            command: "/usr/sbin/reboot".into(),
            success: Some(true),
            session_id: Some(42),
            ..Record::default()
        };
        let expected = [
            "<86>1 2026-03-02T08:09:10.123Z ws-00042.example.net sshd 1042 - - Accepted password for ada.abe from 192.0.2.7 port 32768 ssh2",
            "<86>Mar  2 08:09:10 ws-00042 sshd[1042]: Accepted password for ada.abe from 192.0.2.7 port 32768 ssh2",
        ];
        assert_eq!(lines(&record).unwrap(), expected);
        record.event_type = EventType::Logout;
        assert!(lines(&record).unwrap()[1].ends_with("sshd[1042]: Disconnected from user ada.abe 192.0.2.7 port 32768"));
        record.event_type = EventType::SudoCommand;
        assert!(
            lines(&record).unwrap()[0]
                .ends_with("ada.abe : TTY=pts/2 ; PWD=/home/ada.abe ; USER=root ; COMMAND=/usr/sbin/reboot")
        );
        record.success = Some(false);
        assert!(lines(&record).unwrap()[0].contains("ada.abe : command not allowed ; TTY=pts/2 ;"));
        record.event_type = EventType::AuthFailure;
        assert!(lines(&record).unwrap()[0].contains("Failed password for ada.abe from 192.0.2.7 port 32768 ssh2"));
        record.event_type = EventType::FileChange;
        assert_eq!(lines(&record), None);
    }
}
