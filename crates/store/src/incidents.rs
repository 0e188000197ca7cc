//! Incidents, and what happened in them.
//!
//! Keeps true: a state is never set without an event that says so in the same commit; events are numbered from 1.

use std::collections::BTreeMap;

use ibid_types::{Error, Result, Timestamp};

use crate::alerts::first_number;
use crate::value::{json, to_json};
use crate::{Row, Statement, Store, Value};

/// An incident that exists, or the one that an earlier statement of the same batch opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Number(i64),
    Newest,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentRow {
    pub number: i64,
    /// 0 (everything stands still) to 3 (a nuisance).
    pub priority: u32,
    pub title: String,
    /// `open`, `acknowledged`, `resolved` or `closed`.
    pub state: String,
    /// The rule whose alert opened it.
    pub rule: Option<String>,
    /// The runbook's name; empty for none.
    pub runbook: String,
    /// Role to person.
    pub roles: BTreeMap<String, String>,
    /// What the status page says of it.
    pub message: Option<String>,
    pub opened_at: Timestamp,
    /// Until when somebody should have taken it.
    pub respond_by: Option<Timestamp>,
    /// When it was noticed that nobody had.
    pub late_at: Option<Timestamp>,
    pub acknowledged_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentEvent {
    pub number: u32,
    pub at: Timestamp,
    /// `opened`, `alert`, `note`, `role`, `state`, `command`, `runbook`, `change`, `message`, `clock`, or `access`: an entry of the audit
    /// log about people and documents, for those who may read that log.
    pub kind: String,
    pub who: String,
    pub text: String,
}

#[derive(Clone, Debug)]
pub struct NewIncident<'a> {
    pub priority: u32,
    pub title: &'a str,
    pub rule: Option<&'a str>,
    pub runbook: &'a str,
    pub opened_at: Timestamp,
    pub respond_by: Option<Timestamp>,
}

const COLUMNS: &str = "number, priority, title, state, rule, runbook, roles, message, opened_at, respond_by, late_at, \
                       acknowledged_at, resolved_at, closed_at";

/// Adds the next event of those incidents (`i`) for which the condition holds.
macro_rules! next_event {
    ($which:literal) => {
        concat!(
            "INSERT INTO incident_events (incident, number, at, kind, who, text) SELECT i.number, ",
            "COALESCE((SELECT MAX(number) FROM incident_events WHERE incident = i.number), 0) + 1, ",
            "$1, $2, $3, $4 FROM incidents AS i WHERE ",
            $which
        )
    };
}

/// The row of a new incident; returns its number.
#[must_use]
pub fn incident_open(incident: &NewIncident<'_>) -> Statement {
    let sql = "INSERT INTO incidents (priority, title, state, rule, runbook, roles, opened_at, respond_by) \
               VALUES ($1, $2, 'open', $3, $4, '{}', $5, $6) RETURNING number";
    let params = vec![
        incident.priority.into(),
        incident.title.into(),
        incident.rule.map(ToOwned::to_owned).into(),
        incident.runbook.into(),
        incident.opened_at.into(),
        incident.respond_by.into(),
    ];
    Statement::new(sql, params)
}

/// The next event of an incident.
#[must_use]
pub fn incident_event(incident: Which, at: Timestamp, kind: &str, who: &str, text: &str) -> Statement {
    let mut params: Vec<Value> = vec![at.into(), kind.into(), who.into(), text.into()];
    match incident {
        Which::Newest => {
            let newest = next_event!("i.number = (SELECT MAX(number) FROM incidents)");
            Statement::new(newest, params).expecting(1)
        }
        Which::Number(number) => {
            params.push(number.into());
            Statement::new(next_event!("i.number = $5"), params).expecting(1)
        }
    }
}

/// Brings an incident into a state: `acknowledged`, `resolved`, `closed`, or `open` again.
#[must_use]
pub fn incident_state(number: i64, state: &str, at: Timestamp) -> Statement {
    let sql = match state {
        "acknowledged" => {
            "UPDATE incidents SET state = $2, acknowledged_at = COALESCE(acknowledged_at, $3) WHERE number = $1"
        }
        "resolved" => "UPDATE incidents SET state = $2, resolved_at = $3 WHERE number = $1",
        "closed" => {
            "UPDATE incidents SET state = $2, closed_at = $3, resolved_at = COALESCE(resolved_at, $3), \
             acknowledged_at = COALESCE(acknowledged_at, $3) WHERE number = $1"
        }
        _ => {
            "UPDATE incidents SET state = $2, resolved_at = NULL, closed_at = NULL WHERE number = $1 AND opened_at <= $3"
        }
    };
    Statement::new(sql, vec![number.into(), state.into(), at.into()]).expecting(1)
}

