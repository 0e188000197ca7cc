//! What a memory index holds: items by slot, and the lists that lead to them.
//!
//! Keeps true: taking an item out takes out its words, its vector, its names and its links; what nothing else uses of
//! them is gone. A slot that became free is given out again.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use foldhash::fast::RandomState;
use ibid_types::{Day, Timestamp};

use super::interner::Interner;
use super::item::{Item, Key, Kind, Period};
use super::names::{Bearer, Names};
use super::vectors::Vectors;
use super::words::Words;
use crate::analysis::Analyser;
use crate::language::Language;

/// No slot, no number.
pub(super) const NONE: u32 = u32::MAX;
/// Where a period has no beginning, or nothing says when something was.
pub(super) const EVER: i64 = i64::MIN;
/// Where a period has no end.
pub(super) const NEVER: i64 = i64::MAX;

/// What most filters ask of a slot, small enough to look at all of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gate {
    pub(super) owner: u32,
    pub(super) class: u32,
    pub(super) kind: Kind,
    pub(super) is_live: bool,
    pub(super) is_archived: bool,
    /// Nobody believes it any more.
    pub(super) is_retracted: bool,
    /// Who said it.
    pub(super) speaker: u32,
}

/// The rest of an item.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) key: Key,
    pub(super) at: i64,
    pub(super) valid: [i64; 2],
    pub(super) believed: [i64; 2],
    pub(super) importance: f32,
    /// Number of the series, and ordinal.
    pub(super) place: Option<(u32, u32)>,
    /// The entity that it is.
    pub(super) node: u32,
    /// The entities that it names.
    pub(super) nodes: Box<[u32]>,
    terms: Box<[u32]>,
    names: Box<[Box<str>]>,
    language: Language,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) gates: Vec<Gate>,
    pub(super) rows: Vec<Option<Box<Row>>>,
    /// Terms of each slot.
    pub(super) lengths: Vec<u32>,
    /// The slots before and after in the series.
    pub(super) beside: Vec<[u32; 2]>,
    pub(super) slots: HashMap<Key, u32, RandomState>,
    free: Vec<u32>,
    places: BTreeMap<(u32, u32), u32>,
    pub(super) words: Words,
    pub(super) vectors: Vectors,
    pub(super) names: Names,
    pub(super) owners: Interner<Arc<str>>,
    pub(super) classes: Interner<Arc<str>>,
    pub(super) speakers: Interner<Arc<str>>,
    series: Interner<[u8; 16]>,
    pub(super) entities: Interner<[u8; 16]>,
    /// By entity: the slots that name it, ascending.
    pub(super) members: Vec<Vec<u32>>,
    /// By entity: the slot of the entity itself.
    pub(super) own: Vec<u32>,
    pub(super) languages: HashMap<Language, u64, RandomState>,
}

impl State {
    pub(super) fn new(dimensions: usize) -> Self {
        Self {
            gates: Vec::new(),
            rows: Vec::new(),
            lengths: Vec::new(),
            beside: Vec::new(),
            slots: HashMap::default(),
            free: Vec::new(),
            places: BTreeMap::new(),
            words: Words::default(),
            vectors: Vectors::new(dimensions),
            names: Names::default(),
            owners: Interner::default(),
            classes: Interner::default(),
            speakers: Interner::default(),
            series: Interner::default(),
            entities: Interner::default(),
            members: Vec::new(),
            own: Vec::new(),
            languages: HashMap::default(),
        }
    }

    pub(super) fn row(&self, slot: u32) -> Option<&Row> {
        self.rows.get(slot as usize)?.as_deref()
    }

    /// Whether some item has neighbours.
    pub(super) fn has_series(&self) -> bool {
        !self.places.is_empty()
    }

