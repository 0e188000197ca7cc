//! Whether a sentence or clause says something that is so, or asks, orders, guesses.

use crate::clause::{Clause, Group, Sentence, Who};
use crate::lexicon::{self, Flags};
use crate::relation;
use crate::scene::Actor;
use crate::token::Token;

/// "Just moved to Berlin": the speaker, if a past is told; a base form is an order.
pub(crate) fn may_leave_out(sentence: &Sentence, clause: &Clause) -> bool {
    let token = &sentence.tokens[clause.group.range.start];
    if token.is("been") {
        return sentence.tokens[clause.group.main].may_be(Flags::ING);
    }
    let is_told = token.may_be(Flags::PAST.with(Flags::PARTICIPLE)) || token.lower.ends_with("ed");
    is_told
        && !clause.group.is_base
        && !token.is_one_of(&["thought", "heard", "said", "is", "are", "was", "were"])
}

/// A question mark at the end, or the order of words of a question.
pub(crate) fn is_question(sentence: &Sentence) -> bool {
    let mut marks = sentence.tokens.iter().rev().take_while(|token| !token.is_word()).take(6);
    if marks.any(|token| token.is_mark('?') || token.is_mark('¿')) {
        return true;
    }
    let mut words =
        sentence.tokens.iter().filter(|token| token.is_word() && !token.may_be(Flags::INTERJECTION));
    let Some(first) = words.next() else { return false };
    let inverts = words
        .next()
        .is_some_and(|second| second.may_be(Flags::PRONOUN) && !second.is_one_of(&["that", "this"]));
    inverts
        && first.may_be(Flags::AUXILIARY.with(Flags::MODAL))
        && first.may_be(Flags::ENGLISH.with(Flags::MODAL).with(Flags::DO))
}

pub(crate) fn is_hypothetical(tokens: &[Token]) -> bool {
    tokens.iter().any(|token| {
        token.is_one_of(&[
            "if",
            "unless",
            "whether",
            "maybe",
            "perhaps",
            "might",
            "suppose",
            "imagine",
            "wonder",
            "wish",
            "hypothetically",
        ])
    })
}

/// Whether a clause says something that is so.
pub(crate) fn is_told(sentence: &Sentence, clause: &Clause, actor: &Actor) -> bool {
    let group = &clause.group;
    let is_order = group.is_base && clause.subject == Who::LeftOut;
    let is_addressee =
        !actor.subject.is_speaker && sentence.tokens[clause.range.start].is_one_of(&["you", "your", "y'all"]);
    !is_order && is_modal_told(group) && (!is_addressee || is_solid(sentence, clause))
}

fn is_modal_told(group: &Group) -> bool {
    match group.modal.as_deref() {
        None | Some("will" | "'ll" | "gonna" | "wanna" | "gotta" | "must" | "should" | "shall" | "wo") => {
            true
        }
        Some("would" | "'d") => {
            matches!(&*group.lemma, "love_to" | "like_to" | "love" | "prefer" | "like" | "prefer_to")
        }
        Some("can" | "could" | "ca" | "cannot") => {
            matches!(
                &*group.lemma,
                "speak" | "play" | "drive" | "swim" | "cook" | "eat" | "read" | "stand" | "code" | "drink"
            )
        }
        _ => false,
    }
}

/// What one may believe of the person spoken to: "you live in Berlin", not "you're doing great".
fn is_solid(sentence: &Sentence, clause: &Clause) -> bool {
    let group = &clause.group;
    let first = sentence.tokens.get(clause.object.start).map_or("", |token| &*token.lower);
    let relation = format!("{}_{first}", group.lemma);
    matches!(
        &*relation::rule(&relation).name,
        "live_in" | "work_at" | "work_as" | "come_from" | "born_in" | "named"
    ) && lexicon::flags(first).any(Flags::PREPOSITION)
}