/// Gives an incident another priority; the clock of one that nobody took yet runs until `respond_by`.
#[must_use]
pub fn incident_priority(number: i64, priority: u32, respond_by: Option<Timestamp>) -> Statement {
    let sql = "UPDATE incidents SET priority = $2, \
               respond_by = CASE WHEN acknowledged_at IS NULL THEN $3 ELSE respond_by END WHERE number = $1";
    Statement::new(sql, vec![number.into(), priority.into(), respond_by.into()]).expecting(1)
}

impl Store {
    /// Error: `incident_unknown`.
    pub fn incident(&self, number: i64) -> Result<IncidentRow> {
        let sql = format!("SELECT {COLUMNS} FROM incidents WHERE number = $1");
        let rows = self.db.query(&sql, &[number.into()])?;
        rows.first().map(read_incident).transpose()?.ok_or_else(|| {
            let what = format!("there is no incident {number}; see `ibid incidents list`");
            Error::not_found("incident_unknown", what)
        })
    }

    /// Those that are not closed, the oldest first.
    pub fn incidents_open(&self) -> Result<Vec<IncidentRow>> {
        let sql =
            format!("SELECT {COLUMNS} FROM incidents WHERE closed_at IS NULL ORDER BY number LIMIT 1000");
        self.db.query(&sql, &[])?.iter().map(read_incident).collect()
    }

    /// Open and closed ones, the newest first, before a number where one is given.
    pub fn incidents_list(&self, before: Option<i64>, limit: usize) -> Result<Vec<IncidentRow>> {
        let sql = format!("SELECT {COLUMNS} FROM incidents WHERE number < $1 ORDER BY number DESC LIMIT $2");
        let params = [before.unwrap_or(i64::MAX).into(), limit.into()];
        self.db.query(&sql, &params)?.iter().map(read_incident).collect()
    }

    /// What happened, in order.
    pub fn incident_events(&self, incident: i64) -> Result<Vec<IncidentEvent>> {
        let sql = "SELECT number, at, kind, who, text FROM incident_events WHERE incident = $1 ORDER BY number LIMIT 10000";
        self.db.query(sql, &[incident.into()])?.iter().map(read_event).collect()
    }

    /// Commits a batch whose first statement opens an incident, and gives its number.
    pub fn incident_begin(&self, statements: Vec<Statement>) -> Result<i64> {
        first_number(&self.db.batch(statements)?.returned)
    }

    /// Commits changes of one incident. Error: `incident_unknown`.
    pub fn incident_change(&self, number: i64, statements: Vec<Statement>) -> Result<()> {
        let _known = self.incident(number)?;
        self.db.batch(statements).map(|_| ())
    }

    /// The statement that gives a role to a person; nobody where the name is empty.
    pub fn incident_role(&self, number: i64, role: &str, person: &str) -> Result<Statement> {
        let mut roles = self.incident(number)?.roles;
        if person.is_empty() {
            roles.remove(role);
        } else {
            roles.insert(role.to_owned(), person.to_owned());
        }
        let sql = "UPDATE incidents SET roles = $2 WHERE number = $1";
        Ok(Statement::new(sql, vec![number.into(), to_json(&roles).into()]).expecting(1))
    }

    /// The statement that sets what the status page says.
    #[must_use]
    pub fn incident_message(&self, number: i64, message: &str) -> Statement {
        let message = (!message.is_empty()).then(|| message.to_owned());
        let sql = "UPDATE incidents SET message = $2 WHERE number = $1";
        Statement::new(sql, vec![number.into(), message.into()]).expecting(1)
    }

    /// The statement that notes that nobody answered in time.
    #[must_use]
    pub fn incident_late(&self, number: i64, at: Timestamp) -> Statement {
        let sql = "UPDATE incidents SET late_at = $2 WHERE number = $1 AND late_at IS NULL";
        Statement::new(sql, vec![number.into(), at.into()]).expecting(1)
    }
}

fn read_incident(row: &Row) -> Result<IncidentRow> {
    Ok(IncidentRow {
        number: row.get(0)?,
        priority: row.get(1)?,
        title: row.get(2)?,
        state: row.get(3)?,
        rule: row.get(4)?,
        runbook: row.get(5)?,
        roles: json(&row.get::<String>(6)?)?,
        message: row.get(7)?,
        opened_at: row.get(8)?,
        respond_by: row.get(9)?,
        late_at: row.get(10)?,
        acknowledged_at: row.get(11)?,
        resolved_at: row.get(12)?,
        closed_at: row.get(13)?,
    })
}

fn read_event(row: &Row) -> Result<IncidentEvent> {
    Ok(IncidentEvent {
        number: row.get(0)?,
        at: row.get(1)?,
        kind: row.get(2)?,
        who: row.get(3)?,
        text: row.get(4)?,
    })
}
