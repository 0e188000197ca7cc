//! Who may do what: permissions, the roles that hold them, and the places that they are held for.
//!
//! Keeps true: nobody has a permission that no grant names; a grant for one workspace says nothing of another, nor of the
//! server; only a grant everywhere does.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Error, GroupId, KeyId, Result, UserId, WorkspaceId};

/// What can be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// To know that a workspace is there, and how much is in it. Every role has it.
    Enter,
    /// Documents and what is found in them.
    Read,
    /// Questions, threads and runs of the flows that are there.
    Converse,
    /// Taking documents in, changing and deleting them.
    Edit,
    /// Flows: saving, deleting, running one that is not there yet.
    Build,
    /// Metrics, alerts, incidents, backups, findings: looking at them.
    See,
    /// The same: acting on them. Restoring, rebuilding.
    Operate,
    /// The audit log.
    Audit,
    /// Workspaces, users, groups, keys and grants below an owner's.
    Administer,
    /// Grants of owners, the end of all sessions, keys that sign.
    Own,
}

/// Permissions that go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Owner,
    Admin,
    Editor,
    Reader,
    Operator,
    Auditor,
}

impl Permission {
    pub const ALL: [Self; 10] = [
        Self::Enter,
        Self::Read,
        Self::Converse,
        Self::Edit,
        Self::Build,
        Self::See,
        Self::Operate,
        Self::Audit,
        Self::Administer,
        Self::Own,
    ];

    /// What somebody does with it: "may not ...".
    #[must_use]
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Enter => "enter",
            Self::Read => "read documents",
            Self::Converse => "ask questions",
            Self::Edit => "change documents",
            Self::Build => "change flows",
            Self::See => "look at operations",
            Self::Operate => "operate",
            Self::Audit => "read the audit log",
            Self::Administer => "administer",
            Self::Own => "act as an owner",
        }
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enter => "enter",
            Self::Read => "read",
            Self::Converse => "converse",
            Self::Edit => "edit",
            Self::Build => "build",
            Self::See => "see",
            Self::Operate => "operate",
            Self::Audit => "audit",
            Self::Administer => "administer",
            Self::Own => "own",
        }
    }
}

impl Role {
    pub const ALL: [Self; 6] =
        [Self::Owner, Self::Admin, Self::Editor, Self::Reader, Self::Operator, Self::Auditor];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Editor => "editor",
            Self::Reader => "reader",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
        }
    }

    #[must_use]
    pub const fn permissions(self) -> &'static [Permission] {
        use Permission::{Administer, Audit, Build, Converse, Edit, Enter, Operate, Read, See};
        match self {
            Self::Owner => &Permission::ALL,
            Self::Admin => &[Enter, Read, Converse, Edit, Build, See, Operate, Audit, Administer],
            Self::Editor => &[Enter, Read, Converse, Edit],
            Self::Reader => &[Enter, Read, Converse],
            Self::Operator => &[Enter, See, Operate],
            Self::Auditor => &[Enter, See, Audit],
        }
    }

    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        self.permissions().contains(&permission)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|role| role.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::bad_request("role_unknown", format!("there is no role '{text}'; use {names}"))
        })
    }
}

/// Whom a grant is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Holder {
    User(UserId),
    Group(GroupId),
    Key(KeyId),
}

impl Holder {
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Group(_) => "group",
            Self::Key(_) => "key",
        }
    }

    /// From its kind and the bytes of its id. Error: `id_malformed`.
    pub fn read(kind: &str, id: [u8; 16]) -> Result<Self> {
        match kind {
            "user" => Ok(Self::User(UserId::from_bytes(id))),
            "group" => Ok(Self::Group(GroupId::from_bytes(id))),
            "key" => Ok(Self::Key(KeyId::from_bytes(id))),
            _ => Err(Error::internal("store_failed", format!("a grant is held by a '{kind}'"))),
        }
    }

    #[must_use]
    pub const fn id_bytes(&self) -> &[u8; 16] {
        match self {
            Self::User(id) => id.as_bytes(),
            Self::Group(id) => id.as_bytes(),
            Self::Key(id) => id.as_bytes(),
        }
    }
}

/// `user:ID`, `group:ID` or `key:ID`.
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Group(id) => write!(f, "group:{id}"),
            Self::Key(id) => write!(f, "key:{id}"),
        }
    }
}

impl Serialize for Holder {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Holder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error: Error| D::Error::custom(error.message))
    }
}

