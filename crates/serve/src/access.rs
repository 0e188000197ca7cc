//! The one place that decides whether a request may see a run, a thread or a turn: it must be of the workspace that the
//! request names. What is of another workspace is unknown, as if it were not there.

use ibid_store::{RunRow, ThreadRow, TurnRow, Workspace};
use ibid_types::{Error, Result, RunId, ThreadId, TurnId};

use crate::App;

/// Something with the workspace that it was found in.
#[derive(Debug)]
pub struct Within<T> {
    pub workspace: Workspace,
    pub it: T,
}

impl App {
    /// Error: `run_unknown`.
    pub fn run_in(&self, workspace: Option<&str>, id: &str) -> Result<Within<RunRow>> {
        let workspace = self.workspace(workspace)?;
        let id: RunId = id.parse()?;
        let found = self.store.run_find(id)?.filter(|run| run.workspace == workspace.id);
        let unknown = || unknown("run_unknown", "run", &id.to_string(), &workspace);
        Ok(Within { it: found.ok_or_else(unknown)?, workspace })
    }

    /// Error: `thread_unknown`.
    pub fn thread_in(&self, workspace: Option<&str>, id: &str) -> Result<Within<ThreadRow>> {
        let workspace = self.workspace(workspace)?;
        let id: ThreadId = id.parse()?;
        let found = self.store.thread_find(workspace.id, id)?;
        let unknown = || unknown("thread_unknown", "thread", &id.to_string(), &workspace);
        Ok(Within { it: found.ok_or_else(unknown)?, workspace })
    }

    /// Error: `turn_unknown`.
    pub fn turn_in(&self, workspace: Option<&str>, id: &str) -> Result<Within<TurnRow>> {
        let workspace = self.workspace(workspace)?;
        let id: TurnId = id.parse()?;
        let unknown = || unknown("turn_unknown", "turn", &id.to_string(), &workspace);
        let turn = self.store.turn_find(id)?.ok_or_else(unknown)?;
        let _its_thread = self.store.thread_find(workspace.id, turn.thread)?.ok_or_else(unknown)?;
        Ok(Within { it: turn, workspace })
    }
}

fn unknown(code: &'static str, what: &str, id: &str, workspace: &Workspace) -> Error {
    Error::not_found(code, format!("there is no {what} {id} in workspace '{}'", workspace.name))
}
