//! Which of four languages a text is in, by its words of grammar.

use crate::lexicon::Flags;
use crate::token::Token;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Language {
    #[default]
    English,
    German,
    French,
    Spanish,
}

/// Counts words of grammar.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    of: [usize; 4],
}

const FLAGS: [(Flags, Language); 4] = [
    (Flags::ENGLISH, Language::English),
    (Flags::GERMAN, Language::German),
    (Flags::FRENCH, Language::French),
    (Flags::SPANISH, Language::Spanish),
];

impl Counts {
    pub fn add(&mut self, tokens: &[Token]) {
        for token in tokens.iter().filter(|token| token.is_word()) {
            for (count, (flags, _)) in self.of.iter_mut().zip(FLAGS) {
                *count += usize::from(token.may_be(flags));
            }
        }
    }

    /// English unless another has clearly more words.
    pub fn language(&self) -> Language {
        let mut best = (self.of[0], Language::English);
        for (count, (_, language)) in self.of.iter().zip(FLAGS) {
            if *count > best.0 {
                best = (*count, language);
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::tokens;

    #[test]
    fn four_languages_are_told_apart() {
        for (text, expected) in [
            ("I work at Acme and live in Berlin.", Language::English),
            ("Ich arbeite bei der Bank und wohne in Berlin.", Language::German),
            ("Je travaille chez Acme et j'habite à Lyon.", Language::French),
            ("Vivo en Madrid con mi hermana y trabajo en una escuela.", Language::Spanish),
            ("Berlin", Language::English),
        ] {
            let mut counts = Counts::default();
            counts.add(&tokens(text, 0..text.len()));
            assert_eq!(counts.language(), expected, "{text}");
        }
    }
}
