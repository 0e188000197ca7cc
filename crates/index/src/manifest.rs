//! The manifest: the one commit point of a generation.
//!
//! Keeps true: it is replaced atomically and last, after everything it counts is on disk. What the files hold
//! beyond it was never committed.

use std::fs;
use std::path::Path;

use ibid_types::Result;
use serde::{Deserialize, Serialize};

use crate::column::replace_file;
use crate::fault;

/// The layout of the files. Another number means another program wrote them: they are rebuilt.
const FORMAT: u32 = 2;

/// What is committed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    /// The embedder that made the vectors.
    pub(crate) model: String,
    pub(crate) dimensions: usize,
    /// Feed entries up to this one are applied.
    pub(crate) position: i64,
    /// Slots given out, the dead among them.
    pub(crate) slots: u32,
    /// Bytes of the document log.
    pub(crate) log_bytes: u64,
    /// Checksums of the rows of chunks and of vectors; none where a former program wrote them.
    #[serde(default)]
    pub(crate) sums: Option<(u32, u32)>,
}

impl Manifest {
    pub(crate) fn new(model: &str, dimensions: usize) -> Self {
        Self { format: FORMAT, model: model.to_owned(), dimensions, ..Self::default() }
    }

    /// Reads the manifest; `None` where there is none yet.
    pub(crate) fn load(path: &Path) -> Result<Option<Self>> {
        match fs::read(path) {
            Ok(bytes) => Self::parse(&bytes).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(fault::write("read the index manifest", error)),
        }
    }

    pub(crate) fn store(&self, path: &Path) -> Result<()> {
        let body = serde_json::to_string(self)
            .map_err(|error| fault::broken("the manifest cannot be written").caused_by(error))?;
        replace_file(path, format!("{:08x}\n{body}\n", crc32fast::hash(body.as_bytes())).as_bytes())
    }

    fn parse(bytes: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).ok();
        let parts = text.and_then(|text| text.trim_end().split_once('\n'));
        let (sum, body) = parts.ok_or_else(|| fault::broken("the manifest is not one"))?;
        if sum != format!("{:08x}", crc32fast::hash(body.as_bytes())) {
            return Err(fault::broken("the manifest is damaged"));
        }
        let manifest: Self = serde_json::from_str(body)
            .map_err(|error| fault::broken("the manifest cannot be read").caused_by(error))?;
        if manifest.format != FORMAT {
            return Err(fault::broken(format!("its format is {}, not {FORMAT}", manifest.format)));
        }
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_loaded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("manifest");
        assert_eq!(Manifest::load(&path).unwrap(), None);
        let manifest = Manifest { position: 7, ..Manifest::new("m", 3) };
        manifest.store(&path).unwrap();
        assert_eq!(Manifest::load(&path).unwrap(), Some(manifest));
    }

    #[test]
    fn a_changed_byte_or_another_format_is_broken() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("manifest");
        Manifest { format: 9, ..Manifest::new("m", 3) }.store(&path).unwrap();
        assert_eq!(Manifest::load(&path).unwrap_err().code, "index_broken");
        fs::write(&path, "00000000\n{}\n").unwrap();
        assert_eq!(Manifest::load(&path).unwrap_err().code, "index_broken");
        fs::write(&path, "").unwrap();
        assert_eq!(Manifest::load(&path).unwrap_err().code, "index_broken");
    }
}
