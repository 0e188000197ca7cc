//! People with an account, and the groups that they are in.
//!
//! Keeps true: names are unique among those who are there, in lower case; a password is stored as its salted hash only.

use ibid_types::{Error, GroupId, Result, Timestamp, UserId};

use crate::statements::no_rows_is;
use crate::{Row, Statement, Store, Value};

const COLUMNS: &str = "id, name, password, failures, locked_until, created_at, signed_in_at, disabled_at, totp IS NOT NULL, \
     EXISTS (SELECT 1 FROM passkeys p WHERE p.user_id = users.id)";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    /// As it is signed in with.
    pub name: String,
    /// In the PHC format; none where they sign in otherwise only.
    pub password: Option<String>,
    /// Since the last right sign-in.
    pub failures: u32,
    /// No sign-in before this.
    pub locked_until: Option<Timestamp>,
    pub created_at: Timestamp,
    pub signed_in_at: Option<Timestamp>,
    pub disabled_at: Option<Timestamp>,
    /// An authenticator app.
    pub has_app: bool,
    pub has_passkey: bool,
}

impl User {
    /// Whether the password alone does not let them in.
    #[must_use]
    pub const fn has_second_factor(&self) -> bool {
        self.has_app || self.has_passkey
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub id: GroupId,
    pub name: String,
    pub members: Vec<UserId>,
}

impl Store {
    /// Error: `user_exists`.
    pub fn user_create(&self, name: &str, password: Option<&str>) -> Result<User> {
        let id = UserId::new();
        let sql = "INSERT INTO users (id, name, password, created_at) SELECT $1, $2, $3, $4 \
                   WHERE NOT EXISTS (SELECT 1 FROM users WHERE name = $2 AND deleted_at IS NULL)";
        let params = vec![id.into(), name.into(), password.map(str::to_owned).into(), self.now().into()];
        let taken = || Error::conflict("user_exists", format!("there is a user '{name}' already"));
        self.db.batch(vec![Statement::new(sql, params).expecting(1)]).map_err(no_rows_is(taken))?;
        self.user_find(id)?.ok_or_else(|| Error::internal("store_failed", "the user was not made"))
    }

    pub fn user_find(&self, id: UserId) -> Result<Option<User>> {
        self.user_where("id = $1", id.into())
    }

    pub fn user_named(&self, name: &str) -> Result<Option<User>> {
        self.user_where("name = $1", name.into())
    }

    fn user_where(&self, filter: &str, param: Value) -> Result<Option<User>> {
        let sql = format!("SELECT {COLUMNS} FROM users WHERE {filter} AND deleted_at IS NULL");
        self.db.query(&sql, &[param])?.first().map(read_user).transpose()
    }

    pub fn user_list(&self) -> Result<Vec<User>> {
        let sql = format!("SELECT {COLUMNS} FROM users WHERE deleted_at IS NULL ORDER BY name");
        self.db.query(&sql, &[])?.iter().map(read_user).collect()
    }

    /// Those who can sign in.
    pub fn user_count(&self) -> Result<u64> {
        let sql = "SELECT COUNT(*) FROM users WHERE deleted_at IS NULL AND disabled_at IS NULL";
        self.db.query(sql, &[])?.first().map_or(Ok(0), |row| row.get(0))
    }

    /// Another password; whoever is signed in with the former one is no more.
    pub fn user_password(&self, id: UserId, password: &str) -> Result<()> {
        let sql = "UPDATE users SET password = $2, failures = 0, locked_until = NULL WHERE id = $1 AND deleted_at IS NULL";
        let change = Statement::new(sql, vec![id.into(), password.into()]).expecting(1);
        let end = Statement::new(END_SESSIONS, vec![id.into(), self.now().into()]);
        self.db.batch(vec![change, end]).map(drop).map_err(no_rows_is(|| user_unknown(id)))
    }

    /// The same password, hashed as it is done today.
    pub fn user_rehash(&self, id: UserId, password: &str) -> Result<()> {
        let sql = "UPDATE users SET password = $2 WHERE id = $1 AND deleted_at IS NULL";
        self.db.batch(vec![Statement::new(sql, vec![id.into(), password.into()])]).map(drop)
    }

    /// A sign-in that was right, or one that was not and after which the next may come at `locked_until`.
    pub fn user_tried(&self, id: UserId, is_right: bool, locked_until: Option<Timestamp>) -> Result<()> {
        let statement = if is_right {
            let sql = "UPDATE users SET failures = 0, locked_until = NULL, signed_in_at = $2 WHERE id = $1";
            Statement::new(sql, vec![id.into(), self.now().into()])
        } else {
            let sql = "UPDATE users SET failures = failures + 1, locked_until = $2 WHERE id = $1";
            Statement::new(sql, vec![id.into(), locked_until.into()])
        };
        self.db.batch(vec![statement]).map(drop)
    }

