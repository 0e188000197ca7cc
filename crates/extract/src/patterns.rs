//! Forms of whole sentences: notes, steps, standing orders, exceptions.
//!
//! Keeps true: what follows the form is quoted, not read further.

use std::ops::Range;

use crate::clause::{Sentence, Time};
use crate::found::{MemoryKind, RelationKind, Statement};
use crate::lexicon::Flags;
use crate::scene;
use crate::statements::{Draft, Teller};
use crate::token::{Shape, Token};
use crate::told::is_question;

impl Teller<'_, '_> {
    /// The forms of a sentence; `told` statements were found in it before. `goal` is what steps are for.
    pub fn patterns(&mut self, sentence: &Sentence, told: usize, goal: &mut Option<String>) {
        if is_question(sentence) {
            *goal = how_to(self.scene, sentence).or(goal.take());
            return;
        }
        if let Some(start) = note(sentence.tokens) {
            return self.note(sentence, start, told);
        }
        if self.steps(sentence, goal) || self.order(sentence) {
            return;
        }
        self.nickname(sentence);
        self.exception(sentence);
    }

    /// "Please call me Bob."
    fn nickname(&mut self, sentence: &Sentence) {
        let tokens = sentence.tokens;
        let Some(call) = tokens.iter().take(3).position(|token| token.is("call")) else { return };
        let is_me = tokens.get(call + 1).is_some_and(|token| token.is("me"));
        let length = tokens.iter().skip(call + 2).take_while(|token| token.is_capital()).count();
        if is_me && length > 0 {
            self.say(sentence, call + 2..call + 2 + length, "named", MemoryKind::Fact, 0.8);
        }
    }

    /// What is asked to be remembered matters, whatever its form.
    fn note(&mut self, sentence: &Sentence, start: usize, told: usize) {
        let is_enough = end(sentence) >= start + NOTE_WORDS_MIN;
        if self.found.len() == told && is_enough {
            self.say(sentence, start..end(sentence), "note", MemoryKind::Fact, 0.9);
        }
        for statement in &mut self.found[told..] {
            statement.importance = statement.importance.max(0.9);
        }
    }

    /// "To deploy, run ...", "First ... then ...", "1. Run ...".
    fn steps(&mut self, sentence: &Sentence, goal: &mut Option<String>) -> bool {
        let tokens = sentence.tokens;
        if let Some(comma) = purpose(tokens) {
            let aim = self.scene.words(sentence, 1..comma);
            self.step(sentence, comma + 1..end(sentence), &aim, "done_by");
            *goal = Some(aim);
            return true;
        }
        if how_to(self.scene, sentence).is_some() {
            *goal = how_to(self.scene, sentence);
            return true;
        }
        let numbered = numbered(tokens);
        let Some(start) = numbered.or_else(|| ordered(tokens)) else { return false };
        let aim = goal.clone().unwrap_or_else(|| "procedure".to_owned());
        if goal.is_none() && numbered.is_none() && !tokens.iter().any(|token| token.is("then")) {
            return false;
        }
        self.step(sentence, start..end(sentence), &aim, "step");
        true
    }

    fn step(&mut self, sentence: &Sentence, range: Range<usize>, aim: &str, relation: &str) {
        let before = self.found.len();
        self.say(sentence, range, relation, MemoryKind::Procedure, 0.6);
        for statement in &mut self.found[before..] {
            statement.subject = crate::found::Subject {
                name: aim.to_owned(),
                span: None,
                is_speaker: false,
                is_group: false,
            };
        }
    }

    /// "Always use tabs", "Never deploy on Fridays".
    fn order(&mut self, sentence: &Sentence) -> bool {
        let words: Vec<usize> =
            (0..sentence.tokens.len()).filter(|at| sentence.tokens[*at].is_word()).take(4).collect();
        let skip = usize::from(words.first().is_some_and(|at| sentence.tokens[*at].is("please")));
        let token = |nth: usize| words.get(nth + skip).map(|at| &sentence.tokens[*at]);
        let is_order = token(0).is_some_and(|first| first.is_one_of(&["always", "never"]))
            || token(0).is_some_and(|first| first.is("make")) && token(1).is_some_and(|next| next.is("sure"))
            || token(0).is_some_and(|first| first.is("do")) && token(1).is_some_and(|next| next.is("not"));
        let is_rule =
            token(0).is_some_and(|first| first.is_one_of(&["use", "prefer", "avoid"])) && words.len() > 2;
        let acts = token(1).is_some_and(|next| {
            let may_act = next.is_one_of(&["sure", "not"]) || next.may_be(Flags::BASE);
            may_act && !next.is_one_of(&["mind", "give", "forget", "know"])
        });
        if !is_rule && (!is_order || !acts) {
            return false;
        }
        let start = words[skip];
        self.say(sentence, start..end(sentence), "instruct", MemoryKind::Procedure, 0.75);
        true
    }

