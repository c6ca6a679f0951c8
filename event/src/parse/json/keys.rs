//! From a member's name to what it means, in the flat shape and in ECS, dotted and nested.

/// A field that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Timestamp,
    EventType,
    TrustfoldEventType,
    Action,
    Outcome,
    Success,
    Id,
    Reason,
    User,
    EffectiveUser,
    Host,
    Hostname,
    SourceIp,
    SourcePort,
    DestinationIp,
    DestinationPort,
    Process,
    Pid,
    ExitCode,
    Path,
    FilePath,
    Command,
    WorkingDirectory,
    SenderSession,
    Message,
}

impl Field {
    /// Its ECS name, for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Timestamp => "@timestamp",
            Self::EventType => "event_type",
            Self::TrustfoldEventType => "trustfold.event_type",
            Self::Action => "event.action",
            Self::Outcome => "event.outcome",
            Self::Success => "success",
            Self::Id => "event.id",
            Self::Reason => "event.reason",
            Self::User => "user.name",
            Self::EffectiveUser => "user.effective.name",
            Self::Host => "host.name",
            Self::Hostname => "host.hostname",
            Self::SourceIp => "source.ip",
            Self::SourcePort => "source.port",
            Self::DestinationIp => "destination.ip",
            Self::DestinationPort => "destination.port",
            Self::Process => "process.name",
            Self::Pid => "process.pid",
            Self::ExitCode => "process.exit_code",
            Self::Path => "process.executable",
            Self::FilePath => "file.path",
            Self::Command => "process.command_line",
            Self::WorkingDirectory => "process.working_directory",
            Self::SenderSession => "labels.sender_session",
            Self::Message => "message",
        }
    }
}

/// An object whose members are read.
///
/// **Invariant:** none leads back to itself or to one above it, so reading them nests at most four deep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Root,
    Metadata,
    Event,
    User,
    EffectiveUser,
    Host,
    Source,
    Destination,
    Process,
    File,
    Labels,
    Trustfold,
}

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A field.
    Leaf(Field),
    /// An object with fields in it; skipped where it is no object.
    Scope(Scope),
    /// An object with fields in it, or else a field.
    Either(Scope, Field),
    /// Nothing that is read.
    Unknown,
}

/// What a member of `scope` is.
#[inline]
pub(super) fn lookup(scope: Scope, name: &str) -> Target {
    match scope {
        Scope::Root => root(name),
        Scope::Metadata => match root(name) {
            Target::Scope(Scope::Metadata) => Target::Unknown,
            target => target,
        },
        _ => nested(scope, name),
    }
}

/// By length first: within one length a comparison is a load or two.
#[inline]
fn root(name: &str) -> Target {
    use Field as F;
    use Target::{Either, Leaf, Unknown};
    match name.len() {
        2 => match name {
            "id" => Leaf(F::Id),
            _ => Unknown,
        },
        3 => match name {
            "pid" => Leaf(F::Pid),
            "cwd" => Leaf(F::WorkingDirectory),
            _ => Unknown,
        },
        4 => match name {
            "user" => Either(Scope::User, F::User),
            "host" => Either(Scope::Host, F::Host),
            "path" => Leaf(F::Path),
            "file" => Target::Scope(Scope::File),
            _ => Unknown,
        },
        5 => match name {
            "event" => Target::Scope(Scope::Event),
            _ => Unknown,
        },
        6 => match name {
            "src_ip" => Leaf(F::SourceIp),
            "dst_ip" => Leaf(F::DestinationIp),
            "reason" => Leaf(F::Reason),
            "source" => Target::Scope(Scope::Source),
            "labels" => Target::Scope(Scope::Labels),
            _ => Unknown,
        },
        7 => match name {
            "command" => Leaf(F::Command),
            "success" => Leaf(F::Success),
            "process" => Either(Scope::Process, F::Process),
            "message" => Leaf(F::Message),
            "outcome" => Leaf(F::Outcome),
            "dest_ip" => Leaf(F::DestinationIp),
            _ => Unknown,
        },
        8 => match name {
            "dst_port" => Leaf(F::DestinationPort),
            "src_port" => Leaf(F::SourcePort),
            "event_id" | "event.id" => Leaf(F::Id),
            "username" => Leaf(F::User),
            "hostname" => Leaf(F::Hostname),
            "metadata" => Target::Scope(Scope::Metadata),
            _ => Unknown,
        },
        9 => match name {
            "timestamp" => Leaf(F::Timestamp),
            "user.name" | "user_name" => Leaf(F::User),
            "host.name" => Leaf(F::Host),
            "source.ip" | "source_ip" => Leaf(F::SourceIp),
            "exit_code" => Leaf(F::ExitCode),
            "file.path" | "file_path" => Leaf(F::FilePath),
            "dest_port" => Leaf(F::DestinationPort),
            "trustfold" => Target::Scope(Scope::Trustfold),
            _ => Unknown,
        },
        _ => root_long(name),
    }
}

