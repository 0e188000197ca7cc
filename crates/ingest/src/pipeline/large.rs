//! Large documents take turns: a slice of one, what small ones have come meanwhile, a slice of the next.
//!
//! Keeps true: a small document never waits for a whole large one; what an earlier attempt has embedded is not embedded again; of those
//! whose turn is far off only the lease is held, and they are read again when it comes; a document that is deleted is worked on no more.

use std::collections::{HashSet, VecDeque};

use ibid_runtime::Shutdown;
use ibid_store::{Lease, statements};
use ibid_types::document::Chunk;
use ibid_types::{ChunkId, Error, Result, WorkspaceId};

use super::Pipeline;
use super::embed::Embedded;
use super::parse::Prepared;

/// Large documents that are held with their texts.
const HELD_MAX: usize = 4;
/// Others of which the lease is held; beyond them the queue waits.
const DEFERRED_MAX: usize = 256;

/// See the head of this file.
#[derive(Debug, Default)]
pub struct Large {
    turns: VecDeque<Sliced>,
    deferred: VecDeque<Lease>,
}

/// A document of which some chunks have their vectors in the store.
#[derive(Debug)]
struct Sliced {
    prepared: Prepared,
    /// Places of the chunks that have none.
    left: VecDeque<usize>,
}

impl Large {
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty() && self.deferred.is_empty()
    }

    /// Whether others have to wait until one of these is done.
    pub fn is_full(&self) -> bool {
        self.deferred.len() >= DEFERRED_MAX
    }

    /// After a stop: their jobs stay in the queue.
    pub fn clear(&mut self) {
        self.turns.clear();
        self.deferred.clear();
    }

    fn of(&self, workspace: Option<WorkspaceId>) -> usize {
        self.turns.iter().filter(|sliced| Some(sliced.prepared.workspace) == workspace).count()
    }

    /// The next that may be held: the first of the workspace that has the fewest turns.
    fn next_deferred(&mut self) -> Option<Lease> {
        let place =
            (0..self.deferred.len()).min_by_key(|place| self.of(self.deferred[*place].job.workspace))?;
        self.deferred.remove(place)
    }
}

impl Pipeline {
    pub(super) fn is_large(&self, document: &Prepared) -> bool {
        document.chunks.len() > self.config.slice_chunks
    }

    /// Takes a large document in.
    pub(super) fn begin_large(&self, large: &mut Large, prepared: Prepared) {
        if large.turns.len() >= HELD_MAX {
            large.deferred.push_back(prepared.lease);
            return;
        }
        match self.left_of(&prepared) {
            Ok(left) => large.turns.push_back(Sliced { prepared, left }),
            Err(error) => self.give_up(&prepared.lease, &error),
        }
    }

    fn left_of(&self, prepared: &Prepared) -> Result<VecDeque<usize>> {
        let known = self.store.chunks_with_vector(prepared.version, &self.embedder.spec().id)?;
        let known: HashSet<ChunkId> = known.into_iter().collect();
        let is_left = |place: &usize| !known.contains(&prepared.chunks[*place].id);
        Ok((0..prepared.chunks.len()).filter(is_left).collect())
    }

    /// Embeds and writes a slice of the document whose turn it is; gives the document where that was the last.
    pub(super) fn embed_slice(&self, large: &mut Large, shutdown: &Shutdown) -> Option<Embedded> {
        self.bring_back(large);
        let mut sliced = large.turns.pop_front()?;
        match self.slice_of(&mut sliced, shutdown) {
            Err(error) => self.give_up(&sliced.prepared.lease, &error),
            Ok(()) if sliced.left.is_empty() => {
                return Some(Embedded { prepared: sliced.prepared, vectors: Vec::new(), is_written: true });
            }
            Ok(()) => large.turns.push_back(sliced),
        }
        None
    }

    /// Reads the next of those that were deferred again, where there is room.
    fn bring_back(&self, large: &mut Large) {
        if large.turns.len() >= HELD_MAX {
            return;
        }
        let Some(lease) = large.next_deferred() else { return };
        match self.prepare(&lease) {
            Ok(prepared) => self.begin_large(large, prepared),
            Err(error) => self.give_up(&lease, &error),
        }
    }

    fn slice_of(&self, sliced: &mut Sliced, shutdown: &Shutdown) -> Result<()> {
        let Sliced { prepared, left } = sliced;
        if self.store.document_find(prepared.workspace, prepared.document)?.is_none() {
            let what = "the document was deleted while it was being read";
            return Err(Error::bad_request("document_deleted", what));
        }
        let places: Vec<usize> = left.iter().take(self.config.slice_chunks.max(1)).copied().collect();
        let texts: Vec<&str> = places.iter().map(|place| prepared.passages[*place].as_str()).collect();
        let Some(vectors) = self.embed_in_calls(&texts, shutdown)? else { return Ok(()) };
        let chunks: Vec<Chunk> = places.iter().map(|place| prepared.chunks[*place].clone()).collect();
        let rows: Vec<(ChunkId, &[f32])> =
            chunks.iter().map(|chunk| chunk.id).zip(vectors.iter().map(Vec::as_slice)).collect();
        let mut all = statements::chunks(&chunks);
        all.extend(statements::embeddings(&self.embedder.spec().id, &rows));
        self.store.db().batch(all)?;
        left.drain(..places.len());
        let share = 1.0 - left.len() as f32 / prepared.chunks.len() as f32;
        self.note_step(&prepared.lease, "embed", 0.3 + 0.6 * share);
        Ok(())
    }
}
