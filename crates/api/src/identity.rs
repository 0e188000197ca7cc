//! People, sessions, grants and the audit log on the wire.
//!
//! Keeps true: what holds a password, a link or a token shows none of it to a log (no `Debug`).
#![allow(missing_debug_implementations)]

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words::Role;

/// `GET /v1/auth/door`: what the page must ask for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Door {
    /// Nobody has an account yet: the server has told a link with which the first one is made.
    pub is_first_run: bool,
    /// The host under which passkeys work; left out where they cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passkey_host: Option<String>,
    /// The name of the provider with which people can sign in at `/v1/auth/oidc`, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

/// `POST /v1/auth/sign-in`
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    pub name: String,
    pub password: String,
    /// What the authenticator app shows, or a recovery code, where the account has a second factor: asked for with the code
    /// `second_factor_needed`.
    #[serde(default)]
    pub code: Option<String>,
}

/// `POST /v1/auth/link`: uses a one-time link.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkUse {
    /// What follows `#/welcome/` in the link.
    pub token: String,
    /// Of the account that is made; left out where the link is for one that is there.
    #[serde(default)]
    pub name: Option<String>,
    pub password: String,
    /// Of an account that has a second factor, as for `POST /v1/auth/sign-in`.
    #[serde(default)]
    pub code: Option<String>,
}

/// `POST /v1/auth/oidc/code`: the second factor, after a sign-in with the provider that was with one.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecondFactor {
    /// What the authenticator app shows, or a recovery code.
    pub code: String,
}

/// `POST /v1/auth/password`
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    pub former: String,
    pub password: String,
}

/// Who asks shows once more who they are, before something important is changed: with the password (none where the account has none)
/// and, where there is a second factor, its code; or with a passkey alone.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    #[serde(default)]
    pub password: String,
    /// What the authenticator app shows, or a recovery code.
    #[serde(default)]
    pub code: Option<String>,
    /// The answer to the challenge of `POST /v1/auth/passkey-sign-in/begin`.
    #[serde(default)]
    pub passkey: Option<ChallengeAnswer>,
}

/// `GET /v1/auth/factors`: with what an account signs in besides the password.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Factors {
    pub has_app: bool,
    pub passkeys: Vec<Passkey>,
    pub recovery_codes_left: usize,
    /// Nothing else can be done before there is one.
    pub is_required: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Passkey {
    /// In the alphabet of RFC 4648, section 5, as browsers write it.
    pub id: String,
    pub name: String,
    pub created_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<String>,
    /// Whether it is on several devices of its owner.
    pub is_backed_up: bool,
}

/// `POST /v1/auth/app`: an authenticator app that is being set up.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct NewApp {
    /// Goes with the first code.
    pub id: String,
    /// For typing, where no picture can be scanned.
    pub secret: String,
    /// What the picture holds.
    pub uri: String,
    /// A path of SVG in a square of `picture_size`: the picture's dark parts.
    pub picture: String,
    pub picture_size: u32,
}

/// `PUT /v1/auth/app`: the first code that the app shows.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppCode {
    pub id: String,
    pub code: String,
}

/// Codes that replace the second factor, each once; shown this once. Empty where the former ones still count.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct RecoveryCodes {
    pub codes: Vec<String>,
}

/// Something for the browser to sign.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Challenge {
    /// Goes with the answer.
    pub id: String,
    /// For `PublicKeyCredential.parseCreationOptionsFromJSON`, or `parseRequestOptionsFromJSON`.
    #[schema(value_type = Object)]
    pub options: serde_json::Value,
}

/// The browser's answer: the credential's `toJSON()`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChallengeAnswer {
    pub id: String,
    /// Of a passkey that is added.
    #[serde(default)]
    pub name: Option<String>,
    #[schema(value_type = Object)]
    pub credential: serde_json::Value,
}

/// `POST /v1/auth/tokens`: a token of the key that asks.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// For whom it is; left out: for this server.
    #[serde(default)]
    pub audience: Option<String>,
    /// From now; at most a day. Left out: 900.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 86_400)]
    pub seconds: Option<i64>,
    /// No more than this role of the key's rights.
    #[serde(default)]
    #[schema(value_type = Option<Role>)]
    pub role: Option<String>,
    /// And only in this workspace; needs a role.
    #[serde(default)]
    pub workspace: Option<String>,
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Token {
    pub token: String,
    pub expires_at: String,
}

/// A key that signs tokens, or that did.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SigningKey {
    /// `kid` in the tokens.
    pub id: String,
    pub created_at: String,
    /// Of a former one: its tokens are refused from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verifies_until: Option<String>,
}

/// `POST /v1/auth/signing-keys`: how to change the key.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// Tokens that are in use are refused from now on; otherwise for a day more they are not.
    #[serde(default)]
    pub at_once: bool,
}

/// `POST /v1/auth/links`: for whom a link is.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
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
#[serde(deny_unknown_fields)]
pub struct UserRequest {
    #[schema(pattern = r"^\s*[\p{L}\p{N}._@+ -]{2,64}\s*$")]
    pub name: String,
    /// `owner`, `admin`, `editor`, `reader`, `operator` or `auditor`; nothing is granted without it.
    #[serde(default)]
    #[schema(value_type = Option<Role>)]
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
#[serde(deny_unknown_fields)]
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
#[serde(deny_unknown_fields)]
pub struct GroupRequest {
    #[schema(pattern = r"\S", max_length = 64)]
    pub name: String,
}

/// A role that somebody has.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// `user:ID`, `group:ID` or `key:ID`.
    #[schema(pattern = "^(user|group|key):[0-9a-f-]{36}$")]
    pub holder: String,
    /// The holder's name, where it is told.
    #[serde(default)]
    pub name: String,
    #[schema(value_type = Role)]
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
