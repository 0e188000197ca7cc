//! What providers say of their limits in the headers of an answer: those of OpenAI (and of most others), those of
//! Anthropic, and the fields of the IETF (draft-ietf-httpapi-ratelimit-headers, as it was and as it is).
//!
//! Keeps true: headers are strangers' words; what cannot be read says nothing, and no limit lasts beyond `RESET_MAX`.

use std::time::Duration;

use ibid_types::Timestamp;
use reqwest::header::HeaderMap;

use super::retry;

/// Quotas are of a minute or of a day.
const RESET_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// What is left, by the provider's word.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Told {
    pub requests: Option<Share>,
    pub tokens: Option<Share>,
    /// It wants to be left alone for so long.
    pub pause: Option<Duration>,
}

/// What is left of one limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    pub limit: Option<u64>,
    pub remaining: u64,
    pub reset: Reset,
}

/// When a limit begins anew.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reset {
    After(Duration),
    At(Timestamp),
}

impl Reset {
    /// As a moment, not further than `RESET_MAX` from `now`.
    pub fn at(self, now: Timestamp) -> Timestamp {
        let after_ms = |time: Duration| i64::try_from(time.min(RESET_MAX).as_millis()).unwrap_or(0);
        match self {
            Self::After(time) => now.plus_ms(after_ms(time)),
            Self::At(at) => at.min(now.plus_ms(after_ms(RESET_MAX))),
        }
    }
}

/// Reads all that is known.
pub fn told(headers: &HeaderMap) -> Told {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let share = |limit: String, remaining: String, reset: String| {
        let remaining = text(&remaining)?.trim().parse().ok()?;
        let limit = text(&limit).and_then(|limit| limit.trim().parse().ok());
        Some(Share { limit, remaining, reset: read_reset(text(&reset)?)? })
    };
    let of = |what: &str| {
        let x = |which: &str| format!("x-ratelimit-{which}-{what}");
        let anthropic = |which: &str| format!("anthropic-ratelimit-{what}-{which}");
        share(x("limit"), x("remaining"), x("reset"))
            .or_else(|| share(anthropic("limit"), anthropic("remaining"), anthropic("reset")))
    };
    let plain = |which: &str| format!("ratelimit-{which}");
    let field = || text("ratelimit").and_then(read_field);
    Told {
        requests: of("requests")
            .or_else(|| share(plain("limit"), plain("remaining"), plain("reset")))
            .or_else(field),
        tokens: of("tokens").or_else(|| of("input-tokens")),
        pause: retry::asked(headers).map(|pause| pause.min(RESET_MAX)),
    }
}

/// `7.66s`, `2m59.56s`, `1h`, `120ms`, a number of seconds, or a moment (RFC 3339).
fn read_reset(text: &str) -> Option<Reset> {
    let text = text.trim();
    if let Some(time) = text.parse::<f64>().ok().map_or_else(|| read_units(text), seconds) {
        return Some(Reset::After(time));
    }
    text.parse().ok().map(Reset::At)
}

fn read_units(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| digits + at);
        let unit_seconds = match &rest[digits..unit_end] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        sum = sum.checked_add(seconds(number * unit_seconds)?)?;
        rest = &rest[unit_end..];
    }
    (!text.is_empty()).then_some(sum)
}

fn seconds(number: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(number).ok()
}

/// `limit=100, remaining=50, reset=30`, or `"default";r=50;t=30`; of several limits the one that is nearest to its end.
fn read_field(field: &str) -> Option<Share> {
    let old = parameters(field, ',');
    if let (Some(remaining), Some(reset)) = (find(&old, "remaining"), find(&old, "reset")) {
        let reset = Reset::After(Duration::from_secs(reset));
        return Some(Share { limit: find(&old, "limit"), remaining, reset });
    }
    let share = |item: &str| {
        let parameters = parameters(item, ';');
        let reset = Reset::After(Duration::from_secs(find(&parameters, "t")?));
        Some(Share { limit: None, remaining: find(&parameters, "r")?, reset })
    };
    field.split(',').filter_map(share).min_by_key(|share| share.remaining)
}

fn parameters(text: &str, separator: char) -> Vec<(&str, u64)> {
    let pairs = text.split(separator).filter_map(|part| part.split_once('='));
    pairs.filter_map(|(name, value)| Some((name.trim(), value.trim().parse().ok()?))).collect()
}

fn find(parameters: &[(&str, u64)], name: &str) -> Option<u64> {
    parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&'static str, &str)]) -> Told {
        told(
            &pairs
                .iter()
                .map(|(name, value)| (reqwest::header::HeaderName::from_static(name), value.parse().unwrap()))
                .collect(),
        )
    }

    fn after(ms: u64) -> Reset {
        Reset::After(Duration::from_millis(ms))
    }

    #[test]
    fn openais_headers_are_read() {
        let told = of(&[
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "2m59.56s"),
            ("x-ratelimit-remaining-tokens", "149984"),
            ("x-ratelimit-reset-tokens", "6ms"),
        ]);
        assert_eq!(told.requests, Some(Share { limit: Some(60), remaining: 0, reset: after(179_560) }));
        assert_eq!(told.tokens, Some(Share { limit: None, remaining: 149_984, reset: after(6) }));
    }

    #[test]
    fn anthropics_headers_are_read() {
        let told = of(&[
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-remaining", "0"),
            ("anthropic-ratelimit-requests-reset", "2026-11-21T08:00:00Z"),
            ("retry-after", "12"),
        ]);
        let reset = Reset::At("2026-11-21T08:00:00Z".parse().unwrap());
        assert_eq!(told.requests, Some(Share { limit: Some(50), remaining: 0, reset }));
        assert_eq!(told.pause, Some(Duration::from_secs(12)));
    }

    #[test]
    fn the_fields_of_the_ietf_are_read() {
        let share = |limit, remaining| Some(Share { limit, remaining, reset: after(30_000) });
        assert_eq!(of(&[("ratelimit", "limit=100, remaining=50, reset=30")]).requests, share(Some(100), 50));
        assert_eq!(of(&[("ratelimit", "\"day\";r=50;t=30")]).requests, share(None, 50));
        assert_eq!(of(&[("ratelimit", "\"day\";r=50;t=99, \"minute\";r=2;t=30")]).requests, share(None, 2));
        let old = [("ratelimit-limit", "9"), ("ratelimit-remaining", "1"), ("ratelimit-reset", "30")];
        assert_eq!(of(&old).requests, share(Some(9), 1));
    }

    #[test]
    fn nonsense_says_nothing() {
        for value in ["", "soon", "-1", "1x", "5m3", "NaN", "1e999"] {
            let pairs = [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", value)];
            assert_eq!(of(&pairs), Told::default(), "{value}");
        }
        assert_eq!(of(&[("ratelimit", "\u{fffd};;=,=")]), Told::default());
    }

    #[test]
    fn no_limit_lasts_beyond_a_day() {
        let now = Timestamp(0);
        assert_eq!(Reset::After(Duration::MAX).at(now), Timestamp(86_400_000));
        assert_eq!(Reset::At(Timestamp(i64::MAX)).at(now), Timestamp(86_400_000));
    }

    proptest::proptest! {
        #[test]
        fn no_words_panic(text in "[ -~]{0,40}") {
            let _ = of(&[("ratelimit", &text), ("x-ratelimit-remaining-tokens", "1"), ("x-ratelimit-reset-tokens", &text)]);
        }
    }
}
