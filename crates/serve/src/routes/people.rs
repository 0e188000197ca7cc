//! `/v1/users`, `/v1/groups`, `/v1/grants` and `/v1/audit`.

use axum::http::StatusCode;
use ibid_api::identity::{
    AuditEntry, AuditPage, AuditVerified, Grant as WireGrant, Group as WireGroup, GroupRequest, NewUser,
    User as WireUser, UserChange, UserRequest,
};
use ibid_api::problem::Problem;
use ibid_store::{Grant, Group, User};
use ibid_types::access::{Granted, Holder};
use ibid_types::{Error, Result, WorkspaceId};
use serde::Deserialize;

use super::ask::within;
use super::identity::link;
use crate::access::Caller;
use crate::http::{Answered, Json, Parameters, Path, blocking, respond};
use crate::{identity, words};

/// Lists accounts.
#[utoipa::path(get, path = "/v1/users", tag = "identity",
    responses((status = 200, body = Vec<WireUser>), (status = "default", body = Problem)))]
pub async fn users(app: Caller) -> Answered<axum::Json<Vec<WireUser>>> {
    respond(&app, |app| Ok(app.store.user_list()?.into_iter().map(wire_user).collect())).await
}

fn wire_user(user: User) -> WireUser {
    WireUser {
        has_second_factor: user.has_second_factor(),
        id: user.id.to_string(),
        name: user.name,
        created_at: user.created_at.to_string(),
        signed_in_at: user.signed_in_at.map(|at| at.to_string()),
        is_disabled: user.disabled_at.is_some(),
        has_password: user.password.is_some(),
    }
}

/// Makes an account, and the link with which its owner sets a password.
#[utoipa::path(post, path = "/v1/users", tag = "identity", request_body = UserRequest,
    responses((status = 201, body = NewUser), (status = "default", body = Problem)))]
pub async fn user_create(
    app: Caller,
    Json(request): Json<UserRequest>,
) -> Answered<(StatusCode, axum::Json<NewUser>)> {
    let made = blocking(&app, move |app| {
        let role = request.role.as_deref();
        let granted = role.map(|role| granted(app, role, request.workspace.as_deref())).transpose()?;
        let (user, secret, until) = identity::user_create(app, &request.name, granted)?;
        Ok(NewUser { user: wire_user(user), link: link(&secret, until) })
    })
    .await?;
    Ok((StatusCode::CREATED, axum::Json(made)))
}

/// A role and its place as requests write them. Errors: `role_unknown`, `workspace_unknown`.
pub fn granted(app: &Caller, role: &str, workspace: Option<&str>) -> Result<Granted> {
    Ok(Granted { role: role.parse()?, workspace: place(app, workspace)? })
}

fn place(app: &Caller, workspace: Option<&str>) -> Result<Option<WorkspaceId>> {
    workspace.map(|name| app.workspace(Some(name)).map(|found| found.id)).transpose()
}

/// Keeps somebody out, or lets them in again.
#[utoipa::path(patch, path = "/v1/users/{id}", tag = "identity", params(("id" = String, Path)), request_body = UserChange,
    responses((status = 204), (status = "default", body = Problem)))]
