//! What is asked of a memory index: candidates by words, by meaning and by links, and what each part says of them.
//!
//! An episode is measured twice, alone and with its neighbours, for an answer seldom repeats the words of its question.
//!
//! Keeps true: a neighbour that the filter leaves out counts for nothing; statistics of words are those of the slots
//! that the filter lets through.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use ibid_types::Timestamp;
use parking_lot::RwLockReadGuard;

use super::item::{Filter, Key, Kind};
use super::links::walk;
use super::reading::Reading;
use super::scope::{eligible, reachable};
use super::state::{EVER, NONE, Row, State};
use super::vectors::Unit;
use crate::best::{Best, Scored};
use crate::slots::Slots;

/// BM25 as over documents.
const K1: f32 = 1.2;
const B: f32 = 0.75;
/// The window around an episode: so many before it, so many after.
const BEFORE: usize = 2;
const AFTER: usize = 1;
/// What a neighbour's vector counts in its window; the one beyond it, the square.
const NEIGHBOUR_WEIGHT: f32 = 0.5;
/// A longer pause ends what belongs together.
const PAUSE_MAX_MS: i64 = 6 * 3600 * 1000;
/// Windows with a term are counted one by one for terms with at most this share of the slots; the frequency of a
/// commoner one is estimated, for it says little.
const COUNTED_SHARE: usize = 20;

/// The question's vectors.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vectors<'a> {
    /// Of the question as it was asked.
    pub plain: Option<&'a [f32]>,
    /// Of what `Reading::retold` gives; what somebody said is compared with this one.
    pub retold: Option<&'a [f32]>,
}

/// What each part says of a slot.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    pub slot: u32,
    pub bm25: f32,
    /// With its neighbours; `None` for what stands alone.
    pub bm25_around: Option<f32>,
    pub cosine: f32,
    pub cosine_around: Option<f32>,
    /// Said by, or about, somebody whom the question names.
    pub is_of_named: bool,
    /// How near it is by links to the entities that the question names, 0 to 1.
    pub linked: f32,
    /// Which of the reading's first 64 terms it holds, by bit.
    pub terms: u64,
    /// Which it holds with its neighbours.
    pub terms_around: u64,
}

/// How often the reading's terms occur in what the filter lets through.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    mean: f32,
    mean_around: f32,
    idf: Vec<f32>,
    idf_around: Vec<f32>,
}

impl Statistics {
    /// How much each term tells apart.
    #[must_use]
    pub fn idf(&self) -> &[f32] {
        &self.idf
    }
}

/// The index at one moment.
#[derive(Debug)]
pub struct Snapshot<'a> {
    state: RwLockReadGuard<'a, State>,
}

impl<'a> Snapshot<'a> {
    pub(super) const fn new(state: RwLockReadGuard<'a, State>) -> Self {
        Self { state }
    }

