//! The forms that services give their keys: a prefix that says whose it is, and a body of known letters and length.
//!
//! Keeps true: a prefix counts only at the beginning of a word, and a body only whole, so that a key's form inside of
//! longer text (a hash, a name, encoded data) is none.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::{is_example, is_random};
use crate::finding::{Finding, Kind};

struct Format {
    prefix: &'static str,
    what: &'static str,
    body: Body,
    least: usize,
    most: usize,
}

/// Which characters a body is made of.
#[derive(Clone, Copy)]
enum Body {
    Hex,
    Upper,
    Alnum,
    /// Letters, digits, `-` and `_`.
    Key,
    /// The same and `.`.
    Dotted,
    /// The same and `/`.
    Path,
    Base64,
}

impl Body {
    const fn holds(self, byte: u8) -> bool {
        match self {
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Key => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
            Self::Dotted => Self::Key.holds(byte) || byte == b'.',
            Self::Path => Self::Key.holds(byte) || byte == b'/',
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='),
        }
    }
}

const fn format(prefix: &'static str, what: &'static str, body: Body, least: usize, most: usize) -> Format {
    Format { prefix, what, body, least, most }
}

/// Longest body that is read; tokens with claims in them can be long.
const BODY_MAX: usize = 8192;
/// Longest body of a key without claims.
const KEY_MAX: usize = 512;

use Body::{Alnum, Base64, Dotted, Hex, Key, Path, Upper};

/// From the services' own pages on their keys, as of 2026.
const FORMATS: &[Format] = &[
    format("ibid_", "Ibid key", Hex, 64, 64),
    format("AKIA", "AWS access key", Upper, 16, 16),
    format("ASIA", "AWS access key", Upper, 16, 16),
    format("ABIA", "AWS access key", Upper, 16, 16),
    format("ACCA", "AWS access key", Upper, 16, 16),
    format("ghp_", "GitHub token", Alnum, 36, 255),
    format("gho_", "GitHub token", Alnum, 36, 255),
    format("ghu_", "GitHub token", Alnum, 36, 255),
    format("ghs_", "GitHub token", Alnum, 36, 255),
    format("ghr_", "GitHub token", Alnum, 36, 255),
    format("github_pat_", "GitHub token", Key, 40, 255),
    format("glpat-", "GitLab token", Dotted, 20, KEY_MAX),
    format("gldt-", "GitLab token", Key, 20, KEY_MAX),
    format("glrt-", "GitLab token", Dotted, 20, KEY_MAX),
    format("glptt-", "GitLab token", Key, 20, KEY_MAX),
    format("glcbt-", "GitLab token", Key, 20, KEY_MAX),
    format("glsoat-", "GitLab token", Key, 20, KEY_MAX),
    format("glagent-", "GitLab token", Key, 20, KEY_MAX),
    format("xoxb-", "Slack token", Key, 20, KEY_MAX),
    format("xoxp-", "Slack token", Key, 20, KEY_MAX),
    format("xoxa-", "Slack token", Key, 20, KEY_MAX),
    format("xoxr-", "Slack token", Key, 20, KEY_MAX),
    format("xoxs-", "Slack token", Key, 20, KEY_MAX),
    format("xoxe.", "Slack token", Key, 20, KEY_MAX),
    format("xapp-", "Slack token", Key, 20, KEY_MAX),
    format("hooks.slack.com/services/", "Slack webhook", Path, 30, 128),
    format("discord.com/api/webhooks/", "Discord webhook", Path, 60, 160),
    format("sk_live_", "Stripe key", Alnum, 16, KEY_MAX),
    format("sk_test_", "Stripe key", Alnum, 16, KEY_MAX),
    format("rk_live_", "Stripe key", Alnum, 16, KEY_MAX),
    format("rk_test_", "Stripe key", Alnum, 16, KEY_MAX),
    format("whsec_", "webhook secret", Base64, 24, KEY_MAX),
    format("AIza", "Google API key", Key, 35, 35),
    format("ya29.", "Google token", Dotted, 40, 2048),
    format("GOCSPX-", "Google client secret", Key, 28, 28),
    format("sk-ant-", "Anthropic key", Key, 24, KEY_MAX),
    format("sk-proj-", "OpenAI key", Key, 24, KEY_MAX),
    format("sk-svcacct-", "OpenAI key", Key, 24, KEY_MAX),
    format("sk-or-v1-", "OpenRouter key", Hex, 64, 64),
    format("sk-", "OpenAI key", Key, 20, KEY_MAX),
    format("npm_", "npm token", Alnum, 36, 36),
    format("pypi-AgE", "PyPI token", Key, 50, KEY_MAX),
    format("SG.", "SendGrid key", Dotted, 66, 66),
    format("SK", "Twilio key", Hex, 32, 32),
    format("key-", "Mailgun key", Hex, 32, 32),
    format("dop_v1_", "DigitalOcean token", Hex, 64, 64),
    format("doo_v1_", "DigitalOcean token", Hex, 64, 64),
    format("hf_", "Hugging Face token", Alnum, 34, 40),
    format("gsk_", "Groq key", Alnum, 48, 64),
    format("r8_", "Replicate token", Alnum, 37, 40),
    format("xai-", "xAI key", Alnum, 60, 100),
    format("pplx-", "Perplexity key", Alnum, 40, 64),
    format("shpat_", "Shopify token", Hex, 32, 32),
    format("shpss_", "Shopify token", Hex, 32, 32),
    format("shpca_", "Shopify token", Hex, 32, 32),
    format("shppa_", "Shopify token", Hex, 32, 32),
    format("sq0csp-", "Square secret", Key, 43, 43),
    format("dapi", "Databricks token", Hex, 32, 32),
    format("dckr_pat_", "Docker token", Key, 27, 32),
    format("lin_api_", "Linear key", Alnum, 40, 48),
    format("ntn_", "Notion token", Alnum, 40, 60),
    format("PMAK-", "Postman key", Key, 50, 70),
    format("glsa_", "Grafana token", Key, 40, 48),
    format("hvs.", "Vault token", Key, 24, KEY_MAX),
    format("hvb.", "Vault token", Key, 24, KEY_MAX),
    format("NRAK-", "New Relic key", Upper, 27, 27),
    format("dp.pt.", "Doppler token", Alnum, 40, 44),
    format("pscale_tkn_", "PlanetScale token", Dotted, 32, 64),
    format("pscale_pw_", "PlanetScale password", Dotted, 32, 64),
    format("ATATT3", "Atlassian token", Base64, 100, KEY_MAX),
    format("sntrys_", "Sentry token", Base64, 60, KEY_MAX),
    format("sbp_", "Supabase token", Hex, 40, 40),
    format("figd_", "Figma token", Key, 40, 60),
    format("rubygems_", "RubyGems key", Hex, 48, 48),
    format("tskey-", "Tailscale key", Key, 24, 80),
    format("AGE-SECRET-KEY-1", "age key", Upper, 58, 58),
    format("AccountKey=", "Azure storage key", Base64, 80, 100),
    format("SharedAccessKey=", "Azure access key", Base64, 40, 100),
    format("Bearer ", "bearer token", Dotted, 20, BODY_MAX),
    format("Basic ", "basic credentials", Base64, 16, KEY_MAX),
    format("eyJ", "JSON Web Token", Dotted, 30, BODY_MAX),
];

