//! Decisions out: the document store, and the archive of events.

pub mod archive;
pub mod hub;
pub mod store;

use trustfold_event::entity::{Entity, EntityKind};

/// An entity from its stored text. Unlike [`Entity::from_str`](std::str::FromStr) it takes an empty name, because what
/// was once written must be read.
fn stored_entity(text: &str) -> Option<Entity> {
    let (kind, name) = text.split_once(':')?;
    let kinds = [EntityKind::Session, EntityKind::User, EntityKind::Host, EntityKind::Ip];
    Some(Entity::new(*kinds.iter().find(|k| k.name() == kind)?, name))
}
