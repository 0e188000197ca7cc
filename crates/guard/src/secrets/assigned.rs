//! Values that stand behind the name of a secret, and passwords in addresses.
//!
//! Keeps true: a value counts only if it is written as no word is: letters with digits or signs, of some entropy.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::is_example;
use crate::finding::{Finding, Kind};
use crate::text::{after, entropy_bits, goes_on};

/// Names of what people choose: short values count.
const PASSWORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "passwort",
    "kennwort",
    "mot de passe",
    "contraseña",
    "contrasena",
    "senha",
    "wachtwoord",
    "hasło",
    "lösenord",
    "пароль",
];

/// Names of what programs make: long and random.
const KEYS: &[&str] = &[
    "secret",
    "secret_key",
    "secret key",
    "secretkey",
    "secret_access_key",
    "client_secret",
    "api_key",
    "api-key",
    "api key",
    "apikey",
    "access_key",
    "accesskey",
    "access key",
    "private_key",
    "encryption_key",
    "signing_key",
    "auth_token",
    "access_token",
    "refresh_token",
    "bearer_token",
    "token",
    "credential",
    "credentials",
];

/// Longest value that is read.
const VALUE_MAX: usize = 200;
/// Longest user name with password of an address.
const USER_MAX: usize = 200;

pub fn find(text: &str) -> Vec<Finding> {
    let mut found: Vec<Finding> = addresses(text).collect();
    let Some(names) = names() else { return found };
    for hit in names.find_iter(text) {
        if let Some((start, value)) = value(text, hit.end()) {
            let is_chosen = hit.pattern().as_usize() < PASSWORDS.len();
            let fits = if is_chosen { is_password(value) } else { is_key(value) };
            if fits && !is_example(value) {
                let what = if is_chosen { "password" } else { "secret" };
                found.push(Finding::new(Kind::Password, what, start, start + value.len()));
            }
        }
    }
    found
}

fn names() -> Option<&'static AhoCorasick> {
    static NAMES: OnceLock<Option<AhoCorasick>> = OnceLock::new();
    let build = || {
        let all = PASSWORDS.iter().chain(KEYS);
        let builder = || AhoCorasick::builder().ascii_case_insensitive(true).clone();
        builder().match_kind(MatchKind::LeftmostLongest).build(all).ok()
    };
    NAMES.get_or_init(build).as_ref()
}

/// What is assigned after a name that ends at `at`, and where it begins.
fn value(text: &str, at: usize) -> Option<(usize, &str)> {
    if goes_on(text.as_bytes(), at) {
        return None;
    }
    let near = after(text, at, VALUE_MAX + 24);
    let rest = near.trim_start_matches(['"', '\'', '`', '*', ']']).trim_start_matches([' ', '\t']);
    let rest = SIGNS.iter().find_map(|sign| rest.strip_prefix(sign))?;
    let rest = rest.trim_start_matches([' ', '\t', '*']);
    let start = at + near.len() - rest.len();
    let first = rest.chars().next()?;
    if matches!(first, '"' | '\'' | '`' | '“' | '„') {
        let inner = &rest[first.len_utf8()..];
        let end = inner.find(['"', '\'', '`', '”', '“', '\n'])?;
        return Some((start + first.len_utf8(), &inner[..end]));
    }
    let end = rest.find(|c: char| c.is_whitespace() || "\"'`,;<>|".contains(c)).unwrap_or(rest.len());
    Some((start, rest[..end].trim_end_matches(['.', ':', '!', '?', ')', ']', '}', '*'])))
}

/// What stands between a name and its value.
const SIGNS: &[&str] = &[":=", "=>", "==", "=", ":", "is ", "ist ", "lautet ", "est ", "es ", "è ", "är "];

fn is_password(value: &str) -> bool {
    let (letters, digits, signs) = counts(value);
    let mixed = letters > 0 && digits + signs > 0 || digits > 0 && signs > 0;
    let is_word = digits == 0 && value.chars().all(|c| c.is_alphabetic() || "-/.'_()&’:".contains(c));
    let is_code = value.contains(['(', '[']) || value.contains("://");
    (6..=VALUE_MAX).contains(&value.len())
        && mixed
        && !is_word
        && !is_code
        && !value.contains(' ')
        && entropy_bits(value) >= 2.5
}

