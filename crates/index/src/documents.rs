//! The documents of a generation: which slots each has, and the columns that filters look at.
//!
//! Keeps true: on disk it is a log of checksummed records, of which the manifest says how many bytes count. In
//! memory every live slot belongs to exactly one entry.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use ibid_types::access::{Holder, Readable};
use ibid_types::search::Filter;
use ibid_types::{DocumentId, Result, Timestamp, VersionId};
use serde::{Deserialize, Serialize};

use crate::fault;
use crate::lexical::FIELD_COUNT;
use crate::slots::Slots;

/// A document in the index; its chunks have the slots `[first, first + count)` in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) document: DocumentId,
    pub(crate) version: VersionId,
    pub(crate) first: u32,
    pub(crate) count: u32,
    pub(crate) source: String,
    pub(crate) tags: Vec<String>,
    /// Who may read it; empty: everybody who reads in the workspace.
    #[serde(default)]
    pub(crate) readers: Vec<Holder>,
    pub(crate) date: Timestamp,
    pub(crate) language: Option<String>,
    /// The language its text was analysed in.
    pub(crate) analysed: String,
    /// Terms in each lexical field over all its chunks.
    pub(crate) tokens: [u64; FIELD_COUNT],
    /// Of all that decides what its slots hold; equal digests mean that only the columns changed.
    pub(crate) digest: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Record {
    Put(Entry),
    Remove(DocumentId),
}

/// All documents, cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Documents {
    /// In the order of `first`; `None` where the document was removed since.
    entries: Arc<Vec<(u32, Option<Arc<Entry>>)>>,
    places: Arc<HashMap<DocumentId, usize>>,
    live: Slots,
    /// Documents with an access list.
    listed: usize,
    tokens: [u64; FIELD_COUNT],
    languages: BTreeMap<String, u64>,
}

impl Documents {
    pub(crate) const fn live(&self) -> &Slots {
        &self.live
    }

    pub(crate) const fn tokens(&self) -> [u64; FIELD_COUNT] {
        self.tokens
    }

    /// Live chunks by the language they were analysed in.
    pub(crate) const fn languages(&self) -> &BTreeMap<String, u64> {
        &self.languages
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn find(&self, document: DocumentId) -> Option<&Arc<Entry>> {
        self.entries.get(*self.places.get(&document)?)?.1.as_ref()
    }

    /// The live document that the slot belongs to.
    pub(crate) fn of_slot(&self, slot: u32) -> Option<&Arc<Entry>> {
        // A document without chunks has the `first` of the next one and stands before it.
        let after = self.entries.partition_point(|(first, _)| *first <= slot);
        let (_, entry) = self.entries.get(after.checked_sub(1)?)?;
        entry.as_ref().filter(|entry| slot - entry.first < entry.count)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.iter().filter_map(|(_, entry)| entry.as_ref())
    }

    /// The live slots of the documents that pass, of those that are readable.
    pub(crate) fn eligible(&self, filter: &Filter, readable: &Readable) -> Slots {
        if *readable == Readable::Nothing {
            return Slots::default();
        }
        if filter.is_empty() && (*readable == Readable::All || self.listed == 0) {
            return self.live.clone();
        }
        let mut slots = Slots::default();
        let mut offer = |entry: &Arc<Entry>| {
            if passes(entry, filter) && readable.holds(&entry.readers) {
                slots.insert_range(entry.first, entry.count);
            }
        };
        if filter.documents.is_empty() {
            self.iter().for_each(&mut offer);
        } else {
            filter.documents.iter().filter_map(|id| self.find(*id)).for_each(&mut offer);
        }
        slots
    }

    fn apply(&mut self, record: Record) {
        match record {
            Record::Put(entry) => self.put(entry),
            Record::Remove(document) => self.remove(document),
        }
    }

    /// Adds the entry in place of what there was of the document.
    fn put(&mut self, entry: Entry) {
        let place = self.places.get(&entry.document).copied();
        let same_slots = place.is_some_and(|place| self.entries[place].0 == entry.first);
        self.remove(entry.document);
        self.live.insert_range(entry.first, entry.count);
        self.listed += usize::from(!entry.readers.is_empty());
        for (total, tokens) in self.tokens.iter_mut().zip(entry.tokens) {
            *total += tokens;
        }
        *self.languages.entry(entry.analysed.clone()).or_default() += u64::from(entry.count);
        let entries = Arc::make_mut(&mut self.entries);
        let place = place.filter(|_| same_slots).unwrap_or(entries.len());
        let (document, first, entry) = (entry.document, entry.first, Some(Arc::new(entry)));
        match entries.get_mut(place) {
            Some(held) => *held = (first, entry),
            None => entries.push((first, entry)),
        }
        Arc::make_mut(&mut self.places).insert(document, place);
    }

    fn remove(&mut self, document: DocumentId) {
        if !self.places.contains_key(&document) {
            return;
        }
        let Some(place) = Arc::make_mut(&mut self.places).remove(&document) else { return };
        let Some(entry) = Arc::make_mut(&mut self.entries)[place].1.take() else { return };
        self.live.remove_range(entry.first, entry.count);
        self.listed -= usize::from(!entry.readers.is_empty());
        for (total, tokens) in self.tokens.iter_mut().zip(entry.tokens) {
            *total -= tokens;
        }
        if let Some(chunks) = self.languages.get_mut(&entry.analysed) {
            *chunks -= u64::from(entry.count);
        }
        self.languages.retain(|_, chunks| *chunks > 0);
    }
}

fn passes(entry: &Entry, filter: &Filter) -> bool {
    let language = || entry.language.as_ref().is_some_and(|language| filter.languages.contains(language));
    (filter.documents.is_empty() || filter.documents.contains(&entry.document))
        && filter.tags.iter().all(|tag| entry.tags.contains(tag))
        && (filter.languages.is_empty() || language())
        && filter.path_prefix.as_ref().is_none_or(|prefix| entry.source.starts_with(prefix.as_str()))
        && filter.date_from.is_none_or(|from| entry.date >= from)
        && filter.date_to.is_none_or(|to| entry.date < to)
}

/// The documents with the log that they are read back from.
#[derive(Debug)]
pub(crate) struct DocumentLog {
    file: File,
    /// Bytes that the last commit covers.
    committed: u64,
    pending: Vec<u8>,
    documents: Documents,
}

/// Length and CRC-32 ahead of each record.
const RECORD_HEADER_BYTES: usize = 8;

impl DocumentLog {
    /// Reads the first `bytes` of the log, as the manifest counts them, and drops what lies beyond.
    pub(crate) fn open(path: &Path, bytes: u64) -> Result<Self> {
        let mut read = Vec::new();
        let mut open = || {
            let mut file =
                OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
            Read::by_ref(&mut file).take(bytes).read_to_end(&mut read)?;
            Ok(file)
        };
        let file = open().map_err(|error| fault::write("open the document log", error))?;
        let mut documents = Documents::default();
        if read.len() as u64 != bytes {
            return Err(fault::broken(format!("the document log has {} of {bytes} bytes", read.len())));
        }
        let mut rest = read.as_slice();
        while !rest.is_empty() {
            let (record, after) =
                next_record(rest).ok_or_else(|| fault::broken("a log record is damaged"))?;
            documents.apply(record);
            rest = after;
        }
        Ok(Self { file, committed: bytes, pending: Vec::new(), documents })
    }

