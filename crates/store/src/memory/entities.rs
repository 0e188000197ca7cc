//! Entities: who and what facts are about.

use ibid_types::memory::{Entity, Owner};
use ibid_types::{EntityId, Result, WorkspaceId};

use super::{Remembered, memory_changed, open, owner_marks, parsed, seal};
use crate::sealing::SealedColumn;
use crate::value::{IDS_MAX, marks};
use crate::{Row, Sealer, Statement, Store};

const COLUMNS: &str = "id, workspace_id, owner, kind, created_at, body";

/// The row of an entity with its feed entry.
pub fn entity_insert(entity: &Entity, sealer: &dyn Sealer) -> Result<Vec<Statement>> {
    let sql = "INSERT INTO entities (id, workspace_id, owner, kind, created_at, body) VALUES ($1, $2, $3, $4, $5, $6)";
    let params = vec![
        entity.id.into(),
        entity.workspace.into(),
        entity.owner.to_string().into(),
        entity.kind.name().into(),
        entity.created_at.into(),
        seal(sealer, SealedColumn::Entity, entity.id.as_bytes(), &entity.known)?,
    ];
    Ok(vec![Statement::new(sql, params), changed(entity)])
}

/// What an entity is called now.
pub fn entity_update(entity: &Entity, sealer: &dyn Sealer) -> Result<Vec<Statement>> {
    let sql = "UPDATE entities SET kind = $2, body = $3 WHERE id = $1";
    let body = seal(sealer, SealedColumn::Entity, entity.id.as_bytes(), &entity.known)?;
    Ok(vec![
        Statement::new(sql, vec![entity.id.into(), entity.kind.name().into(), body]).expecting(1),
        changed(entity),
    ])
}

fn changed(entity: &Entity) -> Statement {
    memory_changed(entity.workspace, Remembered::Entity(entity.id))
}

impl Store {
    /// The entities of these ids, in that order; ids that are not there are left out.
    pub fn entities_by_id(&self, ids: &[EntityId]) -> Result<Vec<Entity>> {
        let mut found = std::collections::HashMap::with_capacity(ids.len());
        for some in ids.chunks(IDS_MAX) {
            let (marks, params) = marks(Vec::new(), some);
            let sql = format!("SELECT {COLUMNS} FROM entities WHERE id IN ({marks})");
            for row in self.db.query(&sql, &params)? {
                let entity = self.read_entity(&row)?;
                found.insert(entity.id, entity);
            }
        }
        Ok(ids.iter().filter_map(|id| found.get(id).cloned()).collect())
    }

    /// Every entity of a workspace from an id on, in the order of their ids.
    pub fn entities_after(
        &self,
        workspace: WorkspaceId,
        after: Option<EntityId>,
        limit: usize,
    ) -> Result<Vec<Entity>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM entities WHERE workspace_id = $1 AND id > $2 ORDER BY id LIMIT $3"
        );
        let after = after.map_or_else(Vec::new, |id| id.as_bytes().to_vec());
        let rows = self.db.query(&sql, &[workspace.into(), after.into(), limit.into()])?;
        rows.iter().map(|row| self.read_entity(row)).collect()
    }

    /// The entities of these owners.
    pub fn entities_of(&self, workspace: WorkspaceId, owners: &[Owner]) -> Result<Vec<Entity>> {
        let (marks, params) = owner_marks(vec![workspace.into()], owners);
        let sql = format!(
            "SELECT {COLUMNS} FROM entities WHERE workspace_id = $1 AND owner IN ({marks}) ORDER BY id"
        );
        self.db.query(&sql, &params)?.iter().map(|row| self.read_entity(row)).collect()
    }

    fn read_entity(&self, row: &Row) -> Result<Entity> {
        let id: EntityId = row.get(0)?;
        Ok(Entity {
            id,
            workspace: row.get(1)?,
            owner: parsed(row, 2)?,
            kind: parsed(row, 3)?,
            created_at: row.get(4)?,
            known: open(self.sealer(), SealedColumn::Entity, id.as_bytes(), row, 5)?,
        })
    }
}
