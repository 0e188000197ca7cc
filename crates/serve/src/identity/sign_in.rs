//! Signing in with a name and a password, or with a one-time link.

use ibid_auth::password;
use ibid_store::{Session, User, link_over};
use ibid_types::access::{Granted, Holder, Role};
use ibid_types::{Error, Result, Secret, Timestamp, UserId};

use super::second_factor;
use crate::App;

/// Wrong passwords in a row that cost nothing; each one more doubles the wait, from the first to the last.
const FREE_FAILURES: u32 = 5;
const WAIT_FIRST_MS: i64 = 1000;
const WAIT_LAST_MS: i64 = 15 * 60_000;
const DEVICE_BYTES_MAX: usize = 200;

/// From where somebody comes.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub address: String,
    /// What the browser says of itself.
    pub device: String,
    /// Of the session that it has until now.
    pub former: Option<Secret>,
}

/// How many factors somebody has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    One,
    Two,
}

/// Somebody who is in now.
#[derive(Debug)]
pub struct SignedIn {
    pub user: User,
    pub session: Session,
    pub secret: Secret,
}

/// Errors: those of `check_both`.
pub fn sign_in(
    app: &App,
    name: &str,
    given: &str,
    code: Option<&str>,
    visitor: &Visitor,
) -> Result<SignedIn> {
    let (user, shown) = check_both(app, name, given, code, visitor)?;
    enter(app, user, shown, "sign-in", visitor)
}

/// The account of that name, if the password is its and, where it has a second factor, the code too. Errors: those of `check_password`
/// and of `second_factor::check`.
pub fn check_both(
    app: &App,
    name: &str,
    given: &str,
    code: Option<&str>,
    visitor: &Visitor,
) -> Result<(User, Shown)> {
    let _one = app.sign_ins.guesses.attempt.lock();
    let user = password_of(app, name, given, visitor)?;
    let shown = second_factor::check(app, &user, code, visitor)?;
    Ok((user, shown))
}

/// The account of that name, if the password is its. Errors: `sign_in_failed`, `sign_in_locked`.
pub fn check_password(app: &App, name: &str, given: &str, visitor: &Visitor) -> Result<User> {
    let _one = app.sign_ins.guesses.attempt.lock();
    password_of(app, name, given, visitor)
}

/// The same for whoever holds the lock of attempts. One at a time: attempts side by side would not see each other's failures, and
/// each takes 19 MiB.
fn password_of(app: &App, name: &str, given: &str, visitor: &Visitor) -> Result<User> {
    let name = canonical(name);
    let (user, now) = (app.store.user_named(&name)?, app.clock.now());
    let locked_until = match &user {
        Some(user) => user.locked_until.filter(|until| *until > now),
        None => app.sign_ins.guesses.locked_until(&name, now),
    };
    if let Some(until) = locked_until {
        return Err(locked(app, &name, until, visitor)?);
    }
    let stored =
        user.as_ref().filter(|user| user.disabled_at.is_none()).and_then(|user| user.password.as_deref());
    let is_right = password::verify(given, stored)?;
    let what = "the name or the password is wrong; `ibid auth link NAME` on the server sets another password";
    match user {
        Some(user) if is_right => {
            if stored_anew(&user) {
                app.store.user_rehash(user.id, &password::hash(given)?)?;
            }
            Ok(user)
        }
        Some(user) => Err(failed(app, &user, "sign_in_failed", what, visitor)?),
        None => {
            app.sign_ins.guesses.failed(&name, now);
            app.metrics.refused("sign_in_failed");
            note(app, &name, "sign-in.failed", visitor)?;
            Err(Error::unauthenticated("sign_in_failed", what))
        }
    }
}

/// Error: `sign_in_locked`, for whoever made too many wrong attempts.
pub fn check_lock(app: &App, user: &User, visitor: &Visitor) -> Result<()> {
    match user.locked_until.filter(|until| *until > app.clock.now()) {
        Some(until) => Err(locked(app, &user.name, until, visitor)?),
        None => Ok(()),
    }
}

/// The error for an attempt that comes too soon.
fn locked(app: &App, name: &str, until: Timestamp, visitor: &Visitor) -> Result<Error> {
    note(app, name, "sign-in.locked", visitor)?;
    let what = format!("too many wrong passwords or codes: the next attempt can be made at {until}");
    Ok(Error::too_many_requests("sign_in_locked", what))
}

/// What a wrong password or a wrong code costs; the error for it.
pub fn failed(app: &App, user: &User, code: &'static str, what: &str, visitor: &Visitor) -> Result<Error> {
    let wait = wait_ms(user.failures + 1).map(|ms| app.clock.now().plus_ms(ms));
    app.store.user_tried(user.id, false, wait)?;
    app.metrics.refused(code);
    note(app, &user.name, "sign-in.failed", visitor)?;
    Ok(Error::unauthenticated(code, what))
}

fn stored_anew(user: &User) -> bool {
    user.password.as_deref().is_some_and(password::needs_rehash)
}

/// How long until the next attempt after so many wrong ones.
pub fn wait_ms(failures: u32) -> Option<i64> {
    let over = failures.checked_sub(FREE_FAILURES)?;
    Some(WAIT_FIRST_MS.checked_shl(over.min(20)).unwrap_or(WAIT_LAST_MS).min(WAIT_LAST_MS))
}

