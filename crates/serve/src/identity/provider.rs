//! Sign-in with an OpenID Connect provider, as it is configured in `[identity.provider]`.
//!
//! Keeps true: the pair of issuer and subject names an account for ever; an account gets its pair once, from whoever was signed in
//! by the provider under the address that is its name, or with the account itself; who has a second factor here shows it here, unless
//! the provider says that it asked for one.

use ibid_auth::oidc::{Begun, Callback, Identity, Provider, Settings};
use ibid_config::SignInProvider;
use ibid_store::User;
use ibid_types::access::{Granted, Holder};
use ibid_types::{Error, Result, UserId};

use super::second_factor;
use super::sign_in::{Shown, SignedIn, Visitor, canonical, check_lock, checked_name, enter, note};
use crate::App;

/// Where the provider sends people back to.
pub const CALLBACK: &str = "/v1/auth/oidc/callback";
/// What has been begun is forgotten after this.
const ANSWER_WITHIN_MS: i64 = 10 * 60_000;

/// The provider, where there is one. Error: `oidc_settings`.
pub fn open(configured: &SignInProvider, public_url: &str) -> Result<Option<Provider>> {
    if configured.issuer.is_empty() {
        return Ok(None);
    }
    let secret = &configured.client_secret;
    Provider::new(Settings {
        issuer: configured.issuer.clone(),
        client_id: configured.client_id.clone(),
        client_secret: (!secret.is_empty()).then(|| secret.clone()),
        redirect_url: format!("{public_url}{CALLBACK}"),
        scopes: configured.scopes.clone(),
    })
    .map(Some)
}

/// Begins a sign-in: where the browser goes, and what it must bring back. Errors: `oidc_missing`, `oidc_unreachable`,
/// `oidc_answer`. The session that the browser has until then is told now, since it is not when another site sends it back.
pub fn begin(app: &App, visitor: Visitor) -> Result<(String, String)> {
    let now = app.clock.now();
    let (url, begun) = app.sign_in_provider()?.begin(now)?;
    let id = app.sign_ins.at_provider.put((begun, visitor.former), now.plus_ms(ANSWER_WITHIN_MS), now)?;
    Ok((url, id))
}

/// Somebody who came back from the provider.
#[derive(Debug)]
pub enum Back {
    In(Box<SignedIn>),
    /// Who is to show a second factor here, under which name.
    Awaited(String),
}

/// Errors: `oidc_refused`, `oidc_unknown`, `oidc_name_taken` and the others of `Provider::finish`.
pub fn finish(app: &App, id: &str, callback: &Callback, visitor: &Visitor) -> Result<Back> {
    let now = app.clock.now();
    let begun: Option<(Begun, _)> = app.sign_ins.at_provider.take(id, now);
    let (begun, former) = begun.ok_or_else(elsewhere)?;
    let identity = app.sign_in_provider()?.finish(&begun, callback, now)?;
    let user = account(app, &identity)?;
    if user.disabled_at.is_some() {
        return Err(Error::unauthenticated(
            "account_disabled",
            "this account is kept out; ask an administrator",
        ));
    }
    in_groups(app, user.id, &identity)?;
    let shown = shown_there(&app.config.identity.provider, &identity);
    if shown == Shown::One && user.has_second_factor() {
        note(app, &user.name, "sign-in.code-awaited", visitor)?;
        let awaited = (user.id, former);
        return app.sign_ins.awaited.put(awaited, now.plus_ms(ANSWER_WITHIN_MS), now).map(Back::Awaited);
    }
    by_provider(app, user, shown, &Visitor { former, ..visitor.clone() })
        .map(|signed_in| Back::In(Box::new(signed_in)))
}

/// What somebody has shown at the provider, as far as it says so.
fn shown_there(configured: &SignInProvider, identity: &Identity) -> Shown {
    let is_strong = identity.methods.iter().any(|method| configured.second_factor_by.contains(method));
    if is_strong { Shown::Two } else { Shown::One }
}

