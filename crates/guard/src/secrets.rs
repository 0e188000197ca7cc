//! Keys, tokens and passwords in a text: by the forms that services give their keys, by what private keys begin with,
//! and by the name that stands before a value.
//!
//! Keeps true: one pass for each kind of search, with a bounded look around each hit, so time is linear in the text.
//! What documentation writes in place of a key ("your_key", "xxxx", "AKIA...EXAMPLE") is none.

mod assigned;
mod formats;
mod pem;

use crate::finding::{Finding, tidy};
use crate::text::entropy_bits;

/// All secrets of a text.
#[must_use]
pub fn find(text: &str) -> Vec<Finding> {
    let mut found = formats::find(text);
    found.extend(pem::find(text));
    found.extend(assigned::find(text));
    tidy(found)
}

/// Whether what stands where a secret would is an example, as manuals write one.
fn is_example(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let begins = value.starts_with(['$', '{', '<', '%', '@']) || lower.starts_with("process.env");
    begins || value.contains("...") || EXAMPLES.iter().any(|word| lower.contains(word))
}

const EXAMPLES: [&str; 15] = [
    "example",
    "your",
    "xxxx",
    "****",
    "placeholder",
    "changeme",
    "change_me",
    "redacted",
    "dummy",
    "sample",
    "insert",
    "....",
    "[password]",
    "[token]",
    "[api key]",
];

/// Whether characters are as mixed as chance makes them, for so short a text.
fn is_random(body: &str) -> bool {
    // The entropy of n random bytes cannot exceed log2 n; keys of 16 to 32 characters reach 3.3 to 4.5 bits, words 2.5.
    let least = if body.len() < 24 { 2.75 } else { 3.0 };
    entropy_bits(body) >= least
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_in_order_and_apart() {
        let key = format!("ibid_{}", "0123456789abcdef".repeat(4));
        let text = format!("api_key = {key} and postgres://ibid:Hx7kQ2pL@db/x");
        let found = find(&text);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!((found[0].text(&text), found[1].text(&text)), (key.as_str(), "Hx7kQ2pL"));
    }

    #[test]
    fn a_text_about_secrets_holds_none() {
        for text in [
            "The password is case-sensitive.",
            "Set API_KEY=your_api_key_here1 first",
            "password: <the one we sent you>",
            "Use AKIAIOSFODNN7EXAMPLE as in the manual",
            "token = os.environ['TOKEN1']",
            "the secret is: he never left, and it was 1984",
            "password=${DB_PASSWORD_1}",
            "a task-based risk-averse sk-learn-like approach-2",
            "It's the user's password? It isn't: that's O'Brien's.",
        ] {
            assert_eq!(find(text), [], "{text}");
        }
    }
}