    pub(crate) const fn documents(&self) -> &Documents {
        &self.documents
    }

    pub(crate) fn put(&mut self, entry: Entry) -> Result<()> {
        self.append(Record::Put(entry))
    }

    /// Says whether there was something to remove.
    pub(crate) fn remove(&mut self, document: DocumentId) -> Result<bool> {
        let known = self.documents.find(document).is_some();
        if known {
            self.append(Record::Remove(document))?;
        }
        Ok(known)
    }

    /// Makes all records durable and returns the bytes that the manifest is to count.
    pub(crate) fn commit(&mut self) -> Result<u64> {
        let mut write = || {
            self.file.seek(SeekFrom::Start(self.committed))?;
            self.file.write_all(&self.pending)?;
            self.file.sync_data()
        };
        write().map_err(|error| fault::write("write the document log", error))?;
        self.committed += self.pending.len() as u64;
        self.pending.clear();
        Ok(self.committed)
    }

    fn append(&mut self, record: Record) -> Result<()> {
        let payload = serde_json::to_vec(&record)
            .map_err(|error| fault::broken("a document entry cannot be written").caused_by(error))?;
        self.pending.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        self.pending.extend_from_slice(&crc32fast::hash(&payload).to_le_bytes());
        self.pending.extend_from_slice(&payload);
        self.documents.apply(record);
        Ok(())
    }
}

fn next_record(bytes: &[u8]) -> Option<(Record, &[u8])> {
    let (header, rest) = bytes.split_at_checked(RECORD_HEADER_BYTES)?;
    let length = u32::from_le_bytes(header[..4].try_into().ok()?) as usize;
    let (payload, rest) = rest.split_at_checked(length)?;
    let intact = crc32fast::hash(payload).to_le_bytes() == header[4..];
    let record = if intact { serde_json::from_slice(payload).ok()? } else { return None };
    Some((record, rest))
}

#[cfg(test)]
mod tests {
    use ibid_types::UserId;

    use super::*;

    fn entry(document: DocumentId, first: u32, count: u32) -> Entry {
        Entry {
            document,
            version: VersionId::new(),
            first,
            count,
            source: format!("notes/{first}.md"),
            tags: vec!["a".into(), "b".into()],
            readers: Vec::new(),
            date: Timestamp(i64::from(first)),
            language: Some("en".into()),
            analysed: "en".into(),
            tokens: [10, 1, 2],
            digest: String::new(),
        }
    }

    fn log(dir: &Path) -> DocumentLog {
        DocumentLog::open(&dir.join("log"), 0).unwrap()
    }

    fn slots(documents: &Documents, filter: Filter) -> Vec<u32> {
        documents.eligible(&filter, &Readable::All).iter().collect()
    }