    /// Items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state.slots.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.state.slots.is_empty()
    }

    /// Length of its vectors.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.state.vectors.dimensions()
    }

    /// Bytes of vectors and postings, which most of it is.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.state.vectors.bytes() + self.state.words.bytes()
    }

    /// Which item the slot holds.
    #[must_use]
    pub fn key(&self, slot: u32) -> Option<Key> {
        self.state.row(slot).map(|row| row.key)
    }

    /// The slot of an item.
    #[must_use]
    pub fn slot(&self, key: Key) -> Option<u32> {
        self.state.slots.get(&key).copied()
    }

    /// When it was said.
    #[must_use]
    pub fn at(&self, slot: u32) -> Option<Timestamp> {
        self.state.row(slot).filter(|row| row.at != EVER).map(|row| Timestamp(row.at))
    }

    /// 0 to 1, as its row says.
    #[must_use]
    pub fn importance(&self, slot: u32) -> f32 {
        self.state.row(slot).map_or(0.0, |row| row.importance)
    }

    /// The slots that pass the filter.
    #[must_use]
    pub fn eligible(&self, filter: &Filter) -> Slots {
        eligible(&self.state, filter)
    }

    /// What the filter's owners may see, whatever else it asks for: what a question is understood by.
    #[must_use]
    pub fn reachable(&self, filter: &Filter) -> Slots {
        reachable(&self.state, filter)
    }

    /// Understands the question by what is within reach. `asker` is the speaker who says "I" in it.
    #[must_use]
    pub fn read(&self, question: &str, asker: Option<&str>, reach: &Slots) -> Reading {
        Reading::of(&self.state, question, asker, reach)
    }

    /// How often the terms occur within.
    #[must_use]
    pub fn statistics(&self, reading: &Reading, within: &Slots) -> Statistics {
        let length = |slot: u32| u64::from(self.state.lengths[slot as usize]);
        let total: u64 = within.iter().map(length).sum();
        let around: u64 = if self.state.has_series() {
            within.iter().map(|slot| u64::from(self.length_around(slot, within))).sum()
        } else {
            total
        };
        let count = within.count().max(1) as f32;
        let frequencies: Vec<(f32, f32)> =
            reading.terms.iter().map(|term| self.frequencies(term, within)).collect();
        let idf = |frequency: f32| (1.0 + (count - frequency + 0.5).max(0.0) / (frequency + 0.5)).ln();
        Statistics {
            mean: (total as f32 / count).max(1.0),
            mean_around: (around as f32 / count).max(1.0),
            idf: frequencies.iter().map(|(alone, _)| idf(*alone)).collect(),
            idf_around: frequencies.iter().map(|(_, around)| idf(*around)).collect(),
        }
    }

    /// The best by BM25, best first; only slots with a term of the question.
    #[must_use]
    pub fn lexical(
        &self,
        reading: &Reading,
        statistics: &Statistics,
        within: &Slots,
        limit: usize,
    ) -> Vec<Scored> {
        let mut scores = vec![0.0_f32; self.state.gates.len()];
        for (number, term) in reading.terms.iter().enumerate() {
            let weight = statistics.idf[number] * reading.counts[number] as f32;
            for (slot, count) in self.state.words.list(term) {
                if within.contains(slot) && self.counts(reading, number, slot) {
                    let length = self.state.lengths[slot as usize];
                    scores[slot as usize] += weight * saturated(count, length, statistics.mean);
                }
            }
        }
        let mut best = Best::new(limit);
        for (slot, score) in scores.iter().enumerate().filter(|(_, score)| **score > 0.0) {
            best.push(slot as u32, *score);
        }
        best.into_sorted()
    }

    /// The nearest by cosine, best first. What somebody said is compared with the retold question.
    #[must_use]
    pub fn dense(&self, vectors: Vectors<'_>, within: &Slots, limit: usize) -> Vec<Scored> {
        let units = Units::of(&self.state, vectors);
        let search = |unit: &Option<Unit>, within: &Slots| {
            unit.as_ref().map_or_else(Vec::new, |unit| self.state.vectors.search(unit, within, limit))
        };
        if vectors.retold.is_none() {
            return search(&units.plain, within);
        }
        let said = within.filtered(|slot| self.is_said(slot));
        let other = within.filtered(|slot| !self.is_said(slot));
        let mut best = Best::new(limit);
        let found = search(&units.retold, &said);
        for scored in found.into_iter().chain(search(&units.plain, &other)) {
            best.push(scored.slot, scored.score);
        }
        best.into_sorted()
    }

    /// The nearest by links to what the question names, best first, 1 for the very nearest. The way there may lead over
    /// all within reach.
    #[must_use]
    pub fn linked(&self, reading: &Reading, reach: &Slots, within: &Slots, limit: usize) -> Vec<Scored> {
        let mut best = Best::new(limit);
        for (slot, mass) in walk(&self.state, &reading.nodes, reach) {
            if within.contains(slot) {
                best.push(slot, mass);
            }
        }
        best.into_sorted()
    }

    /// The slot's neighbours within: those of its window, without itself.
    pub fn neighbours(&self, slot: u32, within: &Slots) -> impl Iterator<Item = u32> {
        self.window(slot, within).into_iter().filter(|slot| *slot != NONE)
    }

    /// The slots within whose windows the slot is in, without itself.
    pub fn around(&self, slot: u32, within: &Slots) -> impl Iterator<Item = u32> {
        let [before, after] = self.beside(slot, within);
        [before, after, self.next(after, 1, within)].into_iter().filter(|slot| *slot != NONE)
    }

    /// What words and vectors say of the slots, which ascend.
    #[must_use]
    pub fn measure(
        &self,
        reading: &Reading,
        statistics: &Statistics,
        vectors: Vectors<'_>,
        slots: &[u32],
        within: &Slots,
    ) -> Vec<Measured> {
        let counts = Counts::of(self, reading, slots, within);
        let units = Units::of(&self.state, vectors);
        let mut cosines = HashMap::default();
        slots
            .iter()
            .map(|&slot| {
                let window = self.window(slot, within);
                let mut measured =
                    Measured { slot, is_of_named: self.is_of_named(reading, slot), ..Measured::default() };
                self.measure_words(&mut measured, reading, statistics, &counts, &window);
                self.measure_meaning(&mut measured, &units, &window, &mut cosines);
                measured
            })
            .collect()
    }

    fn measure_words(
        &self,
        measured: &mut Measured,
        reading: &Reading,
        statistics: &Statistics,
        counts: &Counts,
        window: &[u32; BEFORE + AFTER],
    ) {
        let slot = measured.slot;
        let is_alone = window.iter().all(|other| *other == NONE);
        let length = self.state.lengths[slot as usize];
        let neighbours: u32 = window
            .iter()
            .filter(|other| **other != NONE)
            .map(|other| self.state.lengths[*other as usize])
            .sum();
        let mut around = 0.0;
        for number in 0..reading.terms.len() {
            let own = counts.get(slot, number);
            let all = own + window.iter().map(|other| counts.get(*other, number)).sum::<u32>();
            let times = reading.counts[number] as f32;
            let bit = if number < 64 { 1_u64 << number } else { 0 };
            if own > 0 {
                measured.bm25 += times * statistics.idf[number] * saturated(own, length, statistics.mean);
                measured.terms |= bit;
            }
            if all > 0 {
                let saturated = saturated(all, length + neighbours, statistics.mean_around);
                around += times * statistics.idf_around[number] * saturated;
                measured.terms_around |= bit;
            }
        }
        measured.bm25_around = (!is_alone).then_some(around);
    }

    fn measure_meaning(
        &self,
        measured: &mut Measured,
        units: &Units,
        window: &[u32; BEFORE + AFTER],
        lengths: &mut HashMap<u32, f32, RandomState>,
    ) {
        let slot = measured.slot;
        let unit = if self.is_said(slot) {
            units.retold.as_ref().or(units.plain.as_ref())
        } else {
            units.plain.as_ref()
        };
        let Some(unit) = unit else { return };
        let mut cosine =
            |slot: u32| *lengths.entry(slot).or_insert_with(|| self.state.vectors.score(unit, slot));
        measured.cosine = cosine(slot);
        if window.iter().all(|other| *other == NONE) {
            return;
        }
        let mut sum = vec![0.0; unit.floats.len()];
        self.state.vectors.add_to(&mut sum, slot, 1.0);
        let mut product = measured.cosine;
        for (other, weight) in window.iter().zip(WINDOW_WEIGHTS).filter(|(other, _)| **other != NONE) {
            self.state.vectors.add_to(&mut sum, *other, weight);
            product += weight * cosine(*other);
        }
        let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
        measured.cosine_around = Some(if length > 0.0 { product / length } else { 0.0 });
    }

    /// Whether the term counts in the slot: names of speakers do not in what somebody said.
    fn counts(&self, reading: &Reading, number: usize, slot: u32) -> bool {
        !reading.is_name[number] || !self.is_said(slot)
    }

    fn is_said(&self, slot: u32) -> bool {
        self.state.gates[slot as usize].speaker != NONE
    }

    /// Said by somebody whom the question names, about such a person, or that person.
    fn is_of_named(&self, reading: &Reading, slot: u32) -> bool {
        let gate = &self.state.gates[slot as usize];
        if gate.speaker != NONE {
            return reading.speakers.contains(&gate.speaker);
        }
        let names = |row: &Row| {
            reading.persons.iter().any(|person| row.node == *person || row.nodes.contains(person))
        };
        gate.kind != Kind::Episode && !reading.persons.is_empty() && self.state.row(slot).is_some_and(names)
    }

    /// Slots with the term, and windows with it.
    fn frequencies(&self, term: &str, within: &Slots) -> (f32, f32) {
        let slots: Vec<u32> =
            self.state.words.list(term).map(|(slot, _)| slot).filter(|slot| within.contains(*slot)).collect();
        let (count, alone) = (within.count().max(1) as f32, slots.len() as f32);
        if slots.len() * COUNTED_SHARE > within.count() {
            // As if occurrences were spread evenly.
            let share = 1.0 - (1.0 - alone / count).powi((BEFORE + 1 + AFTER) as i32);
            return (alone, count * share);
        }
        let mut windows: Vec<u32> = Vec::with_capacity(slots.len() * 2);
        for &slot in &slots {
            windows.push(slot);
            windows.extend(self.around(slot, within));
        }
        windows.sort_unstable();
        windows.dedup();
        (alone, windows.len() as f32)
    }

    /// The window's neighbours, `NONE` where there is none: nearest before, the one before that, nearest after.
    fn window(&self, slot: u32, within: &Slots) -> [u32; BEFORE + AFTER] {
        let [before, after] = self.beside(slot, within);
        [before, self.next(before, 0, within), after]
    }

    fn length_around(&self, slot: u32, within: &Slots) -> u32 {
        let own = self.state.lengths[slot as usize];
        if self.state.beside[slot as usize] == [NONE; 2] {
            return own;
        }
        own + self.neighbours(slot, within).map(|other| self.state.lengths[other as usize]).sum::<u32>()
    }

    fn beside(&self, slot: u32, within: &Slots) -> [u32; 2] {
        [self.next(slot, 0, within), self.next(slot, 1, within)]
    }

    /// The slot before (0) or after (1) in the series, if it passes and no long pause lies between.
    fn next(&self, slot: u32, side: usize, within: &Slots) -> u32 {
        if slot == NONE {
            return NONE;
        }
        let other = self.state.beside[slot as usize][side];
        let is_near = other != NONE && within.contains(other) && self.pause(slot, other) <= PAUSE_MAX_MS;
        if is_near { other } else { NONE }
    }

    fn pause(&self, slot: u32, other: u32) -> i64 {
        let at = |slot| self.state.row(slot).map_or(EVER, |row| row.at);
        at(slot).saturating_sub(at(other)).saturating_abs()
    }
}