/// How a Telegram token goes on after the bot's number.
const TELEGRAM: &str = ":AA";

pub fn find(text: &str) -> Vec<Finding> {
    let Some(prefixes) = prefixes() else { return Vec::new() };
    let mut found: Vec<Finding> = Vec::new();
    for hit in prefixes.find_iter(text) {
        let is_inside = found.last().is_some_and(|last| hit.start() < last.end);
        if is_inside {
            continue;
        }
        match FORMATS.get(hit.pattern().as_usize()) {
            Some(format) => found.extend(keyed(text, hit.start(), hit.end(), format)),
            None => found.extend(telegram(text, hit.start(), hit.end())),
        }
    }
    found
}

/// None only if the list could not be compiled, which a test excludes.
fn prefixes() -> Option<&'static AhoCorasick> {
    static PREFIXES: OnceLock<Option<AhoCorasick>> = OnceLock::new();
    let all = FORMATS.iter().map(|format| format.prefix).chain([TELEGRAM]);
    let build = || AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(all).ok();
    PREFIXES.get_or_init(build).as_ref()
}

fn keyed(text: &str, start: usize, body_start: usize, format: &Format) -> Option<Finding> {
    let bytes = text.as_bytes();
    let is_host = format.prefix.contains('/');
    if !is_host && start > 0 && Body::Dotted.holds(bytes[start - 1]) {
        return None;
    }
    let body = body(text, body_start, format)?;
    if body.len() < format.least || is_example(body) || !is_random(body) {
        return None;
    }
    let end = body_start + body.len();
    let finding = |kind, start| Some(Finding::new(kind, format.what, start, end));
    match format.prefix {
        "eyJ" => is_jwt(body).then(|| Finding::new(Kind::SignedToken, format.what, start, end)),
        "AGE-SECRET-KEY-1" => finding(Kind::PrivateKey, start),
        "Bearer " | "Basic " | "AccountKey=" | "SharedAccessKey=" => {
            has_digit(body).then(|| Finding::new(Kind::ApiKey, format.what, body_start, end))
        }
        "SG." => (body.find('.') == Some(22)).then(|| Finding::new(Kind::ApiKey, format.what, start, end)),
        _ if matches!(format.body, Key | Path | Dotted) && !has_digit(body) => None,
        _ => finding(Kind::ApiKey, start),
    }
}

