//! What people say of a run: one word each, the last one counts.

use ibid_types::{Error, Result, RunId, Timestamp, WorkspaceId};

use crate::sealing::{SealedColumn, Sealer};
use crate::{Row, Statement, Store, Value};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedbackRow {
    pub run: RunId,
    /// 1 (good), 0 (neither) or -1 (bad).
    pub rating: i64,
    pub reason: Option<String>,
    /// What the answer should have been.
    pub correction: Option<String>,
    pub at: Timestamp,
}

const COLUMNS: &str = "run_id, rating, reason, correction, at";

impl Store {
    /// Keeps what was said of a run of the workspace, in place of what was said before.
    pub fn feedback_save(
        &self,
        workspace: WorkspaceId,
        run: RunId,
        rating: i8,
        reason: Option<&str>,
        correction: Option<&str>,
    ) -> Result<()> {
        if !(-1..=1).contains(&rating) {
            return Err(Error::bad_request("value_out_of_range", "a rating is -1, 0 or 1"));
        }
        let sql = "INSERT INTO feedback (run_id, workspace_id, rating, reason, correction, at) \
                   SELECT id, workspace_id, $3, $4, $5, $6 FROM runs WHERE id = $1 AND workspace_id = $2 \
                   ON CONFLICT (run_id) DO UPDATE SET rating = excluded.rating, reason = excluded.reason, \
                   correction = excluded.correction, at = excluded.at";
        let text = |column: SealedColumn, text: Option<&str>| -> Result<Value> {
            Ok(text.map(|text| column.seal(self.sealer(), run.as_bytes(), text)).transpose()?.into())
        };
        let params = vec![
            run.into(),
            workspace.into(),
            i64::from(rating).into(),
            text(SealedColumn::Reason, reason)?,
            text(SealedColumn::Correction, correction)?,
            self.now().into(),
        ];
        self.db.batch(vec![Statement::new(sql, params).expecting(1)]).map(|_| ()).map_err(|error| match error
            .code
        {
            "store_conflict" => Error::not_found("run_unknown", format!("there is no run {run}")),
            _ => error,
        })
    }

    pub fn feedback_find(&self, run: RunId) -> Result<Option<FeedbackRow>> {
        let sql = format!("SELECT {COLUMNS} FROM feedback WHERE run_id = $1");
        self.db.query(&sql, &[run.into()])?.first().map(|row| read(row, self.sealer())).transpose()
    }

    /// Up to `limit` entries before a time, newest first.
    pub fn feedback_list(
        &self,
        workspace: WorkspaceId,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<FeedbackRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM feedback WHERE workspace_id = $1 AND at < $2 ORDER BY at DESC, run_id LIMIT $3"
        );
        let params = [workspace.into(), before.into(), limit.into()];
        self.db.query(&sql, &params)?.iter().map(|row| read(row, self.sealer())).collect()
    }
}

fn read(row: &Row, sealer: &dyn Sealer) -> Result<FeedbackRow> {
    let run: RunId = row.get(0)?;
    let opened = |column: SealedColumn, at: usize| {
        let text = row.get::<Option<String>>(at)?;
        text.map(|text| column.open(sealer, run.as_bytes(), &text)).transpose()
    };
    Ok(FeedbackRow {
        run,
        rating: row.get(1)?,
        reason: opened(SealedColumn::Reason, 2)?,
        correction: opened(SealedColumn::Correction, 3)?,
        at: row.get(4)?,
    })
}
