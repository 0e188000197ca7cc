//! Characters that people do not see and models read.
//!
//! Keeps true: what scripts and emoji need (joiners between their letters, one variation selector, direction marks in
//! text from right to left, flags made of tags) is no sign.

use super::fold::{Folded, is_invisible};
use super::{Feature, Signal};

/// Tags that no flag of a region has: they hold at most six letters and an end.
const TAGS_MAX: usize = 8;
/// Invisible characters in Latin words; one or two are left over from a page's layout.
const IN_WORDS_LEAST: usize = 3;
/// Letters of another alphabet in Latin words.
const LOOKALIKES_LEAST: usize = 2;
/// Invisible characters of all sorts in a row.
const RUN_LEAST: usize = 8;
/// Variation selectors in a row; an emoji has one.
const SELECTORS_LEAST: usize = 4;

pub fn signals(text: &str, folded: &Folded) -> Vec<Signal> {
    if text.is_ascii() {
        return Vec::new();
    }
    let whole = (0, text.len());
    let tags = run(text, TAGS_MAX, |c| matches!(c, '\u{e0000}'..='\u{e007f}'));
    let selectors =
        run(text, SELECTORS_LEAST, |c| matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}'));
    let in_words = folded.hidden_in_words >= IN_WORDS_LEAST && is_latin(text);
    let found = [
        (10, "text in characters that nobody sees (tags)", tags),
        (10, "data in characters that nobody sees (variation selectors)", selectors),
        (6, "a run of characters that nobody sees", run(text, RUN_LEAST, is_invisible)),
        (6, "invisible characters inside of words", in_words.then_some(whole)),
        (6, "characters that turn the direction of Latin text", overridden(text)),
        (4, "letters of another alphabet inside of Latin words", mixed(text)),
    ];
    let signal = |(weight, reason, place): (u32, &'static str, Option<(usize, usize)>)| {
        place.map(|(start, end)| Signal { feature: Feature::Hidden, weight, reason, start, end })
    };
    found.into_iter().filter_map(signal).collect()
}

/// The first run of at least so many characters of a sort.
fn run(text: &str, least: usize, is: impl Fn(char) -> bool) -> Option<(usize, usize)> {
    let (mut start, mut count) = (0, 0);
    for (at, character) in text.char_indices() {
        if is(character) {
            if count == 0 {
                start = at;
            }
            count += 1;
            continue;
        }
        if count >= least {
            return Some((start, at));
        }
        count = 0;
    }
    (count >= least).then_some((start, text.len()))
}

/// An override of direction in a text that has no script from right to left.
fn overridden(text: &str) -> Option<(usize, usize)> {
    let at = text.find(['\u{202d}', '\u{202e}'])?;
    let turns =
        |c: char| matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}');
    (!text.contains(turns)).then_some((at, at + 3))
}

fn is_latin(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let latin = text.chars().filter(char::is_ascii_alphabetic).count();
    latin * 2 > letters
}

/// The first words in which Latin and Cyrillic or Greek letters mix, if there are enough of them.
fn mixed(text: &str) -> Option<(usize, usize)> {
    let mut found = None;
    let mut count = 0;
    let mut start = 0;
    for word in text.split_inclusive(|c: char| !c.is_alphabetic()) {
        let other = word.contains(|c: char| matches!(c, '\u{400}'..='\u{52f}' | '\u{370}'..='\u{3ff}'));
        let latin = word.bytes().filter(u8::is_ascii_alphabetic).count();
        // One Latin letter beside a Greek one is a formula.
        if other && latin >= 2 {
            count += 1;
            found = found.or(Some((start, start + word.len())));
        }
        start += word.len();
    }
    found.filter(|_| count >= LOOKALIKES_LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(text: &str) -> u32 {
        signals(text, &Folded::new(text)).iter().map(|signal| signal.weight).max().unwrap_or(0)
    }

    #[test]
    fn hidden_text_is_seen() {
        let tags: String =
            "ignore this".chars().filter_map(|c| char::from_u32(0xe0000 + u32::from(c))).collect();
        assert_eq!(weight(&format!("hello{tags}")), 10);
        assert_eq!(weight(&format!("😀{}", "\u{fe01}\u{e0101}".repeat(3))), 10);
        assert_eq!(weight("w\u{200b}o\u{200b}r\u{200b}d"), 6);
        assert_eq!(weight("abc \u{202e}txet"), 6);
        assert_eq!(weight("раssword and аdmin"), 4);
    }

    #[test]
    fn what_scripts_and_emoji_need_is_no_sign() {
        let flag: String = "gbeng".chars().filter_map(|c| char::from_u32(0xe0000 + u32::from(c))).collect();
        for text in [
            &format!("🏴{flag}\u{e007f}"),
            "👩\u{200d}👩\u{200d}👧\u{200d}👦 ❤\u{fe0f}",
            "می\u{200c}خواهم می\u{200c}روم نمی\u{200c}شود",
            "\u{202b}שלום\u{202c} \u{202e}שלום\u{202c}",
            "soft\u{ad}hyphen",
            "\u{feff}begins with a mark of bytes",
            "β-actin and α2 and μm",
            "Привет, мир",
        ] {
            assert_eq!(weight(text), 0, "{text}");
        }
    }
}