    /// "All requests need a token, except health checks."
    fn exception(&mut self, sentence: &Sentence) {
        let tokens = sentence.tokens;
        let Some(at) = tokens.iter().position(|token| token.is_one_of(&["except", "unless", "excepting"]))
        else {
            return;
        };
        let start = at
            + 1
            + usize::from(
                tokens.get(at + 1).is_some_and(|next| next.is_one_of(&["for", "that", "when", "if"])),
            );
        let rule = words_before(tokens, at);
        if rule.len() < 3 || start >= end(sentence) {
            return;
        }
        let name = self.scene.words(sentence, start..end(sentence));
        let place = scene::span(sentence, start..end(sentence));
        let before = self.found.len();
        self.say(sentence, rule, "exception_to", MemoryKind::Fact, 0.65);
        for statement in &mut self.found[before..] {
            statement.relation_kind = RelationKind::ExceptionTo;
            statement.span.end =
                place.clone().map_or(statement.span.end, |place| place.end.max(statement.span.end));
            statement.subject = crate::found::Subject {
                name: name.clone(),
                span: place.clone(),
                is_speaker: false,
                is_group: false,
            };
        }
    }

    /// The speaker says these words.
    fn say(
        &mut self,
        sentence: &Sentence,
        range: Range<usize>,
        relation: &str,
        kind: MemoryKind,
        importance: f32,
    ) {
        let Some(span) = scene::span(sentence, range.clone()) else { return };
        let before = self.found.len();
        let draft = Draft {
            subject: self.scene.first_person(None).subject,
            relation: relation.to_owned(),
            object: range,
            span,
            confidence: 0.9,
            negated: false,
            ended: false,
            time: Time::Present,
        };
        self.push(sentence, draft);
        for statement in &mut self.found[before..] {
            weigh(statement, kind, importance);
        }
    }
}

fn weigh(statement: &mut Statement, kind: MemoryKind, importance: f32) {
    statement.kind = kind;
    statement.importance = importance;
    statement.confidence = 0.75;
}

/// "Remember: smile!" is no note.
const NOTE_WORDS_MIN: usize = 4;

/// Without the marks at the end.
fn end(sentence: &Sentence) -> usize {
    let tail = sentence.tokens.iter().rev().take_while(|token| matches!(token.shape, Shape::Mark(_))).count();
    sentence.tokens.len() - tail
}

/// Where what is to be remembered begins.
fn note(tokens: &[Token]) -> Option<usize> {
    let first = tokens.iter().position(Token::is_word)?;
    let start = first + usize::from(tokens[first].is("please"));
    let is = |offset: usize, words: &[&str]| {
        tokens.get(start + offset).is_some_and(|token| token.is_one_of(words))
    };
    let is_short = is(0, &["remember", "note", "fyi", "important", "nb", "reminder"]);
    let begins = if is_short {
        start + 1
    } else if is(0, &["keep"]) && is(1, &["in"]) && is(2, &["mind"])
        || is(0, &["do"]) && is(1, &["n't"]) && is(2, &["forget"])
    {
        start + 3
    } else {
        return None;
    };
    let is_marked =
        tokens.get(begins).is_some_and(|token| token.is("that") || token.is_mark(':') || token.is_mark(','));
    let is_enough = is_marked || tokens[start].is("fyi");
    is_enough.then_some(begins + usize::from(is_marked))
}

/// "To deploy the page, run ...": where the comma is.
fn purpose(tokens: &[Token]) -> Option<usize> {
    let is_purpose = tokens.first()?.is("to") && tokens.get(1)?.may_be(Flags::BASE);
    let comma = tokens.iter().take(16).position(|token| token.is_mark(','))?;
    let acts = tokens.get(comma + 1)?;
    let is_order = acts.may_be(Flags::BASE) || acts.is_one_of(&["first", "you", "just", "we"]);
    (is_purpose && is_order).then_some(comma)
}

/// "How to deploy" names what steps are for.
fn how_to(scene: &scene::Scene, sentence: &Sentence) -> Option<String> {
    let tokens = sentence.tokens;
    let is_how = tokens.first()?.is("how") && tokens.get(1)?.is("to") && tokens.len() > 3;
    is_how.then(|| scene.words(sentence, 2..end(sentence)))
}

/// "1. Run": where the order begins.
fn numbered(tokens: &[Token]) -> Option<usize> {
    let is_number = tokens.first()?.shape == Shape::Number && tokens[0].lower.len() <= 2;
    let is_mark = tokens.get(1).is_some_and(|token| token.is_mark('.') || token.is_mark(')'));
    let acts = tokens.get(2).is_some_and(|token| token.may_be(Flags::BASE));
    (is_number && is_mark && acts).then_some(2)
}

/// "First, run ...", "Then run ...", "Finally run ...".
fn ordered(tokens: &[Token]) -> Option<usize> {
    let is_order =
        tokens.first()?.is_one_of(&["first", "then", "next", "finally", "second", "lastly", "afterwards"]);
    let start = 1 + usize::from(tokens.get(1).is_some_and(|token| token.is_mark(',')));
    let acts = tokens.get(start)?;
    (is_order && acts.may_be(Flags::BASE) && !acts.may_be(Flags::AUXILIARY)).then_some(start)
}

fn words_before(tokens: &[Token], at: usize) -> Range<usize> {
    let tail = tokens[..at].iter().rev().take_while(|token| matches!(token.shape, Shape::Mark(_))).count();
    0..at - tail
}
