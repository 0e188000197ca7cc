//! The text as it is read and not as it is written: invisible characters gone, letters that look like others as those,
//! all in lower case.
//!
//! Keeps true: every place of the folded text leads back to a place of the original.

/// A folded text.
#[derive(Debug, Default)]
pub struct Folded {
    pub text: String,
    /// Where the distance between both texts changes: place here, place there. Both grow.
    turns: Vec<(usize, usize)>,
    /// Invisible characters that stood between two letters.
    pub hidden_in_words: usize,
    /// Letters of other alphabets that stood in for Latin ones in words that mix both.
    pub lookalikes: usize,
}

impl Folded {
    pub fn new(text: &str) -> Self {
        let mut folded = Self { text: String::with_capacity(text.len()), ..Self::default() };
        if text.is_ascii() {
            folded.text.push_str(text);
            folded.text.make_ascii_lowercase();
            return folded;
        }
        let mut is_word = false;
        let mut hidden = 0;
        for (at, character) in text.char_indices() {
            if is_invisible(character) {
                hidden += usize::from(is_word);
                continue;
            }
            if character.is_alphanumeric() {
                folded.hidden_in_words += hidden;
            }
            (is_word, hidden) = (character.is_alphanumeric(), 0);
            folded.push(at, character);
        }
        folded
    }

    fn push(&mut self, at: usize, character: char) {
        let distance = |(here, there): &(usize, usize)| there.wrapping_sub(*here);
        let here = self.text.len();
        if self.turns.last().map_or(0, distance) != at.wrapping_sub(here) {
            self.turns.push((here, at));
        }
        let latin = latin(character);
        self.lookalikes += usize::from(latin != character && !is_dressed(character));
        // One character in lower case may be several; the distance turns at the next.
        self.text.extend(latin.to_lowercase());
    }

    /// The place in the original of a place of the folded text.
    pub fn origin(&self, at: usize) -> usize {
        let turn = self.turns.partition_point(|(here, _)| *here <= at);
        let (here, there) =
            turn.checked_sub(1).and_then(|turn| self.turns.get(turn)).copied().unwrap_or((0, 0));
        there + (at - here)
    }
}

/// Characters without shape: zero width, soft hyphen, direction marks, tags, variation selectors, fillers.
pub const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Whether a letter is Latin in another dress (wide or mathematical) and not of another alphabet.
const fn is_dressed(c: char) -> bool {
    matches!(c, '\u{ff01}'..='\u{ff5e}' | '\u{1d400}'..='\u{1d7ff}' | '\u{24b6}'..='\u{24e9}' | '’' | '‘' | 'ſ')
}

/// The Latin letter or digit that a character is taken for.
fn latin(c: char) -> char {
    let from = |base: u32, first: char| char::from_u32(u32::from(first) + (u32::from(c) - base)).unwrap_or(c);
    match c {
        '\u{ff01}'..='\u{ff5e}' => from(0xff01, '!'),
        '\u{24b6}'..='\u{24cf}' => from(0x24b6, 'a'),
        '\u{24d0}'..='\u{24e9}' => from(0x24d0, 'a'),
        '\u{1d400}'..='\u{1d6a3}' => mathematical(c),
        '\u{1d7ce}'..='\u{1d7ff}' => char::from_digit((u32::from(c) - 0x1d7ce) % 10, 10).unwrap_or(c),
        '’' | '‘' => '\'',
        'ſ' => 's',
        _ => LOOKALIKES.iter().find(|(other, _)| *other == c).map_or(c, |(_, latin)| *latin),
    }
}

/// Thirteen alphabets of 52 letters each (Unicode block Mathematical Alphanumeric Symbols).
fn mathematical(c: char) -> char {
    let letter = (u32::from(c) - 0x1d400) % 52 % 26;
    char::from_u32(u32::from('a') + letter).unwrap_or(c)
}

/// From Unicode's table of confusables, those of Cyrillic and Greek that look like one Latin letter.
const LOOKALIKES: &[(char, char)] = &[
    ('а', 'a'),
    ('А', 'a'),
    ('В', 'b'),
    ('с', 'c'),
    ('С', 'c'),
    ('ԁ', 'd'),
    ('е', 'e'),
    ('Е', 'e'),
    ('һ', 'h'),
    ('Н', 'h'),
    ('і', 'i'),
    ('І', 'i'),
    ('ј', 'j'),
    ('Ј', 'j'),
    ('К', 'k'),
    ('ӏ', 'l'),
    ('М', 'm'),
    ('о', 'o'),
    ('О', 'o'),
    ('р', 'p'),
    ('Р', 'p'),
    ('ԛ', 'q'),
    ('ѕ', 's'),
    ('Ѕ', 's'),
    ('Т', 't'),
    ('ѵ', 'v'),
    ('ԝ', 'w'),
    ('х', 'x'),
    ('Х', 'x'),
    ('у', 'y'),
    ('У', 'y'),
    ('ο', 'o'),
    ('Ο', 'o'),
    ('Α', 'a'),
    ('Ε', 'e'),
    ('Ι', 'i'),
    ('ν', 'v'),
    ('Ν', 'n'),
    ('Τ', 't'),
    ('Ρ', 'p'),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dress_and_lookalikes_are_seen_through() {
        assert_eq!(Folded::new("ＡＢ𝐈𝐠𝓃Ⓐ’раss").text, "abigna'pass");
        assert_eq!(Folded::new("i\u{200b}G\u{ad}n").text, "ign");
    }

    #[test]
    fn places_lead_back() {
        let text = "é\u{200b}aİbＣd";
        let folded = Folded::new(text);
        for letter in ['a', 'b', 'd'] {
            let at = folded.text.find(letter).unwrap();
            assert_eq!(folded.origin(at), text.find(letter).unwrap(), "{letter}");
        }
        assert_eq!(folded.origin(folded.text.find('c').unwrap()), text.find('Ｃ').unwrap());
    }

    #[test]
    fn what_hides_in_words_is_counted() {
        assert_eq!(Folded::new("a\u{200b}b \u{200b} c\u{200b}").hidden_in_words, 1);
        assert_eq!(Folded::new("раss").lookalikes, 2);
    }
}
