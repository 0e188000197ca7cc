//! What is in destinations, by the names of objects alone, and which of it a restore needs.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use ibid_types::{Error, Result, Timestamp};
use serde::Serialize;

use crate::destination::{Destination, Listed};
use crate::names::{self, BaseName, Generation, LogName, Named};

/// A generation in one or more destinations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// By their commit, each with the bytes of its object.
    pub bases: BTreeMap<BaseName, u64>,
    /// By their first segment.
    pub log: BTreeMap<LogName, u64>,
}

/// Every generation, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    pub generations: BTreeMap<Generation, Holdings>,
}

/// The moment to restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Latest,
    /// All that was committed up to then.
    Time(Timestamp),
    /// All up to that commit.
    Commit(u64),
}

impl FromStr for Moment {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "latest" {
            return Ok(Self::Latest);
        }
        if let Ok(commit) = text.parse() {
            return Ok(Self::Commit(commit));
        }
        text.parse().map(Self::Time).map_err(|error: Error| {
            let what = "restore to `latest`, the number of a commit, or a time such as 2026-11-21T14:30:00Z";
            Error::bad_request("restore_moment", what).caused_by(error)
        })
    }
}

/// One way to a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub base: BaseName,
    /// In order.
    pub log: Vec<LogName>,
    /// Of base and log; pieces come on top.
    pub bytes: u64,
    pub moment: Moment,
}

/// A stretch of moments that can be restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stretch {
    pub generation: String,
    pub from_commit: u64,
    pub from: Timestamp,
    pub to_commit: u64,
    pub to: Timestamp,
    pub bases: usize,
    pub segments: u64,
    pub bytes: u64,
}

impl Catalog {
    /// What the destinations hold together. One that does not answer is passed over with a warning, unless none does.
    pub fn read(sources: &[Arc<dyn Destination>]) -> Result<Self> {
        let mut catalog = Self::default();
        let mut last = None;
        let mut answered = false;
        for source in sources {
            match source.list("generations/") {
                Ok(listed) => {
                    answered = true;
                    listed.iter().for_each(|object| catalog.add(object));
                }
                Err(error) => {
                    tracing::warn!(code = error.code, "a backup is passed over: {}", error.chain());
                    last = Some(error);
                }
            }
        }
        match last {
            Some(error) if !answered => Err(error),
            _ => Ok(catalog),
        }
    }

    fn add(&mut self, object: &Listed) {
        match names::read(&object.name) {
            Some(Named::Base(name)) => {
                self.generation(&name.generation).bases.insert(name, object.bytes);
            }
            Some(Named::Log(name)) => {
                self.generation(&name.generation).log.insert(name, object.bytes);
            }
            Some(Named::Piece(_)) | None => {}
        }
    }

    fn generation(&mut self, generation: &Generation) -> &mut Holdings {
        self.generations.entry(generation.clone()).or_default()
    }

    /// Ways to the moment, the best first: the newest generation and its newest base that reach it. Later ones are for the
    /// case that an object of an earlier one is damaged. Errors: `restore_nothing`, `restore_too_early`, `restore_unfinished`.
    pub fn plans(&self, moment: Moment) -> Result<Vec<Plan>> {
        let newest_first = self.generations.values().rev();
        let plans: Vec<Plan> = newest_first.flat_map(|holdings| holdings.plans(moment)).collect();
        if !plans.is_empty() {
            return Ok(plans);
        }
        let stretches = self.stretches();
        let Some(first) = stretches.first() else {
            let what = "the backup holds no whole base, so nothing can be restored from it yet";
            return Err(Error::not_found("restore_nothing", what));
        };
        if let (Moment::Commit(commit), Some(last)) = (moment, stretches.last())
            && commit > last.to_commit
        {
            let what = format!("the backup ends at commit {} at {}", last.to_commit, last.to);
            return Err(Error::not_found("restore_unfinished", what));
        }
        let what = format!(
            "the backup does not reach so far back: its first moment is commit {} at {}",
            first.from_commit, first.from
        );
        Err(Error::not_found("restore_too_early", what))
    }

    /// What can be restored, oldest first.
    #[must_use]
    pub fn stretches(&self) -> Vec<Stretch> {
        self.generations.iter().filter_map(|(generation, holdings)| holdings.stretch(generation)).collect()
    }
}

