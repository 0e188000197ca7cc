//! `Column`: an append-only file of fixed-size rows, one row a slot, cut into mapped segments.
//!
//! Keeps true: a row below `rows` never changes. Segment files have their full (sparse) length from the start, so
//! each is mapped once and appending does not move anything a reader looks at.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ibid_types::Result;

use crate::fault;
use crate::raw::Map;

/// Rows in a segment file: at 384 dimensions 6.3 MB of f16, which an exact scan reads in 0.3 ms.
pub(crate) const SEGMENT_ROWS: usize = 8192;

/// The writing side.
#[derive(Debug)]
pub(crate) struct Column {
    dir: PathBuf,
    name: &'static str,
    view: ColumnView,
    /// The segment that rows are appended to.
    tail: Option<File>,
    /// Of all rows.
    sum: u32,
}

/// The rows as they were when the view was taken.
#[derive(Clone, Debug)]
pub(crate) struct ColumnView {
    row_bytes: usize,
    rows: usize,
    segments: Vec<Arc<Map>>,
}

impl ColumnView {
    /// A view without rows.
    pub(crate) const fn empty(row_bytes: usize) -> Self {
        Self { row_bytes, rows: 0, segments: Vec::new() }
    }

    /// The bytes of a row; empty beyond the last one.
    pub(crate) fn row(&self, slot: u32) -> &[u8] {
        self.rows_of(slot as usize / SEGMENT_ROWS)
            .get(slot as usize % SEGMENT_ROWS * self.row_bytes..)
            .and_then(|rows| rows.get(..self.row_bytes))
            .unwrap_or_default()
    }

    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }

    /// The written rows of a segment.
    pub(crate) fn rows_of(&self, segment: usize) -> &[u8] {
        let rows = self.rows.saturating_sub(segment * SEGMENT_ROWS).min(SEGMENT_ROWS);
        self.segments.get(segment).and_then(|map| map.get(..rows * self.row_bytes)).unwrap_or_default()
    }
}

impl Column {
    /// Opens the column at `rows` rows, as the manifest counts them; what was written beyond is overwritten later.
    /// Fails if a segment is missing or short. Reads all rows for their sum.
    pub(crate) fn open(dir: &Path, name: &'static str, row_bytes: usize, rows: usize) -> Result<Self> {
        let view = ColumnView { row_bytes, rows, segments: Vec::new() };
        let mut column = Self { dir: dir.to_owned(), name, view, tail: None, sum: 0 };
        for segment in 0..rows.div_ceil(SEGMENT_ROWS) {
            column.tail = Some(column.map_existing(segment)?);
            column.sum = continued(column.sum, column.view.rows_of(segment));
        }
        if rows.is_multiple_of(SEGMENT_ROWS) {
            column.tail = None;
        }
        Ok(column)
    }

    pub(crate) fn view(&self) -> ColumnView {
        self.view.clone()
    }

    pub(crate) const fn rows(&self) -> usize {
        self.view.rows
    }

    /// The checksum (CRC-32) of all rows.
    pub(crate) const fn sum(&self) -> u32 {
        self.sum
    }

    /// Appends whole rows.
    pub(crate) fn append(&mut self, rows: &[u8]) -> Result<()> {
        let mut rest = rows;
        while !rest.is_empty() {
            let within = self.view.rows % SEGMENT_ROWS;
            let taken = rest.len().min((SEGMENT_ROWS - within) * self.view.row_bytes);
            let (now, later) = rest.split_at(taken);
            let offset = (within * self.view.row_bytes) as u64;
            let tail = self.tail()?;
            tail.seek(SeekFrom::Start(offset))
                .and_then(|_| tail.write_all(now))
                .map_err(|error| fault::write("append to the index", error))?;
            self.view.rows += taken / self.view.row_bytes;
            self.sum = continued(self.sum, now);
            if self.view.rows.is_multiple_of(SEGMENT_ROWS) {
                self.sync()?;
                self.tail = None;
            }
            rest = later;
        }
        Ok(())
    }

    /// Appends zero rows until there are `rows`.
    pub(crate) fn fill(&mut self, rows: usize) -> Result<()> {
        let missing = rows.saturating_sub(self.view.rows);
        self.append(&vec![0; missing * self.view.row_bytes])
    }

