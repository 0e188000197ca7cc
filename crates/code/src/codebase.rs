//! What is known of a repository at one commit, in memory: its files with their symbols, its commits, and which changed what.
//!
//! Keeps true: after an update, files and commits are what reading the commit anew would give; `tests/incremental.rs` compares
//! the two. Edits before the update stay with the key of their symbol: one that was renamed begins anew.

use std::collections::{BTreeMap, BTreeSet};

use ibid_types::Result;
use serde::{Deserialize, Serialize};

use crate::delta::Delta;
use crate::git::{BlobId, Commit, CommitId, Repository, TreeFile};
use crate::plan::{Known, Plan};
use crate::resolve::{Package, Resolution, Resolver};
use crate::skip::{self, SkipReason, Skipped};
use crate::trace::{Edit, Lines};
use crate::{FileSymbols, Language, Limits, Symbol, symbols};

/// Contents that are in memory at the same time while files are parsed.
const BATCH_BYTES: u64 = 16 << 20;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Codebase {
    pub commit: Option<CommitId>,
    pub files: BTreeMap<String, File>,
    pub packages: Vec<Package>,
    /// Newest first.
    pub commits: Vec<Commit>,
    /// Newest first.
    pub edits: Vec<Edit>,
    pub skipped: Skipped,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    pub blob: BlobId,
    pub bytes: u64,
    pub symbols: FileSymbols,
    /// Why its content says nothing, if it does.
    pub skipped: Option<SkipReason>,
    pub package: Option<Package>,
}

/// How much of a repository is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub limits: Limits,
    pub files_max: usize,
    /// Of the history.
    pub commits_max: usize,
    pub threads: usize,
}

impl Default for Options {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { limits: Limits::default(), files_max: 100_000, commits_max: 5_000, threads }
    }
}

/// What an update did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    pub parsed: Vec<String>,
    pub removed: Vec<String>,
    pub renamed: Vec<(String, String)>,
    pub unchanged: usize,
    pub commits: usize,
    /// Whether the history was read from its beginning.
    pub is_anew: bool,
}

impl Codebase {
    /// # Errors
    /// Those of git.
    pub fn read(repository: &Repository, commit: &CommitId, options: &Options) -> Result<Self> {
        let mut codebase = Self::default();
        codebase.update(repository, commit, options)?;
        Ok(codebase)
    }

    /// Brings it to another commit. After an error it is as before.
    ///
    /// # Errors
    /// Those of git.
    pub fn update(&mut self, repository: &Repository, to: &CommitId, options: &Options) -> Result<Update> {
        let bytes_max = u64::from(options.limits.file_bytes_max);
        let plan = Plan::incremental(repository, &self.known(), to, bytes_max, options.files_max)?;
        let (delta, update) = Delta::of_plan(repository, plan, &self.lines(), options)?;
        self.apply(delta, options.commits_max);
        Ok(update)
    }

    /// Takes in what an update brought, or a part of it.
    pub fn apply(&mut self, delta: Delta, commits_max: usize) {
        self.replace_files(&delta.removed, delta.files);
        let Some(head) = delta.head else { return };
        let former = (std::mem::take(&mut self.commits), std::mem::take(&mut self.edits));
        self.commit = Some(head.commit);
        (self.commits, self.edits) = (head.commits, head.edits);
        if head.follows.is_some() {
            self.add_former(former, &delta.renamed, commits_max);
        }
        self.count_skipped(head.skipped);
    }

    #[must_use]
    pub fn known(&self) -> Known {
        let files = self.files.iter().map(|(path, file)| (path.clone(), file.blob.clone()));
        Known { commit: self.commit.clone(), files: files.collect() }
    }

