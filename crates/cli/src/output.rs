//! What the terminal shows: colours only where one is, errors on standard error, exit codes that mean something.
//!
//! Keeps true: nothing but `paint` and `clear_screen` makes an escape character, so that no text from elsewhere steers the terminal.

use std::io::{IsTerminal, Write};

use ibid_types::plain::{REPLACEMENT, is_turning, one_line};
use ibid_types::{Class, Error, Result};
use serde::Serialize;

use crate::args::When;

/// Whether to colour, decided once for each stream.
#[derive(Clone, Copy, Debug)]
pub struct Color {
    pub out: bool,
    pub err: bool,
}

impl Color {
    pub fn new(when: When) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let decide = |terminal: bool| match when {
            When::Always => true,
            When::Never => false,
            When::Auto => terminal && !plain,
        };
        Self { out: decide(std::io::stdout().is_terminal()), err: decide(std::io::stderr().is_terminal()) }
    }

    pub fn bold(self, text: &str) -> String {
        paint(self.out, "1", text)
    }

    pub fn dim(self, text: &str) -> String {
        paint(self.out, "2", text)
    }

    pub fn green(self, text: &str) -> String {
        paint(self.out, "32", text)
    }

    pub fn red(self, text: &str) -> String {
        paint(self.out, "31", text)
    }

    pub fn yellow(self, text: &str) -> String {
        paint(self.out, "33", text)
    }

    pub fn cyan(self, text: &str) -> String {
        paint(self.out, "36", text)
    }
}

/// Stands for the escape character until a line is written: Unicode keeps it free for use inside of programs.
const PAINT: char = '\u{fdd0}';
/// What may follow it: our colours.
const PAINTED: [&str; 9] = ["[0m", "[1m", "[2m", "[31m", "[32m", "[33m", "[36m", "[1;31m", "[1;33m"];

fn paint(on: bool, code: &str, text: &str) -> String {
    if on { format!("{PAINT}[{code}m{text}{PAINT}[0m") } else { text.to_owned() }
}

/// Empties the screen of a terminal.
pub fn clear_screen() -> Result<()> {
    let mut out = std::io::stdout().lock();
    write!(out, "\u{1b}[H\u{1b}[J").map_err(|error| closed(&error))
}

/// Writes a line to standard output. A reader that went away (`| head`) ends the program quietly.
pub fn line(text: &str) -> Result<()> {
    written(&visible(text))
}

fn written(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|error| closed(&error))
}

/// Writes text without a line's end.
pub fn piece(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    write!(out, "{}", visible(text)).and_then(|()| out.flush()).map_err(|error| closed(&error))
}

/// A note to the person, beside the output.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", visible(text));
}

pub fn json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::internal("output", "cannot write JSON").caused_by(error))?;
    written(&json_visible(&text))
}

pub fn json_line(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string(value)
        .map_err(|error| Error::internal("output", "cannot write JSON").caused_by(error))?;
    written(&json_visible(&text))
}

/// A text must not steer the terminal: control characters are shown as `�`, what turns the direction of letters is left out, and
/// colours are ours.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut parts = text.split(PAINT);
    shown.push_str(&harmless(parts.next().unwrap_or_default()));
    for part in parts {
        let is_ours = PAINTED.iter().any(|code| part.starts_with(code));
        shown.push(if is_ours { '\u{1b}' } else { REPLACEMENT });
        shown.push_str(&harmless(part));
    }
    shown
}

fn harmless(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' => Some(c),
        c if c.is_control() => Some(REPLACEMENT),
        c => (!is_turning(c)).then_some(c),
    };
    text.chars().filter_map(shown).collect()
}

/// The same for text that came from outside, where no colour is ours.
pub fn foreign(text: &str) -> String {
    harmless(text).replace(PAINT, "\u{fffd}")
}

/// The same for what stands in a list: a line's end in it would forge a line.
pub fn foreign_line(text: &str) -> String {
    one_line(text).replace(PAINT, "\u{fffd}")
}

