//! Which slots a filter lets through.
//!
//! Keeps true: without an owner nothing passes; an owner, class, speaker or entity that the index does not know passes
//! nothing.

use super::item::{Filter, Kind};
use super::state::{EVER, Gate, NEVER, NONE, Row, State};
use crate::slots::Slots;

/// A filter in the numbers of one state.
#[derive(Debug)]
struct Scope<'a> {
    filter: &'a Filter,
    owners: Vec<u32>,
    classes: Vec<u32>,
    /// `None` where every speaker passes.
    speaker: Option<u32>,
    node: Option<u32>,
}

/// The slots that pass, in one walk over all.
pub(super) fn eligible(state: &State, filter: &Filter) -> Slots {
    let scope = Scope::new(state, filter);
    let mut words = vec![0_u64; state.gates.len().div_ceil(64)];
    for (slot, gate) in state.gates.iter().enumerate() {
        if scope.admits(state, gate, slot) {
            words[slot / 64] |= 1 << (slot % 64);
        }
    }
    Slots::from_words(words)
}

/// What a filter's owners may see at all, whatever else it asks for: what a question may be understood by.
pub(super) fn reachable(state: &State, filter: &Filter) -> Slots {
    eligible(state, &filter.reach())
}

impl<'a> Scope<'a> {
    fn new(state: &State, filter: &'a Filter) -> Self {
        let owners = filter.owners.iter().filter_map(|owner| state.owners.find(owner.as_str()));
        let classes = filter.classes.iter().filter_map(|class| state.classes.find(class.as_str()));
        let speaker = filter.speaker.as_deref();
        Self {
            filter,
            owners: owners.collect(),
            classes: classes.collect(),
            speaker: speaker.map(|speaker| state.speakers.find(speaker).unwrap_or(NONE)),
            node: filter.entity.map(|id| state.entities.find(&id).unwrap_or(NONE)),
        }
    }

    fn admits(&self, state: &State, gate: &Gate, slot: usize) -> bool {
        let filter = self.filter;
        gate.is_live
            && self.owners.contains(&gate.owner)
            && (filter.archived || !gate.is_archived)
            && (filter.kinds.is_empty() || filter.kinds.contains(&gate.kind))
            && (filter.classes.is_empty() || self.classes.contains(&gate.class))
            && (filter.believed_at.is_some() || !gate.is_retracted)
            && self.speaker.is_none_or(|speaker| speaker != NONE && speaker == gate.speaker)
            && (!self.asks_row() || state.row(slot as u32).is_some_and(|row| self.admits_row(row)))
    }

    /// Whether the filter asks for more than the gate says.
    fn asks_row(&self) -> bool {
        let filter = self.filter;
        let times = [filter.valid_at, filter.believed_at, filter.from, filter.to];
        times.iter().any(Option::is_some) || self.node.is_some() || filter.importance_min > 0.0
    }

    fn admits_row(&self, row: &Row) -> bool {
        let holds = |at: Option<ibid_types::Timestamp>, [from, to]: [i64; 2]| {
            at.is_none_or(|at| from <= at.0 && at.0 < to)
        };
        holds(self.filter.valid_at, row.valid)
            && holds(self.filter.believed_at, row.believed)
            && self.meets(row)
            && self.node.is_none_or(|node| node != NONE && (row.node == node || row.nodes.contains(&node)))
            && row.importance >= self.filter.importance_min
    }

    /// Whether it was said, or held, in the time that is asked for. An entity is of no time.
    fn meets(&self, row: &Row) -> bool {
        let from = self.filter.from.map_or(EVER, |from| from.0);
        let to = self.filter.to.map_or(NEVER, |to| to.0);
        match row.key.kind {
            Kind::Entity => true,
            Kind::Episode => row.at >= from && row.at < to,
            Kind::Fact => row.valid[0] < to && row.valid[1] > from,
        }
    }
}
