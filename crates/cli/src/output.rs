//! What the terminal shows: colours only where one is, errors on standard error, exit codes that mean something.

use std::io::{IsTerminal, Write};

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

fn paint(on: bool, code: &str, text: &str) -> String {
    if on { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// Writes a line to standard output. A reader that went away (`| head`) ends the program quietly.
pub fn line(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", visible(text)).and_then(|()| out.flush()).map_err(|error| closed(&error))
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
    line(&text)
}

pub fn json_line(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string(value)
        .map_err(|error| Error::internal("output", "cannot write JSON").caused_by(error))?;
    line(&text)
}

/// A document's text must not steer the terminal: control characters other than our own colours are shown as `�`.
fn visible(text: &str) -> String {
    let harmless = |c: char| !c.is_control() || matches!(c, '\n' | '\t' | '\u{1b}');
    if text.chars().all(harmless) {
        text.to_owned()
    } else {
        text.replace(|c: char| !harmless(c), "\u{fffd}")
    }
}

/// The same for text that came from outside, where no colour is ours.
pub fn foreign(text: &str) -> String {
    text.replace('\u{1b}', "\u{fffd}")
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

/// `1 file`, `2 files`
pub fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
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
    }
}
