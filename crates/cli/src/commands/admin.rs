//! Small commands about the installation: keys, workspaces, index, configuration.

use std::io::{BufRead, IsTerminal};
use std::process::ExitCode;

use ibid_api::quality::LeakedKey;
use ibid_api::system::{Key, KeyRequest, Workspace, WorkspaceRequest};
use ibid_types::{Error, Result};

use crate::args::{Common, Configuration, Index, Keys, Workspaces};
use crate::context::{Context, configuration as load, escaped};
use crate::output::{counted, foreign_line, json, line, note, piece};

pub fn index(context: &Context, command: &Index) -> Result<ExitCode> {
    match command {
        Index::Rebuild => {
            let report: serde_json::Value = context.client.post("/v1/index/rebuild", &())?.json()?;
            json(&report)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub fn keys(context: &Context, command: Keys) -> Result<ExitCode> {
    match command {
        Keys::Create { name, role, expires } => {
            let workspace = context.common.workspace.clone();
            let request = KeyRequest { name, role: Some(role), workspace, expires_at: expires };
            let key: Key = context.client.post("/v1/keys", &request)?.json()?;
            if context.common.json {
                json(&key)?;
            } else {
                line(key.key.as_deref().unwrap_or_default())?;
                note(
                    "This is the only time the key is shown. It goes with requests: Authorization: Bearer KEY.",
                );
            }
        }
        Keys::List => {
            let keys: Vec<Key> = context.client.get("/v1/keys")?.json()?;
            if context.common.json {
                json(&keys)?;
            } else {
                for key in &keys {
                    let end = key.expires_at.as_deref().map_or(String::new(), |at| format!(", ends {at}"));
                    let (name, roles) = (foreign_line(&key.name), key.roles.join(", "));
                    line(&format!(
                        "{}  {}…  {name}  {roles}, made {}{end}",
                        key.id, key.prefix, key.created_at
                    ))?;
                }
                line(&context.color.dim(&counted(keys.len() as u64, "key")))?;
            }
        }
        Keys::Revoke { key } => {
            let id = key_named(context, &key)?;
            context.client.delete(&format!("/v1/keys/{}", escaped(&id)))?;
            note(&format!("revoked {key}"));
        }
        Keys::Leaked { revoke } => leaked(context, revoke)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The id of a key that is named by its id, its first characters or its name, if only one is.
fn key_named(context: &Context, named: &str) -> Result<String> {
    let keys: Vec<Key> = context.client.get("/v1/keys")?.json()?;
    let is_it = |key: &&Key| key.id == named || key.prefix == named || key.name == named;
    let mut found = keys.iter().filter(is_it);
    match (found.next(), found.next()) {
        (Some(key), None) => Ok(key.id.clone()),
        (None, _) => {
            let what = format!("there is no key '{named}'; `ibid keys list` shows them");
            Err(Error::not_found("key_unknown", what))
        }
        (Some(_), Some(_)) => {
            let what = format!("several keys are called '{named}'; name one by its id");
            Err(Error::bad_request("key_ambiguous", what))
        }
    }
}

fn leaked(context: &Context, revoke: bool) -> Result<()> {
    let leaked: Vec<LeakedKey> = context.client.get("/v1/keys/leaked")?.json()?;
    if context.common.json {
        json(&leaked)?;
    }
    for key in &leaked {
        if !context.common.json {
            line(&format!(
                "{}  {}…  {}  stands in {}",
                key.id,
                key.prefix,
                foreign_line(&key.name),
                foreign_line(&key.source)
            ))?;
        }
        if revoke {
            context.client.delete(&format!("/v1/keys/{}", escaped(&key.id)))?;
            note(&format!("revoked {}", key.id));
        }
    }
    if leaked.is_empty() {
        note("no living key stands in a document");
    }
    Ok(())
}

pub fn workspaces(context: &Context, command: Workspaces) -> Result<ExitCode> {
    match command {
        Workspaces::Create { name } => {
            let workspace: Workspace =
                context.client.post("/v1/workspaces", &WorkspaceRequest { name })?.json()?;
            show(context, &workspace)?;
        }
        Workspaces::List => {
            let list: Vec<Workspace> = context.client.get("/v1/workspaces")?.json()?;
            if context.common.json {
                json(&list)?;
            } else {
                list.iter().try_for_each(|workspace| show(context, workspace))?;
            }
        }
        Workspaces::Delete { name, yes } => {
            if !yes && !confirmed(&name)? {
                note("nothing was deleted");
                return Ok(ExitCode::SUCCESS);
            }
            context.client.delete(&format!("/v1/workspaces/{}", escaped(&name)))?;
            note(&format!("deleted workspace {name}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(context: &Context, workspace: &Workspace) -> Result<()> {
    if context.common.json {
        return json(workspace);
    }
    let contents =
        format!("{}, {}", counted(workspace.documents, "document"), counted(workspace.chunks, "chunk"));
    line(&format!("{}  {contents}", context.color.bold(&workspace.name)))
}

/// Asks on the terminal; without one, deleting needs `--yes`.
fn confirmed(name: &str) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        let what = format!("deleting workspace '{name}' needs --yes where nobody can be asked");
        return Err(Error::bad_request("confirmation_needed", what));
    }
    note(&format!("Everything in workspace '{name}' will be deleted. Type its name to go on:"));
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    Ok(read.is_ok() && answer.trim() == name)
}

/// A yes or no on the terminal; without one, what cannot be undone needs `--yes`.
pub fn agreed(question: &str) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        let what = "what cannot be undone needs --yes where nobody can be asked";
        return Err(Error::bad_request("confirmation_needed", what));
    }
    note(&format!("{question} [y/N]"));
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    Ok(read.is_ok() && ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

pub fn configuration(common: &Common, command: &Configuration) -> Result<ExitCode> {
    match command {
        Configuration::Default => piece(ibid_config::DEFAULTS)?,
        Configuration::Show => {
            let (config, shown) = load(common)?;
            if common.json {
                let value = |(value, origin): &(String, ibid_config::Origin)| serde_json::json!({ "value": value, "origin": origin.to_string() });
                let map: serde_json::Map<_, _> =
                    shown.iter().map(|(key, entry)| (key.clone(), value(entry))).collect();
                json(&map)?;
            } else {
                for (key, (value, origin)) in &shown {
                    line(&format!("{key} = {value}  # {origin}"))?;
                }
                note(&format!("data directory: {}", config.data.dir.display()));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