    /// Takes the item in; `analysers` are kept over a batch.
    pub(super) fn put(&mut self, item: &Item, analysers: &mut Analysers) {
        self.remove(item.key);
        let slot = self.slot();
        let language = language_of(item);
        let terms = analysers.of(language).terms(&searchable(item));
        let row = Row {
            key: item.key,
            at: item.at.map_or(EVER, |at| at.0),
            valid: bounds(item.valid),
            believed: bounds(item.believed),
            importance: item.importance,
            place: item.place.map(|place| (self.series.hold(&place.series, || place.series), place.ordinal)),
            node: self.hold_own(slot, item),
            nodes: self.hold_entities(slot, &item.entities),
            terms: self.words.add(slot, &terms),
            names: item.names.iter().map(|name| name.as_str().into()).collect(),
            language,
        };
        self.gates[slot as usize] = Gate {
            owner: self.owners.hold(item.owner.as_str(), || item.owner.as_str().into()),
            class: self.classes.hold(item.class.as_str(), || item.class.as_str().into()),
            kind: item.key.kind,
            is_live: true,
            is_archived: item.archived,
            is_retracted: item.believed.to.is_some(),
            speaker: self.hold_speaker(item.speaker.as_deref()),
        };
        self.lengths[slot as usize] = terms.len() as u32;
        self.vectors.set(slot, item.vector.as_deref());
        self.slots.insert(item.key, slot);
        *self.languages.entry(language).or_default() += 1;
        self.rows[slot as usize] = Some(Box::new(row));
        self.join(slot);
    }

    /// Whether it was there.
    pub(super) fn remove(&mut self, key: Key) -> bool {
        let Some(slot) = self.slots.remove(&key) else { return false };
        let Some(row) = self.rows[slot as usize].take() else { return false };
        let gate = self.gates[slot as usize];
        self.gates[slot as usize].is_live = false;
        self.owners.release(gate.owner);
        self.classes.release(gate.class);
        self.release_speaker(gate.speaker);
        self.part(slot, row.place);
        self.words.remove(slot, &row.terms);
        self.vectors.set(slot, None);
        self.release_names(slot, &row);
        self.count_out(row.language);
        self.lengths[slot as usize] = 0;
        self.free.push(slot);
        true
    }

