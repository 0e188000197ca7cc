//! Dates as files write them, to a `Timestamp`.
//!
//! Reads RFC 3339 and ISO 8601, RFC 2822 (mail), `D:20261121080000+01'00'` (ISO 32000-1, 7.9.4), and dates with month
//! names or with the parts in either order. Times without a zone are taken as UTC.

use ibid_types::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

/// The instant that `text` names; `None` if it is no date, or one outside the years 1000 to 9999.
#[must_use]
pub fn parse_date(text: &str) -> Option<Timestamp> {
    let text = text.trim().trim_matches(['"', '\'']);
    if text.len() < 4 || text.len() > 64 {
        return None;
    }
    iso(text).or_else(|| mail(text)).or_else(|| pdf(text)).or_else(|| written(text))
}

fn iso(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let spaced = text.replacen(' ', "T", 1).replace(' ', "");
    spaced.parse::<Timestamp>().ok()
}

fn mail(text: &str) -> Option<Timestamp> {
    let zoned = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Timestamp(zoned.timestamp().as_millisecond()))
}

/// `D:YYYYMMDDHHmmSSOHH'mm'`, of which all after the year may be missing.
fn pdf(text: &str) -> Option<Timestamp> {
    let text = text.strip_prefix("D:").unwrap_or(text);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if !matches!(digits, 4 | 6 | 8 | 10 | 12 | 14) || (digits == 4 && text.len() > 4) {
        return None;
    }
    let part = |from: usize, default: i8| match text.get(from..from + 2) {
        Some(part) if from + 2 <= digits => part.parse().ok(),
        _ => Some(default),
    };
    let date = Date::new(text.get(..4)?.parse().ok()?, part(4, 1)?, part(6, 1)?).ok()?;
    let time = Time::new(part(8, 0)?, part(10, 0)?, part(12, 0)?, 0).ok()?;
    at(date.to_datetime(time), offset_minutes(&text[digits..]))
}

/// `+01'00'`, `-0500` or `Z`, as minutes east.
fn offset_minutes(text: &str) -> i64 {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let part =
        |from: usize| digits.get(from..from + 2).and_then(|part| part.parse::<i64>().ok()).unwrap_or(0);
    let minutes = part(0) * 60 + part(2);
    if text.starts_with('-') { -minutes } else { minutes }
}

/// A day, a month by name or number, and a year, in the orders that people write.
fn written(text: &str) -> Option<Timestamp> {
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let month_at = words.iter().position(|word| month(word).is_some());
    let numbers: Vec<i16> = words.iter().filter_map(|word| number(word)).collect();
    let (year, month, day) = match (month_at, numbers.as_slice()) {
        (Some(at), [year, day, ..]) if *year > 31 => (*year, month(words[at])?, *day),
        (Some(at), [day, year, ..]) => (*year, month(words[at])?, *day),
        (Some(at), [year]) => (*year, month(words[at])?, 1),
        (None, [year, month, day, ..]) if *year > 31 => (*year, i8::try_from(*month).ok()?, *day),
        (None, [first, second, year, ..]) => by_mark(text, *first, *second, *year)?,
        _ => return None,
    };
    let date = Date::new(Some(year).filter(|year| *year >= 1000)?, month, i8::try_from(day).ok()?).ok()?;
    at(date.to_datetime(Time::midnight()), 0)
}

/// `21.11.2026` is day first; `11/21/2026` month first, unless there is no such month.
fn by_mark(text: &str, first: i16, second: i16, year: i16) -> Option<(i16, i8, i16)> {
    let is_day_first = text.contains('.') || first > 12;
    let (day, month) = if is_day_first { (first, second) } else { (second, first) };
    Some((year, i8::try_from(month).ok()?, day))
}

/// `21`, `21st`, `2026`.
fn number(word: &str) -> Option<i16> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    if word.len() - digits.len() > 2 { None } else { digits.parse().ok() }
}

fn month(word: &str) -> Option<i8> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    const OTHERS: [(&str, i8); 7] = [
        ("januar", 1),
        ("februar", 2),
        ("märz", 3),
        ("mai", 5),
        ("oktober", 10),
        ("dezember", 12),
        ("okt", 10),
    ];
    let word = word.to_lowercase();
    let is_short = word.len() >= 3;
    let named =
        (1..).zip(MONTHS).find(|(_, name)| is_short && name.starts_with(&word)).map(|(number, _)| number);
    named.or_else(|| OTHERS.iter().find(|(name, _)| *name == word).map(|(_, number)| *number))
}

fn at(time: DateTime, minutes_east: i64) -> Option<Timestamp> {
    let zoned = time.to_zoned(TimeZone::UTC).ok()?;
    Some(Timestamp(zoned.timestamp().as_millisecond() - minutes_east * 60_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(parse_date(text).map(|time| time.to_string()).unwrap_or_default(), expected, "{text}");
    }

    #[test]
    fn machine_dates() {
        check("2026-11-21T08:00:00+01:00", "2026-11-21T07:00:00.000Z");
        check("2026-11-21 08:00:00", "2026-11-21T08:00:00.000Z");
        check("2026-11-21 08:00:00 +0100", "2026-11-21T07:00:00.000Z");
        check("Sat, 21 Nov 2026 08:00:00 -0500", "2026-11-21T13:00:00.000Z");
        check("D:20261121080000+01'00'", "2026-11-21T07:00:00.000Z");
        check("D:20261121", "2026-11-21T00:00:00.000Z");
        check("20261121", "2026-11-21T00:00:00.000Z");
    }

    #[test]
    fn written_dates() {
        for text in [
            "November 21, 2026",
            "21 Nov 2026",
            "21st November 2026",
            "21.11.2026",
            "11/21/2026",
            "2026/11/21",
            "21. November 2026",
        ] {
            check(text, "2026-11-21T00:00:00.000Z");
        }
        check("March 2026", "2026-03-01T00:00:00.000Z");
        check("2026", "2026-01-01T00:00:00.000Z");
    }

    #[test]
    fn what_is_no_date() {
        for text in ["", "soon", "2026-13-40", "31/31/2026", "v1.2.3", "D:99", "marketing 2026 plan x"] {
            check(text, "");
        }
    }
}
