//! Who and what a text is about as it goes on: whom "she" and "it" mean, whose "my" is.
//!
//! Keeps true: a pronoun stands for the nearest fitting subject before it, or for nobody.

use std::ops::Range;

use crate::clause::{Sentence, Who};
use crate::found::{EntityKind, Mention, Subject};
use crate::lexicon::Flags;
use crate::tag::Tag;

/// The speaker's name where it is not known.
const SPEAKER: &str = "I";

#[derive(Clone, Debug)]
pub(crate) struct Actor {
    pub subject: Subject,
    pub confidence: f32,
    pub is_person: bool,
    /// Tokens of what is owned: "colour" in "my favourite colour".
    pub owned: Option<Range<usize>>,
}

#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub text: &'a str,
    pub mentions: &'a [Mention],
    speaker: Option<&'a str>,
    addressee: Option<&'a str>,
    person: Option<String>,
    thing: Option<String>,
    last: Option<Actor>,
}

impl<'a> Scene<'a> {
    pub fn new(
        text: &'a str,
        mentions: &'a [Mention],
        speaker: Option<&'a str>,
        addressee: Option<&'a str>,
    ) -> Self {
        Self { text, mentions, speaker, addressee, person: None, thing: None, last: None }
    }

    /// No subject is carried into another sentence.
    pub fn begin_sentence(&mut self) {
        self.last = None;
    }

    pub fn actor(&mut self, sentence: &Sentence, who: &Who, may_leave_out: bool) -> Option<Actor> {
        let actor = match who {
            Who::Named(range) => self.named(sentence, range.clone())?,
            Who::Shared => Actor { owned: None, ..self.last.clone()? },
            Who::LeftOut if may_leave_out => self.left_out()?,
            Who::LeftOut => return None,
        };
        self.last = Some(actor.clone());
        Some(actor)
    }

    fn left_out(&self) -> Option<Actor> {
        self.speaker.map(|_| Actor { confidence: 0.75, ..self.first_person(None) })
    }

    /// The words of some tokens with single spaces between.
    pub fn words(&self, sentence: &Sentence, range: Range<usize>) -> String {
        let Some(span) = span(sentence, range) else { return String::new() };
        let words: Vec<&str> = self.text[span].split_whitespace().collect();
        words.join(" ")
    }

    pub fn first_person(&self, span: Option<Range<usize>>) -> Actor {
        let name = self.speaker.unwrap_or(SPEAKER).to_owned();
        let subject = Subject { name, span, is_speaker: true, is_group: false };
        Actor { subject, confidence: 1.0, is_person: true, owned: None }
    }

    fn named(&self, sentence: &Sentence, range: Range<usize>) -> Option<Actor> {
        let last = range
            .clone()
            .rev()
            .find(|at| !matches!(sentence.tags[*at], Tag::Adverb | Tag::Negation | Tag::Date))?;
        let range = range.start..last + 1;
        let place = span(sentence, range.clone());
        if sentence.tags[last] == Tag::Pronoun {
            return self.pronoun(&sentence.tokens[last].lower, place, range.len() > 1);
        }
        self.noun(sentence, range, place)
    }

    fn pronoun(&self, word: &str, place: Option<Range<usize>>, is_group: bool) -> Option<Actor> {
        let mut actor = match word {
            "i" | "we" | "myself" => self.first_person(place),
            "you" | "y'all" => self.other(self.addressee?.to_owned(), place, true, 0.7),
            "he" | "she" => self.other(self.person.clone()?, place, true, 0.55),
            "they" => self.other(self.person.clone()?, place, true, 0.4),
            "it" => self.other(self.thing.clone()?, place, false, 0.4),
            _ => return None,
        };
        actor.subject.is_group = is_group || word == "we";
        Some(actor)
    }

    fn other(&self, name: String, span: Option<Range<usize>>, is_person: bool, confidence: f32) -> Actor {
        let is_speaker = Some(name.as_str()) == self.speaker;
        let subject = Subject { name, span, is_speaker, is_group: false };
        Actor { subject, confidence, is_person, owned: None }
    }

    /// A noun with what stands before it.
    fn noun(&self, sentence: &Sentence, range: Range<usize>, place: Option<Range<usize>>) -> Option<Actor> {
        let head = &sentence.tokens[range.end - 1];
        let is_whose = range.clone().any(|at| matches!(sentence.tags[at], Tag::Possessive | Tag::Name));
        if head.is_one_of(VAGUE) && !is_whose {
            return None;
        }
        let start =
            range.start + usize::from(sentence.tags[range.start] == Tag::Determiner && range.len() > 1);
        let is_name = sentence.tags[start..range.end].contains(&Tag::Name);
        let is_person = self.is_person(sentence, start..range.end);
        let confidence = if is_name || is_person { 1.0 } else { 0.8 };
        let (name, owned) = self.owned(sentence, start..range.end)?;
        let mention = span(sentence, start..range.end).and_then(|place| self.mention_of(&place));
        let name = mention.map_or(name, |mention| mention.name.clone());
        let actor = self.other(name, place, is_person, confidence);
        Some(Actor { owned, ..actor })
    }

