//! Episodes: what was said, by whom, when.

use std::collections::HashMap;

use ibid_types::memory::{Episode, EpisodeKind, Owner, Series};
use ibid_types::{EpisodeId, Result, Timestamp, WorkspaceId};

use super::{Place, Remembered, memory_changed, open, owner_marks, parsed, seal};
use crate::sealing::SealedColumn;
use crate::value::{IDS_MAX, marks};
use crate::{Row, Sealer, Statement, Store, Value};

const COLUMNS: &str =
    "id, workspace_id, owner, kind, series, ordinal, at, recorded_at, importance, archived_at, body";

/// Which episodes.
#[derive(Clone, Debug, Default)]
pub struct EpisodesQuery {
    pub owners: Vec<Owner>,
    pub kind: Option<EpisodeKind>,
    /// At or after.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    pub limit: usize,
    pub cursor: Option<String>,
}

/// The newest first.
#[derive(Clone, Debug, Default)]
pub struct EpisodesPage {
    pub items: Vec<Episode>,
    pub next: Option<String>,
}

/// The row of an episode with its feed entry; `name` is what its sender calls it: fails with `store_conflict` where the owner has one of
/// that name.
pub fn episode_insert(episode: &Episode, name: Option<&str>, sealer: &dyn Sealer) -> Result<Vec<Statement>> {
    let sql = "INSERT INTO episodes (id, workspace_id, owner, kind, name, series, ordinal, at, recorded_at, importance, archived_at, body) \
               SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 WHERE NOT EXISTS \
               (SELECT 1 FROM episodes WHERE workspace_id = $2 AND owner = $3 AND name = $5)";
    let params = vec![
        episode.id.into(),
        episode.workspace.into(),
        episode.owner.to_string().into(),
        episode.kind.name().into(),
        name.map(str::to_owned).into(),
        episode.series.map(|series| series.id.to_vec()).into(),
        episode.series.map(|series| series.ordinal).into(),
        episode.at.into(),
        episode.recorded_at.into(),
        episode.importance.map(f64::from).into(),
        episode.archived_at.into(),
        seal(sealer, SealedColumn::Episode, episode.id.as_bytes(), &episode.said)?,
    ];
    Ok(vec![Statement::new(sql, params).expecting(1), changed(episode)])
}

/// What an episode says now, where words of it were erased.
pub fn episode_update(episode: &Episode, sealer: &dyn Sealer) -> Result<Vec<Statement>> {
    let sql = "UPDATE episodes SET body = $2 WHERE id = $1";
    let body = seal(sealer, SealedColumn::Episode, episode.id.as_bytes(), &episode.said)?;
    Ok(vec![Statement::new(sql, vec![episode.id.into(), body]), changed(episode)])
}

/// How much an episode matters, once it was read. The batch fails with `store_conflict` where the episode was forgotten meanwhile.
#[must_use]
pub fn episode_judged(id: EpisodeId, importance: f32) -> Statement {
    let sql = "UPDATE episodes SET importance = $2 WHERE id = $1";
    Statement::new(sql, vec![id.into(), f64::from(importance).into()]).expecting(1)
}

fn changed(episode: &Episode) -> Statement {
    memory_changed(episode.workspace, Remembered::Episode(episode.id))
}

impl Store {
    /// The episodes of these ids, in that order; ids that are not there are left out.
    pub fn episodes_by_id(&self, ids: &[EpisodeId]) -> Result<Vec<Episode>> {
        let mut found = HashMap::with_capacity(ids.len());
        for some in ids.chunks(IDS_MAX) {
            let (marks, params) = marks(Vec::new(), some);
            let sql = format!("SELECT {COLUMNS} FROM episodes WHERE id IN ({marks})");
            for row in self.db.query(&sql, &params)? {
                let episode = self.read_episode(&row)?;
                found.insert(episode.id, episode);
            }
        }
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }

