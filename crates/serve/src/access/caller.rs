//! Who calls, and the only way for an endpoint to a workspace.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use ibid_store::{SeenBy, Workspace};
use ibid_types::access::{Holder, Permission, Readable, Reader, Rights};
use ibid_types::{Error, KeyId, Result, SessionId, UserId, WorkspaceId};

use super::matrix::Need;
use super::pace::{customer, too_fast};
use crate::App;
use crate::http::{Answered, Failure, blocking};
use crate::queue::{Place, Queue, Whose};

/// Somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Whoever can read the data directory.
    Machine,
    User {
        id: UserId,
        name: String,
        session: SessionId,
    },
    Key {
        id: KeyId,
        name: String,
    },
    /// An endpoint that needs nobody.
    Nobody,
}

impl Who {
    /// To whom grants are made, where there can be any.
    pub const fn holder(&self) -> Option<Holder> {
        match self {
            Self::User { id, .. } => Some(Holder::User(*id)),
            Self::Key { id, .. } => Some(Holder::Key(*id)),
            Self::Machine | Self::Nobody => None,
        }
    }
}

/// As the audit log names them.
impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machine => f.write_str("this machine"),
            Self::User { name, .. } => write!(f, "user {name}"),
            Self::Key { name, .. } => write!(f, "key {name}"),
            Self::Nobody => f.write_str("nobody"),
        }
    }
}

/// By whom places are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counted {
    Machine,
    Holder(Holder),
    /// Nobody known; by the network that they come from.
    Network(IpAddr),
}

/// Nobody but this machine has more than this part of the places that there are, so that a few callers do not keep all others out.
const SHARE: usize = 4;

impl Counted {
    /// So many of all places may be theirs.
    pub fn most_of(self, all: usize) -> usize {
        if self == Self::Machine { all } else { all.div_ceil(SHARE) }
    }
}

/// Somebody with their rights.
#[derive(Clone, Debug)]
pub struct Principal {
    pub who: Who,
    pub rights: Rights,
    /// It has no rights before it has a second factor.
    pub lacks_factor: bool,
    /// A key that did not come itself, but in a token of it.
    pub is_by_token: bool,
}

impl Principal {
    pub fn machine() -> Self {
        Self { who: Who::Machine, rights: Rights::all(), lacks_factor: false, is_by_token: false }
    }

    pub fn nobody() -> Self {
        Self { who: Who::Nobody, rights: Rights::default(), lacks_factor: false, is_by_token: false }
    }
}

/// The application as one request may use it.
#[derive(Clone, Debug)]
pub struct Caller {
    app: Arc<App>,
    principal: Arc<Principal>,
    need: Need,
    /// Set once the request is counted for its workspace.
    is_counted: Arc<AtomicBool>,
}

impl Caller {
    pub fn new(app: Arc<App>, principal: Arc<Principal>, need: Need) -> Self {
        Self { app, principal, need, is_counted: Arc::default() }
    }

    pub const fn app(&self) -> &Arc<App> {
        &self.app
    }

    pub fn who(&self) -> &Who {
        &self.principal.who
    }

    pub fn rights(&self) -> &Rights {
        &self.principal.rights
    }

    /// The workspace of that name, or the default one, if the caller may do there what the endpoint does. Errors:
    /// `workspace_unknown`, `not_allowed`, `rate_limited`.
    pub fn workspace(&self, name: Option<&str>) -> Result<Workspace> {
        self.let_in(name, self.app.workspace_named(name))
    }

    fn let_in(&self, name: Option<&str>, found: Result<Workspace>) -> Result<Workspace> {
        let may_know = |workspace: &Workspace| self.rights().may_in(workspace.id, Permission::Enter);
        match found {
            Ok(workspace) if may_know(&workspace) => {
                self.check_in(workspace.id, self.need.permission(), &workspace.name)?;
                self.count_for(workspace.id)?;
                Ok(workspace)
            }
            // Whether it is there is not told to whoever has no part in it.
            Ok(_) => Err(self.not_allowed_in(name)),
            Err(error) if self.rights().may_everywhere(Permission::Enter) => Err(error),
            Err(error) if error.code == "workspace_unknown" => Err(self.not_allowed_in(name)),
            Err(error) => Err(error),
        }
    }

    /// A place for work in a workspace, when it is the caller's turn. Errors: those of `workspace`, and `server_busy`.
    pub async fn place(&self, queue: &Arc<Queue>, workspace: Option<&str>) -> Answered<Place> {
        let workspace = match self.app.workspace_known(workspace) {
            // Whoever is refused a place then costs no thread.
            Some(known) => self.let_in(workspace, Ok(known))?,
            None => {
                let name = workspace.map(str::to_owned);
                blocking(self, move |app| app.workspace(name.as_deref())).await?
            }
        };
        Ok(queue.enter(self.of_workspace(Some(workspace.id))).await?)
    }

