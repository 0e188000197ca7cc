//! The cookie of a session: for our own page only, and for no script.

use ibid_types::Secret;

use crate::App;

const NAME: &str = "ibid_session";
const AT_PROVIDER: &str = "ibid_at_provider";
const AT_PROVIDER_SECONDS: u32 = 600;
/// The browser forgets it then; the server has its own limits.
const SECONDS: u32 = 30 * 24 * 3600;

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
    let secure = if is_encrypted(app) { "; Secure" } else { "" };
    format!(
        "{AT_PROVIDER}={id}; Path=/v1/auth/oidc; Max-Age={AT_PROVIDER_SECONDS}; HttpOnly; SameSite=Lax{secure}"
    )
}

/// What that cookie holds, if this is the one.
pub fn at_provider_in(pair: &str) -> Option<String> {
    let (name, value) = pair.trim().split_once('=')?;
    (name == AT_PROVIDER && !value.is_empty()).then(|| value.to_owned())
}

/// The secret, if this is our cookie.
pub fn secret_in(pair: &str) -> Option<String> {
    let (name, value) = pair.trim().split_once('=')?;
    (name == NAME && !value.is_empty()).then(|| value.to_owned())
}

/// Whether browsers reach the server by https: it has a certificate, or its public address says so.
fn is_encrypted(app: &App) -> bool {
    app.config.server.tls.is_on() || app.config.notify.public_url.starts_with("https://")
}

fn set(value: &str, seconds: u32, is_encrypted: bool) -> String {
    let secure = if is_encrypted { "; Secure" } else { "" };
    format!("{NAME}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_script_and_no_other_site_has_it() {
        let told = set("x", 5, true);
        assert!(["HttpOnly", "SameSite=Strict", "Secure", "Path=/"].iter().all(|word| told.contains(word)));
        assert!(!set("x", 5, false).contains("Secure"));
    }

    #[test]
    fn it_is_found_among_others() {
        assert_eq!(secret_in(" ibid_session=abc"), Some("abc".to_owned()));
        assert_eq!(secret_in("ibid_session="), None);
        assert_eq!(secret_in("other=abc"), None);
    }
}
