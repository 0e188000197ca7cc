//! The clauses of a tagged sentence: who, does what, to what.
//!
//! Keeps true: a clause has one group of verbs; subject and object lie left and right of it within the sentence and
//! never beyond a fixed number of words, so time is linear.

use std::ops::Range;

use crate::lexicon::{self, Flags};
use crate::tag::{SUBJECTS, Tag};
use crate::token::Token;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Time {
    Past,
    Present,
    /// "have lived".
    Perfect,
    Future,
}

/// Verbs that belong together: "has not been working".
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// Its tokens.
    pub range: Range<usize>,
    /// The verb that carries the meaning.
    pub main: usize,
    /// Its base form; "want_to" where another verb follows.
    pub lemma: String,
    pub time: Time,
    pub is_passive: bool,
    pub negated: bool,
    /// It held and does no more.
    pub ended: bool,
    pub modal: Option<String>,
    /// No auxiliary and no ending: may be an order.
    pub is_base: bool,
}

impl Group {
    /// What follows in the base form goes on from here: "want to travel and see", "will go and see".
    pub fn is_chained(&self) -> bool {
        self.lemma.ends_with("_to") || self.modal.is_some() || self.time == Time::Future
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Named(Range<usize>),
    /// That of the clause before.
    Shared,
    LeftOut,
}

#[derive(Clone, Debug)]
pub(crate) struct Clause {
    pub subject: Who,
    pub group: Group,
    /// May be empty.
    pub object: Range<usize>,
    /// From the subject to where the object would end, dates and adverbs included.
    pub range: Range<usize>,
}

/// Words that a subject or object has at most.
const PHRASE_TOKENS_MAX: usize = 20;

pub(crate) struct Sentence<'a, 't> {
    pub tokens: &'a [Token<'t>],
    pub tags: &'a [Tag],
}

