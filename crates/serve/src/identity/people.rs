//! Users and what is granted to them.

use ibid_store::User;
use ibid_types::access::{Granted, Holder, Permission, Role};
use ibid_types::{Error, GroupId, KeyId, Result, Secret, Timestamp, UserId};

use super::sign_in::{canonical, checked_name};
use crate::access::Caller;

/// An account without a password, with the link that sets one. Errors: `name_malformed`, `user_exists`, `not_allowed`.
pub fn user_create(
    caller: &Caller,
    name: &str,
    granted: Option<Granted>,
) -> Result<(User, Secret, Timestamp)> {
    let name = checked_name(name)?;
    if let Some(granted) = granted {
        may_grant(caller, granted)?;
    }
    let user = caller.store.user_create(&name, None)?;
    if let Some(granted) = granted {
        caller.store.grant_set(Holder::User(user.id), granted)?;
    }
    let (secret, until) = caller.store.link_make(Some(user.id))?;
    Ok((user, secret, until))
}

/// A link for a user of that name, or for the first owner. Errors: `user_unknown`, `owner_exists`, `not_allowed`.
pub fn user_link(caller: &Caller, name: Option<&str>) -> Result<(Secret, Timestamp)> {
    let Some(name) = name else {
        caller.check_everywhere(Permission::Own)?;
        if caller.store.user_count()? > 0 {
            let what = "there are accounts already; name the one that the link is for";
            return Err(Error::conflict("owner_exists", what));
        }
        return caller.store.link_make(None);
    };
    let unknown = || Error::not_found("user_unknown", format!("there is no user '{name}'"));
    let user = caller.store.user_named(&canonical(name))?.ok_or_else(unknown)?;
    may_change(caller, Holder::User(user.id))?;
    caller.store.link_make(Some(user.id))
}

/// Errors: `user_unknown`, `owner_last`, `not_allowed`.
pub fn user_disable(caller: &Caller, id: UserId, is_out: bool) -> Result<()> {
    may_change(caller, Holder::User(id))?;
    if is_out {
        stays_owned(caller, Holder::User(id))?;
    }
    caller.store.user_disable(id, is_out)
}

/// The same.
pub fn user_delete(caller: &Caller, id: UserId) -> Result<()> {
    may_change(caller, Holder::User(id))?;
    stays_owned(caller, Holder::User(id))?;
    caller.store.user_delete(id)
}

/// Takes an account's second factors away, for somebody who has lost them. Errors: `user_unknown`, `not_allowed`.
pub fn factors_reset(caller: &Caller, id: UserId) -> Result<()> {
    may_change(caller, Holder::User(id))?;
    caller.store.factors_remove(id)
}

/// Errors: `not_allowed`, `owner_last`, `holder_unknown`.
pub fn grant(caller: &Caller, holder: Holder, granted: Granted) -> Result<()> {
    may_grant(caller, granted)?;
    is_there(caller, holder)?;
    if granted.workspace.is_none() && granted.role != Role::Owner {
        may_take(caller, holder)?;
    }
    caller.store.grant_set(holder, granted)
}

/// Errors: `grant_unknown`, `not_allowed`, `owner_last`.
pub fn grant_end(caller: &Caller, holder: Holder, workspace: Option<ibid_types::WorkspaceId>) -> Result<()> {
    if workspace.is_none() {
        may_take(caller, holder)?;
    }
    caller.store.grant_end(holder, workspace)
}

/// Puts somebody into a group, or out of it. Errors: `not_allowed`, `owner_last`.
pub fn member(caller: &Caller, group: GroupId, user: UserId, is_in: bool) -> Result<()> {
    if is_owner(caller, Holder::Group(group))? {
        caller.check_everywhere(Permission::Own)?;
    }
    caller.store.group_member(group, user, is_in)
}

/// Errors: `group_unknown`, `not_allowed`.
pub fn group_delete(caller: &Caller, group: GroupId) -> Result<()> {
    if is_owner(caller, Holder::Group(group))? {
        caller.check_everywhere(Permission::Own)?;
    }
    caller.store.group_delete(group)
}

fn is_there(caller: &Caller, holder: Holder) -> Result<()> {
    let is_there = match holder {
        Holder::User(id) => caller.store.user_find(id)?.is_some(),
        Holder::Group(id) => caller.store.group_list()?.iter().any(|group| group.id == id),
        Holder::Key(id) => caller.store.key_list()?.iter().any(|key| key.id == id),
    };
    if is_there {
        return Ok(());
    }
    Err(Error::not_found("holder_unknown", format!("there is no {holder}")))
}

/// Errors: `not_allowed`, `key_unknown`.
pub fn key_revoke(caller: &Caller, id: KeyId) -> Result<()> {
    may_change(caller, Holder::Key(id))?;
    caller.store.key_revoke(id)
}

/// Only owners make owners.
pub fn may_grant(caller: &Caller, granted: Granted) -> Result<()> {
    if granted.role == Role::Owner { caller.check_everywhere(Permission::Own) } else { Ok(()) }
}

/// Only owners take an owner's role away, and never the last one's.
fn may_take(caller: &Caller, holder: Holder) -> Result<()> {
    if is_owner(caller, holder)? {
        caller.check_everywhere(Permission::Own)?;
        stays_owned(caller, holder)?;
    }
    Ok(())
}

/// Only owners change an owner's account, or an owner's key.
fn may_change(caller: &Caller, holder: Holder) -> Result<()> {
    if is_owner(caller, holder)? { caller.check_everywhere(Permission::Own) } else { Ok(()) }
}

fn is_owner(caller: &Caller, holder: Holder) -> Result<bool> {
    Ok(caller.store.rights_of(holder)?.may_everywhere(Permission::Own))
}

fn stays_owned(caller: &Caller, without: Holder) -> Result<()> {
    if !is_owner(caller, without)? || caller.store.has_other_owner(without)? {
        return Ok(());
    }
    let what = "nobody else is an owner; make somebody else one first (`ibid auth grant user:ID owner`)";
    Err(Error::conflict("owner_last", what))
}
