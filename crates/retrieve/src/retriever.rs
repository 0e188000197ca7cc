//! `Retriever`: the one way from a query to hits.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use ibid_index::{Analysed, ChunkRef, Indexes, Scored, Slots, Snapshot};
use ibid_model::{Embedder, Purpose, Reranker};
use ibid_store::Store;
use ibid_types::access::{Readable, Reader};
use ibid_types::document::{Chunk, Document};
use ibid_types::search::{Found, Hit, Mode, Part, Request, Trace, Why};
use ibid_types::{ChunkId, DocumentId, Result, WorkspaceId};

use crate::config::Config;
use crate::explain::Weights;
use crate::fusion::{Fused, Scale, fuse, sort};
use crate::links::{Source, links};
use crate::refine::{Looked, refine};
use crate::suppress::distinct;
use crate::walk::Linked;

/// Passages that neither search has among its candidates, and that links may bring in.
const LINKED_MAX: usize = 20;

/// Searches a workspace.
#[derive(Debug)]
pub struct Retriever {
    indexes: Arc<Indexes>,
    store: Store,
    embedder: Arc<dyn Embedder>,
    former: Option<Arc<dyn Embedder>>,
    reranker: Option<Arc<dyn Reranker>>,
    config: Config,
}

/// One search on its way.
struct Search<'a> {
    request: &'a Request,
    snapshot: Arc<Snapshot>,
    readable: Readable,
    within: Slots,
    terms: Analysed,
    weights: Weights,
    vector: Option<Vec<f32>>,
    /// What links the passages that links lead to.
    names: HashMap<u32, Vec<String>>,
    trace: Trace,
}

impl Search<'_> {
    /// Candidates of neither search, with exact scores and a second look as those have.
    fn scored(&self, candidates: &Candidates, slots: &[u32], looked: Option<&Looked>) -> Result<Vec<Fused>> {
        let Some(vector) = self.vector.as_ref().filter(|_| !slots.is_empty()) else { return Ok(Vec::new()) };
        let scale = Scale::of(&candidates.scores, self.weights.lexical);
        let bm25 = self.snapshot.lexical_scores(&self.terms, slots)?;
        let cosines = self.snapshot.dense_scores(vector, slots);
        let scores = slots.iter().zip(bm25).zip(cosines);
        let fused = scores.map(|((slot, bm25), cosine)| {
            let mut fused = scale.fused(*slot, bm25, cosine);
            if let Some(looked) = looked {
                looked.look_at(&mut fused, &self.snapshot.vector(*slot));
            }
            fused
        });
        Ok(fused.collect())
    }
}

impl Retriever {
    #[must_use]
    pub const fn new(
        indexes: Arc<Indexes>,
        store: Store,
        embedder: Arc<dyn Embedder>,
        reranker: Option<Arc<dyn Reranker>>,
        config: Config,
    ) -> Self {
        Self { indexes, store, embedder, former: None, reranker, config }
    }

    /// With the embedder whose vectors an index may still have while another takes its place.
    #[must_use]
    pub fn with_former(mut self, former: Option<Arc<dyn Embedder>>) -> Self {
        self.former = former;
        self
    }

    /// Hits best first, with the trace of how they were found.
    pub fn search(&self, request: &Request) -> Result<Found> {
        self.search_telling(request).map(|(found, _)| found)
    }

    /// The same with the question's vector, where the present embedder made one.
    pub fn search_telling(&self, request: &Request) -> Result<(Found, Option<Vec<f32>>)> {
        let started = Instant::now();
        let vector = self.question_vector(request)?;
        let mut trace = Trace { mode: request.mode, ..Trace::default() };
        note(&mut trace, "embed", started);
        let found = self.search_with(request, vector.clone(), trace)?;
        Ok((found, vector.filter(|_| self.former.is_none())))
    }

    /// The same with the question's vector given.
    pub fn search_vector(&self, request: &Request, vector: Option<Vec<f32>>) -> Result<Found> {
        self.search_with(request, vector, Trace { mode: request.mode, ..Trace::default() })
    }

