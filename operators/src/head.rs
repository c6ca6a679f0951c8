//! What every operator learns of an epoch: its stamp, its keys, and the control that ends it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;
use trustfold_event::control::{Control, ControlRecord};
use trustfold_event::hash::HashKeys;
use trustfold_event::{Epoch, EventId, Stamp};
use trustfold_model::Model;

/// One for each epoch, broadcast to all workers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Head {
    /// The epoch.
    pub epoch: Epoch,
    /// The process that wrote its frame.
    pub process: u16,
    /// When the frame was taken in.
    pub stamp: Stamp,
    /// The generation's hash keys.
    pub keys: HashKeys,
    /// What ends the epoch; it takes effect after the epoch's events.
    pub control: Option<Arc<ControlRecord>>,
    /// The model, where the control announces one. Operators do no I/O, so it comes along, loaded by its digest.
    pub model: Option<ModelHandle>,
}

impl Head {
    /// The control that ends the epoch, if any.
    pub fn control(&self) -> Option<&Control> {
        self.control.as_deref().map(|record| &record.control)
    }

    /// The id of the epoch's control: sessions and marks that it begins are named so.
    pub fn control_id(&self) -> EventId {
        EventId { process: self.process, ..EventId::of_control(self.epoch) }
    }
}

/// A model shared by all workers of a process; between processes it travels as its file's bytes.
#[derive(Clone, Debug)]
pub struct ModelHandle {
    /// Its digest.
    pub digest: Arc<str>,
    /// The model.
    pub model: Arc<Model>,
}

impl Serialize for ModelHandle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&*self.digest, self.model.encode()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ModelHandle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (digest, bytes) = <(String, Vec<u8>)>::deserialize(deserializer)?;
        let model = Model::decode(&bytes).map_err(serde::de::Error::custom)?;
        Ok(Self { digest: digest.into(), model: Arc::new(model) })
    }
}