    #[must_use]
    pub fn resolver(&self) -> Resolver<'_> {
        Resolver::over(self.files.iter().map(|(path, file)| (path.as_str(), &file.symbols)), &self.packages)
    }

    #[must_use]
    pub fn resolve(&self) -> Resolution {
        self.resolver().resolve()
    }

    fn replace_files(&mut self, removed: &[String], files: BTreeMap<String, File>) {
        for path in removed {
            self.files.remove(path);
        }
        self.files.extend(files);
        self.packages = self.files.values().filter_map(|file| file.package.clone()).collect();
        self.packages.sort();
    }

    fn lines(&self) -> Lines {
        lines(&self.files)
    }

    /// New before old. Old edits follow their file to its new path, and go with their symbol.
    fn add_former(
        &mut self,
        former: (Vec<Commit>, Vec<Edit>),
        renamed: &[(String, String)],
        commits_max: usize,
    ) {
        let kept = self.kept_edits(former.1, renamed);
        self.edits.extend(kept);
        self.commits.extend(former.0);
        self.commits.truncate(commits_max);
    }

    fn kept_edits(&self, former: Vec<Edit>, renamed: &[(String, String)]) -> Vec<Edit> {
        let renamed: BTreeMap<&str, &str> =
            renamed.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
        let mut there: BTreeSet<(String, String)> = BTreeSet::new();
        for (path, symbols) in self.lines() {
            there.extend(symbols.into_iter().map(|(key, ..)| (path.clone(), key)));
        }
        for edit in self.edits.iter().filter(|edit| edit.is_first) {
            there.remove(&(edit.path.clone(), edit.symbol.clone()));
        }
        let moved = former.into_iter().map(|mut edit| {
            if let Some(to) = renamed.get(edit.path.as_str()) {
                (*to).clone_into(&mut edit.path);
            }
            edit
        });
        moved.filter(|edit| there.contains(&(edit.path.clone(), edit.symbol.clone()))).collect()
    }

    fn count_skipped(&mut self, skipped: Skipped) {
        self.skipped = skipped;
        for reason in self.files.values().filter_map(|file| file.skipped) {
            self.skipped.count(reason);
        }
    }
}

/// Where the symbols of files stand.
pub fn lines(files: &BTreeMap<String, File>) -> Lines {
    let of_file = |file: &File| {
        let lines = |(key, symbol): (String, &Symbol)| (key, symbol.lines.0, symbol.lines.1);
        keys(&file.symbols).into_iter().zip(&file.symbols.symbols).map(lines).collect()
    };
    files.iter().map(|(path, file)| (path.clone(), of_file(file))).collect()
}

/// Keys of a file's symbols, in their order: the qualified name, and for those that share one, their place among them (`new~2`).
/// They stay the same when other symbols come and go.
#[must_use]
pub fn keys(symbols: &FileSymbols) -> Vec<String> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut keys = Vec::with_capacity(symbols.symbols.len());
    for symbol in &symbols.symbols {
        let count = seen.entry(&symbol.qualified).or_default();
        *count += 1;
        keys.push(if *count == 1 {
            symbol.qualified.clone()
        } else {
            format!("{}~{count}", symbol.qualified)
        });
    }
    keys
}

/// Reads and parses in batches, so that memory is bounded whatever the repository's size.
pub fn parse_all(
    repository: &Repository,
    files: &[TreeFile],
    options: &Options,
) -> Result<Vec<(TreeFile, File)>> {
    let mut objects = repository.objects()?;
    let mut parsed = Vec::with_capacity(files.len());
    let mut batch = Vec::new();
    let mut bytes = 0;
    for file in files {
        let content = match is_read(&file.path) {
            true => objects.read(file.blob.as_str(), u64::from(options.limits.file_bytes_max))?,
            false => None,
        };
        bytes += content.as_ref().map_or(0, |content| content.len() as u64);
        batch.push((file.clone(), content));
        if bytes >= BATCH_BYTES {
            parsed.extend(parse_batch(std::mem::take(&mut batch), options));
            bytes = 0;
        }
    }
    parsed.extend(parse_batch(batch, options));
    Ok(parsed)
}

fn is_read(path: &str) -> bool {
    Language::of_path(path).is_some() || Package::is_manifest(path)
}

fn parse_batch(batch: Vec<(TreeFile, Option<Vec<u8>>)>, options: &Options) -> Vec<(TreeFile, File)> {
    let share = batch.len().div_ceil(options.threads.max(1)).max(1);
    std::thread::scope(|scope| {
        let parse = |part: Vec<&(TreeFile, Option<Vec<u8>>)>| {
            part.into_iter()
                .map(|(file, content)| (file.clone(), parse_one(file, content.as_deref(), options)))
                .collect()
        };
        let parts = batch.chunks(share).map(|part| part.iter().collect::<Vec<_>>());
        let workers: Vec<_> = parts.map(|part| scope.spawn(move || -> Vec<_> { parse(part) })).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    })
}

fn parse_one(file: &TreeFile, content: Option<&[u8]>, options: &Options) -> File {
    let mut parsed = File {
        blob: file.blob.clone(),
        bytes: file.bytes,
        symbols: FileSymbols::default(),
        skipped: None,
        package: None,
    };
    let Some(content) = content else { return parsed };
    parsed.skipped = skip::by_content(content);
    if parsed.skipped.is_none() {
        parsed.package = Package::read(&file.path, content);
        parsed.symbols = symbols(&file.path, content, &options.limits);
    }
    parsed
}
