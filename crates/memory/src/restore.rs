//! What somebody told, as it was at a moment of the backup, back beside what they have told since.
//!
//! Keeps true: what is there stays as it is, and only what is gone comes back, in one commit; nothing that was forgotten on request since that
//! moment comes back unless that is asked for by name; nothing comes back to whoever allows nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ibid_store::{
    EpisodesQuery, MemoryVector, Statement, Store, consent_insert, entity_insert, episode_insert,
    episode_update, fact_insert, memory_used, memory_vector_insert, source_insert,
};
use ibid_types::memory::{Consent, Entity, Episode, Fact, Owner};
use ibid_types::{EntityId, EpisodeId, Error, FactId, Result, WorkspaceId};

use crate::{Memory, Names};

const PAGE: usize = 1000;
/// More receipts of one owner than are looked at are as good as one.
const RECEIPTS_MAX: usize = 10_000;
/// Episodes that one job reads.
const UNREAD_MAX: usize = 100;

/// How much came back, or would.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Returned {
    pub episodes: usize,
    pub entities: usize,
    pub facts: usize,
}

/// Whose memory is to come back, and how.
#[derive(Clone, Copy, Debug)]
pub struct BringBack {
    pub workspace: WorkspaceId,
    pub owner: Owner,
    /// Also what was forgotten on request since.
    pub forgotten: bool,
    pub is_dry_run: bool,
}

/// All that an owner had, opened.
struct Then {
    entities: Vec<Entity>,
    episodes: Vec<Episode>,
    facts: BTreeMap<FactId, Vec<Fact>>,
}

/// What of it comes back.
#[derive(Default)]
struct Coming {
    entities: Vec<Entity>,
    episodes: Vec<Episode>,
    /// Episodes that are there, of which words were erased.
    blotted: Vec<Episode>,
    facts: Vec<FactId>,
    /// Those that they had of this library's embedder.
    vectors: Vec<MemoryVector>,
    /// Entities that are there under another id by now.
    known_as: HashMap<EntityId, EntityId>,
}

impl Memory {
    /// Brings memory over from a restored library. Errors: `restore_forgotten`, `memory_consent`, `checkpoint_key_missing`,
    /// `restore_conflict`.
    pub fn bring_back(&self, from: &Store, asked: &BringBack) -> Result<Returned> {
        self.check_consent_back(from, asked.owner)?;
        self.check_receipts(from, asked)?;
        let then = Then::read(from, asked)?;
        let (returned, coming) = self.with_names(asked.workspace, |names| {
            let mut coming = self.coming(names, &then, asked)?;
            coming.vectors = from.memory_vectors(&coming.embedded(), &self.embedder.spec().id)?;
            let returned = Returned {
                episodes: coming.episodes.len() + coming.blotted.len(),
                entities: coming.entities.len(),
                facts: coming.facts.len(),
            };
            if !asked.is_dry_run {
                let statements = self.returning(from, asked, &then, &coming)?;
                self.store.db().batch(statements)?;
            }
            Ok((returned, coming))
        })?;
        if !asked.is_dry_run {
            self.wake();
            self.embed_returned(&coming);
        }
        Ok(returned)
    }

    fn check_consent_back(&self, from: &Store, owner: Owner) -> Result<()> {
        let said = self.store.consent(owner)?.or(from.consent(owner)?);
        if said.is_some_and(|row| row.consent == Consent::Off) {
            let what = format!(
                "nothing is remembered of {owner}: their consent is 'off', and only they can change it"
            );
            return Err(Error::forbidden("memory_consent", what));
        }
        Ok(())
    }

    /// Receipts say how much was forgotten and never what, so that whatever is gone since may be it.
    fn check_receipts(&self, from: &Store, asked: &BringBack) -> Result<()> {
        let ids = |store: &Store| -> Result<BTreeSet<_>> {
            let rows = store.receipt_list(asked.workspace, &[asked.owner], RECEIPTS_MAX)?;
            Ok(rows.into_iter().map(|row| row.id).collect())
        };
        let since = ids(&self.store)?.difference(&ids(from)?).count();
        if since == 0 || asked.forgotten {
            return Ok(());
        }
        let what = format!(
            "{} has had something forgotten {since} times since that moment, and it would come back; name a later moment, or, if they \
             ask for it themselves, say so (--forgotten)",
            asked.owner
        );
        Err(Error::conflict("restore_forgotten", what))
    }

    fn coming(&self, names: &Names, then: &Then, asked: &BringBack) -> Result<Coming> {
        let mut coming = Coming::default();
        let ids: Vec<EntityId> = then.entities.iter().map(|entity| entity.id).collect();
        let there: BTreeSet<EntityId> =
            self.store.entities_by_id(&ids)?.into_iter().map(|entity| entity.id).collect();
        for entity in then.entities.iter().filter(|entity| !there.contains(&entity.id)) {
            match own_entity(names, asked.owner, &entity.known.name) {
                Some(now) => drop(coming.known_as.insert(entity.id, now)),
                None => coming.entities.push(entity.clone()),
            }
        }
        let ids: Vec<EpisodeId> = then.episodes.iter().map(|episode| episode.id).collect();
        let there: HashMap<EpisodeId, Episode> =
            self.store.episodes_by_id(&ids)?.into_iter().map(|episode| (episode.id, episode)).collect();
        for episode in &then.episodes {
            match there.get(&episode.id) {
                None => coming.episodes.push(episode.clone()),
                Some(now) if now.said.text != episode.said.text => coming.blotted.push(episode.clone()),
                Some(_) => {}
            }
        }
        let ids: Vec<FactId> = then.facts.keys().copied().collect();
        let there: BTreeSet<FactId> = self.store.facts_by_id(&ids)?.into_iter().map(|fact| fact.id).collect();
        coming.facts = ids.into_iter().filter(|id| !there.contains(id)).collect();
        Ok(coming)
    }

