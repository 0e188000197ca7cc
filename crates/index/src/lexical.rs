//! The writing side of the lexical index: tantivy with three fields of analysed terms, two of names, and the slot.
//!
//! Keeps true: nothing is deleted inside tantivy. Which slots live is one bitmap beside it, which searches and
//! statistics both go by; so scores are those of an index that never held the dead.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use ibid_types::Result;
use tantivy::TantivyDocument;
use tantivy::index::SegmentId;
use tantivy::schema::{FAST, Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::{Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Searcher, SegmentReader};

use crate::fault;
use crate::folder::Folder;
use crate::terms::Lines;

/// Indexed fields, in the order of `tokens` and weights everywhere in this crate.
pub(crate) const FIELD_COUNT: usize = 3;

/// Analysed terms of a chunk, one a line.
#[derive(Clone, Debug, Default)]
pub(crate) struct LexicalText {
    /// Everything: title, headings, body.
    pub(crate) text: String,
    /// The document's title.
    pub(crate) title: String,
    /// Headings above the chunk and the words of the source's name.
    pub(crate) place: String,
    /// Keys of the names that stand in the chunk.
    pub(crate) names: String,
    /// Keys of what the document is called.
    pub(crate) called: String,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    pub(crate) all: [Field; FIELD_COUNT],
    pub(crate) names: Field,
    pub(crate) called: Field,
    slot: Field,
}

pub(crate) struct Lexical {
    index: Index,
    fields: Fields,
    reader: IndexReader,
    writer: Option<IndexWriter>,
    writer_memory_bytes: usize,
    segments: HashMap<SegmentId, Arc<SegmentSlots>>,
}

/// The slots of a tantivy segment's documents, both ways.
#[derive(Debug)]
pub(crate) struct SegmentSlots {
    slot_of: Vec<u32>,
    /// Documents in the order of their slots, where merging has mixed them.
    by_slot: Option<Vec<u32>>,
}

/// One commit of the index, as searches see it.
#[derive(Clone)]
pub(crate) struct LexicalView {
    pub(crate) searcher: Searcher,
    pub(crate) segments: Vec<Arc<SegmentSlots>>,
    pub(crate) fields: Fields,
}

impl Lexical {
    /// Opens the index in `dir` and says below which slot its documents may lie.
    pub(crate) fn open(dir: &Path, writer_memory_bytes: usize) -> Result<(Self, u32)> {
        fs::create_dir_all(dir).map_err(|error| fault::write("create an index folder", error))?;
        let (schema, fields) = schema();
        let opened = Folder::open(dir).and_then(|directory| {
            let index = Index::builder().schema(schema).settings(settings()).open_or_create(directory)?;
            // Before any of it is read: tantivy takes the files for whole.
            if let Some(file) = index.validate_checksum()?.into_iter().next() {
                let what = format!("{} is not what was written", file.display());
                return Err(tantivy::TantivyError::InternalError(what));
            }
            index.tokenizers().register("lines", Lines::default());
            let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
            let slots = index.load_metas()?.payload.and_then(|payload| payload.parse().ok()).unwrap_or(0);
            Ok((index, reader, slots))
        });
        let (index, reader, slots) =
            opened.map_err(|error| fault::broken("the lexical index cannot be opened").caused_by(error))?;
        let lexical =
            Self { index, fields, reader, writer: None, writer_memory_bytes, segments: HashMap::new() };
        Ok((lexical, slots))
    }

    /// A view without documents, in memory.
    pub(crate) fn empty_view() -> Result<LexicalView> {
        let (schema, fields) = schema();
        let searcher = Index::create_in_ram(schema).reader().map(|reader| reader.searcher());
        let searcher = searcher.map_err(|error| fault::lexical("make an empty view", error))?;
        Ok(LexicalView { searcher, segments: Vec::new(), fields })
    }

    pub(crate) fn add(&mut self, slot: u32, text: LexicalText) -> Result<()> {
        let mut document = TantivyDocument::new();
        document.add_u64(self.fields.slot, u64::from(slot));
        for (field, terms) in self.fields.all.iter().zip([&text.text, &text.title, &text.place]) {
            document.add_field_value(*field, terms.as_str());
        }
        document.add_field_value(self.fields.names, text.names.as_str());
        document.add_field_value(self.fields.called, text.called.as_str());
        let added = self.writer()?.add_document(document);
        added.map(drop).map_err(|error| fault::lexical("add a chunk", error))
    }

    /// Makes what was added durable, with the number of slots given out so far.
    pub(crate) fn commit(&mut self, slots: u32) -> Result<()> {
        let commit = |writer: &mut IndexWriter| {
            let mut prepared = writer.prepare_commit()?;
            prepared.set_payload(&slots.to_string());
            prepared.commit()
        };
        commit(self.writer()?).map_err(|error| fault::lexical("commit", error))?;
        Ok(())
    }

    /// Ends merging and gives the writer's memory back.
    pub(crate) fn release(&mut self) -> Result<()> {
        match self.writer.take() {
            Some(writer) => writer.wait_merging_threads().map_err(|error| fault::lexical("merge", error)),
            None => Ok(()),
        }
    }

    pub(crate) const fn is_writing(&self) -> bool {
        self.writer.is_some()
    }

    /// The last commit.
    pub(crate) fn view(&mut self) -> Result<LexicalView> {
        self.reader.reload().map_err(|error| fault::lexical("open the last commit", error))?;
        let searcher = self.reader.searcher();
        let mut known = HashMap::new();
        let mut segments = Vec::new();
        for reader in searcher.segment_readers() {
            let slots = match self.segments.get(&reader.segment_id()) {
                Some(slots) => Arc::clone(slots),
                None => Arc::new(SegmentSlots::read(reader)?),
            };
            known.insert(reader.segment_id(), Arc::clone(&slots));
            segments.push(slots);
        }
        self.segments = known;
        Ok(LexicalView { searcher, segments, fields: self.fields })
    }

    fn writer(&mut self) -> Result<&mut IndexWriter> {
        if self.writer.is_none() {
            let writer = self.index.writer_with_num_threads(1, self.writer_memory_bytes);
            self.writer = Some(writer.map_err(|error| fault::lexical("start writing", error))?);
        }
        self.writer.as_mut().ok_or_else(|| fault::broken("the lexical writer is gone"))
    }
}

impl std::fmt::Debug for Lexical {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lexical").field("is_writing", &self.is_writing()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for LexicalView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LexicalView").field("segments", &self.segments.len()).finish_non_exhaustive()
    }
}

