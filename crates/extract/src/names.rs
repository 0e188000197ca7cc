//! Proper names: runs of capitalised words with what links them, quoted titles, addresses, files, names of code.
//!
//! Keeps true: a word that is capitalised only because a sentence begins with it is no name, unless it is known as
//! one or is capitalised within a sentence too. Time is linear in the text.

use std::collections::HashSet;

use crate::found::{EntityKind, Mention};
use crate::language::{Counts, Language};
use crate::lexicon::Flags;
use crate::naming;
use crate::pieces;
use crate::token::{self, Case, Shape, Token};

/// All names of a text, in text order.
#[must_use]
pub fn mentions(text: &str) -> Vec<Mention> {
    let mut names = Names::new(text);
    for piece in pieces::pieces(text) {
        names.read(&token::tokens(text, piece));
    }
    names.finish(&|_| false)
}

/// A name that may be none.
#[derive(Clone, Debug)]
struct Candidate {
    mention: Mention,
    /// A single word at the beginning of a sentence.
    is_doubtful: bool,
    /// A single capitalised word that no list knows: German writes all nouns so.
    is_plain: bool,
}

/// Gathers the names of a text, sentence by sentence.
pub(crate) struct Names<'t> {
    text: &'t str,
    counts: Counts,
    candidates: Vec<Candidate>,
    /// Words that are capitalised where no sentence begins.
    within: HashSet<&'t str>,
}

impl<'t> Names<'t> {
    pub fn new(text: &'t str) -> Self {
        Self { text, counts: Counts::default(), candidates: Vec::new(), within: HashSet::new() }
    }

    /// The tokens of the next sentence.
    pub fn read(&mut self, tokens: &[Token]) {
        self.counts.add(tokens);
        let mut at = 0;
        while at < tokens.len() {
            at = self.step(tokens, at);
        }
    }

    /// What begins at `at`; where to go on.
    fn step(&mut self, tokens: &[Token], at: usize) -> usize {
        if let Shape::Special(kind) = tokens[at].shape {
            self.push(tokens, at, at + 1, kind, false);
            return at + 1;
        }
        if let Some((end, after)) = quoted_title(tokens, at) {
            self.push(tokens, at + 1, end, EntityKind::Work, false);
            return after;
        }
        if let Some(end) = self.dated_event(tokens, at) {
            self.push(tokens, at, end, EntityKind::Event, false);
            return end;
        }
        if !begins_name(tokens, at) {
            return at + 1;
        }
        let end = run_end(self.text, tokens, at);
        let is_doubtful = end == at + 1 && tokens[at].opens && !is_sure(tokens, at);
        if !tokens[at].opens {
            self.within.insert(&self.text[tokens[at].start..tokens[at].end]);
        }
        self.push(tokens, at, end, naming::kind(tokens, at, end), is_doubtful);
        end
    }

    /// "2013 Zork Bowl": where it ends.
    fn dated_event(&self, tokens: &[Token], at: usize) -> Option<usize> {
        let token = &tokens[at];
        let is_year = token.shape == Shape::Number && token.lower.len() == 4;
        if !is_year || !tokens.get(at + 1)?.is_capital() || !begins_name(tokens, at + 1) {
            return None;
        }
        let end = run_end(self.text, tokens, at + 1);
        (naming::kind(tokens, at + 1, end) == EntityKind::Event).then_some(end)
    }

    fn push(&mut self, tokens: &[Token], from: usize, to: usize, kind: EntityKind, is_doubtful: bool) {
        let span = tokens[from].start..tokens[to - 1].end;
        let bare = naming::without_title(tokens, from, to);
        let name = self.text[tokens[bare].start..span.end].to_owned();
        let is_plain = to == from + 1
            && tokens[from].case == Case::Capital
            && !tokens[from].may_be(Flags::GIVEN.with(Flags::PLACE));
        self.candidates.push(Candidate { mention: Mention { span, name, kind }, is_doubtful, is_plain });
    }

