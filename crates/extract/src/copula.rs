//! "X is ...": kinds, names, places, ages, attributes, states.

use std::ops::Range;

use crate::clause::{Clause, Sentence};
use crate::found::Subject;
use crate::lexicon::Flags;
use crate::relation;
use crate::scene::Actor;
use crate::statements::Teller;
use crate::tag::Tag;

impl Teller<'_, '_> {
    pub(crate) fn copula(&mut self, sentence: &Sentence, clause: &Clause, actor: &Actor) {
        let object = clause.object.clone();
        if object.is_empty() {
            return;
        }
        if self.has_attribute(sentence, clause, actor, &object) {
            return;
        }
        let at = object.start;
        let age = years_old(sentence, &object);
        match sentence.tags[at] {
            _ if age => self.keep(sentence, clause, actor, "age", at..at + 1),
            Tag::Date => self.keep(sentence, clause, actor, "date", object),
            Tag::Preposition => self.placed(sentence, clause, actor, object),
            Tag::Adjective | Tag::Verb => self.described(sentence, clause, actor, object),
            Tag::Noun | Tag::Name | Tag::Determiner | Tag::Possessive | Tag::Number => {
                self.identified(sentence, clause, actor, object);
            }
            _ => {}
        }
    }

    fn keep(
        &mut self,
        sentence: &Sentence,
        clause: &Clause,
        actor: &Actor,
        relation: &str,
        object: Range<usize>,
    ) {
        let draft = self.draft(sentence, clause, actor, relation.to_owned(), object);
        self.push(sentence, draft);
    }

    /// "is in Paris", "is from Rome", "is into jazz".
    fn placed(&mut self, sentence: &Sentence, clause: &Clause, actor: &Actor, object: Range<usize>) {
        let preposition = &*sentence.tokens[object.start].lower;
        let relation = match preposition {
            "into" | "like" => preposition.to_owned(),
            _ => format!("be_{preposition}"),
        };
        if preposition == "like" || object.len() < 2 {
            return;
        }
        self.keep(sentence, clause, actor, &relation, object.start + 1..object.end);
    }

    /// "is allergic to nuts", "is married", "is slow".
    fn described(&mut self, sentence: &Sentence, clause: &Clause, actor: &Actor, object: Range<usize>) {
        let adjective = &sentence.tokens[object.start];
        if adjective.is_one_of(PRAISE) {
            return;
        }
        let preposition = object.clone().find(|at| sentence.tags[*at] == Tag::Preposition);
        if let Some(at) = preposition.filter(|at| at + 1 < object.end && *at <= object.start + 1) {
            let relation = format!("{}_{}", adjective.lower, sentence.tokens[at].lower);
            let is_solid = relation::rule(&relation).is_known || !actor.subject.is_speaker;
            if is_solid && at == object.start + 1 {
                self.keep(sentence, clause, actor, &relation, at + 1..object.end);
            }
            return;
        }
        let is_phrase =
            |at: usize| matches!(sentence.tags[at], Tag::Noun | Tag::Name | Tag::Adjective | Tag::Number);
        let ends_with_noun = object.len() > 1
            && sentence.tags[object.end - 1] != Tag::Adjective
            && object.clone().all(is_phrase);
        if ends_with_noun {
            return self.identified(sentence, clause, actor, object);
        }
        let is_lasting = adjective.is_one_of(LASTING);
        if is_lasting || (!actor.is_person && actor.confidence >= 0.8 && !adjective.is_one_of(PRAISE)) {
            self.keep(sentence, clause, actor, "be", object.start..object.end);
        }
    }

    /// "my sister is Anna", "my favourite colour is blue".
    fn has_attribute(
        &mut self,
        sentence: &Sentence,
        clause: &Clause,
        actor: &Actor,
        object: &Range<usize>,
    ) -> bool {
        let Some((owner, attribute)) = self.attribute(sentence, actor, object) else { return false };
        let owner = Actor { subject: owner, ..actor.clone() };
        let draft = self.draft(sentence, clause, &owner, attribute.clone(), object.clone());
        let before = self.found.len();
        self.push(sentence, draft);
        self.make_single(before, &attribute);
        true
    }

    /// "is a nurse", "is the owner".
    fn identified(&mut self, sentence: &Sentence, clause: &Clause, actor: &Actor, object: Range<usize>) {
        if let Some(of) = part_of(sentence, &object) {
            return self.keep(sentence, clause, actor, "part_of", of);
        }
        let head = &sentence.tokens[object.end - 1];
        if !object.clone().any(|at| matches!(sentence.tags[at], Tag::Noun | Tag::Name | Tag::Number)) {
            return;
        }
        let is_praise =
            object.clone().any(|at| sentence.tokens[at].is_one_of(PRAISE)) || head.is_one_of(PRAISE);
        if is_praise && !sentence.tags[object.clone()].contains(&Tag::Name) {
            return;
        }
        let is_kind = sentence.tokens[object.start].is_one_of(&["a", "an", "one"]);
        let object =
            if is_kind && actor.is_person { self.job(sentence, clause, actor, object) } else { object };
        self.keep(sentence, clause, actor, if is_kind { "is_a" } else { "be" }, object);
    }

