//! Runs of a text in which numbers may stand: digits and capitals in groups with single separators.
//!
//! Keeps true: runs are in order and apart; none is longer than [`BYTES_MAX`], so what reads one takes bounded time.

/// Longer runs are tables or data and no number of a person; the longest that counts is an IBAN in groups (42).
const BYTES_MAX: usize = 64;

/// Fewer digits name nobody.
const DIGITS_LEAST: usize = 6;

/// Bytes `[start, end)`, all ASCII, beginning and ending with a digit, a letter or (beginning) `+` or `(`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub start: usize,
    pub end: usize,
}

impl Run {
    pub fn text(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }

    /// The run without groups of letters at its beginning and end, such as "SSN" and "IBAN"; none where there are none.
    pub fn without_words(self, text: &str) -> Option<Self> {
        let mut parts = self.groups(text);
        let is_word = |run: &Self| run.text(text).bytes().all(|byte| byte.is_ascii_uppercase());
        let all = parts.len();
        while parts.first().is_some_and(is_word) {
            parts.remove(0);
        }
        while parts.last().is_some_and(is_word) {
            parts.pop();
        }
        let (first, last) = (parts.first()?, parts.last()?);
        (parts.len() < all).then_some(Self { start: first.start, end: last.end })
    }

    /// What stands between spaces, as far as it has enough digits; empty where the run is one part.
    pub fn parts(self, text: &str) -> Vec<Self> {
        let parts = self.groups(text);
        let is_long = |run: &Self| digits(run.text(text)).len() >= DIGITS_LEAST;
        if parts.len() < 2 { Vec::new() } else { parts.into_iter().filter(is_long).collect() }
    }

    fn groups(self, text: &str) -> Vec<Self> {
        let mut at = self.start;
        let mut groups = Vec::new();
        for piece in self.text(text).split(' ') {
            let trimmed = piece.trim_end_matches(['.', '-', '/', '(', '+']);
            if !trimmed.is_empty() {
                groups.push(Self { start: at, end: at + trimmed.len() });
            }
            at += piece.len() + 1;
        }
        groups
    }
}

/// The digits of a text.
pub fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|c| c.to_digit(10)).collect()
}

/// Letters and digits without what separates them.
pub fn compact(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// All runs that hold at least six digits, or could be an id of letters and digits.
pub fn runs(text: &str) -> impl Iterator<Item = Run> + '_ {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            if !begins(bytes, at) {
                at += 1;
                continue;
            }
            let run = run_at(bytes, at);
            at = run.end.max(at + 1);
            let digits = bytes[run.start..run.end].iter().filter(|byte| byte.is_ascii_digit()).count();
            if digits >= DIGITS_LEAST && !is_part(bytes, run) {
                return Some(run);
            }
        }
        None
    })
}

/// A word begins here, with a digit, a capital, `+` or `(`.
fn begins(bytes: &[u8], at: usize) -> bool {
    let byte = bytes[at];
    let fits = byte.is_ascii_digit() || byte.is_ascii_uppercase() || matches!(byte, b'+' | b'(');
    fits && (at == 0 || !crate::text::is_word(bytes[at - 1]))
}

/// Groups of one word each, with one separator (or `) ` and the like) between.
fn run_at(bytes: &[u8], start: usize) -> Run {
    let mut end = start;
    let mut at = start;
    let mut gap = 0;
    while at < bytes.len() && at - start < BYTES_MAX {
        let byte = bytes[at];
        if byte.is_ascii_alphanumeric() {
            let group = group_at(bytes, at);
            if !is_number_like(&bytes[at..group], at == start) {
                break;
            }
            (at, end, gap) = (group, group, 0);
        } else if separates(byte) && gap < 2 {
            gap += 1;
            at += 1;
        } else {
            break;
        }
    }
    // A bracket that nobody closed belongs to the sentence.
    let is_open = bytes[start] == b'(' && !bytes[start..end].contains(&b')');
    Run { start: if is_open { end.min(start + 1) } else { start }, end }
}

fn group_at(bytes: &[u8], start: usize) -> usize {
    let group = bytes[start..].iter().take(BYTES_MAX).take_while(|byte| byte.is_ascii_alphanumeric());
    start + group.count()
}

/// Digits and capitals; letters alone only where an id begins or ends with them.
fn is_number_like(group: &[u8], is_first: bool) -> bool {
    let has_digit = group.iter().any(u8::is_ascii_digit);
    let is_upper = group.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    is_upper && (has_digit || is_first && group.len() <= 6 || group.len() <= 4)
}

const fn separates(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'/' | b'(' | b')' | b'.' | b'+')
}

/// Whether the run only is a piece of something longer: a decimal, an address, a path, an identifier.
fn is_part(bytes: &[u8], run: Run) -> bool {
    let before = run.start.checked_sub(1).and_then(|at| bytes.get(at)).copied().unwrap_or(b' ');
    let after = bytes.get(run.end).copied().unwrap_or(b' ');
    let next = bytes.get(run.end + 1).copied().unwrap_or(b' ');
    let goes_on = crate::text::is_word(after) && after.is_ascii() || matches!(after, b'@' | b'=');
    let decimal = matches!(after, b',' | b'.') && next.is_ascii_digit();
    let longer = run.end - run.start >= BYTES_MAX - 4;
    goes_on || decimal || longer || matches!(before, b'.' | b'/' | b'@' | b'-' | b'$' | b'&' | b'%')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        runs(text).map(|run| run.text(text)).collect()
    }

    #[test]
    fn groups_hold_together() {
        assert_eq!(found("call (030) 901-820 now"), ["(030) 901-820"]);
        assert_eq!(found("DE89 3704 0044 0532 0130 00, x"), ["DE89 3704 0044 0532 0130 00"]);
        assert_eq!(found("AB 12 34 56 C"), ["AB 12 34 56 C"]);
        assert_eq!(found("(405-452-5150 or so)"), ["405-452-5150"]);
    }

    #[test]
    fn pieces_of_longer_things_are_no_runs() {
        for text in ["v1.234567.8", "x_1234567", "1234567abc", "a/1234567", "é1234567"] {
            assert_eq!(found(text), found(""), "{text}");
        }
        assert!(found(&"123 456 ".repeat(40)).is_empty());
    }
}