    /// Returns when all rows are on disk.
    pub(crate) fn sync(&mut self) -> Result<()> {
        match &self.tail {
            Some(file) => file.sync_data().map_err(|error| fault::write("sync the index", error)),
            None => Ok(()),
        }
    }

    fn tail(&mut self) -> Result<&mut File> {
        if self.tail.is_none() {
            self.tail = Some(self.create(self.view.rows / SEGMENT_ROWS)?);
        }
        self.tail.as_mut().ok_or_else(|| fault::broken("a segment has no file"))
    }

    fn create(&mut self, segment: usize) -> Result<File> {
        let path = self.path(segment);
        let make = || {
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
            file.set_len((SEGMENT_ROWS * self.view.row_bytes) as u64)?;
            Map::open(&file).map(|map| (file, map))
        };
        let (file, map) = make().map_err(|error| fault::write("create an index segment", error))?;
        self.view.segments.truncate(segment);
        self.view.segments.push(Arc::new(map));
        Ok(file)
    }

    fn map_existing(&mut self, segment: usize) -> Result<File> {
        let path = self.path(segment);
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(|error| {
            fault::broken(format!("{} cannot be opened", path.display())).caused_by(error)
        })?;
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        if length != (SEGMENT_ROWS * self.view.row_bytes) as u64 {
            return Err(fault::broken(format!("{} has {length} bytes", path.display())));
        }
        let map = Map::open(&file).map_err(|error| fault::write("map an index segment", error))?;
        self.view.segments.push(Arc::new(map));
        Ok(file)
    }

    fn path(&self, segment: usize) -> PathBuf {
        self.dir.join(format!("{}-{segment:05}.bin", self.name))
    }
}

/// The sum of what has the sum `before`, followed by `bytes`.
fn continued(before: u32, bytes: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new_with_initial(before);
    sum.update(bytes);
    sum.finalize()
}

/// Writes a whole file so that a reader finds either the old or the new one, on disk.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = path.with_extension("new");
    let write = || {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        fs::rename(&temporary, path)?;
        sync_folder(path)
    };
    write().map_err(|error| fault::write("replace an index file", error))
}

/// A rename is durable once its folder is; not every system can open folders, and there it is as good as it gets.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    match path.parent().map(File::open) {
        Some(Ok(folder)) => folder.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(range: std::ops::Range<u32>) -> Vec<u8> {
        range.flat_map(u32::to_le_bytes).collect()
    }

    #[test]
    fn rows_survive_reopening_and_cross_segments() {
        let dir = tempfile::tempdir().unwrap();
        let mut column = Column::open(dir.path(), "n", 4, 0).unwrap();
        column.append(&rows(0..20_000)).unwrap();
        let again = Column::open(dir.path(), "n", 4, 20_000).unwrap();
        assert_eq!(again.sum(), column.sum());
        let view = again.view();
        assert_eq!((view.row(8191), view.row(8192)), (&rows(8191..8192)[..], &rows(8192..8193)[..]));
        assert_eq!((view.rows_of(2).len(), view.row(20_000)), ((20_000 - 16_384) * 4, &[][..]));
    }

    #[test]
    fn rows_beyond_the_committed_count_are_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        Column::open(dir.path(), "n", 4, 0).unwrap().append(&rows(0..9000)).unwrap();
        let mut column = Column::open(dir.path(), "n", 4, 8192).unwrap();
        column.append(&rows(70..71)).unwrap();
        assert_eq!((column.view().rows(), column.view().row(8192)), (8193, &rows(70..71)[..]));
    }

    #[test]
    fn a_view_does_not_grow() {
        let dir = tempfile::tempdir().unwrap();
        let mut column = Column::open(dir.path(), "n", 4, 0).unwrap();
        column.append(&rows(0..2)).unwrap();
        let view = column.view();
        column.append(&rows(2..3)).unwrap();
        assert_eq!((view.row(2).len(), column.view().row(2).len()), (0, 4));
    }

    #[test]
    fn a_missing_or_short_segment_is_reported() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Column::open(dir.path(), "n", 4, 1).unwrap_err().code, "index_broken");
        fs::write(dir.path().join("n-00000.bin"), b"short").unwrap();
        assert_eq!(Column::open(dir.path(), "n", 4, 1).unwrap_err().code, "index_broken");
    }
}