impl Sentence<'_, '_> {
    pub fn clauses(&self) -> Vec<Clause> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.tags.len() {
            match self.group(at) {
                Some(group) => {
                    at = group.range.end;
                    found.extend(self.clause(group));
                }
                None => at += 1,
            }
        }
        found
    }

    fn clause(&self, group: Group) -> Option<Clause> {
        let subject = self.subject(group.range.start)?;
        let end = self.object_end(group.range.end);
        let object = self.object(&group, end);
        let start = match &subject {
            Who::Named(range) => range.start,
            _ => group.range.start,
        };
        Some(Clause { subject, range: start..end, object, group })
    }

    /// What is left without dates and adverbs; "is 3 May" keeps its date.
    fn object(&self, group: &Group, end: usize) -> Range<usize> {
        let object = self.trimmed(group.range.end..end);
        if !object.is_empty() || group.lemma != "be" || group.is_passive {
            return object;
        }
        let is_date = |at: &usize| self.tags[*at] == Tag::Date;
        let first = (group.range.end..end).find(is_date).unwrap_or(object.start);
        let length = self.tags[first..end].iter().take_while(|tag| **tag == Tag::Date).count();
        first..first + length
    }

    fn tag(&self, at: usize) -> Option<Tag> {
        self.tags.get(at).copied()
    }

    /// The group of verbs that begins at `at`.
    fn group(&self, at: usize) -> Option<Group> {
        if !matches!(self.tag(at)?, Tag::Verb | Tag::Auxiliary | Tag::Modal) || self.is_infinitive(at) {
            return None;
        }
        let mut parts = Parts::default();
        let mut next = at;
        while let Some(tag) = self.tag(next) {
            if !parts.take(tag, next, &self.tokens[next]) {
                break;
            }
            next += 1;
            if parts.verb.is_some() {
                break;
            }
        }
        self.finish(at, parts)
    }

    fn is_infinitive(&self, at: usize) -> bool {
        let before = self.tags[..at].iter().rev().find(|tag| **tag != Tag::Adverb);
        before == Some(&Tag::To)
    }

    fn finish(&self, start: usize, parts: Parts) -> Option<Group> {
        let main = parts.verb.or(parts.auxiliary)?;
        let lower = &*self.tokens[main].lower;
        let lemma = if lower == "'s" { "be".to_owned() } else { lexicon::base(&full(lower)) };
        let mut group = Group {
            range: start..main + 1,
            main,
            time: parts.time(&self.tokens[main]),
            is_passive: parts.is_passive(&self.tokens[main]),
            negated: parts.negated || self.is_denied_before(start),
            ended: self.is_no_longer(start) || parts.is_ended,
            is_base: parts.auxiliary.is_none()
                && parts.modal.is_none()
                && self.tokens[main].may_be(Flags::BASE),
            modal: parts.modal,
            lemma,
        };
        self.past_negation(&mut group);
        self.chain(&mut group);
        Some(group)
    }

    fn is_denied_before(&self, start: usize) -> bool {
        let mut before =
            self.tags[..start].iter().rev().take_while(|tag| matches!(tag, Tag::Adverb | Tag::Negation));
        before.any(|tag| *tag == Tag::Negation)
    }

    fn is_no_longer(&self, start: usize) -> bool {
        start > 0 && self.tokens[start - 1].is("longer") && self.tags[start - 1] == Tag::Negation
    }

    /// "is not": what denies a verb that has none after it.
    fn past_negation(&self, group: &mut Group) {
        while matches!(self.tag(group.range.end), Some(Tag::Negation)) {
            group.negated = true;
            group.ended |= self.tokens[group.range.end].is("longer");
            group.range.end += 1;
        }
    }

    /// "used to", "going to", "want to", "stopped working".
    fn chain(&self, group: &mut Group) {
        let next = group.range.end;
        if self.tag(next) == Some(Tag::To) {
            let verb = next + 1 + usize::from(self.tag(next + 1) == Some(Tag::Adverb));
            let is_going = group.lemma == "go" && self.tokens[group.main].may_be(Flags::ING);
            let is_used = group.lemma == "use" && group.time == Time::Past;
            if (is_going || is_used) && verb < self.tokens.len() {
                group.time = if is_going { Time::Future } else { Time::Past };
                group.ended |= is_used;
                self.become_verb(group, verb);
            } else {
                group.lemma.push_str("_to");
                group.range.end = next + 1;
            }
        } else if matches!(&*group.lemma, "stop" | "quit") && self.is_gerund(next) {
            (group.ended, group.negated) = (true, true);
            self.become_verb(group, next);
        }
    }

    fn is_gerund(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.lower.ends_with("ing") && token.may_be(Flags::ING))
    }

    fn become_verb(&self, group: &mut Group, verb: usize) {
        group.main = verb;
        group.lemma = lexicon::base(&full(&self.tokens[verb].lower));
        group.range.end = verb + 1;
        group.is_base = false;
    }

    /// Who does it: what stands before the verbs.
    fn subject(&self, start: usize) -> Option<Who> {
        let mut at = start;
        while at > 0 && matches!(self.tags[at - 1], Tag::Adverb | Tag::Negation | Tag::Date) {
            at -= 1;
        }
        let Some(before) = at.checked_sub(1) else { return Some(Who::LeftOut) };
        match self.tags[before] {
            Tag::Pronoun if self.is_object_pronoun(before) => None,
            Tag::Pronoun | Tag::Noun | Tag::Name | Tag::Number => {
                Some(Who::Named(self.phrase_start(before)..at))
            }
            Tag::Conjunction => Some(Who::Shared),
            Tag::Subordinator if self.tokens[before].is_one_of(&["who", "which", "that"]) => {
                let comma = usize::from(before > 0 && self.tokens[before - 1].is_mark(','));
                let noun = before.checked_sub(1 + comma);
                let noun = noun.filter(|noun| matches!(self.tags[*noun], Tag::Noun | Tag::Name));
                noun.map(|noun| Who::Named(self.phrase_start(noun)..noun + 1))
            }
            Tag::Mark if self.tokens[before].is_mark(',') => Some(self.behind_comma(before)),
            Tag::Mark | Tag::Interjection => Some(Who::LeftOut),
            _ => None,
        }
    }

    fn is_object_pronoun(&self, at: usize) -> bool {
        self.tokens[at].is_one_of(&["me", "us", "him", "them"])
    }

    /// "Anna, who is my sister, works": not told; "I went home, cooked": the same as before.
    fn behind_comma(&self, comma: usize) -> Who {
        if let Some(name) = self.apposition(comma) {
            return Who::Named(name);
        }
        let has_verb = self.tags[..comma].iter().any(|tag| matches!(tag, Tag::Verb | Tag::Auxiliary));
        if has_verb { Who::Shared } else { Who::LeftOut }
    }

    /// "my sister, Anna, works": the name between the commas.
    fn apposition(&self, comma: usize) -> Option<Range<usize>> {
        let length = self.tags[..comma].iter().rev().take_while(|tag| **tag == Tag::Name).count();
        let start = comma - length;
        let opens = start.checked_sub(1).is_some_and(|at| self.tokens[at].is_mark(','));
        let follows = start.checked_sub(2).is_some_and(|at| matches!(self.tags[at], Tag::Noun | Tag::Name));
        (length > 0 && opens && follows).then_some(start..comma)
    }

    /// Where the phrase that ends with the noun at `last` begins.
    fn phrase_start(&self, last: usize) -> usize {
        let mut start = last;
        while start > 0 && last - start < PHRASE_TOKENS_MAX && self.belongs(start - 1, start) {
            start -= 1;
        }
        start
    }

    /// Whether the token at `at` is of the same phrase as the one after it.
    fn belongs(&self, at: usize, next: usize) -> bool {
        let (tag, after) = (self.tags[at], self.tags[next]);
        let is_noun = matches!(after, Tag::Noun | Tag::Name | Tag::Adjective | Tag::Number);
        let before = at.checked_sub(1).map(|before| self.tags[before]);
        match tag {
            Tag::Noun | Tag::Name => {
                is_noun
                    || after == Tag::Possessive && self.tokens[next].is("'s")
                    || matches!(after, Tag::Preposition | Tag::Conjunction)
            }
            Tag::Adjective | Tag::Number => is_noun,
            Tag::Determiner => is_noun || after == Tag::Determiner,
            Tag::Possessive => is_noun,
            Tag::Preposition => {
                let links = self.is_of(at) || !self.has_verb_before(at);
                links && matches!(before, Some(Tag::Noun | Tag::Name))
            }
            Tag::Conjunction => {
                self.tokens[at].is_one_of(&["and", "&"])
                    && matches!(before, Some(Tag::Noun | Tag::Name))
                    && matches!(
                        after,
                        Tag::Noun | Tag::Name | Tag::Possessive | Tag::Determiner | Tag::Pronoun
                    )
                    && !self.has_verb_before(at)
            }
            _ => false,
        }
    }

    fn has_verb_before(&self, at: usize) -> bool {
        let window = self.tags[..at].iter().rev().take(PHRASE_TOKENS_MAX);
        window.take_while(|tag| **tag != Tag::Mark).any(|tag| matches!(tag, Tag::Verb | Tag::Auxiliary))
    }

    fn is_of(&self, at: usize) -> bool {
        self.tokens[at].is("of")
    }

    /// Where what follows the verbs ends.
    fn object_end(&self, from: usize) -> usize {
        let mut at = from;
        while at < self.tags.len() && at - from < PHRASE_TOKENS_MAX && !self.ends_object(at, from) {
            at += 1;
        }
        at
    }

    fn ends_object(&self, at: usize, from: usize) -> bool {
        let token = &self.tokens[at];
        match self.tags[at] {
            Tag::Mark if token.is_mark(',') => !self.describes_on(at) && !self.goes_on_as_list(at),
            Tag::Mark => !is_quiet(token),
            Tag::Conjunction => token.is_one_of(&["but", "yet", "plus"]) || self.clause_follows(at + 1),
            Tag::Subordinator => true,
            Tag::Adverb if token.is("so") => at > from && !self.is_degree(at + 1),
            Tag::Pronoun => token.is_one_of(SUBJECTS) && at > from && self.verb_after(at + 1),
            Tag::Modal | Tag::Auxiliary => !self.is_infinitive(at),
            _ => false,
        }
    }

    /// "a safe, quiet place".
    fn describes_on(&self, comma: usize) -> bool {
        comma > 0 && self.tags[comma - 1] == Tag::Adjective && self.tag(comma + 1) == Some(Tag::Adjective)
    }

    /// "so much", "so happy".
    fn is_degree(&self, at: usize) -> bool {
        self.tag(at) == Some(Tag::Adjective)
            || self.tokens.get(at).is_some_and(|token| token.is_one_of(&["much", "many", "far"]))
    }

    /// "painting, hiking and pottery".
    fn goes_on_as_list(&self, comma: usize) -> bool {
        let rest = self.tags[comma + 1..].iter().take(PHRASE_TOKENS_MAX);
        let nouns = rest.take_while(|tag| {
            matches!(tag, Tag::Noun | Tag::Name | Tag::Adjective | Tag::Determiner | Tag::Possessive)
        });
        let length = nouns.count();
        let next = comma + 1 + length;
        let is_linked = match self.tag(next) {
            Some(Tag::Conjunction) => !self.clause_follows(next + 1),
            Some(Tag::Mark) => self.tokens[next].is_mark(',') && length <= 4 && self.goes_on_as_list(next),
            _ => self.tag(comma + 1) == Some(Tag::Conjunction) && !self.clause_follows(comma + 2),
        };
        is_linked && (length > 0 || self.tag(comma + 1) == Some(Tag::Conjunction))
    }

    /// A verb, or a noun with one, comes next.
    fn clause_follows(&self, at: usize) -> bool {
        let rest = self.tags[at.min(self.tags.len())..].iter().take(PHRASE_TOKENS_MAX);
        let mut rest = rest.skip_while(|tag| {
            matches!(
                tag,
                Tag::Adverb
                    | Tag::Negation
                    | Tag::Noun
                    | Tag::Name
                    | Tag::Adjective
                    | Tag::Determiner
                    | Tag::Possessive
                    | Tag::Pronoun
            )
        });
        rest.next().is_some_and(|tag| matches!(tag, Tag::Verb | Tag::Auxiliary | Tag::Modal))
    }

    fn verb_after(&self, at: usize) -> bool {
        let mut rest = self.tags[at.min(self.tags.len())..].iter();
        rest.find(|tag| !matches!(tag, Tag::Adverb | Tag::Negation))
            .is_some_and(|tag| matches!(tag, Tag::Verb | Tag::Auxiliary | Tag::Modal))
    }

    /// Without articles before, dates, adverbs and prepositions after.
    fn trimmed(&self, mut range: Range<usize>) -> Range<usize> {
        while range.start < range.end && self.is_lead(range.start) {
            range.start += 1;
        }
        while range.start < range.end && self.is_tail(range.end - 1) {
            range.end -= 1;
        }
        range
    }

    fn is_lead(&self, at: usize) -> bool {
        matches!(self.tags[at], Tag::Adverb | Tag::Date | Tag::Mark | Tag::Interjection)
    }

    fn is_tail(&self, at: usize) -> bool {
        let token = &self.tokens[at];
        match self.tags[at] {
            Tag::Adverb => !token.is_one_of(&["home", "together", "online", "abroad"]),
            Tag::Date
            | Tag::Mark
            | Tag::Conjunction
            | Tag::Preposition
            | Tag::Subordinator
            | Tag::Determiner => true,
            Tag::Interjection | Tag::To => true,
            Tag::Pronoun => token.is_one_of(&["that", "it", "this"]),
            _ => false,
        }
    }
}