    /// Passages that were found before, as they are now, in that order and without scores. One whose document was
    /// deleted meanwhile, is of another workspace, or may not be read, is left out.
    pub fn read(&self, workspace: WorkspaceId, reader: Reader, chunks: &[ChunkId]) -> Result<Vec<Hit>> {
        let chunks = self.store.chunks_by_id(chunks)?;
        let documents = chunks.iter().map(|chunk| chunk.document);
        let readable = self.store.readable(workspace, reader)?;
        let documents = Documents::read(&self.store, workspace, &readable, documents)?;
        let hit = |chunk| documents.hit(chunk, 0.0, None, Why::default());
        Ok(chunks.into_iter().filter_map(hit).collect())
    }

    fn search_with(&self, request: &Request, vector: Option<Vec<f32>>, trace: Trace) -> Result<Found> {
        let mut search = self.begin(request, vector, trace)?;
        let candidates = self.candidates(&mut search)?;
        let started = Instant::now();
        let mut fused = fuse(&candidates.scores, search.weights.lexical);
        note(&mut search.trace, "fuse", started);
        if let Some(refinement) = search.weights.refinement {
            let started = Instant::now();
            let looked = refine(&mut fused, &refinement, |slot| search.snapshot.vector(slot));
            note(&mut search.trace, "refine", started);
            let started = Instant::now();
            self.follow_links(&mut search, &candidates, &mut fused, looked.as_ref())?;
            note(&mut search.trace, "links", started);
        }
        let started = Instant::now();
        let kept = self.keep(&search, &fused);
        note(&mut search.trace, "suppress", started);
        let started = Instant::now();
        let mut hits = self.load(&search, &candidates, kept)?;
        note(&mut search.trace, "load", started);
        self.rerank(&mut search, &mut hits);
        Ok(Found { hits, trace: search.trace })
    }