fn root_long(name: &str) -> Target {
    use Field as F;
    use Target::{Either, Leaf, Unknown};
    match name.len() {
        10 => match name {
            "event_type" => Leaf(F::EventType),
            "session_id" => Leaf(F::SenderSession),
            "@timestamp" => Leaf(F::Timestamp),
            _ => Unknown,
        },
        11 => match name {
            "process.pid" => Leaf(F::Pid),
            "source.port" | "source_port" => Leaf(F::SourcePort),
            "destination" => Either(Scope::Destination, F::DestinationIp),
            "remote_port" => Leaf(F::DestinationPort),
            _ => Unknown,
        },
        12 => match name {
            "process_name" | "process.name" => Leaf(F::Process),
            "event.action" => Leaf(F::Action),
            "event.reason" => Leaf(F::Reason),
            "command_line" => Leaf(F::Command),
            _ => Unknown,
        },
        13 => match name {
            "event.outcome" => Leaf(F::Outcome),
            "host.hostname" => Leaf(F::Hostname),
            _ => Unknown,
        },
        14 => match name {
            "destination.ip" | "destination_ip" | "remote_address" => Leaf(F::DestinationIp),
            "effective_user" => Leaf(F::EffectiveUser),
            "user.effective" => Target::Scope(Scope::EffectiveUser),
            "event_metadata" => Target::Scope(Scope::Metadata),
            _ => Unknown,
        },
        16 => match name {
            "destination.port" | "destination_port" => Leaf(F::DestinationPort),
            _ => Unknown,
        },
        _ => match name {
            "process.exit_code" => Leaf(F::ExitCode),
            "working_directory" => Leaf(F::WorkingDirectory),
            "process.executable" => Leaf(F::Path),
            "user.effective.name" => Leaf(F::EffectiveUser),
            "process.command_line" => Leaf(F::Command),
            "trustfold.event_type" => Leaf(F::TrustfoldEventType),
            "labels.sender_session" => Leaf(F::SenderSession),
            "process.working_directory" => Leaf(F::WorkingDirectory),
            _ => Unknown,
        },
    }
}

fn nested(scope: Scope, name: &str) -> Target {
    use Field as F;
    let field = match (scope, name) {
        (Scope::Event, "id") => F::Id,
        (Scope::Event, "action") => F::Action,
        (Scope::Event, "outcome") => F::Outcome,
        (Scope::Event, "reason") => F::Reason,
        (Scope::User, "name") => F::User,
        (Scope::User, "effective") => return Target::Scope(Scope::EffectiveUser),
        (Scope::User, "effective.name") | (Scope::EffectiveUser, "name") => F::EffectiveUser,
        (Scope::Host, "name") => F::Host,
        (Scope::Host, "hostname") => F::Hostname,
        (Scope::Source, "ip") => F::SourceIp,
        (Scope::Source, "port") => F::SourcePort,
        (Scope::Destination, "ip") => F::DestinationIp,
        (Scope::Destination, "port") => F::DestinationPort,
        (Scope::Process, "name") => F::Process,
        (Scope::Process, "pid") => F::Pid,
        (Scope::Process, "exit_code") => F::ExitCode,
        (Scope::Process, "executable") => F::Path,
        (Scope::Process, "command_line") => F::Command,
        (Scope::Process, "working_directory") => F::WorkingDirectory,
        (Scope::File, "path") => F::FilePath,
        (Scope::Labels, "sender_session") => F::SenderSession,
        (Scope::Trustfold, "event_type") => F::TrustfoldEventType,
        _ => return Target::Unknown,
    };
    Target::Leaf(field)
}