/// What each of a window's neighbours counts, in the order of `Snapshot::window`.
const WINDOW_WEIGHTS: [f32; BEFORE + AFTER] =
    [NEIGHBOUR_WEIGHT, NEIGHBOUR_WEIGHT * NEIGHBOUR_WEIGHT, NEIGHBOUR_WEIGHT];

/// The question's vectors at length 1.
struct Units {
    plain: Option<Unit>,
    retold: Option<Unit>,
}

impl Units {
    fn of(state: &State, vectors: Vectors<'_>) -> Self {
        let unit = |vector: Option<&[f32]>| vector.and_then(|vector| state.vectors.unit(vector));
        Self { plain: unit(vectors.plain), retold: unit(vectors.retold) }
    }
}

/// How often each term occurs in some slots and their neighbours.
struct Counts {
    places: HashMap<u32, usize, RandomState>,
    terms: usize,
    counts: Vec<u8>,
}

impl Counts {
    fn of(snapshot: &Snapshot<'_>, reading: &Reading, slots: &[u32], within: &Slots) -> Self {
        let mut all: Vec<u32> = slots.to_vec();
        all.extend(slots.iter().flat_map(|slot| snapshot.neighbours(*slot, within)));
        all.sort_unstable();
        all.dedup();
        let among = Slots::from_slots(&all);
        let places: HashMap<u32, usize, RandomState> =
            all.iter().enumerate().map(|(place, slot)| (*slot, place)).collect();
        let terms = reading.terms.len();
        let mut counts = vec![0; all.len() * terms];
        for (number, term) in reading.terms.iter().enumerate() {
            for (slot, count) in snapshot.state.words.list(term) {
                if among.contains(slot) && snapshot.counts(reading, number, slot) {
                    counts[places[&slot] * terms + number] = count as u8;
                }
            }
        }
        Self { places, terms, counts }
    }

    fn get(&self, slot: u32, number: usize) -> u32 {
        self.places.get(&slot).map_or(0, |place| u32::from(self.counts[place * self.terms + number]))
    }
}

fn saturated(count: u32, length: u32, mean: f32) -> f32 {
    let count = count as f32;
    count * (K1 + 1.0) / (count + K1 * (1.0 - B + B * length as f32 / mean))
}
