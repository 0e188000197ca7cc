//! Secrets and personal data in a text, found by their form and proved by their check digits where they have some.
//!
//! Keeps true: spans are in text order, do not overlap and lie on character boundaries. Precision comes before
//! recall: what is flagged wrongly is soon not looked at any more.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeakKind {
    AwsKey,
    GithubToken,
    OpenAiKey,
    PrivateKey,
    Jwt,
    /// What follows "password=" and the like.
    Password,
    Email,
    Phone,
    Iban,
    Card,
}

impl LeakKind {
    #[must_use]
    pub const fn is_secret(self) -> bool {
        matches!(
            self,
            Self::AwsKey
                | Self::GithubToken
                | Self::OpenAiKey
                | Self::PrivateKey
                | Self::Jwt
                | Self::Password
        )
    }

    /// For people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AwsKey => "an AWS key",
            Self::GithubToken => "a GitHub token",
            Self::OpenAiKey => "an API key",
            Self::PrivateKey => "a private key",
            Self::Jwt => "a signed token",
            Self::Password => "a password",
            Self::Email => "an e-mail address",
            Self::Phone => "a telephone number",
            Self::Iban => "a bank account number",
            Self::Card => "a card number",
        }
    }
}

/// Bytes `[start, end)` of the text that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leak {
    pub kind: LeakKind,
    pub start: usize,
    pub end: usize,
}

/// Everything in `text` that is not in `known`, which is what the reader said themselves.
#[must_use]
pub fn leaks(text: &str, known: &str) -> Vec<Leak> {
    let mut found = private_keys(text);
    let tokens = tokens(text);
    for (at, &(start, end)) in tokens.iter().enumerate() {
        let before = &tokens[..at];
        found.extend(token_leak(text, start, end, before));
    }
    found.extend(numbers(text));
    found.sort_by_key(|leak| (leak.start, std::cmp::Reverse(leak.end)));
    let mut kept: Vec<Leak> = Vec::new();
    for leak in found {
        let is_known = known.contains(&text[leak.start..leak.end]);
        let overlaps = kept.last().is_some_and(|last| leak.start < last.end);
        if !is_known && !overlaps {
            kept.push(leak);
        }
    }
    kept
}

/// The text with every leak that `hidden` chooses replaced.
#[must_use]
pub fn redacted(text: &str, leaks: &[Leak], hidden: impl Fn(LeakKind) -> bool) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut from = 0;
    for leak in leaks.iter().filter(|leak| hidden(leak.kind)) {
        kept.push_str(&text[from..leak.start]);
        kept.push_str(REDACTED);
        from = leak.end;
    }
    kept.push_str(&text[from..]);
    kept
}

/// What stands in place of what must not be shown.
pub const REDACTED: &str = "[redacted]";

/// Whether a stream may be cut at the end of `text`: no leak could have begun that is not over.
#[must_use]
pub fn may_cut(text: &str) -> bool {
    let is_open = |at: usize| text[at..].split_once("-----END").is_none_or(|(_, end)| !end.contains("-----"));
    let opened = text.rfind("-----BEGIN").is_some_and(is_open);
    let line = text.rsplit('\n').next().unwrap_or(text);
    let begins =
        line.rsplit(char::is_whitespace).take(4).any(|word| names_secret(word) || word == "-----BEGIN");
    !opened && !begins && text.ends_with(char::is_whitespace)
}

fn private_keys(text: &str) -> Vec<Leak> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find("-----BEGIN ").map(|at| from + at) {
        let rest = &text[start..];
        let names_key = rest.get(..64).unwrap_or(rest).contains("PRIVATE KEY");
        let close = rest.find("-----END ").map_or(rest.len(), |at| {
            let after = rest[at + 9..].find("-----").map_or(rest.len() - at - 9, |dashes| dashes + 5);
            at + 9 + after
        });
        if names_key {
            found.push(Leak { kind: LeakKind::PrivateKey, start, end: start + close });
        }
        from = start + if names_key { close } else { 11 };
    }
    found
}

/// Runs without white space, quotes and brackets.
fn tokens(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut open: Option<usize> = None;
    let parts = |c: char| c.is_whitespace() || "\"'`()<>[]{},;“”„«»".contains(c);
    for (at, character) in text.char_indices() {
        match (open, parts(character)) {
            (None, false) => open = Some(at),
            (Some(start), true) => {
                found.push((start, at));
                open = None;
            }
            _ => {}
        }
    }
    found.extend(open.map(|start| (start, text.len())));
    found
}

