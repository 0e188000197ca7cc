//! The second factor: authenticator apps and recovery codes.
//!
//! Keeps true: whoever changes a factor has shown just now all that a sign-in takes: the password (or, without one, signed in just now)
//! and a code where there is a factor, or a passkey; a code counts once.

use ibid_auth::passkey::Signature;
use ibid_auth::recovery::RecoveryCodes;
use ibid_auth::totp::TotpSecret;
use ibid_store::{Totp, User};
use ibid_types::{Error, Result, Secret, UserId};

use super::passkeys;
use super::sign_in::{Shown, Visitor, check_both, check_lock, check_password, failed, note};
use crate::App;
use crate::access::Caller;

/// To scan the picture and type the code.
const SET_UP_WITHIN_MS: i64 = 15 * 60_000;
/// Whoever has no password must have signed in so lately.
const FRESH_MS: i64 = 10 * 60_000;
/// As apps name us.
const ISSUER: &str = "Ibid";

/// An app that is being set up.
#[derive(Debug)]
pub struct NewApp {
    pub id: String,
    /// For typing.
    pub secret: Secret,
    /// For the picture.
    pub uri: Secret,
}

/// What somebody shows who is in already.
#[derive(Debug, Default)]
pub struct Proof {
    pub password: Secret,
    pub code: Option<String>,
    /// The challenge, and the passkey's answer.
    pub passkey: Option<(String, Signature)>,
}

/// The account that asks, if whoever asks has shown all that a sign-in takes. Errors: `account_missing`, `session_stale`, those of
/// `check_both` and of `passkeys::shown`.
pub fn confirmed(caller: &Caller, proof: &Proof, visitor: &Visitor) -> Result<User> {
    let user = asking(caller)?;
    let code = proof.code.as_deref();
    if let Some(passkey) = &proof.passkey {
        by_passkey(caller, &user, passkey, visitor)?;
    } else if user.password.is_some() {
        check_both(caller, &user.name, proof.password.reveal(), code, visitor)?;
    } else {
        check_fresh(caller, &user)?;
        check_code(caller, &user, code, visitor)?;
    }
    Ok(user)
}

/// The same for whoever has shown one factor, which is enough to end sessions. Errors: those of `confirmed`.
pub fn present(caller: &Caller, proof: &Proof, visitor: &Visitor) -> Result<User> {
    let user = asking(caller)?;
    if let Some(passkey) = &proof.passkey {
        by_passkey(caller, &user, passkey, visitor)?;
    } else if user.password.is_some() {
        check_password(caller, &user.name, proof.password.reveal(), visitor)?;
    } else if user.has_second_factor() && proof.code.is_some() {
        check_code(caller, &user, proof.code.as_deref(), visitor)?;
    } else {
        check_fresh(caller, &user)?;
    }
    Ok(user)
}

fn asking(caller: &Caller) -> Result<User> {
    let (id, _) = caller.account()?;
    caller.store.user_find(id)?.ok_or_else(ibid_store::link_over)
}

/// A passkey shows two factors: it has asked its owner for a code or a finger.
fn by_passkey(app: &App, user: &User, (id, answer): &(String, Signature), visitor: &Visitor) -> Result<()> {
    let owner = passkeys::shown(app, id, answer, visitor)?;
    if owner.id == user.id { Ok(()) } else { Err(passkeys::refused()) }
}

fn check_fresh(caller: &Caller, user: &User) -> Result<()> {
    let (_, session) = caller.account()?;
    let begun = caller.store.session_list(Some(user.id))?.into_iter().find(|one| one.id == session);
    if begun.is_some_and(|session| caller.clock.now().0 - session.created_at.0 < FRESH_MS) {
        return Ok(());
    }
    let what = "you signed in too long ago for this; sign out, sign in again, and do it within ten minutes";
    Err(Error::unauthenticated("session_stale", what))
}

fn check_code(app: &App, user: &User, code: Option<&str>, visitor: &Visitor) -> Result<()> {
    let _one = app.sign_ins.guesses.attempt.lock();
    check_lock(app, user, visitor)?;
    check(app, user, code, visitor).map(drop)
}

/// What is shown with the code, which is right where the account needs one. Errors: `second_factor_needed`, `second_factor_wrong`.
pub fn check(app: &App, user: &User, code: Option<&str>, visitor: &Visitor) -> Result<Shown> {
    if !user.has_second_factor() {
        return Ok(Shown::One);
    }
    let Some(code) = code.filter(|code| !code.trim().is_empty()) else {
        let what = if user.has_app {
            "type the code that your authenticator app shows, or a recovery code"
        } else {
            "sign in with your passkey, or type a recovery code"
        };
        note(app, &user.name, "sign-in.code-awaited", visitor)?;
        return Err(Error::unauthenticated("second_factor_needed", what));
    };
    if is_code_of_app(app, user.id, code)? || is_recovery_code(app, user.id, code)? {
        return Ok(Shown::Two);
    }
    let what = "the code is wrong, or was used before; wait for the next one, and compare the clocks";
    Err(failed(app, user, "second_factor_wrong", what, visitor)?)
}

fn is_code_of_app(app: &App, user: UserId, code: &str) -> Result<bool> {
    let Some(totp) = app.store.totp(user)? else { return Ok(false) };
    let step = app_secret(&totp.secret)?.verify(code, app.clock.now(), Some(totp.step_used));
    step.map_or(Ok(false), |step| app.store.totp_use(user, step))
}