    /// Keeps somebody out, who is signed out at once, or lets them in again.
    pub fn user_disable(&self, id: UserId, is_out: bool) -> Result<()> {
        let now = self.now();
        let since = is_out.then_some(now);
        let sql = "UPDATE users SET disabled_at = $2 WHERE id = $1 AND deleted_at IS NULL";
        let mut batch = vec![Statement::new(sql, vec![id.into(), since.into()]).expecting(1)];
        if is_out {
            batch.push(Statement::new(END_SESSIONS, vec![id.into(), now.into()]));
        }
        self.db.batch(batch).map(drop).map_err(no_rows_is(|| user_unknown(id)))
    }

    /// Deletes somebody with all that was granted to them.
    pub fn user_delete(&self, id: UserId) -> Result<()> {
        let now = self.now();
        let sql = "UPDATE users SET deleted_at = $2, password = NULL, totp = NULL, recovery = '[]' \
                   WHERE id = $1 AND deleted_at IS NULL";
        self.db
            .batch(vec![
                Statement::new(sql, vec![id.into(), now.into()]).expecting(1),
                Statement::new(END_SESSIONS, vec![id.into(), now.into()]),
                Statement::new(
                    "DELETE FROM grants WHERE holder_kind = 'user' AND holder_id = $1",
                    vec![id.into()],
                ),
                Statement::new("DELETE FROM group_members WHERE user_id = $1", vec![id.into()]),
                Statement::new("DELETE FROM passkeys WHERE user_id = $1", vec![id.into()]),
                Statement::new("DELETE FROM identities WHERE user_id = $1", vec![id.into()]),
            ])
            .map(drop)
            .map_err(no_rows_is(|| user_unknown(id)))
    }

    /// Error: `group_exists`.
    pub fn group_create(&self, name: &str) -> Result<Group> {
        let id = GroupId::new();
        let sql = "INSERT INTO user_groups (id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING";
        let params = vec![id.into(), name.into(), self.now().into()];
        let taken = || Error::conflict("group_exists", format!("there is a group '{name}' already"));
        self.db.batch(vec![Statement::new(sql, params).expecting(1)]).map_err(no_rows_is(taken))?;
        Ok(Group { id, name: name.to_owned(), members: Vec::new() })
    }

    pub fn group_list(&self) -> Result<Vec<Group>> {
        let mut groups: Vec<Group> = Vec::new();
        for row in self.db.query("SELECT id, name FROM user_groups ORDER BY name", &[])? {
            groups.push(Group { id: row.get(0)?, name: row.get(1)?, members: Vec::new() });
        }
        for row in self.db.query("SELECT group_id, user_id FROM group_members ORDER BY user_id", &[])? {
            let id: GroupId = row.get(0)?;
            if let Some(group) = groups.iter_mut().find(|group| group.id == id) {
                group.members.push(row.get(1)?);
            }
        }
        Ok(groups)
    }

    pub fn group_delete(&self, id: GroupId) -> Result<()> {
        let unknown = || Error::not_found("group_unknown", format!("there is no group {id}"));
        self.db
            .batch(vec![
                Statement::new("DELETE FROM user_groups WHERE id = $1", vec![id.into()]).expecting(1),
                Statement::new("DELETE FROM group_members WHERE group_id = $1", vec![id.into()]),
                Statement::new(
                    "DELETE FROM grants WHERE holder_kind = 'group' AND holder_id = $1",
                    vec![id.into()],
                ),
            ])
            .map(drop)
            .map_err(no_rows_is(unknown))
    }

    /// Puts somebody into a group, or out of it; what is so already stays.
    pub fn group_member(&self, group: GroupId, user: UserId, is_in: bool) -> Result<()> {
        let params = vec![group.into(), user.into()];
        let statement = if is_in {
            let sql = "INSERT INTO group_members (group_id, user_id) SELECT g.id, u.id FROM user_groups g, users u \
                       WHERE g.id = $1 AND u.id = $2 AND u.deleted_at IS NULL ON CONFLICT DO NOTHING";
            Statement::new(sql, params)
        } else {
            Statement::new("DELETE FROM group_members WHERE group_id = $1 AND user_id = $2", params)
        };
        self.db.batch(vec![statement]).map(drop)
    }
}

/// Ends what somebody has open.
pub const END_SESSIONS: &str = "UPDATE sessions SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL";

pub fn user_unknown(id: UserId) -> Error {
    Error::not_found("user_unknown", format!("there is no user {id}"))
}

fn read_user(row: &Row) -> Result<User> {
    let (app, passkey): (i64, i64) = (row.get(8)?, row.get(9)?);
    Ok(User {
        id: row.get(0)?,
        name: row.get(1)?,
        password: row.get(2)?,
        failures: row.get(3)?,
        locked_until: row.get(4)?,
        created_at: row.get(5)?,
        signed_in_at: row.get(6)?,
        disabled_at: row.get(7)?,
        has_app: app != 0,
        has_passkey: passkey != 0,
    })
}
