//! One workspace's index on disk: a folder with a lexical index, vectors, a document log and a manifest.
//!
//! Keeps true: the manifest is the only commit point. A crash before it leaves at most slots that no document has,
//! in either part; they are counted as used and are never visible. Applying a document first removes what there
//! was of it, so applying twice is applying once.

use std::panic::resume_unwind;
use std::path::{Path, PathBuf};

use ibid_types::document::Chunk;
use ibid_types::{DocumentId, Result};

use crate::codes::Codes;
use crate::column::{Column, SEGMENT_ROWS};
use crate::compose::{Composer, digest_of};
use crate::dense::{Dense, normalised_row};
use crate::documents::{DocumentLog, Documents, Entry};
use crate::fault;
use crate::ground::Searchable;
use crate::lexical::Lexical;
use crate::manifest::Manifest;
use crate::search::LexicalSearch;
use crate::snapshot::Snapshot;

/// Chunk id (16 bytes) and ordinal (u32, little-endian).
pub(crate) const CHUNK_ROW_BYTES: usize = 20;
/// Compaction pays when more than this share of the slots is dead, and there are enough of them to notice.
const DEAD_SHARE_MAX: f64 = 0.3;
const DEAD_SLOTS_MIN: usize = 4096;

/// Bytes of vectors that are gathered before they are written.
const ROWS_BYTES_MAX: usize = 1 << 20;

/// A durable step of a commit, in order: rows and log, then the lexical part, which are written side by side, then the
/// manifest. Tests stop before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Rows,
    Lexical,
    Manifest,
}

#[derive(Debug)]
pub(crate) struct Generation {
    dir: PathBuf,
    manifest: Manifest,
    chunks: Column,
    vectors: Column,
    /// Rows that are not in the columns' files yet.
    new_chunks: Vec<u8>,
    new_vectors: Vec<u8>,
    codes: Vec<Codes>,
    log: DocumentLog,
    lexical: Lexical,
    /// The searchable lexical commit, opened again only when there is a new one.
    view: Option<crate::lexical::LexicalView>,
    composer: Composer,
    #[cfg(test)]
    pub(crate) crash_before: Option<Step>,
}

impl Generation {
    /// Opens what was committed in `dir`, or begins an empty generation for this model. Fails if the files do not
    /// hold together.
    pub(crate) fn open(
        dir: &Path,
        model: &str,
        dimensions: usize,
        writer_memory_bytes: usize,
    ) -> Result<Self> {
        std::fs::create_dir_all(dir).map_err(|error| fault::write("create an index folder", error))?;
        let stored = Manifest::load(&dir.join("manifest"))?;
        let manifest = stored.unwrap_or_else(|| Manifest::new(model, dimensions));
        let slots = manifest.slots as usize;
        let chunks = Column::open(dir, "chunks", CHUNK_ROW_BYTES, slots)?;
        let vectors = Column::open(dir, "vectors", manifest.dimensions * 2, slots)?;
        if manifest.sums.is_some_and(|sums| sums != (chunks.sum(), vectors.sum())) {
            return Err(fault::broken("rows of chunks or vectors are not what was written"));
        }
        let log = DocumentLog::open(&dir.join("documents.log"), manifest.log_bytes)?;
        let (lexical, lexical_slots) = Lexical::open(&dir.join("lexical"), writer_memory_bytes)?;
        if lexical_slots < manifest.slots {
            return Err(fault::broken(format!(
                "the lexical part has {lexical_slots} of {} slots",
                manifest.slots
            )));
        }
        let mut generation = Self {
            dir: dir.to_owned(),
            manifest,
            chunks,
            vectors,
            new_chunks: Vec::new(),
            new_vectors: Vec::new(),
            codes: Vec::new(),
            log,
            lexical,
            view: None,
            composer: Composer::default(),
            #[cfg(test)]
            crash_before: None,
        };
        generation.skip_orphans(lexical_slots)?;
        generation.load_codes()?;
        Ok(generation)
    }

    pub(crate) const fn position(&self) -> i64 {
        self.manifest.position
    }