impl FromStr for Holder {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once(':') {
            Some(("user", id)) => id.parse().map(Self::User),
            Some(("group", id)) => id.parse().map(Self::Group),
            Some(("key", id)) => id.parse().map(Self::Key),
            _ => {
                let what = format!("'{text}' names nobody; use user:ID, group:ID or key:ID");
                Err(Error::bad_request("holder_malformed", what))
            }
        }
    }
}

/// A role in one workspace, or everywhere and over the server itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Granted {
    pub role: Role,
    /// None: everywhere.
    pub workspace: Option<WorkspaceId>,
}

/// On whose behalf documents are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reader {
    /// Who reads nothing.
    #[default]
    Nobody,
    /// This machine's own: the command line in the data directory, rehearsals, measurements.
    Machine,
    Holder(Holder),
    /// With no more than this of the holder's rights: by a token.
    Part(Holder, Granted),
}

/// What separates a part of somebody's rights from whose they are, in an owner as it is stored.
pub const PART_MARK: char = ' ';
/// Stands for every workspace there.
const EVERYWHERE: &str = "*";

impl Reader {
    /// Whoever began a run or a conversation, as it is stored; where no owner is, it was this machine.
    #[must_use]
    pub fn of_owner(owner: Option<&str>) -> Self {
        let Some(owner) = owner else { return Self::Machine };
        let Some((holder, part)) = owner.split_once(PART_MARK) else {
            return owner.parse().map_or(Self::Nobody, Self::Holder);
        };
        let part = part.split_once(PART_MARK).map(|(role, place)| (role.parse(), place));
        let (Ok(holder), Some((Ok(role), place))) = (holder.parse(), part) else { return Self::Nobody };
        match (place, place.parse()) {
            (EVERYWHERE, _) => Self::Part(holder, Granted { role, workspace: None }),
            (_, Ok(workspace)) => Self::Part(holder, Granted { role, workspace: Some(workspace) }),
            (_, Err(_)) => Self::Nobody,
        }
    }

    /// What `of_owner` reads.
    #[must_use]
    pub fn owner(self) -> Option<String> {
        let Self::Part(holder, Granted { role, workspace }) = self else {
            return self.holder().map(|holder| holder.to_string());
        };
        let place = workspace.map_or_else(|| EVERYWHERE.to_owned(), |workspace| workspace.to_string());
        Some(format!("{holder}{PART_MARK}{role}{PART_MARK}{place}"))
    }

    /// Whose rights they are.
    #[must_use]
    pub const fn holder(self) -> Option<Holder> {
        match self {
            Self::Holder(holder) | Self::Part(holder, _) => Some(holder),
            Self::Nobody | Self::Machine => None,
        }
    }
}

/// Which documents of a workspace somebody may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readable {
    All,
    /// Those that everybody there may read, and those whose access list names one of these.
    Open(Vec<Holder>),
    Nothing,
}

impl Readable {
    /// Whether a document with this access list is among them; an empty one is open to everybody.
    #[must_use]
    pub fn holds(&self, readers: &[Holder]) -> bool {
        match self {
            Self::All => true,
            Self::Open(holders) => readers.is_empty() || readers.iter().any(|one| holders.contains(one)),
            Self::Nothing => false,
        }
    }
}

/// All that was granted to somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    pub granted: Vec<Granted>,
    /// No more than this of it, where somebody gave a part of their rights away.
    pub within: Option<Granted>,
}

impl Rights {
    /// Those of an owner.
    #[must_use]
    pub fn all() -> Self {
        Self { granted: vec![Granted { role: Role::Owner, workspace: None }], within: None }
    }

    #[must_use]
    pub fn may_in(&self, workspace: WorkspaceId, permission: Permission) -> bool {
        self.any(permission, |place| place.is_none_or(|place| place == workspace))
    }

    /// Over the server itself and in every workspace.
    #[must_use]
    pub fn may_everywhere(&self, permission: Permission) -> bool {
        self.any(permission, |place| place.is_none())
    }

    #[must_use]
    pub fn may_somewhere(&self, permission: Permission) -> bool {
        self.any(permission, |_| true)
    }

    fn any(&self, permission: Permission, is_place: impl Fn(Option<WorkspaceId>) -> bool) -> bool {
        let has =
            |granted: &Granted, place: Option<WorkspaceId>| granted.role.may(permission) && is_place(place);
        self.granted.iter().any(|granted| match &self.within {
            None => has(granted, granted.workspace),
            Some(within) => {
                let place = meet(granted.workspace, within.workspace);
                place.is_some_and(|place| has(granted, place) && has(within, place))
            }
        })
    }
}

