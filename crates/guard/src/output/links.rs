//! Addresses of the web in a text, and which of them an answer may show.
//!
//! Keeps true: an address is permitted only as a whole, as a passage or the question had it, or without its query; so
//! nothing can be added to it that tells whoever keeps it what the answer knows.

use std::collections::HashSet;
use std::ops::Range;

/// Longest value of a query in a link that stays; a longer one carries data even if a document had it.
const VALUE_MAX: usize = 64;
/// Longest address that is read.
const ADDRESS_MAX: usize = 2048;

/// Addresses that were seen before the answer was written.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    known: HashSet<String>,
}

impl Addresses {
    /// All addresses in texts: the cited passages and the question.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all = Self::default();
        texts.into_iter().for_each(|text| all.extend(text));
        all
    }

    /// Adds all addresses of a text.
    pub fn extend(&mut self, text: &str) {
        for place in addresses(text) {
            self.insert(&text[place]);
        }
    }

    /// Adds one, such as a document's own source; what is no address of the web adds nothing.
    pub fn insert(&mut self, address: &str) {
        let address = usual(address);
        if address.is_empty() {
            return;
        }
        let bare = address.split(['?', '#']).next().unwrap_or_default();
        self.known.insert(bare.trim_end_matches('/').to_owned());
        self.known.insert(address);
    }

    /// Whether a reader may follow it: a place in the answer itself, or a known address without data.
    #[must_use]
    pub fn permits_link(&self, address: &str) -> bool {
        let is_place = address.starts_with('#') && !address.contains(['/', ':']);
        is_place || self.known.contains(&usual(address)) && !carries_data(address)
    }

    /// Whether a reader's program may load it without being asked: a known address without query and fragment.
    #[must_use]
    pub fn permits_image(&self, address: &str) -> bool {
        !address.contains(['?', '#']) && self.known.contains(&usual(address))
    }
}

/// Scheme and host in lower case, no slash at the end; other schemes than the web's are none.
fn usual(address: &str) -> String {
    let address = address.trim().trim_end_matches('/');
    let (scheme, rest) = match address.split_once("://") {
        Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
        None if starts_with(address, "www.") => ("http".to_owned(), address),
        None => return String::new(),
    };
    let is_web = matches!(scheme.as_str(), "http" | "https");
    let is_odd = rest.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\');
    let host_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(host_end);
    if !is_web || is_odd || host.is_empty() || host.contains('@') {
        return String::new();
    }
    format!("{scheme}://{}{path}", host.to_ascii_lowercase())
}

fn carries_data(address: &str) -> bool {
    let query = address.split_once('?').map_or("", |(_, query)| query);
    query.split(['&', '#', '=']).any(|value| value.len() > VALUE_MAX)
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Where addresses stand in a text that programs make links of.
pub fn addresses(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(found) = next_sign(text, at) {
            let start = begin(text, at, found);
            let end = end(text, found);
            at = end.max(found + 1);
            if let Some(start) = start
                && end > found + 4
            {
                return Some(start..end);
            }
        }
        None
    })
}

/// The next `://` or `www.`; the latter in any case of letters.
fn next_sign(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let is_sign = |at: &usize| {
        let rest = &bytes[*at..];
        rest.starts_with(b"://") || rest.len() > 4 && rest[..4].eq_ignore_ascii_case(b"www.")
    };
    (from..bytes.len()).find(is_sign)
}

/// Where an address begins: its scheme before `://`, or `www.` at the beginning of a word.
fn begin(text: &str, from: usize, sign: usize) -> Option<usize> {
    let before = text.get(from..sign)?;
    if text[sign..].starts_with("://") {
        let letters = before.bytes().rev().take(10).take_while(|byte| byte.is_ascii_alphanumeric()).count();
        return (letters > 0).then(|| sign - letters);
    }
    let begins = sign == 0 || !text.as_bytes()[sign - 1].is_ascii_alphanumeric();
    begins.then_some(sign)
}

/// Where an address ends: before white space, brackets that it did not open, and the signs that end a sentence.
fn end(text: &str, sign: usize) -> usize {
    let rest = crate::text::after(text, sign, ADDRESS_MAX);
    let mut open = 0_usize;
    let mut length = rest.len();
    for (at, character) in rest.char_indices() {
        let ends = match character {
            '(' => {
                open += 1;
                false
            }
            ')' if open > 0 => {
                open -= 1;
                false
            }
            ')' | '<' | '>' | '"' | '`' | '|' | '[' | ']' | '{' | '}' | '\\' => true,
            other => other.is_whitespace() || other.is_control(),
        };
        if ends {
            length = at;
            break;
        }
    }
    sign + rest[..length]
        .trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '_', '~', '“', '”', '…'])
        .len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        addresses(text).map(|place| &text[place]).collect()
    }

    #[test]
    fn what_is_no_address_permits_nothing() {
        let mut known = Addresses::default();
        known.insert("notes/bakery.md");
        assert!(!known.permits_link("javascript:alert(1)") && !known.permits_link("notes/bakery.md"));
        assert!(!known.permits_image("data:image/png;base64,xx"));
    }

    #[test]
    fn addresses_are_found_without_what_surrounds_them() {
        assert_eq!(
            found("See https://a.org/b, (http://c.org/d_(e)) and WWW.f.org."),
            ["https://a.org/b", "http://c.org/d_(e)", "WWW.f.org"]
        );
        assert_eq!(found("[t](https://a.org/b?c=d&e) **ftp://x.y**"), ["https://a.org/b?c=d&e", "ftp://x.y"]);
        assert_eq!(found("a://, :// www. awww.x"), [""; 0]);
    }

    #[test]
    fn only_whole_addresses_are_permitted() {
        let known = Addresses::of(["at https://Example.org/a/?b=1 and www.site.org/x"]);
        for permitted in [
            "https://example.org/a/?b=1",
            "HTTPS://EXAMPLE.ORG/a",
            "https://example.org/a/",
            "#part",
            "www.site.org/x",
        ] {
            assert!(known.permits_link(permitted), "{permitted}");
        }
        for other in [
            "https://example.org/a?b=12",
            "https://example.org/",
            "https://example.org/a/b",
            "https://example.org.evil.net/a",
            "https://u@example.org/a",
            "https://example.org\\@evil.net/a",
            "http://example.org/a",
            "//example.org/a",
            "javascript:alert(1)",
            "/v1/documents",
            "",
        ] {
            assert!(!known.permits_link(other), "{other}");
        }
        assert!(
            known.permits_image("https://example.org/a")
                && !known.permits_image("https://example.org/a/?b=1")
        );
    }

    #[test]
    fn long_values_carry_data() {
        let long = format!("https://a.org/?q={}", "x".repeat(65));
        assert!(!Addresses::of([long.as_str()]).permits_link(&long));
    }
}
