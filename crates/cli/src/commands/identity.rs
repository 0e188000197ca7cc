//! `ibid auth`: accounts, sessions, groups and grants.

use std::process::ExitCode;

use ibid_api::identity::{
    Grant, Group as WireGroup, GroupRequest, Link, LinkRequest, Me, NewUser, Rotation, Session, SigningKey,
    Token as WireToken, TokenRequest, User, UserChange, UserRequest,
};
use ibid_api::system::Key;
use ibid_types::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::args::{Add, Auth, Group, Token};
use crate::context::{Context, escaped};
use crate::output::{counted, foreign_line, json, line, note};

pub fn run(context: &Context, command: Auth) -> Result<ExitCode> {
    match command {
        Auth::Me => me(context)?,
        Auth::Users => list(context, "/v1/users", "account", show_user)?,
        Auth::Add(arguments) => add(context, arguments)?,
        Auth::Link { name } => link(context, name)?,
        Auth::Disable { name } => disable(context, &name, true)?,
        Auth::Enable { name } => disable(context, &name, false)?,
        Auth::Delete { name } => {
            let user = user_named(context, &name)?;
            context.client.delete(&format!("/v1/users/{}", user.id))?;
            note(&format!("deleted the account {}", user.name));
        }
        Auth::Sessions => list(context, "/v1/auth/sessions", "session", show_session)?,
        Auth::SignOutEverybody => {
            context.client.delete("/v1/auth/sessions/all")?;
            note("everybody has to sign in again; keys go on working (`ibid keys revoke` ends them)");
        }
        Auth::ResetFactors { name } => {
            let user = user_named(context, &name)?;
            context.client.delete(&format!("/v1/users/{}/factors", user.id))?;
            note(&format!("{} signs in with the password alone, until another factor is set up", user.name));
        }
        Auth::Token(arguments) => token(context, arguments)?,
        Auth::SigningKeys => list(context, "/v1/auth/signing-keys", "key", show_signing_key)?,
        Auth::RotateSigningKey { at_once } => {
            context.client.post("/v1/auth/signing-keys", &Rotation { at_once })?;
            let former = if at_once { "those in use are refused" } else { "those in use end within a day" };
            note(&format!("new tokens are signed with a new key; {former}"));
        }
        Auth::Groups => groups(context)?,
        Auth::Group(arguments) => group(context, &arguments)?,
        Auth::Grants => list(context, "/v1/grants", "grant", show_grant)?,
        Auth::Grant { holder, role } => grant(context, &holder, role)?,
        Auth::Revoke { holder } => {
            let holder = holder_named(context, &holder)?;
            context.client.delete(&context.path(&format!("/v1/grants?holder={}", escaped(&holder))))?;
            note("taken away");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn fetch<T: DeserializeOwned>(context: &Context, path: &str) -> Result<T> {
    context.client.get(path)?.json()
}

fn list<T: DeserializeOwned + Serialize>(
    context: &Context,
    path: &str,
    noun: &str,
    show: impl Fn(&T) -> String,
) -> Result<()> {
    let all: Vec<T> = fetch(context, path)?;
    if context.common.json {
        return json(&all);
    }
    all.iter().try_for_each(|one| line(&show(one)))?;
    line(&context.color.dim(&counted(all.len() as u64, noun)))
}

fn show_user(user: &User) -> String {
    let state = match (user.is_disabled, user.has_password, user.has_second_factor) {
        (true, ..) => "kept out",
        (false, false, false) => "invited",
        (false, _, true) => "signs in with a second factor",
        (false, true, false) => "signs in with a password",
    };
    let last = user.signed_in_at.as_deref().unwrap_or("never");
    format!("{}  {}  {state}, last signed in: {last}", user.id, foreign_line(&user.name))
}

fn show_session(session: &Session) -> String {
    let Session { id, address, device, used_at, .. } = session;
    format!("{id}  {}  last used {used_at}  {}", foreign_line(address), foreign_line(device))
}

fn token(context: &Context, arguments: Token) -> Result<()> {
    let workspace = arguments.role.is_some().then(|| context.common.workspace.clone()).flatten();
    let Token { audience, seconds, role } = arguments;
    let request = TokenRequest { audience, seconds, role, workspace };
    let made: WireToken = context.client.post("/v1/auth/tokens", &request)?.json()?;
    if context.common.json {
        return json(&made);
    }
    line(&made.token)?;
    note(&format!("good until {}", made.expires_at));
    Ok(())
}

fn show_signing_key(key: &SigningKey) -> String {
    let state = key
        .verifies_until
        .as_ref()
        .map_or_else(|| "signs".to_owned(), |until| format!("taken until {until}"));
    format!("{}  made {}  {state}", key.id, key.created_at)
}

fn show_grant(grant: &Grant) -> String {
    let place = grant.workspace.as_ref().map_or_else(|| "everywhere".to_owned(), |name| format!("in {name}"));
    let kind = grant.holder.split(':').next().unwrap_or_default();
    let name = if grant.name.is_empty() { grant.holder.clone() } else { format!("{kind}:{}", grant.name) };
    format!("{}  {} {place}", foreign_line(&name), grant.role)
}

fn me(context: &Context) -> Result<()> {
    let me: Me = fetch(context, "/v1/auth/me")?;
    if context.common.json {
        return json(&me);
    }
    line(&format!("{} ({})", foreign_line(&me.name), me.kind))?;
    line(&format!("everywhere: {}", words(&me.everywhere)))?;
    me.workspaces.iter().try_for_each(|place| line(&format!("{}: {}", place.name, words(&place.permissions))))
}

fn words(all: &[String]) -> String {
    if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
}

fn add(context: &Context, arguments: Add) -> Result<()> {
    let workspace = context.common.workspace.clone();
    let request = UserRequest { name: arguments.name, role: arguments.role, workspace };
    let made: NewUser = context.client.post("/v1/users", &request)?.json()?;
    if context.common.json {
        return json(&made);
    }
    show_link(context, &made.link)
}

fn link(context: &Context, user: Option<String>) -> Result<()> {
    let made: Link = context.client.post("/v1/auth/links", &LinkRequest { user })?.json()?;
    if context.common.json {
        return json(&made);
    }
    show_link(context, &made)
}

fn show_link(context: &Context, link: &Link) -> Result<()> {
    line(&format!("{}{}", context.base(), link.path))?;
    note(&format!("works once, until {}; whoever opens it chooses the password", link.expires_at));
    Ok(())
}

fn disable(context: &Context, name: &str, is_disabled: bool) -> Result<()> {
    let user = user_named(context, name)?;
    context.client.patch(&format!("/v1/users/{}", user.id), &UserChange { is_disabled })?;
    note(&format!("{} {}", user.name, if is_disabled { "is kept out" } else { "may come in again" }));
    Ok(())
}

fn groups(context: &Context) -> Result<()> {
    let users: Vec<User> = fetch(context, "/v1/users")?;
    let name = |id: &String| {
        let user = users.iter().find(|user| user.id == *id);
        user.map_or_else(|| id.clone(), |user| foreign_line(&user.name))
    };
    list(context, "/v1/groups", "group", |group: &WireGroup| {
        let members: Vec<String> = group.members.iter().map(name).collect();
        format!("{}  {}", foreign_line(&group.name), words(&members))
    })
}

fn group(context: &Context, arguments: &Group) -> Result<()> {
    let groups: Vec<WireGroup> = fetch(context, "/v1/groups")?;
    let found = groups.into_iter().find(|group| group.name == arguments.name);
    if arguments.delete {
        let unknown = || Error::not_found("group_unknown", format!("there is no group '{}'", arguments.name));
        context.client.delete(&format!("/v1/groups/{}", found.ok_or_else(unknown)?.id))?;
        note("deleted");
        return Ok(());
    }
    let group = match found {
        Some(group) => group,
        None => context.client.post("/v1/groups", &GroupRequest { name: arguments.name.clone() })?.json()?,
    };
    for name in &arguments.add {
        let user = user_named(context, name)?;
        context.client.put(&format!("/v1/groups/{}/members/{}", group.id, user.id), &())?;
    }
    for name in &arguments.remove {
        let user = user_named(context, name)?;
        context.client.delete(&format!("/v1/groups/{}/members/{}", group.id, user.id))?;
    }
    note(&format!("the group {} is as you said", group.name));
    Ok(())
}

fn grant(context: &Context, holder: &str, role: String) -> Result<()> {
    let holder = holder_named(context, holder)?;
    let workspace = context.common.workspace.clone();
    let grant = Grant { holder, name: String::new(), role, workspace };
    context.client.put("/v1/grants", &grant)?;
    note(&format!("granted: {}", show_grant(&grant)));
    Ok(())
}

fn user_named(context: &Context, name: &str) -> Result<User> {
    let users: Vec<User> = fetch(context, "/v1/users")?;
    let found = users.into_iter().find(|user| user.name == name.trim().to_lowercase() || user.id == name);
    found.ok_or_else(|| {
        let what = format!("there is no user '{name}'; `ibid auth users` lists them");
        Error::not_found("user_unknown", what)
    })
}

/// `user:NAME` and the like with the id that the server wants; what is an id already stays.
fn holder_named(context: &Context, holder: &str) -> Result<String> {
    let unknown = || {
        let what = format!("there is no '{holder}'; name user:NAME, group:NAME or key:NAME");
        Error::not_found("holder_unknown", what)
    };
    let id = match holder.split_once(':') {
        Some(("user", name)) => Some(user_named(context, name)?.id),
        Some(("group", name)) => {
            let groups: Vec<WireGroup> = fetch(context, "/v1/groups")?;
            groups.into_iter().find(|group| group.name == name || group.id == name).map(|group| group.id)
        }
        Some(("key", name)) => {
            let keys: Vec<Key> = fetch(context, "/v1/keys")?;
            keys.into_iter().find(|key| key.name == name || key.id == name).map(|key| key.id)
        }
        _ => None,
    };
    let kind = holder.split(':').next().unwrap_or_default();
    Ok(format!("{kind}:{}", id.ok_or_else(unknown)?))
}
