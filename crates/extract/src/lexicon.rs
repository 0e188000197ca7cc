//! What the words we know may be: parts of speech, names, kinds of things.
//!
//! Keeps true: built once from the lists below it, looked up by the word in lower case, never grows.

mod grammar;
mod names;
mod verbs;

use std::collections::HashMap;
use std::sync::LazyLock;

/// A set of things a word may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(u64);

impl Flags {
    pub const NONE: Self = Self(0);
    pub const PRONOUN: Self = Self(1);
    pub const POSSESSIVE: Self = Self(1 << 1);
    pub const DETERMINER: Self = Self(1 << 2);
    pub const PREPOSITION: Self = Self(1 << 3);
    pub const CONJUNCTION: Self = Self(1 << 4);
    pub const SUBORDINATOR: Self = Self(1 << 5);
    pub const BE: Self = Self(1 << 6);
    pub const HAVE: Self = Self(1 << 7);
    pub const DO: Self = Self(1 << 8);
    pub const MODAL: Self = Self(1 << 9);
    pub const NEGATION: Self = Self(1 << 10);
    pub const ADVERB: Self = Self(1 << 11);
    pub const ADJECTIVE: Self = Self(1 << 12);
    pub const QUESTION: Self = Self(1 << 13);
    /// Greetings, thanks, cries.
    pub const INTERJECTION: Self = Self(1 << 14);
    pub const BASE: Self = Self(1 << 15);
    pub const THIRD: Self = Self(1 << 16);
    pub const PAST: Self = Self(1 << 17);
    pub const PARTICIPLE: Self = Self(1 << 18);
    pub const ING: Self = Self(1 << 19);
    pub const MONTH: Self = Self(1 << 20);
    pub const WEEKDAY: Self = Self(1 << 21);
    /// A first name.
    pub const GIVEN: Self = Self(1 << 22);
    /// What stands before a person's name.
    pub const TITLE: Self = Self(1 << 23);
    pub const LEGAL: Self = Self(1 << 24);
    /// Last words of names of organisations, places, events, works.
    pub const ORGANISATION: Self = Self(1 << 25);
    pub const PLACE_WORD: Self = Self(1 << 26);
    pub const EVENT: Self = Self(1 << 27);
    pub const WORK: Self = Self(1 << 28);
    /// A country or city.
    pub const PLACE: Self = Self(1 << 29);
    /// Mother, friend, boss.
    pub const PERSON_NOUN: Self = Self(1 << 30);
    /// Day, week, year.
    pub const UNIT: Self = Self(1 << 31);
    /// Other frequent words that open sentences.
    pub const COMMON: Self = Self(1 << 32);
    /// Words of grammar of a language, by which it is told.
    pub const ENGLISH: Self = Self(1 << 33);
    pub const GERMAN: Self = Self(1 << 34);
    pub const FRENCH: Self = Self(1 << 35);
    pub const SPANISH: Self = Self(1 << 36);
    /// Says that a thing has passed, or is to come, in a language other than English.
    pub const PASSED: Self = Self(1 << 37);
    pub const COMING: Self = Self(1 << 38);
    /// Within a name, never at its ends: "of", "von".
    pub const LINK: Self = Self(1 << 39);

    pub const VERB: Self =
        Self(Self::BASE.0 | Self::THIRD.0 | Self::PAST.0 | Self::PARTICIPLE.0 | Self::ING.0);
    pub const AUXILIARY: Self = Self(Self::BE.0 | Self::HAVE.0 | Self::DO.0);
    pub const FOREIGN: Self = Self(Self::GERMAN.0 | Self::FRENCH.0 | Self::SPANISH.0);
    /// Never a name by itself, and never its first word, wherever it stands.
    pub const GRAMMAR: Self = Self(
        Self::PRONOUN.0
            | Self::POSSESSIVE.0
            | Self::DETERMINER.0
            | Self::PREPOSITION.0
            | Self::CONJUNCTION.0
            | Self::SUBORDINATOR.0
            | Self::AUXILIARY.0
            | Self::MODAL.0
            | Self::NEGATION.0
            | Self::QUESTION.0
            | Self::INTERJECTION.0
            | Self::FOREIGN.0,
    );

    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it may be one of `others`.
    pub const fn any(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    pub const fn is_known(self) -> bool {
        self.0 != 0
    }
}

#[derive(Clone, Debug, Default)]
struct Entry {
    flags: Flags,
    /// The base form of a verb.
    base: Option<&'static str>,
}

static LEXICON: LazyLock<HashMap<Box<str>, Entry>> = LazyLock::new(build);

fn build() -> HashMap<Box<str>, Entry> {
    let mut lexicon = HashMap::new();
    for (flags, words) in grammar::LISTS.iter().chain(names::LISTS) {
        for word in words.split_whitespace() {
            add(&mut lexicon, word, *flags, None);
        }
    }
    for (base, past, participle) in verbs::IRREGULAR {
        add_verb(&mut lexicon, base, past, participle);
    }
    // Behind the irregular ones: "found" is of "find" first.
    for base in verbs::REGULAR.split_whitespace() {
        let past = verbs::regular_past(base);
        add_verb(&mut lexicon, base, &past, &past);
    }
    for form in ["am", "is", "are", "were", "'m", "'re"] {
        add(&mut lexicon, form, Flags::BE, Some("be"));
    }
    add(&mut lexicon, "'ve", Flags::HAVE, Some("have"));
    lexicon
}

fn add_verb(lexicon: &mut HashMap<Box<str>, Entry>, base: &'static str, past: &str, participle: &str) {
    add(lexicon, base, Flags::BASE, Some(base));
    add(lexicon, &verbs::third(base), Flags::THIRD, Some(base));
    add(lexicon, &verbs::ing(base), Flags::ING, Some(base));
    add(lexicon, past, Flags::PAST, Some(base));
    add(lexicon, participle, Flags::PARTICIPLE, Some(base));
}

fn add(lexicon: &mut HashMap<Box<str>, Entry>, word: &str, flags: Flags, base: Option<&'static str>) {
    let entry = lexicon.entry(word.into()).or_default();
    entry.flags = entry.flags.with(flags);
    entry.base = entry.base.or(base);
}

/// What a word in lower case may be.
pub(crate) fn flags(lower: &str) -> Flags {
    LEXICON.get(lower).map_or(Flags::NONE, |entry| entry.flags)
}

/// The base form of a verb: "went" is "go". A word that is not known loses its ending.
pub(crate) fn base(lower: &str) -> String {
    match LEXICON.get(lower).and_then(|entry| entry.base) {
        Some(base) => base.to_owned(),
        None => verbs::guess_base(lower),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_known_in_all_their_forms() {
        for (form, expected) in [
            ("went", "go"),
            ("working", "work"),
            ("lives", "live"),
            ("moved", "move"),
            ("studies", "study"),
            ("married", "marry"),
            ("planned", "plan"),
            ("bought", "buy"),
            ("deployed", "deploy"),
            ("replaces", "replace"),
            ("frobnicated", "frobnicate"),
            ("zigging", "zig"),
            ("are", "be"),
            ("found", "find"),
            ("founded", "found"),
        ] {
            assert_eq!(base(form), expected, "{form}");
        }
        assert!(flags("went").any(Flags::PAST) && flags("gone").any(Flags::PARTICIPLE));
    }

    #[test]
    fn a_word_may_be_several_things() {
        assert!(flags("may").any(Flags::MODAL) && flags("may").any(Flags::MONTH));
        assert!(flags("will").any(Flags::MODAL) && !flags("xyzzy").is_known());
    }
}