pub async fn user_change(
    app: Caller,
    Path(id): Path<String>,
    Json(change): Json<UserChange>,
) -> Answered<StatusCode> {
    blocking(&app, move |app| identity::user_disable(app, id.parse()?, change.is_disabled)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes an account's second factors away, for somebody who has lost them.
#[utoipa::path(delete, path = "/v1/users/{id}/factors", tag = "identity", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = Problem)))]
pub async fn factors_reset(app: Caller, Path(id): Path<String>) -> Answered<StatusCode> {
    blocking(&app, move |app| identity::factors_reset(app, id.parse()?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes an account with all that was granted to it.
#[utoipa::path(delete, path = "/v1/users/{id}", tag = "identity", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = Problem)))]
pub async fn user_delete(app: Caller, Path(id): Path<String>) -> Answered<StatusCode> {
    blocking(&app, move |app| identity::user_delete(app, id.parse()?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists groups with their members.
#[utoipa::path(get, path = "/v1/groups", tag = "identity",
    responses((status = 200, body = Vec<WireGroup>), (status = "default", body = Problem)))]
pub async fn groups(app: Caller) -> Answered<axum::Json<Vec<WireGroup>>> {
    respond(&app, |app| Ok(app.store.group_list()?.into_iter().map(wire_group).collect())).await
}

fn wire_group(group: Group) -> WireGroup {
    let members = group.members.iter().map(ToString::to_string).collect();
    WireGroup { id: group.id.to_string(), name: group.name, members }
}

/// Makes a group.
#[utoipa::path(post, path = "/v1/groups", tag = "identity", request_body = GroupRequest,
    responses((status = 201, body = WireGroup), (status = "default", body = Problem)))]
pub async fn group_create(
    app: Caller,
    Json(request): Json<GroupRequest>,
) -> Answered<(StatusCode, axum::Json<WireGroup>)> {
    let made = blocking(&app, move |app| {
        let name = request.name.trim();
        if name.is_empty() || name.chars().count() > 64 {
            return Err(Error::bad_request("name_malformed", "name the group in 1 to 64 characters"));
        }
        let name = words::name("name", name, 64)?;
        app.store.group_create(&name).map(wire_group)
    })
    .await?;
    Ok((StatusCode::CREATED, axum::Json(made)))
}

/// Deletes a group; its members keep what they have otherwise.
#[utoipa::path(delete, path = "/v1/groups/{id}", tag = "identity", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = Problem)))]
pub async fn group_delete(app: Caller, Path(id): Path<String>) -> Answered<StatusCode> {
    blocking(&app, move |app| identity::group_delete(app, id.parse()?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts somebody into a group.
#[utoipa::path(put, path = "/v1/groups/{id}/members/{user}", tag = "identity",
    params(("id" = String, Path), ("user" = String, Path)),
    responses((status = 204), (status = "default", body = Problem)))]
pub async fn member_add(app: Caller, Path((id, user)): Path<(String, String)>) -> Answered<StatusCode> {
    member(app, id, user, true).await
}

/// Takes somebody out of a group.
#[utoipa::path(delete, path = "/v1/groups/{id}/members/{user}", tag = "identity",
    params(("id" = String, Path), ("user" = String, Path)),
    responses((status = 204), (status = "default", body = Problem)))]
pub async fn member_remove(app: Caller, Path((id, user)): Path<(String, String)>) -> Answered<StatusCode> {
    member(app, id, user, false).await
}

async fn member(app: Caller, id: String, user: String, is_in: bool) -> Answered<StatusCode> {
    blocking(&app, move |app| identity::member(app, id.parse()?, user.parse()?, is_in)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists what was granted to whom.
#[utoipa::path(get, path = "/v1/grants", tag = "identity",
    responses((status = 200, body = Vec<WireGrant>), (status = "default", body = Problem)))]
pub async fn grants(app: Caller) -> Answered<axum::Json<Vec<WireGrant>>> {
    respond(&app, |app| {
        let names = Names::read(app)?;
        Ok(app.store.grant_list()?.into_iter().map(|grant| names.wire(grant)).collect())
    })
    .await
}

/// Names of holders and workspaces.
struct Names {
    holders: Vec<(Holder, String)>,
    workspaces: Vec<(WorkspaceId, String)>,
}

impl Names {
    fn read(app: &Caller) -> Result<Self> {
        let users = app.store.user_list()?.into_iter().map(|user| (Holder::User(user.id), user.name));
        let groups = app.store.group_list()?.into_iter().map(|group| (Holder::Group(group.id), group.name));
        let keys = app.store.key_list()?.into_iter().map(|key| (Holder::Key(key.id), key.name));
        let workspaces = app.store.workspace_list()?.into_iter().map(|one| (one.id, one.name)).collect();
        Ok(Self { holders: users.chain(groups).chain(keys).collect(), workspaces })
    }

    fn wire(&self, grant: Grant) -> WireGrant {
        let holder = self.holders.iter().find(|(holder, _)| *holder == grant.holder);
        let workspace = |id: WorkspaceId| {
            let found = self.workspaces.iter().find(|(known, _)| *known == id);
            found.map_or_else(|| id.to_string(), |(_, name)| name.clone())
        };
        WireGrant {
            holder: grant.holder.to_string(),
            name: holder.map_or_else(String::new, |(_, name)| name.clone()),
            role: grant.granted.role.name().to_owned(),
            workspace: grant.granted.workspace.map(workspace),
        }
    }
}

/// Grants a role, in the place of the one that the holder has there.
#[utoipa::path(put, path = "/v1/grants", tag = "identity", request_body = WireGrant,
    responses((status = 204), (status = "default", body = Problem)))]
pub async fn grant(app: Caller, Json(request): Json<WireGrant>) -> Answered<StatusCode> {
    blocking(&app, move |app| {
        let granted = granted(app, &request.role, request.workspace.as_deref())?;
        identity::grant(app, request.holder.parse()?, granted)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct GrantQuery {
    /// `user:ID`, `group:ID` or `key:ID`.
    pub holder: String,
    /// Left out: the role everywhere.
    #[serde(default)]
    pub workspace: Option<String>,
}

/// Takes a role away.
#[utoipa::path(delete, path = "/v1/grants", tag = "identity", params(GrantQuery),
    responses((status = 204), (status = "default", body = Problem)))]
pub async fn grant_end(app: Caller, Parameters(query): Parameters<GrantQuery>) -> Answered<StatusCode> {
    blocking(&app, move |app| {
        identity::grant_end(app, query.holder.parse()?, place(app, query.workspace.as_deref())?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Entries after this number; from the first without it.
    pub after: Option<i64>,
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<usize>,
}

/// The audit log, the oldest first.
#[utoipa::path(get, path = "/v1/audit", tag = "identity", params(AuditQuery),
    responses((status = 200, body = AuditPage), (status = "default", body = Problem)))]
pub async fn audit(
    app: Caller,
    Parameters(query): Parameters<AuditQuery>,
) -> Answered<axum::Json<AuditPage>> {
    respond(&app, move |app| {
        let limit = within("limit", query.limit, 100, 1..=1000)?;
        let mut entries = app.store.audit_list(query.after.unwrap_or(0), limit + 1)?;
        let is_more = entries.len() > limit;
        entries.truncate(limit);
        let next = entries.last().filter(|_| is_more).map(|entry| entry.number);
        Ok(AuditPage { entries: entries.into_iter().map(wire_entry).collect(), next })
    })
    .await
}

fn wire_entry(entry: ibid_store::AuditEntry) -> AuditEntry {
    AuditEntry {
        number: entry.number,
        at: entry.at.to_string(),
        actor: entry.actor,
        action: entry.action,
        subject: entry.subject,
        hash: entry.hash.to_string(),
    }
}

/// Whether the audit log is whole.
#[utoipa::path(get, path = "/v1/audit/verify", tag = "identity",
    responses((status = 200, body = AuditVerified), (status = "default", body = Problem)))]
pub async fn audit_verify(app: Caller) -> Answered<axum::Json<AuditVerified>> {
    respond(&app, |app| Ok(AuditVerified { entries: app.store.audit_verify()? })).await
}