    pub(crate) fn model(&self) -> &str {
        &self.manifest.model
    }

    pub(crate) const fn documents(&self) -> &Documents {
        self.log.documents()
    }

    pub(crate) const fn dimensions(&self) -> usize {
        self.manifest.dimensions
    }

    /// Puts the document in place of what there was of it.
    pub(crate) fn put(&mut self, searchable: &Searchable) -> Result<()> {
        let Some((first_chunk, _)) = searchable.chunks.first() else {
            return self.remove(searchable.document.id).map(drop);
        };
        let digest = digest_of(searchable);
        let mut entry = Entry {
            document: searchable.document.id,
            version: first_chunk.version,
            first: self.slots(),
            count: searchable.chunks.len() as u32,
            source: searchable.document.source.clone(),
            tags: searchable.document.tags.clone(),
            readers: searchable.document.readers.clone(),
            date: searchable.document.date,
            language: searchable.document.language.clone(),
            analysed: String::new(),
            tokens: [0; crate::lexical::FIELD_COUNT],
            digest,
        };
        match self.documents().find(entry.document).filter(|held| held.digest == entry.digest) {
            Some(held) => {
                (entry.first, entry.analysed, entry.tokens) =
                    (held.first, held.analysed.clone(), held.tokens);
            }
            None => {
                (entry.analysed, entry.tokens) = self.append(searchable)?;
            }
        }
        self.log.put(entry)
    }

    /// Takes the document out; says whether it was there.
    pub(crate) fn remove(&mut self, document: DocumentId) -> Result<bool> {
        self.log.remove(document)
    }

    /// Makes all that was applied durable, as of this feed position.
    pub(crate) fn commit(&mut self, position: i64) -> Result<()> {
        self.before(Step::Rows)?;
        self.write_rows()?;
        let (slots, is_grown) = (self.slots(), self.slots() > self.manifest.slots);
        let goes_on = self.before(Step::Lexical);
        let (rows, log, lexical) =
            (Rows { chunks: &mut self.chunks, vectors: &mut self.vectors }, &mut self.log, &mut self.lexical);
        // The parts wait for the disk together; the manifest waits for all of them.
        let (log_bytes, written) = std::thread::scope(|scope| {
            let rows_and_log = scope.spawn(move || rows.sync().and_then(|()| log.commit()));
            let written = goes_on.and_then(|()| if is_grown { lexical.commit(slots) } else { Ok(()) });
            (rows_and_log.join().unwrap_or_else(|panic| resume_unwind(panic)), written)
        });
        let log_bytes = log_bytes?;
        written?;
        if is_grown {
            self.seal_codes()?;
            self.view = None;
        }
        self.before(Step::Manifest)?;
        let sums = Some((self.chunks.sum(), self.vectors.sum()));
        self.manifest = Manifest { position, slots: self.slots(), log_bytes, sums, ..self.manifest.clone() };
        self.manifest.store(&self.dir.join("manifest"))
    }

    /// What can be searched now: documents that are committed and not removed since.
    pub(crate) fn snapshot(&mut self) -> Result<Snapshot> {
        let view = match self.view.take() {
            Some(view) => view,
            None => self.lexical.view()?,
        };
        self.view = Some(view.clone());
        let documents = self.documents().clone();
        let lexical = LexicalSearch::new(view, documents.live().clone(), documents.tokens());
        let dense = Dense::new(self.vectors.view(), self.codes.clone(), self.dimensions());
        Ok(Snapshot::new(self.position(), self.model().into(), documents, lexical, dense, self.chunks.view()))
    }

    /// Gives the memory for writing back. Searches are not affected.
    pub(crate) fn release(&mut self) -> Result<bool> {
        let was_writing = self.lexical.is_writing();
        self.lexical.release()?;
        self.composer = Composer::default();
        self.new_chunks.shrink_to_fit();
        self.new_vectors.shrink_to_fit();
        self.view = if was_writing { None } else { self.view.take() };
        Ok(was_writing)
    }

