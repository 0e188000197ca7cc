//! Keys with what is granted to them, and workspaces, as they were last read: every request asks for them, and they seldom change.
//!
//! Keeps true: when a batch returns that changed who may do what, nothing that was read before it is told any more; of batches that go
//! through this store's `Db`, which is all of them, since one process owns a library. A look never waits for the database.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ibid_seal::secret::hash;
use ibid_types::Result;
use ibid_types::access::{Holder, Rights};
use parking_lot::RwLock;

use crate::keys::{KEY_USED, Key};
use crate::{Db, Outcome, Row, Statement, Store, Value, Workspace};

/// A change of any of these may change what is held.
const TABLES: [&str; 6] = ["keys", "grants", "groups", "group_members", "users", "workspaces"];

/// What is held of one library.
#[derive(Debug, Default)]
pub struct Known {
    /// How often it may have changed.
    changes: AtomicU64,
    held: RwLock<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// The changes before all of this was read.
    changes: u64,
    /// By the hash under which the secret is stored: how long a look takes tells of that hash at most, and whoever has it has no secret.
    keys: HashMap<[u8; 32], (Key, Rights)>,
    workspaces: HashMap<String, Workspace>,
}

impl Known {
    fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    fn look<T>(&self, look: impl FnOnce(&Held) -> Option<T>) -> Option<T> {
        let held = self.held.read();
        if held.changes == self.changes() { look(&held) } else { None }
    }

    /// Holds what was read after so many changes; what is older than what is held is not taken.
    fn hold(&self, changes: u64, put: impl FnOnce(&mut Held)) {
        let mut held = self.held.write();
        if held.changes < changes {
            *held = Held { changes, ..Held::default() };
        }
        if held.changes == changes {
            put(&mut held);
        }
    }
}

impl Store {
    /// The key with this secret and what is granted to it, if that is known without asking the database, and its use need not be
    /// noted.
    #[must_use]
    pub fn key_known(&self, secret: &str) -> Option<(Key, Rights)> {
        let (key, rights) = self.known.look(|held| held.keys.get(&hash(secret)).cloned())?;
        let now = self.now();
        (!key.is_over(now) && key.is_use_noted(now)).then_some((key, rights))
    }

    /// The same, read where it is not known; counts as a use of the key.
    pub fn key_admit(&self, secret: &str) -> Result<Option<(Key, Rights)>> {
        if let Some(known) = self.key_known(secret) {
            return Ok(Some(known));
        }
        let changes = self.known.changes();
        let Some(key) = self.key_verify(secret)? else { return Ok(None) };
        let rights = self.rights_of(Holder::Key(key.id))?;
        let found = (key, rights);
        self.known.hold(changes, |held| drop(held.keys.insert(hash(secret), found.clone())));
        Ok(Some(found))
    }

    /// The workspace of that name, if it is known without asking the database.
    #[must_use]
    pub fn workspace_known(&self, name: &str) -> Option<Workspace> {
        self.known.look(|held| held.workspaces.get(name).cloned())
    }

    /// The workspace of that name.
    pub fn workspace_find(&self, name: &str) -> Result<Option<Workspace>> {
        if let Some(known) = self.workspace_known(name) {
            return Ok(Some(known));
        }
        let changes = self.known.changes();
        let found = self.workspace_read(name)?;
        if let Some(found) = &found {
            self.known.hold(changes, |held| drop(held.workspaces.insert(name.to_owned(), found.clone())));
        }
        Ok(found)
    }
}

/// A `Db` that tells of every batch that may have changed what is held.
#[derive(Debug)]
pub struct Watched {
    inner: Arc<dyn Db>,
    known: Arc<Known>,
}

impl Watched {
    pub fn new(inner: Arc<dyn Db>, known: Arc<Known>) -> Self {
        Self { inner, known }
    }
}

impl Db for Watched {
    fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        self.inner.query(sql, params)
    }

    fn damages(&self) -> Result<Vec<String>> {
        self.inner.damages()
    }

    fn erase(&self) -> Result<()> {
        self.inner.erase()
    }

    fn batch(&self, statements: Vec<Statement>) -> Result<Outcome> {
        let changes = statements.iter().any(|statement| changes_known(&statement.sql));
        let outcome = self.inner.batch(statements);
        // Also of one that failed: it may have failed after it was on disk.
        if changes {
            self.known.changes.fetch_add(1, Ordering::Release);
        }
        outcome
    }
}

/// A statement whose table cannot be told might be anything.
fn changes_known(sql: &str) -> bool {
    sql != KEY_USED && table(sql).is_none_or(|table| TABLES.contains(&table))
}

/// What a plain statement writes to.
fn table(sql: &str) -> Option<&str> {
    let mut words = sql.split_ascii_whitespace();
    let before = match words.next()? {
        "INSERT" => "INTO",
        "DELETE" => "FROM",
        "UPDATE" => return words.next(),
        _ => return None,
    };
    words.find(|word| *word == before)?;
    words.next().and_then(|word| word.split('(').next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_tell_their_table() {
        let check = |sql: &str, wanted: Option<&str>| assert_eq!(table(sql), wanted, "{sql}");
        check("INSERT INTO keys (id) VALUES ($1)", Some("keys"));
        check("INSERT OR IGNORE INTO grants(id) SELECT id FROM users", Some("grants"));
        check("DELETE FROM jobs WHERE id IN (SELECT id FROM keys)", Some("jobs"));
        check("UPDATE\n  users SET name = $1", Some("users"));
        check("WITH a AS (SELECT 1) UPDATE keys SET name = $1", None);
        check("", None);
    }

    #[test]
    fn what_cannot_be_told_counts_as_a_change() {
        assert!(changes_known("WITH a AS (SELECT 1) UPDATE jobs SET state = $1"));
        assert!(changes_known("UPDATE keys SET revoked_at = $2 WHERE id = $1"));
        assert!(!changes_known(KEY_USED) && !changes_known("UPDATE jobs SET state = $1"));
    }

    #[test]
    fn what_was_read_before_a_change_is_not_held_after_it() {
        let (known, workspace) = (Known::default(), |held: &Held| Some(held.workspaces.len()));
        let put = |held: &mut Held| {
            let found = Workspace {
                id: ibid_types::WorkspaceId::new(),
                name: "legal".to_owned(),
                created_at: ibid_types::Timestamp(0),
            };
            drop(held.workspaces.insert("legal".to_owned(), found));
        };
        known.hold(0, put);
        assert_eq!(known.look(workspace), Some(1));
        known.changes.fetch_add(1, Ordering::Release);
        assert_eq!(known.look(workspace), None);
        known.hold(0, put);
        assert_eq!(known.look(workspace), None, "it was read before the change");
        known.hold(1, put);
        assert_eq!(known.look(workspace), Some(1));
    }
}
