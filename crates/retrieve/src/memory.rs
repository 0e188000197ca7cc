//! Recall: a question to what is remembered of it, best first, each hit with the parts of its score.
//!
//! Episodes, facts and entities are fused as passages of documents are (`docs/adr/0002-fusion.md`), with three things
//! that memory has and documents have not: neighbours in a conversation, speakers, and links between entities
//! (`docs/adr/0008-memory-recall.md`).
//!
//! Keeps true: filters hold inside the searches; the parts of a hit, each normalised value times its weight, add up to
//! its score; without an embedder recall goes by words and links.

mod answerable;
mod fuse;
mod scale;

use std::sync::Arc;
use std::time::Instant;

use ibid_index::memory::{Filter, Key, Measured, Memory, Reading, Snapshot, Statistics, Vectors};
use ibid_index::{Scored, Slots};
use ibid_model::{Embedder, Purpose};
use ibid_types::Result;
use ibid_types::search::{Mode, Trace};

pub use answerable::{Signals, answerable};
pub use fuse::{Reasons, Remembered};
pub use scale::share_scale;

use fuse::{Fused, fuse};

/// How recall weighs its parts: one setting for every memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// The share of words in the fused score, 0 to 1; meaning has the rest.
    pub lexical_weight: f32,
    /// The share of the window in words and in meaning, 0 to 1; the episode alone has the rest.
    pub window_weight: f32,
    /// Added for what is said by, or about, a person whom the question names.
    pub person_weight: f32,
    /// Added for what is nearest by links to what the question names.
    pub link_weight: f32,
    /// Candidates taken from each search.
    pub candidates: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            lexical_weight: 0.2,
            window_weight: 0.5,
            person_weight: 0.13,
            link_weight: 0.05,
            candidates: 200,
        }
    }
}

/// A question to a memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    pub question: String,
    /// The speaker who says "I" in it, if that is known.
    pub asker: Option<String>,
    pub filter: Filter,
    /// Hits wanted.
    pub limit: usize,
}

/// What was remembered, best first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recalled {
    pub hits: Vec<Remembered>,
    /// What says whether the question can be answered from them; `answerable` makes one number of it.
    pub signals: Signals,
    pub trace: Trace,
}

/// Recall with an embedder.
#[derive(Clone, Debug)]
pub struct Recaller {
    embedder: Arc<dyn Embedder>,
    config: Config,
}

impl Recaller {
    #[must_use]
    pub fn new(embedder: Arc<dyn Embedder>, config: Config) -> Self {
        Self { embedder, config }
    }

    /// Embeds the question, and what a person whom it names would ask, in one call; then recalls. A failing embedder
    /// costs quality, never the answer.
    pub fn recall(&self, memory: &Memory, request: &Request) -> Recalled {
        self.recall_with(memory, request, None)
    }

    /// The same with the question's vector given, if the embedder made it.
    pub fn recall_with(&self, memory: &Memory, request: &Request, plain: Option<&[f32]>) -> Recalled {
        let retold = retold(memory, request);
        let own = plain.is_none().then_some(request.question.as_str());
        let texts: Vec<&str> = own.into_iter().chain(retold.as_deref()).collect();
        let vectors = if texts.is_empty() { Vec::new() } else { self.embed(&texts) };
        let mut made = vectors.iter().map(Vec::as_slice);
        let plain = plain.or_else(|| made.next());
        recall(memory, request, Vectors { plain, retold: made.next() }, &self.config)
    }

    fn embed(&self, texts: &[&str]) -> Vec<Vec<f32>> {
        let embedded: Result<Vec<Vec<f32>>> = self.embedder.embed(texts, Purpose::Question);
        embedded.unwrap_or_else(|error| {
            tracing::warn!(code = error.code, "recalling by words only: {}", error.chain());
            Vec::new()
        })
    }
}

/// What to embed beside the question: it, as a speaker whom it names would ask it of themselves. `None` if it names
/// none of them.
#[must_use]
pub fn retold(memory: &Memory, request: &Request) -> Option<String> {
    let snapshot = memory.snapshot();
    let reach = snapshot.reachable(&request.filter);
    snapshot.read(&request.question, request.asker.as_deref(), &reach).retold
}

