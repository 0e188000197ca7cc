//! Clauses become statements: who, relation, what, since when, how sure.
//!
//! Keeps true: a question, a guess and a greeting state nothing. A statement's object is words of the text.

use std::ops::Range;

use ibid_types::Timestamp;

use crate::clause::{Clause, Group, Sentence, Time, Who};
use crate::found::{DateMention, EntityKind, MemoryKind, Object, Statement, Subject};
use crate::relation::{self, Rule};
use crate::scene::{self, Actor, Scene};
use crate::tag::Tag;
use crate::told::{is_hypothetical, is_question, is_told, may_leave_out};
use crate::validity::{self, Said};

/// What a clause says, before it is judged.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub subject: Subject,
    pub relation: String,
    /// Tokens.
    pub object: Range<usize>,
    /// Bytes of the words that say it.
    pub span: Range<usize>,
    pub confidence: f32,
    pub negated: bool,
    pub ended: bool,
    pub time: Time,
}

/// Reads the clauses of one sentence.
pub(crate) struct Teller<'s, 'a> {
    pub scene: &'s mut Scene<'a>,
    pub at: Timestamp,
    pub dates: &'s [DateMention],
    pub found: &'s mut Vec<Statement>,
}

impl Teller<'_, '_> {
    pub fn tell(&mut self, sentence: &Sentence) {
        self.scene.begin_sentence();
        if is_question(sentence) || is_hypothetical(sentence.tokens) {
            return;
        }
        let mut is_present = false;
        for clause in sentence.clauses() {
            let goes_on = clause.subject == Who::Shared && clause.group.is_base;
            if goes_on && !is_present {
                continue;
            }
            let has_infinitive = sentence.tags[clause.object.clone()].contains(&Tag::To);
            is_present = clause.group.is_base && !clause.group.is_chained() && !has_infinitive;
            let may_leave_out = may_leave_out(sentence, &clause);
            for subject in each_of(sentence, &clause.subject) {
                let Some(actor) = self.scene.actor(sentence, &subject, may_leave_out) else { continue };
                if is_told(sentence, &clause, &actor) {
                    self.clause(sentence, &clause, &actor);
                }
            }
        }
    }

    fn clause(&mut self, sentence: &Sentence, clause: &Clause, actor: &Actor) {
        let group = &clause.group;
        let before = self.found.len();
        if group.lemma == "be" && !group.is_passive {
            self.copula(sentence, clause, actor);
        } else if group.is_passive {
            self.passive(sentence, clause, actor);
        } else {
            self.active(sentence, clause, actor);
        }
        if self.found.len() > before {
            let object = self.found.last().map(|statement| statement.object.span.clone());
            let mention = object.and_then(|span| self.scene.mention_of(&span));
            self.scene.remember(actor, mention);
        }
    }

    fn active(&mut self, sentence: &Sentence, clause: &Clause, actor: &Actor) {
        let group = &clause.group;
        if relation::is_small(&group.lemma) || says_no_verb(sentence, clause) {
            return;
        }
        if is_insight(&group.lemma) && tells_insight(sentence, group) {
            return self.insight(sentence, clause, actor);
        }
        let (lemma, object) = with_adjective(sentence, &group.lemma, clause.object.clone());
        let (relation, object) = with_prepositions(sentence, &lemma, object);
        if relation::is_small(&relation) {
            return;
        }
        if relation != group.lemma && group.lemma == "have" {
            return;
        }
        let relation = modal_relation(group, relation);
        let (object, rest) = second_place(sentence, &group.lemma, object);
        let draft = self.draft(sentence, clause, actor, relation, object);
        let draft = self.ending(sentence, draft);
        self.push(sentence, draft);
        if let Some(rest) = rest {
            let (relation, object) = with_prepositions(sentence, &group.lemma, rest);
            let draft = self.draft(sentence, clause, actor, relation, object);
            self.push(sentence, draft);
        }
    }

    /// "left Acme" and "lost my job at Acme" are that one no longer works there.
    fn ending(&self, sentence: &Sentence, mut draft: Draft) -> Draft {
        let job = draft.object.clone().find(|at| sentence.tokens[*at].is_one_of(&["job", "position"]));
        let at = draft.object.clone().find(|at| sentence.tokens[*at].is_one_of(&["at", "with"]));
        if let (Some(_), Some(at)) = (job, at.filter(|at| at + 1 < draft.object.end)) {
            match &*draft.relation {
                "quit" | "leave" | "lose" => {
                    draft.object.start = at + 1;
                    return ended(draft, "work_at");
                }
                "get" | "start" | "take" | "accept" | "land" => {
                    draft.object.start = at + 1;
                    return Draft { relation: "start_at".to_owned(), ..draft };
                }
                _ => {}
            }
        }
        let bare = without_article(sentence, draft.object.clone());
        let place = scene::span(sentence, bare).unwrap_or_default();
        let Some(mention) = self.scene.mention_of(&place) else { return draft };
        match relation::ended_by(&draft.relation) {
            Some("work_at") if mention.kind == EntityKind::Place => ended(draft, "live_in"),
            Some(relation) => ended(draft, relation),
            None => draft,
        }
    }