    /// The episode that its owner gave a name.
    pub fn episode_named(
        &self,
        workspace: WorkspaceId,
        owner: Owner,
        name: &str,
    ) -> Result<Option<EpisodeId>> {
        let sql = "SELECT id FROM episodes WHERE workspace_id = $1 AND owner = $2 AND name = $3";
        let rows = self.db.query(sql, &[workspace.into(), owner.to_string().into(), name.into()])?;
        rows.first().map(|row| row.get(0)).transpose()
    }

    /// What their senders called these episodes, those that have a name.
    pub fn episode_names(&self, ids: &[EpisodeId]) -> Result<HashMap<EpisodeId, String>> {
        let mut found = HashMap::new();
        for some in ids.chunks(IDS_MAX) {
            let (marks, params) = marks(Vec::new(), some);
            let sql = format!("SELECT id, name FROM episodes WHERE name IS NOT NULL AND id IN ({marks})");
            for row in self.db.query(&sql, &params)? {
                found.insert(row.get(0)?, row.get(1)?);
            }
        }
        Ok(found)
    }

    /// Episodes, the newest first.
    pub fn episode_list(&self, workspace: WorkspaceId, query: &EpisodesQuery) -> Result<EpisodesPage> {
        let place = Place::read(query.cursor.as_deref())?;
        let (at, id) = place.map_or((None, None), |place| (Some(place.at), Some(place.id)));
        let first: Vec<Value> = vec![
            workspace.into(),
            query.kind.map(|kind| kind.name().to_owned()).into(),
            query.from.into(),
            query.to.into(),
            at.into(),
            id.into(),
            (query.limit + 1).into(),
        ];
        let (owners, params) = owner_marks(first, &query.owners);
        let sql = format!(
            "SELECT {COLUMNS} FROM episodes WHERE workspace_id = $1 AND ($2 IS NULL OR kind = $2) AND ($3 IS NULL OR at >= $3) \
             AND ($4 IS NULL OR at < $4) AND ($5 IS NULL OR at < $5 OR (at = $5 AND id > $6)) AND owner IN ({owners}) \
             ORDER BY at DESC, id LIMIT $7"
        );
        let rows = self.db.query(&sql, &params)?;
        let mut items: Vec<Episode> = rows.iter().map(|row| self.read_episode(row)).collect::<Result<_>>()?;
        let is_more = items.len() > query.limit;
        items.truncate(query.limit);
        let next = items.last().filter(|_| is_more).map(|last| Place::written(last.at, *last.id.as_bytes()));
        Ok(EpisodesPage { items, next })
    }

    /// Every episode of a workspace from an id on, in the order of their ids: what an index is made of.
    pub fn episodes_after(
        &self,
        workspace: WorkspaceId,
        after: Option<EpisodeId>,
        limit: usize,
    ) -> Result<Vec<Episode>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM episodes WHERE workspace_id = $1 AND id > $2 ORDER BY id LIMIT $3"
        );
        let after = after.map_or_else(Vec::new, |id| id.as_bytes().to_vec());
        let rows = self.db.query(&sql, &[workspace.into(), after.into(), limit.into()])?;
        rows.iter().map(|row| self.read_episode(row)).collect()
    }

    fn read_episode(&self, row: &Row) -> Result<Episode> {
        let id: EpisodeId = row.get(0)?;
        let series: Option<Vec<u8>> = row.get(4)?;
        let series = series.and_then(|series| series.try_into().ok());
        let ordinal: Option<u32> = row.get(5)?;
        Ok(Episode {
            id,
            workspace: row.get(1)?,
            owner: parsed(row, 2)?,
            kind: parsed(row, 3)?,
            series: series.map(|id| Series { id, ordinal: ordinal.unwrap_or(0) }),
            at: row.get(6)?,
            recorded_at: row.get(7)?,
            importance: row.get::<Option<f64>>(8)?.map(|number| number as f32),
            archived_at: row.get(9)?,
            said: open(self.sealer(), SealedColumn::Episode, id.as_bytes(), row, 10)?,
        })
    }
}