    fn slot(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            let nothing = Gate {
                owner: NONE,
                class: NONE,
                kind: Kind::Entity,
                is_live: false,
                is_archived: false,
                is_retracted: false,
                speaker: NONE,
            };
            self.gates.push(nothing);
            self.rows.push(None);
            self.lengths.push(0);
            self.beside.push([NONE; 2]);
            (self.rows.len() - 1) as u32
        })
    }

    fn hold_speaker(&mut self, speaker: Option<&str>) -> u32 {
        let Some(speaker) = speaker.filter(|speaker| !speaker.trim().is_empty()) else { return NONE };
        let is_new = self.speakers.find(speaker).is_none();
        let number = self.speakers.hold(speaker, || speaker.into());
        if is_new {
            for name in names_of_speaker(speaker) {
                self.names.add(name, Bearer::Speaker(number));
            }
        }
        number
    }

    fn hold_own(&mut self, slot: u32, item: &Item) -> u32 {
        if item.key.kind != Kind::Entity {
            return NONE;
        }
        let node = self.hold_node(&item.key.id);
        self.own[node as usize] = slot;
        for name in &item.names {
            self.names.add(name, Bearer::Entity(node));
        }
        node
    }

    fn hold_entities(&mut self, slot: u32, ids: &[[u8; 16]]) -> Box<[u32]> {
        let mut nodes: Vec<u32> = Vec::with_capacity(ids.len());
        for id in ids {
            if self.entities.find(id).is_some_and(|node| nodes.contains(&node)) {
                continue;
            }
            let node = self.hold_node(id);
            let members = &mut self.members[node as usize];
            members.insert(members.partition_point(|other| *other < slot), slot);
            nodes.push(node);
        }
        nodes.into()
    }

    fn hold_node(&mut self, id: &[u8; 16]) -> u32 {
        let node = self.entities.hold(id, || *id);
        if self.members.len() <= node as usize {
            self.members.push(Vec::new());
            self.own.push(NONE);
        }
        node
    }

    fn release_speaker(&mut self, number: u32) {
        let Some(speaker) = self.speakers.key(number).cloned() else { return };
        if self.speakers.release(number) {
            for name in names_of_speaker(&speaker) {
                self.names.remove(name, Bearer::Speaker(number));
            }
        }
    }

    fn release_names(&mut self, slot: u32, row: &Row) {
        for node in &row.nodes {
            self.members[*node as usize].retain(|other| *other != slot);
            self.entities.release(*node);
        }
        if row.node != NONE {
            for name in &row.names {
                self.names.remove(name, Bearer::Entity(row.node));
            }
            self.own[row.node as usize] = NONE;
            self.entities.release(row.node);
        }
    }

    fn count_out(&mut self, language: Language) {
        if let Some(count) = self.languages.get_mut(&language) {
            *count -= 1;
        }
        self.languages.retain(|_, count| *count > 0);
    }

    /// Puts the slot between its neighbours in the series.
    fn join(&mut self, slot: u32) {
        let Some((series, ordinal)) = self.row(slot).and_then(|row| row.place) else { return };
        // A place that is taken stays with whom it has; the other stands alone.
        if self.places.contains_key(&(series, ordinal)) {
            return;
        }
        let before =
            self.places.range((series, 0)..(series, ordinal)).next_back().map_or(NONE, |(_, slot)| *slot);
        let after = self.places.range((series, ordinal.saturating_add(1))..=(series, NONE)).next();
        let after = after.map_or(NONE, |(_, slot)| *slot);
        self.places.insert((series, ordinal), slot);
        self.link(before, slot);
        self.link(slot, after);
    }

    /// Takes the slot out from between its neighbours.
    fn part(&mut self, slot: u32, place: Option<(u32, u32)>) {
        let Some(place) = place else { return };
        if self.places.get(&place) == Some(&slot) {
            self.places.remove(&place);
        }
        let [before, after] = std::mem::replace(&mut self.beside[slot as usize], [NONE; 2]);
        if before != NONE {
            self.beside[before as usize][1] = after;
        }
        if after != NONE {
            self.beside[after as usize][0] = before;
        }
        self.series.release(place.0);
    }

    fn link(&mut self, before: u32, after: u32) {
        if before != NONE {
            self.beside[before as usize][1] = after;
        }
        if after != NONE {
            self.beside[after as usize][0] = before;
        }
    }
}

/// One analyser a language, held over a batch only: it remembers words.
#[derive(Debug, Default)]
pub(super) struct Analysers(Vec<(Language, Analyser)>);

impl Analysers {
    fn of(&mut self, language: Language) -> &mut Analyser {
        let known = self.0.iter().position(|(of, _)| *of == language);
        let at = known.unwrap_or_else(|| {
            self.0.push((language, Analyser::new(language)));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }
}

/// The text with the words of its date: a question may give the day.
fn searchable(item: &Item) -> String {
    let names = item.names.join(" ");
    let date = item.at.map(date_in_words).unwrap_or_default();
    format!("{}\n{names}\n{date}", item.text)
}

/// `8 May 2023`. Months are in English; day and year are the same in every language.
fn date_in_words(at: Timestamp) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let date = Day::of(at).to_string();
    let parts: Vec<usize> = date.split('-').filter_map(|part| part.parse().ok()).collect();
    match parts.as_slice() {
        [year, month, day] => format!("{day} {} {year}", MONTHS[(month - 1).min(MONTHS.len() - 1)]),
        _ => String::new(),
    }
}

fn language_of(item: &Item) -> Language {
    let given = item.language.as_deref().and_then(Language::from_code);
    given.or_else(|| Language::detect(&item.text)).unwrap_or(Language::FALLBACK)
}

/// Somebody is called by the whole name, and by its first word.
fn names_of_speaker(speaker: &str) -> impl Iterator<Item = &str> {
    let whole = speaker.trim();
    let first = whole.split_whitespace().next().filter(|first| *first != whole);
    [Some(whole), first].into_iter().flatten()
}

fn bounds(period: Period) -> [i64; 2] {
    [period.from.map_or(EVER, |from| from.0), period.to.map_or(NEVER, |to| to.0)]
}