/// Marks within a phrase.
fn is_quiet(token: &Token) -> bool {
    ['"', '“', '”', '\'', '’', '/', '+', '%', '$', '€', '#', '`', '«', '»', '„']
        .iter()
        .any(|mark| token.is_mark(*mark))
}

/// Clitics in full.
fn full(lower: &str) -> String {
    match lower {
        "'m" | "'re" => "be",
        "'ve" => "have",
        other => other,
    }
    .to_owned()
}

/// What a group of verbs is made of.
#[derive(Clone, Debug, Default)]
struct Parts {
    modal: Option<String>,
    auxiliary: Option<usize>,
    verb: Option<usize>,
    negated: bool,
    is_ended: bool,
    is_past: bool,
    has_have: bool,
    last_is_be: bool,
    last_is_have: bool,
}

impl Parts {
    /// Whether the token belongs to the group.
    fn take(&mut self, tag: Tag, at: usize, token: &Token) -> bool {
        match tag {
            Tag::Modal => {
                self.modal = Some(token.lower.to_string());
                self.last_is_be = false;
            }
            Tag::Auxiliary => self.take_auxiliary(at, token),
            Tag::Negation => {
                self.negated = true;
                self.is_ended |= token.is("longer");
            }
            Tag::Adverb => {}
            Tag::Verb => self.verb = Some(at),
            _ => return false,
        }
        true
    }