/// Recalls with the vectors given, or by words and links alone.
#[must_use]
pub fn recall(memory: &Memory, request: &Request, vectors: Vectors<'_>, config: &Config) -> Recalled {
    let mut search = Search::begin(memory, request, vectors, config);
    let measured = search.measure();
    let fused = fuse(&measured, config, vectors.plain.is_some() || vectors.retold.is_some());
    note(&mut search.trace, "fuse", &mut search.started);
    let signals = Signals::of(&search.reading, &search.statistics, &fused);
    let hits = fused.iter().take(request.limit).filter_map(|fused| search.hit(fused)).collect();
    search.trace.fusion = fuse::in_words(config);
    Recalled { hits, signals, trace: search.trace }
}

/// One recall under way.
struct Search<'a> {
    request: &'a Request,
    vectors: Vectors<'a>,
    config: &'a Config,
    snapshot: Snapshot<'a>,
    /// What the way of links may lead over.
    reach: Slots,
    within: Slots,
    reading: Reading,
    statistics: Statistics,
    lists: Lists,
    trace: Trace,
    started: Instant,
}

/// What each search found, best first.
#[derive(Default)]
struct Lists {
    lexical: Vec<Scored>,
    dense: Vec<Scored>,
    linked: Vec<Scored>,
}

impl<'a> Search<'a> {
    fn begin(memory: &'a Memory, request: &'a Request, vectors: Vectors<'a>, config: &'a Config) -> Self {
        let mut started = Instant::now();
        let mut trace = Trace { mode: Mode::Hybrid, ..Trace::default() };
        let snapshot = memory.snapshot();
        let reach = snapshot.reachable(&request.filter);
        let reading = snapshot.read(&request.question, request.asker.as_deref(), &reach);
        let narrows = request.filter != request.filter.reach();
        let within = if narrows { snapshot.eligible(&request.filter) } else { reach.clone() };
        note(&mut trace, "filter", &mut started);
        let statistics = snapshot.statistics(&reading, &within);
        note(&mut trace, "statistics", &mut started);
        trace.terms.clone_from(&reading.terms);
        trace.language.clone_from(&reading.language);
        (trace.eligible, trace.total) = (within.count(), snapshot.len());
        let lists = Lists::default();
        Self { request, vectors, config, snapshot, reach, within, reading, statistics, lists, trace, started }
    }

    /// The best of each search and their neighbours, each measured by every part.
    fn measure(&mut self) -> Vec<Measured> {
        let depth = self.config.candidates.max(self.request.limit);
        let (snapshot, within) = (&self.snapshot, &self.within);
        let lexical = snapshot.lexical(&self.reading, &self.statistics, within, depth);
        note(&mut self.trace, "lexical", &mut self.started);
        let dense = snapshot.dense(self.vectors, within, depth);
        note(&mut self.trace, "dense", &mut self.started);
        let linked = snapshot.linked(&self.reading, &self.reach, within, depth);
        note(&mut self.trace, "links", &mut self.started);
        self.lists = Lists { lexical, dense, linked };
        self.trace.lexical_candidates = self.lists.lexical.len();
        self.trace.dense_candidates = self.lists.dense.len();
        let slots = self.candidates();
        let mut measured =
            self.snapshot.measure(&self.reading, &self.statistics, self.vectors, &slots, &self.within);
        for scored in &self.lists.linked {
            if let Ok(at) = slots.binary_search(&scored.slot) {
                measured[at].linked = scored.score;
            }
        }
        note(&mut self.trace, "score", &mut self.started);
        measured
    }

    /// The slots found, and those beside them, ascending: what answers stands next to what was asked.
    fn candidates(&self) -> Vec<u32> {
        let Lists { lexical, dense, linked } = &self.lists;
        let mut slots: Vec<u32> =
            lexical.iter().chain(dense).chain(linked).map(|scored| scored.slot).collect();
        let beside: Vec<u32> =
            slots.iter().flat_map(|slot| self.snapshot.around(*slot, &self.within)).collect();
        slots.extend(beside);
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    fn hit(&self, fused: &Fused) -> Option<Remembered> {
        let key: Key = self.snapshot.key(fused.measured.slot)?;
        let rank = |list: &[Scored]| {
            list.iter().position(|scored| scored.slot == fused.measured.slot).map(|place| place + 1)
        };
        let ranks = [rank(&self.lists.lexical), rank(&self.lists.dense), rank(&self.lists.linked)];
        Some(fused.remembered(key, ranks, &self.reading.terms))
    }
}

/// Notes how long the step took, and begins the next.
fn note(trace: &mut Trace, step: &str, started: &mut Instant) {
    let us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    trace.timings_us.push((step.to_owned(), us));
    *started = Instant::now();
}

#[cfg(test)]
mod tests;
