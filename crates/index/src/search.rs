//! BM25 over the live chunks (k1 1.2, b 0.75; Robertson and Zaragoza 2009, with the idf of Lucene).
//!
//! Keeps true: document frequencies, the number of documents and their mean length count live slots only, so a
//! score does not depend on what was deleted before.

use std::collections::HashMap;
use std::sync::OnceLock;

use ibid_types::Result;
use parking_lot::Mutex;
use tantivy::query::{
    Bm25StatisticsProvider, BooleanQuery, BoostQuery, EnableScoring, Occur, Query, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocSet, SegmentReader, TERMINATED, Term};

use crate::best::{Best, Scored};
use crate::fault;
use crate::lexical::{FIELD_COUNT, LexicalView};
use crate::slots::Slots;

/// Where at most so many slots are eligible, they are scored one by one instead of searched for.
const NARROW_MAX: usize = 512;
/// A name that more chunks have tells nothing apart.
const NAMING_MAX: u64 = 50;
/// Documents of more chunks together are not what somebody means by a name.
const CALLED_MAX: u64 = 256;
/// Remembered frequencies of terms in segments with dead documents.
const FREQUENCIES_MAX: usize = 20_000;

/// How much a term counts by where it stands. The default is plain BM25 over title, headings and body as one text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FieldWeights {
    /// Title, headings and body together.
    pub text: f32,
    /// The document's title alone, in addition.
    pub title: f32,
    /// Headings and the words of the source's file name, in addition.
    pub place: f32,
}

impl Default for FieldWeights {
    fn default() -> Self {
        Self { text: 1.0, title: 0.0, place: 0.0 }
    }
}

/// A question as terms of the index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Analysed {
    /// Distinct, in the order of the question.
    pub terms: Vec<String>,
    /// How often each stands in the question.
    pub counts: Vec<u32>,
    /// The language it was analysed in (ISO 639-1).
    pub language: Option<String>,
    pub weights: FieldWeights,
}

/// The lexical part of a snapshot.
#[derive(Debug)]
pub(crate) struct LexicalSearch {
    view: LexicalView,
    live: Slots,
    /// Tokens of the live slots in each field.
    tokens: [u64; FIELD_COUNT],
    /// Dead documents of each segment, ascending.
    dead: OnceLock<Vec<Vec<u32>>>,
    frequencies: Mutex<HashMap<Term, u64>>,
}

impl LexicalSearch {
    pub(crate) fn new(view: LexicalView, live: Slots, tokens: [u64; FIELD_COUNT]) -> Self {
        Self { view, live, tokens, dead: OnceLock::new(), frequencies: Mutex::default() }
    }

    /// The `limit` best by BM25 of those within, best first; only slots with a term of the query.
    pub(crate) fn search(&self, query: &Analysed, within: &Slots, limit: usize) -> Result<Vec<Scored>> {
        if within.is_empty() || self.live.is_empty() || query.terms.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        if within.count() <= NARROW_MAX {
            return self.search_narrow(query, within, limit);
        }
        self.search_pruned(query, within, limit).map_err(|error| fault::lexical("search", error))
    }

    /// BM25 of the given slots, in order; 0 where no term occurs.
    pub(crate) fn scores(&self, query: &Analysed, slots: &[u32]) -> Result<Vec<f32>> {
        let mut scores = vec![0.0; slots.len()];
        if !self.live.is_empty() {
            self.visit(query, slots, |index, _, score| scores[index] += score)
                .map_err(|error| fault::lexical("score chunks", error))?;
        }
        Ok(scores)
    }

    /// The query's terms that each slot contains, in the order of the query.
    pub(crate) fn matched(&self, query: &Analysed, slots: &[u32]) -> Result<Vec<Vec<String>>> {
        let plain = Analysed { weights: FieldWeights::default(), ..query.clone() };
        let mut matched = vec![Vec::new(); slots.len()];
        if !self.live.is_empty() {
            self.visit(&plain, slots, |index, term, _| matched[index].push(plain.terms[term].clone()))
                .map_err(|error| fault::lexical("explain chunks", error))?;
        }
        Ok(matched)
    }