impl Holdings {
    fn plans(&self, moment: Moment) -> Vec<Plan> {
        let reaches = |base: &&BaseName| match moment {
            Moment::Latest => true,
            Moment::Time(time) => base.at <= time,
            Moment::Commit(commit) => base.commit <= commit && commit <= self.last_commit(),
        };
        self.bases.keys().rev().filter(reaches).map(|base| self.plan(base, moment)).collect()
    }

    fn plan(&self, base: &BaseName, moment: Moment) -> Plan {
        let mut log = Vec::new();
        let mut next = base.segment + 1;
        let mut bytes = self.bases.get(base).copied().unwrap_or_default();
        for (name, size) in &self.log {
            if name.segments.1 < next {
                continue;
            }
            // A gap: what is behind it does not follow.
            if name.segments.0 > next || is_after(name, base, moment) {
                break;
            }
            next = name.segments.1 + 1;
            bytes += size;
            log.push(name.clone());
        }
        Plan { base: base.clone(), log, bytes, moment }
    }

    fn last_commit(&self) -> u64 {
        let logged = self.log.keys().map(|name| name.commits.1).max();
        logged.into_iter().chain(self.bases.keys().map(|base| base.commit)).max().unwrap_or_default()
    }

    fn stretch(&self, generation: &Generation) -> Option<Stretch> {
        let first = self.bases.keys().next()?;
        let last = self.bases.keys().next_back()?;
        let end = self.plan(last, Moment::Latest).log.pop();
        Some(Stretch {
            generation: generation.to_string(),
            from_commit: first.commit,
            from: first.at,
            to_commit: end.as_ref().map_or(last.commit, |name| name.commits.1.max(last.commit)),
            to: end.as_ref().map_or(last.at, |name| name.at.max(last.at)),
            bases: self.bases.len(),
            segments: self.log.keys().map(|name| name.segments.1 - name.segments.0 + 1).sum(),
            bytes: self.bases.values().chain(self.log.values()).sum(),
        })
    }
}

/// Whether all commits of the object are after the moment. The log up to the base's own commit is needed always.
fn is_after(name: &LogName, base: &BaseName, moment: Moment) -> bool {
    if name.commits.0 <= base.commit {
        return false;
    }
    match moment {
        Moment::Latest | Moment::Time(_) => false,
        Moment::Commit(commit) => name.commits.0 > commit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog() -> Catalog {
        let generation = Generation::begin(Timestamp(1000)).unwrap();
        let mut holdings = Holdings::default();
        for (commit, segment, at) in [(1, 0, 1000), (50, 4, 5000)] {
            let base = BaseName { generation: generation.clone(), commit, segment, at: Timestamp(at) };
            holdings.bases.insert(base, 10);
        }
        for number in 1..=8 {
            let commits = (number * 10 - 9, number * 10);
            let at = Timestamp(number as i64 * 1000);
            let name = LogName { generation: generation.clone(), segments: (number, number), commits, at };
            holdings.log.insert(name, 1);
        }
        Catalog { generations: BTreeMap::from([(generation, holdings)]) }
    }

    fn best(moment: Moment) -> (u64, Vec<u64>) {
        let plan = catalog().plans(moment).unwrap().remove(0);
        (plan.base.commit, plan.log.iter().map(|name| name.segments.0).collect())
    }

    #[test]
    fn the_newest_base_and_the_log_after_it_lead_to_a_moment() {
        assert_eq!(best(Moment::Latest), (50, vec![5, 6, 7, 8]));
        assert_eq!(best(Moment::Commit(65)), (50, vec![5, 6, 7]));
        assert_eq!(best(Moment::Commit(49)), (1, vec![1, 2, 3, 4, 5]));
        assert_eq!(best(Moment::Time(Timestamp(4999))).0, 1);
    }

    #[test]
    fn what_cannot_be_restored_is_said() {
        let code = |moment| catalog().plans(moment).unwrap_err().code;
        assert_eq!(code(Moment::Time(Timestamp(999))), "restore_too_early");
        assert_eq!(code(Moment::Commit(0)), "restore_too_early");
        assert_eq!(code(Moment::Commit(1_000_000)), "restore_unfinished");
        assert_eq!(Catalog::default().plans(Moment::Latest).unwrap_err().code, "restore_nothing");
    }

    #[test]
    fn moments_are_read() {
        assert_eq!("latest".parse::<Moment>().unwrap(), Moment::Latest);
        assert_eq!("17".parse::<Moment>().unwrap(), Moment::Commit(17));
        assert!(matches!("2026-11-21T14:30:00Z".parse().unwrap(), Moment::Time(_)));
        assert_eq!("soon".parse::<Moment>().unwrap_err().code, "restore_moment");
    }
}
