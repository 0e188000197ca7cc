//! The part of speech of each word of an English sentence, by its lists, its neighbours and its ending.
//!
//! Keeps true: one tag a token, decided from left to right in one pass.

use crate::lexicon::Flags;
use crate::token::{Shape, Token};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Noun,
    /// Part of a proper name, an address, a name of code.
    Name,
    Pronoun,
    Determiner,
    /// "my", "Anna's": what stands before what is owned.
    Possessive,
    Adjective,
    Adverb,
    Verb,
    Auxiliary,
    Modal,
    /// "to" before a verb.
    To,
    Preposition,
    Conjunction,
    Subordinator,
    Negation,
    Number,
    /// Part of a date.
    Date,
    Interjection,
    Mark,
}

/// Whether a token is part of a name or of a date, as far as that is known before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Given {
    Name,
    Date,
    #[default]
    Open,
}

pub(crate) fn tags(tokens: &[Token], given: &[Given]) -> Vec<Tag> {
    let mut tagger = Tagger { tokens, given, tags: Vec::with_capacity(tokens.len()), has_finite: false };
    for at in 0..tokens.len() {
        let tag = tagger.tag(at);
        tagger.note(tag);
        tagger.tags.push(tag);
    }
    tagger.tags
}

struct Tagger<'a, 't> {
    tokens: &'a [Token<'t>],
    given: &'a [Given],
    tags: Vec<Tag>,
    /// The clause has its verb already.
    has_finite: bool,
}

/// The words that are a subject wherever they stand.
pub(crate) const SUBJECTS: &[&str] = &["i", "we", "he", "she", "they", "you", "it", "who", "y'all"];