    /// A question's vector, where the mode needs one. Without it a hybrid search goes by words; a dense one cannot.
    fn question_vector(&self, request: &Request) -> Result<Option<Vec<f32>>> {
        if request.mode == Mode::Lexical {
            return Ok(None);
        }
        match self.embedder_of(request).embed(&[&request.query], Purpose::Question) {
            Ok(mut vectors) => Ok(vectors.pop()),
            Err(error) if request.mode == Mode::Hybrid => {
                tracing::warn!(code = error.code, "searching by words only: {}", error.chain());
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The one that made the vectors of the workspace's index.
    fn embedder_of(&self, request: &Request) -> &dyn Embedder {
        let former = self.former.as_ref();
        let snapshot = former.map(|_| self.indexes.snapshot(request.workspace));
        former
            .filter(|former| snapshot.is_some_and(|snapshot| snapshot.model() == former.spec().id))
            .unwrap_or(&self.embedder)
            .as_ref()
    }

    fn begin<'a>(
        &self,
        request: &'a Request,
        vector: Option<Vec<f32>>,
        mut trace: Trace,
    ) -> Result<Search<'a>> {
        let started = Instant::now();
        let snapshot = self.indexes.snapshot(request.workspace);
        let vector = vector.filter(|vector| vector.len() == snapshot.dimensions());
        let readable = self.store.readable(request.workspace, request.reader)?;
        let within = snapshot.eligible(&request.filter, &readable);
        let terms =
            if request.mode == Mode::Dense { Analysed::default() } else { snapshot.analyse(&request.query) };
        trace.total = snapshot.total();
        trace.eligible = within.count();
        trace.terms.clone_from(&terms.terms);
        trace.language.clone_from(&terms.language);
        note(&mut trace, "filter", started);
        let weights = Weights::of(&self.config, request.mode, vector.is_some());
        trace.fusion = weights.in_words();
        let names = HashMap::new();
        Ok(Search { request, snapshot, readable, within, terms, weights, vector, names, trace })
    }

    /// The best of both searches, each scored by both.
    fn candidates(&self, search: &mut Search<'_>) -> Result<Candidates> {
        let depth = self.config.candidates.max(search.request.limit);
        let started = Instant::now();
        let lexical = search.snapshot.lexical(&search.terms, &search.within, depth)?;
        note(&mut search.trace, "lexical", started);
        let started = Instant::now();
        let dense = search
            .vector
            .as_ref()
            .map_or_else(Vec::new, |vector| search.snapshot.dense(vector, &search.within, depth));
        note(&mut search.trace, "dense", started);
        search.trace.lexical_candidates = lexical.len();
        search.trace.dense_candidates = dense.len();
        let started = Instant::now();
        let candidates = Candidates::join(search, lexical, dense)?;
        note(&mut search.trace, "score", started);
        Ok(candidates)
    }

    /// Adds what a walk over links gives, to candidates and to passages that only links lead to.
    fn follow_links(
        &self,
        search: &mut Search<'_>,
        candidates: &Candidates,
        fused: &mut Vec<Fused>,
        looked: Option<&Looked>,
    ) -> Result<()> {
        let linked = self.linked(search, fused)?;
        let places: HashMap<u32, usize> =
            fused.iter().zip(0..).map(|(fused, place)| (fused.slot, place)).collect();
        let (known, new): (Vec<Linked>, Vec<Linked>) =
            linked.into_iter().partition(|linked| places.contains_key(&linked.slot));
        let new: Vec<Linked> = new.into_iter().take(LINKED_MAX).collect();
        let slots: Vec<u32> = new.iter().map(|linked| linked.slot).collect();
        fused.extend(search.scored(candidates, &slots, looked)?);
        for (place, linked) in
            (fused.len() - new.len()..).zip(&new).chain(known.iter().map(|one| (places[&one.slot], one)))
        {
            fused[place].links = linked.visits;
            fused[place].score += search.weights.links * linked.visits;
        }
        sort(fused);
        search.names = known.into_iter().chain(new).map(|linked| (linked.slot, linked.names)).collect();
        Ok(())
    }

    fn linked(&self, search: &Search<'_>, fused: &[Fused]) -> Result<Vec<Linked>> {
        let Some(vector) = search.vector.as_ref().filter(|_| search.weights.links > 0.0) else {
            return Ok(Vec::new());
        };
        let load = |ids: &[ChunkId]| {
            let chunks = self.store.chunks_by_id(ids)?;
            let of = chunks.iter().map(|chunk| chunk.document);
            let documents = Documents::read(&self.store, search.request.workspace, &search.readable, of)?;
            let with = |chunk: Chunk| Some((documents.0.get(&chunk.document)?.clone(), chunk));
            Ok(chunks.into_iter().filter_map(with).map(|(document, chunk)| (chunk, document)).collect())
        };
        let (snapshot, within) = (search.snapshot.as_ref(), &search.within);
        links(&Source { snapshot, within, question: &search.request.query, vector, load: &load }, fused)
    }

    fn keep(&self, search: &Search<'_>, fused: &[Fused]) -> Vec<(Fused, Vec<u32>)> {
        let limit = search.request.limit;
        if !self.config.suppress_duplicates || search.vector.is_none() {
            return fused.iter().take(limit).map(|fused| (*fused, Vec::new())).collect();
        }
        distinct(fused, limit, |slot| search.snapshot.vector(slot))
    }

    /// The rows of the hits; one that is gone from the store in the meantime is no hit.
    fn load(
        &self,
        search: &Search<'_>,
        candidates: &Candidates,
        kept: Vec<(Fused, Vec<u32>)>,
    ) -> Result<Vec<Hit>> {
        let found: Vec<(Fused, ChunkRef, Vec<ChunkId>)> = kept
            .into_iter()
            .filter_map(|(fused, left_out)| {
                let left_out = left_out
                    .into_iter()
                    .filter_map(|slot| search.snapshot.chunk(slot))
                    .map(|chunk| chunk.chunk);
                Some((fused, search.snapshot.chunk(fused.slot)?, left_out.collect()))
            })
            .collect();
        let ids: Vec<ChunkId> = found.iter().map(|(_, chunk, _)| chunk.chunk).collect();
        let slots: Vec<u32> = found.iter().map(|(fused, _, _)| fused.slot).collect();
        let mut chunks = self
            .store
            .chunks_by_id(&ids)?
            .into_iter()
            .map(|chunk| (chunk.id, chunk))
            .collect::<HashMap<_, _>>();
        let terms = search.snapshot.lexical_terms(&search.terms, &slots)?;
        let documents = found.iter().map(|(_, chunk, _)| chunk.document);
        let documents = Documents::read(&self.store, search.request.workspace, &search.readable, documents)?;
        let mut hits = Vec::with_capacity(found.len());
        for ((fused, chunk, duplicates), terms) in found.into_iter().zip(terms) {
            let Some(chunk) = chunks.remove(&chunk.chunk) else { continue };
            let names = search.names.get(&fused.slot).cloned().unwrap_or_default();
            let why = search.weights.why(&fused, candidates.ranks(fused.slot), terms, names, duplicates);
            let similarity = search.vector.is_some().then_some(fused.cosine);
            hits.extend(documents.hit(chunk, fused.score, similarity, why));
        }
        Ok(hits)
    }

    /// Puts the reranker's order over the first hits; where it fails, the fused order stays.
    fn rerank(&self, search: &mut Search<'_>, hits: &mut [Hit]) {
        let Some(reranker) = &self.reranker else { return };
        let started = Instant::now();
        let depth = hits.len().min(self.config.rerank_depth);
        let passages: Vec<&str> = hits[..depth].iter().map(|hit| hit.chunk.text.as_str()).collect();
        match reranker.score(&search.request.query, &passages) {
            Ok(scores) if scores.len() == depth => {
                for (hit, score) in hits[..depth].iter_mut().zip(scores) {
                    hit.why.rerank = Some(Part { rank: None, score, normalised: score, weight: 1.0 });
                }
                let score = |hit: &Hit| hit.why.rerank.map_or(0.0, |part| part.score);
                hits[..depth].sort_by(|a, b| score(b).total_cmp(&score(a)));
            }
            Ok(_) => tracing::warn!(reranker = reranker.id(), "the reranker gave a wrong number of scores"),
            Err(error) => {
                tracing::warn!(code = error.code, "hits stay as they were fused: {}", error.chain())
            }
        }
        note(&mut search.trace, "rerank", started);
    }
}

/// Candidates with their scores and their ranks in each list.
struct Candidates {
    scores: Vec<(u32, f32, f32)>,
    lexical_rank: HashMap<u32, usize>,
    dense_rank: HashMap<u32, usize>,
}

impl Candidates {
    fn join(search: &Search<'_>, lexical: Vec<Scored>, dense: Vec<Scored>) -> Result<Self> {
        let ranks =
            |list: &[Scored]| list.iter().zip(1..).map(|(scored, rank)| (scored.slot, rank)).collect();
        let mut slots: Vec<u32> = lexical.iter().chain(&dense).map(|scored| scored.slot).collect();
        slots.sort_unstable();
        slots.dedup();
        let bm25 = if search.terms.terms.is_empty() {
            vec![0.0; slots.len()]
        } else {
            search.snapshot.lexical_scores(&search.terms, &slots)?
        };
        let cosine = search
            .vector
            .as_ref()
            .map_or_else(|| vec![0.0; slots.len()], |vector| search.snapshot.dense_scores(vector, &slots));
        let scores = slots
            .into_iter()
            .zip(bm25)
            .zip(cosine)
            .map(|((slot, bm25), cosine)| (slot, bm25, cosine))
            .collect();
        Ok(Self { scores, lexical_rank: ranks(&lexical), dense_rank: ranks(&dense) })
    }

