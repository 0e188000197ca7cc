//! People, sessions, grants and the audit log on the wire.
//!
//! Keeps true: what holds a password, a link or a token shows none of it to a log (no `Debug`).
#![allow(missing_debug_implementations)]

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /v1/auth/door`: what the page must ask for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Door {
    /// Nobody has an account yet: the server has told a link with which the first one is made.
    pub is_first_run: bool,
}

/// `POST /v1/auth/sign-in`
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct SignIn {
    pub name: String,
    pub password: String,
}

/// `POST /v1/auth/link`: uses a one-time link.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct LinkUse {
    /// What follows `#/welcome/` in the link.
    pub token: String,
    /// Of the account that is made; left out where the link is for one that is there.
    #[serde(default)]
    pub name: Option<String>,
    pub password: String,
}

/// `POST /v1/auth/password`
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct PasswordChange {
    pub former: String,
    pub password: String,
}

/// `POST /v1/auth/links`: for whom a link is.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct LinkRequest {
    /// A user's name; left out, it makes the first owner's account.
    #[serde(default)]
    pub user: Option<String>,
}

/// A one-time link, shown once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Link {
    /// Goes after the server's address: `/#/welcome/...`.
    pub path: String,
    pub expires_at: String,
}

/// `GET /v1/auth/me`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// `user`, `key` or `machine`.
    pub kind: String,
    pub name: String,
    /// The session that asks, of a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Permissions over the server and in every workspace: `read`, `operate`, ...
    pub everywhere: Vec<String>,
    pub workspaces: Vec<MyWorkspace>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MyWorkspace {
    pub name: String,
    pub permissions: Vec<String>,
}

/// Somebody signed in on a device.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Session {
    pub id: String,
    /// From where it was begun.
    pub address: String,
    /// What the browser said of itself.
    pub device: String,
    pub created_at: String,
    pub used_at: String,
    pub expires_at: String,
    /// Whether it is the one that asks.
    pub is_this: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct User {
    pub id: String,
    pub name: String,
    pub created_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_in_at: Option<String>,
    /// Kept out.
    pub is_disabled: bool,
    pub has_password: bool,
    pub has_second_factor: bool,
}

/// `POST /v1/users`: an account, and the link with which its owner sets a password.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UserRequest {
    pub name: String,
    /// `owner`, `admin`, `editor`, `reader`, `operator` or `auditor`; nothing is granted without it.
    #[serde(default)]
    pub role: Option<String>,
    /// Where; left out: everywhere.
    #[serde(default)]
    pub workspace: Option<String>,
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct NewUser {
    pub user: User,
    pub link: Link,
}

/// `PATCH /v1/users/{id}`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UserChange {
    /// Keeps somebody out, who is signed out at once, or lets them in again.
    pub is_disabled: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Group {
    pub id: String,
    pub name: String,
    /// Ids of users.
    pub members: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GroupRequest {
    pub name: String,
}

/// A role that somebody has.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Grant {
    /// `user:ID`, `group:ID` or `key:ID`.
    pub holder: String,
    /// The holder's name, where it is told.
    #[serde(default)]
    pub name: String,
    pub role: String,
    /// Left out: everywhere, and over the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    pub number: i64,
    pub at: String,
    pub actor: String,
    pub action: String,
    pub subject: String,
    /// BLAKE3, hexadecimal, over this entry and the hash before it.
    pub hash: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AuditPage {
    pub entries: Vec<AuditEntry>,
    /// `after` of the next page; left out at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AuditVerified {
    /// All of them sound, from the first.
    pub entries: i64,
}