fn token_leak(text: &str, start: usize, end: usize, before: &[(usize, usize)]) -> Option<Leak> {
    let token = text[start..end].trim_end_matches(['.', ':', '!', '?']);
    let leak = |kind, from: usize| Some(Leak { kind, start: from, end: start + token.len() });
    if let Some((name, value)) = token.split_once(['=', ':'])
        && names_secret(name)
        && is_password(value)
    {
        return leak(LeakKind::Password, start + token.len() - value.len());
    }
    let value_at = token.rfind(['=', ':', '/']).map_or(0, |at| at + 1);
    let value = &token[value_at..];
    if let Some(kind) = key_kind(value) {
        return leak(kind, start + value_at);
    }
    if is_email(token) {
        return leak(LeakKind::Email, start);
    }
    let named =
        |at: usize| before.len().checked_sub(at).and_then(|at| before.get(at)).map(|(a, b)| &text[*a..*b]);
    let follows_name = match (named(1), named(2)) {
        (Some(last), _) if names_secret_with_sign(last) => true,
        (Some("=" | ":" | "is" | "ist" | "est" | "es" | "lautet"), Some(name)) => names_secret(name),
        _ => false,
    };
    if follows_name && is_password(token) { leak(LeakKind::Password, start) } else { None }
}

fn key_kind(token: &str) -> Option<LeakKind> {
    let body = |prefix: &str| token.strip_prefix(prefix).unwrap_or("");
    let is = |text: &str, least: usize| text.len() >= least && text.chars().all(is_key_character);
    if ["AKIA", "ASIA"].iter().any(|prefix| {
        let rest = body(prefix);
        rest.len() == 16 && rest.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
    }) {
        return Some(LeakKind::AwsKey);
    }
    if ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"].iter().any(|prefix| is(body(prefix), 36))
        || is(body("github_pat_"), 40)
    {
        return Some(LeakKind::GithubToken);
    }
    if is(body("sk-"), 20) && body("sk-").contains(|c: char| c.is_ascii_digit()) {
        return Some(LeakKind::OpenAiKey);
    }
    let parts: Vec<&str> = token.split('.').collect();
    let is_jwt = parts.len() == 3 && parts[0].starts_with("eyJ") && parts[1].starts_with("eyJ");
    (is_jwt && parts.iter().all(|part| is(part, 8))).then_some(LeakKind::Jwt)
}

fn is_key_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

fn names_secret(word: &str) -> bool {
    let lower = word.trim_end_matches(['=', ':']).to_lowercase();
    let last = lower.rsplit(['.', '-', '_', '/', '?', '&']).next().unwrap_or(&lower);
    SECRET_NAMES.contains(&last) || SECRET_NAMES.contains(&lower.as_str())
}

fn names_secret_with_sign(word: &str) -> bool {
    word.ends_with(['=', ':']) && names_secret(word)
}

/// A password and not a word of a sentence about passwords: letters with digits or signs, of some entropy.
fn is_password(value: &str) -> bool {
    let value = value.trim_end_matches(['.', ',']);
    let kinds = [
        value.contains(|c: char| c.is_lowercase()),
        value.contains(|c: char| c.is_uppercase()),
        value.contains(|c: char| c.is_ascii_digit()),
        value.contains(|c: char| c.is_ascii_punctuation()),
    ];
    let mixed = kinds.iter().filter(|kind| **kind).count() >= 2;
    let digit_or_sign = kinds[2] || kinds[3] && !value.contains(['-', '/', '.', '<', '$', '*', '{']);
    (6..=200).contains(&value.len()) && mixed && digit_or_sign && entropy_bits(value) >= 2.5
}

/// Shannon entropy of the characters, in bits a character.
fn entropy_bits(text: &str) -> f32 {
    let mut counts = std::collections::HashMap::new();
    for character in text.chars() {
        *counts.entry(character).or_insert(0_u32) += 1;
    }
    let all = text.chars().count() as f32;
    -counts.values().map(|count| *count as f32 / all).map(|share| share * share.log2()).sum::<f32>()
}