    pub fn language(&self) -> Language {
        self.counts.language()
    }

    /// The names that hold in the light of the whole text; `is_known` keeps doubtful ones.
    pub fn finish(self, is_known: &dyn Fn(&str) -> bool) -> Vec<Mention> {
        let is_german = self.counts.language() == Language::German;
        let within = self.within;
        let holds = |candidate: &Candidate| {
            let name = candidate.mention.name.as_str();
            if is_german && candidate.is_plain {
                return is_known(name);
            }
            !candidate.is_doubtful || within.contains(name) || is_known(name)
        };
        let held = self.candidates.into_iter().filter(holds);
        held.map(|candidate| candidate.mention).collect()
    }
}

/// A first name, a place, an abbreviation, or what owns something.
fn is_sure(tokens: &[Token], at: usize) -> bool {
    let token = &tokens[at];
    matches!(token.case, Case::Upper | Case::Inner)
        || token.may_be(Flags::GIVEN.with(Flags::PLACE))
        || !token.flags.is_known()
            && !token.lower.ends_with("ing")
            && tokens.get(at + 1).is_some_and(|next| next.is("'s"))
        || is_defined(tokens, at)
}

/// "Zorbex is a ..."
fn is_defined(tokens: &[Token], at: usize) -> bool {
    let is =
        |offset: usize, words: &[&str]| tokens.get(at + offset).is_some_and(|token| token.is_one_of(words));
    is(1, &["is", "was", "are", "were"]) && is(2, &["a", "an", "the"]) && !tokens[at].lower.ends_with("ing")
}

/// Words that are never the first of a name.
const HARD: Flags = Flags::PRONOUN
    .with(Flags::POSSESSIVE)
    .with(Flags::DETERMINER)
    .with(Flags::PREPOSITION)
    .with(Flags::CONJUNCTION)
    .with(Flags::SUBORDINATOR)
    .with(Flags::AUXILIARY)
    .with(Flags::MODAL)
    .with(Flags::NEGATION)
    .with(Flags::QUESTION)
    .with(Flags::MONTH)
    .with(Flags::WEEKDAY)
    .with(Flags::FOREIGN);

/// More letters in capitals are a cry, not an abbreviation.
const ABBREVIATION_LETTERS_MAX: usize = 6;

pub(crate) fn begins_name(tokens: &[Token], at: usize) -> bool {
    let token = &tokens[at];
    if !token.is_capital() || token.lower.starts_with('\'') {
        return false;
    }
    let next = tokens.get(at + 1);
    let next_is_capital = next.is_some_and(|next| next.is_capital() && !next.may_be(Flags::GRAMMAR));
    if token.may_be(HARD) {
        return is_name_in_spite(token, next_is_capital);
    }
    if token.may_be(Flags::INTERJECTION) && (token.opens || !token.may_be(Flags::ADJECTIVE)) {
        return false;
    }
    if token.case == Case::Upper
        && (token.end - token.start > ABBREVIATION_LETTERS_MAX || token.flags.is_known())
    {
        return token.may_be(Flags::PLACE);
    }
    if token.opens {
        return opens_with_name(token, next, next_is_capital) && !greets(tokens, at);
    }
    let is_common = is_plain_adjective(token) || is_after_mark(tokens, at);
    !is_common || next_is_capital
}

/// "Yes, See you": a common word that begins anew behind a mark.
fn is_after_mark(tokens: &[Token], at: usize) -> bool {
    let common = Flags::VERB.with(Flags::ADVERB).with(Flags::COMMON);
    let is_after = at > 0 && matches!(tokens[at - 1].shape, Shape::Mark(_));
    is_after && tokens[at].may_be(common) && !tokens[at].may_be(Flags::GIVEN.with(Flags::PLACE))
}