fn is_key(value: &str) -> bool {
    let (letters, digits, _) = counts(value);
    let belongs = |c: char| c.is_ascii_alphanumeric() || "+/=_-.~".contains(c);
    (16..=VALUE_MAX).contains(&value.len())
        && letters >= 4
        && digits >= 3
        && value.chars().all(belongs)
        && entropy_bits(value) >= 3.2
}

fn counts(value: &str) -> (usize, usize, usize) {
    let count = |is: fn(char) -> bool| value.chars().filter(|c| is(*c)).count();
    (count(char::is_alphabetic), count(|c| c.is_ascii_digit()), count(|c| c.is_ascii_punctuation()))
}

/// Passwords between a scheme and a host: `postgres://user:password@host`.
fn addresses(text: &str) -> impl Iterator<Item = Finding> + '_ {
    text.match_indices("://").filter_map(move |(at, sign)| {
        let has_scheme = at > 0 && text.as_bytes()[at - 1].is_ascii_alphanumeric();
        let start = at + sign.len();
        let near = after(text, start, USER_MAX);
        let ends = |c: char| c.is_whitespace() || "/?#\"'<>`".contains(c);
        let authority = &near[..near.find(ends).unwrap_or(near.len())];
        let (user, host) = authority.rsplit_once('@')?;
        let (name, password) = user.split_once(':')?;
        let is_one = has_scheme && !host.is_empty() && password.len() >= 3 && !is_example(password);
        let is_named =
            ["password", "pass", "pwd", "secret"].contains(&password.to_ascii_lowercase().as_str());
        let from = start + name.len() + 1;
        (is_one && !is_named).then(|| {
            Finding::new(Kind::ConnectionString, "password in an address", from, from + password.len())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<&str> {
        find(text).iter().map(|finding| finding.text(text)).collect()
    }

    #[test]
    fn passwords_are_found_in_their_usual_dress() {
        for text in [
            "password=Tr0ub4dor&3",
            "The password is Tr0ub4dor&3.",
            "DB_PASSWORD: \"Tr0ub4dor&3\"",
            "{\"password\": \"Tr0ub4dor&3\", \"x\": 1}",
            "Das Kennwort lautet Tr0ub4dor&3",
            "Passwort:Tr0ub4dor&3, gültig ab morgen",
            "**Password:** Tr0ub4dor&3",
            "pwd := 'Tr0ub4dor&3'",
        ] {
            assert_eq!(values(text), ["Tr0ub4dor&3"], "{text}");
        }
    }

    #[test]
    fn keys_are_long_and_mixed() {
        assert_eq!(values("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYz9Kd83hQ2p").len(), 1);
        assert_eq!(values("\"client_secret\": \"8f14e45fceea167a5a36dedd4bea2543\"").len(), 1);
        for text in ["token: bert-base-uncased", "secret=abc123", "credentials: see page 12345678901234567"] {
            assert_eq!(values(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn words_behind_the_name_are_no_secrets() {
        for text in [
            "password is mandatory/optional",
            "password: required (8 characters)",
            "Password=getPassword(user1)",
            "password: https://example.org/reset1",
            "the password is not 12",
            "a token is 4 characters",
            "password_hash_rounds=12",
        ] {
            assert_eq!(values(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn an_address_gives_its_password_only() {
        assert_eq!(values("postgres://ada:Hx7kQ@db:5432/x"), ["Hx7kQ"]);
        assert_eq!(values("mongodb+srv://a:p@ss@h.net/"), ["p@ss"]);
        for text in
            ["https://example.org/a:b@c", "redis://user:password@host", "amqp://u:${PASS}@h", "://a:bcd@h"]
        {
            assert_eq!(values(text), [""; 0], "{text}");
        }
    }
}
