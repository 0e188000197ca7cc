//! Facts, every state that was believed of each.

use std::collections::HashMap;

use ibid_types::memory::{Fact, MemoryKind, Owner, Source, Span};
use ibid_types::{EntityId, EpisodeId, FactId, FactVersionId, Result, Timestamp, WorkspaceId};

use super::{Place, Remembered, memory_changed, open, owner_marks, parsed, real, seal};
use crate::sealing::SealedColumn;
use crate::value::{IDS_MAX, marks};
use crate::{Row, Sealer, Statement, Store, Value};

const COLUMNS: &str = "id, fact_id, workspace_id, owner, kind, subject_id, object_id, valid_from, valid_to, recorded_at, retracted_at, \
                       cause, closed_by, confidence, importance, sensitivity, archived_at, body";

/// Which facts, as they are believed at a time.
#[derive(Clone, Debug, Default)]
pub struct FactsQuery {
    pub owners: Vec<Owner>,
    pub kind: Option<MemoryKind>,
    /// Subject or object.
    pub entity: Option<EntityId>,
    /// What holds then in the world.
    pub valid_at: Option<Timestamp>,
    /// What was believed then; what is believed now without it.
    pub believed_at: Option<Timestamp>,
    /// Also what has left recall.
    pub archived: bool,
    pub limit: usize,
    pub cursor: Option<String>,
}

/// The last recorded first.
#[derive(Clone, Debug, Default)]
pub struct FactsPage {
    pub items: Vec<Fact>,
    pub next: Option<String>,
}

/// What happens to a state of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactEdge {
    Recorded,
    Retracted,
    /// In the world.
    Began,
    Ended,
}