    /// The slot's ranks in the lists by words and by meaning.
    fn ranks(&self, slot: u32) -> (Option<usize>, Option<usize>) {
        (self.lexical_rank.get(&slot).copied(), self.dense_rank.get(&slot).copied())
    }
}

/// The documents that hits are in.
struct Documents(HashMap<DocumentId, Document>);

impl Documents {
    /// Those that are readable now: the index may not know yet of a list that was changed.
    fn read(
        store: &Store,
        workspace: WorkspaceId,
        readable: &Readable,
        ids: impl Iterator<Item = DocumentId>,
    ) -> Result<Self> {
        let mut ids: Vec<DocumentId> = ids.collect();
        ids.sort_unstable();
        ids.dedup();
        let read = store.documents_by_id(workspace, &ids)?;
        let read = read.into_iter().filter(|document| readable.holds(&document.readers));
        Ok(Self(read.map(|document| (document.id, document)).collect()))
    }

    /// `None` if the document is gone in the meantime.
    fn hit(&self, chunk: Chunk, score: f32, similarity: Option<f32>, why: Why) -> Option<Hit> {
        let document = self.0.get(&chunk.document)?;
        Some(Hit {
            title: document.title.clone(),
            source: document.source.clone(),
            date: document.date,
            language: document.language.clone(),
            tags: document.tags.clone(),
            score,
            similarity,
            why,
            chunk,
            episode: None,
        })
    }
}

fn note(trace: &mut Trace, step: &str, started: Instant) {
    let us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    trace.timings_us.push((step.to_owned(), us));
}
