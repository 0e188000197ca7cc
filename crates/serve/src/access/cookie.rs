//! The cookie of a session: for our own page only, and for no script.
//!
//! Keeps true: where browsers come by https its name begins with `__Host-`, and no other name is listened to: browsers let no other
//! host and no unencrypted page set such a cookie (RFC 6265bis, section 4.1.3.2).

use ibid_types::Secret;

use crate::App;

const NAME: Names = Names { open: "ibid_session", encrypted: "__Host-ibid_session" };
const AT_PROVIDER: Names = Names { open: "ibid_at_provider", encrypted: "__Host-ibid_at_provider" };
const AT_PROVIDER_SECONDS: u32 = 600;
/// The browser forgets it then; the server has its own limits.
const SECONDS: u32 = 30 * 24 * 3600;

/// What a cookie is called without and with https.
struct Names {
    open: &'static str,
    encrypted: &'static str,
}

impl Names {
    const fn of(&self, is_encrypted: bool) -> &'static str {
        if is_encrypted { self.encrypted } else { self.open }
    }
}

/// The value of `Set-Cookie` that begins or renews a session.
pub fn session(app: &App, secret: &Secret) -> String {
    set(secret.reveal(), SECONDS, is_encrypted(app))
}

/// The one that takes it away.
pub fn none(app: &App) -> String {
    set("", 0, is_encrypted(app))
}

/// The value of `Set-Cookie` by which a browser is known again that comes back from the sign-in provider: another site sends it,
/// so the cookie is not for our own page only.
pub fn at_provider(app: &App, id: &str) -> String {
    let is_encrypted = is_encrypted(app);
    let (name, secure) = (AT_PROVIDER.of(is_encrypted), secure(is_encrypted));
    format!("{name}={id}; Path=/; Max-Age={AT_PROVIDER_SECONDS}; HttpOnly; SameSite=Lax{secure}")
}

/// What that cookie holds, if this is the one.
pub fn at_provider_in(pair: &str, is_encrypted: bool) -> Option<String> {
    value_of(pair, AT_PROVIDER.of(is_encrypted))
}

/// The secret, if this is our cookie.
pub fn secret_in(pair: &str, is_encrypted: bool) -> Option<String> {
    value_of(pair, NAME.of(is_encrypted))
}

/// Whether browsers reach the server by https: it has a certificate, or its public address says so.
pub fn is_encrypted(app: &App) -> bool {
    app.config.server.tls.is_on() || app.config.notify.public_url.starts_with("https://")
}

fn value_of(pair: &str, wanted: &str) -> Option<String> {
    let (name, value) = pair.trim().split_once('=')?;
    (name == wanted && !value.is_empty()).then(|| value.to_owned())
}

fn set(value: &str, seconds: u32, is_encrypted: bool) -> String {
    let (name, secure) = (NAME.of(is_encrypted), secure(is_encrypted));
    format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

const fn secure(is_encrypted: bool) -> &'static str {
    if is_encrypted { "; Secure" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_script_and_no_other_site_has_it() {
        let told = set("x", 5, true);
        assert!(["HttpOnly", "SameSite=Strict", "Secure", "Path=/"].iter().all(|word| told.contains(word)));
        assert!(told.starts_with("__Host-") && !told.contains("Domain"));
        assert!(!set("x", 5, false).contains("Secure"));
    }

    #[test]
    fn it_is_found_among_others() {
        assert_eq!(secret_in(" ibid_session=abc", false), Some("abc".to_owned()));
        assert_eq!(secret_in("ibid_session=", false), None);
        assert_eq!(secret_in("other=abc", false), None);
    }

    #[test]
    fn what_another_host_could_have_set_is_not_listened_to() {
        assert_eq!(secret_in("__Host-ibid_session=abc", true), Some("abc".to_owned()));
        assert_eq!(secret_in("ibid_session=abc", true), None);
        assert_eq!(at_provider_in("ibid_at_provider=abc", true), None);
    }
}