fn is_recovery_code(app: &App, user: UserId, code: &str) -> Result<bool> {
    let stored = app.store.recovery(user)?;
    let mut codes = codes_of(&stored)?;
    Ok(codes.take(code) && app.store.recovery_set(user, &stored, &text_of(&codes)?)?)
}

/// How many recovery codes are left.
pub fn recovery_left(app: &App, user: UserId) -> Result<usize> {
    codes_of(&app.store.recovery(user)?).map(|codes| codes.left())
}

/// A secret for an app; it counts once its first code came. Errors: those of `confirmed`.
pub fn app_begin(caller: &Caller, proof: &Proof, visitor: &Visitor) -> Result<NewApp> {
    let user = confirmed(caller, proof, visitor)?;
    let (secret, now) = (TotpSecret::generate()?, caller.clock.now());
    let (typed, uri) = (secret.typed(), secret.uri(ISSUER, &user.name));
    let id = caller.sign_ins.apps.put((user.id, secret), now.plus_ms(SET_UP_WITHIN_MS), now)?;
    Ok(NewApp { id, secret: typed, uri })
}

/// Uses the app from now on; says the recovery codes, where there were none. Errors: `set_up_over`, `second_factor_wrong`.
pub fn app_finish(caller: &Caller, id: &str, code: &str, visitor: &Visitor) -> Result<Vec<Secret>> {
    let (account, _) = caller.account()?;
    let now = caller.clock.now();
    let (user, secret) =
        caller.sign_ins.apps.take(id, now).filter(|(user, _)| *user == account).ok_or_else(over)?;
    let Some(step) = secret.verify(code, now, None) else {
        // The next code may be typed for the same picture.
        caller.sign_ins.apps.put_back(id, (user, secret), now.plus_ms(SET_UP_WITHIN_MS));
        let what = "this is not the code that the app shows for the picture; type the one that it shows now";
        return Err(Error::bad_request("second_factor_wrong", what));
    };
    let totp = Totp { secret: stored_secret(&secret), step_used: step };
    caller.store.totp_set(user, Some(&totp))?;
    changed(caller, user, "second-factor.app-added", visitor)?;
    first_codes(caller, user)
}

/// Errors: those of `confirmed`.
pub fn app_remove(caller: &Caller, proof: &Proof, visitor: &Visitor) -> Result<()> {
    let user = confirmed(caller, proof, visitor)?;
    caller.store.totp_set(user.id, None)?;
    changed(caller, user.id, "second-factor.app-removed", visitor)
}

/// New recovery codes; the former ones count no more. Errors: those of `confirmed`, `second_factor_missing`.
pub fn codes_renew(caller: &Caller, proof: &Proof, visitor: &Visitor) -> Result<Vec<Secret>> {
    let user = confirmed(caller, proof, visitor)?;
    if !user.has_second_factor() {
        let what = "recovery codes replace a second factor; set up an authenticator app or a passkey first";
        return Err(Error::conflict("second_factor_missing", what));
    }
    changed(caller, user.id, "second-factor.codes-renewed", visitor)?;
    new_codes(caller, user.id)
}

/// Recovery codes for whoever has none.
pub fn first_codes(app: &App, user: UserId) -> Result<Vec<Secret>> {
    if recovery_left(app, user)? > 0 { Ok(Vec::new()) } else { new_codes(app, user) }
}

fn new_codes(app: &App, user: UserId) -> Result<Vec<Secret>> {
    let (shown, codes) = RecoveryCodes::generate()?;
    if !app.store.recovery_set(user, &app.store.recovery(user)?, &text_of(&codes)?)? {
        return Err(Error::conflict("store_conflict", "the codes were changed at the same time; try again"));
    }
    Ok(shown)
}

pub fn changed(caller: &Caller, user: UserId, action: &str, visitor: &Visitor) -> Result<()> {
    let user = caller.store.user_find(user)?.map(|user| user.name).unwrap_or_default();
    note(caller, &user, action, visitor)
}

fn over() -> Error {
    Error::bad_request("set_up_over", "this took longer than a quarter of an hour, or is done; begin again")
}

fn stored_secret(secret: &TotpSecret) -> Secret {
    Secret::new(secret.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Errors: `totp_secret_malformed`.
fn app_secret(stored: &Secret) -> Result<TotpSecret> {
    let text = stored.reveal();
    let byte = |at: usize| text.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
    let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(byte).collect();
    TotpSecret::from_bytes(&bytes.unwrap_or_default())
}

fn codes_of(stored: &str) -> Result<RecoveryCodes> {
    serde_json::from_str(stored).map_err(|error| {
        Error::internal("store_failed", "the recovery codes cannot be read").caused_by(error)
    })
}

fn text_of(codes: &RecoveryCodes) -> Result<String> {
    serde_json::to_string(codes).map_err(|error| {
        Error::internal("store_failed", "the recovery codes cannot be written").caused_by(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_secret_is_read_back() {
        let secret = TotpSecret::generate().unwrap();
        assert_eq!(app_secret(&stored_secret(&secret)).unwrap(), secret);
        for damaged in ["", "0", "zz", "é"] {
            let read = app_secret(&Secret::new(damaged.to_owned()));
            assert_eq!(read.unwrap_err().code, "totp_secret_malformed");
        }
    }
}