impl<'t> Tagger<'_, 't> {
    fn note(&mut self, tag: Tag) {
        match tag {
            Tag::Verb | Tag::Auxiliary | Tag::Modal => self.has_finite = true,
            Tag::Mark | Tag::Conjunction | Tag::Subordinator => self.has_finite = false,
            _ => {}
        }
    }

    fn tag(&self, at: usize) -> Tag {
        let token = &self.tokens[at];
        match (self.given[at], token.shape) {
            (_, Shape::Mark('&')) => Tag::Conjunction,
            (_, Shape::Mark(_)) => Tag::Mark,
            (Given::Name, _) | (_, Shape::Special(_)) => Tag::Name,
            (Given::Date, _) => Tag::Date,
            (_, Shape::Number) => Tag::Number,
            _ => self.special(at).or_else(|| self.grammar(at)).unwrap_or_else(|| self.open_class(at)),
        }
    }

    /// Words with rules of their own.
    fn special(&self, at: usize) -> Option<Tag> {
        let token = &self.tokens[at];
        Some(match &*token.lower {
            "to" if self.verb_follows(at + 1) => Tag::To,
            "'s" => self.apostrophe(at),
            "no" | "longer" if self.is_no_longer(at) => Tag::Negation,
            "her" | "his" if self.noun_follows(at + 1) => Tag::Possessive,
            "that" | "this" | "these" | "those" if self.noun_follows(at + 1) && !self.says(at) => {
                Tag::Determiner
            }
            "that" if self.says(at) || self.is_noun(at) || self.relates(at) => Tag::Subordinator,
            "like" if self.is_subject(at) => Tag::Verb,
            "so" | "since" | "until" | "before" | "after" | "as" | "where" | "once" => {
                self.joins_or_places(at)
            }
            "sounds" | "looks" | "seems" | "feels" if token.opens => Tag::Verb,
            "well" | "right" | "just" => Tag::Adverb,
            "lots" | "lot" | "bunch" => Tag::Noun,
            _ => return None,
        })
    }

    fn is_no_longer(&self, at: usize) -> bool {
        let at = if self.tokens[at].is("no") { at } else { at.saturating_sub(1) };
        self.tokens[at].is("no") && self.tokens.get(at + 1).is_some_and(|next| next.is("longer"))
    }

    fn joins_or_places(&self, at: usize) -> Tag {
        let next = self.tokens.get(at + 1);
        if next.is_some_and(|next| next.is_one_of(SUBJECTS) || next.is_one_of(&["my", "the", "our", "that"]))
        {
            return Tag::Subordinator;
        }
        if self.tokens[at].is("so") { Tag::Adverb } else { Tag::Preposition }
    }

    /// "is" or "has" after a pronoun, possession after a noun.
    fn apostrophe(&self, at: usize) -> Tag {
        let is_pronoun =
            at > 0 && matches!(self.tags[at - 1], Tag::Pronoun | Tag::Subordinator | Tag::Adverb);
        let next = self.tokens.get(at + 1);
        let owns = next.is_some_and(|next| {
            let is_plain = !next.flags.is_known() && !next.lower.ends_with("ing");
            let noun = Flags::BASE.with(Flags::ADJECTIVE).with(Flags::PERSON_NOUN).with(Flags::COMMON);
            next.is_capital()
                || next.is_word() && (is_plain || next.may_be(noun) && !next.may_be(Flags::ADVERB))
        });
        if !is_pronoun && owns { Tag::Possessive } else { Tag::Auxiliary }
    }

    /// Words of grammar that are only one thing.
    fn grammar(&self, at: usize) -> Option<Tag> {
        let flags = self.tokens[at].flags;
        let is_after_article =
            self.last(at) == Some(Tag::Determiner) || self.last(at) == Some(Tag::Possessive);
        if flags.any(Flags::MODAL) && is_after_article {
            return Some(Tag::Noun);
        }
        GRAMMAR.iter().find(|(set, _)| flags.any(*set)).map(|(_, tag)| *tag)
    }

    fn open_class(&self, at: usize) -> Tag {
        let token = &self.tokens[at];
        let is_cry = token.may_be(Flags::INTERJECTION)
            && token.opens
            && self.tokens.get(at + 1).is_none_or(|next| !next.is_word());
        if is_cry {
            return Tag::Interjection;
        }
        if token.may_be(Flags::VERB) && (!token.may_be(Flags::ADJECTIVE) || self.after_article_verb(at)) {
            return self.verb(at, token.flags);
        }
        if token.may_be(Flags::ADJECTIVE) && self.stands_for_noun(at) {
            return Tag::Noun;
        }
        if token.may_be(Flags::ADJECTIVE) && (!token.may_be(Flags::ADVERB) || self.is_described(at)) {
            return Tag::Adjective;
        }
        if token.may_be(Flags::ADVERB) {
            return Tag::Adverb;
        }
        if token.may_be(Flags::INTERJECTION) {
            return Tag::Interjection;
        }
        if token.flags.is_known() { Tag::Noun } else { self.by_form(at) }
    }

    /// "opened the door": a verb although it could describe.
    fn after_article_verb(&self, at: usize) -> bool {
        let acts = matches!(self.last(at), Some(Tag::Pronoun | Tag::Name | Tag::To | Tag::Modal));
        acts && self.tokens.get(at + 1).is_some_and(|next| next.is_word())
    }

    /// "the safe is"
    fn stands_for_noun(&self, at: usize) -> bool {
        self.last(at) == Some(Tag::Determiner)
            && self.tokens.get(at + 1).is_some_and(|next| next.may_be(Flags::AUXILIARY.with(Flags::MODAL)))
    }

    fn is_described(&self, at: usize) -> bool {
        matches!(self.last(at), Some(Tag::Determiner | Tag::Possessive | Tag::Auxiliary))
            || self.noun_follows(at + 1)
    }

    fn by_form(&self, at: usize) -> Tag {
        let lower = &*self.tokens[at].lower;
        let ends = |endings: &[&str]| endings.iter().any(|ending| lower.ends_with(ending)) && lower.len() > 4;
        if ends(&["ed"]) {
            return self.verb(at, Flags::PAST.with(Flags::PARTICIPLE));
        }
        if ends(&["ing"]) {
            return self.verb(at, Flags::ING);
        }
        if ends(&["ly"]) {
            return Tag::Adverb;
        }
        if ends(&["ous", "ful", "ive", "able", "ible", "less", "ish", "ical"]) {
            return Tag::Adjective;
        }
        let acts =
            self.last(at) == Some(Tag::Name) || at > 0 && self.tokens[at - 1].is_one_of(&["he", "she", "it"]);
        if acts && !self.has_finite && ends(&["s"]) && !ends(&["ss", "us"]) && self.takes_object(at) {
            return Tag::Verb;
        }
        Tag::Noun
    }

    /// The tag before, adverbs and the like left out.
    fn last(&self, at: usize) -> Option<Tag> {
        let skipped = |tag: &&Tag| !matches!(tag, Tag::Adverb | Tag::Negation);
        self.tags[..at].iter().rev().take(4).find(skipped).copied()
    }

    /// What a word is that has a form of a verb.
    fn verb(&self, at: usize, flags: Flags) -> Tag {
        let is_ing = flags.any(Flags::ING);
        let past = flags.any(Flags::PAST);
        match self.last(at) {
            Some(Tag::To | Tag::Modal) => Tag::Verb,
            Some(Tag::Auxiliary) => self.after_auxiliary(at, flags),
            Some(Tag::Determiner | Tag::Possessive | Tag::Preposition | Tag::Number | Tag::Adjective) => {
                if flags.any(Flags::PARTICIPLE) && !flags.any(Flags::BASE) {
                    Tag::Adjective
                } else {
                    Tag::Noun
                }
            }
            Some(Tag::Pronoun) => self.noun_unless(!is_ing && self.is_subject(at)),
            Some(Tag::Noun | Tag::Name | Tag::Date) => {
                self.noun_unless(!is_ing && self.acts_after_noun(at, flags))
            }
            Some(Tag::Verb) => {
                if flags.any(Flags::PARTICIPLE) && !flags.any(Flags::BASE) {
                    Tag::Adjective
                } else {
                    Tag::Noun
                }
            }
            Some(Tag::Conjunction) => self.noun_unless(!is_ing && (past || self.takes_object(at))),
            Some(Tag::Subordinator | Tag::Mark) if !is_ing && self.resumes(at) => Tag::Verb,
            _ => self.noun_unless(!is_ing && (past || !flags.any(Flags::THIRD))),
        }
    }

    fn noun_unless(&self, is_verb: bool) -> Tag {
        if is_verb { Tag::Verb } else { Tag::Noun }
    }

    /// "Anna, who works at Zork, loves": a verb behind "who", or behind the comma after a name.
    fn resumes(&self, at: usize) -> bool {
        let before = &self.tokens[at - 1];
        before.is_one_of(&["who", "which", "that"])
            || before.is_mark(',') && at > 1 && self.tags[at - 2] == Tag::Name && self.takes_word(at)
    }

    fn takes_word(&self, at: usize) -> bool {
        self.tokens.get(at + 1).is_some_and(Token::is_word)
    }

    fn after_auxiliary(&self, at: usize, flags: Flags) -> Tag {
        let auxiliary =
            self.tokens[..at].iter().rev().find(|token| token.may_be(Flags::AUXILIARY) || token.is("'s"));
        let is_be = auxiliary.is_some_and(|token| token.may_be(Flags::BE) || token.is("'s"));
        let is_have = auxiliary.is_some_and(|token| token.may_be(Flags::HAVE));
        let fits = if is_be {
            flags.any(Flags::ING.with(Flags::PARTICIPLE))
        } else if is_have {
            flags.any(Flags::PARTICIPLE.with(Flags::PAST))
        } else {
            flags.any(Flags::BASE)
        };
        self.noun_unless(fits)
    }

    /// After a noun: a past, or a present that agrees with it and has an object, if the clause has no verb yet.
    fn acts_after_noun(&self, at: usize, flags: Flags) -> bool {
        let window = &self.tags[at.saturating_sub(4)..at];
        let is_plural =
            at > 0 && self.tokens[at - 1].lower.ends_with('s') || window.contains(&Tag::Conjunction);
        let agrees = if flags.any(Flags::BASE) { is_plural } else { flags.any(Flags::THIRD) };
        !self.has_finite && (flags.any(Flags::PAST) || agrees && self.may_take_object(at))
    }

    /// No other verb follows: "the art shows are".
    fn may_take_object(&self, at: usize) -> bool {
        let next = self.tokens.get(at + 1);
        next.is_none_or(|next| !next.may_be(Flags::AUXILIARY.with(Flags::MODAL)) && !next.is("'s"))
    }

    /// What follows may be an object or a place.
    fn takes_object(&self, at: usize) -> bool {
        let opens = Flags::DETERMINER.with(Flags::POSSESSIVE).with(Flags::PREPOSITION).with(Flags::PRONOUN);
        let opens = opens.with(Flags::ADVERB).with(Flags::ADJECTIVE).with(Flags::ING);
        self.tokens.get(at + 1).is_some_and(|next| {
            next.may_be(opens)
                || next.is_capital()
                || next.shape != Shape::Word && !matches!(next.shape, Shape::Mark(_))
        })
    }

    fn is_subject(&self, at: usize) -> bool {
        let before = self.tokens[..at].iter().rev().zip(self.tags[..at].iter().rev());
        let mut words = before.filter(|(_, tag)| !matches!(tag, Tag::Adverb | Tag::Negation));
        words.next().is_some_and(|(token, tag)| {
            token.is_one_of(SUBJECTS)
                || token.is_one_of(&["this", "that", "everyone", "everybody", "nobody", "someone"])
                || token.is_one_of(&["do", "does", "did", "would", "'d", "to"])
                || matches!(tag, Tag::Noun | Tag::Name | Tag::Modal) && !self.has_finite && token.is_word()
        })
    }

    /// "said that", "know that".
    fn says(&self, at: usize) -> bool {
        at > 0
            && matches!(self.tags[at - 1], Tag::Verb | Tag::Adjective)
            && !self.tokens[at - 1].is_one_of(&["love", "like"])
    }

    /// "... that was"
    fn relates(&self, at: usize) -> bool {
        let acts = Flags::AUXILIARY.with(Flags::MODAL).with(Flags::PAST).with(Flags::THIRD);
        at > 0
            && !matches!(
                self.tags[at - 1],
                Tag::Mark | Tag::Conjunction | Tag::Subordinator | Tag::Interjection
            )
            && self.tokens.get(at + 1).is_some_and(|next| next.may_be(acts))
    }

    fn is_noun(&self, at: usize) -> bool {
        at > 0 && matches!(self.tags[at - 1], Tag::Noun | Tag::Name)
    }

    fn verb_follows(&self, at: usize) -> bool {
        let first = self.tokens.get(at).filter(|token| token.is_word());
        let verb = Flags::BASE.with(Flags::AUXILIARY);
        let next = match first {
            Some(token) if token.may_be(Flags::ADVERB) && !token.may_be(verb) => self.tokens.get(at + 1),
            other => other,
        };
        next.is_some_and(|next| next.may_be(verb) && self.given[at] == Given::Open)
    }

    fn noun_follows(&self, at: usize) -> bool {
        let Some(next) = self.tokens.get(at).filter(|token| token.is_word()) else { return false };
        let other = Flags::GRAMMAR.with(Flags::ADVERB).with(Flags::PAST).with(Flags::THIRD);
        !next.may_be(other) || next.may_be(Flags::ADJECTIVE)
    }
}

