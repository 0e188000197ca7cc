//! Passkeys: a key on a device that knows its owner, which signs in without a password and is a second factor beside one.
//!
//! Keeps true: a passkey that signs in alone has asked its owner for a code or a finger; it is one account's, and belongs to this
//! server's public address.

use ibid_auth::passkey::{NewKey, Passkey, Registering, Signature, Site, User as Owner, Verification};
use ibid_store::{PasskeyRow, User};
use ibid_types::{Error, Result, Secret};
use serde_json::Value;

use super::second_factor::{Proof, changed, confirmed, first_codes};
use super::sign_in::{Shown, SignedIn, Visitor, enter, note};
use crate::App;
use crate::access::Caller;

/// As the devices name us.
const SITE_NAME: &str = "Ibid";
/// What has been begun is forgotten after this; the answer itself must come sooner.
const ANSWER_WITHIN_MS: i64 = 10 * 60_000;
const NAME_CHARACTERS_MAX: usize = 64;
const KEYS_MAX: usize = 32;

/// Something for the browser to sign.
#[derive(Debug)]
pub struct Challenge {
    /// Goes with the answer.
    pub id: String,
    /// For `navigator.credentials`.
    pub options: Value,
}

/// Error: `passkey_site`, where the public address is not one that browsers take.
pub fn site(app: &App) -> Result<Site> {
    Site::at(&app.public_url(), SITE_NAME)
}

/// Begins to add a passkey. Errors: those of `confirmed`, `passkey_site`, `passkeys_too_many`.
pub fn add_begin(caller: &Caller, proof: &Proof, visitor: &Visitor) -> Result<Challenge> {
    let user = confirmed(caller, proof, visitor)?;
    let has = caller.store.passkey_list(user.id)?.iter().map(read).collect::<Result<Vec<_>>>()?;
    if has.len() >= KEYS_MAX {
        let what =
            format!("an account has at most {KEYS_MAX} passkeys; remove one that is not used any more");
        return Err(Error::conflict("passkeys_too_many", what));
    }
    let owner = Owner { handle: user.id.as_bytes(), name: &user.name, display_name: &user.name };
    let now = caller.clock.now();
    let (options, begun) = site(caller)?.begin_registration(&owner, &has, Verification::Required, now)?;
    let id = caller.sign_ins.registering.put((user.id, begun), now.plus_ms(ANSWER_WITHIN_MS), now)?;
    Ok(Challenge { id, options })
}

/// Adds the passkey; says the recovery codes, where there were none. Errors: `passkey_late`, `passkey_exists` and the others
/// of `Site::finish_registration`.
pub fn add_finish(
    caller: &Caller,
    id: &str,
    name: &str,
    answer: &NewKey,
    visitor: &Visitor,
) -> Result<Vec<Secret>> {
    let (account, _) = caller.account()?;
    let now = caller.clock.now();
    let begun: Option<(_, Registering)> = caller.sign_ins.registering.take(id, now);
    let (user, begun) = begun.filter(|(user, _)| *user == account).ok_or_else(late)?;
    let passkey = site(caller)?.finish_registration(&begun, answer, now)?;
    let name: String = name.trim().chars().filter(|c| !c.is_control()).take(NAME_CHARACTERS_MAX).collect();
    let name = if name.is_empty() { "passkey" } else { &name };
    caller.store.passkey_add(user, &passkey.id.0, name, &written(&passkey)?)?;
    changed(caller, user, "second-factor.passkey-added", visitor)?;
    first_codes(caller, user)
}

/// Errors: those of `confirmed`, `passkey_unknown`.
pub fn remove(caller: &Caller, id: &[u8], proof: &Proof, visitor: &Visitor) -> Result<()> {
    let user = confirmed(caller, proof, visitor)?;
    caller.store.passkey_remove(user.id, id)?;
    changed(caller, user.id, "second-factor.passkey-removed", visitor)
}

/// Begins a sign-in with whatever passkey the browser has for this server. Error: `passkey_site`.
pub fn sign_in_begin(app: &App) -> Result<Challenge> {
    let now = app.clock.now();
    let (options, begun) = site(app)?.begin_sign_in(&[], Verification::Required, now)?;
    let id = app.sign_ins.signing_in.put(begun, now.plus_ms(ANSWER_WITHIN_MS), now)?;
    Ok(Challenge { id, options })
}

/// Errors: those of `shown`.
pub fn sign_in_finish(app: &App, id: &str, answer: &Signature, visitor: &Visitor) -> Result<SignedIn> {
    let user = shown(app, id, answer, visitor)?;
    enter(app, user, Shown::Two, "sign-in.by-passkey", visitor)
}

/// Whose passkey answered the challenge. Errors: `passkey_late`, `passkey_refused` and the others of `Site::finish_sign_in`.
pub fn shown(app: &App, id: &str, answer: &Signature, visitor: &Visitor) -> Result<User> {
    let now = app.clock.now();
    let begun = app.sign_ins.signing_in.take(id, now).ok_or_else(late)?;
    let row = app.store.passkey_find(&answer.id.0)?.ok_or_else(refused)?;
    let user =
        app.store.user_find(row.user)?.filter(|user| user.disabled_at.is_none()).ok_or_else(refused)?;
    let checked = site(app)?.finish_sign_in(&begun, answer, &read(&row)?, user.id.as_bytes(), now);
    let used = match checked {
        Ok(used) => used.passkey,
        Err(error) => {
            app.metrics.refused(error.code);
            note(app, &user.name, "sign-in.failed", visitor)?;
            return Err(error);
        }
    };
    if !app.store.passkey_use(&row.id, &row.passkey, &written(&used)?)? {
        return Err(refused());
    }
    Ok(user)
}

fn late() -> Error {
    Error::unauthenticated("passkey_late", "the answer came too late, or a second time; try again")
}

/// Whoever guesses learns no more than this.
pub fn refused() -> Error {
    Error::unauthenticated("passkey_refused", "this passkey opens no account here; sign in otherwise")
}

/// What a stored passkey is.
pub fn read(row: &PasskeyRow) -> Result<Passkey> {
    serde_json::from_str(&row.passkey)
        .map_err(|error| Error::internal("store_failed", "a passkey cannot be read").caused_by(error))
}

fn written(passkey: &Passkey) -> Result<String> {
    serde_json::to_string(passkey)
        .map_err(|error| Error::internal("store_failed", "a passkey cannot be written").caused_by(error))
}