/// Lets somebody in whom the provider has signed in, with a code of theirs. Errors: `oidc_refused`, `sign_in_locked`,
/// `second_factor_needed`, `second_factor_wrong`, after which another code may be tried.
pub fn finish_with_code(app: &App, id: &str, code: &str, visitor: &Visitor) -> Result<SignedIn> {
    let _one = app.sign_ins.guesses.attempt.lock();
    let now = app.clock.now();
    let (user, former) = app.sign_ins.awaited.take(id, now).ok_or_else(elsewhere)?;
    let found = app.store.user_find(user)?.filter(|user| user.disabled_at.is_none()).ok_or_else(elsewhere)?;
    let shown = check_lock(app, &found, visitor)
        .and_then(|()| second_factor::check(app, &found, Some(code), visitor));
    let shown = shown.inspect_err(|_| {
        app.sign_ins.awaited.put_back(id, (user, former.clone()), now.plus_ms(ANSWER_WITHIN_MS));
    })?;
    by_provider(app, found, shown, &Visitor { former, ..visitor.clone() })
}

fn by_provider(app: &App, user: User, shown: Shown, visitor: &Visitor) -> Result<SignedIn> {
    enter(app, user, shown, "sign-in.by-provider", visitor)
}

fn elsewhere() -> Error {
    let what = "the sign-in was begun in another browser, or too long ago; begin again";
    Error::unauthenticated("oidc_refused", what)
}

fn account(app: &App, identity: &Identity) -> Result<User> {
    let known = app.store.identity_find(&identity.issuer, &identity.subject)?;
    if let Some(user) = known.map_or(Ok(None), |id| app.store.user_find(id))? {
        return Ok(user);
    }
    let user = match by_email(app, identity)? {
        Some(user) => user,
        None => make(app, identity)?,
    };
    app.store.identity_add(&identity.issuer, &identity.subject, user.id)?;
    Ok(user)
}

/// The account whose name is the address that the provider has verified.
fn by_email(app: &App, identity: &Identity) -> Result<Option<User>> {
    let may = app.config.identity.provider.link_by_email && identity.is_email_verified;
    match identity.email.as_deref().filter(|_| may) {
        Some(email) => app.store.user_named(&canonical(email)),
        None => Ok(None),
    }
}

/// An account for somebody new, as the configuration says.
fn make(app: &App, identity: &Identity) -> Result<User> {
    let configured = &app.config.identity.provider;
    let verified = identity.email.as_deref().filter(|_| identity.is_email_verified);
    let called = verified.or(identity.username.as_deref()).unwrap_or(&identity.subject);
    if configured.role.is_empty() {
        let what = "the provider knows you, but nobody has an account for you here; ask an administrator for one, and \
                    sign in with it";
        return Err(Error::forbidden("oidc_unknown", what));
    }
    let name = checked_name(called)?;
    if app.store.user_named(&name)?.is_some() {
        let what = format!(
            "there is an account '{name}' already, which does not belong to the provider's; ask an administrator"
        );
        return Err(Error::conflict("oidc_name_taken", what));
    }
    let place = (!configured.workspace.is_empty()).then_some(configured.workspace.as_str());
    let workspace = place.map(|name| app.workspace_named(Some(name))).transpose()?.map(|found| found.id);
    let user = app.store.user_create(&name, None)?;
    app.store.grant_set(Holder::User(user.id), Granted { role: configured.role.parse()?, workspace })?;
    app.store.audit_append(&format!("user {name}"), "account.by-provider", &identity.issuer)?;
    Ok(user)
}

/// In our groups as in the provider's, of those that it decides about.
fn in_groups(app: &App, user: UserId, identity: &Identity) -> Result<()> {
    let configured = &app.config.identity.provider.groups;
    if configured.is_empty() {
        return Ok(());
    }
    for group in app.store.group_list()?.iter().filter(|group| configured.contains(&group.name)) {
        let is_in = identity.groups.contains(&group.name);
        if is_in != group.members.contains(&user) {
            app.store.group_member(group.id, user, is_in)?;
        }
    }
    Ok(())
}