    #[test]
    fn a_new_entry_replaces_the_old_slots() {
        let dir = tempfile::tempdir().unwrap();
        let (mut log, id) = (log(dir.path()), DocumentId::new());
        log.put(entry(id, 0, 3)).unwrap();
        log.put(entry(DocumentId::new(), 3, 2)).unwrap();
        log.put(entry(id, 5, 2)).unwrap();
        assert_eq!(log.documents().live().iter().collect::<Vec<_>>(), [3, 4, 5, 6]);
        assert_eq!((log.documents().tokens(), log.documents().len()), ([20, 2, 4], 2));
        assert!(log.documents().of_slot(1).is_none() && log.documents().of_slot(6).unwrap().document == id);
    }

    #[test]
    fn the_log_reads_back_to_its_committed_length() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = log(dir.path());
        let ids: Vec<DocumentId> = (0..3).map(|_| DocumentId::new()).collect();
        log.put(entry(ids[0], 0, 1)).unwrap();
        log.put(entry(ids[1], 1, 0)).unwrap();
        log.put(entry(ids[2], 1, 1)).unwrap();
        let bytes = log.commit().unwrap();
        log.remove(ids[0]).unwrap();
        let more = log.commit().unwrap();
        let path = dir.path().join("log");
        assert_eq!(DocumentLog::open(&path, more).unwrap().documents().len(), 2);
        let before = DocumentLog::open(&path, bytes).unwrap();
        assert_eq!(before.documents().len(), 3);
        assert_eq!(before.documents().of_slot(1).unwrap().document, ids[2]);
    }

    #[test]
    fn a_short_or_damaged_log_is_broken() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = log(dir.path());
        log.put(entry(DocumentId::new(), 0, 1)).unwrap();
        let bytes = log.commit().unwrap();
        let path = dir.path().join("log");
        assert_eq!(DocumentLog::open(&path, bytes + 1).unwrap_err().code, "index_broken");
        let mut content = std::fs::read(&path).unwrap();
        content[20] ^= 1;
        std::fs::write(&path, content).unwrap();
        assert_eq!(DocumentLog::open(&path, bytes).unwrap_err().code, "index_broken");
    }

    #[test]
    fn every_set_field_of_a_filter_must_hold() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = log(dir.path());
        let ids = [DocumentId::new(), DocumentId::new()];
        log.put(entry(ids[0], 0, 1)).unwrap();
        log.put(Entry { language: None, tags: vec![], ..entry(ids[1], 1, 2) }).unwrap();
        let documents = log.documents();
        let check = |filter: Filter, expected: &[u32]| assert_eq!(slots(documents, filter), expected);
        check(Filter::default(), &[0, 1, 2]);
        check(Filter { documents: vec![ids[1], DocumentId::new()], ..Filter::default() }, &[1, 2]);
        check(Filter { tags: vec!["a".into(), "b".into()], ..Filter::default() }, &[0]);
        check(Filter { languages: vec!["en".into()], ..Filter::default() }, &[0]);
        check(Filter { path_prefix: Some("notes/1".into()), ..Filter::default() }, &[1, 2]);
        check(Filter { date_from: Some(Timestamp(1)), ..Filter::default() }, &[1, 2]);
        check(Filter { date_to: Some(Timestamp(1)), ..Filter::default() }, &[0]);
        check(Filter { tags: vec!["a".into()], documents: vec![ids[1]], ..Filter::default() }, &[]);
    }

    #[test]
    fn what_somebody_may_not_read_has_no_slots() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = log(dir.path());
        let (ada, bob) = (Holder::User(UserId::new()), Holder::User(UserId::new()));
        let of_ada = DocumentId::new();
        log.put(entry(DocumentId::new(), 0, 1)).unwrap();
        log.put(Entry { readers: vec![ada], ..entry(of_ada, 1, 2) }).unwrap();
        let seen = |log: &DocumentLog, readable: Readable, filter: Filter| -> Vec<u32> {
            log.documents().eligible(&filter, &readable).iter().collect()
        };
        let open = |holder| Readable::Open(vec![holder]);
        assert_eq!(seen(&log, open(ada), Filter::default()), [0, 1, 2]);
        assert_eq!(seen(&log, open(bob), Filter::default()), [0]);
        let named = Filter { documents: vec![of_ada], ..Filter::default() };
        assert!(seen(&log, open(bob), named).is_empty(), "naming it does not help");
        assert!(seen(&log, Readable::Nothing, Filter::default()).is_empty());
        log.put(entry(of_ada, 1, 2)).unwrap();
        assert_eq!(seen(&log, open(bob), Filter::default()), [0, 1, 2], "once the list is empty");
    }

    #[test]
    fn columns_change_in_place_when_the_slots_stay() {
        let dir = tempfile::tempdir().unwrap();
        let (mut log, id) = (log(dir.path()), DocumentId::new());
        log.put(entry(id, 0, 2)).unwrap();
        log.put(Entry { tags: vec!["new".into()], ..entry(id, 0, 2) }).unwrap();
        assert_eq!(slots(log.documents(), Filter { tags: vec!["new".into()], ..Filter::default() }), [0, 1]);
        assert_eq!(log.documents().live().count(), 2);
    }
}