    /// The slots within whose chunks have the key among their names.
    pub(crate) fn naming(&self, key: &str, within: &Slots) -> Result<Vec<u32>> {
        self.holders(self.view.fields.names, key, within, NAMING_MAX)
    }

    /// The slots within of documents that are called so.
    pub(crate) fn called(&self, key: &str, within: &Slots) -> Result<Vec<u32>> {
        self.holders(self.view.fields.called, key, within, CALLED_MAX)
    }

    /// None where more than `most` live chunks have the key: then it tells nothing apart.
    fn holders(&self, field: Field, key: &str, within: &Slots, most: u64) -> Result<Vec<u32>> {
        let term = Term::from_field_text(field, key);
        self.slots_of(&term, within, most).map_err(|error| fault::lexical("look a name up", error))
    }

    fn slots_of(&self, term: &Term, within: &Slots, most: u64) -> tantivy::Result<Vec<u32>> {
        let mut found = Vec::new();
        if self.view.searcher.doc_freq(term)? > most && self.frequency(term)? > most {
            return Ok(found);
        }
        for (reader, slots) in self.view.searcher.segment_readers().iter().zip(&self.view.segments) {
            let inverted = reader.inverted_index(term.field())?;
            let Some(info) = inverted.get_term_info(term)? else { continue };
            let mut postings = inverted.read_postings_from_terminfo(&info, IndexRecordOption::Basic)?;
            while postings.doc() != TERMINATED {
                let slot = slots.slots()[postings.doc() as usize];
                found.extend(Some(slot).filter(|slot| within.contains(*slot)));
                postings.advance();
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    pub(crate) const fn view(&self) -> &LexicalView {
        &self.view
    }

    fn search_narrow(&self, query: &Analysed, within: &Slots, limit: usize) -> Result<Vec<Scored>> {
        let slots: Vec<u32> = within.iter().collect();
        let mut best = Best::new(limit);
        for (slot, score) in slots.iter().zip(self.scores(query, &slots)?) {
            if score > 0.0 {
                best.push(*slot, score);
            }
        }
        Ok(best.into_sorted())
    }

    /// Block-max WAND over each segment; the filter is asked before a candidate raises the threshold.
    fn search_pruned(&self, query: &Analysed, within: &Slots, limit: usize) -> tantivy::Result<Vec<Scored>> {
        let clauses = self.clauses(query).into_iter().map(|(_, clause)| (Occur::Should, clause)).collect();
        let weight = BooleanQuery::new(clauses)
            .weight(EnableScoring::enabled_from_statistics_provider(self, &self.view.searcher))?;
        let mut best = Best::new(limit);
        for (reader, slots) in self.view.searcher.segment_readers().iter().zip(&self.view.segments) {
            let slots = slots.slots();
            let start = best.threshold().max(0.0);
            weight.for_each_pruning(start, reader, &mut |document, score| {
                let slot = slots[document as usize];
                if within.contains(slot) {
                    best.push(slot, score);
                }
                best.threshold().max(0.0)
            })?;
        }
        Ok(best.into_sorted())
    }

    /// Calls `on_match(index in slots, index of term, weighted score)` for each occurrence, by seeking.
    fn visit(
        &self,
        query: &Analysed,
        slots: &[u32],
        mut on_match: impl FnMut(usize, usize, f32),
    ) -> tantivy::Result<()> {
        let located = self.locate(slots);
        for (term, clause) in self.clauses(query) {
            let weight =
                clause.weight(EnableScoring::enabled_from_statistics_provider(self, &self.view.searcher))?;
            for (reader, located) in self.view.searcher.segment_readers().iter().zip(&located) {
                if located.is_empty() {
                    continue;
                }
                let mut scorer = weight.scorer(reader, 1.0)?;
                for &(document, index) in located {
                    if scorer.doc() < document && scorer.seek(document) == TERMINATED {
                        break;
                    }
                    if scorer.doc() == document {
                        on_match(index, term, scorer.score());
                    }
                }
            }
        }
        Ok(())
    }

    /// For each segment its documents among the slots, ascending, with the index of the slot.
    fn locate(&self, slots: &[u32]) -> Vec<Vec<(u32, usize)>> {
        let in_segment = |segment: &std::sync::Arc<crate::lexical::SegmentSlots>| {
            let live = slots.iter().enumerate().filter(|(_, slot)| self.live.contains(**slot));
            let mut located: Vec<(u32, usize)> =
                live.filter_map(|(index, &slot)| Some((segment.document_of(slot)?, index))).collect();
            located.sort_unstable();
            located
        };
        self.view.segments.iter().map(in_segment).collect()
    }

    /// One query a term and weighted field, with the index of the term.
    fn clauses(&self, query: &Analysed) -> Vec<(usize, Box<dyn Query>)> {
        let weights = [query.weights.text, query.weights.title, query.weights.place];
        let mut clauses = Vec::new();
        for (field, weight) in self.view.fields.all.iter().zip(weights).filter(|(_, weight)| *weight > 0.0) {
            for (index, text) in query.terms.iter().enumerate() {
                let count = query.counts.get(index).copied().unwrap_or(1);
                clauses.push((index, clause(*field, text, weight * count as f32)));
            }
        }
        clauses
    }

    /// Live documents with the term.
    fn frequency(&self, term: &Term) -> tantivy::Result<u64> {
        let dead = self.dead.get_or_init(|| self.dead_documents());
        if dead.iter().all(Vec::is_empty) {
            return self.view.searcher.doc_freq(term);
        }
        if let Some(known) = self.frequencies.lock().get(term) {
            return Ok(*known);
        }
        let mut total = 0;
        for (reader, dead) in self.view.searcher.segment_readers().iter().zip(dead) {
            total += live_frequency(reader, term, dead)?;
        }
        let mut frequencies = self.frequencies.lock();
        if frequencies.len() >= FREQUENCIES_MAX {
            frequencies.clear();
        }
        frequencies.insert(term.clone(), total);
        Ok(total)
    }

    fn dead_documents(&self) -> Vec<Vec<u32>> {
        let dead = |segment: &std::sync::Arc<crate::lexical::SegmentSlots>| {
            let documents = segment.slots().iter().enumerate();
            documents
                .filter(|(_, slot)| !self.live.contains(**slot))
                .map(|(document, _)| document as u32)
                .collect()
        };
        self.view.segments.iter().map(dead).collect()
    }
}

impl Bm25StatisticsProvider for LexicalSearch {
    fn total_num_tokens(&self, field: Field) -> tantivy::Result<u64> {
        let index = self.view.fields.all.iter().position(|known| *known == field);
        Ok(index.map_or(0, |index| self.tokens[index]).max(1))
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        Ok(self.live.count() as u64)
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        self.frequency(term)
    }
}

/// Weighting by `BoostQuery` keeps block-max pruning: it hands its factor down to the term's scorer.
fn clause(field: Field, text: &str, weight: f32) -> Box<dyn Query> {
    let query = Box::new(TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::WithFreqs));
    if weight == 1.0 { query } else { Box::new(BoostQuery::new(query, weight)) }
}

/// The term's documents in a segment less the dead ones, by the shorter of the two lists.
fn live_frequency(reader: &SegmentReader, term: &Term, dead: &[u32]) -> tantivy::Result<u64> {
    let inverted = reader.inverted_index(term.field())?;
    let Some(info) = inverted.get_term_info(term)? else { return Ok(0) };
    let mut postings = inverted.read_postings_from_terminfo(&info, IndexRecordOption::Basic)?;
    let mut gone = 0;
    if dead.len() < info.doc_freq as usize / 4 {
        for &document in dead {
            if postings.doc() < document && postings.seek(document) == TERMINATED {
                break;
            }
            gone += u64::from(postings.doc() == document);
        }
    } else if !dead.is_empty() {
        while postings.doc() != TERMINATED {
            gone += u64::from(dead.binary_search(&postings.doc()).is_ok());
            postings.advance();
        }
    }
    Ok(u64::from(info.doc_freq) - gone)
}
