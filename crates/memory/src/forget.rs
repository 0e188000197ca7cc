//! Forgetting on request: what is named, the words that say it, and whatever rests on these words alone.
//!
//! Keeps true: one commit, with a receipt that says how much and never what; when it returns, the files of the database hold none of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use ibid_runtime::Shutdown;
use ibid_store::{
    EpisodesQuery, ReceiptRow, RepositoryId, Statement, closer_forget, code_forget, entity_forget,
    episode_forget, episode_update, fact_forget, log_holds, owner_forget, receipt_insert, source_forget,
};
use ibid_types::memory::{Entity, Episode, Known, Owner, Source};
use ibid_types::sentences::sentences;
use ibid_types::{EntityId, EpisodeId, Error, FactId, ReceiptId, Result, Timestamp, WorkspaceId};
use serde::Serialize;

use crate::Memory;
use crate::change::{entity_unknown, fact_now};
use crate::record::Scope;

/// What stands where words were erased: as many bytes, so that every other place stays where it is.
const BLOT: u8 = b'_';
const PAGE: usize = 500;
/// Until the log that somebody holds is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// What is to be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forget {
    Fact(FactId),
    Entity(EntityId),
    Episode(EpisodeId),
    /// What was said from a time on, up to another.
    Range(Timestamp, Timestamp),
    /// A repository with the messages of its commits.
    Repository(RepositoryId),
    /// All that the owner has in the workspace.
    Everything,
}

impl Forget {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fact(_) => "fact",
            Self::Entity(_) => "entity",
            Self::Episode(_) => "episode",
            Self::Range(..) => "range",
            Self::Repository(_) => "repository",
            Self::Everything => "everything",
        }
    }
}

/// What was forgotten, without what it said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Receipt {
    pub id: ReceiptId,
    pub workspace: WorkspaceId,
    pub owner: Owner,
    pub at: Timestamp,
    /// `fact`, `entity`, `episode`, `range`, `everything`.
    pub what: &'static str,
    pub episodes: usize,
    /// Episodes of which some words were erased.
    pub episodes_blotted: usize,
    pub facts: usize,
    pub entities: usize,
    /// Answers that cited it, whose words went too.
    pub answers: usize,
    /// When the last backup that may hold it is deleted; none where nothing is backed up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backups_gone_at: Option<Timestamp>,
}

/// What goes.
#[derive(Debug, Default)]
struct Doomed {
    episodes: BTreeSet<EpisodeId>,
    facts: BTreeSet<FactId>,
    entities: BTreeSet<EntityId>,
    words: BTreeMap<EpisodeId, Vec<Range<usize>>>,
}

/// What forgetting does beyond memory.
pub trait Forgetting {
    /// What erases what was made of these episodes elsewhere, in the same commit, and how many answers that are.
    fn beyond(&self, scope: Scope, episodes: &BTreeSet<EpisodeId>) -> Result<(Vec<Statement>, usize)>;
    /// When the last backup that holds it is deleted.
    fn backups_gone_at(&self, scope: Scope) -> Option<Timestamp>;
    fn sign(&self, receipt: &str) -> Result<String>;
}

/// Nothing is beyond, and nobody signs.
impl Forgetting for () {
    fn beyond(&self, _scope: Scope, _episodes: &BTreeSet<EpisodeId>) -> Result<(Vec<Statement>, usize)> {
        Ok(<_>::default())
    }

    fn backups_gone_at(&self, _scope: Scope) -> Option<Timestamp> {
        None
    }

    fn sign(&self, _receipt: &str) -> Result<String> {
        Ok(String::new())
    }
}

