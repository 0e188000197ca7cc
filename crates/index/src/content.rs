//! What an index holds, in a form that two indexes can be compared by whatever their slots and segments are.

use std::collections::BTreeMap;

use ibid_types::{ChunkId, Result};
use tantivy::postings::Postings;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocSet, SegmentReader, TERMINATED};

use crate::fault;
use crate::snapshot::Snapshot;

/// For each chunk a hash of its document's columns, its place, its vector and its terms with their counts.
pub(crate) type Content = BTreeMap<ChunkId, [u8; 32]>;

pub(crate) fn content_of(snapshot: &Snapshot) -> Result<Content> {
    let terms = term_sums(snapshot).map_err(|error| fault::lexical("walk all terms", error))?;
    let live = snapshot.document_table().live().iter();
    live.map(|slot| {
        let chunk = snapshot.chunk(slot).ok_or_else(|| fault::broken(format!("slot {slot} has no chunk")))?;
        let entry = snapshot.document_table().of_slot(slot);
        let columns = entry.map(|entry| {
            (
                &entry.source,
                &entry.tags,
                &entry.readers,
                entry.date,
                &entry.language,
                &entry.analysed,
                entry.tokens,
                entry.count,
            )
        });
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("{columns:?} {chunk:?}").as_bytes());
        hasher.update(snapshot.dense_part().row(slot));
        hasher.update(&terms.get(slot as usize).copied().unwrap_or(0).to_le_bytes());
        Ok((chunk.chunk, *hasher.finalize().as_bytes()))
    })
    .collect()
}

/// How the two differ, in words, at most `limit` of them.
pub(crate) fn differences(held: &Content, fresh: &Content, limit: usize) -> Vec<String> {
    let missing = fresh
        .keys()
        .filter(|chunk| !held.contains_key(chunk))
        .map(|chunk| format!("chunk {chunk} is missing"));
    let extra = held
        .keys()
        .filter(|chunk| !fresh.contains_key(chunk))
        .map(|chunk| format!("chunk {chunk} should be gone"));
    let other = held.iter().filter(|(chunk, hash)| fresh.get(chunk).is_some_and(|fresh| fresh != *hash));
    missing
        .chain(extra)
        .chain(other.map(|(chunk, _)| format!("chunk {chunk} is indexed otherwise")))
        .take(limit)
        .collect()
}

/// For each slot the sum of the hashes of its terms, which does not depend on their order.
fn term_sums(snapshot: &Snapshot) -> tantivy::Result<Vec<u64>> {
    let view = snapshot.lexical_part().view();
    let fields: Vec<Field> =
        view.fields.all.into_iter().chain([view.fields.names, view.fields.called]).collect();
    let mut sums = Vec::new();
    for (reader, slots) in view.searcher.segment_readers().iter().zip(&view.segments) {
        add_segment(reader, slots.slots(), &fields, &mut sums)?;
    }
    Ok(sums)
}

fn add_segment(
    reader: &SegmentReader,
    slots: &[u32],
    fields: &[Field],
    sums: &mut Vec<u64>,
) -> tantivy::Result<()> {
    for (number, field) in fields.iter().enumerate() {
        let inverted = reader.inverted_index(*field)?;
        let mut terms = inverted.terms().stream()?;
        while let Some((term, info)) = terms.next() {
            let mut postings = inverted.read_postings_from_terminfo(info, IndexRecordOption::WithFreqs)?;
            let seed = blake3::hash(term);
            while postings.doc() != TERMINATED {
                let slot = slots[postings.doc() as usize] as usize;
                if sums.len() <= slot {
                    sums.resize(slot + 1, 0_u64);
                }
                sums[slot] =
                    sums[slot].wrapping_add(mix(seed.as_bytes(), number as u64, postings.term_freq()));
                postings.advance();
            }
        }
    }
    Ok(())
}

fn mix(seed: &[u8; 32], field: u64, frequency: u32) -> u64 {
    let low = seed.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    (low ^ field.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_mul(u64::from(frequency) * 2 + 1)
}
