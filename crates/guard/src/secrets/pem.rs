//! Private keys in armour: PEM, OpenPGP and PuTTY.
//!
//! Keeps true: from one head to the next or to its end is read once; a head without a body, as manuals show it, is no key.

use crate::finding::{Finding, Kind};

const HEAD: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
const PUTTY: &str = "PuTTY-User-Key-File-";
/// Longest label of a head ("ENCRYPTED PRIVATE KEY").
const LABEL_MAX: usize = 48;
/// Letters of a body whose end is not there.
const BODY_LEAST: usize = 40;
/// Letters of a body that has an end: the shortest real one is a key of Curve25519 with 64.
const WHOLE_LEAST: usize = 5;

pub fn find(text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find(HEAD).map(|at| from + at) {
        let body = start + HEAD.len();
        let key = label_end(text, body).and_then(|body| whole(text, start, body));
        from = key.map_or(body, |finding| finding.end);
        found.extend(key);
    }
    found.extend(putty(text));
    found
}

/// Where the head ends, if it is of a private key.
fn label_end(text: &str, start: usize) -> Option<usize> {
    let label = crate::text::after(text, start, LABEL_MAX);
    let (label, _) = label.split_once(DASHES)?;
    label.contains("PRIVATE KEY").then_some(start + label.len() + DASHES.len())
}

fn whole(text: &str, start: usize, body: usize) -> Option<Finding> {
    let dashes = text[body..].find(DASHES).map_or(text.len(), |at| body + at);
    let letters = |end: usize| text[body..end].bytes().filter(u8::is_ascii_alphanumeric).count();
    let end = text[dashes..].strip_prefix(END).and_then(|rest| {
        let label = crate::text::after(rest, 0, LABEL_MAX).find(DASHES)?;
        Some(dashes + END.len() + label + DASHES.len())
    });
    let (least, last, end) = match end {
        Some(end) => (WHOLE_LEAST, dashes, end),
        None => {
            let last = body + unended(&text[body..dashes]);
            (BODY_LEAST, last, last)
        }
    };
    (letters(last) >= least).then(|| Finding::new(Kind::PrivateKey, "private key", start, end))
}

/// How far the letters of a key go that has no end: up to the first line that has a word gap in it.
fn unended(body: &str) -> usize {
    let is_armour = |line: &&str| line.contains(": ") || !line.trim().contains(' ');
    let length: usize = body.split_inclusive('\n').take_while(is_armour).map(str::len).sum();
    body[..length].trim_end().len()
}

/// From the head to the checksum, or to the end of the text.
fn putty(text: &str) -> Option<Finding> {
    let start = text.find(PUTTY)?;
    let rest = &text[start..];
    let private = rest.find("Private-Lines:")?;
    let end = rest[private..].find("Private-MAC:").map_or(rest.len(), |at| {
        let line = rest[private + at..].find('\n').unwrap_or(rest.len() - private - at);
        private + at + line
    });
    Some(Finding::new(Kind::PrivateKey, "PuTTY key", start, start + end))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";

    fn one(text: &str) -> &str {
        let found = find(text);
        assert_eq!(found.len(), 1, "{text}");
        found[0].text(text)
    }

    #[test]
    fn a_key_is_found_from_head_to_end() {
        let key = format!("-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n-----END RSA PRIVATE KEY-----");
        assert_eq!(one(&format!("before {key} after")), key);
        let escaped = key.replace('\n', "\\n");
        assert_eq!(one(&format!("{{\"private_key\": \"{escaped}\\n\"}}")), escaped);
    }

    #[test]
    fn a_key_that_was_cut_goes_as_far_as_its_letters() {
        let cut = format!("-----BEGIN PRIVATE KEY-----\n{BODY}");
        assert_eq!(one(&format!("{cut}\nand so on it goes")), cut);
        let two = format!("{cut}\n{cut}");
        assert_eq!(find(&two).len(), 2);
    }

    #[test]
    fn a_head_alone_and_a_public_key_are_none() {
        assert_eq!(
            find(
                "/// -----BEGIN PRIVATE KEY-----\n/// ```\n/// The traits that decode keys are in this module."
            ),
            []
        );
        assert_eq!(find("begins with -----BEGIN PRIVATE KEY----- as you know"), []);
        assert_eq!(find(&format!("-----BEGIN PUBLIC KEY-----\n{BODY}\n-----END PUBLIC KEY-----")), []);
        assert_eq!(find("-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----"), []);
    }

    #[test]
    fn putty_keeps_its_own_form() {
        let text = format!("PuTTY-User-Key-File-3: x\nPrivate-Lines: 1\n{BODY}\nPrivate-MAC: 0a\nend");
        assert_eq!(one(&text), &text[..text.len() - 4]);
    }
}
