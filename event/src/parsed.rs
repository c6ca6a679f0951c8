//! What a parser makes of one raw record: borrowed fields under their ECS meaning.

use crate::entity::EntityKind;
use crate::event::Event;
use crate::hash::HashKeys;
use crate::kind::{EventType, Kind, Outcome};
use crate::{EventId, EventTime, Stamp};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// Text of a record, borrowed where it stands there unescaped.
pub type Text<'a> = Option<Cow<'a, str>>;

/// The fields that trustfold knows, by ECS 9.4 name.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed<'a> {
    /// One of the eight, or a log line.
    pub kind: Kind,
    /// `event.outcome`.
    pub outcome: Outcome,
    /// `@timestamp`; `None` where the record says none, and then the receive stamp stands in.
    pub time: Option<EventTime>,
    /// `event.id`, where the sender gave one.
    pub id: Text<'a>,
    /// `user.name`.
    pub user: Text<'a>,
    /// `user.effective.name`: whom sudo or su acted as.
    pub effective_user: Text<'a>,
    /// `host.name`.
    pub host: Text<'a>,
    /// `source.ip`.
    pub source_ip: Text<'a>,
    /// `source.port`.
    pub source_port: Option<u16>,
    /// `destination.ip`.
    pub destination_ip: Text<'a>,
    /// `destination.port`.
    pub destination_port: Option<u16>,
    /// `process.name`.
    pub process: Text<'a>,
    /// `process.pid`.
    pub pid: Option<u32>,
    /// `process.exit_code`.
    pub exit_code: Option<i32>,
    /// `process.executable`, or `file.path` for a file change.
    pub path: Text<'a>,
    /// `process.command_line`.
    pub command: Text<'a>,
    /// `process.working_directory`.
    pub working_directory: Text<'a>,
    /// `event.reason`: why it failed, where the record says so.
    pub reason: Text<'a>,
    /// `labels.sender_session`: the sender's own session, not ours.
    pub sender_session: Text<'a>,
    /// `message`: the text of a syslog line.
    pub message: Text<'a>,
}

impl Parsed<'_> {
    /// A record of this kind with nothing known about it.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            outcome: Outcome::Unknown,
            time: None,
            id: None,
            user: None,
            effective_user: None,
            host: None,
            source_ip: None,
            source_port: None,
            destination_ip: None,
            destination_port: None,
            process: None,
            pid: None,
            exit_code: None,
            path: None,
            command: None,
            working_directory: None,
            reason: None,
            sender_session: None,
            message: None,
        }
    }
}

fn text<'t>(field: &'t Text<'_>) -> &'t str {
    field.as_deref().unwrap_or("")
}

