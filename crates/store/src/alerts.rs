//! Alerts that fire or fired, and what silences them.
//!
//! Keeps true: of one rule and subject at most one alert fires at a time; the index `alerts_firing` refuses another.

use std::collections::BTreeMap;

use ibid_types::{Error, Result, Timestamp};

use crate::incidents::Which;
use crate::value::{json, to_json};
use crate::{Row, Statement, Store, Value};

#[derive(Clone, Debug, PartialEq)]
pub struct AlertRow {
    pub number: i64,
    pub rule: String,
    /// Which of the things that the rule watches: a provider's name, a check; empty where there is one only.
    pub subject: String,
    pub severity: String,
    pub summary: String,
    /// The runbook's name; empty for none.
    pub runbook: String,
    /// What was measured when it fired.
    pub value: f64,
    /// Since when the condition held.
    pub began_at: Timestamp,
    pub fired_at: Timestamp,
    pub resolved_at: Option<Timestamp>,
    pub acknowledged_at: Option<Timestamp>,
    pub acknowledged_by: Option<String>,
    /// Receiver to the moment at which it was last told, in milliseconds.
    pub told: BTreeMap<String, i64>,
    pub incident: Option<i64>,
}

/// An alert that begins to fire.
#[derive(Clone, Debug)]
pub struct NewAlert<'a> {
    pub rule: &'a str,
    pub subject: &'a str,
    pub severity: &'a str,
    pub summary: &'a str,
    pub runbook: &'a str,
    pub value: f64,
    pub began_at: Timestamp,
    pub fired_at: Timestamp,
    pub incident: Option<Which>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SilenceRow {
    pub number: i64,
    /// A rule's name, or a beginning of names that ends in `*`.
    pub rule: String,
    /// Only this subject; every one where empty.
    pub subject: String,
    pub reason: String,
    pub made_by: String,
    pub made_at: Timestamp,
    pub until: Timestamp,
}

impl SilenceRow {
    /// Whether an alert is meant.
    #[must_use]
    pub fn covers(&self, rule: &str, subject: &str) -> bool {
        let is_rule =
            self.rule.strip_suffix('*').map_or(self.rule == rule, |beginning| rule.starts_with(beginning));
        is_rule && (self.subject.is_empty() || self.subject == subject)
    }
}

const COLUMNS: &str = "number, rule, subject, severity, summary, runbook, value, began_at, fired_at, resolved_at, \
                       acknowledged_at, acknowledged_by, told, incident";
const SILENCE_COLUMNS: &str = "number, rule, subject, reason, made_by, made_at, until_at";

/// The row of an alert that begins to fire. The batch fails with `store_conflict` where it fires already.
#[must_use]
pub fn alert_fire(alert: &NewAlert<'_>) -> Statement {
    let newest = "INSERT INTO alerts (rule, subject, severity, summary, runbook, value, began_at, fired_at, told, incident) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '{}', (SELECT MAX(number) FROM incidents))";
    let given = "INSERT INTO alerts (rule, subject, severity, summary, runbook, value, began_at, fired_at, told, incident) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '{}', $9)";
    let mut params: Vec<Value> = vec![
        alert.rule.into(),
        alert.subject.into(),
        alert.severity.into(),
        alert.summary.into(),
        alert.runbook.into(),
        alert.value.into(),
        alert.began_at.into(),
        alert.fired_at.into(),
    ];
    match alert.incident {
        Some(Which::Newest) => Statement::new(newest, params),
        Some(Which::Number(number)) => {
            params.push(number.into());
            Statement::new(given, params)
        }
        None => {
            params.push(Value::Null);
            Statement::new(given, params)
        }
    }
}

/// Ends an alert.
#[must_use]
pub fn alert_resolve(rule: &str, subject: &str, at: Timestamp) -> Statement {
    let sql = "UPDATE alerts SET resolved_at = $3 WHERE rule = $1 AND subject = $2 AND resolved_at IS NULL";
    Statement::new(sql, vec![rule.into(), subject.into(), at.into()])
}

/// Notes to whom an alert was told, and when.
#[must_use]
pub fn alert_told(number: i64, told: &BTreeMap<String, i64>) -> Statement {
    Statement::new("UPDATE alerts SET told = $2 WHERE number = $1", vec![number.into(), to_json(told).into()])
}

impl Store {
    /// Those that fire, the oldest first.
    pub fn alerts_firing(&self) -> Result<Vec<AlertRow>> {
        let sql = format!("SELECT {COLUMNS} FROM alerts WHERE resolved_at IS NULL ORDER BY number");
        self.db.query(&sql, &[])?.iter().map(read_alert).collect()
    }

