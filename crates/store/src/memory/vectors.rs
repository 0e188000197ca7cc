//! Vectors of what is remembered, and when it was last of use.

use half::f16;
use ibid_types::{Result, Timestamp};

use crate::statements::packed;
use crate::value::{IDS_MAX, marks};
use crate::{Row, Statement, Store};

/// The vector of an episode or a fact as little-endian f16.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryVector {
    pub id: [u8; 16],
    pub vector: Vec<u8>,
}

impl MemoryVector {
    #[must_use]
    pub fn numbers(&self) -> Vec<f32> {
        self.vector.chunks_exact(2).map(|pair| f16::from_le_bytes([pair[0], pair[1]]).to_f32()).collect()
    }
}

#[must_use]
pub fn memory_vector_insert(id: [u8; 16], model: &str, vector: &[f32]) -> Statement {
    let sql = "INSERT INTO memory_vectors (id, model, vector) VALUES ($1, $2, $3) \
               ON CONFLICT (id, model) DO UPDATE SET vector = excluded.vector";
    Statement::new(sql, vec![id.to_vec().into(), model.into(), packed(vector).into()])
}

/// Counts a use.
#[must_use]
pub fn memory_used(id: [u8; 16], at: Timestamp) -> Statement {
    let sql = "INSERT INTO memory_uses (id, used_at, uses) VALUES ($1, $2, 1) \
               ON CONFLICT (id) DO UPDATE SET used_at = excluded.used_at, uses = memory_uses.uses + 1";
    Statement::new(sql, vec![id.to_vec().into(), at.into()])
}

impl Store {
    /// Those of these that there are.
    pub fn memory_vectors(&self, ids: &[[u8; 16]], model: &str) -> Result<Vec<MemoryVector>> {
        let ids: Vec<Vec<u8>> = ids.iter().map(|id| id.to_vec()).collect();
        let mut found = Vec::with_capacity(ids.len());
        for some in ids.chunks(IDS_MAX) {
            let (marks, params) = marks(vec![model.into()], some);
            let sql = format!("SELECT id, vector FROM memory_vectors WHERE model = $1 AND id IN ({marks})");
            for row in self.db.query(&sql, &params)? {
                found.extend(read(&row)?);
            }
        }
        Ok(found)
    }
}

fn read(row: &Row) -> Result<Option<MemoryVector>> {
    let id: Vec<u8> = row.get(0)?;
    let vector = row.get(1)?;
    Ok(id.try_into().ok().map(|id| MemoryVector { id, vector }))
}
