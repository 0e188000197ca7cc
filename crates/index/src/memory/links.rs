//! What hangs together with the entities that a question names: a walk over items and the entities they name.
//!
//! The walk is personalised PageRank by local pushes (Andersen, Chung, Lang: "Local graph partitioning using PageRank
//! vectors", FOCS 2006): an entity hands its mass to its items in equal parts, so one that half of all items name
//! says little of each, and what is too little to matter is not handed on.
//!
//! Keeps true: it walks over nothing that is not within reach; its cost has a bound that does not grow with the memory.

use super::state::{NONE, State};
use crate::slots::Slots;

/// The part of an item's mass that goes on to its other entities.
const DAMPING: f32 = 0.5;
/// Less mass than this for each item is not handed on.
const SHARE_MIN: f32 = 1e-4;
/// Items that one walk looks at.
const STEPS_MAX: usize = 20_000;

/// A number of a slot or of an entity, and its mass.
type Masses = Vec<(u32, f32)>;

/// The mass of each slot that the walk from these entities reached, 1 for the one that got most.
pub(super) fn walk(state: &State, from: &[u32], reach: &Slots) -> Masses {
    let mut walk = Walk { state, reach, got: Vec::new(), handed: Vec::new(), steps: 0 };
    let mut waiting: Masses = from.iter().map(|node| (*node, 1.0 / from.len() as f32)).collect();
    while !waiting.is_empty() && walk.steps < STEPS_MAX {
        for (node, mass) in waiting {
            walk.push(node, mass);
        }
        waiting = summed(std::mem::take(&mut walk.handed));
    }
    let mut got = summed(walk.got);
    let most = got.iter().fold(f32::MIN_POSITIVE, |most, (_, mass)| most.max(*mass));
    got.iter_mut().for_each(|(_, mass)| *mass /= most);
    got
}

struct Walk<'a> {
    state: &'a State,
    reach: &'a Slots,
    got: Masses,
    /// To entities, for the next round.
    handed: Masses,
    steps: usize,
}

impl Walk<'_> {
    /// Hands an entity's mass to its items, and a part of it on to their other entities.
    fn push(&mut self, node: u32, mass: f32) {
        let members = &self.state.members[node as usize];
        self.steps += 1;
        if mass / (members.len() + 1) as f32 <= SHARE_MIN {
            return;
        }
        let own = Some(self.state.own[node as usize]).filter(|slot| *slot != NONE);
        let items = members.iter().copied().chain(own).filter(|slot| self.reach.contains(*slot));
        let share = mass / items.clone().count() as f32;
        for slot in items {
            self.steps += 1;
            self.got.push((slot, share));
            let nodes = self.state.row(slot).map_or(&[][..], |row| &row.nodes);
            let others = nodes.iter().filter(|other| **other != node);
            let part = DAMPING * share / others.clone().count().max(1) as f32;
            self.handed.extend(others.map(|other| (*other, part)));
        }
    }
}

/// Each number once, ascending, with the sum of its masses.
fn summed(mut masses: Masses) -> Masses {
    masses.sort_by_key(|(number, _)| *number);
    masses.dedup_by(|(next, mass), (number, sum)| {
        let is_same = next == number;
        *sum += if is_same { *mass } else { 0.0 };
        is_same
    });
    masses
}
