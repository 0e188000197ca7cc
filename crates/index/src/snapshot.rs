//! `Snapshot`: an immutable, consistent view of a workspace's index.
//!
//! Keeps true: every method answers from the same documents; slots of different snapshots are not comparable.

use ibid_types::access::Readable;
use ibid_types::search::Filter;
use ibid_types::{ChunkId, DocumentId, Result, VersionId};

use crate::best::Scored;
use crate::column::ColumnView;
use crate::dense::Dense;
use crate::documents::Documents;
use crate::generation::CHUNK_ROW_BYTES;
use crate::language::Language;
use crate::lexical::{FIELD_COUNT, LexicalView};
use crate::names::{Mention, mentions};
use crate::question;
use crate::search::{Analysed, LexicalSearch};
use crate::slots::Slots;

/// Which chunk a slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkRef {
    pub chunk: ChunkId,
    pub document: DocumentId,
    pub version: VersionId,
    /// Counts from 0 within the version.
    pub ordinal: u32,
}

/// A workspace's index at one moment.
#[derive(Debug)]
pub struct Snapshot {
    position: i64,
    model: String,
    documents: Documents,
    lexical: LexicalSearch,
    dense: Dense,
    chunks: ColumnView,
}

impl Snapshot {
    pub(crate) const fn new(
        position: i64,
        model: String,
        documents: Documents,
        lexical: LexicalSearch,
        dense: Dense,
        chunks: ColumnView,
    ) -> Self {
        Self { position, model, documents, lexical, dense, chunks }
    }

    /// A view of a workspace of which nothing is indexed.
    pub(crate) fn empty(model: &str, dimensions: usize, view: LexicalView) -> Self {
        let lexical = LexicalSearch::new(view, Slots::default(), [0; FIELD_COUNT]);
        let dense = Dense::new(ColumnView::empty(dimensions * 2), Vec::new(), dimensions);
        let chunks = ColumnView::empty(CHUNK_ROW_BYTES);
        Self::new(0, model.to_owned(), Documents::default(), lexical, dense, chunks)
    }

    /// The feed position up to which the workspace's documents are in.
    #[must_use]
    pub const fn position(&self) -> i64 {
        self.position
    }

    /// The embedder whose vectors `dense` compares with; a question must be embedded by the same.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Length of its vectors.
    #[must_use]
    pub const fn dimensions(&self) -> usize {
        self.dense.dimensions()
    }

    /// Live chunks.
    #[must_use]
    pub fn total(&self) -> usize {
        self.documents.live().count()
    }

    /// Live documents.
    #[must_use]
    pub fn documents(&self) -> usize {
        self.documents.len()
    }

    /// The live slots that pass the filter, of those that are readable; all of them, without copying, where nothing narrows them.
    #[must_use]
    pub fn eligible(&self, filter: &Filter, readable: &Readable) -> Slots {
        self.documents.eligible(filter, readable)
    }

    /// The question's terms, in its own language where that is sure, else in the main languages of the workspace:
    /// then a word counts in each document as that document's language inflects it.
    #[must_use]
    pub fn analyse(&self, query: &str) -> Analysed {
        let chunks = self.documents.languages().iter();
        let known = chunks.filter_map(|(code, count)| Some((Language::from_code(code)?, *count)));
        question::analyse(query, &question::languages(query, known))
    }

    /// The `limit` best by BM25 of the slots within, best first. Only chunks with a term of the query.
    pub fn lexical(&self, query: &Analysed, within: &Slots, limit: usize) -> Result<Vec<Scored>> {
        self.lexical.search(query, within, limit)
    }

    /// BM25 of the given slots, in order, by seeking; 0 where no term occurs.
    pub fn lexical_scores(&self, query: &Analysed, slots: &[u32]) -> Result<Vec<f32>> {
        self.lexical.scores(query, slots)
    }

    /// The terms of the query that each slot's text contains.
    pub fn lexical_terms(&self, query: &Analysed, slots: &[u32]) -> Result<Vec<Vec<String>>> {
        self.lexical.matched(query, slots)
    }

    /// The `limit` nearest by cosine of the slots within, best first.
    #[must_use]
    pub fn dense(&self, vector: &[f32], within: &Slots, limit: usize) -> Vec<Scored> {
        self.dense.search(vector, within, limit)
    }

    /// Cosines of the given slots, in order.
    #[must_use]
    pub fn dense_scores(&self, vector: &[f32], slots: &[u32]) -> Vec<f32> {
        self.dense.scores(vector, slots)
    }

    /// The names in a passage of the slot's document.
    #[must_use]
    pub fn mentions(&self, slot: u32, text: &str) -> Vec<Mention> {
        let language = self.documents.of_slot(slot).and_then(|entry| Language::from_code(&entry.analysed));
        mentions(text, language.is_some_and(Language::capitalises_nouns))
    }

    /// The slots within whose passages have the name, by its key; none where too many have it to tell anything.
    pub fn naming(&self, key: &str, within: &Slots) -> Result<Vec<u32>> {
        self.lexical.naming(key, within)
    }

    /// The slots within of documents that are called so, by the key; none where too many are.
    pub fn called(&self, key: &str, within: &Slots) -> Result<Vec<u32>> {
        self.lexical.called(key, within)
    }

    /// The slot's unit vector; zeros where it has none.
    #[must_use]
    pub fn vector(&self, slot: u32) -> Vec<f32> {
        self.dense.vector(slot)
    }

    /// Which chunk the slot holds; `None` if it is not live.
    #[must_use]
    pub fn chunk(&self, slot: u32) -> Option<ChunkRef> {
        let entry = self.documents.of_slot(slot)?;
        let (id, ordinal) = self.chunks.row(slot).split_at_checked(16)?;
        Some(ChunkRef {
            chunk: ChunkId::from_bytes(id.try_into().ok()?),
            document: entry.document,
            version: entry.version,
            ordinal: u32::from_le_bytes(ordinal.try_into().ok()?),
        })
    }

    /// The slot of a document's chunk.
    #[must_use]
    pub fn slot_of(&self, document: DocumentId, ordinal: u32) -> Option<u32> {
        let entry = self.documents.find(document)?;
        let near = entry.first + ordinal.min(entry.count.saturating_sub(1));
        let is_it = |slot: &u32| self.chunk(*slot).is_some_and(|chunk| chunk.ordinal == ordinal);
        Some(near).filter(is_it).or_else(|| (entry.first..entry.first + entry.count).find(is_it))
    }

    pub(crate) const fn lexical_part(&self) -> &LexicalSearch {
        &self.lexical
    }

    pub(crate) const fn dense_part(&self) -> &Dense {
        &self.dense
    }

    pub(crate) const fn document_table(&self) -> &Documents {
        &self.documents
    }
}
