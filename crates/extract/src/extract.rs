//! Reads a text twice: first its names and language, then its dates and statements, sentence by sentence.

use std::ops::Range;

use crate::clause::Sentence;
use crate::context::{Context, Known};
use crate::dates::{self, Now, Tense};
use crate::found::{DateMention, EntityKind, Extracted, Mention, Statement};
use crate::judge;
use crate::key::name_key;
use crate::language::Language;
use crate::lexicon::Flags;
use crate::names::Names;
use crate::pieces;
use crate::scene::Scene;
use crate::statements::Teller;
use crate::tag::{self, Given};
use crate::token::{self, Token};
use crate::told::is_question;

/// What can be remembered of a text.
#[must_use]
pub fn extract(text: &str, context: &Context) -> Extracted {
    let pieces = pieces::pieces(text);
    let (mentions, language) = names(text, &pieces, context);
    let Some(now) = Now::new(context.at, context.zone.clone(), language) else {
        return Extracted { mentions, ..Extracted::default() };
    };
    let mut reading = Reading {
        context,
        now,
        mentions: &mentions,
        scene: Scene::new(text, &mentions, context.speaker, context.addressee),
        dates: Vec::new(),
        statements: Vec::new(),
        goal: None,
        asks: false,
    };
    for piece in pieces {
        reading.read(&token::tokens(text, piece));
    }
    let (dates, statements, asks) = (reading.dates, reading.statements, reading.asks);
    let importance = judge::importance(&mentions, &dates, &statements, asks);
    Extracted { mentions, dates, statements, importance }
}

fn names(text: &str, pieces: &[Range<usize>], context: &Context) -> (Vec<Mention>, Language) {
    let mut names = Names::new(text);
    let mut small = Vec::new();
    for piece in pieces {
        let tokens = token::tokens(text, piece.clone());
        names.read(&tokens);
        if !context.known.is_empty() {
            known_in(text, &tokens, context.known, &mut small);
        }
    }
    let language = names.language();
    let people: Vec<String> =
        [context.speaker, context.addressee].into_iter().flatten().map(name_key).collect();
    let is_known = |name: &str| {
        let key = name_key(name);
        context.known.kind(&key).is_some()
            || people.iter().any(|person| person.split(' ').any(|part| part == key))
    };
    let mut mentions = names.finish(&is_known);
    for mention in &mut mentions {
        mention.kind = known_kind(context, &people, mention);
    }
    (merged(mentions, small), language)
}

fn known_kind(context: &Context, people: &[String], mention: &Mention) -> EntityKind {
    let key = name_key(&mention.name);
    let is_person = people.iter().any(|person| person.split(' ').any(|part| part == key));
    let known = context.known.kind(&key);
    known.unwrap_or(if is_person { EntityKind::Person } else { mention.kind })
}

/// Words that a known name in small letters has at most.
const KNOWN_WORDS_MAX: usize = 3;

/// Known names that are written without capitals.
fn known_in(text: &str, tokens: &[Token], known: &dyn Known, found: &mut Vec<Mention>) {
    let mut at = 0;
    while at < tokens.len() {
        let longest = (1..=KNOWN_WORDS_MAX).rev().find_map(|count| known_at(text, tokens, at, count, known));
        at += longest.as_ref().map_or(1, |(count, _)| *count);
        found.extend(longest.map(|(_, mention)| mention));
    }
}

fn known_at(
    text: &str,
    tokens: &[Token],
    at: usize,
    count: usize,
    known: &dyn Known,
) -> Option<(usize, Mention)> {
    let words = tokens.get(at..at + count)?;
    let is_plain = words.iter().all(|token| token.is_word() && token.end - token.start > 1);
    if !is_plain || words[0].may_be(Flags::GRAMMAR) {
        return None;
    }
    let span = words[0].start..words[count - 1].end;
    let name = &text[span.clone()];
    let kind = known.kind(&name_key(name))?;
    Some((count, Mention { span, name: name.to_owned(), kind }))
}

/// Both lists in text order; of two that overlap the first list's stays.
fn merged(mentions: Vec<Mention>, small: Vec<Mention>) -> Vec<Mention> {
    if small.is_empty() {
        return mentions;
    }
    let overlaps = |other: &Mention| {
        let after = mentions.partition_point(|mention| mention.span.end <= other.span.start);
        mentions.get(after).is_some_and(|mention| mention.span.start < other.span.end)
    };
    let mut all: Vec<Mention> = small.into_iter().filter(|other| !overlaps(other)).collect();
    all.extend(mentions);
    all.sort_by_key(|mention| mention.span.start);
    all
}

struct Reading<'a> {
    context: &'a Context<'a>,
    now: Now,
    mentions: &'a [Mention],
    scene: Scene<'a>,
    dates: Vec<DateMention>,
    statements: Vec<Statement>,
    /// What steps are for.
    goal: Option<String>,
    asks: bool,
}

impl Reading<'_> {
    /// One sentence.
    fn read(&mut self, tokens: &[Token]) {
        let dates = dates::find(tokens, &self.now, tense(tokens, self.now.language));
        let tags = tag::tags(tokens, &given(tokens, self.mentions, &dates));
        let sentence = Sentence { tokens, tags: &tags };
        let told = self.statements.len();
        let mut teller = Teller {
            scene: &mut self.scene,
            at: self.context.at,
            dates: &dates,
            found: &mut self.statements,
        };
        if self.now.language == Language::English {
            teller.tell(&sentence);
            teller.patterns(&sentence, told, &mut self.goal);
        } else {
            teller.foreign(&sentence, self.now.language);
        }
        self.asks |= is_question(&sentence);
        self.dates.extend(dates);
    }
}

/// Which tokens are of names, and which of dates.
fn given(tokens: &[Token], mentions: &[Mention], dates: &[DateMention]) -> Vec<Given> {
    let start = tokens.first().map_or(0, |token| token.start);
    let mut mentions =
        mentions[mentions.partition_point(|mention| mention.span.end <= start)..].iter().peekable();
    let mut dates = dates.iter().peekable();
    let mut found = Vec::with_capacity(tokens.len());
    for token in tokens {
        while mentions.peek().is_some_and(|mention| mention.span.end <= token.start) {
            mentions.next();
        }
        while dates.peek().is_some_and(|date| date.span.end <= token.start) {
            dates.next();
        }
        let in_name = mentions.peek().is_some_and(|mention| mention.span.start <= token.start);
        let in_date = dates.peek().is_some_and(|date| date.span.start <= token.start);
        found.push(if in_date {
            Given::Date
        } else if in_name {
            Given::Name
        } else {
            Given::Open
        });
    }
    found
}

/// Whether a sentence tells of the past or of what is to come.
fn tense(tokens: &[Token], language: Language) -> Tense {
    let (past, coming) = match language {
        Language::English => (Flags::PAST, Flags::NONE),
        _ => (Flags::PASSED, Flags::COMING),
    };
    let will = tokens.iter().any(|token| {
        token.may_be(coming)
            || token
                .is_one_of(&["will", "'ll", "gonna", "planning", "plan", "upcoming", "going", "hoping", "wo"])
            || token.is("can") && language == Language::English
    });
    let did = tokens.iter().any(|token| {
        let is_past = token.may_be(past) && !token.may_be(Flags::BASE)
            || token.is_one_of(&["did", "had", "been", "done"]);
        is_past || language == Language::English && token.flags == Flags::NONE && token.lower.ends_with("ed")
    });
    match (did, will) {
        (true, false) => Tense::Past,
        (false, true) => Tense::Future,
        (true, true) => Tense::Past,
        (false, false) => Tense::Unknown,
    }
}