/// "Spanish", "European": with a capital, but no name.
fn is_plain_adjective(token: &Token) -> bool {
    token.may_be(Flags::ADJECTIVE)
        && token.case == Case::Capital
        && !token.may_be(Flags::GIVEN.with(Flags::PLACE))
}

/// "Anytime Anna", "Kudos Tom": what stands before a lone first name is said to it.
fn greets(tokens: &[Token], at: usize) -> bool {
    let known = Flags::GIVEN.with(Flags::TITLE);
    let next = tokens.get(at + 1).is_some_and(|next| next.is_capital() && next.may_be(Flags::GIVEN));
    !tokens[at].may_be(known) && next && !tokens.get(at + 2).is_some_and(Token::is_capital)
}

/// "Will Smith", "Los Angeles", "Will said".
fn is_name_in_spite(token: &Token, next_is_capital: bool) -> bool {
    let is_article = token.is_one_of(&["los", "las", "el", "la", "le", "san", "del", "de", "von", "van"]);
    let may_be_given = token.may_be(Flags::GIVEN) && !token.may_be(Flags::MONTH);
    let is_in_title = token.may_be(Flags::PREPOSITION) && !token.may_be(Flags::PRONOUN) && !token.is("of");
    !token.opens && (((is_article || is_in_title) && next_is_capital) || may_be_given)
        || token.may_be(Flags::GIVEN) && next_is_capital
}

/// Whether the first word of a sentence may be a name.
fn opens_with_name(token: &Token, next: Option<&Token>, next_is_capital: bool) -> bool {
    let names = Flags::GIVEN.with(Flags::PLACE).with(Flags::TITLE);
    let other =
        Flags::VERB.with(Flags::ADJECTIVE).with(Flags::ADVERB).with(Flags::COMMON).with(Flags::INTERJECTION);
    if token.may_be(names) && !token.may_be(other) {
        return true;
    }
    if token.may_be(Flags::GIVEN) {
        let acts = Flags::BE.with(Flags::HAVE).with(Flags::THIRD).with(Flags::PAST);
        return next_is_capital || next.is_some_and(|next| next.may_be(acts) || next.is("'s"));
    }
    let looks_like_verb = ["ing", "ed", "ly"].iter().any(|ending| token.lower.ends_with(ending));
    let is_common = token.flags.any(other.with(Flags::UNIT).with(Flags::PERSON_NOUN));
    !is_common && (!looks_like_verb || !next_is_capital)
}

/// Where the name that begins at `at` ends.
pub(crate) fn run_end(text: &str, tokens: &[Token], at: usize) -> usize {
    let mut end = at + 1;
    while let Some(next) = after(text, tokens, at, end) {
        end = next;
    }
    end
}

/// A longer run is a headline or shouting.
const RUN_TOKENS_MAX: usize = 10;

/// Where the name ends with one more word.
fn after(text: &str, tokens: &[Token], first: usize, end: usize) -> Option<usize> {
    let (last, next) = (&tokens[end - 1], tokens.get(end)?);
    if end - first >= RUN_TOKENS_MAX {
        return None;
    }
    if next.is_mark('.') && next.start == last.end && is_abbreviation(last) {
        let then = tokens.get(end + 1)?;
        return (then.is_capital() && !then.may_be(Flags::GRAMMAR) && is_near(text, next, then))
            .then_some(end + 2);
    }
    if next.is_mark(',') {
        return is_rank(tokens, end + 1).then_some(end + 3);
    }
    if !is_near(text, last, next) {
        return None;
    }
    if next.is_capital() {
        return (goes_on(tokens, end) && !is_another(tokens, first, end)).then_some(end + 1);
    }
    if next.shape == Shape::Number {
        return is_number_of_name(last, next, tokens.get(end + 1)).then_some(end + 1);
    }
    after_link(text, tokens, end)
}

fn is_abbreviation(token: &Token) -> bool {
    let is_initial = token.end - token.start == 1 && !token.is("i");
    token.may_be(Flags::TITLE) || is_initial || token.lower.contains('.')
}

