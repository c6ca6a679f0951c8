//! Makes models, off the workers.

use crate::models::{ModelStore, ModelStoreError};
use std::sync::Arc;
use trustfold_event::EventId;
use trustfold_event::control::Control;
use trustfold_event::settings::DecisionSettings;
use trustfold_model::{FitError, FitOptions, Model};
use trustfold_operators::feature_table::FEATURE_VERSION;
use trustfold_operators::head::ModelHandle;
use trustfold_operators::sample::{SamplePart, training_set};

/// What a model is asked to be made from.
#[derive(Clone, Debug)]
pub struct TrainingJob {
    /// Every worker's share.
    pub parts: Vec<Arc<SamplePart>>,
    /// Feature vectors that an admin called normal.
    pub marked: Vec<Vec<f32>>,
    /// The settings that decide.
    pub settings: DecisionSettings,
    /// The seed of sampling and growing.
    pub seed: u64,
}

impl TrainingJob {
    /// The control that asked for it, and the training session.
    pub fn asked_by(&self) -> Option<(EventId, EventId)> {
        self.parts.first().map(|part| (part.asked_by, part.session))
    }

    /// Fits the model. The same shares, marks and settings give the same bytes.
    ///
    /// # Errors
    /// Too few rows, or settings that no forest can be grown with.
    pub fn fit(&self) -> Result<Model, FitError> {
        let set = training_set(&self.parts, &self.marked);
        Model::fit(
            &set,
            FitOptions {
                trees: self.settings.trees,
                tree_sample: self.settings.tree_sample,
                contamination: self.settings.contamination,
                seed: self.seed,
                feature_version: FEATURE_VERSION,
            },
        )
    }

    /// Fits, makes the file durable, and says what to journal, with the model that it announces.
    ///
    /// # Errors
    /// Where the model file cannot be written. That nothing can be learnt from the rows is no error but a control.
    pub fn run(&self, models: &ModelStore) -> Result<(Control, Option<ModelHandle>), ModelStoreError> {
        let (asked_by, session) = self.asked_by().unwrap_or_default();
        match self.fit() {
            Ok(model) => {
                let handle = models.save(model)?;
                let card = handle.model.card();
                tracing::info!(model = %card.digest, rows = card.rows, events = card.events, threshold = card.threshold, "model trained");
                Ok((Control::ModelAnnounced { session, asked_by, card }, Some(handle)))
            }
            Err(cause) => {
                tracing::warn!("no model was made: {cause}");
                Ok((Control::TrainFailed { session, asked_by, reason: cause.to_string() }, None))
            }
        }
    }
}