impl SegmentSlots {
    /// Slots of documents 0.. in order.
    pub(crate) fn slots(&self) -> &[u32] {
        &self.slot_of
    }

    /// The document that holds the slot's terms, if this segment has it.
    pub(crate) fn document_of(&self, slot: u32) -> Option<u32> {
        match &self.by_slot {
            None => self.slot_of.binary_search(&slot).ok().map(|index| index as u32),
            Some(order) => {
                let found = order.binary_search_by_key(&slot, |&document| self.slot_of[document as usize]);
                found.ok().map(|index| order[index])
            }
        }
    }

    fn read(reader: &SegmentReader) -> Result<Self> {
        let column = reader.fast_fields().u64("slot").map_err(|error| fault::lexical("read slots", error))?;
        let values = column.first_or_default_col(u64::from(u32::MAX));
        let slot_of: Vec<u32> =
            (0..reader.max_doc()).map(|document| values.get_val(document) as u32).collect();
        let by_slot = (!slot_of.is_sorted()).then(|| {
            let mut order: Vec<u32> = (0..reader.max_doc()).collect();
            order.sort_unstable_by_key(|&document| slot_of[document as usize]);
            order
        });
        Ok(Self { slot_of, by_slot })
    }
}

fn schema() -> (Schema, Fields) {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer("lines")
        .set_index_option(IndexRecordOption::WithFreqs)
        .set_fieldnorms(true);
    let options = TextOptions::default().set_indexing_options(indexing);
    let mut builder = Schema::builder();
    let all = ["text", "title", "place"].map(|name| builder.add_text_field(name, options.clone()));
    // Only which chunks have a name is ever asked.
    let keys = TextFieldIndexing::default()
        .set_tokenizer("lines")
        .set_index_option(IndexRecordOption::Basic)
        .set_fieldnorms(false);
    let keys = TextOptions::default().set_indexing_options(keys);
    let [names, called] = ["names", "called"].map(|name| builder.add_text_field(name, keys.clone()));
    let slot = builder.add_u64_field("slot", FAST);
    (builder.build(), Fields { all, names, called, slot })
}

/// Nothing is stored in tantivy, so nothing needs compressing.
fn settings() -> IndexSettings {
    IndexSettings { docstore_compress_dedicated_thread: false, ..IndexSettings::default() }
}
