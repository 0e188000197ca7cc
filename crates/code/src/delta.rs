//! What an update brings: files as they are now, and the history since. Whoever reads a repository makes it; whoever keeps what is known
//! of one takes it in, perhaps on another machine and in parts.
//!
//! Keeps true: reading it needs no more than `Known`; applied to what was known, it gives what reading the commit anew gives. Parts before
//! the last bring files alone, so one that breaks off is found by its contents and goes on. `tests/delta.rs` compares.

use std::collections::BTreeMap;

use ibid_types::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::codebase::{File, Options, Update, lines, parse_all};
use crate::git::{Commit, CommitId, Repository};
use crate::plan::{Basis, Known, Plan};
use crate::skip::Skipped;
use crate::trace::{self, Edit, Lines};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Delta {
    pub files: BTreeMap<String, File>,
    pub removed: Vec<String>,
    pub renamed: Vec<(String, String)>,
    /// None in a part before the last.
    pub head: Option<Head>,
}

/// The commit that it leads to, with the history since the one that was known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub commit: CommitId,
    /// The commit that it goes on from; none where the history was read from its beginning.
    pub follows: Option<CommitId>,
    /// Newest first.
    pub commits: Vec<Commit>,
    /// Newest first.
    pub edits: Vec<Edit>,
    pub skipped: Skipped,
}

impl Delta {
    /// From what is known to a commit. Where the known commit leads elsewhere, everything is read anew.
    ///
    /// # Errors
    /// Those of git.
    pub fn read(
        repository: &Repository,
        known: &Known,
        to: &CommitId,
        options: &Options,
    ) -> Result<(Self, Update)> {
        let bytes_max = u64::from(options.limits.file_bytes_max);
        let plan = Plan::incremental(repository, known, to, bytes_max, options.files_max)?;
        let plan = match plan.basis {
            Basis::Contents => Plan {
                remove: plan.remove,
                ..Plan::incremental(repository, &Known::default(), to, bytes_max, options.files_max)?
            },
            _ => plan,
        };
        Self::of_plan(repository, plan, &Lines::new(), options)
    }

    /// What a plan asks for; `lines` are those of files that it leaves as they are.
    pub(crate) fn of_plan(
        repository: &Repository,
        plan: Plan,
        known: &Lines,
        options: &Options,
    ) -> Result<(Self, Update)> {
        let parsed = parse_all(repository, &plan.parse, options)?;
        let files: BTreeMap<String, File> =
            parsed.into_iter().map(|(tree, file)| (tree.path, file)).collect();
        let follows = match plan.basis {
            Basis::Commit(commit) => Some(commit),
            _ => None,
        };
        let commits = repository.commits(follows.as_ref(), &plan.to, options.commits_max)?;
        let mut all = known.clone();
        plan.remove.iter().for_each(|path| drop(all.remove(path)));
        all.extend(lines(&files));
        let edits = trace::edits(repository, &all, follows.as_ref(), &plan.to, options.commits_max)?;
        let update = Update {
            parsed: plan.parse.into_iter().map(|file| file.path).collect(),
            removed: plan.remove.clone(),
            renamed: plan.renamed.clone(),
            unchanged: plan.unchanged,
            commits: commits.len(),
            is_anew: follows.is_none(),
        };
        let head = Head { commit: plan.to, follows, commits, edits, skipped: plan.skipped };
        Ok((Self { files, removed: plan.remove, renamed: plan.renamed, head: Some(head) }, update))
    }

    /// The same in parts of about this many bytes of JSON; all but the last bring files alone.
    #[must_use]
    pub fn parts(mut self, bytes_max: usize) -> Vec<Self> {
        let (mut parts, mut part, mut bytes) = (Vec::new(), Self::default(), 0);
        for (path, file) in std::mem::take(&mut self.files) {
            let size = path.len() + serde_json::to_vec(&file).map_or(0, |json| json.len());
            if bytes > 0 && bytes + size > bytes_max {
                parts.push(std::mem::take(&mut part));
                bytes = 0;
            }
            bytes += size;
            part.files.insert(path, file);
        }
        if self.head.as_ref().is_some_and(|head| !head.edits.is_empty()) && bytes > bytes_max / 2 {
            parts.push(std::mem::take(&mut part));
        }
        parts.push(Self { files: part.files, ..self });
        parts
    }

    /// What others sent is looked at before it is used: every index leads to a symbol, and no symbol encloses itself.
    ///
    /// # Errors
    /// `code_malformed`.
    pub fn check(&self) -> Result<()> {
        for (path, file) in &self.files {
            let count = file.symbols.symbols.len() as u64;
            let is_in = |index: Option<u32>, end: u64| index.is_none_or(|index| u64::from(index) < end);
            let symbols = file.symbols.symbols.iter().zip(0..);
            let is_whole = is_path(path)
                && symbols.into_iter().all(|(symbol, place)| is_in(symbol.parent, place))
                && file.symbols.references.iter().all(|reference| is_in(reference.from, count))
                && file.symbols.notes.iter().all(|note| is_in(note.symbol, count));
            if !is_whole {
                let what = format!(
                    "what was sent of {path} is not what reading a file gives; send what `ibid ingest` of this version sends"
                );
                return Err(Error::bad_request("code_malformed", what));
            }
        }
        Ok(())
    }
}

fn is_path(path: &str) -> bool {
    !path.is_empty() && !path.starts_with('/') && !path.ends_with('/') && !path.contains(char::is_control)
}