    /// Whether so much is dead that a new generation should replace this one.
    pub(crate) fn wants_compaction(&self) -> bool {
        let dead = self.slots() as usize - self.documents().live().count();
        dead > DEAD_SLOTS_MIN && dead as f64 > f64::from(self.slots()) * DEAD_SHARE_MAX
    }

    fn slots(&self) -> u32 {
        (self.chunks.rows() + self.new_chunks.len() / CHUNK_ROW_BYTES) as u32
    }

    /// Appends chunks to both parts; returns the language of analysis and the terms in each field.
    fn append(&mut self, searchable: &Searchable) -> Result<(String, [u64; crate::lexical::FIELD_COUNT])> {
        let mut tokens = [0; crate::lexical::FIELD_COUNT];
        let analysed = self.composer.begin(searchable);
        let first = self.slots();
        for (slot, (chunk, vector)) in (first..).zip(&searchable.chunks) {
            let (text, counts) = self.composer.compose(&searchable.document, chunk);
            for (total, count) in tokens.iter_mut().zip(counts) {
                *total += u64::from(count);
            }
            self.lexical.add(slot, text)?;
            self.new_chunks.extend_from_slice(&chunk_row(chunk));
            self.new_vectors.extend_from_slice(&normalised_row(vector, self.manifest.dimensions));
        }
        if self.new_vectors.len() >= ROWS_BYTES_MAX {
            self.write_rows()?;
        }
        Ok((analysed, tokens))
    }

    fn write_rows(&mut self) -> Result<()> {
        self.chunks.append(&self.new_chunks)?;
        self.vectors.append(&self.new_vectors)?;
        self.new_chunks.clear();
        self.new_vectors.clear();
        Ok(())
    }

    /// Counts slots as used that only the lexical part committed before a crash.
    fn skip_orphans(&mut self, lexical_slots: u32) -> Result<()> {
        if lexical_slots > self.manifest.slots {
            let orphans = lexical_slots - self.manifest.slots;
            tracing::info!(orphans, dir = %self.dir.display(), "an interrupted commit is skipped and applied again");
            self.chunks.fill(lexical_slots as usize)?;
            self.vectors.fill(lexical_slots as usize)?;
        }
        Ok(())
    }

    /// Opens the codes of full segments and makes those again that are missing.
    fn load_codes(&mut self) -> Result<()> {
        for segment in 0..self.manifest.slots as usize / SEGMENT_ROWS {
            let path = self.codes_path(segment);
            match Codes::open(&path, self.dimensions()) {
                Ok(codes) => self.codes.push(codes),
                Err(_) => break,
            }
        }
        self.seal_codes()
    }

    fn seal_codes(&mut self) -> Result<()> {
        let view = self.vectors.view();
        for segment in self.codes.len()..view.rows() / SEGMENT_ROWS {
            let path = self.codes_path(segment);
            self.codes.push(Codes::seal(&path, view.rows_of(segment), self.manifest.dimensions)?);
        }
        Ok(())
    }

    fn codes_path(&self, segment: usize) -> PathBuf {
        self.dir.join(format!("codes-{segment:05}.bin"))
    }

    #[cfg(test)]
    fn before(&self, step: Step) -> Result<()> {
        match self.crash_before {
            Some(crash) if crash == step => Err(fault::broken("a test stopped here")),
            _ => Ok(()),
        }
    }

    #[cfg(not(test))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps)]
    const fn before(&self, _: Step) -> Result<()> {
        Ok(())
    }
}

/// The two columns, synced together.
struct Rows<'a> {
    chunks: &'a mut Column,
    vectors: &'a mut Column,
}

impl Rows<'_> {
    fn sync(self) -> Result<()> {
        self.chunks.sync()?;
        self.vectors.sync()
    }
}

fn chunk_row(chunk: &Chunk) -> [u8; CHUNK_ROW_BYTES] {
    let mut row = [0; CHUNK_ROW_BYTES];
    row[..16].copy_from_slice(chunk.id.as_bytes());
    row[16..].copy_from_slice(&chunk.ordinal.to_le_bytes());
    row
}

#[cfg(test)]
mod tests;