    fn insight(&mut self, sentence: &Sentence, clause: &Clause, actor: &Actor) {
        let mut start = clause.group.range.end;
        while sentence.tokens.get(start).is_some_and(|token| token.is_one_of(&["that", "out", ":", ","])) {
            start += 1;
        }
        let end = sentence.tokens.len();
        let end =
            start + sentence.tokens[start..end].iter().rev().skip_while(|token| !token.is_word()).count();
        if end < start + 3 {
            return;
        }
        let relation = clause.group.lemma.clone();
        let mut draft = self.draft(sentence, clause, actor, relation, start..end);
        draft.confidence *= 0.9;
        self.push(sentence, draft);
    }

    fn passive(&mut self, sentence: &Sentence, clause: &Clause, actor: &Actor) {
        let first = sentence.tokens.get(clause.object.start).filter(|_| !clause.object.is_empty());
        let preposition = first.filter(|_| sentence.tags[clause.object.start] == Tag::Preposition);
        let verb = &*sentence.tokens[clause.group.main].lower;
        let (relation, is_turned) =
            relation::passive(&clause.group.lemma, verb, preposition.map_or("", |token| &*token.lower));
        let object = clause.object.start + usize::from(preposition.is_some())..clause.object.end;
        if is_turned {
            return self.turned(sentence, clause, relation, object);
        }
        if object.is_empty() && actor.subject.is_speaker {
            return;
        }
        let object = if object.is_empty() { clause.group.main..clause.group.main + 1 } else { object };
        let draft = self.draft(sentence, clause, actor, relation, object);
        self.push(sentence, draft);
    }

    /// "Zork is owned by Anna": Anna owns Zork.
    fn turned(&mut self, sentence: &Sentence, clause: &Clause, relation: String, agent: Range<usize>) {
        let Who::Named(object) = clause.subject.clone() else { return };
        let Some(actor) = self.scene.actor(sentence, &Who::Named(agent.clone()), false) else { return };
        let mut draft = self.draft(sentence, clause, &actor, relation, object.clone());
        draft.span = join(&draft.span, scene::span(sentence, agent));
        self.push(sentence, draft);
    }

    pub fn draft(
        &self,
        sentence: &Sentence,
        clause: &Clause,
        actor: &Actor,
        relation: String,
        object: Range<usize>,
    ) -> Draft {
        let span = scene::span(sentence, clause.range.clone()).unwrap_or_default();
        let span = join(&span, scene::span(sentence, object.clone()));
        let group = &clause.group;
        Draft {
            subject: actor.subject.clone(),
            relation,
            object,
            span: without_tail(self.scene.text, span),
            confidence: actor.confidence,
            negated: group.negated,
            ended: group.ended || says_any_more(sentence, clause),
            time: group.time,
        }
    }

    /// Judges a draft and keeps it.
    pub fn push(&mut self, sentence: &Sentence, mut draft: Draft) {
        draft.object = without_article(sentence, draft.object);
        let Some(place) = scene::span(sentence, draft.object.clone()) else { return };
        let text = self.scene.words(sentence, draft.object.clone());
        if text.is_empty() || is_vague(sentence, &draft.object) {
            return;
        }
        let rule = relation::rule(&draft.relation);
        if !rule.is_known && draft.confidence < COREFERENCE {
            return;
        }
        let mention = self.scene.mention_of(&place);
        let is_entity = mention.is_some();
        let text = mention.map_or(text, |mention| mention.name.clone());
        let valid = self.valid(&draft, &rule, sentence);
        let importance =
            importance(&rule, &draft, is_entity, valid.is_some_and(|valid| valid.from.is_some()));
        self.found.push(Statement {
            span: draft.span,
            subject: draft.subject,
            relation: rule.name,
            relation_kind: rule.kind,
            object: Object { text, span: place, is_entity },
            kind: rule.memory,
            negated: draft.negated,
            closes: draft.ended,
            single_valued: rule.single_valued && !draft.negated,
            valid,
            confidence: draft.confidence * if rule.is_known { 0.85 } else { 0.6 },
            importance,
        });
    }

