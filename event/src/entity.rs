//! Who or what trust is about: `kind:id`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// What sort of entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntityKind {
    /// A trustfold session: the whole of what is watched.
    Session,
    /// A person or account.
    User,
    /// A machine.
    Host,
    /// An address, where nothing better is known.
    Ip,
}

impl EntityKind {
    /// Its word before the colon.
    pub fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::User => "user",
            Self::Host => "host",
            Self::Ip => "ip",
        }
    }
}

/// An entity by kind and name, written `user:alice`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entity {
    /// What sort it is.
    pub kind: EntityKind,
    /// Its name, as the sender writes it.
    pub name: String,
}

impl Entity {
    /// An entity from its parts.
    pub fn new(kind: EntityKind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.name(), self.name)
    }
}

/// The text is not of the form `kind:name` with a known kind.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("\"{0}\" is not an entity; write user:NAME, host:NAME, ip:ADDRESS or session:ID")]
pub struct NotAnEntity(pub String);

impl FromStr for Entity {
    type Err = NotAnEntity;

    fn from_str(text: &str) -> Result<Self, NotAnEntity> {
        let wrong = || NotAnEntity(text.chars().take(64).collect());
        let (kind, name) = text.split_once(':').ok_or_else(wrong)?;
        let kind = [EntityKind::Session, EntityKind::User, EntityKind::Host, EntityKind::Ip]
            .into_iter()
            .find(|k| k.name() == kind)
            .ok_or_else(wrong)?;
        if name.is_empty() {
            return Err(wrong());
        }
        Ok(Self::new(kind, name))
    }
}

impl Serialize for Entity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Entity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
