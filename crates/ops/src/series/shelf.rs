//! The folder with the finished blocks of one resolution.
//!
//! Keeps true: a block is written beside its place and renamed into it, so that there is a whole one or none; one that
//! cannot be read is deleted, because metrics are never worth a wrong answer.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::series::block::Block;

#[derive(Debug)]
struct Slot {
    bytes: u64,
    end: i64,
    loaded: Option<Arc<Block>>,
}

/// Blocks by the time of their first sample.
#[derive(Debug)]
pub struct Shelf {
    /// Nothing is written where there is no folder.
    folder: Option<PathBuf>,
    prefix: &'static str,
    slots: BTreeMap<i64, Slot>,
}

impl Shelf {
    /// A shelf that goes with the process.
    pub const fn in_memory() -> Self {
        Self { folder: None, prefix: "", slots: BTreeMap::new() }
    }

    /// The blocks in `folder` whose file names begin with `prefix`.
    pub fn open(folder: &Path, prefix: &'static str) -> std::io::Result<Self> {
        let mut shelf = Self { folder: Some(folder.to_owned()), prefix, slots: BTreeMap::new() };
        for entry in fs::read_dir(folder)?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Some((start, end)) = times_of(prefix, &name) {
                let bytes = entry.metadata().map_or(0, |data| data.len());
                shelf.slots.insert(start, Slot { bytes, end, loaded: None });
            }
        }
        Ok(shelf)
    }

    /// Puts a finished block on the shelf, in the place of one that began at the same time.
    pub fn put(&mut self, block: Block) -> std::io::Result<()> {
        let (Some(start), Some(end)) = (block.start(), block.end()) else { return Ok(()) };
        let mut size = 0;
        if let Some(folder) = &self.folder {
            let bytes = block.to_bytes();
            size = bytes.len() as u64;
            write_whole(&folder.join(file_name(self.prefix, start, end)), &bytes)?;
        }
        let former = self.slots.insert(start, Slot { bytes: size, end, loaded: Some(Arc::new(block)) });
        if let Some(former) = former.filter(|former| former.end != end) {
            self.delete(start, former.end);
        }
        Ok(())
    }

    /// The time of the last sample on the shelf.
    pub fn end(&self) -> Option<i64> {
        self.slots.values().map(|slot| slot.end).max()
    }

    /// The time of the first sample on the shelf.
    pub fn start(&self) -> Option<i64> {
        self.slots.keys().next().copied()
    }

    pub fn bytes(&self) -> u64 {
        self.slots.values().map(|slot| slot.bytes).sum()
    }

    /// The blocks with samples after `from` up to `to`, the oldest first.
    pub fn between(&mut self, from: i64, to: i64) -> Vec<Arc<Block>> {
        let starts: Vec<i64> =
            self.slots.range(..=to).filter(|(_, slot)| slot.end > from).map(|(start, _)| *start).collect();
        starts.into_iter().filter_map(|start| self.load(start)).collect()
    }

    /// Deletes what ended before `time`.
    pub fn forget_before(&mut self, time: i64) {
        let old: Vec<i64> =
            self.slots.iter().filter(|(_, slot)| slot.end < time).map(|(start, _)| *start).collect();
        old.into_iter().for_each(|start| self.forget(start));
    }

    /// Deletes what reaches to `time` or beyond it.
    pub fn forget_after(&mut self, time: i64) {
        let ahead: Vec<i64> =
            self.slots.iter().filter(|(_, slot)| slot.end >= time).map(|(start, _)| *start).collect();
        ahead.into_iter().for_each(|start| self.forget(start));
    }

    /// The block that ends last.
    pub fn last(&mut self) -> Option<Arc<Block>> {
        let start = self.slots.keys().next_back().copied()?;
        self.load(start)
    }

    /// Deletes the oldest block; `false` where there is none.
    pub fn forget_oldest(&mut self) -> bool {
        let oldest = self.start();
        if let Some(start) = oldest {
            self.forget(start);
        }
        oldest.is_some()
    }

    fn forget(&mut self, start: i64) {
        if let Some(slot) = self.slots.remove(&start) {
            self.delete(start, slot.end);
        }
    }

    fn delete(&self, start: i64, end: i64) {
        if let Some(folder) = &self.folder {
            let path = folder.join(file_name(self.prefix, start, end));
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(file = %path.display(), "a block of old metrics cannot be deleted: {error}");
            }
        }
    }

    fn load(&mut self, start: i64) -> Option<Arc<Block>> {
        let slot = self.slots.get_mut(&start)?;
        if let Some(block) = &slot.loaded {
            return Some(Arc::clone(block));
        }
        let path = self.folder.as_ref()?.join(file_name(self.prefix, start, slot.end));
        let read = fs::read(&path).ok().and_then(|bytes| Block::from_bytes(&bytes));
        if let Some(block) = read.filter(|block| block.start() == Some(start)) {
            let block = Arc::new(block);
            slot.loaded = Some(Arc::clone(&block));
            return Some(block);
        }
        tracing::warn!(file = %path.display(), "a block of metrics is damaged and is deleted");
        self.forget(start);
        None
    }
}

fn file_name(prefix: &str, start: i64, end: i64) -> String {
    format!("{prefix}-{start}-{end}.block")
}

fn times_of(prefix: &str, name: &str) -> Option<(i64, i64)> {
    let times = name.strip_prefix(prefix)?.strip_prefix('-')?.strip_suffix(".block")?;
    let (start, end) = times.split_once('-')?;
    Some((start.parse().ok()?, end.parse().ok()?))
}

fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Key;
    use crate::series::block::Column;

    fn block(times: &[i64]) -> Block {
        let column = Column::new(false, &vec![1.0; times.len()]);
        Block { times: times.to_vec(), columns: BTreeMap::from([(Key::new("a", &[]), column)]) }
    }

    #[test]
    fn blocks_are_found_again_by_their_time() {
        let folder = tempfile::tempdir().unwrap();
        let mut shelf = Shelf::open(folder.path(), "fine").unwrap();
        shelf.put(block(&[10, 20])).unwrap();
        shelf.put(block(&[30, 40])).unwrap();
        let mut again = Shelf::open(folder.path(), "fine").unwrap();
        assert_eq!((again.start(), again.end()), (Some(10), Some(40)));
        assert_eq!(again.between(20, 30), [Arc::new(block(&[30, 40]))]);
        assert_eq!(again.between(0, 100).len(), 2);
        again.forget_before(30);
        assert_eq!(Shelf::open(folder.path(), "fine").unwrap().start(), Some(30));
    }

    #[test]
    fn a_block_that_grew_takes_the_place_of_the_former() {
        let folder = tempfile::tempdir().unwrap();
        let mut shelf = Shelf::open(folder.path(), "coarse").unwrap();
        shelf.put(block(&[10, 20])).unwrap();
        shelf.put(block(&[10, 20, 30])).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(shelf.end(), Some(30));
    }

    #[test]
    fn a_damaged_block_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        Shelf::open(folder.path(), "fine").unwrap().put(block(&[10, 20])).unwrap();
        fs::write(folder.path().join("fine-10-20.block"), "IBS1 and what not").unwrap();
        let mut shelf = Shelf::open(folder.path(), "fine").unwrap();
        assert!(shelf.between(0, 100).is_empty());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
