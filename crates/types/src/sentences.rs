//! Where sentences end, for chunking and for quoting.
//!
//! Keeps true: the ranges tile the text (each begins where the one before it ends, the white space after a sentence
//! belongs to it), none is empty, and all lie on character boundaries. Time is linear in the text.
//!
//! A full stop ends a sentence by the rules of Unicode Standard Annex 29 (SB6 to SB11: not inside a number, not
//! before a small letter), and not after an abbreviation, an initial or the number of a list item. Blank lines and
//! the starts of list items end one too.

use std::ops::Range;

/// The sentences of `text` as byte ranges that tile it.
#[must_use]
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while let Some((stop, mark)) = next_mark(text, at) {
        at = match mark {
            '\n' => after_space(text, stop),
            _ => after_closers(text, stop + mark.len_utf8()),
        };
        if is_end(text, start, stop, at, mark) {
            at = after_space(text, at);
            found.push(start..at);
            start = at;
        }
    }
    if start < text.len() {
        found.push(start..text.len());
    }
    found
}

/// The next character at or after `from` that may end a sentence.
fn next_mark(text: &str, from: usize) -> Option<(usize, char)> {
    let rest = text.get(from..)?;
    rest.char_indices().find(|(_, c)| *c == '\n' || is_terminator(*c)).map(|(offset, c)| (from + offset, c))
}

fn is_terminator(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '‽') || is_wide_terminator(c)
}

/// Marks that need no space after them, or belong to scripts without capital letters.
fn is_wide_terminator(c: char) -> bool {
    matches!(c, '。' | '！' | '？' | '｡' | '．' | '।' | '॥' | '؟' | '۔' | '։' | '።' | '၊' | '။')
}

/// `at` is behind the mark and what closes with it.
fn is_end(text: &str, start: usize, stop: usize, at: usize, mark: char) -> bool {
    let rest = &text[at..];
    if mark == '\n' {
        return text[start..stop].contains(|c: char| !c.is_whitespace())
            && (text[stop + 1..at].contains('\n') || is_list_item(rest));
    }
    if rest.is_empty() || is_wide_terminator(mark) {
        return true;
    }
    if !rest.starts_with(char::is_whitespace) {
        return false;
    }
    let next = rest.trim_start().chars().find(|c| !is_opener(*c));
    if next.is_some_and(char::is_lowercase) {
        return false;
    }
    mark != '.' || !is_inner_stop(&text[start..stop], rest)
}

/// Further terminators ("?!", "...") and closing quotes or brackets.
fn after_closers(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    let is_tail = |c: char| {
        is_terminator(c)
            || matches!(
                c,
                '"' | '\'' | '”' | '’' | '»' | ')' | ']' | '}' | '」' | '』' | '）' | '】' | '*' | '_'
            )
    };
    at + rest.len() - rest.trim_start_matches(is_tail).len()
}

fn after_space(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    at + rest.len() - rest.trim_start().len()
}

fn is_opener(c: char) -> bool {
    matches!(c, '"' | '\'' | '“' | '‘' | '«' | '„' | '(' | '[' | '¿' | '¡' | '*' | '_')
}

/// A bullet or a number with a point, then a space.
fn is_list_item(line: &str) -> bool {
    let after_bullet = line.strip_prefix(['-', '*', '•', '–', '+', '▪', '◦', '‣']);
    if after_bullet.is_some_and(|rest| rest.starts_with(' ')) {
        return true;
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    (1..=3).contains(&digits)
        && line[digits..].strip_prefix(['.', ')']).is_some_and(|rest| rest.starts_with(' '))
}

/// Whether a full stop after `before` belongs to its word.
fn is_inner_stop(before: &str, rest: &str) -> bool {
    let word = last_word(before);
    if word.is_empty() {
        return false;
    }
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        return word.len() <= 3 && before.trim_start().len() == word.len();
    }
    let mut letters = word.chars();
    let is_single = letters.next().is_some_and(char::is_alphabetic) && letters.next().is_none();
    if is_single && word != "I" {
        return !starts_a_sentence(rest);
    }
    let lower = word.to_lowercase();
    if NEVER_LAST.binary_search(&lower.as_str()).is_ok() {
        return true;
    }
    let is_dotted = word.contains('.') && word.split('.').all(|part| part.chars().count() <= 2);
    let may_be_last = is_dotted || SELDOM_LAST.binary_search(&lower.as_str()).is_ok();
    (may_be_last && !starts_a_sentence(rest)) || (lower == "no" && starts_with_digit(rest))
}