fn is_email(token: &str) -> bool {
    let token = token.strip_prefix("mailto:").unwrap_or(token);
    let Some((name, host)) = token.split_once('@') else { return false };
    let labels: Vec<&str> = host.split('.').collect();
    let is_label =
        |label: &&str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let top = labels.last().copied().unwrap_or("");
    !name.is_empty()
        && name.chars().all(|c| c.is_alphanumeric() || "._%+-".contains(c))
        && labels.len() >= 2
        && labels.iter().all(is_label)
        && top.len() >= 2
        && top.chars().all(|c| c.is_ascii_alphabetic())
}

/// Account, card and telephone numbers, which have spaces in them.
fn numbers(text: &str) -> Vec<Leak> {
    let mut found = Vec::new();
    for (start, end) in runs(text) {
        let run = &text[start..end];
        let digits: String = run.chars().filter(char::is_ascii_alphanumeric).collect();
        let kind = if is_iban(&digits) {
            LeakKind::Iban
        } else if is_card(run, &digits) {
            LeakKind::Card
        } else if is_phone(run, &digits) {
            LeakKind::Phone
        } else {
            continue;
        };
        found.push(Leak { kind, start, end });
    }
    found
}

/// Runs of digits with single separators, or of groups of digits and capitals that begin as an IBAN does.
fn runs(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let fresh = at == 0 || !bytes[at - 1].is_ascii_alphanumeric();
        let iban = fresh
            && bytes[at..].len() > 4
            && bytes[at..at + 2].iter().all(u8::is_ascii_uppercase)
            && bytes[at + 2..at + 4].iter().all(u8::is_ascii_digit);
        let number = fresh && (bytes[at].is_ascii_digit() || matches!(bytes[at], b'+' | b'('));
        if !iban && !number {
            at += 1;
            continue;
        }
        let end = run_end(bytes, at, iban);
        found.push((at, end));
        at = end.max(at + 1);
    }
    found
}

fn run_end(bytes: &[u8], start: usize, iban: bool) -> usize {
    let belongs = |byte: u8| byte.is_ascii_digit() || iban && byte.is_ascii_uppercase();
    let separates = |byte: u8| matches!(byte, b' ' | b'-' | b'/' | b'(' | b')' | b'.') || byte == b'+';
    let (mut end, mut at, mut gap) = (start, start, 0);
    while at < bytes.len() && at - start < 48 {
        if belongs(bytes[at]) {
            (end, gap) = (at + 1, 0);
        } else if separates(bytes[at]) && gap < 2 && !(iban && bytes[at] != b' ') {
            gap += 1;
        } else {
            break;
        }
        at += 1;
    }
    end
}

/// Length and remainder 1 modulo 97 (ISO 13616).
fn is_iban(text: &str) -> bool {
    let begins = text.len() >= 4 && text[..2].chars().all(|c| c.is_ascii_uppercase());
    if !begins || !(15..=34).contains(&text.len()) {
        return false;
    }
    let turned = text[4..].chars().chain(text[..4].chars());
    let remainder = turned.filter_map(|c| c.to_digit(36)).fold(0_u32, |rest, value| {
        if value < 10 { (rest * 10 + value) % 97 } else { (rest * 100 + value) % 97 }
    });
    remainder == 1
}

