//! Telephone numbers: international (E.164) by their `+`, North American by their groups, all others by a word that
//! names them or by a trunk prefix in groups.
//!
//! Keeps true: a bare number is none; dates, ranges and pages are none.

use super::money::has_letter;
use super::run::{Run, digits};
use crate::finding::{Finding, Kind};
use crate::text::{before, holds_word};

/// Words that name a number, in lower case.
const NAMES: &[&str] = &[
    "tel",
    "telephone",
    "phone",
    "phones",
    "fax",
    "mobile",
    "cell",
    "call",
    "whatsapp",
    "sms",
    "dial",
    "telefon",
    "telefonnummer",
    "handy",
    "mobil",
    "rufnummer",
    "ruf",
    "anruf",
    "durchwahl",
    "téléphone",
    "portable",
    "teléfono",
    "telefono",
    "móvil",
    "cellulare",
    "telefoon",
    "telefone",
    "hotline",
];
/// Digits of the longest first group: country and area in one.
const COUNTRY_MAX: usize = 4;
/// How far before a number its name may stand.
const NAME_BYTES: usize = 28;

pub fn find(text: &str, run: Run) -> Option<Finding> {
    let run_text = run.text(text);
    let count = digits(run_text).len();
    let found = |what| Some(Finding::new(Kind::Phone, what, run.start, run.end));
    if has_letter(run_text) || !(7..=15).contains(&count) || is_date(run_text) {
        return None;
    }
    if let Some(rest) = run_text.strip_prefix('+') {
        let first = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
        let is_country = rest.starts_with(|c: char| ('1'..='9').contains(&c)) && first <= COUNTRY_MAX;
        return if is_country && count >= 8 && !run_text[1..].contains('+') {
            found("E.164 number")
        } else {
            None
        };
    }
    if is_north_american(run_text) {
        return found("North American number");
    }
    let is_named = holds_word(before(text, run.start, NAME_BYTES), NAMES);
    if is_named && !run_text.contains('+') && has_groups(run_text) { found("telephone number") } else { None }
}

/// `(212) 555-0123`, `212-555-0123`, `1-212-555-0123`; area and exchange begin with 2 to 9 (NANP).
fn is_north_american(run: &str) -> bool {
    let rest = run.strip_prefix("1-").or_else(|| run.strip_prefix("1 ")).unwrap_or(run);
    let groups: Vec<&str> = rest.split(['(', ')', '-', '.', ' ']).filter(|group| !group.is_empty()).collect();
    let [area, exchange, line] = groups[..] else { return false };
    let opens = |group: &str| group.len() == 3 && group.starts_with(|c: char| ('2'..='9').contains(&c));
    let is_written =
        rest.starts_with('(') || rest.matches('-').count() == 2 || rest.matches('.').count() == 2;
    opens(area) && opens(exchange) && line.len() == 4 && is_written
}

/// `2026-11-21`, `21.11.2026`, `1994-1998`, `21/11/2026 10`.
fn is_date(run: &str) -> bool {
    let groups: Vec<&str> = run.split(['-', '.', '/', ' ']).collect();
    let is_year = |group: &str| group.len() == 4 && (group.starts_with("19") || group.starts_with("20"));
    let years = groups.iter().filter(|group| is_year(group)).count();
    let short = groups.iter().all(|group| group.len() <= 2 || is_year(group));
    years >= 1 && short && groups.len() <= 4
}

/// As numbers are written: no more than six groups, and none of one digit but the first.
fn has_groups(run: &str) -> bool {
    let groups: Vec<&str> =
        run.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty()).collect();
    groups.len() <= 6 && groups.iter().skip(1).all(|group| group.len() >= 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::personal::run::runs;

    fn found(text: &str) -> Option<&str> {
        let run = runs(text).next()?;
        find(text, run).map(|finding| finding.text(text))
    }

    #[test]
    fn numbers_are_found_in_their_usual_dress() {
        for text in [
            "+49 30 901820",
            "+1 (212) 555-0123",
            "+442079460958",
            "(212) 555-0123",
            "212-555-0123",
            "212.555.0123",
            "1-800-555-0199",
        ] {
            assert_eq!(found(text), Some(text));
        }
        assert_eq!(found("Tel.: 030/901820-15"), Some("030/901820-15"));
        assert_eq!(found("Call us on 020 7946 0958."), Some("020 7946 0958"));
        assert_eq!(found("Téléphone : 01 42 68 53 00"), Some("01 42 68 53 00"));
    }

    #[test]
    fn other_numbers_are_none() {
        for text in [
            "2026-11-21",
            "tel 21.11.2026",
            "1994-1998",
            "030 901820",
            "112-555-0123",
            "212 555 0123",
            "+0 123 456 789",
            "+12345-03-04",
            "a hotel 12345678",
            "12345678",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