impl Memory {
    /// Forgets, and gives the receipt as it is kept with its signature. Errors: `fact_unknown`, `entity_unknown`, `episode_unknown`,
    /// `store_log_held`: then it is forgotten, but for the log of the database.
    pub fn forget(&self, scope: Scope, what: Forget, with: &dyn Forgetting) -> Result<ReceiptRow> {
        let (receipt, blotted) = self.with_names(scope.workspace, |names| {
            let doomed = self.doomed(scope, what)?;
            let blotted = self.blotted(&doomed)?;
            let mut statements = match what {
                Forget::Everything => owner_forget(scope.workspace, scope.owner),
                _ => self.statements(scope, &doomed, &blotted)?,
            };
            let (beyond, answers) = with.beyond(scope, &doomed.touched())?;
            statements.extend(beyond);
            if let Forget::Repository(id) = what {
                statements.push(code_forget(scope.workspace, id, u64::from(u32::MAX)));
            }
            let orphans = self.orphans(scope, &doomed)?;
            statements.extend(orphans.iter().flat_map(|id| entity_forget(scope.workspace, *id)));
            let receipt = Receipt {
                id: ReceiptId::new(),
                workspace: scope.workspace,
                owner: scope.owner,
                at: scope.now,
                what: what.name(),
                episodes: doomed.episodes.len(),
                episodes_blotted: blotted.len(),
                facts: doomed.facts.len(),
                entities: doomed.entities.len() + orphans.len(),
                answers,
                backups_gone_at: with.backups_gone_at(scope),
            };
            let row = signed(&receipt, with)?;
            statements.push(receipt_insert(&row));
            statements.push(log_holds(scope.now, *receipt.id.as_bytes()));
            self.store.db().batch(statements)?;
            doomed.entities.iter().chain(&orphans).for_each(|id| names.remove(*id));
            Ok((row, blotted))
        })?;
        self.embed_anew(&blotted);
        self.store.memory_erased()?;
        Ok(receipt)
    }

    /// Empties the log of the database where it still holds what was forgotten. Error: `store_log_held`.
    pub fn forget_wholly(&self) -> Result<()> {
        if self.store.memory_log_held()?.is_some() { self.store.memory_erased() } else { Ok(()) }
    }

    /// Does so as soon as nobody reads an older state any more, until the shutdown.
    pub fn run_forgetting(&self, shutdown: &Shutdown) {
        while !shutdown.wait_timeout(AGAIN) {
            if let Err(error) = self.forget_wholly() {
                tracing::warn!(
                    code = error.code,
                    "the log still holds what was forgotten: {}",
                    error.chain()
                );
            }
        }
    }

    fn doomed(&self, scope: Scope, what: Forget) -> Result<Doomed> {
        let mut doomed = Doomed::default();
        match what {
            Forget::Fact(id) => self.doom_fact(scope, id, &mut doomed)?,
            Forget::Entity(id) => self.doom_entity(scope, id, &mut doomed)?,
            Forget::Episode(id) => self.doom_episode(scope, id, &mut doomed)?,
            Forget::Range(from, to) => doomed.episodes.extend(self.said_in(scope, Some(from), Some(to))?),
            Forget::Repository(id) => self.each_episode(scope, None, None, |episode| {
                if repository_of(episode) == Some(id) {
                    doomed.episodes.insert(episode.id);
                }
            })?,
            Forget::Everything => return self.everything(scope),
        }
        self.doom_what_rests_on(&mut doomed)?;
        Ok(doomed)
    }

    fn doom_fact(&self, scope: Scope, id: FactId, doomed: &mut Doomed) -> Result<()> {
        let found = fact_now(&self.store, id)?
            .filter(|fact| fact.owner == scope.owner && fact.workspace == scope.workspace);
        if found.is_none() {
            let what = format!("there is no fact {id} among these memories; it may be forgotten already");
            return Err(Error::not_found("fact_unknown", what));
        }
        doomed.facts.insert(id);
        for source in self.store.sources_of(&[id])? {
            doomed.words.entry(source.episode).or_default().push(source.start..source.end);
        }
        Ok(())
    }

    /// An entity, what is known of it, and every sentence that names it.
    fn doom_entity(&self, scope: Scope, id: EntityId, doomed: &mut Doomed) -> Result<()> {
        let found = self.store.entities_by_id(&[id])?.pop();
        let is_theirs = |entity: &Entity| entity.owner == scope.owner && entity.workspace == scope.workspace;
        let entity = found.filter(is_theirs).ok_or_else(|| entity_unknown(id))?;
        doomed.entities.insert(id);
        let about = self.store.facts_about(&[id])?;
        doomed.facts.extend(about.iter().filter(|fact| fact.owner == scope.owner).map(|fact| fact.id));
        let facts: Vec<FactId> = doomed.facts.iter().copied().collect();
        for source in self.store.sources_of(&facts)? {
            doomed.words.entry(source.episode).or_default().push(source.start..source.end);
        }
        self.each_episode(scope, None, None, |episode| {
            let naming = sentences_naming(&episode.said.text, &entity.known);
            if !naming.is_empty() {
                doomed.words.entry(episode.id).or_default().extend(naming);
            }
        })
    }

