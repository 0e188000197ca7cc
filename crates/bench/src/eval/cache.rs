//! Vectors kept between runs: one file a model, records of the text's hash and its numbers.
//!
//! Keeps true: a vector is found by its whole text and its model only; a record cut off by a crash is dropped.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use ibid_model::EmbedderSpec;
use ibid_types::{Error, Result};

const HASH_BYTES: usize = 32;

type Hash = [u8; HASH_BYTES];

/// Known vectors, and the file that new ones are appended to.
#[derive(Debug)]
pub struct Cache {
    known: HashMap<Hash, Vec<f32>>,
    file: Option<File>,
    dimensions: usize,
}

impl Cache {
    /// Opens the model's file in `folder`, or keeps nothing without one.
    pub fn open(folder: Option<&Path>, spec: &EmbedderSpec) -> Result<Self> {
        let mut cache = Self { known: HashMap::new(), file: None, dimensions: spec.dimensions };
        if let Some(folder) = folder {
            let opened = fs::create_dir_all(folder).and_then(|()| cache.load(&folder.join(file_name(spec))));
            opened.map_err(|error| failed("open").caused_by(error))?;
        }
        Ok(cache)
    }

    pub fn find(&self, text: &str) -> Option<&Vec<f32>> {
        self.known.get(blake3::hash(text.as_bytes()).as_bytes())
    }

    /// Keeps the vectors; what is in the file is there for the next run.
    pub fn add(&mut self, entries: Vec<(&str, Vec<f32>)>) -> Result<()> {
        let mut bytes = Vec::with_capacity(entries.len() * self.record_bytes());
        for (text, vector) in entries {
            let hash = *blake3::hash(text.as_bytes()).as_bytes();
            bytes.extend_from_slice(&hash);
            bytes.extend(vector.iter().flat_map(|number| number.to_le_bytes()));
            self.known.insert(hash, vector);
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        file.write_all(&bytes).map_err(|error| failed("write").caused_by(error))
    }

    const fn record_bytes(&self) -> usize {
        HASH_BYTES + self.dimensions * 4
    }

    fn load(&mut self, path: &Path) -> std::io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).read(true).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let records = bytes.chunks_exact(self.record_bytes());
        file.set_len((bytes.len() - records.remainder().len()) as u64)?;
        for record in records {
            let (hash, numbers) = record.split_at(HASH_BYTES);
            let vector =
                numbers.chunks_exact(4).filter_map(|four| Some(f32::from_le_bytes(four.try_into().ok()?)));
            self.known.extend(Hash::try_from(hash).ok().map(|hash| (hash, vector.collect())));
        }
        self.file = Some(file);
        Ok(())
    }
}

/// Readable, and different for models whose names differ only in other signs.
fn file_name(spec: &EmbedderSpec) -> String {
    let readable: String = spec.id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let hash = blake3::hash(spec.id.as_bytes()).to_hex();
    format!("{readable}-{}-{}.vectors", &hash[..8], spec.dimensions)
}

fn failed(verb: &str) -> Error {
    let what = format!("cannot {verb} the cache of embeddings; name another folder or none");
    Error::unavailable("eval_cache", what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(id: &str) -> EmbedderSpec {
        EmbedderSpec { id: id.to_owned(), dimensions: 2, tokens_max: 8 }
    }

    #[test]
    fn vectors_are_found_again_by_text_and_model() {
        let dir = tempfile::tempdir().unwrap();
        let mut cache = Cache::open(Some(dir.path()), &spec("a/b")).unwrap();
        cache.add(vec![("one", vec![1.0, 0.5]), ("two", vec![0.0, 2.0])]).unwrap();
        let again = Cache::open(Some(dir.path()), &spec("a/b")).unwrap();
        assert_eq!(again.find("one"), Some(&vec![1.0, 0.5]));
        assert_eq!(again.find("three"), None);
        assert_eq!(Cache::open(Some(dir.path()), &spec("a-b")).unwrap().find("one"), None);
    }

    #[test]
    fn a_record_cut_off_is_dropped_and_written_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut cache = Cache::open(Some(dir.path()), &spec("m")).unwrap();
        cache.add(vec![("one", vec![1.0, 0.5]), ("two", vec![0.0, 2.0])]).unwrap();
        let path = dir.path().join(file_name(&spec("m")));
        let length = fs::metadata(&path).unwrap().len();
        OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 3).unwrap();
        let mut cache = Cache::open(Some(dir.path()), &spec("m")).unwrap();
        assert_eq!((cache.find("two"), cache.known.len()), (None, 1));
        cache.add(vec![("two", vec![0.0, 3.0])]).unwrap();
        assert_eq!(Cache::open(Some(dir.path()), &spec("m")).unwrap().find("two"), Some(&vec![0.0, 3.0]));
    }

    #[test]
    fn without_a_folder_nothing_is_written() {
        let mut cache = Cache::open(None, &spec("m")).unwrap();
        cache.add(vec![("one", vec![1.0, 0.5])]).unwrap();
        assert!(cache.find("one").is_some() && cache.file.is_none());
    }
}
