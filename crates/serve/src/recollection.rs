//! What is remembered, as passages that answers may be made of, beside those of documents.
//!
//! Keeps true: whoever asks has their own memories and those shared in the workspace, and none while they allow nothing to be
//! remembered; what was superseded is no source, nor are words of a conversation that stated nothing; what is sensitive goes to no
//! model elsewhere.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ibid_index::memory::{Filter, Kind, Memories};
use ibid_memory::day_of;
use ibid_model::Embedder;
use ibid_retrieve::memory::{Reasons, Recaller, Remembered, Request as Recall, share_scale};
use ibid_store::{Store, memory_used};
use ibid_types::access::{Holder, Readable, Reader};
use ibid_types::document::{Chunk, ChunkSpan};
use ibid_types::memory::{Consent, Episode, EpisodeKind, Fact, Owner, Sensitivity};
use ibid_types::search::{Found, Hit, Mode, Request, Why};
use ibid_types::{ChunkId, DocumentId, EpisodeId, FactId, FactVersionId, Result, VersionId, WorkspaceId};

use crate::audit::Refusals;

/// Where passages of memory say that they come from.
const SOURCE: &str = "memory";

/// Recalls what answers may be made of.
#[derive(Debug)]
pub struct Recollection {
    store: Store,
    memories: Arc<Memories>,
    recaller: Recaller,
    embedder: Arc<dyn Embedder>,
    /// All chat models are on this machine.
    tells_sensitive: bool,
    /// Facts whose use was written down a short time ago.
    recently_used: Refusals,
}

impl Recollection {
    pub fn new(
        store: Store,
        memories: Arc<Memories>,
        recaller: Recaller,
        embedder: Arc<dyn Embedder>,
        tells_sensitive: bool,
    ) -> Self {
        let recently_used = Refusals::default();
        Self { store, memories, recaller, embedder, tells_sensitive, recently_used }
    }

    /// Joins what is remembered to the documents found, best first by one scale. `vector` is the question's, where it is known.
    pub fn join(&self, request: &Request, vector: Option<&[f32]>, found: &mut Found) -> Result<()> {
        let is_asked = request.filter.is_empty() && request.mode == Mode::Hybrid;
        let owners = if is_asked { self.owners(request.workspace, request.reader)? } else { Vec::new() };
        if owners.is_empty() {
            return Ok(());
        }
        let memory = self.memories.of(request.workspace)?;
        if memory.snapshot().is_empty() {
            return Ok(());
        }
        let filter = Filter { owners: owners.iter().map(ToString::to_string).collect(), ..Filter::default() };
        let asker = self.name_of(request.reader)?;
        let asked = Recall { question: request.query.clone(), asker, filter, limit: request.limit };
        let mut recalled = self.recaller.recall_with(&memory, &asked, vector).hits;
        let places = self.places(&recalled)?;
        let told = self.told(request.workspace, &owners, places.values().copied())?;
        recalled.retain(|hit| places.get(&hit.key.id).is_some_and(|episode| told.contains_key(episode)));
        share_scale(&mut found.hits, &mut recalled);
        found.hits.extend(self.hits(recalled, &places, &told));
        found.hits.sort_by(|a, b| b.score.total_cmp(&a.score));
        found.hits.truncate(request.limit);
        self.use_facts(&found.hits, &told)
    }

    /// Passages of memory that were found before. One that was forgotten, or is somebody else's, is left out.
    pub fn read(&self, workspace: WorkspaceId, reader: Reader, chunks: &[ChunkId]) -> Result<Vec<Hit>> {
        let owners = self.owners(workspace, reader)?;
        if owners.is_empty() || chunks.is_empty() {
            return Ok(Vec::new());
        }
        let ids = chunks.iter().map(|chunk| EpisodeId::from_bytes(*chunk.as_bytes()));
        let told = self.told(workspace, &owners, ids)?;
        Ok(told.into_values().map(|told| self.passage(&told.episode)).collect())
    }

    /// Whose memories somebody's answers may be made of.
    fn owners(&self, workspace: WorkspaceId, reader: Reader) -> Result<Vec<Owner>> {
        let own = match (reader, reader.holder()) {
            (Reader::Machine, _) => Owner::Machine,
            (_, Some(holder)) => Owner::Holder(holder),
            _ => return Ok(Vec::new()),
        };
        if self.store.readable(workspace, reader)? == Readable::Nothing {
            return Ok(Vec::new());
        }
        let is_off = self.store.consent(own)?.is_some_and(|row| row.consent == Consent::Off);
        Ok(if is_off { vec![Owner::Shared] } else { vec![own, Owner::Shared] })
    }

    /// Who "I" is in a question.
    fn name_of(&self, reader: Reader) -> Result<Option<String>> {
        Ok(match reader.holder() {
            Some(Holder::User(id)) => self.store.user_find(id)?.map(|user| user.name),
            Some(Holder::Key(id)) => self.store.key_by_id(id)?.map(|key| key.name),
            _ => None,
        })
    }

    /// Which episode says what was recalled: the first that did.
    fn places(&self, recalled: &[Remembered]) -> Result<HashMap<[u8; 16], EpisodeId>> {
        let of = |kind: Kind| recalled.iter().filter(move |hit| hit.key.kind == kind).map(|hit| hit.key.id);
        let mut places: HashMap<[u8; 16], EpisodeId> =
            of(Kind::Episode).map(|id| (id, EpisodeId::from_bytes(id))).collect();
        let versions: Vec<FactVersionId> = of(Kind::Fact).map(FactVersionId::from_bytes).collect();
        let facts = self.store.facts_by_version(&versions)?;
        let ids: Vec<FactId> = facts.iter().map(|fact| fact.id).collect();
        let mut sources: HashMap<FactId, EpisodeId> = HashMap::new();
        for source in self.store.sources_of(&ids)? {
            let first = sources.entry(source.fact).or_insert(source.episode);
            *first = source.episode.min(*first);
        }
        let place = |fact: &Fact| Some((*fact.version.as_bytes(), *sources.get(&fact.id)?));
        places.extend(facts.iter().filter_map(place));
        Ok(places)
    }