const GRAMMAR: &[(Flags, Tag)] = &[
    (Flags::NEGATION, Tag::Negation),
    (Flags::MODAL, Tag::Modal),
    (Flags::AUXILIARY, Tag::Auxiliary),
    (Flags::POSSESSIVE, Tag::Possessive),
    (Flags::PRONOUN, Tag::Pronoun),
    (Flags::CONJUNCTION, Tag::Conjunction),
    (Flags::PREPOSITION, Tag::Preposition),
    (Flags::QUESTION, Tag::Subordinator),
    (Flags::SUBORDINATOR, Tag::Subordinator),
    (Flags::DETERMINER, Tag::Determiner),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::tokens;

    fn tagged(text: &str) -> String {
        let tokens = tokens(text, 0..text.len());
        let given: Vec<Given> =
            tokens
                .iter()
                .map(|token| {
                    if token.is_capital() && !token.opens && !token.is("i") {
                        Given::Name
                    } else {
                        Given::Open
                    }
                })
                .collect();
        let tags = tags(&tokens, &given);
        let letters = tags.iter().map(|tag| match tag {
            Tag::Noun => 'n',
            Tag::Name => 'N',
            Tag::Pronoun => 'p',
            Tag::Determiner => 'd',
            Tag::Possessive => 's',
            Tag::Adjective => 'a',
            Tag::Adverb => 'b',
            Tag::Verb => 'v',
            Tag::Auxiliary => 'x',
            Tag::Modal => 'm',
            Tag::To => 't',
            Tag::Preposition => 'i',
            Tag::Conjunction => 'c',
            Tag::Subordinator => 'w',
            Tag::Negation => '!',
            Tag::Number => '#',
            Tag::Date => 'D',
            Tag::Interjection => 'u',
            Tag::Mark => '.',
        });
        letters.collect()
    }

    #[test]
    fn words_are_tagged_by_their_place() {
        for (text, expected) in [
            ("I work at Acme", "pviN"),
            ("my work is fun", "snxa"),
            ("I no longer work there", "p!!vp"),
            ("I really love painting", "pbvn"),
            ("she is working on the plan", "pxvidn"),
            ("I don't like it", "px!vp"),
            ("I want to go to Paris", "pvtviN"),
            ("the old server was replaced by Redis", "danxviN"),
            ("he's Anna's brother", "pxNsn"),
            ("I have moved to Berlin", "pxviN"),
            ("our team uses Postgres", "snvN"),
            ("it looks like rain", "pvin"),
        ] {
            assert_eq!(tagged(text), expected, "{text}");
        }
    }
}