/// 13 to 19 digits in groups as on a card, of a known issuer, with Luhn's check digit.
fn is_card(run: &str, digits: &str) -> bool {
    let grouped = run.chars().all(|c| c.is_ascii_digit() || c == ' ' || c == '-');
    let issuer = digits.starts_with(['3', '4', '5', '6']) || digits.starts_with("2");
    if !grouped || !issuer || !(13..=19).contains(&digits.len()) {
        return false;
    }
    let sum: u32 = digits
        .chars()
        .rev()
        .filter_map(|c| c.to_digit(10))
        .enumerate()
        .map(|(at, digit)| match (at % 2, digit * 2) {
            (0, _) => digit,
            (_, doubled) => doubled / 10 + doubled % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// International with `+`, or with a trunk zero and separators; plain figures are no telephone numbers.
fn is_phone(run: &str, digits: &str) -> bool {
    let length = digits.len();
    let separators = run.chars().filter(|c| matches!(c, ' ' | '-' | '/' | '(')).count();
    let is_date = run.split(['-', '/', '.']).count() == 3 && length == 8;
    if run.starts_with('+') {
        return (8..=15).contains(&length);
    }
    let national = (run.starts_with('0') || run.starts_with("(")) && separators >= 1;
    let american = length == 10 && separators == 2 && run.split(['-', ' ']).map(str::len).eq([3, 3, 4]);
    !is_date && !run.contains('.') && (9..=13).contains(&length) && (national || american)
}

const SECRET_NAMES: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "passwort",
    "kennwort",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "key",
    "contraseña",
    "passphrase",
    "pin",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<LeakKind> {
        leaks(text, "").into_iter().map(|leak| leak.kind).collect()
    }

    #[test]
    fn keys_are_known_by_their_form() {
        assert_eq!(kinds("Use AKIAIOSFODNN7EXAMPLE now."), [LeakKind::AwsKey]);
        assert_eq!(kinds(&format!("ghp_{}", "a1".repeat(18))), [LeakKind::GithubToken]);
        assert_eq!(kinds("key: sk-proj1-abcdefghij0123456789"), [LeakKind::OpenAiKey]);
        assert_eq!(
            kinds("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- so"),
            [LeakKind::PrivateKey]
        );
        let part = "eyJhbGciOiJIUzI1NiJ9";
        assert_eq!(kinds(&format!("Bearer {part}.{part}.c2lnbmF0dXJl")), [LeakKind::Jwt]);
    }

    #[test]
    fn a_password_follows_its_name() {
        assert_eq!(kinds("The password is Tr0ub4dor&3."), [LeakKind::Password]);
        assert_eq!(kinds("DB_PASSWORD=s3cr3t!Value"), [LeakKind::Password]);
        assert_eq!(kinds("Passwort: Katze-77-Haus"), [LeakKind::Password]);
        for text in [
            "The password is changed yearly.",
            "A password must have twelve characters.",
            "The key is under the mat.",
            "The token expires after 90 days.",
            "password = <your password>",
            "The secret: be kind.",
        ] {
            assert_eq!(kinds(text), [], "{text}");
        }
    }

    #[test]
    fn personal_data_is_known_by_form_and_check() {
        assert_eq!(kinds("Write to ada@example.org."), [LeakKind::Email]);
        assert_eq!(kinds("Ring +49 30 1234567 or 030/1234567"), [LeakKind::Phone, LeakKind::Phone]);
        assert_eq!(kinds("IBAN DE89 3704 0044 0532 0130 00."), [LeakKind::Iban]);
        assert_eq!(kinds("Card 4111 1111 1111 1111"), [LeakKind::Card]);
        assert_eq!(kinds("DE88 3704 0044 0532 0130 00 and 4111 1111 1111 1112"), []);
    }

    #[test]
    fn figures_are_no_telephone_numbers() {
        for text in
            ["In 1994-2004 it was 1,190.", "2024-05-06", "06.05.2024", "ISBN 978-3-16-148410-0", "12 345 678"]
        {
            assert_eq!(kinds(text), [], "{text}");
        }
    }

    #[test]
    fn what_the_reader_said_is_no_leak() {
        assert!(leaks("It is ada@example.org.", "Is ada@example.org right?").is_empty());
    }

    #[test]
    fn redacting_leaves_the_rest() {
        let text = "Mail ada@example.org, pin: 4711a!x.";
        let leaks = leaks(text, "");
        assert_eq!(redacted(text, &leaks, LeakKind::is_secret), "Mail ada@example.org, pin: [redacted].");
    }

    #[test]
    fn a_stream_is_not_cut_within_a_secret() {
        assert!(may_cut("All is well ") && !may_cut("All is we"));
        assert!(!may_cut("the password is ") && !may_cut("-----BEGIN RSA PRIVATE KEY-----\nabc "));
    }

    proptest::proptest! {
        #[test]
        fn spans_are_sound(text in "(\\PC|password|=|: |\\+49 |AKIA|-----BEGIN |PRIVATE KEY|@a\\.de| 4111){0,30}") {
            let leaks = leaks(&text, "");
            assert!(leaks.windows(2).all(|pair| pair[0].end <= pair[1].start));
            let _ = redacted(&text, &leaks, |_| true);
            let _ = may_cut(&text);
        }
    }
}
