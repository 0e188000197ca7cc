//! The audit log: what was done, by whom, in order.
//!
//! Keeps true: entries are numbered from 1 without a gap and only added; the hash of each covers its own content and the
//! hash before it, so none can be changed, left out or put in between without `audit_verify` telling; an entry is in the timeline of every
//! incident that is open at that moment, in the same commit; an entry has no character that steers a terminal or ends a line.
//!
//! Hash: BLAKE3 over the former hash (32 bytes, zeros before the first), number and time (8 bytes each, little-endian), then
//! actor, action and subject, each after its length in bytes (8, little-endian).

use ibid_types::plain::one_line;
use ibid_types::{ContentHash, Error, Result, Timestamp};

use crate::upload::until_no_conflict;
use crate::{Row, Statement, Store};

/// Entries read at a time by a verification.
const VERIFIED_AT_ONCE: usize = 1000;
/// Entries before an incident that its timeline begins with, at most.
const BEFORE_INCIDENT_MAX: usize = 50;
/// Whether an entry (`a`) is an act on the server, and not about people and documents: then its event is a `change`, else `access`.
const KIND: &str = "CASE WHEN a.actor = 'server' OR a.action IN ('POST', 'PUT', 'PATCH', 'DELETE') \
                    AND a.subject NOT LIKE '/v1/auth%' AND a.subject NOT LIKE '/v1/documents%' THEN 'change' ELSE 'access' END";
const NOTHING: ContentHash = ContentHash([0; 32]);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    pub number: i64,
    pub at: Timestamp,
    /// A key's name, `this machine`, or `server`.
    pub actor: String,
    /// A word with a dot, such as `server.started`, or the method of a request.
    pub action: String,
    /// What it was done to.
    pub subject: String,
    pub hash: ContentHash,
}

impl AuditEntry {
    fn hash_after(&self, former: ContentHash) -> ContentHash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&former.0).update(&self.number.to_le_bytes()).update(&self.at.0.to_le_bytes());
        for text in [&self.actor, &self.action, &self.subject] {
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        }
        ContentHash(*hasher.finalize().as_bytes())
    }

    fn is_after(&self, former: (i64, ContentHash)) -> bool {
        self.number == former.0 + 1 && self.hash == self.hash_after(former.1)
    }
}

/// Follows entries from the first one on, and finds the first that does not belong.
#[derive(Clone, Copy, Debug)]
pub struct AuditChain {
    number: i64,
    hash: ContentHash,
}

impl Default for AuditChain {
    fn default() -> Self {
        Self { number: 0, hash: NOTHING }
    }
}

impl AuditChain {
    /// The number of the last entry.
    #[must_use]
    pub const fn last(&self) -> i64 {
        self.number
    }

    /// Error: `audit_broken`.
    pub fn follow(&mut self, entry: &AuditEntry) -> Result<()> {
        if !entry.is_after((self.number, self.hash)) {
            let what = format!(
                "the audit log is broken after entry {}: something was changed, removed or put in between",
                self.number
            );
            return Err(Error::internal("audit_broken", what));
        }
        *self = Self { number: entry.number, hash: entry.hash };
        Ok(())
    }
}

impl Store {
    /// Adds an entry. Names in it may come from anybody.
    pub fn audit_append(&self, actor: &str, action: &str, subject: &str) -> Result<AuditEntry> {
        let (actor, action, subject) = (one_line(actor), one_line(action), one_line(subject));
        until_no_conflict(|| self.audit_append_once(&actor, &action, &subject))
    }

    /// The entries after a number, the oldest first.
    pub fn audit_list(&self, after: i64, limit: usize) -> Result<Vec<AuditEntry>> {
        let sql = "SELECT number, at, actor, action, subject, hash FROM audit WHERE number > $1 ORDER BY number LIMIT $2";
        self.db.query(sql, &[after.into(), limit.into()])?.iter().map(read).collect()
    }

    /// The number of the newest entry; 0 without any.
    pub fn audit_last(&self) -> Result<i64> {
        let rows = self.db.query("SELECT COALESCE(MAX(number), 0) FROM audit", &[])?;
        rows.first().map_or(Ok(0), |row| row.get(0))
    }

    /// How many entries there are, all of them sound. Error: `audit_broken`, which names the first that is not.
    pub fn audit_verify(&self) -> Result<i64> {
        let mut chain = AuditChain::default();
        loop {
            let entries = self.audit_list(chain.last(), VERIFIED_AT_ONCE)?;
            if entries.is_empty() {
                return Ok(chain.last());
            }
            entries.iter().try_for_each(|entry| chain.follow(entry))?;
        }
    }

