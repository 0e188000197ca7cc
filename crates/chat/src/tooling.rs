//! What a tool answers better than any document: sums, and what time it is. Read by rules, and told in words.
//!
//! Keeps true: rules are made for precision: every word of the message must be part of the sum or of the question for
//! the time, so "what is 9/11" and "what time is the meeting" go to the documents.

mod words;

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::phrases::{Phrase, words};
use crate::talk::Tongue;

use self::words::{
    ASKING, NOT_PLACE, NOW_HINTS, OF, PERCENT, PLACE_BEFORE, POLITE, ROOTS, SPOKEN, SUM_HINTS, TIME_ASKED,
    TIME_HINTS, ZONES,
};

pub const CALCULATOR: &str = "calculator";
pub const CURRENT_TIME: &str = "current_time";
/// Longest message that is read as a sum, in characters.
const SUM_CHARS_MAX: usize = 200;
/// Words of a place: "new york city".
const PLACE_WORDS_MAX: usize = 4;
/// Longest result of a tool that is shown as it is, in characters.
const SHOWN_CHARS_MAX: usize = 2_000;

/// A tool and what it is to be given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    pub tool: String,
    pub input: Value,
}

impl ToolCall {
    fn new(tool: &str, input: Value) -> Self {
        Self { tool: tool.to_owned(), input }
    }
}

/// The call that answers a message, if one of the two tools does for certain and `allowed` names it.
#[must_use]
pub fn call_for(text: &str, allowed: &[String]) -> Option<ToolCall> {
    let is_allowed = |name: &str| allowed.iter().any(|allowed| allowed == name);
    if is_allowed(CALCULATOR)
        && let Some(expression) = sum(text)
    {
        return Some(ToolCall::new(CALCULATOR, json!({ "expression": expression })));
    }
    let place = is_allowed(CURRENT_TIME).then(|| time_asked(text)).flatten()?;
    let input = place.map_or_else(|| json!({}), |place| json!({ "zone": zone_of(&place) }));
    Some(ToolCall::new(CURRENT_TIME, input))
}

/// Whether a message may be for one of the two tools, though no rule reads it.
#[must_use]
pub fn leans_to_a_tool(text: &str) -> bool {
    let words = words(text);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let counts = text.chars().any(|c| c.is_ascii_digit())
        && (has(SUM_HINTS) || text.contains(['%', '+', '*', '×', '÷', '^', '=']));
    counts || (has(TIME_HINTS) && has(NOW_HINTS))
}

/// What a tool gave, as a sentence; `None` where only somebody who reads it can say.
#[must_use]
pub fn told(tool: &str, input: &Value, result: &Value, tongue: Tongue) -> Option<String> {
    match tool {
        CALCULATOR => Some(format!("{} = {}", input["expression"].as_str()?, result["text"].as_str()?)),
        CURRENT_TIME => time_told(result, tongue),
        _ => None,
    }
}

/// A result as it is, cut where it is long.
#[must_use]
pub fn shown(result: &Value) -> String {
    let text = result.as_str().or_else(|| result["text"].as_str()).map(str::to_owned);
    let text = text.unwrap_or_else(|| serde_json::to_string_pretty(result).unwrap_or_default());
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

fn time_told(result: &Value, tongue: Tongue) -> Option<String> {
    let (local, zone) = (result["local"].as_str()?, result["zone"].as_str()?);
    let (date, time, offset) = (local.get(..10)?, local.get(11..16)?, local.get(19..)?);
    let weekday = result["weekday"].as_str()?;
    let place = format!("({zone}, UTC{offset})");
    Some(match tongue {
        Tongue::En => format!("It is {time} on {weekday}, {date} {place}."),
        Tongue::De => format!("Es ist {time} Uhr am {date} {place}."),
        Tongue::Fr => format!("Il est {time}, le {date} {place}."),
        Tongue::Es => format!("Son las {time} del {date} {place}."),
    })
}

/// One piece of a sum.
#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Number(String),
    Sign(char),
    Word(String),
}

/// The expression that a message asks to have computed, as the calculator wants it.
fn sum(text: &str) -> Option<String> {
    if text.chars().count() > SUM_CHARS_MAX {
        return None;
    }
    let lower = text.to_lowercase();
    let lower = lower.trim().trim_end_matches(['?', '？', '!', '.', '=', ' ']);
    let (rest, tongue, is_order) = asked_of(lower);
    let pieces = pieces(rest, tongue)?;
    let is_compact = !rest.contains(char::is_whitespace);
    let is_name = |piece: &Piece| !matches!(piece, Piece::Sign(sign) if !matches!(sign, '-' | '/'));
    if !is_order && is_compact && pieces.iter().all(is_name) {
        return None;
    }
    expression(&pieces)
}

/// What stands behind "what is" and the like; whether that orders to compute something.
fn asked_of(mut text: &str) -> (&str, Tongue, bool) {
    while let Some(rest) = POLITE.iter().find_map(|word| text.strip_prefix(word)) {
        text = rest.trim_start();
    }
    let found = ASKING.iter().find_map(|(words, tongue, is_order)| {
        let rest = text.strip_prefix(words)?;
        rest.starts_with([' ', ':']).then(|| (rest.trim_start_matches([' ', ':']), *tongue, *is_order))
    });
    found.unwrap_or((text, Tongue::En, false))
}