fn last_word(before: &str) -> &str {
    const WORD_BYTES_MAX: usize = 24;
    let mut from = before.len().saturating_sub(WORD_BYTES_MAX);
    while !before.is_char_boundary(from) {
        from += 1;
    }
    let tail = &before[from..];
    let word =
        tail.rsplit(|c: char| c.is_whitespace() || is_opener(c) || matches!(c, '/' | '-' | '—')).next();
    word.unwrap_or_default()
}

fn starts_with_digit(rest: &str) -> bool {
    rest.trim_start().starts_with(|c: char| c.is_ascii_digit())
}

/// Whether the text goes on with a word that mostly opens a sentence.
fn starts_a_sentence(rest: &str) -> bool {
    let word = rest.trim_start().split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    OPENING_WORDS.binary_search(&word).is_ok()
}

/// Abbreviations that stand before something. Sorted.
const NEVER_LAST: [&str; 48] = [
    "abb", "abs", "al", "bzgl", "bzw", "ca", "cf", "ch", "chap", "col", "d.h", "dr", "e.g", "ed", "eds",
    "eq", "eqs", "fig", "figs", "gen", "hr", "i.e", "inkl", "jos", "kap", "lt", "mme", "mr", "mrs", "ms",
    "mt", "nos", "pp", "prof", "ref", "refs", "rev", "sec", "sgt", "st", "str", "tab", "u.a", "vgl", "viz",
    "vol", "vs", "z.b",
];

/// Abbreviations that may also end a sentence. Sorted.
const SELDOM_LAST: [&str; 35] = [
    "approx", "apr", "art", "aug", "ave", "blvd", "bros", "co", "corp", "dec", "dept", "est", "etc", "ext",
    "feb", "inc", "incl", "jan", "jr", "ltd", "max", "min", "nov", "nr", "oct", "op", "p", "para", "resp",
    "sen", "sep", "sept", "sr", "univ", "usw",
];

/// Sorted by bytes.
const OPENING_WORDS: [&str; 44] = [
    "A", "After", "All", "Also", "Although", "An", "And", "As", "At", "Because", "Before", "But", "By",
    "Das", "Der", "Die", "Each", "Es", "For", "From", "He", "How", "However", "If", "In", "It", "Its", "On",
    "She", "Since", "So", "That", "The", "Then", "There", "These", "They", "This", "Those", "To", "We",
    "What", "When", "You",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> = sentences(text).into_iter().map(|range| text[range].trim()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn plain_sentences() {
        check("One is here. Two follows! Three? Yes.", &["One is here.", "Two follows!", "Three?", "Yes."]);
        check("He said \"Stop.\" Then he left.", &["He said \"Stop.\"", "Then he left."]);
        check("Wait... what? No end", &["Wait... what?", "No end"]);
    }

    #[test]
    fn abbreviations_initials_and_numbers_do_not_end_one() {
        check("See e.g. Figure 2. It shows 3.5 mm.", &["See e.g. Figure 2.", "It shows 3.5 mm."]);
        check(
            "Dr. J. Smith met Mrs. Jones vs. Acme Inc. in May.",
            &["Dr. J. Smith met Mrs. Jones vs. Acme Inc. in May."],
        );
        check(
            "The U.S. Army left. In the U.S. The law differs.",
            &["The U.S. Army left.", "In the U.S.", "The law differs."],
        );
        check("Version 1.2.3 of foo.rs is out. Use it.", &["Version 1.2.3 of foo.rs is out.", "Use it."]);
        check("Das gilt z.B. Sonntags, vgl. Abs. drei.", &["Das gilt z.B. Sonntags, vgl. Abs. drei."]);
    }

    #[test]
    fn list_items_and_blank_lines_end_one() {
        check("1. First step\n2. Second step", &["1. First step", "2. Second step"]);
        check("Intro:\n- one\n- two\n\nEnd", &["Intro:", "- one", "- two", "End"]);
        check("a line\nbroken by its width", &["a line\nbroken by its width"]);
    }

    #[test]
    fn scripts_without_spaces() {
        check(
            "今日は晴れ。明日は雨！「はい。」と言う",
            &["今日は晴れ。", "明日は雨！", "「はい。」", "と言う"],
        );
        check("यह एक है। वह दो है।", &["यह एक है।", "वह दो है।"]);
    }

    #[test]
    fn ranges_tile_the_text() {
        for text in ["", " ", "\n\n", "a.", " . ! \n\n ... b", "é. É! …", "x\n\n\ny  "] {
            let ranges = sentences(text);
            let joined: String = ranges.iter().map(|range| &text[range.clone()]).collect();
            assert_eq!(joined, text);
            assert!(ranges.iter().all(|range| !range.is_empty()));
        }
    }

    #[test]
    fn word_lists_are_sorted() {
        assert!(NEVER_LAST.is_sorted() && SELDOM_LAST.is_sorted() && OPENING_WORDS.is_sorted());
    }
}
