//! Who may read which documents: access lists, and whose they are.
//!
//! Keeps true: a list that is empty opens a document to everybody who reads in its workspace; administrators of the workspace
//! read all, for they decide about the lists.

use ibid_types::access::{Holder, Permission, Readable, Reader, Rights};
use ibid_types::{Result, WorkspaceId};

use crate::{Store, Value};

/// Between two holders of a stored list.
const BETWEEN: char = '\n';

impl Store {
    /// Which documents of the workspace are there for somebody, now.
    pub fn readable(&self, workspace: WorkspaceId, reader: Reader) -> Result<Readable> {
        let (holder, within) = match reader {
            Reader::Nobody => return Ok(Readable::Nothing),
            Reader::Machine => return Ok(Readable::All),
            Reader::Holder(holder) => (holder, None),
            Reader::Part(holder, within) => (holder, Some(within)),
        };
        let rights = Rights { within, ..self.rights_of(holder)? };
        if rights.may_in(workspace, Permission::Administer) {
            return Ok(Readable::All);
        }
        if !rights.may_in(workspace, Permission::Read) {
            return Ok(Readable::Nothing);
        }
        Ok(Readable::Open(self.holders_with(holder)?))
    }

    /// The holder, and the groups that a user is in.
    fn holders_with(&self, holder: Holder) -> Result<Vec<Holder>> {
        let mut holders = vec![holder];
        if let Holder::User(user) = holder {
            let sql = "SELECT group_id FROM group_members WHERE user_id = $1";
            for row in self.db.query(sql, &[user.into()])? {
                holders.push(Holder::Group(row.get(0)?));
            }
        }
        Ok(holders)
    }
}

/// The list as it is stored; none where it is empty.
pub fn written(readers: &[Holder]) -> Option<String> {
    let texts: Vec<String> = readers.iter().map(Holder::to_string).collect();
    (!texts.is_empty()).then(|| texts.join(&BETWEEN.to_string()))
}

/// What `written` wrote. Error: `holder_malformed`.
pub fn read(stored: Option<&str>) -> Result<Vec<Holder>> {
    stored.unwrap_or_default().split(BETWEEN).filter(|text| !text.is_empty()).map(str::parse).collect()
}

/// The condition on a column of lists that its document is readable.
pub fn condition(readable: &Readable, column: &str, params: &mut Vec<Value>) -> String {
    let Readable::Open(holders) = readable else {
        return if *readable == Readable::All { "1 = 1" } else { "1 = 0" }.to_owned();
    };
    let mut any = format!("({column} IS NULL");
    for holder in holders {
        params.push(format!("%{BETWEEN}{holder}{BETWEEN}%").into());
        any.push_str(&format!(" OR '{BETWEEN}' || {column} || '{BETWEEN}' LIKE ${}", params.len()));
    }
    any.push(')');
    any
}

#[cfg(test)]
mod tests {
    use ibid_types::{GroupId, UserId};

    use super::*;

    #[test]
    fn a_list_is_read_back() {
        let list = vec![Holder::User(UserId::new()), Holder::Group(GroupId::new())];
        assert_eq!(read(written(&list).as_deref()).unwrap(), list);
        assert_eq!((written(&[]), read(None).unwrap()), (None, Vec::new()));
        assert!(read(Some("nobody")).is_err());
    }
}