    fn returning(
        &self,
        from: &Store,
        asked: &BringBack,
        then: &Then,
        coming: &Coming,
    ) -> Result<Vec<Statement>> {
        let sealer = self.store.sealer();
        let mut all = self.store.workspace_back(from, asked.workspace)?;
        all.extend(from.consent(asked.owner)?.map(|row| consent_insert(asked.owner, &row)));
        for entity in &coming.entities {
            all.extend(entity_insert(entity, sealer)?);
        }
        all.extend(self.episodes_returning(from, asked, coming)?);
        for id in &coming.facts {
            for state in then.facts.get(id).into_iter().flatten() {
                all.extend(fact_insert(&coming.renamed(state), sealer)?);
            }
            all.push(memory_used(*id.as_bytes(), self.store.now()));
        }
        let facts: Vec<FactId> = then.facts.keys().copied().collect();
        all.extend(from.sources_of(&facts)?.iter().map(source_insert));
        let model = &self.embedder.spec().id;
        let vector = |one: &MemoryVector| memory_vector_insert(one.id, model, &one.numbers());
        all.extend(coming.vectors.iter().map(vector));
        Ok(all)
    }

    /// With the jobs that read those that were not read at that moment.
    fn episodes_returning(&self, from: &Store, asked: &BringBack, coming: &Coming) -> Result<Vec<Statement>> {
        let mut all = Vec::new();
        let ids: Vec<EpisodeId> = coming.episodes.iter().map(|episode| episode.id).collect();
        let names = from.episode_names(&ids)?;
        for episode in &coming.episodes {
            let name = names.get(&episode.id).map(String::as_str);
            let is_taken = match name {
                Some(name) => self.store.episode_named(asked.workspace, asked.owner, name)?.is_some(),
                None => false,
            };
            all.extend(episode_insert(episode, name.filter(|_| !is_taken), self.store.sealer())?);
        }
        for episode in &coming.blotted {
            all.extend(episode_update(episode, self.store.sealer())?);
        }
        let unread = coming.episodes.iter().filter(|episode| episode.importance.is_none());
        let unread: Vec<EpisodeId> = unread.map(|episode| episode.id).collect();
        for some in unread.chunks(UNREAD_MAX) {
            all.push(self.store.jobs().enqueue_statement(&self.job(asked.workspace, some)));
        }
        Ok(all)
    }

    /// What has no vector of this embedder gets one. Without an embedder it is found by its words.
    fn embed_returned(&self, coming: &Coming) {
        let has: BTreeSet<[u8; 16]> = coming.vectors.iter().map(|one| one.id).collect();
        let lacks = |id: &[u8; 16]| !has.contains(id);
        let episodes = coming.episodes.iter().chain(&coming.blotted);
        let episodes: Vec<Episode> =
            episodes.filter(|episode| lacks(episode.id.as_bytes())).cloned().collect();
        let facts: Vec<FactId> = coming.facts.iter().filter(|id| lacks(id.as_bytes())).copied().collect();
        if let Err(error) = self.embed_episodes(&episodes).and_then(|()| self.embed_facts(&facts)) {
            tracing::warn!(code = error.code, "memories are found by their words only: {}", error.chain());
        }
    }
}

impl Then {
    /// Opens all of it: what is sealed under a key that is not there does not come back unseen.
    fn read(from: &Store, asked: &BringBack) -> Result<Self> {
        let BringBack { workspace, owner, .. } = *asked;
        let mut then = Self {
            entities: from.entities_of(workspace, &[owner])?,
            episodes: Vec::new(),
            facts: BTreeMap::new(),
        };
        let mut query = EpisodesQuery { owners: vec![owner], limit: PAGE, ..EpisodesQuery::default() };
        loop {
            let page = from.episode_list(workspace, &query)?;
            then.episodes.extend(page.items);
            query.cursor = page.next;
            if query.cursor.is_none() {
                break;
            }
        }
        let mut after = None;
        loop {
            let page = from.facts_owned(workspace, owner, after, PAGE)?;
            let Some(last) = page.last() else { return Ok(then) };
            after = Some(last.version);
            page.into_iter().for_each(|fact| then.facts.entry(fact.id).or_default().push(fact));
        }
    }
}

impl Coming {
    /// The ids of what has a vector.
    fn embedded(&self) -> Vec<[u8; 16]> {
        let episodes = self.episodes.iter().chain(&self.blotted).map(|episode| *episode.id.as_bytes());
        episodes.chain(self.facts.iter().map(|id| *id.as_bytes())).collect()
    }

    /// A state about the entities as they are known now.
    fn renamed(&self, state: &Fact) -> Fact {
        let now = |id: EntityId| self.known_as.get(&id).copied().unwrap_or(id);
        Fact { subject: now(state.subject), object: state.object.map(now), ..state.clone() }
    }
}

/// What the owner calls so now, and not what all do.
fn own_entity(names: &Names, owner: Owner, name: &str) -> Option<EntityId> {
    names.find(owner, name).filter(|id| names.entity(*id).is_some_and(|entity| entity.owner == owner))
}