    fn doom_episode(&self, scope: Scope, id: EpisodeId, doomed: &mut Doomed) -> Result<()> {
        let found = self.store.episodes_by_id(&[id])?.pop();
        let is_theirs =
            |episode: &Episode| episode.owner == scope.owner && episode.workspace == scope.workspace;
        if !found.as_ref().is_some_and(is_theirs) {
            let what = format!("there is no episode {id} among these memories; it may be forgotten already");
            return Err(Error::not_found("episode_unknown", what));
        }
        doomed.episodes.insert(id);
        Ok(())
    }

    fn everything(&self, scope: Scope) -> Result<Doomed> {
        let mut doomed = Doomed::default();
        doomed.episodes.extend(self.said_in(scope, None, None)?);
        let mut query = ibid_store::FactsQuery {
            owners: vec![scope.owner],
            archived: true,
            limit: PAGE,
            ..Default::default()
        };
        loop {
            let page = self.store.fact_list(scope.workspace, &query)?;
            doomed.facts.extend(page.items.iter().map(|fact| fact.id));
            query.cursor = page.next;
            if query.cursor.is_none() {
                break;
            }
        }
        doomed
            .entities
            .extend(self.store.entities_of(scope.workspace, &[scope.owner])?.iter().map(|entity| entity.id));
        Ok(doomed)
    }

    fn said_in(
        &self,
        scope: Scope,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> Result<Vec<EpisodeId>> {
        let mut ids = Vec::new();
        self.each_episode(scope, from, to, |episode| ids.push(episode.id))?;
        Ok(ids)
    }

    fn each_episode(
        &self,
        scope: Scope,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        mut visit: impl FnMut(&Episode),
    ) -> Result<()> {
        let mut query =
            EpisodesQuery { owners: vec![scope.owner], from, to, limit: PAGE, ..EpisodesQuery::default() };
        loop {
            let page = self.store.episode_list(scope.workspace, &query)?;
            page.items.iter().for_each(&mut visit);
            query.cursor = page.next;
            if query.cursor.is_none() {
                return Ok(());
            }
        }
    }

    /// Facts that only words say which go, until there are no more; their words in other places go as well.
    fn doom_what_rests_on(&self, doomed: &mut Doomed) -> Result<()> {
        loop {
            let mut touched: Vec<EpisodeId> = doomed.words.keys().copied().collect();
            touched.extend(&doomed.episodes);
            let said: Vec<Source> = self.store.sources_in(&touched)?;
            let facts: BTreeSet<FactId> = said.iter().map(|source| source.fact).collect();
            let mut has_grown = false;
            for fact in facts.difference(&doomed.facts.clone()) {
                let places = self.store.sources_of(&[*fact])?;
                if places.iter().all(|place| doomed.takes(place)) {
                    has_grown |= doomed.facts.insert(*fact);
                }
            }
            if !has_grown {
                return Ok(());
            }
        }
    }

    /// The episodes of which words go, without them; those of which nothing is left go themselves.
    fn blotted(&self, doomed: &Doomed) -> Result<Vec<Episode>> {
        let ids: Vec<EpisodeId> =
            doomed.words.keys().filter(|id| !doomed.episodes.contains(id)).copied().collect();
        let mut episodes = self.store.episodes_by_id(&ids)?;
        for episode in &mut episodes {
            let words = doomed.words.get(&episode.id).map_or(&[][..], Vec::as_slice);
            episode.said.text = without(&episode.said.text, words);
        }
        Ok(episodes)
    }

    fn statements(&self, scope: Scope, doomed: &Doomed, blotted: &[Episode]) -> Result<Vec<Statement>> {
        let mut statements = Vec::new();
        for fact in &doomed.facts {
            statements.extend(fact_forget(scope.workspace, *fact));
            statements.push(closer_forget(*fact));
        }
        for entity in &doomed.entities {
            statements.extend(entity_forget(scope.workspace, *entity));
        }
        for episode in blotted {
            match is_blank(&episode.said.text) {
                true => statements.extend(episode_forget(scope.workspace, episode.id)),
                false => statements.extend(episode_update(episode, self.store.sealer())?),
            }
        }
        for episode in &doomed.episodes {
            statements.extend(episode_forget(scope.workspace, *episode));
        }
        let touched: Vec<EpisodeId> = doomed.words.keys().copied().collect();
        let places = self.store.sources_in(&touched)?;
        statements.extend(places.iter().filter(|place| doomed.takes(place)).map(source_forget));
        Ok(statements)
    }

    /// Entities of the owner that nothing is known of any more.
    fn orphans(&self, scope: Scope, doomed: &Doomed) -> Result<Vec<EntityId>> {
        let facts: Vec<FactId> = doomed.facts.iter().copied().collect();
        let states = self.store.facts_by_id(&facts)?;
        let mut about: BTreeSet<EntityId> =
            states.iter().flat_map(|fact| [Some(fact.subject), fact.object]).flatten().collect();
        about.retain(|id| !doomed.entities.contains(id));
        let mut orphans = Vec::new();
        for id in about {
            let others = self.store.facts_about(&[id])?;
            let is_theirs =
                self.store.entities_by_id(&[id])?.first().is_some_and(|entity| entity.owner == scope.owner);
            if is_theirs && others.iter().all(|fact| doomed.facts.contains(&fact.id)) {
                orphans.push(id);
            }
        }
        Ok(orphans)
    }

    fn embed_anew(&self, blotted: &[Episode]) {
        let left: Vec<Episode> =
            blotted.iter().filter(|episode| !is_blank(&episode.said.text)).cloned().collect();
        if let Err(error) = self.embed_episodes(&left) {
            tracing::warn!(code = error.code, "episodes are found by their words only: {}", error.chain());
        }
    }
}

impl Doomed {
    /// Episodes that go, or lose words.
    fn touched(&self) -> BTreeSet<EpisodeId> {
        self.episodes.iter().chain(self.words.keys()).copied().collect()
    }