/// `None` where something in it can be no part of a sum.
fn pieces(text: &str, tongue: Tongue) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            _ if first.is_whitespace() => first.len_utf8(),
            '0'..='9' => {
                let length = number_length(rest);
                pieces.push(Piece::Number(number(&rest[..length], tongue)?));
                length
            }
            _ if first.is_alphabetic() => {
                let length = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
                pieces.push(Piece::Word(rest[..length].to_owned()));
                length
            }
            _ => {
                pieces.push(Piece::Sign(sign(first)?));
                first.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    Some(pieces)
}

const fn sign(sign: char) -> Option<char> {
    match sign {
        '+' | '*' | '/' | '^' | '(' | ')' | '%' => Some(sign),
        '-' | '−' | '–' => Some('-'),
        '×' | '·' => Some('*'),
        '÷' => Some('/'),
        _ => None,
    }
}

/// Digits, with points and commas only between digits.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let goes_on = |at: usize| digit(at) || matches!(bytes.get(at), Some(b'.' | b',')) && digit(at + 1);
    (0..bytes.len()).find(|at| !goes_on(*at)).unwrap_or(bytes.len())
}

/// `2,340.5` in English and `2.340,5` elsewhere; a single mark with three digits behind it parts thousands.
fn number(text: &str, tongue: Tongue) -> Option<String> {
    let (group, point) = if tongue == Tongue::En { (',', '.') } else { ('.', ',') };
    let (whole, part) = text.split_once(point).unwrap_or((text, ""));
    let groups: Vec<&str> = whole.split(group).collect();
    let is_grouped = groups.iter().skip(1).all(|digits| digits.len() == 3) && groups[0].len() <= 3;
    if part.contains([',', '.']) || groups.len() > 1 && !is_grouped {
        return None;
    }
    let whole = groups.concat();
    Some(if part.is_empty() { whole } else { format!("{whole}.{part}") })
}

/// `None` unless the pieces are at least two numbers and what joins them, or a root or power of one.
fn expression(pieces: &[Piece]) -> Option<String> {
    let (mut text, mut numbers, mut joins) = (String::new(), 0, 0);
    let mut at = 0;
    while let Some(piece) = pieces.get(at) {
        let (written, read) = match piece {
            Piece::Number(number) => (number.clone(), 1),
            Piece::Sign('%') => (percent(pieces.get(at + 1)), 1 + percent_of(pieces.get(at + 1))),
            Piece::Sign(sign) => (sign.to_string(), 1),
            Piece::Word(word) if PERCENT.contains(&word.as_str()) => {
                (percent(pieces.get(at + 1)), 1 + percent_of(pieces.get(at + 1)))
            }
            Piece::Word(_) => spoken(&pieces[at..])?,
        };
        numbers += pieces[at..].iter().take(read).filter(|piece| matches!(piece, Piece::Number(_))).count();
        joins += usize::from(!matches!(piece, Piece::Number(_) | Piece::Sign('(' | ')')));
        text.push_str(&written);
        at += read;
    }
    let is_power_of_one =
        numbers == 1 && (text.contains("sqrt") || text.contains("^2") || text.contains("^3"));
    (joins > 0 && (numbers > 1 || is_power_of_one)).then(|| text.trim().to_owned())
}

/// "17 % of": a share; before a number the remainder, which is what the sign means to the calculator.
fn percent(next: Option<&Piece>) -> String {
    match next {
        Some(Piece::Word(word)) if OF.contains(&word.as_str()) => " / 100 * ".to_owned(),
        Some(Piece::Number(_)) => " % ".to_owned(),
        _ => " / 100".to_owned(),
    }
}

fn percent_of(next: Option<&Piece>) -> usize {
    usize::from(matches!(next, Some(Piece::Word(word)) if OF.contains(&word.as_str())))
}

/// What words at the beginning of `pieces` mean in signs, and how many pieces that took.
fn spoken(pieces: &[Piece]) -> Option<(String, usize)> {
    let begins = |words: &str| {
        let wanted: Vec<&str> = words.split(' ').collect();
        let are = wanted.iter().zip(pieces).all(|(word, piece)| *piece == Piece::Word((*word).to_owned()));
        (are && pieces.len() >= wanted.len()).then_some(wanted.len())
    };
    if let Some((sign, length)) = SPOKEN.iter().find_map(|(words, sign)| Some((*sign, begins(words)?))) {
        return Some((format!(" {sign} ").replace(" ^2 ", "^2").replace(" ^3 ", "^3"), length));
    }
    let length = ROOTS.iter().find_map(|words| begins(words))?;
    match pieces.get(length)? {
        Piece::Number(number) => Some((format!("sqrt({number})"), length + 1)),
        _ => None,
    }
}