/// JSON, in which characters that could steer a terminal are escaped, so that nothing of it is lost.
fn json_visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || !(c.is_control() || is_turning(c)) {
            shown.push(c);
        } else {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| shown.push_str(&format!("\\u{unit:04x}")));
        }
    }
    shown
}

/// `SIGPIPE` is an end, not a failure.
fn closed(error: &std::io::Error) -> Error {
    Error::internal("output_closed", format!("cannot write the output: {error}"))
}

pub fn print_error(error: &Error, color: Color) {
    if error.code == "output_closed" {
        return;
    }
    let label = paint(color.err, "1;31", "error");
    let code = paint(color.err, "2", &format!("[{}]", error.code));
    note(&format!("{label}: {} {code}", foreign(&error.chain())));
}

/// One code for each kind of failure; `--help` lists them.
pub const fn exit_code(class: Class) -> u8 {
    match class {
        Class::Internal => 1,
        Class::BadRequest | Class::Conflict => 2,
        Class::Unauthenticated | Class::Forbidden => 3,
        Class::NotFound => 4,
        Class::TooManyRequests | Class::Timeout | Class::Unavailable => 5,
    }
}

pub const PARTLY_FAILED: u8 = 6;
pub const ABSTAINED: u8 = 7;

/// `1,234,567`
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 file`, `2 files`, `3 entries`
pub fn counted(number: u64, noun: &str) -> String {
    let number_told = grouped(number);
    let stem = noun.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u']));
    match (number, stem) {
        (1, _) => format!("{number_told} {noun}"),
        (_, Some(stem)) => format!("{number_told} {stem}ies"),
        (_, None) => format!("{number_told} {noun}s"),
    }
}

/// At most `width` characters on one line.
pub fn shortened(text: &str, width: usize) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if flat.chars().count() <= width {
        return flat;
    }
    let kept: String = flat.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_counted() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!((counted(1, "file"), counted(1000, "file")), ("1 file".into(), "1,000 files".into()));
        assert_eq!((counted(1, "entry"), counted(397, "entry")), ("1 entry".into(), "397 entries".into()));
        assert_eq!(counted(2, "day"), "2 days");
    }

    #[test]
    fn long_text_is_shortened_on_one_line() {
        assert_eq!(shortened("a\nb  c", 10), "a b c");
        assert_eq!(shortened("abcdefgh", 4), "abc…");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(visible("a\u{7}b"), "a\u{fffd}b");
        assert_eq!(foreign("\u{1b}[2J"), "\u{fffd}[2J");
        assert_eq!(visible("\u{1b}]0;a\u{9b}b"), "\u{fffd}]0;a\u{fffd}b");
        assert_eq!(visible("a\u{202e}b\u{2066}c\u{e0041}d"), "abcd");
        assert_eq!(foreign_line("a\nb\u{202e}\u{fdd0}[31m"), "a\u{fffd}b\u{fffd}\u{fffd}[31m");
    }

    #[test]
    fn only_our_own_colours_are_colours() {
        let painted = paint(true, "31", &foreign("a\u{1b}[32mb"));
        assert_eq!(visible(&painted), "\u{1b}[31ma\u{fffd}[32mb\u{1b}[0m");
        assert_eq!(visible("\u{fdd0}]0;x"), "\u{fffd}]0;x");
        for code in ["1", "2", "31", "32", "33", "36", "1;31"] {
            assert_eq!(visible(&paint(true, code, "x")), format!("\u{1b}[{code}mx\u{1b}[0m"));
        }
    }

    #[test]
    fn json_tells_everything_and_steers_nothing() {
        let text =
            json_visible(&serde_json::to_string("a\u{1b}\u{9b}\u{202e}\u{e0041}\u{fdd0}[31m").unwrap());
        assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{e0041}']), "{text}");
        let read: String = serde_json::from_str(&text).unwrap();
        assert_eq!(read, "a\u{1b}\u{9b}\u{202e}\u{e0041}\u{fdd0}[31m");
    }
}
