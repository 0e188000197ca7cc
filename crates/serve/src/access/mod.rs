//! Who may do what: the one place that decides it.
//!
//! Keeps true: `matrix` says what each endpoint needs and `guard` lets nobody in without it; an endpoint gets at a workspace
//! through its `Caller` only, and at a run, a thread or a turn only within the workspace that the request names. What is of
//! another workspace is unknown, as if it were not there.

mod caller;
mod cookie;
mod guard;
pub mod matrix;

use ibid_store::{RunRow, ThreadRow, TurnRow, Workspace};
use ibid_types::{Error, Result, RunId, ThreadId, TurnId};

pub use caller::{Caller, Who};
pub use cookie::{none as no_cookie, session as session_cookie};
pub use guard::guard;

/// Something with the workspace that it was found in.
#[derive(Debug)]
pub struct Within<T> {
    pub workspace: Workspace,
    pub it: T,
}

impl Caller {
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