/// What comes with a one-time link.
#[derive(Clone, Copy, Debug)]
pub struct ByLink<'a> {
    pub token: &'a str,
    /// Of the first account.
    pub name: Option<&'a str>,
    pub password: &'a str,
    /// Of an account that has a second factor.
    pub code: Option<&'a str>,
}

/// Makes the first account, or sets a password. Errors: `link_over`, `name_malformed`, `password_weak`, `user_exists`, and where
/// there is a second factor `sign_in_locked` and those of `second_factor::check`: whoever makes links for others does not have it.
pub fn use_link(app: &App, link: ByLink<'_>, visitor: &Visitor) -> Result<SignedIn> {
    match app.store.link_find(link.token)?.ok_or_else(link_over)? {
        Some(user) => set_by_link(app, link, user, visitor),
        None => make_first(app, link.token, link.name.unwrap_or_default(), link.password, visitor),
    }
}

fn set_by_link(app: &App, link: ByLink<'_>, user: UserId, visitor: &Visitor) -> Result<SignedIn> {
    let _one = app.sign_ins.guesses.attempt.lock();
    let user = app.store.user_find(user)?.filter(|user| user.disabled_at.is_none()).ok_or_else(link_over)?;
    let ByLink { token, password: given, .. } = link;
    if user.has_second_factor() {
        check_lock(app, &user, visitor)?;
    }
    password::check_policy(given, &[&user.name])?;
    let shown = second_factor::check(app, &user, link.code, visitor)?;
    let hash = password::hash(given)?;
    app.store.link_use(token)?;
    app.store.user_password(user.id, &hash)?;
    enter(app, user, shown, "sign-in.by-link", visitor)
}

fn make_first(app: &App, token: &str, name: &str, given: &str, visitor: &Visitor) -> Result<SignedIn> {
    let name = checked_name(name)?;
    password::check_policy(given, &[&name])?;
    let hash = password::hash(given)?;
    app.store.link_use(token)?;
    let user = app.store.user_create(&name, Some(&hash))?;
    app.store.grant_set(Holder::User(user.id), Granted { role: Role::Owner, workspace: None })?;
    enter(app, user, Shown::One, "account.first", visitor)
}

/// Lets somebody in who has shown who they are. The session that their browser had until then ends.
pub fn enter(app: &App, user: User, shown: Shown, action: &str, visitor: &Visitor) -> Result<SignedIn> {
    let device: String = visitor.device.chars().take(DEVICE_BYTES_MAX).collect();
    app.store.user_tried(user.id, true, None)?;
    if let Some(former) = &visitor.former {
        app.store.session_leave(former.reveal())?;
    }
    let (session, secret) =
        app.store.session_begin(user.id, &visitor.address, &device, shown == Shown::Two)?;
    note(app, &user.name, action, visitor)?;
    Ok(SignedIn { user, session, secret })
}

/// Another password for whoever knows the former one; all their sessions end. Errors: `sign_in_failed`, `password_weak`.
pub fn change_password(
    app: &App,
    user: UserId,
    former: &str,
    given: &str,
    visitor: &Visitor,
) -> Result<SignedIn> {
    let user = app.store.user_find(user)?.ok_or_else(link_over)?;
    let user = check_password(app, &user.name, former, visitor)?;
    password::check_policy(given, &[&user.name])?;
    app.store.user_password(user.id, &password::hash(given)?)?;
    enter(app, user, Shown::One, "password.changed", visitor)
}

pub fn note(app: &App, name: &str, action: &str, visitor: &Visitor) -> Result<()> {
    let subject = format!("from {}", visitor.address);
    app.store.audit_append(&format!("user {name}"), action, &subject).map(drop)
}

/// As names are stored: without blanks around, in lower case.
pub fn canonical(name: &str) -> String {
    name.trim().to_lowercase().chars().take(64).collect()
}

/// Error: `name_malformed`.
pub fn checked_name(name: &str) -> Result<String> {
    let name = name.trim().to_lowercase();
    let is_plain = |c: char| c.is_alphanumeric() || "._-@+ ".contains(c);
    if (2..=64).contains(&name.chars().count()) && name.chars().all(is_plain) {
        return Ok(name);
    }
    let what = "a name has 2 to 64 letters, digits, spaces or . _ - @ +; an e-mail address is one";
    Err(Error::bad_request("name_malformed", what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_password_more_costs_twice_the_time() {
        assert_eq!(wait_ms(4), None);
        assert_eq!((wait_ms(5), wait_ms(6), wait_ms(8)), (Some(1000), Some(2000), Some(8000)));
        assert_eq!(wait_ms(u32::MAX), Some(WAIT_LAST_MS));
    }

    #[test]
    fn names_are_plain() {
        assert_eq!(checked_name(" Ada.L@example.org ").unwrap(), "ada.l@example.org");
        assert_eq!(checked_name("Jürgen M").unwrap(), "jürgen m");
        let long = "x".repeat(65);
        for name in ["", "a", "a\nb", "<b>", "<script>", "a\u{202e}b", &long] {
            assert_eq!(checked_name(name).unwrap_err().code, "name_malformed", "{name:?}");
        }
    }
}
