//! Who may do what: the one place that decides it.
//!
//! Keeps true: `matrix` says what each endpoint needs and `guard` lets nobody in without it; an endpoint gets at a workspace
//! through its `Caller` only, and at a document, a run, a thread or a turn only within the workspace that the request names. What is of
//! another workspace is unknown, as if it were not there.

pub mod blocks;
mod caller;
mod cookie;
mod guard;
pub mod matrix;
mod pace;

use ibid_store::{RunRow, ThreadRow, TurnRow, Workspace};
use ibid_types::access::Readable;
use ibid_types::document::{Document, Version};
use ibid_types::{DocumentId, Error, Result, RunId, ThreadId, TurnId, WorkspaceId};

use crate::audit;
pub use blocks::turned_away;
pub use caller::{Caller, Counted, Who};
pub use cookie::{
    at_provider as sign_in_cookie, at_provider_in as sign_in_cookie_in, is_encrypted, none as no_cookie,
    session as session_cookie,
};
pub use guard::{guard, session_shown};
pub use pace::{Pace, networks};

/// Something with the workspace that it was found in.
#[derive(Debug)]
pub struct Within<T> {
    pub workspace: Workspace,
    pub it: T,
}

impl Caller {
    /// A document with the version that is shown with it. One that the caller may not read is unknown. Error: `document_unknown`.
    pub fn document_in(
        &self,
        workspace: Option<&str>,
        id: &str,
    ) -> Result<Within<(Document, Option<Version>)>> {
        let workspace = self.workspace(workspace)?;
        let id: DocumentId = id.parse()?;
        let readable = self.readable(workspace.id)?;
        let found = self.store.document_find(workspace.id, id)?;
        let found = found.filter(|(document, _)| self.may_know(&readable, document));
        let unknown = || unknown("document_unknown", "document", &id.to_string(), &workspace);
        Ok(Within { it: found.ok_or_else(unknown)?, workspace })
    }

    /// Whether a document that is there is for the caller; else the audit log knows that they asked.
    pub fn may_know(&self, readable: &Readable, document: &Document) -> bool {
        let may = readable.holds(&document.readers);
        if !may {
            audit::hidden(self.app(), self.who(), format!("document {}", document.id));
        }
        may
    }

    /// Error: `run_unknown`.
    pub fn run_in(&self, workspace: Option<&str>, id: &str) -> Result<Within<RunRow>> {
        let workspace = self.workspace(workspace)?;
        let id: RunId = id.parse()?;
        let found = self.store.run_find(id)?.filter(|run| run.workspace == workspace.id);
        let found = found.filter(|run| self.sees(&workspace, run.owner.as_deref(), run.thread.is_none()));
        let unknown = || unknown("run_unknown", "run", &id.to_string(), &workspace);
        Ok(Within { it: found.ok_or_else(unknown)?, workspace })
    }

    /// Error: `thread_unknown`.
    pub fn thread_in(&self, workspace: Option<&str>, id: &str) -> Result<Within<ThreadRow>> {
        let workspace = self.workspace(workspace)?;
        let id: ThreadId = id.parse()?;
        let found = self.store.thread_find(workspace.id, id)?;
        let found = found.filter(|thread| self.sees(&workspace, thread.owner.as_deref(), false));
        let unknown = || unknown("thread_unknown", "thread", &id.to_string(), &workspace);
        Ok(Within { it: found.ok_or_else(unknown)?, workspace })
    }

    /// Error: `turn_unknown`.
    pub fn turn_in(&self, workspace: Option<&str>, id: &str) -> Result<Within<TurnRow>> {
        let workspace = self.workspace(workspace)?;
        let id: TurnId = id.parse()?;
        let unknown = || unknown("turn_unknown", "turn", &id.to_string(), &workspace);
        let turn = self.store.turn_find(id)?.ok_or_else(unknown)?;
        let thread = self.store.thread_find(workspace.id, turn.thread)?.ok_or_else(unknown)?;
        if !self.sees(&workspace, thread.owner.as_deref(), false) {
            return Err(unknown());
        }
        Ok(Within { it: turn, workspace })
    }

    /// What somebody says is theirs; administrators see what is nobody's, and runs that are of no conversation.
    fn sees(&self, workspace: &Workspace, owner: Option<&str>, is_no_conversation: bool) -> bool {
        self.sees_in(workspace.id, owner, is_no_conversation)
    }

    /// The same by the workspace's id.
    pub fn sees_in(&self, workspace: WorkspaceId, owner: Option<&str>, is_no_conversation: bool) -> bool {
        self.seen_by(workspace).is_none_or(|seen_by| {
            owner.is_some_and(|owner| seen_by.has(owner))
                || seen_by.is_admin && (owner.is_none() || is_no_conversation)
        })
    }
}

fn unknown(code: &'static str, what: &str, id: &str, workspace: &Workspace) -> Error {
    Error::not_found(code, format!("there is no {what} {id} in workspace '{}'", workspace.name))
}
