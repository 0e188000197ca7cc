//! Reads a model folder: `config.json` and the tensors of `model.safetensors`.
//!
//! Keeps true: sizes are checked against the file before anything is allocated, so a broken file is an error and
//! never a panic.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use ibid_types::{Error, Result};
use serde::Deserialize;

/// Headers of real models are some tens of kilobytes.
const HEADER_BYTES_MAX: u64 = 16 << 20;
/// Read at once while numbers are converted.
const PIECE_BYTES: usize = 1 << 18;

/// The part of `config.json` that a BERT encoder needs.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    pub hidden_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub intermediate_size: usize,
    pub vocab_size: usize,
    pub max_position_embeddings: usize,
    #[serde(default = "layer_norm_eps_default")]
    pub layer_norm_eps: f32,
    #[serde(default)]
    pub hidden_act: String,
}

const fn layer_norm_eps_default() -> f32 {
    1e-12
}

impl Config {
    pub fn load(dir: &Path) -> Result<Self> {
        let path = dir.join("config.json");
        let bytes = std::fs::read(&path).map_err(|error| missing(&path, error))?;
        let config: Self = serde_json::from_slice(&bytes)
            .map_err(|error| corrupt(&path, "is not a model configuration").caused_by(error))?;
        config.check().map_err(|problem| corrupt(&path, problem))?;
        Ok(config)
    }

    fn check(&self) -> Result<(), &'static str> {
        let sizes = [self.hidden_size, self.intermediate_size, self.vocab_size, self.max_position_embeddings];
        if sizes.iter().any(|&size| size == 0 || size > 1 << 20) || self.num_hidden_layers > 128 {
            return Err("has sizes that no model of this kind has");
        }
        if self.num_attention_heads == 0 || !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return Err("has heads that do not divide the hidden size");
        }
        if !matches!(self.hidden_act.as_str(), "gelu" | "") {
            return Err("asks for an activation other than gelu, which is the only one built in");
        }
        Ok(())
    }
}

#[derive(Debug, Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
}

/// An open safetensors file.
#[derive(Debug)]
pub struct Tensors {
    path: PathBuf,
    file: File,
    data_start: u64,
    data_length: u64,
    entries: HashMap<String, Entry>,
    /// `bert.` in classifiers, nothing in plain encoders.
    prefix: &'static str,
}

impl Tensors {
    pub fn open(dir: &Path) -> Result<Self> {
        let path = dir.join("model.safetensors");
        let mut file = File::open(&path).map_err(|error| missing(&path, error))?;
        let length = file.metadata().map_err(|error| unreadable(&path, error))?.len();
        let mut size = [0; 8];
        file.read_exact(&mut size).map_err(|error| unreadable(&path, error))?;
        let header_length = u64::from_le_bytes(size);
        if header_length > HEADER_BYTES_MAX || 8 + header_length > length {
            return Err(corrupt(&path, "has a header longer than itself"));
        }
        let mut header = vec![0; header_length as usize];
        file.read_exact(&mut header).map_err(|error| unreadable(&path, error))?;
        let entries =
            read_header(&header).map_err(|error| corrupt(&path, "has a broken header").caused_by(error))?;
        let data_start = 8 + header_length;
        let prefix =
            if entries.contains_key("bert.embeddings.word_embeddings.weight") { "bert." } else { "" };
        Ok(Self { path, file, data_start, data_length: length - data_start, entries, prefix })
    }

    /// A tensor of the encoder, which must have exactly `shape`.
    pub fn encoder(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        self.load(&format!("{}{name}", self.prefix), shape)
    }

    /// A tensor by its full name.
    pub fn load(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let count: usize = shape.iter().product();
        let entry =
            self.entries.get(name).ok_or_else(|| corrupt(&self.path, &format!("lacks the tensor {name}")))?;
        let (start, end) = entry.data_offsets;
        let fits = end <= self.data_length && end.checked_sub(start) == Some(count as u64 * 4);
        if entry.dtype != "F32" || entry.shape != shape || !fits {
            return Err(corrupt(
                &self.path,
                &format!("holds {name} in another shape or type than 32-bit floats {shape:?}"),
            ));
        }
        let position = SeekFrom::Start(self.data_start + start);
        self.file
            .seek(position)
            .and_then(|_| read_floats(&mut self.file, count))
            .map_err(|error| unreadable(&self.path, error))
    }
}

fn read_header(header: &[u8]) -> Result<HashMap<String, Entry>, serde_json::Error> {
    let mut raw: HashMap<String, serde_json::Value> = serde_json::from_slice(header)?;
    raw.remove("__metadata__");
    raw.into_iter().map(|(name, value)| Ok((name, serde_json::from_value(value)?))).collect()
}

fn read_floats(file: &mut File, count: usize) -> std::io::Result<Vec<f32>> {
    let mut floats = Vec::with_capacity(count);
    let mut piece = vec![0; PIECE_BYTES.min(count * 4)];
    while floats.len() < count {
        let length = piece.len().min((count - floats.len()) * 4);
        file.read_exact(&mut piece[..length])?;
        floats.extend(piece[..length].as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)));
    }
    Ok(floats)
}

pub fn missing(path: &Path, error: std::io::Error) -> Error {
    Error::unavailable(
        "model_missing",
        format!("cannot read {}; fetch the model with `ibid models pull`", path.display()),
    )
    .caused_by(error)
}

pub fn corrupt(path: &Path, problem: &str) -> Error {
    Error::internal(
        "model_corrupt",
        format!("{} {problem}; fetch it again with `ibid models pull`", path.display()),
    )
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    corrupt(path, "cannot be read to its end").caused_by(error)
}