    fn valid(&self, draft: &Draft, rule: &Rule, sentence: &Sentence) -> Option<crate::found::Validity> {
        let whole = sentence.tokens.first().map_or(0, |token| token.start);
        let end = sentence.tokens.last().map_or(0, |token| token.end);
        let object = scene::span(sentence, draft.object.clone()).unwrap_or_default();
        let within = |date: &&DateMention| {
            let is_object = date.span.start >= object.start && date.span.end <= object.end;
            date.span.start >= whole && date.span.end <= end && (!is_object || date.span.len() < object.len())
        };
        let dates: Vec<&DateMention> = self.dates.iter().filter(within).collect();
        let beside = |date: &&&DateMention| {
            dates.len() == 1
                || (date.span.start >= draft.span.start && date.span.end <= draft.span.end + DATE_BYTES)
        };
        let said = Said {
            at: self.at,
            time: draft.time,
            is_state: rule.is_state && !moves(&draft.relation),
            ended: draft.ended,
            negated: draft.negated,
        };
        validity::validity(dates.iter().filter(beside).copied(), said)
    }
}

/// Below this sureness of the subject only relations that are known are kept.
const COREFERENCE: f32 = 0.5;

/// "must use" is not "use".
fn modal_relation(group: &Group, relation: String) -> String {
    match group.modal.as_deref() {
        Some("must" | "should" | "gotta" | "ought") => format!("must_{relation}"),
        Some("can" | "could" | "ca" | "cannot") => format!("can_{relation}"),
        Some("wanna") => format!("want_to_{relation}"),
        _ if relation == "get" && group.time == Time::Perfect => "have".to_owned(),
        _ => relation,
    }
}

fn ended(draft: Draft, relation: &str) -> Draft {
    Draft { relation: relation.to_owned(), negated: true, ended: true, ..draft }
}

/// "Tom and Anna" are two.
fn each_of(sentence: &Sentence, who: &Who) -> Vec<Who> {
    let Who::Named(range) = who else { return vec![who.clone()] };
    let tags = &sentence.tags[range.clone()];
    let is_pair = tags.iter().all(|tag| matches!(tag, Tag::Name | Tag::Conjunction));
    let Some(and) = tags.iter().position(|tag| *tag == Tag::Conjunction).filter(|_| is_pair) else {
        return vec![who.clone()];
    };
    let middle = range.start + and;
    vec![Who::Named(range.start..middle), Who::Named(middle + 1..range.end)]
}

/// A date may stand this far behind the words that it bounds.
const DATE_BYTES: usize = 24;

/// They begin a state, so that its past still holds.
fn moves(relation: &str) -> bool {
    ["move_to", "relocate_to", "settle_in", "move_into", "start_at", "marry", "married_to"]
        .contains(&relation)
}

fn importance(rule: &Rule, draft: &Draft, is_entity: bool, is_dated: bool) -> f32 {
    let mut importance = rule.importance;
    let says_little = !rule.is_known && relation::is_light(&rule.name) && !is_dated;
    importance -= if says_little { 0.1 } else { 0.0 };
    importance += if is_entity { 0.1 } else { 0.0 };
    importance += if is_dated { 0.05 } else { 0.0 };
    importance -= if draft.confidence < COREFERENCE { 0.1 } else { 0.0 };
    importance -= if draft.time == Time::Future && !rule.is_known { 0.05 } else { 0.0 };
    importance.clamp(0.05, 0.95)
}

fn is_insight(lemma: &str) -> bool {
    relation::rule(lemma).memory == MemoryKind::Insight
}

/// "want to help", "am to be": a wish without its matter.
fn says_no_verb(sentence: &Sentence, clause: &Clause) -> bool {
    let object = &sentence.tokens[clause.object.clone()];
    let is_bare = object.len() <= 1 && object.iter().all(|token| token.is_one_of(BARE));
    clause.group.lemma.ends_with("_to") && (is_bare || clause.group.lemma == "be_to")
}

const BARE: &[&str] =
    &["try", "help", "let", "do", "see", "go", "know", "say", "check", "come", "share", "be", "hear"];

/// "learned that", "decided to"; "learning Dutch" is none.
fn tells_insight(sentence: &Sentence, group: &Group) -> bool {
    let needs_clause = matches!(&*group.lemma, "learn" | "notice" | "discover");
    let next = sentence.tokens.get(group.range.end);
    !needs_clause || next.is_some_and(|next| next.is_one_of(&["that", "how", "why", ":"]))
}