/// One space, or nothing but a hyphen, between them.
fn is_near(text: &str, a: &Token, b: &Token) -> bool {
    matches!(&text[a.end..b.start], " " | "\u{a0}")
}

/// Whether the capitalised word at `at` belongs to the name before it.
fn goes_on(tokens: &[Token], at: usize) -> bool {
    let token = &tokens[at];
    if token.may_be(Flags::PRONOUN.with(Flags::MONTH).with(Flags::WEEKDAY).with(Flags::POSSESSIVE)) {
        return false;
    }
    if token.may_be(Flags::INTERJECTION) && !token.may_be(Flags::ADJECTIVE) {
        return false;
    }
    !token.may_be(Flags::GRAMMAR) || tokens.get(at + 1).is_some_and(|next| next.is_capital())
}

/// "..., 3rd Earl".
fn is_rank(tokens: &[Token], at: usize) -> bool {
    let is_ordinal = |token: &Token| {
        token.shape == Shape::Number
            && ["st", "nd", "rd", "th"].iter().any(|ending| token.lower.ends_with(ending))
    };
    let ranks = ["earl", "baron", "duke", "viscount", "marquess", "count", "baronet", "lord"];
    tokens.get(at).is_some_and(is_ordinal)
        && tokens.get(at + 1).is_some_and(|next| next.is_capital() && next.is_one_of(&ranks))
}

/// "Prime Minister Anna": a first name begins another name.
fn is_another(tokens: &[Token], first: usize, at: usize) -> bool {
    let last = &tokens[at - 1];
    let follows_name = last.is_word() && !last.may_be(Flags::TITLE.with(Flags::GIVEN).with(Flags::LINK));
    let is_person = tokens[first].may_be(Flags::GIVEN) || tokens[first].may_be(Flags::TITLE);
    at - first >= 2
        && tokens[at].may_be(Flags::GIVEN)
        && !tokens[at].may_be(Flags::PLACE)
        && follows_name
        && !is_person
}

/// "Apollo 11", but not "Anna 3 years ago".
fn is_number_of_name(last: &Token, number: &Token, next: Option<&Token>) -> bool {
    last.is_capital()
        && number.end - number.start <= 4
        && number.lower.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && !next.is_some_and(|next| next.may_be(Flags::UNIT.with(Flags::MONTH)) || next.is_mark('%'))
}

/// "University of the Arts", "Ludwig van Beethoven", "Smith & Sons".
fn after_link(text: &str, tokens: &[Token], end: usize) -> Option<usize> {
    let mut at = end;
    while at < tokens.len() && at < end + 2 && is_link(&tokens[at]) && (at > end || !is_article(&tokens[at]))
    {
        at += 1;
    }
    let next = tokens.get(at)?;
    let is_whole = (end..at).all(|link| is_near(text, &tokens[link], &tokens[link + 1]));
    (at > end && is_whole && next.is_capital() && !next.may_be(HARD) && !next.may_be(Flags::INTERJECTION))
        .then_some(at + 1)
}

fn is_link(token: &Token) -> bool {
    token.is_mark('&') || token.is_word() && token.may_be(Flags::LINK) && !token.is("y") && !token.is("e")
}

/// Links only behind another: "of the", "van der".
fn is_article(token: &Token) -> bool {
    token.is_one_of(&["the", "der", "den", "des", "la", "le", "les", "al", "el", "zu", "zur"])
}

const TITLE_TOKENS_MAX: usize = 10;

