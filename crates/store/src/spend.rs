//! What chat models cost: sums by day, workspace, owner and model.
//!
//! Keeps true: sums only grow, whoever adds to them and in whatever order; money is whole billionths of a US dollar.

use std::ops::AddAssign;

use ibid_types::{Day, Result, WorkspaceId};

use crate::{Row, Statement, Store, Value};

/// What one sum is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SpendKey {
    pub day: Day,
    pub workspace: WorkspaceId,
    /// As of runs: `user:ID` or `key:ID`; empty for this machine.
    pub owner: String,
    /// The model that answered, by the name that configuration gives it.
    pub model: String,
}

/// Calls, and what they used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spend {
    pub calls: u64,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// Billionths of a US dollar.
    pub nano_usd: u64,
}

impl AddAssign for Spend {
    fn add_assign(&mut self, other: Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.prompt_tokens = self.prompt_tokens.saturating_add(other.prompt_tokens);
        self.completion_tokens = self.completion_tokens.saturating_add(other.completion_tokens);
        self.nano_usd = self.nano_usd.saturating_add(other.nano_usd);
    }
}

/// What sums are listed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpendBy {
    Day,
    Workspace,
    Owner,
    Model,
}

/// What a listed sum is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpendOf {
    Day(Day),
    Workspace(WorkspaceId),
    Owner(String),
    Model(String),
}

impl SpendBy {
    const fn column(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Workspace => "workspace_id",
            Self::Owner => "owner",
            Self::Model => "model",
        }
    }

    fn read(self, row: &Row) -> Result<SpendOf> {
        Ok(match self {
            Self::Day => SpendOf::Day(Day(row.get(0)?)),
            Self::Workspace => SpendOf::Workspace(row.get(0)?),
            Self::Owner => SpendOf::Owner(row.get(0)?),
            Self::Model => SpendOf::Model(row.get(0)?),
        })
    }
}

/// Adds to a sum; for the batch of whatever was bought.
#[must_use]
pub fn spend_add(key: &SpendKey, spend: Spend) -> Statement {
    let sql = "INSERT INTO spend (day, workspace_id, owner, model, calls, prompt_tokens, completion_tokens, nano_usd) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
               ON CONFLICT (day, workspace_id, owner, model) DO UPDATE SET calls = spend.calls + excluded.calls, \
               prompt_tokens = spend.prompt_tokens + excluded.prompt_tokens, \
               completion_tokens = spend.completion_tokens + excluded.completion_tokens, \
               nano_usd = spend.nano_usd + excluded.nano_usd";
    let params = vec![
        key.day.0.into(),
        key.workspace.into(),
        key.owner.as_str().into(),
        key.model.as_str().into(),
        whole(spend.calls),
        whole(spend.prompt_tokens),
        whole(spend.completion_tokens),
        whole(spend.nano_usd),
    ];
    Statement::new(sql, params)
}

impl Store {
    /// Writes sums at once, in one batch.
    pub fn spend_note<'a>(&self, sums: impl IntoIterator<Item = (&'a SpendKey, &'a Spend)>) -> Result<()> {
        let statements: Vec<_> = sums.into_iter().map(|(key, spend)| spend_add(key, *spend)).collect();
        if statements.is_empty() { Ok(()) } else { self.db.batch(statements).map(drop) }
    }

    /// Sums of the days from one to before another: days in their order, else the dearest first.
    pub fn spend_by(&self, by: SpendBy, from: Day, to: Day) -> Result<Vec<(SpendOf, Spend)>> {
        let column = by.column();
        let order = if by == SpendBy::Day { "day" } else { "SUM(nano_usd) DESC, SUM(calls) DESC" };
        let sql = format!(
            "SELECT {column}, CAST(SUM(calls) AS BIGINT), CAST(SUM(prompt_tokens) AS BIGINT), \
             CAST(SUM(completion_tokens) AS BIGINT), CAST(SUM(nano_usd) AS BIGINT) \
             FROM spend WHERE day >= $1 AND day < $2 GROUP BY {column} ORDER BY {order}, {column}"
        );
        let rows = self.db.query(&sql, &[from.0.into(), to.0.into()])?;
        rows.iter().map(|row| Ok((by.read(row)?, read_spend(row, 1)?))).collect()
    }

    /// Who spent how much since a day, in billionths of a US dollar: workspace, owner, sum.
    pub fn spend_by_payer(&self, from: Day) -> Result<Vec<(WorkspaceId, String, u64)>> {
        let sql = "SELECT workspace_id, owner, CAST(SUM(nano_usd) AS BIGINT) FROM spend WHERE day >= $1 \
                   GROUP BY workspace_id, owner ORDER BY workspace_id, owner";
        let rows = self.db.query(sql, &[from.0.into()])?;
        rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).collect()
    }
}

fn read_spend(row: &Row, first: usize) -> Result<Spend> {
    Ok(Spend {
        calls: row.get(first)?,
        prompt_tokens: row.get(first + 1)?,
        completion_tokens: row.get(first + 2)?,
        nano_usd: row.get(first + 3)?,
    })
}

/// What no column can hold is the most that it can.
fn whole(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}
