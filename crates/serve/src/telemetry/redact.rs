//! What must not be in a log or a trace: secrets and personal data, found by their form.
//!
//! Keeps true: text that holds nothing of the kind comes back as it is.

use std::borrow::Cow;

use ibid_guard::{Finding, Kind, find_personal, find_secrets, redacted};

/// What goes before a secret of any form.
const SCHEMES: [&str; 2] = ["bearer ", "basic "];
/// What stands in the place of what has no form of its own.
const REDACTED: &str = "[redacted]";

/// The text without what must not be seen.
pub fn redact(text: &str) -> Cow<'_, str> {
    if text.len() < 8 || is_id(text) {
        return Cow::Borrowed(text);
    }
    let safe = hide(without(Cow::Borrowed(text), find_secrets), in_address);
    let safe = without(safe, people);
    SCHEMES.into_iter().fold(safe, |safe, scheme| hide(safe, |text| after_scheme(text, scheme)))
}

/// Personal data; addresses of machines are what a log is about.
fn people(text: &str) -> Vec<Finding> {
    let mut found = find_personal(text);
    found.retain(|one| one.kind != Kind::IpAddress);
    found
}

/// Without what `find` finds, unless that is part of an id.
fn without(text: Cow<'_, str>, find: fn(&str) -> Vec<Finding>) -> Cow<'_, str> {
    let mut found = find(&text);
    found.retain(|one| !is_part_of_id(&text, one.start, one.end));
    if found.is_empty() { text } else { Cow::Owned(redacted(&text, &found)) }
}

/// Replaces what `find` finds, again and again.
fn hide(mut text: Cow<'_, str>, find: impl Fn(&str) -> Option<(usize, usize)>) -> Cow<'_, str> {
    let mut done = 0;
    while let Some((start, end)) = find(&text[done..]) {
        let (start, end) = (done + start, done + end);
        text.to_mut().replace_range(start..end, REDACTED);
        done = start + REDACTED.len();
    }
    text
}

/// The word behind `Bearer` and the like.
fn after_scheme(text: &str, scheme: &str) -> Option<(usize, usize)> {
    let mut from = 0;
    while let Some(at) = text.get(from..)?.to_ascii_lowercase().find(scheme) {
        let start = from + at + scheme.len();
        let end = start + word_length(text.get(start..)?);
        if end - start >= 6 && !text[start..end].starts_with('[') {
            return Some((start, end));
        }
        from = end.max(start);
    }
    None
}

fn word_length(text: &str) -> usize {
    text.find(|c: char| c.is_whitespace() || "\"',;".contains(c)).unwrap_or(text.len())
}

/// User and password before the `@` of an address: the name of an account is nobody's business in a log.
fn in_address(text: &str) -> Option<(usize, usize)> {
    for (at, _) in text.match_indices("://") {
        let start = at + 3;
        let host = &text[start..];
        let end = host.find(|c: char| c.is_whitespace() || "/?#\"'".contains(c)).unwrap_or(host.len());
        if let Some(user) = host[..end].rfind('@')
            && !host.starts_with(REDACTED)
        {
            return Some((start, start + user));
        }
    }
    None
}

/// Ids of our own and those of traces are digits that look like much else.
fn is_id(text: &str) -> bool {
    text.len() <= 64
        && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
        && text.contains(|c: char| c.is_ascii_alphabetic())
}

fn is_part_of_id(text: &str, start: usize, end: usize) -> bool {
    let is_inside = |c: char| c.is_ascii_hexdigit() || c == '-';
    let before = text[..start]
        .rfind(|c| !is_inside(c))
        .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    let after = text[end..].find(|c| !is_inside(c)).map_or(text.len(), |at| end + at);
    after - before == 36 && is_id(&text[before..after])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_pass() {
        let key = format!("ibid_{}", "0123456789abcdef".repeat(4));
        let github = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
        for (text, secret) in [
            ("sent 'Authorization: Bearer tok3n-value-x' to it".to_owned(), "tok3n-value-x"),
            ("authorization: basic dXNlcjpwYXNz".to_owned(), "dXNlcjpwYXNz"),
            (format!("the key {key} is unknown"), key.as_str()),
            ("postgres://ada:hunter2@db:5432/ibid is down".to_owned(), "hunter2"),
            (format!("pushed with {github} today"), github.as_str()),
            ("login failed: password=correct-horse-9".to_owned(), "correct-horse-9"),
        ] {
            let safe = redact(&text);
            assert!(!safe.contains(secret) && safe.contains('['), "{safe}");
        }
    }

    #[test]
    fn personal_data_does_not_pass() {
        for text in
            ["asked by ada@example.org", "card 4111 1111 1111 1111", "IBAN DE89 3704 0044 0532 0130 00"]
        {
            assert!(redact(text).contains('['), "{text}");
        }
    }

    #[test]
    fn what_is_harmless_stays() {
        for text in [
            "request",
            "/v1/threads/0199f3a1-1234-7890-8123-456789012345/turns",
            "0199f3a1-1234-7890-8123-456789012345",
            "4bf92f3577b34da6a3ce929d0e0e4736",
            "listening on http://127.0.0.1:8080",
            "the embedder is loaded",
            "a bearer of bad news",
            "a connection from 192.0.2.7 was closed",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
