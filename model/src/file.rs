//! The model file: `TFMODEL1`, format version, five sections in fixed order (tag, length, body), CRC32C of all before
//! it. Numbers are little-endian. Only what was grown is stored; path lengths and tables are derived on reading, so that
//! a file cannot contradict itself. Equal models have equal bytes.

use crate::forest::{Forest, ForestError, TREE_SAMPLE_MAX};
use crate::model::{Facts, Model};
use crate::quantiles::{Quantiles, QuantilesError};
use crate::rarity::Rarity;
use crate::tree::{Node, Tree};
use crate::usual::Usual;
use crate::wire::{Reader, section};
use sha2::{Digest, Sha256};
use trustfold_event::EventTime;

const MAGIC: [u8; 8] = *b"TFMODEL1";
const VERSION: u32 = 1;
/// In a node's place for its feature: this is a leaf.
const LEAF: u16 = u16::MAX;
/// Bytes of a node: feature or leaf, threshold or size.
const NODE: usize = 6;

/// The bytes are no model that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelFileError {
    /// It does not begin as a model file does.
    #[error("not a trustfold model file")]
    Magic,
    /// It was written by a version that this one does not know.
    #[error("model file format {0} is not supported")]
    Version(u32),
    /// It ends too early.
    #[error("the model file is truncated")]
    Truncated,
    /// Something follows where nothing may.
    #[error("the model file has bytes that belong to nothing")]
    Trailing,
    /// Its checksum is another.
    #[error("the model file's checksum does not hold")]
    Checksum,
    /// A section is not the one that must stand there.
    #[error("the model file lacks its section {0}")]
    Section(&'static str),
    /// A value is outside what can be.
    #[error("the model file's {0} cannot be")]
    Value(&'static str),
    /// The forest is broken.
    #[error("the model file's forest is broken: {0}")]
    Forest(#[from] ForestError),
    /// The quantiles are broken.
    #[error("the model file's quantiles are broken: {0}")]
    Quantiles(#[from] QuantilesError),
}

/// SHA-256 of a model's bytes, in hex: the model's name.
pub fn digest(bytes: &[u8]) -> String {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    Sha256::digest(bytes).iter().flat_map(|b| [b >> 4, b & 15]).map(|n| char::from(HEX[usize::from(n)])).collect()
}

/// Whether there is a time, and it.
pub(crate) fn time_bytes(time: EventTime) -> [u8; 9] {
    let mut bytes = [1; 9];
    bytes[1..].copy_from_slice(&time.0.to_le_bytes());
    bytes
}

impl Model {
    /// The model as bytes; see [`Model::decode`].
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(MAGIC);
        out.extend(VERSION.to_le_bytes());
        section(&mut out, *b"FACT", &facts_bytes(&self.facts));
        section(&mut out, *b"TREE", &forest_bytes(&self.forest));
        section(&mut out, *b"QUAN", &quantiles_bytes(&self.quantiles));
        section(&mut out, *b"USUL", &usual_bytes(&self.usual));
        section(&mut out, *b"RARE", self.rarity.eighths());
        out.extend(crc32c::crc32c(&out).to_le_bytes());
        out
    }

    /// Reads a model back, checking everything. What it reserves is bounded by the length of `bytes` and the largest
    /// forest there may be.
    ///
    /// # Errors
    /// The bytes are not a whole and sound model file of this format.
    pub fn decode(bytes: &[u8]) -> Result<Self, ModelFileError> {
        let mut reader = Reader(bytes);
        if reader.array()? != MAGIC {
            return Err(ModelFileError::Magic);
        }
        let version = reader.u32()?;
        if version != VERSION {
            return Err(ModelFileError::Version(version));
        }
        let (checked, sum) = bytes.split_last_chunk::<4>().ok_or(ModelFileError::Truncated)?;
        if crc32c::crc32c(checked) != u32::from_le_bytes(*sum) {
            return Err(ModelFileError::Checksum);
        }
        let facts = read_facts(body(&mut reader, "FACT")?)?;
        let forest = read_forest(body(&mut reader, "TREE")?, &facts)?;
        let quantiles = read_quantiles(body(&mut reader, "QUAN")?)?;
        let usual = read_usual(body(&mut reader, "USUL")?)?;
        let rarity = body(&mut reader, "RARE")?.0.to_vec();
        let rarity = Rarity::from_eighths(rarity).ok_or(ModelFileError::Value("rarity"))?;
        reader.array::<4>()?;
        reader.end()?;
        if u64::from(quantiles.count()) != facts.rows {
            return Err(ModelFileError::Value("number of training scores"));
        }
        if usual.points().len() != usize::from(facts.width) {
            return Err(ModelFileError::Value("usual values"));
        }
        Ok(Self { facts, forest, quantiles, usual, rarity, digest: digest(bytes) })
    }
}

fn body<'a>(reader: &mut Reader<'a>, tag: &'static str) -> Result<Reader<'a>, ModelFileError> {
    if reader.array::<4>()? != tag.as_bytes() {
        return Err(ModelFileError::Section(tag));
    }
    let length = usize::try_from(reader.u64()?).map_err(|_| ModelFileError::Truncated)?;
    reader.bytes(length).map(Reader)
}

fn facts_bytes(facts: &Facts) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(facts.trees.to_le_bytes());
    out.extend(facts.tree_sample.to_le_bytes());
    out.extend(facts.contamination.to_bits().to_le_bytes());
    out.extend(facts.seed.to_le_bytes());
    out.extend(facts.feature_version.to_le_bytes());
    out.extend(facts.width.to_le_bytes());
    for n in [facts.rows, facts.events, facts.entities, facts.marked_rows] {
        out.extend(n.to_le_bytes());
    }
    for time in [facts.first_event, facts.last_event] {
        out.extend(time.map_or([0; 9], time_bytes));
    }
    out.extend(facts.data_digest);
    out
}

fn read_facts(mut reader: Reader<'_>) -> Result<Facts, ModelFileError> {
    let r = &mut reader;
    let facts = Facts {
        trees: r.u32()?,
        tree_sample: r.u32()?,
        contamination: f64::from_bits(r.u64()?),
        seed: r.u64()?,
        feature_version: r.u32()?,
        width: r.u16()?,
        rows: r.u64()?,
        events: r.u64()?,
        entities: r.u64()?,
        marked_rows: r.u64()?,
        first_event: read_time(r)?,
        last_event: read_time(r)?,
        data_digest: r.array()?,
    };
    reader.end()?;
    if !(facts.contamination > 0.0 && facts.contamination <= 0.5) {
        return Err(ModelFileError::Value("contamination"));
    }
    if !(2..=TREE_SAMPLE_MAX).contains(&facts.tree_sample) {
        return Err(ModelFileError::Value("rows a tree"));
    }
    Ok(facts)
}

fn read_time(reader: &mut Reader<'_>) -> Result<Option<EventTime>, ModelFileError> {
    let (there, micros) = (reader.u8()?, reader.u64()? as i64);
    match (there, micros) {
        (0, 0) => Ok(None),
        (1, _) => Ok(Some(EventTime(micros))),
        _ => Err(ModelFileError::Value("event time")),
    }
}

fn forest_bytes(forest: &Forest) -> Vec<u8> {
    let mut out = Vec::new();
    for tree in forest.trees() {
        out.extend((tree.nodes.len() as u32).to_le_bytes());
        for node in &tree.nodes {
            let (what, bits) = match *node {
                Node::Split { feature, threshold } => (u16::from(feature), threshold.to_bits()),
                Node::Leaf { size } => (LEAF, size),
            };
            out.extend(what.to_le_bytes());
            out.extend(bits.to_le_bytes());
        }
    }
    out
}

/// Width, trees and rows a tree follow from the facts.
fn read_forest(mut reader: Reader<'_>, facts: &Facts) -> Result<Forest, ModelFileError> {
    let mut trees = Vec::new();
    for _ in 0..facts.trees {
        let count = reader.count(NODE)?;
        let mut nodes = Vec::with_capacity(count);
        for _ in 0..count {
            let (what, bits) = (reader.u16()?, reader.u32()?);
            nodes.push(match u8::try_from(what) {
                Ok(feature) => Node::Split { feature, threshold: f32::from_bits(bits) },
                Err(_) if what == LEAF => Node::Leaf { size: bits },
                Err(_) => return Err(ModelFileError::Value("node")),
            });
        }
        trees.push(Tree { nodes });
    }
    reader.end()?;
    let sample = u64::from(facts.tree_sample).min(facts.rows) as u32;
    Ok(Forest::from_trees(usize::from(facts.width), sample, trees)?)
}

fn quantiles_bytes(quantiles: &Quantiles) -> Vec<u8> {
    let mut out = (quantiles.ranks().len() as u32).to_le_bytes().to_vec();
    out.extend(quantiles.ranks().iter().flat_map(|r| r.to_le_bytes()));
    out.extend(quantiles.scores().iter().flat_map(|s| s.to_le_bytes()));
    out
}

fn read_quantiles(mut reader: Reader<'_>) -> Result<Quantiles, ModelFileError> {
    let count = reader.count(8)?;
    let ranks = (0..count).map(|_| reader.u32()).collect::<Result<_, _>>()?;
    let scores = (0..count).map(|_| reader.f32()).collect::<Result<_, _>>()?;
    reader.end()?;
    Ok(Quantiles::from_parts(ranks, scores)?)
}

fn usual_bytes(usual: &Usual) -> Vec<u8> {
    let mut out = (usual.points().len() as u32).to_le_bytes().to_vec();
    out.extend(usual.points().iter().flatten().flat_map(|x| x.to_le_bytes()));
    out
}

fn read_usual(mut reader: Reader<'_>) -> Result<Usual, ModelFileError> {
    let count = reader.count(12)?;
    let points = (0..count).map(|_| Ok([reader.f32()?, reader.f32()?, reader.f32()?])).collect::<Result<_, ModelFileError>>()?;
    reader.end()?;
    Usual::from_points(points).ok_or(ModelFileError::Value("usual values"))
}
