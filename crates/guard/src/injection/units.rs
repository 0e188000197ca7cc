//! Sentences and lines with their words: what an order is given in.
//!
//! Keeps true: units are in order and apart; words hold their place in the original text.

use std::ops::Range;

use super::fold::Folded;

/// A word in lower case, folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    pub text: &'a str,
    /// In the original.
    pub start: usize,
    pub end: usize,
    /// A sign stands before it, other than a quotation mark, and so a clause may begin.
    pub opens: bool,
}

/// A sentence, or a line where a new one begins with a capital.
#[derive(Clone, Debug)]
pub struct Unit<'a> {
    pub words: Vec<Word<'a>>,
    pub is_question: bool,
    /// Begins a line of its own and ends with it.
    pub is_line: bool,
    /// A row of a table.
    pub is_row: bool,
    pub start: usize,
    pub end: usize,
}

/// All units that hold a word.
pub fn units<'a>(text: &str, folded: &'a Folded) -> Vec<Unit<'a>> {
    let mut words = words(folded).peekable();
    let mut found = Vec::new();
    for range in ranges(text) {
        let mut own = Vec::new();
        while let Some(word) = words.next_if(|word| word.start < range.end) {
            own.push(word);
        }
        if !own.is_empty() {
            found.push(unit(text, range, own));
        }
    }
    found
}

fn unit<'a>(text: &str, range: Range<usize>, words: Vec<Word<'a>>) -> Unit<'a> {
    let own = text.get(range.clone()).unwrap_or_default();
    let trimmed = own.trim_end().trim_end_matches(['"', '\'', ')', '*']);
    let begins = text.get(..range.start).unwrap_or_default().trim_end_matches([' ', '\t']);
    Unit {
        words,
        is_question: trimmed.ends_with(['?', '？', '؟']),
        is_line: (begins.is_empty() || begins.ends_with('\n'))
            && (own.ends_with('\n') || range.end == text.len()),
        is_row: own.trim_start().starts_with('|'),
        start: range.start,
        end: range.start + own.trim_end().len(),
    }
}

/// Sentences, cut again where a line begins that looks like a beginning.
fn ranges(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for sentence in ibid_types::sentences::sentences(text) {
        let mut start = sentence.start;
        let own = text.get(sentence.clone()).unwrap_or_default();
        for (at, _) in own.match_indices('\n') {
            let next = sentence.start + at + 1;
            let rest = text.get(next..sentence.end).unwrap_or_default().trim_start_matches([' ', '\t']);
            let begins = rest.starts_with(|c: char| !c.is_lowercase() && !c.is_ascii_digit());
            if begins && next > start {
                found.push(start..next);
                start = next;
            }
        }
        if start < sentence.end {
            found.push(start..sentence.end);
        }
    }
    found
}

/// Runs of letters, digits and apostrophes.
fn words(folded: &Folded) -> impl Iterator<Item = Word<'_>> {
    let text = folded.text.as_str();
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..)?;
        let start = at + rest.find(char::is_alphanumeric)?;
        let belongs = |c: char| c.is_alphanumeric() || c == '\'';
        let length = text[start..].find(|c| !belongs(c)).unwrap_or(text.len() - start);
        let opens = text[at..start].contains(|c: char| !c.is_whitespace() && !"\"“”„«»'".contains(c));
        at = start + length;
        let word = text[start..at].trim_end_matches('\'');
        let last = word.char_indices().next_back().map_or(0, |(last, _)| last);
        // The end of a word is behind its last character, which may be longer in the original.
        let end = folded.origin(start + last) + 1;
        Some(Word { text: word, start: folded.origin(start), end, opens })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<String> {
        let folded = Folded::new(text);
        let join = |unit: &Unit<'_>| unit.words.iter().map(|word| word.text).collect::<Vec<_>>().join(" ");
        units(text, &folded).iter().map(join).collect()
    }

    #[test]
    fn sentences_and_lines_are_units() {
        assert_eq!(
            cut("One is. Two\nis wrapped\nThree begins"),
            ["one is", "two is wrapped", "three begins"]
        );
        assert_eq!(cut("| a | b |\n| c | d |"), ["a b", "c d"]);
        assert_eq!(cut(" \n. "), [""; 0]);
    }

    #[test]
    fn a_unit_knows_how_it_stands() {
        let text = "It is. Is it?\nOwn line\n| row |";
        let folded = Folded::new(text);
        let units = units(text, &folded);
        let told: Vec<_> = units.iter().map(|unit| (unit.is_question, unit.is_line, unit.is_row)).collect();
        assert_eq!(
            told,
            [(false, false, false), (true, false, false), (false, true, false), (false, true, true)]
        );
    }
}