    fn takes(&self, place: &Source) -> bool {
        let is_in = |words: &Range<usize>| words.start < place.end && place.start < words.end;
        self.episodes.contains(&place.episode)
            || self.words.get(&place.episode).is_some_and(|words| words.iter().any(is_in))
    }
}

fn signed(receipt: &Receipt, with: &dyn Forgetting) -> Result<ReceiptRow> {
    let body = serde_json::to_string(receipt).map_err(|error| {
        Error::internal("receipt_malformed", "a receipt cannot be written").caused_by(error)
    })?;
    let signature = with.sign(&body)?;
    let Receipt { id, workspace, owner, at, .. } = *receipt;
    Ok(ReceiptRow { id, workspace, owner, at, body, signature })
}

/// The repository whose commit an episode tells of: its source is `repository@commit`.
fn repository_of(episode: &Episode) -> Option<RepositoryId> {
    let (repository, _) = episode.said.source.as_deref()?.rsplit_once('@')?;
    Some(RepositoryId::of(repository))
}

/// The text without the sentences in which one of these names stands, in any case; none where it names none.
#[must_use]
pub fn without_naming(text: &str, names: &[String]) -> Option<String> {
    let known = Known { name: String::new(), aliases: names.to_vec() };
    let naming = sentences_naming(text, &known);
    (!naming.is_empty()).then(|| without(text, &naming))
}

/// The sentences in which an entity is named, in any case.
fn sentences_naming(text: &str, known: &Known) -> Vec<Range<usize>> {
    let names: Vec<String> =
        std::iter::once(&known.name).chain(&known.aliases).map(|name| name.to_lowercase()).collect();
    let is_naming = |span: &Range<usize>| {
        let sentence = text[span.clone()].to_lowercase();
        names.iter().any(|name| !name.is_empty() && sentence.contains(name.as_str()))
    };
    sentences(text).into_iter().filter(is_naming).collect()
}

/// The text with these words blotted out, white space left.
fn without(text: &str, words: &[Range<usize>]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for span in words {
        let (from, to) = (span.start.min(bytes.len()), span.end.min(bytes.len()));
        if text.is_char_boundary(from) && text.is_char_boundary(to) {
            bytes[from..to]
                .iter_mut()
                .filter(|byte| !byte.is_ascii_whitespace())
                .for_each(|byte| *byte = BLOT);
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}

fn is_blank(text: &str) -> bool {
    !text.chars().any(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_that_names_somebody_goes_and_others_stay() {
        let names = ["Ada".to_owned()];
        assert_eq!(without_naming("It rains. ADA knows.", &names).as_deref(), Some("It rains. ___ ______"));
        assert_eq!(without_naming("It rains.", &names), None);
    }

    #[test]
    fn words_go_and_all_else_stays_in_its_place() {
        let text = "Ada moved to Köln. It rains.";
        let erased = without(text, std::slice::from_ref(&(13..18)));
        assert_eq!((erased.as_str(), erased.len()), ("Ada moved to _____. It rains.", text.len()));
        assert_eq!(
            without(text, std::slice::from_ref(&(0..999))).chars().filter(|c| c.is_alphanumeric()).count(),
            0
        );
    }

    #[test]
    fn what_holds_no_word_is_blank() {
        assert!(is_blank("___ ____.") && !is_blank("___ 7"));
    }
}