    /// A place for work that is for no workspace. Error: `server_busy`.
    pub async fn place_anywhere(&self, queue: &Arc<Queue>) -> Answered<Place> {
        Ok(queue.enter(self.of_workspace(None)).await?)
    }

    fn of_workspace(&self, workspace: Option<WorkspaceId>) -> Whose {
        Whose { workspace, holder: self.principal.who.holder() }
    }

    /// Whether the caller may do what the endpoint does in a workspace that something was found in.
    pub fn may_in(&self, workspace: WorkspaceId) -> bool {
        self.need.permission().is_none_or(|permission| self.rights().may_in(workspace, permission))
    }

    /// What the caller begins is theirs; nobody's, where it is the command line of this machine.
    pub fn owner(&self) -> Option<String> {
        self.reader().owner()
    }

    /// On whose behalf documents are read.
    pub fn reader(&self) -> Reader {
        match (self.who(), self.who().holder(), self.rights().within) {
            (Who::Machine, ..) => Reader::Machine,
            (_, None, _) => Reader::Nobody,
            (_, Some(holder), None) => Reader::Holder(holder),
            (_, Some(holder), Some(within)) => Reader::Part(holder, within),
        }
    }

    /// By whom places are counted; strangers by their address.
    pub fn counted(&self, address: Option<IpAddr>) -> Counted {
        match self.who().holder() {
            Some(holder) => Counted::Holder(holder),
            None if *self.who() == Who::Machine => Counted::Machine,
            None => Counted::Network(address.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), customer)),
        }
    }

    /// Whether the endpoint is how somebody comes in.
    pub fn is_attempt(&self) -> bool {
        self.need == Need::Attempt
    }

    /// Whether a token was shown, and not its key.
    pub fn is_by_token(&self) -> bool {
        self.principal.is_by_token
    }

    /// Which documents of a workspace are there for the caller.
    pub fn readable(&self, workspace: WorkspaceId) -> Result<Readable> {
        self.app.store.readable(workspace, self.reader())
    }

    /// Whose threads and runs of a workspace the caller sees; of all where none is told.
    pub fn seen_by(&self, workspace: WorkspaceId) -> Option<SeenBy> {
        let is_admin = self.rights().may_in(workspace, Permission::Administer);
        self.owner().map(|owner| SeenBy { owner, is_admin })
    }

    /// The account that asks, and its session. Error: `account_missing`.
    pub fn account(&self) -> Result<(UserId, SessionId)> {
        match self.who() {
            Who::User { id, session, .. } => Ok((*id, *session)),
            _ => Err(Error::forbidden(
                "account_missing",
                "keys and this machine have no account; sign in as a user",
            )),
        }
    }

    /// The same for another permission than the endpoint's own. Error: `not_allowed`.
    pub fn check_everywhere(&self, permission: Permission) -> Result<()> {
        if self.rights().may_everywhere(permission) {
            return Ok(());
        }
        Err(refused(&self.principal.who, permission, "on this server"))
    }

    /// Once for each request. This machine is not held up. Error: `rate_limited`.
    fn count_for(&self, workspace: WorkspaceId) -> Result<()> {
        if *self.who() == Who::Machine || self.is_counted.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        self.app.pace.of_workspace(workspace).map_err(too_fast)
    }

    /// The same in a workspace. Error: `not_allowed`.
    pub fn check_in(&self, workspace: WorkspaceId, permission: Option<Permission>, name: &str) -> Result<()> {
        match permission {
            Some(permission) if !self.rights().may_in(workspace, permission) => {
                Err(refused(&self.principal.who, permission, &format!("in workspace '{name}'")))
            }
            _ => Ok(()),
        }
    }

    fn not_allowed_in(&self, name: Option<&str>) -> Error {
        let name = name.unwrap_or(&self.app.config.data.workspace);
        let permission = self.need.permission().unwrap_or(Permission::Enter);
        refused(&self.principal.who, permission, &format!("in workspace '{name}'"))
    }
}

/// Error: `not_allowed`.
pub fn refused(who: &Who, permission: Permission, place: &str) -> Error {
    let what = format!(
        "{who} may not {} {place}; an administrator can grant a role that may (docs/access.md)",
        permission.verb()
    );
    Error::forbidden("not_allowed", what)
}

impl Deref for Caller {
    type Target = App;

    fn deref(&self) -> &App {
        &self.app
    }
}

/// What the guard has put into the request. Without it nobody passed the guard.
impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> std::result::Result<Self, Failure> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            Failure(Error::internal("guard_passed_by", "the request was not looked at by the guard"))
        })
    }
}
