//! What hangs together with the entities that a question names: a walk over items and the entities they name.
//!
//! The walk is personalised PageRank by local pushes (Andersen, Chung, Lang: "Local graph partitioning using PageRank
//! vectors", FOCS 2006): an entity hands its mass to its items in equal parts, so one that half of all items name
//! says little of each, and what is too little to matter is not handed on.
//!
//! Keeps true: it walks over nothing that is not within reach; its cost has a bound that does not grow with the memory.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::state::{NONE, State};
use crate::slots::Slots;

/// The part of an item's mass that goes on to its other entities.
const DAMPING: f32 = 0.5;
/// Less mass than this for each item is not handed on.
const SHARE_MIN: f32 = 1e-4;
/// Items that one walk looks at.
const STEPS_MAX: usize = 20_000;

/// The mass of each slot that the walk reached, 1 for the one that got most.
pub(super) fn walk(state: &State, from: &[u32], reach: &Slots) -> HashMap<u32, f32, RandomState> {
    let mut got: HashMap<u32, f32, RandomState> = HashMap::default();
    let mut waiting: Vec<(u32, f32)> = from.iter().map(|node| (*node, 1.0 / from.len() as f32)).collect();
    let mut steps = 0;
    while !waiting.is_empty() && steps < STEPS_MAX {
        let mut handed: HashMap<u32, f32, RandomState> = HashMap::default();
        for (node, mass) in waiting {
            steps += push(state, node, mass, reach, &mut got, &mut handed);
        }
        waiting = handed.into_iter().collect();
        // The order of a hash table is not the same in every run, and sums of floats follow it.
        waiting.sort_unstable_by_key(|(node, _)| *node);
    }
    let most = got.values().fold(0.0_f32, |most, mass| most.max(*mass));
    got.values_mut().for_each(|mass| *mass /= most);
    got
}

/// Hands an entity's mass to its items and a part of it on to their other entities; how many items it looked at.
fn push(
    state: &State,
    node: u32,
    mass: f32,
    reach: &Slots,
    got: &mut HashMap<u32, f32, RandomState>,
    handed: &mut HashMap<u32, f32, RandomState>,
) -> usize {
    let members = &state.members[node as usize];
    if mass / (members.len() + 1) as f32 <= SHARE_MIN {
        return 1;
    }
    let own = Some(state.own[node as usize]).filter(|slot| *slot != NONE);
    let items: Vec<u32> = members.iter().copied().chain(own).filter(|slot| reach.contains(*slot)).collect();
    let share = mass / items.len() as f32;
    for &slot in &items {
        *got.entry(slot).or_default() += share;
        let Some(row) = state.row(slot) else { continue };
        let others: Vec<u32> = row.nodes.iter().copied().filter(|other| *other != node).collect();
        for other in &others {
            *handed.entry(*other).or_default() += DAMPING * share / others.len() as f32;
        }
    }
    items.len() + 1
}
