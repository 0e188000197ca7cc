//! How a question is understood: its terms, and whom and what it names among what its owners may see.

use std::ops::Range;

use super::names::{Bearer, Mention, is_of_oneself, retold};
use super::state::{NONE, State};
use crate::language::Language;
use crate::question;
use crate::slots::Slots;

/// An entity of this class counts as a person.
const PERSON: &str = "person";

/// A question, understood within one state of the index.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Distinct, in the order of the question.
    pub terms: Vec<String>,
    /// How often each stands in it.
    pub(super) counts: Vec<u32>,
    /// Terms of the names of speakers: what somebody says of themselves holds them by chance.
    pub is_name: Vec<bool>,
    /// The language it was read in (ISO 639-1).
    pub language: Option<String>,
    /// The names found in it.
    pub names: Vec<String>,
    /// The question as a speaker whom it names would ask it of themselves; `None` if it names none.
    pub retold: Option<String>,
    pub(super) speakers: Vec<u32>,
    /// Entities that it names.
    pub(super) nodes: Vec<u32>,
    /// Those of them that are persons.
    pub(super) persons: Vec<u32>,
}

impl Reading {
    /// Understands the question by what is within `reach`; `asker` is the speaker who says "I" in it.
    pub(super) fn of(state: &State, question: &str, asker: Option<&str>, reach: &Slots) -> Self {
        let texts = state.languages.iter().map(|(language, count)| (*language, *count));
        let languages = question::languages(question, texts);
        let analysed = question::analyse(question, &languages);
        let mut reading = Self {
            terms: analysed.terms,
            counts: analysed.counts,
            language: analysed.language,
            ..Self::default()
        };
        let spoken = reading.take_names(state, question, reach);
        reading.mark_names(question, &spoken, &languages);
        let is_english = reading.language.as_deref() == Some("en");
        reading.retold = (!spoken.is_empty()).then(|| retold(question, &spoken, is_english));
        if let Some(asker) = asker.filter(|_| is_of_oneself(question)) {
            let speaker = state.speakers.find(asker).filter(|speaker| is_heard(state, *speaker, reach));
            reading.speakers.extend(speaker);
        }
        reading
    }

    /// Whether it asks of somebody.
    #[must_use]
    pub const fn names_somebody(&self) -> bool {
        !self.speakers.is_empty() || !self.persons.is_empty()
    }

    /// The places of the names that speakers bear.
    fn take_names(&mut self, state: &State, question: &str, reach: &Slots) -> Vec<Range<usize>> {
        let mut spoken = Vec::new();
        for mention in state.names.read(question) {
            let (speakers, entities) =
                (self.take_speakers(state, &mention, reach), self.take_entities(state, &mention, reach));
            if speakers || entities {
                self.names.push(question[mention.place.clone()].to_owned());
            }
            if speakers {
                spoken.push(mention.place);
            }
        }
        spoken
    }

    fn take_speakers(&mut self, state: &State, mention: &Mention<'_>, reach: &Slots) -> bool {
        let before = self.speakers.len();
        let mut is_known = false;
        for (bearer, _) in mention.bearers {
            if let Bearer::Speaker(speaker) = *bearer
                && is_heard(state, speaker, reach)
            {
                is_known = true;
                if !self.speakers[..before].contains(&speaker) {
                    self.speakers.push(speaker);
                }
            }
        }
        is_known
    }

    fn take_entities(&mut self, state: &State, mention: &Mention<'_>, reach: &Slots) -> bool {
        let person = state.classes.find(PERSON).unwrap_or(NONE);
        let mut is_known = false;
        for (bearer, _) in mention.bearers {
            let Bearer::Entity(node) = *bearer else { continue };
            let slot = state.own[node as usize];
            if slot == NONE || !reach.contains(slot) {
                continue;
            }
            is_known = true;
            if !self.nodes.contains(&node) {
                self.nodes.push(node);
                self.persons.extend((state.gates[slot as usize].class == person).then_some(node));
            }
        }
        is_known
    }

    fn mark_names(&mut self, question: &str, spoken: &[Range<usize>], languages: &[Language]) {
        let spoken: Vec<&str> = spoken.iter().map(|place| &question[place.clone()]).collect();
        let names = if spoken.is_empty() {
            Vec::new()
        } else {
            question::analyse(&spoken.join(" "), languages).terms
        };
        self.is_name = self.terms.iter().map(|term| names.contains(term)).collect();
    }
}

/// Whether there is something that the speaker said.
fn is_heard(state: &State, speaker: u32, reach: &Slots) -> bool {
    reach.iter().any(|slot| state.gates[slot as usize].speaker == speaker)
}
