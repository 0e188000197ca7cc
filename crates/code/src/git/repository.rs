//! A repository as it is asked: its head, files, contents, changes and commits.
//!
//! Keeps true: only what is committed is read, never the work tree; so what `.gitignore` names is not there.

use std::io::{BufRead, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ibid_types::{Error, Result};

use super::command::{Git, Running, failed, whole};
use super::history::{Commit, changes_by_commit, commit};
use super::patch::{self, FilePatch};
use super::tree::{self, Change, TreeFile, malformed};
use super::{BlobId, CommitId};
use crate::skip::Skipped;

/// Git answers within milliseconds; on a slow disk and a large repository it may think for a while.
const SILENT_MAX: Duration = Duration::from_secs(60);
/// A listing of two million files.
const LISTING_BYTES_MAX: u64 = 256 << 20;
/// Longer messages are logs that somebody pasted.
const MESSAGE_BYTES_MAX: usize = 16 << 10;
const COMMIT_BYTES_MAX: u64 = 1 << 20;
/// Merges are compared with what they were merged into.
const DIFF: [&str; 8] = [
    "diff-tree",
    "-r",
    "-M",
    "--root",
    "--diff-merges=first-parent",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
];

#[derive(Clone, Debug)]
pub struct Repository {
    git: Git,
}

impl Repository {
    /// The repository that holds the folder.
    ///
    /// # Errors
    /// `git_missing`, `repository_unknown`, `repository_untrusted`.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, PathBuf::from("git"), SILENT_MAX)
    }

    /// The same with another `git`, and another bound on its silence.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_with(path: &Path, program: PathBuf, silent_max: Duration) -> Result<Self> {
        let git = Git { program, folder: whole(path)?, silent_max };
        git.run(&["rev-parse", "--git-dir"], 1 << 16)?;
        Ok(Self { git })
    }

    /// The folder that it was opened at.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.git.folder
    }

    /// # Errors
    /// `commit_unknown` in a repository without commits.
    pub fn head(&self) -> Result<CommitId> {
        self.resolve("HEAD")
    }

    /// The commit that a branch, a tag or a short id means.
    ///
    /// # Errors
    /// `commit_unknown`.
    pub fn resolve(&self, name: &str) -> Result<CommitId> {
        let wanted = format!("{name}^{{commit}}");
        let said = self.git.run(&["rev-parse", "--verify", "--end-of-options", &wanted], 1 << 16)?;
        CommitId::parse(String::from_utf8_lossy(&said).trim())
    }

    /// Whether the commit is still there.
    ///
    /// # Errors
    /// Those of git itself.
    pub fn has(&self, commit: &CommitId) -> Result<bool> {
        match self.resolve(commit.as_str()) {
            Ok(_) => Ok(true),
            Err(error) if error.code == "commit_unknown" => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether one commit came before another, or is the same.
    ///
    /// # Errors
    /// `commit_unknown`.
    pub fn is_ancestor(&self, one: &CommitId, of: &CommitId) -> Result<bool> {
        // All that leads to the one and not to the other: nothing, if the other came after.
        let not = format!("^{of}");
        Ok(self.git.run(&["rev-list", "--max-count=1", one.as_str(), &not], 1 << 16)?.is_empty())
    }

    /// Every tracked file, and how many entries are none.
    ///
    /// # Errors
    /// `commit_unknown`, `repository_too_large`.
    pub fn files_at(&self, commit: &CommitId) -> Result<(Vec<TreeFile>, Skipped)> {
        let listing = self
            .git
            .run(&["ls-tree", "-r", "-l", "-z", "--full-tree", commit.as_str()], LISTING_BYTES_MAX)?;
        let mut skipped = Skipped::default();
        tree::files(&listing, &mut skipped).map(|files| (files, skipped))
    }

    /// # Errors
    /// `commit_unknown`, `repository_too_large`.
    pub fn changes(&self, from: &CommitId, to: &CommitId) -> Result<Vec<Change>> {
        let arguments = [&DIFF[..], &["--name-status", "-z", from.as_str(), to.as_str()]].concat();
        tree::changes(&self.git.run(&arguments, LISTING_BYTES_MAX)?)
    }

    /// The newest commits that lead to `to` and not to `from`, newest first.
    ///
    /// # Errors
    /// `commit_unknown`, `repository_too_large`.
    pub fn commits(&self, from: Option<&CommitId>, to: &CommitId, limit: usize) -> Result<Vec<Commit>> {
        let ids = self.list(&[], from, to, limit)?;
        let mut objects = self.objects()?;
        let mut commits = Vec::with_capacity(ids.len());
        for id in ids {
            let bytes = objects.read(id.as_str(), COMMIT_BYTES_MAX)?.unwrap_or_default();
            commits.push(commit(id, &bytes, MESSAGE_BYTES_MAX));
        }
        self.add_changes(&mut commits)?;
        Ok(commits)
    }

    fn add_changes(&self, commits: &mut [Commit]) -> Result<()> {
        let mut running = self.git.start(&[&DIFF[..], &["--stdin", "--name-status", "-z"]].concat())?;
        feed(&mut running, commits.iter().map(|commit| commit.id.clone()).collect());
        let mut listing = Vec::new();
        let read = (&mut running.output).take(LISTING_BYTES_MAX).read_to_end(&mut listing);
        running.finish()?;
        read.map_err(unread)?;
        let mut commits = commits.iter_mut();
        for (id, changes) in changes_by_commit(&listing)? {
            // A commit that changes nothing may be left out of the list; the order stays.
            if let Some(commit) = commits.find(|commit| commit.id == id) {
                commit.changes = changes;
            }
        }
        Ok(())
    }

    /// Which lines each commit on the way from `from` to `to` changed, along first parents, newest first.
    ///
    /// # Errors
    /// `commit_unknown`.
    pub fn patches(
        &self,
        from: Option<&CommitId>,
        to: &CommitId,
        limit: usize,
        each: &mut dyn FnMut(CommitId, Vec<FilePatch>),
    ) -> Result<()> {
        let ids = self.list(&["--first-parent"], from, to, limit)?;
        let options = ["--stdin", "-p", "-U0", "--src-prefix=a/", "--dst-prefix=b/"];
        let mut running = self.git.start(&[&DIFF[..], &options].concat())?;
        feed(&mut running, ids);
        let read = patch::read(&mut running.output, each);
        running.finish()?;
        read
    }

    fn list(
        &self,
        options: &[&str],
        from: Option<&CommitId>,
        to: &CommitId,
        limit: usize,
    ) -> Result<Vec<CommitId>> {
        let (count, not) = (format!("--max-count={limit}"), from.map(|from| format!("^{from}")));
        let mut arguments = vec!["rev-list", &count];
        arguments.extend(options);
        arguments.push(to.as_str());
        arguments.extend(not.as_deref());
        let said = self.git.run(&arguments, LISTING_BYTES_MAX)?;
        String::from_utf8_lossy(&said).lines().map(CommitId::parse).collect()
    }

    /// One file's content.
    ///
    /// # Errors
    /// `blob_unknown`, `repository_too_large` if it has more bytes.
    pub fn blob(&self, id: &BlobId, bytes_max: u64) -> Result<Vec<u8>> {
        let missing =
            || Error::not_found("blob_unknown", "the repository has no such content; read its files anew");
        let mut objects = self.objects()?;
        objects.read(id.as_str(), bytes_max)?.ok_or_else(missing)
    }

    /// A reader of many contents by one run of git.
    ///
    /// # Errors
    /// Those of git itself.
    pub fn objects(&self) -> Result<Blobs> {
        Ok(Blobs { running: self.git.start(&["cat-file", "--batch-command"])? })
    }
}

/// Reads contents one after the other.
#[derive(Debug)]
pub struct Blobs {
    running: Running,
}

impl Blobs {
    /// The content, or none if it is not there.
    ///
    /// # Errors
    /// `repository_too_large` if it has more bytes; those of git itself.
    pub fn read(&mut self, id: &str, bytes_max: u64) -> Result<Option<Vec<u8>>> {
        let Some(bytes) = self.ask("info", id)? else { return Ok(None) };
        if bytes > bytes_max {
            let what = format!("the content has {bytes} bytes, and {bytes_max} are read at most");
            return Err(Error::bad_request("repository_too_large", what));
        }
        let Some(bytes) = self.ask("contents", id)? else { return Ok(None) };
        let mut content = vec![0; usize::try_from(bytes).unwrap_or(usize::MAX)];
        self.running.output.read_exact(&mut content).map_err(unread)?;
        self.running.output.read_exact(&mut [0]).map_err(unread)?;
        Ok(Some(content))
    }

    /// The size that git tells of an object.
    fn ask(&mut self, what: &str, id: &str) -> Result<Option<u64>> {
        let input = self.running.input.as_mut().ok_or_else(malformed)?;
        writeln!(input, "{what} {id}").and_then(|()| input.flush()).map_err(unread)?;
        let mut line = String::new();
        (&mut self.running.output).take(512).read_line(&mut line).map_err(unread)?;
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            [_, "missing"] => Ok(None),
            [_, _, bytes] => bytes.parse().map(Some).map_err(|_| malformed()),
            _ => Err(malformed()),
        }
    }
}

/// Writes ids from a thread of their own, so that neither side waits for the other with a full pipe.
fn feed(running: &mut Running, ids: Vec<CommitId>) {
    let Some(mut input) = running.input.take() else { return };
    std::thread::spawn(move || {
        for id in ids {
            // Git has ended; `finish` says why.
            if writeln!(input, "{id}").is_err() {
                return;
            }
        }
    });
}

fn unread(error: std::io::Error) -> Error {
    failed("git's output cannot be read").caused_by(error)
}
