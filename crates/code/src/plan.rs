//! What is to be done to bring what is known of a repository to another commit.
//!
//! Keeps true: what is planned depends on the contents that are known, not on what a commit claims, so an interrupted run and a
//! history that was rewritten both end in the same place. The known commit only tells which commits are new.

use std::collections::{BTreeMap, BTreeSet};

use ibid_types::Result;
use serde::{Deserialize, Serialize};

use crate::git::{BlobId, Change, CommitId, Repository, TreeFile};
use crate::skip::{self, SkipReason, Skipped};

/// What was taken in before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    pub commit: Option<CommitId>,
    pub files: BTreeMap<String, BlobId>,
}

/// What is to be read, moved and removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub to: CommitId,
    pub basis: Basis,
    /// Files whose content is new at their path.
    pub parse: Vec<TreeFile>,
    /// Paths that are gone, also those that were renamed.
    pub remove: Vec<String>,
    /// From and to, for what is kept under a path and is not lost by a new one. A renamed file whose content changed is parsed, too.
    pub renamed: Vec<(String, String)>,
    pub unchanged: usize,
    pub skipped: Skipped,
}

/// What the plan compares with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Nothing was known.
    Nothing,
    /// The known commit is there; commits after it are new.
    Commit(CommitId),
    /// The known commit is gone or leads elsewhere: files are compared, and the history is read anew.
    Contents,
}

impl Plan {
    /// # Errors
    /// `commit_unknown`; `repository_too_large`.
    pub fn incremental(
        repository: &Repository,
        known: &Known,
        to: &CommitId,
        file_bytes_max: u64,
        files_max: usize,
    ) -> Result<Self> {
        let (files, mut skipped) = repository.files_at(to)?;
        let wanted = wanted(files, file_bytes_max, files_max, &mut skipped);
        let basis = basis(repository, known, to)?;
        let mut plan = Self {
            to: to.clone(),
            parse: Vec::new(),
            remove: Vec::new(),
            renamed: Vec::new(),
            unchanged: 0,
            skipped,
            basis,
        };
        plan.compare(known, wanted);
        plan.find_renamed(repository, known)?;
        Ok(plan)
    }

    fn compare(&mut self, known: &Known, wanted: BTreeMap<String, TreeFile>) {
        self.remove = known.files.keys().filter(|path| !wanted.contains_key(*path)).cloned().collect();
        for (path, file) in wanted {
            if known.files.get(&path) == Some(&file.blob) {
                self.unchanged += 1;
            } else {
                self.parse.push(file);
            }
        }
    }

    fn find_renamed(&mut self, repository: &Repository, known: &Known) -> Result<()> {
        let Basis::Commit(from) = &self.basis else { return Ok(()) };
        let parsed: BTreeSet<&str> = self.parse.iter().map(|file| file.path.as_str()).collect();
        for change in repository.changes(from, &self.to)? {
            if let Change::Renamed { from, to } = change
                && known.files.contains_key(&from)
                && parsed.contains(to.as_str())
            {
                self.renamed.push((from, to));
            }
        }
        Ok(())
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parse.is_empty() && self.remove.is_empty()
    }
}

/// The files that people wrote. Beyond the bound, those that come last by path are left out.
fn wanted(
    files: Vec<TreeFile>,
    file_bytes_max: u64,
    files_max: usize,
    skipped: &mut Skipped,
) -> BTreeMap<String, TreeFile> {
    let mut wanted = BTreeMap::new();
    for file in files {
        let reason = match skip::by_path(&file.path, file.bytes, file_bytes_max) {
            None if wanted.len() >= files_max => Some(SkipReason::TooMany),
            reason => reason,
        };
        match reason {
            Some(reason) => skipped.count(reason),
            None => drop(wanted.insert(file.path.clone(), file)),
        }
    }
    wanted
}

fn basis(repository: &Repository, known: &Known, to: &CommitId) -> Result<Basis> {
    let Some(commit) = &known.commit else { return Ok(Basis::Nothing) };
    let leads_on = repository.has(commit)? && repository.is_ancestor(commit, to)?;
    Ok(if leads_on { Basis::Commit(commit.clone()) } else { Basis::Contents })
}