    fn audit_append_once(&self, actor: &str, action: &str, subject: &str) -> Result<AuditEntry> {
        let newest =
            "SELECT number, at, actor, action, subject, hash FROM audit ORDER BY number DESC LIMIT 1";
        let former = self.db.query(newest, &[])?.first().map(read).transpose()?;
        let (number, former) = former.map_or((0, NOTHING), |entry| (entry.number, entry.hash));
        let mut entry = AuditEntry {
            number: number + 1,
            at: self.now(),
            actor: actor.to_owned(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            hash: NOTHING,
        };
        entry.hash = entry.hash_after(former);
        let insert = "INSERT INTO audit (number, at, actor, action, subject, hash) SELECT $1, $2, $3, $4, $5, $6 \
                      WHERE (SELECT COALESCE(MAX(number), 0) FROM audit) = $1 - 1";
        let params = vec![
            entry.number.into(),
            entry.at.into(),
            actor.into(),
            action.into(),
            subject.into(),
            entry.hash.into(),
        ];
        let event = open_incidents_event(entry.number);
        self.db.batch(vec![Statement::new(insert, params).expecting(1), event])?;
        Ok(entry)
    }
}

/// The entry of that number, into the timeline of every incident that is not closed.
fn open_incidents_event(number: i64) -> Statement {
    let sql = format!(
        "INSERT INTO incident_events (incident, number, at, kind, who, text) \
         SELECT i.number, COALESCE((SELECT MAX(number) FROM incident_events WHERE incident = i.number), 0) + 1, \
         a.at, {KIND}, a.actor, a.action || ' ' || a.subject FROM incidents AS i, audit AS a \
         WHERE a.number = $1 AND i.closed_at IS NULL"
    );
    Statement { sql: sql.into(), params: vec![number.into()], rows_expected: None }
}

/// What was done since a moment, into the timeline of the newest incident.
#[must_use]
pub fn incident_changes_since(since: Timestamp) -> Statement {
    let sql = format!(
        "INSERT INTO incident_events (incident, number, at, kind, who, text) \
         SELECT i.number, COALESCE((SELECT MAX(number) FROM incident_events WHERE incident = i.number), 0) + a.place, \
         a.at, {KIND}, a.actor, a.action || ' ' || a.subject FROM incidents AS i, \
         (SELECT at, actor, action, subject, ROW_NUMBER() OVER (ORDER BY number) AS place FROM \
         (SELECT * FROM audit WHERE at >= $1 ORDER BY number DESC LIMIT $2) AS newest) AS a \
         WHERE i.number = (SELECT MAX(number) FROM incidents)"
    );
    let params = vec![since.into(), BEFORE_INCIDENT_MAX.into()];
    Statement { sql: sql.into(), params, rows_expected: None }
}

fn read(row: &Row) -> Result<AuditEntry> {
    Ok(AuditEntry {
        number: row.get(0)?,
        at: row.get(1)?,
        actor: row.get(2)?,
        action: row.get(3)?,
        subject: row.get(4)?,
        hash: row.get(5)?,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ibid_runtime::Clock;

    use super::*;
    use crate::{NewIncident, Sqlite, SqliteConfig, Which, incident_event, incident_open};

    fn store() -> (Store, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let db = Sqlite::open(SqliteConfig::new(folder.path().join("ibid.db"))).unwrap();
        (Store::new(Arc::new(db), Clock::manual(Timestamp(1000))), folder)
    }

    fn run(store: &Store, sql: &'static str) {
        drop(store.db().batch(vec![Statement::new(sql, vec![])]).unwrap());
    }

    #[test]
    fn entries_follow_each_other() {
        let (store, _folder) = store();
        assert_eq!(store.audit_verify().unwrap(), 0);
        for number in 1..=3 {
            assert_eq!(store.audit_append("ada", "key.created", "laptop").unwrap().number, number);
        }
        assert_eq!(store.audit_verify().unwrap(), 3);
        assert_eq!(store.audit_list(1, 1).unwrap()[0].number, 2);
        assert_eq!(store.audit_last().unwrap(), 3);
    }

    #[test]
    fn what_is_changed_removed_or_put_in_is_found() {
        for damage in [
            "UPDATE audit SET subject = 'desk' WHERE number = 2",
            "DELETE FROM audit WHERE number = 2",
            "DELETE FROM audit WHERE number = 1",
            "INSERT INTO audit SELECT 4, at, actor, action, subject, hash FROM audit WHERE number = 3",
        ] {
            let (store, _folder) = store();
            (0..3).for_each(|_| drop(store.audit_append("ada", "key.created", "laptop").unwrap()));
            run(&store, damage);
            assert_eq!(store.audit_verify().unwrap_err().code, "audit_broken", "{damage}");
        }
    }

    #[test]
    fn a_name_of_a_stranger_steers_no_terminal() {
        let (store, _folder) = store();
        let entry = store.audit_append("user x\u{1b}]0;y\u{7}", "sign-in.failed", "a\nb").unwrap();
        assert_eq!(
            (entry.actor.as_str(), entry.subject.as_str()),
            ("user x\u{fffd}]0;y\u{fffd}", "a\u{fffd}b")
        );
        assert_eq!(store.audit_verify().unwrap(), 1);
    }

    #[test]
    fn an_incident_knows_what_was_done_before_and_during_it() {
        let (store, _folder) = store();
        drop(store.audit_append("ada", "before", "one").unwrap());
        drop(store.audit_append("ada", "before", "two").unwrap());
        let now = store.now();
        let incident = NewIncident {
            priority: 1,
            title: "smoke",
            rule: None,
            runbook: "",
            opened_at: now,
            respond_by: None,
        };
        let number = store
            .incident_begin(vec![
                incident_open(&incident),
                incident_changes_since(now),
                incident_event(Which::Newest, now, "opened", "ada", "smoke"),
            ])
            .unwrap();
        drop(store.audit_append("eve", "POST", "/v1/keys (201)").unwrap());
        run(&store, "UPDATE incidents SET closed_at = 5");
        drop(store.audit_append("eve", "after", "four").unwrap());
        let events = store.incident_events(number).unwrap();
        let texts: Vec<&str> = events.iter().map(|event| event.text.as_str()).collect();
        assert_eq!(texts, ["before one", "before two", "smoke", "POST /v1/keys (201)"]);
        let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
        assert_eq!(kinds, ["access", "access", "opened", "change"], "what is about people is told apart");
        assert_eq!(events.iter().map(|event| event.number).collect::<Vec<_>>(), [1, 2, 3, 4]);
    }
}