    /// "my sister" is "Anna's sister" where Anna speaks.
    fn owned(&self, sentence: &Sentence, range: Range<usize>) -> Option<(String, Option<Range<usize>>)> {
        let is_clitic = |at: &usize| sentence.tokens[*at].is("'s") && sentence.tags[*at] == Tag::Possessive;
        let clitic = range.clone().rev().find(is_clitic).filter(|at| at + 1 < range.end);
        let owner = match &*sentence.tokens[range.start].lower {
            "my" | "our" => Some(self.speaker.unwrap_or(SPEAKER)),
            "your" => Some(self.addressee?),
            "his" | "her" | "their" => Some(self.person.as_deref()?),
            "its" => Some(self.thing.as_deref()?),
            _ => None,
        };
        if let Some(owner) = owner {
            let rest = range.start + 1..range.end;
            let owned = clitic.map_or(rest.clone(), |at| at + 1..range.end);
            return Some((format!("{owner}'s {}", self.words(sentence, rest)), Some(owned)));
        }
        Some((self.words(sentence, range.clone()), clitic.map(|at| at + 1..range.end)))
    }

    /// Who owns it: "my favourite colour" is the speaker's.
    pub fn owner(&self, actor: &Actor, sentence: &Sentence) -> Option<Subject> {
        let owned = actor.owned.clone()?;
        let suffix = format!("'s {}", self.words(sentence, owned));
        let name = actor
            .subject
            .name
            .strip_suffix(&suffix)
            .or_else(|| actor.subject.name.rsplit_once("'s ").map(|(name, _)| name))?;
        let is_speaker = name == self.speaker.unwrap_or(SPEAKER);
        Some(Subject { name: name.to_owned(), span: actor.subject.span.clone(), is_speaker, is_group: false })
    }

    fn is_person(&self, sentence: &Sentence, range: Range<usize>) -> bool {
        let Some(place) = span(sentence, range.clone()) else { return false };
        let head = &sentence.tokens[range.end - 1];
        head.may_be(Flags::PERSON_NOUN)
            || self
                .mention_in(&place)
                .is_some_and(|mention| mention.kind == EntityKind::Person && mention.span.end == place.end)
    }

    /// The name at the end of a range of the text.
    fn mention_in(&self, place: &Range<usize>) -> Option<&'a Mention> {
        let after = self.mentions.partition_point(|mention| mention.span.start < place.end);
        self.mentions[..after].last().filter(|mention| mention.span.start >= place.start)
    }

    /// The name that fills a range of the text but for its article.
    pub fn mention_of(&self, place: &Range<usize>) -> Option<&'a Mention> {
        self.mention_in(place)
            .filter(|mention| mention.span.end == place.end && mention.span.start == place.start)
    }

    /// What later pronouns may stand for.
    pub fn remember(&mut self, actor: &Actor, object: Option<&Mention>) {
        if actor.is_person && !actor.subject.is_speaker {
            self.person = Some(actor.subject.name.clone());
        } else if !actor.is_person {
            self.thing = Some(actor.subject.name.clone());
        }
        match object {
            Some(mention) if mention.kind == EntityKind::Person => {
                self.person.get_or_insert_with(|| mention.name.clone());
            }
            Some(mention) if actor.is_person => self.thing = Some(mention.name.clone()),
            _ => {}
        }
    }
}

/// The bytes of some tokens.
pub(crate) fn span(sentence: &Sentence, range: Range<usize>) -> Option<Range<usize>> {
    let (first, last) = (sentence.tokens.get(range.start)?, sentence.tokens.get(range.end.checked_sub(1)?)?);
    (first.start < last.end).then_some(first.start..last.end)
}

/// Nouns that stand for nothing in particular.
const VAGUE: &[&str] = &[
    "thing",
    "things",
    "lot",
    "lots",
    "way",
    "time",
    "people",
    "stuff",
    "one",
    "day",
    "moment",
    "moments",
    "life",
    "part",
    "fact",
    "point",
    "kind",
    "something",
    "everything",
    "nothing",
    "world",
    "idea",
    "reason",
    "view",
    "pic",
    "photo",
    "guess",
    "hope",
    "question",
    "problem",
    "best",
    "first",
    "feeling",
    "experience",
    "memories",
    "words",
    "hard",
    "love",
];