    /// Those that ended after a moment, the oldest first.
    pub fn alerts_resolved_after(&self, after: Timestamp, limit: usize) -> Result<Vec<AlertRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM alerts WHERE resolved_at > $1 ORDER BY resolved_at, number LIMIT $2"
        );
        self.db.query(&sql, &[after.into(), limit.into()])?.iter().map(read_alert).collect()
    }

    /// Firing and past ones, the newest first, before a number where one is given.
    pub fn alerts_list(&self, before: Option<i64>, limit: usize) -> Result<Vec<AlertRow>> {
        let sql = format!("SELECT {COLUMNS} FROM alerts WHERE number < $1 ORDER BY number DESC LIMIT $2");
        let params = [before.unwrap_or(i64::MAX).into(), limit.into()];
        self.db.query(&sql, &params)?.iter().map(read_alert).collect()
    }

    /// Those of an incident, the oldest first.
    pub fn alerts_of_incident(&self, incident: i64) -> Result<Vec<AlertRow>> {
        let sql = format!("SELECT {COLUMNS} FROM alerts WHERE incident = $1 ORDER BY number LIMIT 1000");
        self.db.query(&sql, &[incident.into()])?.iter().map(read_alert).collect()
    }

    /// Notes that somebody takes care of an alert. Errors: `alert_unknown`, also where it fires no more.
    pub fn alert_acknowledge(&self, number: i64, by: &str) -> Result<()> {
        let sql = "UPDATE alerts SET acknowledged_at = COALESCE(acknowledged_at, $2), acknowledged_by = COALESCE(acknowledged_by, $3) \
                   WHERE number = $1 AND resolved_at IS NULL";
        let change = Statement::new(sql, vec![number.into(), self.now().into(), by.into()]).expecting(1);
        self.db.batch(vec![change]).map(|_| ()).map_err(|error| match error.code {
            "store_conflict" => {
                Error::not_found("alert_unknown", format!("no alert {number} fires; see `ibid alerts list`"))
            }
            _ => error,
        })
    }

    /// Silences that still hold, the first to end first.
    pub fn silences(&self) -> Result<Vec<SilenceRow>> {
        let sql =
            format!("SELECT {SILENCE_COLUMNS} FROM silences WHERE until_at > $1 ORDER BY until_at, number");
        self.db.query(&sql, &[self.now().into()])?.iter().map(read_silence).collect()
    }

    /// Makes a silence and gives its number.
    pub fn silence_add(
        &self,
        rule: &str,
        subject: &str,
        reason: &str,
        by: &str,
        until: Timestamp,
    ) -> Result<i64> {
        let sql = "INSERT INTO silences (rule, subject, reason, made_by, made_at, until_at) VALUES ($1, $2, $3, $4, $5, $6) \
                   RETURNING number";
        let params =
            vec![rule.into(), subject.into(), reason.into(), by.into(), self.now().into(), until.into()];
        let outcome = self.db.batch(vec![Statement::new(sql, params)])?;
        first_number(&outcome.returned)
    }

    /// Ends a silence at once. Error: `silence_unknown`.
    pub fn silence_end(&self, number: i64) -> Result<()> {
        let sql = "UPDATE silences SET until_at = $2 WHERE number = $1 AND until_at > $2";
        let change = Statement::new(sql, vec![number.into(), self.now().into()]).expecting(1);
        self.db.batch(vec![change]).map(|_| ()).map_err(|error| match error.code {
            "store_conflict" => {
                let what = format!("no silence {number} holds; see `ibid alerts list`");
                Error::not_found("silence_unknown", what)
            }
            _ => error,
        })
    }
}

/// The number that the first statement of a batch gave back.
pub(crate) fn first_number(returned: &[Vec<Row>]) -> Result<i64> {
    returned.iter().flatten().next().map_or_else(
        || Err(Error::internal("store_returned", "the database gave no number for a new row")),
        |row| row.get(0),
    )
}

fn read_alert(row: &Row) -> Result<AlertRow> {
    Ok(AlertRow {
        number: row.get(0)?,
        rule: row.get(1)?,
        subject: row.get(2)?,
        severity: row.get(3)?,
        summary: row.get(4)?,
        runbook: row.get(5)?,
        value: row.get(6)?,
        began_at: row.get(7)?,
        fired_at: row.get(8)?,
        resolved_at: row.get(9)?,
        acknowledged_at: row.get(10)?,
        acknowledged_by: row.get(11)?,
        told: json(&row.get::<String>(12)?)?,
        incident: row.get(13)?,
    })
}

fn read_silence(row: &Row) -> Result<SilenceRow> {
    Ok(SilenceRow {
        number: row.get(0)?,
        rule: row.get(1)?,
        subject: row.get(2)?,
        reason: row.get(3)?,
        made_by: row.get(4)?,
        made_at: row.get(5)?,
        until: row.get(6)?,
    })
}
