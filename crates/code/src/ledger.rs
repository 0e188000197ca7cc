//! Which relations held when: each with the time of the commit that brought it, and of the one that ended it.
//!
//! Keeps true: nothing is deleted, it ends; an entry holds what changed and no more; entries in their order give the ledger again.

use std::collections::{HashMap, HashSet};

use ibid_types::Timestamp;
use ibid_types::memory::Span;
use serde::{Deserialize, Serialize};

use crate::relations::{Relation, RelationKind, SymbolKey, Thing};

/// A relation with when it held. What was there at the first reading has no beginning that is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tie {
    pub relation: Relation,
    pub valid: Span,
}

/// What makes two relations the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ends {
    pub from: Thing,
    pub kind: RelationKind,
    pub to: Thing,
}

impl Ends {
    fn of(relation: &Relation) -> Self {
        Self { from: relation.from.clone(), kind: relation.kind, to: relation.to.clone() }
    }
}

/// What an update changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// None for the first.
    pub at: Option<Timestamp>,
    /// New, or seen elsewhere or otherwise than before.
    pub stated: Vec<Relation>,
    pub ended: Vec<Ends>,
}

#[derive(Clone, Debug, Default)]
pub struct Ledger {
    ties: Vec<Tie>,
    open: HashMap<Ends, usize>,
}

impl Ledger {
    /// One that was written down.
    #[must_use]
    pub fn of(ties: Vec<Tie>) -> Self {
        let is_open =
            |(place, tie): (usize, &Tie)| tie.valid.to.is_none().then(|| (Ends::of(&tie.relation), place));
        let open = ties.iter().enumerate().filter_map(is_open).collect();
        Self { ties, open }
    }

    /// In the order in which they came.
    #[must_use]
    pub fn ties(&self) -> &[Tie] {
        &self.ties
    }

    /// How many hold now.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// What is to be written down where these are the relations that hold now.
    #[must_use]
    pub fn compare(&self, now: Vec<Relation>, at: Option<Timestamp>) -> Entry {
        let there: HashSet<Ends> = now.iter().map(Ends::of).collect();
        let is_known = |relation: &Relation| {
            self.open.get(&Ends::of(relation)).is_some_and(|place| self.ties[*place].relation == *relation)
        };
        let mut ended: Vec<(usize, Ends)> = self
            .open
            .iter()
            .filter(|(ends, _)| !there.contains(*ends))
            .map(|(ends, place)| (*place, ends.clone()))
            .collect();
        ended.sort_unstable_by_key(|(place, _)| *place);
        Entry {
            at,
            stated: now.into_iter().filter(|relation| !is_known(relation)).collect(),
            ended: ended.into_iter().map(|(_, ends)| ends).collect(),
        }
    }

    pub fn apply(&mut self, entry: Entry) {
        for ends in &entry.ended {
            if let Some(place) = self.open.remove(ends) {
                self.ties[place].valid.to = entry.at;
            }
        }
        for relation in entry.stated {
            let ends = Ends::of(&relation);
            if let Some(place) = self.open.get(&ends) {
                self.ties[*place].relation = relation;
                continue;
            }
            self.open.insert(ends, self.ties.len());
            self.ties.push(Tie { relation, valid: Span::new(entry.at, None) });
        }
    }

    /// Who called a symbol at a time, or calls it now.
    pub fn callers<'a>(&'a self, of: &'a SymbolKey, at: Option<Timestamp>) -> impl Iterator<Item = &'a Tie> {
        self.ties.iter().filter(move |tie| {
            let holds = at.map_or(tie.valid.to.is_none(), |at| tie.valid.holds_at(at));
            holds
                && tie.relation.kind == RelationKind::Calls
                && matches!(&tie.relation.to, Thing::Symbol(to) if to == of)
        })
    }
}