    /// "a nurse at Globex" also works there; the kind without the place.
    fn job(
        &mut self,
        sentence: &Sentence,
        clause: &Clause,
        actor: &Actor,
        object: Range<usize>,
    ) -> Range<usize> {
        let is_at = |at: &usize| *at > object.start && sentence.tokens[*at].is_one_of(&["at", "for"]);
        let Some(at) = object.clone().find(is_at).filter(|at| sentence.tags.get(at + 1) == Some(&Tag::Name))
        else {
            return object;
        };
        self.keep(sentence, clause, actor, "work_at", at + 1..object.end);
        object.start..at
    }

    /// An attribute has one value at a time.
    fn make_single(&mut self, before: usize, attribute: &str) {
        for statement in &mut self.found[before..] {
            statement.single_valued = !statement.negated && !attribute.starts_with("friend");
            statement.importance = statement.importance.max(0.65);
            statement.confidence = statement.confidence.max(0.7);
            if attribute.starts_with("favo") {
                statement.kind = crate::found::MemoryKind::Preference;
            }
        }
    }

    /// Whose, and which: "my favourite colour", "Anna's job", "my sister" where a name follows.
    fn attribute(
        &self,
        sentence: &Sentence,
        actor: &Actor,
        object: &Range<usize>,
    ) -> Option<(Subject, String)> {
        let owned = actor.owned.clone()?;
        let head = &sentence.tokens[owned.end - 1];
        let is_favourite = sentence.tokens[owned.start].is_one_of(&["favourite", "favorite", "fav"]);
        let object_is_name = object.clone().all(|at| sentence.tags[at] == Tag::Name);
        let is_kin = head.may_be(Flags::PERSON_NOUN) && object_is_name;
        if !is_favourite && !is_kin && !relation::is_attribute(&head.lower) {
            return None;
        }
        let owner = self.scene.owner(actor, sentence)?;
        let attribute = snake(&self.scene.words(sentence, owned));
        Some((owner, if attribute == "name" { "named".to_owned() } else { attribute }))
    }
}

fn snake(words: &str) -> String {
    let kept: String = words.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    kept.to_lowercase().split('_').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_")
}

/// "30 years old", "12".
fn years_old(sentence: &Sentence, object: &Range<usize>) -> bool {
    let is_number = sentence.tags[object.start] == Tag::Number;
    let tail = &sentence.tokens[object.clone()];
    is_number && tail.iter().any(|token| token.is("old"))
}

/// What follows "part of", "a component of".
fn part_of(sentence: &Sentence, object: &Range<usize>) -> Option<Range<usize>> {
    let of = object.clone().find(|at| sentence.tokens[*at].is("of"))?;
    let noun = of.checked_sub(1).map(|at| &sentence.tokens[at])?;
    let is_part = noun.is_one_of(&[
        "part",
        "component",
        "module",
        "member",
        "subset",
        "branch",
        "subsidiary",
        "section",
    ]);
    (is_part && of + 1 < object.end).then_some(of + 1..object.end)
}

/// States that are worth knowing of a person.
const LASTING: &[&str] = &[
    "married",
    "single",
    "divorced",
    "engaged",
    "pregnant",
    "vegan",
    "vegetarian",
    "retired",
    "transgender",
    "gay",
    "lesbian",
    "deaf",
    "blind",
    "diabetic",
    "unemployed",
    "homeless",
    "deprecated",
    "obsolete",
    "broken",
    "american",
    "german",
    "french",
    "spanish",
    "italian",
    "british",
    "swedish",
    "polish",
    "irish",
    "mexican",
    "canadian",
    "allergic",
    "widowed",
    "bilingual",
    "left-handed",
    "gluten-free",
    "lactose-intolerant",
    "muslim",
    "jewish",
    "christian",
];

/// Words that praise or complain and tell nothing.
const PRAISE: &[&str] = &[
    "awesome",
    "amazing",
    "great",
    "good",
    "nice",
    "cool",
    "fun",
    "wonderful",
    "fantastic",
    "incredible",
    "beautiful",
    "lovely",
    "perfect",
    "important",
    "interesting",
    "inspiring",
    "sweet",
    "cute",
    "gorgeous",
    "stunning",
    "fabulous",
    "epic",
    "rewarding",
    "tough",
    "hard",
    "crazy",
    "wild",
    "special",
    "true",
    "sure",
    "right",
    "powerful",
    "meaningful",
    "blast",
    "rock",
    "rocks",
    "pleasure",
    "honor",
    "honour",
    "priceless",
    "key",
    "everything",
    "best",
    "lifesaver",
    "dream",
    "shame",
    "bummer",
    "gift",
    "blessing",
    "challenge",
    "journey",
    "experience",
    "moment",
    "reminder",
    "feeling",
    "way",
    "thing",
    "idea",
    "treat",
    "must",
    "deal",
    "ride",
    "step",
    "bit",
    "joy",
    "ones",
    "one",
    "awful",
    "terrible",
    "sad",
    "adorable",
    "yummy",
    "delicious",
    "tasty",
];