/// "got married to": the state is the relation.
fn with_adjective(sentence: &Sentence, lemma: &str, object: Range<usize>) -> (String, Range<usize>) {
    let first = sentence.tokens.get(object.start).filter(|_| lemma == "get" && object.len() > 1);
    match first.filter(|first| first.is_one_of(&["married", "engaged", "divorced", "promoted", "diagnosed"]))
    {
        Some(first) => (first.lower.to_string(), object.start + 1..object.end),
        None => (lemma.to_owned(), object),
    }
}

/// The words up to `other`'s end too.
fn join(span: &Range<usize>, other: Option<Range<usize>>) -> Range<usize> {
    other.map_or(span.clone(), |other| span.start.min(other.start)..span.end.max(other.end))
}

fn without_tail(text: &str, span: Range<usize>) -> Range<usize> {
    let words = text.get(span.clone()).unwrap_or("");
    let end = words.trim_end_matches(|c: char| c.is_whitespace() || c == ',').len();
    span.start..span.start + end
}

/// "work at", "sign up for": the prepositions belong to the relation.
fn with_prepositions(sentence: &Sentence, lemma: &str, mut object: Range<usize>) -> (String, Range<usize>) {
    let mut relation = lemma.to_owned();
    while object.len() > 1 && is_particle(sentence, object.start) {
        relation.push('_');
        relation.push_str(&sentence.tokens[object.start].lower);
        object.start += 1;
    }
    (relation, object)
}

fn is_particle(sentence: &Sentence, at: usize) -> bool {
    let token = &sentence.tokens[at];
    sentence.tags[at] == Tag::Preposition && !token.is_one_of(&["like", "than", "despite", "except"])
        || token.is_one_of(&["away", "back", "together"]) && sentence.tags[at] == Tag::Adverb
}

/// "works as a nurse at Charité" says two things.
fn second_place(
    sentence: &Sentence,
    lemma: &str,
    object: Range<usize>,
) -> (Range<usize>, Option<Range<usize>>) {
    if !matches!(lemma, "work" | "study" | "live" | "teach" | "intern") {
        return (object, None);
    }
    let splits =
        |at: &usize| *at > object.start && sentence.tokens[*at].is_one_of(&["at", "for", "as", "in", "with"]);
    match object.clone().find(splits) {
        Some(at) if at + 1 < object.end => (object.start..at, Some(at..object.end)),
        _ => (object, None),
    }
}

fn without_article(sentence: &Sentence, mut object: Range<usize>) -> Range<usize> {
    while object.len() > 1
        && sentence.tokens[object.start].is_one_of(&["a", "an", "the", "my", "our", "some", "this"])
    {
        object.start += 1;
    }
    object
}

/// "it", "that", "a lot": nothing to remember.
fn is_vague(sentence: &Sentence, object: &Range<usize>) -> bool {
    let second = object.clone().nth(1).map(|at| &sentence.tokens[at]);
    if second.is_some_and(|token| token.is_one_of(&["it", "that", "them", "this"])) && object.len() <= 4 {
        return true;
    }
    let token = |at: usize| &sentence.tokens[at];
    if sentence.tokens[object.end - 1].is_one_of(ABSTRACT)
        && !object.clone().any(|at| sentence.tags[at] == Tag::Name)
    {
        return true;
    }
    let is_empty = |at: usize| {
        matches!(
            sentence.tags[at],
            Tag::Pronoun
                | Tag::Possessive
                | Tag::Adverb
                | Tag::Preposition
                | Tag::Mark
                | Tag::Determiner
                | Tag::Interjection
        )
    };
    object.clone().all(is_empty)
        || object.len() == 1
            && token(object.start).is_one_of(&["lot", "lots", "way", "thing", "blast", "time", "fun"])
}

/// What one has or makes without anything coming of it.
const ABSTRACT: &[&str] = &[
    "doubt",
    "time",
    "times",
    "fun",
    "blast",
    "feeling",
    "feelings",
    "moment",
    "moments",
    "idea",
    "difference",
    "sense",
    "clue",
    "attitude",
    "doing",
    "sure",
    "way",
    "ways",
    "luck",
    "words",
    "smile",
    "smiles",
    "memories",
    "joy",
    "look",
    "chance",
    "touch",
    "mind",
    "lot",
    "bit",
];

/// "does not ... any more".
fn says_any_more(sentence: &Sentence, clause: &Clause) -> bool {
    let after = sentence.tokens[clause.group.range.end..].iter().take(24);
    let mut last = "";
    for token in after {
        if token.is("anymore") || (token.is("more") && last == "any") {
            return clause.group.negated;
        }
        last = &token.lower;
    }
    false
}
