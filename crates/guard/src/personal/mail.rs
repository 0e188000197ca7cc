//! Mail addresses (RFC 5321 as people write them).
//!
//! Keeps true: the part before `@` and the host are looked at for at most 64 and 253 bytes, so time is linear.

use crate::finding::{Finding, Kind};
use crate::text::{after, before};

/// RFC 5321, 4.5.3.1.1 and 4.5.3.1.2.
const NAME_MAX: usize = 64;
const HOST_MAX: usize = 253;

pub fn find(text: &str) -> Vec<Finding> {
    text.match_indices('@').filter_map(|(at, _)| address(text, at)).collect()
}

fn address(text: &str, at: usize) -> Option<Finding> {
    let near = before(text, at, NAME_MAX + 4);
    let belongs = |c: char| c.is_alphanumeric() || "._%+-'’".contains(c);
    let name = &near[near.char_indices().rev().take_while(|(_, c)| belongs(*c)).last()?.0..];
    let name = name.trim_start_matches(['.', '\'', '’', '-', '+']);
    let host = host(after(text, at + 1, HOST_MAX + 1))?;
    let fits = !name.is_empty() && name.len() <= NAME_MAX && !name.ends_with('.');
    fits.then(|| Finding::new(Kind::Email, "e-mail address", at - name.len(), at + 1 + host.len()))
}

/// Labels with dots between, the last of letters.
fn host(near: &str) -> Option<&str> {
    let belongs = |c: char| c.is_alphanumeric() || c == '.' || c == '-';
    let end = near.find(|c: char| !belongs(c)).unwrap_or(near.len());
    let host = near[..end].trim_end_matches(['.', '-']);
    let (rest, top) = host.rsplit_once('.')?;
    let is_top = top.len() >= 2 && top.len() <= 24 && top.chars().all(char::is_alphabetic);
    let labels =
        rest.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
    (is_top && labels && host.len() <= HOST_MAX).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        find(text).iter().map(|finding| finding.text(text)).collect()
    }

    #[test]
    fn addresses_are_found_without_what_surrounds_them() {
        assert_eq!(found("Write to <ada.l+x@mail.example.org>."), ["ada.l+x@mail.example.org"]);
        assert_eq!(found("'ada@example.org' or mailto:bob@b.co?x"), ["ada@example.org", "bob@b.co"]);
        assert_eq!(found("jürgen@müller.de"), ["jürgen@müller.de"]);
        assert_eq!(found("o'brien@example.ie"), ["o'brien@example.ie"]);
    }

    #[test]
    fn an_at_sign_alone_is_none() {
        for text in [
            "@ada",
            "a@b",
            "3 @ 5.00",
            "user@localhost",
            "x@1.2.3",
            "precision@10.",
            "@",
            "a@.b.c",
            "a@-b.de",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn names_have_a_limit() {
        let long = format!("{}@example.org", "a".repeat(65));
        assert_eq!(found(&long), [""; 0]);
    }
}