    /// Those of the episodes that may be sources, with the facts that they state.
    fn told(
        &self,
        workspace: WorkspaceId,
        owners: &[Owner],
        episodes: impl Iterator<Item = EpisodeId>,
    ) -> Result<HashMap<EpisodeId, Told>> {
        let ids: Vec<EpisodeId> = episodes.collect::<HashSet<_>>().into_iter().collect();
        let sources = self.store.sources_in(&ids)?;
        let facts = self.store.facts_by_id(&sources.iter().map(|source| source.fact).collect::<Vec<_>>())?;
        let mut told: HashMap<EpisodeId, Told> = HashMap::new();
        for episode in self.store.episodes_by_id(&ids)? {
            if episode.workspace == workspace && owners.contains(&episode.owner) {
                told.insert(episode.id, Told { episode, has_facts: false, facts: Vec::new() });
            }
        }
        for source in &sources {
            let Some(told) = told.get_mut(&source.episode) else { continue };
            told.has_facts = true;
            told.facts.extend(facts.iter().filter(|fact| fact.id == source.fact && holds(fact)).cloned());
        }
        told.retain(|_, told| told.is_source(self.tells_sensitive));
        Ok(told)
    }

    /// Each episode once, where the best of what it says is.
    fn hits(
        &self,
        recalled: Vec<Remembered>,
        places: &HashMap<[u8; 16], EpisodeId>,
        told: &HashMap<EpisodeId, Told>,
    ) -> Vec<Hit> {
        let mut seen = HashSet::new();
        let mut hit = |remembered: Remembered| {
            let told = told.get(places.get(&remembered.key.id)?)?;
            let is_new = seen.insert(told.episode.id);
            let (score, similarity) = (remembered.score, remembered.similarity);
            let why = why(remembered.why);
            is_new.then(|| Hit { score, similarity, why, ..self.passage(&told.episode) })
        };
        recalled.into_iter().filter_map(&mut hit).collect()
    }

    fn passage(&self, episode: &Episode) -> Hit {
        let id = *episode.id.as_bytes();
        let text = episode.said.text.clone();
        let tokens = u32::try_from(self.embedder.count_tokens(&text)).unwrap_or(u32::MAX);
        Hit {
            chunk: Chunk {
                id: ChunkId::from_bytes(id),
                document: DocumentId::from_bytes(id),
                version: VersionId::from_bytes(id),
                ordinal: 0,
                span: ChunkSpan { end: text.len(), tokens, ..ChunkSpan::default() },
                text,
            },
            title: title(episode),
            source: SOURCE.to_owned(),
            date: episode.at,
            language: None,
            tags: Vec::new(),
            score: 0.0,
            similarity: None,
            why: Why::default(),
            episode: Some(episode.id),
        }
    }

    fn use_facts(&self, hits: &[Hit], told: &HashMap<EpisodeId, Told>) -> Result<()> {
        let used = hits.iter().filter_map(|hit| told.get(&hit.episode?));
        self.note_use(used.flat_map(|told| &told.facts).map(|fact| fact.id).collect())
    }

    /// Writes down, once in a while, that facts are of use: these fade later.
    pub fn note_use(&self, mut facts: Vec<FactId>) -> Result<()> {
        let now = self.store.now();
        facts.sort_unstable();
        facts.dedup();
        facts.retain(|id| self.recently_used.is_news(&id.to_string(), now));
        if facts.is_empty() {
            return Ok(());
        }
        self.store.db().batch(facts.iter().map(|id| memory_used(*id.as_bytes(), now)).collect()).map(drop)
    }
}

/// An episode with what it states that is still so.
#[derive(Debug)]
struct Told {
    episode: Episode,
    /// Anything was found in it, still so or not.
    has_facts: bool,
    facts: Vec<Fact>,
}

impl Told {
    fn is_source(&self, tells_sensitive: bool) -> bool {
        let is_kept_for_facts = self.has_facts || self.episode.kind == EpisodeKind::Turn;
        let is_sensitive = self.episode.said.sensitivity == Some(Sensitivity::Sensitive)
            || self.facts.iter().any(|fact| fact.sensitivity == Sensitivity::Sensitive);
        (!is_kept_for_facts || !self.facts.is_empty()) && (tells_sensitive || !is_sensitive)
    }
}

/// Believed, and ended by no other fact.
fn holds(fact: &Fact) -> bool {
    fact.retracted_at.is_none() && !(fact.closed_by.is_some() && fact.valid.to.is_some())
}

/// Who said it, and on which day: what the words mean hangs on both.
fn title(episode: &Episode) -> String {
    let day = day_of(episode);
    match &episode.said.speaker {
        Some(speaker) => format!("{speaker}, {day}"),
        None => format!("Memory of {day}"),
    }
}

fn why(reasons: Reasons) -> Why {
    Why {
        lexical: reasons.words,
        dense: reasons.meaning,
        neighbours: reasons.words_around,
        links: reasons.links,
        terms: reasons.terms,
        ..Why::default()
    }
}