/// Where two grants both hold, if anywhere.
fn meet(one: Option<WorkspaceId>, other: Option<WorkspaceId>) -> Option<Option<WorkspaceId>> {
    match (one, other) {
        (None, place) | (place, None) => Some(place),
        (Some(one), Some(other)) => (one == other).then_some(Some(one)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_may_all_and_every_role_may_enter() {
        assert!(Permission::ALL.into_iter().all(|permission| Role::Owner.may(permission)));
        assert!(Role::ALL.into_iter().all(|role| role.may(Permission::Enter)));
        assert!(!Role::Admin.may(Permission::Own));
    }

    #[test]
    fn who_runs_the_server_need_not_read_its_documents() {
        for role in [Role::Operator, Role::Auditor] {
            assert!(!role.may(Permission::Read) && !role.may(Permission::Converse), "{role}");
        }
    }

    #[test]
    fn a_grant_holds_in_its_place_only() {
        let (here, there) = (WorkspaceId::new(), WorkspaceId::new());
        let rights =
            Rights { granted: vec![Granted { role: Role::Admin, workspace: Some(here) }], within: None };
        assert!(rights.may_in(here, Permission::Edit) && !rights.may_in(there, Permission::Edit));
        assert!(!rights.may_everywhere(Permission::See) && rights.may_somewhere(Permission::See));
        assert!(Rights::all().may_in(there, Permission::Own));
        assert!(!Rights::default().may_somewhere(Permission::Enter));
    }

    #[test]
    fn a_part_of_rights_is_no_more_than_both() {
        let (here, there) = (WorkspaceId::new(), WorkspaceId::new());
        let part =
            |granted: Granted, within: Granted| Rights { granted: vec![granted], within: Some(within) };
        let reads_here = part(
            Granted { role: Role::Owner, workspace: None },
            Granted { role: Role::Reader, workspace: Some(here) },
        );
        assert!(reads_here.may_in(here, Permission::Read) && !reads_here.may_in(here, Permission::Edit));
        assert!(!reads_here.may_in(there, Permission::Read) && !reads_here.may_everywhere(Permission::Read));
        let (reader, admin) = (
            Granted { role: Role::Reader, workspace: Some(there) },
            Granted { role: Role::Admin, workspace: None },
        );
        assert!(part(reader, admin).may_in(there, Permission::Read));
        assert!(!part(reader, admin).may_somewhere(Permission::Edit));
        let apart = part(reader, Granted { role: Role::Reader, workspace: Some(here) });
        assert!(!apart.may_somewhere(Permission::Read));
    }

    #[test]
    fn a_document_is_read_by_whom_its_list_names() {
        let (ada, office) = (Holder::User(UserId::new()), Holder::Group(GroupId::new()));
        let open = Readable::Open(vec![ada, office]);
        assert!(open.holds(&[]) && open.holds(&[office]) && !open.holds(&[Holder::User(UserId::new())]));
        assert!(Readable::All.holds(&[ada]) && !Readable::Nothing.holds(&[]));
    }

    #[test]
    fn owners_are_read_back() {
        let key = Holder::Key(KeyId::new());
        let part = |workspace| Reader::Part(key, Granted { role: Role::Reader, workspace });
        for reader in [Reader::Holder(key), part(None), part(Some(WorkspaceId::new()))] {
            assert_eq!(Reader::of_owner(reader.owner().as_deref()), reader);
        }
        for wrong in
            ["", "somebody", "key:1", &format!("{key} "), &format!("{key} reader"), &format!("{key} chief *")]
        {
            assert_eq!(Reader::of_owner(Some(wrong)), Reader::Nobody, "{wrong}");
        }
        assert_eq!((Reader::of_owner(None), Reader::Machine.owner()), (Reader::Machine, None));
    }

    #[test]
    fn names_are_read_back() {
        for role in Role::ALL {
            assert_eq!(role.name().parse::<Role>().unwrap(), role);
        }
        let holder = Holder::User(UserId::new());
        assert_eq!(holder.to_string().parse::<Holder>().unwrap(), holder);
        assert_eq!(Holder::read(holder.kind(), *holder.id_bytes()).unwrap(), holder);
        assert!("chief".parse::<Role>().is_err() && "user:x".parse::<Holder>().is_err());
    }
}