/// Where the title that begins with the quotation mark at `at` ends, and where its closing mark does.
fn quoted_title(tokens: &[Token], at: usize) -> Option<(usize, usize)> {
    let Shape::Mark(open) = tokens[at].shape else { return None };
    let (_, close) = QUOTES.iter().find(|(mark, _)| *mark == open)?;
    let rest = &tokens[at + 1..tokens.len().min(at + 2 + TITLE_TOKENS_MAX)];
    let length = rest.iter().position(|token| token.is_mark(*close))?;
    let is_pointed = length > 1 && (rest[length - 1].is_mark('.') || rest[length - 1].is_mark(','));
    let inner = &rest[..length - usize::from(is_pointed)];
    let ends_well = inner.last().is_some_and(|last| last.is_word() || last.shape == Shape::Number);
    let capitals = inner.iter().filter(|token| token.is_capital()).count();
    let is_word = inner.len() == 1 && !inner[0].may_be(Flags::GRAMMAR);
    let is_title = inner.first().is_some_and(Token::is_capital) && (capitals >= 2 || is_word);
    (ends_well && is_title).then_some((at + 1 + inner.len(), at + 2 + length))
}

const QUOTES: [(char, char); 4] = [('"', '"'), ('“', '”'), ('„', '“'), ('«', '»')];

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        mentions(text).into_iter().map(|mention| mention.name).collect()
    }

    #[test]
    fn names_of_several_words_are_one() {
        for (text, expected) in [
            (
                "We met Anna Müller at the University of the Arts.",
                vec!["Anna Müller", "University of the Arts"],
            ),
            ("It was Ludwig van Beethoven's house.", vec!["Ludwig van Beethoven"]),
            ("We saw Apollo 11 and Dr. J. R. Smith.", vec!["Apollo 11", "J. R. Smith"]),
            ("I saw Anna 3 years ago in Los Angeles.", vec!["Anna", "Los Angeles"]),
            ("She read \"Gone With the Wind\" twice.", vec!["Gone With the Wind"]),
            ("She told it in \"Finding Zork.\" Yes, See you!", vec!["Finding Zork"]),
            ("We love Iron Man.", vec!["Iron Man"]),
            ("They joined Smith & Sons and NASA.", vec!["Smith & Sons", "NASA"]),
            ("We saw Lord of the Rings by J.R. Zork.", vec!["Lord of the Rings", "J.R. Zork"]),
            (
                "The Prime Minister Anna Zork met Tom Blim, 3rd Earl of Zork.",
                vec!["Prime Minister", "Anna Zork", "Tom Blim, 3rd Earl of Zork"],
            ),
            ("They won the 2013 Zork Bowl. Zorbex is a band.", vec!["2013 Zork Bowl", "Zorbex"]),
            ("Kudos Anna! We wear Under Zork and learn Spanish.", vec!["Anna", "Under Zork"]),
        ] {
            assert_eq!(names(text), expected, "{text}");
        }
    }

    #[test]
    fn the_first_word_of_a_sentence_is_no_name_by_its_capital() {
        for text in
            ["Pottery is fun.", "Thanks! Great work.", "The house is big.", "WOW that is AMAZING!", "May I?"]
        {
            assert_eq!(names(text), Vec::<String>::new(), "{text}");
        }
        assert_eq!(names("Zorbex is old. We like Zorbex."), ["Zorbex", "Zorbex"]);
        assert_eq!(names("Anna lives here. Yesterday Anna left."), ["Anna", "Anna"]);
    }

    #[test]
    fn days_months_and_pronouns_are_no_names() {
        assert_eq!(names("On Friday I went home, in May too."), Vec::<String>::new());
    }

    #[test]
    fn german_nouns_are_no_names() {
        assert_eq!(
            names("Ich habe mit Anna Müller im Garten der Deutschen Bank in Berlin einen Kuchen gegessen."),
            ["Anna Müller", "Deutschen Bank", "Berlin"]
        );
    }

    #[test]
    fn addresses_files_and_code_are_names() {
        assert_eq!(
            names("see src/main.rs, `load`, https://a.org and parse_config()."),
            ["src/main.rs", "load", "https://a.org", "parse_config()"]
        );
    }
}