/// The whole body, if it ends within the format's length.
fn body<'a>(text: &'a str, start: usize, format: &Format) -> Option<&'a str> {
    let rest = text.as_bytes().get(start..)?;
    let looked_at = &rest[..rest.len().min(format.most + 1)];
    let mut count = looked_at.iter().take_while(|byte| format.body.holds(**byte)).count();
    // A full stop ends the sentence and not the key; a quoted-printable or padded end stays.
    while count > 0 && rest[count - 1] == b'.' {
        count -= 1;
    }
    let ends = count <= format.most && !rest.get(count).is_some_and(u8::is_ascii_alphanumeric);
    if ends { text.get(start..start + count) } else { None }
}

/// What follows `eyJ`: three parts, the second also JSON in Base64.
fn is_jwt(body: &str) -> bool {
    let mut parts = body.split('.');
    let (head, claims, signature) = (parts.next(), parts.next(), parts.next());
    head.is_some_and(|head| head.len() >= 8)
        && claims.is_some_and(|claims| claims.len() >= 8 && claims.starts_with("ey"))
        && signature.is_some_and(|signature| signature.len() >= 8)
}

fn has_digit(body: &str) -> bool {
    body.bytes().any(|byte| byte.is_ascii_digit())
}

/// A bot's number of 8 to 10 digits, and 35 characters that begin with `AA`.
fn telegram(text: &str, colon: usize, after: usize) -> Option<Finding> {
    let bytes = text.as_bytes();
    let digits = bytes[..colon].iter().rev().take(11).take_while(|byte| byte.is_ascii_digit()).count();
    let start = colon - digits;
    let body = bytes[after..].iter().take(36).take_while(|byte| Key.holds(**byte)).count();
    let begins = start == 0 || !Key.holds(bytes[start - 1]);
    let fits = (8..=10).contains(&digits) && (32..=33).contains(&body) && begins;
    fits.then(|| Finding::new(Kind::ApiKey, "Telegram token", start, after + body))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LETTERS: &str =
        "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2w3X4y5Z6a7B8c9D0e1F2g3H4i5J6k7L8m9N0p1Q2";

    fn sample(format: &Format) -> String {
        let count = format.least;
        match format.body {
            Hex => "0123456789abcdef".chars().cycle().take(count).collect(),
            Upper => "A2B3C4D5E6F7G8H9".chars().cycle().take(count).collect(),
            _ => LETTERS.chars().cycle().take(count).collect(),
        }
    }

    fn special(format: &Format) -> bool {
        ["eyJ", "SG."].contains(&format.prefix)
    }

    #[test]
    fn each_format_is_found_whole_and_only_whole() {
        for format in FORMATS.iter().filter(|format| !special(format)) {
            let key = format!("{}{}", format.prefix, sample(format));
            let text = format!("the key, {key}, is here");
            let found = find(&text);
            assert_eq!(found.len(), 1, "{key}");
            assert_eq!((found[0].end, found[0].what), (9 + key.len(), format.what), "{key}");
            let short = &key[..key.len() - 1];
            assert!(find(&format!("{short} x")).iter().all(|one| one.what != format.what), "{short}");
            if !format.prefix.contains('/') {
                assert_eq!(find(&format!("x{key}")), [], "inside of a word: {key}");
            }
        }
    }

    #[test]
    fn tokens_of_parts_are_known_by_their_parts() {
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P";
        let text = format!("Cookie: session={jwt}.");
        assert_eq!(find(&text)[0].text(&text), jwt);
        assert_eq!(find("eyJhbGciOiJIUzI1NiJ9.nothing.else.that.could.be.one"), []);
        let mail = format!("SG.{}.{}", &LETTERS[..22], &LETTERS[..43]);
        assert_eq!(find(&mail)[0].what, "SendGrid key");
        let bot = format!("bot 123456789:AA{}", &LETTERS[..33]);
        assert_eq!(find(&bot)[0].text(&bot), &bot[4..]);
        assert_eq!(find(&bot[..bot.len() - 4]), []);
    }

    #[test]
    fn a_sentence_may_end_after_a_key() {
        let text = format!("It is ghp_{}.", &LETTERS[..36]);
        assert_eq!(find(&text)[0].end, text.len() - 1);
    }

    #[test]
    fn what_is_no_chance_is_no_key() {
        assert_eq!(find(&format!("ghp_{}", "a".repeat(36))), []);
        assert_eq!(find("sk-learn-is-a-library-for-machine-learning"), []);
        assert_eq!(find("Bearer of-good-news-and-of-bad-news"), []);
    }
}