    fn take_auxiliary(&mut self, at: usize, token: &Token) {
        self.auxiliary = Some(at);
        self.is_past |= token.is_one_of(&["was", "were", "had", "did"]);
        self.last_is_be = token.may_be(Flags::BE) || token.is("'s");
        self.last_is_have = token.may_be(Flags::HAVE) || token.is("'s");
        self.has_have |= token.may_be(Flags::HAVE);
    }

    fn is_passive(&self, main: &Token) -> bool {
        let is_participle = main.may_be(Flags::PARTICIPLE) || main.lower.ends_with("ed");
        self.verb.is_some() && self.last_is_be && is_participle && !main.may_be(Flags::ING)
    }

    fn time(&self, main: &Token) -> Time {
        let modal = self.modal.as_deref();
        let is_bare_past =
            self.auxiliary.is_none() && (main.may_be(Flags::PAST) || main.lower.ends_with("ed"));
        if matches!(modal, Some("will" | "'ll" | "gonna" | "shall" | "wo")) {
            Time::Future
        } else if self.has_have && (self.verb.is_some() && !self.is_past || main.is("been")) {
            Time::Perfect
        } else if self.is_past || (is_bare_past && !main.may_be(Flags::BASE) && modal.is_none()) {
            Time::Past
        } else {
            Time::Present
        }
    }
}