/// The place whose time is asked for, `None` within for no place; `None` where a message asks for something else.
fn time_asked(text: &str) -> Option<Option<String>> {
    let words = words(text);
    let asks = |words: &[String]| time_phrases().iter().any(|phrase| phrase.is_whole(words));
    if asks(&words) {
        return Some(None);
    }
    let at = words.iter().rposition(|word| PLACE_BEFORE.contains(&word.as_str()))?;
    let (head, place) = (&words[..at], &words[at + 1..]);
    let place: Vec<&str> =
        place.iter().map(String::as_str).filter(|word| !NOT_PLACE.contains(word)).collect();
    ((1..=PLACE_WORDS_MAX).contains(&place.len()) && asks(head)).then(|| Some(place.join(" ")))
}

/// The zone of a place that no zone is named after; others are left to the tool, which knows the names of all zones.
fn zone_of(place: &str) -> String {
    let known = ZONES.iter().find(|(places, _)| places.split('|').any(|known| known == place));
    known.map_or_else(|| place.to_owned(), |(_, zone)| (*zone).to_owned())
}

fn time_phrases() -> &'static [Phrase] {
    static PHRASES: OnceLock<Vec<Phrase>> = OnceLock::new();
    PHRASES.get_or_init(|| crate::phrases::read_all(TIME_ASKED.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(text: &str) -> Option<ToolCall> {
        call_for(text, &[CALCULATOR.to_owned(), CURRENT_TIME.to_owned()])
    }

    fn expression_of(text: &str) -> String {
        call(text).map_or_else(String::new, |call| call.input["expression"].as_str().unwrap_or("").to_owned())
    }

    #[test]
    fn sums_are_read_from_words_and_signs() {
        for (text, expression) in [
            ("What is 17 % of 2,340?", "17 / 100 * 2340"),
            ("what's 15 percent of 80", "15 / 100 * 80"),
            ("How much is 12.5*(3 + 4)?", "12.5*(3+4)"),
            ("2+2", "2+2"),
            ("Please calculate 10/4", "10/4"),
            ("what is the square root of 144?", "sqrt(144)"),
            ("3 squared", "3^2"),
            ("Was ist 17 % von 2.340,50?", "17 / 100 * 2340.50"),
            ("Wie viel ist 3 mal 4?", "3 * 4"),
            ("combien font 6 fois 7 ?", "6 * 7"),
        ] {
            assert_eq!(expression_of(text), expression, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_sum_goes_to_the_documents() {
        for text in [
            "What is 9/11?",
            "What is 24/7 support?",
            "2024-2025",
            "What is 802.11?",
            "What is COVID-19?",
            "1-800-555",
            "What is 42?",
            "How many days do refunds take?",
            "What is 5G?",
            "what is 1,2,3",
            "Is 17 % of it lost?",
        ] {
            assert_eq!(call(text), None, "{text}");
        }
    }

    #[test]
    fn the_time_is_asked_for_with_and_without_a_place() {
        for text in [
            "What time is it?",
            "what's the time",
            "Wie spät ist es?",
            "Quelle heure est-il ?",
            "¿Qué hora es?",
        ] {
            assert_eq!(call(text).unwrap().input, json!({}), "{text}");
        }
        for (text, zone) in [
            ("what time is it in Lisbon?", "lisbon"),
            ("What time is it in San Francisco now?", "America/Los_Angeles"),
            ("Wie spät ist es in München?", "Europe/Berlin"),
        ] {
            assert_eq!(call(text).unwrap().input["zone"], json!(zone), "{text}");
        }
        for text in [
            "What time is the meeting?",
            "When is it?",
            "what day is the review in Berlin?",
            "What is the date of the contract?",
        ] {
            assert_eq!(call(text), None, "{text}");
        }
    }

    #[test]
    fn only_allowed_tools_are_chosen() {
        assert_eq!(call_for("2+2", &[CURRENT_TIME.to_owned()]), None);
        assert_eq!(call_for("what time is it?", &[CALCULATOR.to_owned()]), None);
    }

    #[test]
    fn results_are_told_in_words() {
        let input = json!({ "expression": "2+2" });
        assert_eq!(told(CALCULATOR, &input, &json!({ "text": "4" }), Tongue::En).unwrap(), "2+2 = 4");
        let time =
            json!({ "local": "2026-11-21T23:30:00+00:00", "zone": "Europe/Lisbon", "weekday": "Saturday" });
        let told_in = |tongue| told(CURRENT_TIME, &json!({}), &time, tongue).unwrap();
        assert_eq!(told_in(Tongue::En), "It is 23:30 on Saturday, 2026-11-21 (Europe/Lisbon, UTC+00:00).");
        assert!(told_in(Tongue::De).starts_with("Es ist 23:30 Uhr"));
        assert_eq!(told("wiki.search", &json!({}), &json!({ "text": "x" }), Tongue::En), None);
        assert_eq!(
            (shown(&json!({ "text": "x" })), shown(&json!("é".repeat(3000))).chars().count()),
            ("x".into(), 2001)
        );
    }

    #[test]
    fn every_rule_can_be_read() {
        assert_eq!(time_phrases().len(), TIME_ASKED.len());
    }
}