/// The same for all facts with this subject and this relation, of which some may end others.
#[must_use]
pub fn topic_of(subject: EntityId, relation: &str) -> [u8; 16] {
    let hash = blake3::Hasher::new().update(subject.as_bytes()).update(relation.as_bytes()).finalize();
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

/// The row of a state of a fact with its feed entry.
pub fn fact_insert(fact: &Fact, sealer: &dyn Sealer) -> Result<Vec<Statement>> {
    let sql = "INSERT INTO facts (id, fact_id, workspace_id, owner, kind, subject_id, object_id, valid_from, valid_to, recorded_at, \
               retracted_at, cause, closed_by, confidence, importance, sensitivity, archived_at, body, topic) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";
    let params = vec![
        fact.version.into(),
        fact.id.into(),
        fact.workspace.into(),
        fact.owner.to_string().into(),
        fact.kind.name().into(),
        fact.subject.into(),
        fact.object.into(),
        fact.valid.from.into(),
        fact.valid.to.into(),
        fact.recorded_at.into(),
        fact.retracted_at.into(),
        fact.cause.name().into(),
        fact.closed_by.into(),
        f64::from(fact.confidence).into(),
        f64::from(fact.importance).into(),
        fact.sensitivity.name().into(),
        fact.archived_at.into(),
        seal(sealer, SealedColumn::Fact, fact.version.as_bytes(), &fact.stated)?,
        topic_of(fact.subject, &fact.stated.relation).to_vec().into(),
    ];
    Ok(vec![Statement::new(sql, params), changed(fact)])
}

/// The state is believed no longer. The batch fails with `store_conflict` where another has taken its place already.
#[must_use]
pub fn fact_retract(fact: &Fact, at: Timestamp) -> Vec<Statement> {
    let sql = "UPDATE facts SET retracted_at = $2 WHERE id = $1 AND retracted_at IS NULL";
    vec![Statement::new(sql, vec![fact.version.into(), at.into()]).expecting(1), changed(fact)]
}

/// Where a fact was said.
#[must_use]
pub fn source_insert(source: &Source) -> Statement {
    let sql = "INSERT INTO fact_sources (fact_id, episode_id, start_byte, end_byte) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (fact_id, episode_id, start_byte) DO UPDATE SET end_byte = excluded.end_byte";
    Statement::new(
        sql,
        vec![source.fact.into(), source.episode.into(), source.start.into(), source.end.into()],
    )
}

fn changed(fact: &Fact) -> Statement {
    memory_changed(fact.workspace, Remembered::Fact(fact.id))
}

impl Store {
    /// Every state of these facts, in the order in which they were recorded.
    pub fn facts_by_id(&self, ids: &[FactId]) -> Result<Vec<Fact>> {
        let mut found = Vec::with_capacity(ids.len());
        for some in ids.chunks(IDS_MAX) {
            let (marks, params) = marks(Vec::new(), some);
            let sql =
                format!("SELECT {COLUMNS} FROM facts WHERE fact_id IN ({marks}) ORDER BY recorded_at, id");
            for row in self.db.query(&sql, &params)? {
                found.push(self.read_fact(&row)?);
            }
        }
        Ok(found)
    }

    /// What is believed now of these subjects and relations (`topic_of`).
    pub fn facts_on(&self, workspace: WorkspaceId, owner: Owner, topics: &[[u8; 16]]) -> Result<Vec<Fact>> {
        let topics: Vec<Vec<u8>> = topics.iter().map(|topic| topic.to_vec()).collect();
        let mut found = Vec::new();
        for some in topics.chunks(IDS_MAX) {
            let (marks, params) = marks(vec![workspace.into(), owner.to_string().into()], some);
            let sql = format!(
                "SELECT {COLUMNS} FROM facts WHERE topic IN ({marks}) AND retracted_at IS NULL AND workspace_id = $1 AND owner = $2 \
                 ORDER BY recorded_at, id"
            );
            for row in self.db.query(&sql, &params)? {
                found.push(self.read_fact(&row)?);
            }
        }
        Ok(found)
    }

    /// Every state of every fact of an owner, from a state on, in the order of their ids.
    pub fn facts_owned(
        &self,
        workspace: WorkspaceId,
        owner: Owner,
        after: Option<FactVersionId>,
        limit: usize,
    ) -> Result<Vec<Fact>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM facts WHERE workspace_id = $1 AND owner = $2 AND id > $3 ORDER BY id LIMIT $4"
        );
        let after = after.map_or_else(Vec::new, |id| id.as_bytes().to_vec());
        let params = [workspace.into(), owner.to_string().into(), after.into(), limit.into()];
        self.db.query(&sql, &params)?.iter().map(|row| self.read_fact(row)).collect()
    }

    /// Every state of every fact that has to do with one of these entities.
    pub fn facts_about(&self, entities: &[EntityId]) -> Result<Vec<Fact>> {
        let mut found = Vec::new();
        for some in entities.chunks(IDS_MAX) {
            let (marks, params) = marks(Vec::new(), some);
            let sql = format!(
                "SELECT {COLUMNS} FROM facts WHERE subject_id IN ({marks}) UNION SELECT {COLUMNS} FROM facts WHERE object_id IN ({marks})"
            );
            for row in self.db.query(&sql, &params)? {
                found.push(self.read_fact(&row)?);
            }
        }
        Ok(found)
    }

    /// These states, in that order; those that are not there are left out.
    pub fn facts_by_version(&self, ids: &[FactVersionId]) -> Result<Vec<Fact>> {
        let mut found = HashMap::with_capacity(ids.len());
        for some in ids.chunks(IDS_MAX) {
            let (marks, params) = marks(Vec::new(), some);
            let sql = format!("SELECT {COLUMNS} FROM facts WHERE id IN ({marks})");
            for row in self.db.query(&sql, &params)? {
                let fact = self.read_fact(&row)?;
                found.insert(fact.version, fact);
            }
        }
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }

    /// Every state of every fact of a workspace from an id on, in the order of their ids: what an index is made of.
    pub fn facts_after(
        &self,
        workspace: WorkspaceId,
        after: Option<FactVersionId>,
        limit: usize,
    ) -> Result<Vec<Fact>> {
        let sql =
            format!("SELECT {COLUMNS} FROM facts WHERE workspace_id = $1 AND id > $2 ORDER BY id LIMIT $3");
        let after = after.map_or_else(Vec::new, |id| id.as_bytes().to_vec());
        let rows = self.db.query(&sql, &[workspace.into(), after.into(), limit.into()])?;
        rows.iter().map(|row| self.read_fact(row)).collect()
    }

    /// Facts that were believed at a time, the last recorded first.
    pub fn fact_list(&self, workspace: WorkspaceId, query: &FactsQuery) -> Result<FactsPage> {
        let place = Place::read(query.cursor.as_deref())?;
        let (at, id) = place.map_or((None, None), |place| (Some(place.at), Some(place.id)));
        let first: Vec<Value> = vec![
            workspace.into(),
            query.kind.map(|kind| kind.name().to_owned()).into(),
            query.entity.into(),
            query.valid_at.into(),
            query.believed_at.into(),
            query.archived.then_some(1_i64).into(),
            at.into(),
            id.into(),
            (query.limit + 1).into(),
        ];
        let (owners, params) = owner_marks(first, &query.owners);
        let sql = format!(
            "SELECT {COLUMNS} FROM facts WHERE workspace_id = $1 AND ($2 IS NULL OR kind = $2) \
             AND ($3 IS NULL OR subject_id = $3 OR object_id = $3) \
             AND ($4 IS NULL OR ((valid_from IS NULL OR valid_from <= $4) AND (valid_to IS NULL OR valid_to > $4))) \
             AND (($5 IS NULL AND retracted_at IS NULL) OR (recorded_at <= $5 AND (retracted_at IS NULL OR retracted_at > $5))) \
             AND ($6 IS NOT NULL OR archived_at IS NULL) \
             AND ($7 IS NULL OR recorded_at < $7 OR (recorded_at = $7 AND id > $8)) AND owner IN ({owners}) \
             ORDER BY recorded_at DESC, id LIMIT $9"
        );
        let rows = self.db.query(&sql, &params)?;
        let mut items: Vec<Fact> = rows.iter().map(|row| self.read_fact(row)).collect::<Result<_>>()?;
        let is_more = items.len() > query.limit;
        items.truncate(query.limit);
        let next = items
            .last()
            .filter(|_| is_more)
            .map(|last| Place::written(last.recorded_at, *last.version.as_bytes()));
        Ok(FactsPage { items, next })
    }

    /// Facts that are believed now and that ended, or were ended by, another.
    pub fn fact_conflicts(
        &self,
        workspace: WorkspaceId,
        owners: &[Owner],
        limit: usize,
    ) -> Result<Vec<Fact>> {
        let (owners, params) = owner_marks(vec![workspace.into(), limit.into()], owners);
        let sql = format!(
            "SELECT {COLUMNS} FROM facts WHERE workspace_id = $1 AND retracted_at IS NULL AND closed_by IS NOT NULL \
             AND owner IN ({owners}) ORDER BY recorded_at DESC, id LIMIT $2"
        );
        self.db.query(&sql, &params)?.iter().map(|row| self.read_fact(row)).collect()
    }

    /// How many facts are about each entity now.
    pub fn fact_counts(&self, workspace: WorkspaceId, owners: &[Owner]) -> Result<HashMap<EntityId, u64>> {
        let mut counts = HashMap::new();
        for column in ["subject_id", "object_id"] {
            let (owners, params) = owner_marks(vec![workspace.into()], owners);
            let sql = format!(
                "SELECT {column}, COUNT(DISTINCT fact_id) FROM facts WHERE workspace_id = $1 AND owner IN ({owners}) AND retracted_at IS NULL \
                 AND {column} IS NOT NULL GROUP BY {column}"
            );
            for row in self.db.query(&sql, &params)? {
                *counts.entry(row.get(0)?).or_default() += row.get::<u64>(1)?;
            }
        }
        Ok(counts)
    }

    /// States that came to be believed, or ceased to be, or began, or ended in the world, from an instant on up to another.
    pub fn facts_changed(
        &self,
        workspace: WorkspaceId,
        owners: &[Owner],
        what: FactEdge,
        (from, to): (Timestamp, Timestamp),
        limit: usize,
    ) -> Result<Vec<Fact>> {
        let (column, is_now) = match what {
            FactEdge::Recorded => ("recorded_at", ""),
            FactEdge::Retracted => ("retracted_at", ""),
            FactEdge::Began => ("valid_from", "AND retracted_at IS NULL"),
            FactEdge::Ended => ("valid_to", "AND retracted_at IS NULL"),
        };
        let (owners, params) =
            owner_marks(vec![workspace.into(), from.into(), to.into(), limit.into()], owners);
        let sql = format!(
            "SELECT {COLUMNS} FROM facts WHERE workspace_id = $1 AND {column} >= $2 AND {column} < $3 {is_now} AND owner IN ({owners}) \
             ORDER BY {column}, id LIMIT $4"
        );
        self.db.query(&sql, &params)?.iter().map(|row| self.read_fact(row)).collect()
    }

    /// Where these facts were said.
    pub fn sources_of(&self, facts: &[FactId]) -> Result<Vec<Source>> {
        self.sources("fact_id", facts)
    }

    /// What was found in these episodes.
    pub fn sources_in(&self, episodes: &[EpisodeId]) -> Result<Vec<Source>> {
        self.sources("episode_id", episodes)
    }

    fn sources<T: Clone + Into<Value>>(&self, column: &str, ids: &[T]) -> Result<Vec<Source>> {
        let mut found = Vec::new();
        for some in ids.chunks(IDS_MAX) {
            let (marks, params) = marks(Vec::new(), some);
            let sql = format!(
                "SELECT fact_id, episode_id, start_byte, end_byte FROM fact_sources WHERE {column} IN ({marks}) \
                 ORDER BY episode_id, start_byte"
            );
            for row in self.db.query(&sql, &params)? {
                found.push(Source {
                    fact: row.get(0)?,
                    episode: row.get(1)?,
                    start: row.get(2)?,
                    end: row.get(3)?,
                });
            }
        }
        Ok(found)
    }

    fn read_fact(&self, row: &Row) -> Result<Fact> {
        let version: FactVersionId = row.get(0)?;
        Ok(Fact {
            version,
            id: row.get(1)?,
            workspace: row.get(2)?,
            owner: parsed(row, 3)?,
            kind: parsed(row, 4)?,
            subject: row.get(5)?,
            object: row.get(6)?,
            valid: Span::new(row.get(7)?, row.get(8)?),
            recorded_at: row.get(9)?,
            retracted_at: row.get(10)?,
            cause: parsed(row, 11)?,
            closed_by: row.get(12)?,
            confidence: real(row, 13)?,
            importance: real(row, 14)?,
            sensitivity: parsed(row, 15)?,
            archived_at: row.get(16)?,
            stated: open(self.sealer(), SealedColumn::Fact, version.as_bytes(), row, 17)?,
        })
    }
}
