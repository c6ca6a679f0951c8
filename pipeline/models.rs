//! Model files: `data/models/<digest>.tfmodel`, named by their content, durable before anyone hears of them.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trustfold_model::{Model, ModelFileError, digest};
use trustfold_operators::feature_table::{FEATURE_VERSION, WIDTH};
use trustfold_operators::head::ModelHandle;

/// A model file cannot be written, read or trusted.
#[derive(Debug, thiserror::Error)]
pub enum ModelStoreError {
    /// The disk refused.
    #[error("could not {action} model file \"{}\": {source}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The bytes are not those that the name promises.
    #[error("model file \"{}\" is damaged; restore it from a copy, or start anew with another data directory", path.display())]
    Damaged {
        /// Where.
        path: PathBuf,
        /// What is wrong.
        source: Option<ModelFileError>,
    },
    /// Made by another version of the feature table.
    #[error("model file \"{}\" was made for feature table {found}; this build has {FEATURE_VERSION}", path.display())]
    OtherFeatures {
        /// Where.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
}

/// The directory of model files.
#[derive(Clone, Debug)]
pub struct ModelStore {
    dir: PathBuf,
}

impl ModelStore {
    /// In this directory, which is created.
    ///
    /// # Errors
    /// Where it cannot be.
    pub fn open(dir: &Path) -> Result<Self, ModelStoreError> {
        fs::create_dir_all(dir).map_err(|source| ModelStoreError::Io {
            action: "create the directory of",
            path: dir.into(),
            source,
        })?;
        Ok(Self { dir: dir.into() })
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.dir.join(format!("{digest}.tfmodel"))
    }

    /// Makes a model durable under its digest.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn save(&self, model: Model) -> Result<ModelHandle, ModelStoreError> {
        let bytes = model.encode();
        let name = digest(&bytes);
        let path = self.path(&name);
        let write = || -> std::io::Result<()> {
            let temporary = path.with_extension("tmp");
            let mut file = File::create(&temporary)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            File::open(&self.dir)?.sync_all()
        };
        write().map_err(|source| ModelStoreError::Io { action: "write", path: path.clone(), source })?;
        Ok(ModelHandle { digest: name.into(), model: Arc::new(model) })
    }

    /// Loads a model by its digest, and checks that it is that one.
    ///
    /// # Errors
    /// Where it is missing, damaged, or made for other features.
    pub fn load(&self, name: &str) -> Result<ModelHandle, ModelStoreError> {
        let path = self.path(name);
        let bytes = fs::read(&path).map_err(|source| ModelStoreError::Io { action: "read", path: path.clone(), source })?;
        if digest(&bytes) != name {
            return Err(ModelStoreError::Damaged { path, source: None });
        }
        let model = Model::decode(&bytes).map_err(|e| ModelStoreError::Damaged { path: path.clone(), source: Some(e) })?;
        let facts = model.facts();
        if facts.feature_version != FEATURE_VERSION || usize::from(facts.width) != WIDTH {
            return Err(ModelStoreError::OtherFeatures { path, found: facts.feature_version });
        }
        Ok(ModelHandle { digest: name.into(), model: Arc::new(model) })
    }

    /// How many model files there are.
    pub fn count(&self) -> usize {
        fs::read_dir(&self.dir)
            .map(|entries| entries.flatten().filter(|e| e.path().extension().is_some_and(|x| x == "tfmodel")).count())
            .unwrap_or(0)
    }

    /// The model files that there are now.
    ///
    /// # Errors
    /// Where the directory cannot be listed.
    pub fn list(&self) -> Result<Vec<PathBuf>, ModelStoreError> {
        let failed = |source| ModelStoreError::Io { action: "list", path: self.dir.clone(), source };
        fs::read_dir(&self.dir).map_err(failed)?.map(|entry| Ok(entry.map_err(failed)?.path())).collect()
    }

    /// Deletes the files of an earlier [`ModelStore::list`]; one that is gone already is no error.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn delete(files: &[PathBuf]) -> Result<(), ModelStoreError> {
        for path in files {
            match fs::remove_file(path) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(ModelStoreError::Io { action: "delete", path: path.clone(), source });
                }
                _ => {}
            }
        }
        Ok(())
    }
}