impl Parsed<'_> {
    /// Whose behaviour this is: the user, else the host, else the source address, else `ip:unknown`.
    pub fn entity(&self) -> (EntityKind, &str) {
        match (text(&self.user), text(&self.host)) {
            ("", "") if text(&self.source_ip).is_empty() => (EntityKind::Ip, "unknown"),
            ("", "") => (EntityKind::Ip, text(&self.source_ip)),
            ("", host) => (EntityKind::Host, host),
            (user, _) => (EntityKind::User, user),
        }
    }

    /// What was acted with or on: the command of a sudo, else the process, else the path.
    pub fn object(&self) -> &str {
        match self.kind {
            Kind::Core(EventType::SudoCommand) => text(&self.command),
            _ if self.process.is_some() => text(&self.process),
            _ => text(&self.path),
        }
    }

    /// The other side: the destination of a connection, else where the actor came from.
    pub fn peer(&self) -> &str {
        match self.kind {
            Kind::Core(EventType::NetworkConnection) if self.destination_ip.is_some() => text(&self.destination_ip),
            _ => text(&self.source_ip),
        }
    }

    /// The small event that travels through the dataflow. `index` is its place in the frame.
    ///
    /// An event time more than [`Event::AHEAD_MAX_MICROS`] ahead of the receive stamp is clamped to it.
    #[inline]
    pub fn to_event(&self, index: u32, keys: &HashKeys, stamp: Stamp) -> Event {
        let (entity_kind, entity) = self.entity();
        let time = match self.time {
            Some(time) if time.0 - stamp.0 <= Event::AHEAD_MAX_MICROS => time,
            _ => EventTime(stamp.0),
        };
        let kind = self.kind.core().map_or(15, |t| t as u8);
        Event {
            time,
            entity: keys.name(entity_kind as u8, entity),
            host: self.host.as_deref().map_or(0, |h| keys.name(EntityKind::Host as u8, h)),
            object: keys.name(16 + kind, self.object()),
            peer: keys.name(8, self.peer()),
            index,
            port: self.destination_port.unwrap_or(0),
            kind: self.kind,
            outcome: self.outcome,
        }
    }

    /// The ECS document, with nested objects, as the API, the archive and the dashboard show it.
    pub fn to_ecs(&self, id: EventId, stamp: Stamp, dataset: &str) -> Value {
        let mut root = Map::new();
        let time = self.time.map_or_else(|| stamp.to_string(), |t| t.to_string());
        let (category, types) = self.kind.core().map_or(("host", &["info"][..]), EventType::ecs);
        let mut event = json!({
            "id": id.to_string(), "kind": "event", "category": [category], "type": types,
            "action": self.kind.name(), "outcome": self.outcome.name(), "dataset": dataset,
            "ingested": stamp.to_string(),
        });
        if let Some(reason) = &self.reason {
            event["reason"] = json!(reason);
        }
        if let Some(theirs) = &self.id {
            event["original_id"] = json!(theirs);
        }
        root.insert("@timestamp".into(), json!(time));
        root.insert("event".into(), event);
        let mut group = |name: &str, fields: &[(&str, Option<Value>)]| {
            let held: Map<String, Value> = fields.iter().filter_map(|(k, v)| Some(((*k).to_owned(), v.clone()?))).collect();
            if !held.is_empty() {
                root.insert(name.into(), Value::Object(held));
            }
        };
        let t = |field: &Text<'_>| field.as_ref().map(|s| json!(s));
        let is_file = self.kind == Kind::Core(EventType::FileChange);
        group("host", &[("name", t(&self.host))]);
        group("user", &[("name", t(&self.user)), ("effective", self.effective_user.as_ref().map(|n| json!({ "name": n })))]);
        group("source", &[("ip", t(&self.source_ip)), ("port", self.source_port.map(|p| json!(p)))]);
        group("destination", &[("ip", t(&self.destination_ip)), ("port", self.destination_port.map(|p| json!(p)))]);
        group(
            "process",
            &[
                ("name", t(&self.process)),
                ("pid", self.pid.map(|p| json!(p))),
                ("exit_code", self.exit_code.map(|c| json!(c))),
                ("executable", if is_file { None } else { t(&self.path) }),
                ("command_line", t(&self.command)),
                ("working_directory", t(&self.working_directory)),
            ],
        );
        group("file", &[("path", if is_file { t(&self.path) } else { None })]);
        group("labels", &[("sender_session", t(&self.sender_session))]);
        if let Some(message) = &self.message {
            root.insert("message".into(), json!(message));
        }
        Value::Object(root)
    }

    /// One sentence for people: what happened.
    pub fn summary(&self) -> String {
        let or = |s: &str, fallback: &str| if s.is_empty() { fallback.to_owned() } else { s.to_owned() };
        match self.kind {
            Kind::Core(EventType::ProcessStart) => format!("{} started", or(text(&self.process), "a process")),
            Kind::Core(EventType::ProcessEnd) => match self.exit_code {
                Some(code) => format!("{} ended with code {code}", or(text(&self.process), "a process")),
                None => format!("{} ended", or(text(&self.process), "a process")),
            },
            Kind::Core(EventType::NetworkConnection) => {
                let port = self.destination_port.map(|p| format!(":{p}")).unwrap_or_default();
                format!("{} to {}{port}", or(text(&self.process), "connection"), or(text(&self.destination_ip), "unknown"))
            }
            Kind::Core(EventType::SudoCommand) => format!("sudo {}", text(&self.command)),
            Kind::Core(EventType::FileChange) => format!("{} changed", or(text(&self.path), "a file")),
            Kind::Core(EventType::Login) => format!("login from {}", or(text(&self.source_ip), "this host")),
            Kind::Core(EventType::Logout) => format!("logout from {}", or(text(&self.source_ip), "this host")),
            Kind::Core(EventType::AuthFailure) => format!("failed login from {}", or(text(&self.source_ip), "this host")),
            Kind::Log => or(text(&self.message), "log line"),
        }
    }
}
