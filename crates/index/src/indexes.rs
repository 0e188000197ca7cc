//! `Indexes`: the indexes of all workspaces, kept up with the feed.
//!
//! Keeps true: one thread at a time writes; searches go on from snapshots meanwhile. After `catch_up` returns a
//! position, every snapshot taken holds what the feed said up to there.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ibid_runtime::{Clock, Shutdown, round};
use ibid_types::{Error, Result, WorkspaceId};
use parking_lot::{Condvar, Mutex, RwLock};

use crate::content::{content_of, differences};
use crate::ground::Ground;
use crate::lexical::Lexical;
use crate::shelf::{Replay, Shelf};
use crate::snapshot::Snapshot;

/// Without news for so long the writers' memory is given back.
const IDLE: Duration = Duration::from_secs(2);
/// After a failure the follower tries again so much later.
const RETRY: Duration = Duration::from_secs(5);
/// How often a waiting follower looks whether it is to end.
const SHUTDOWN_GLANCE: Duration = Duration::from_millis(200);
/// Differences that a verification names.
const DIFFERENCES_MAX: usize = 20;

/// Where the indexes are and what they are made with.
#[derive(Clone, Debug)]
pub struct IndexConfig {
    pub dir: PathBuf,
    /// The active embedder's id.
    pub model: String,
    pub dimensions: usize,
    /// What the lexical writer may fill before it writes a segment; held only while there is something to write.
    pub writer_memory_bytes: usize,
}

impl IndexConfig {
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, model: impl Into<String>, dimensions: usize) -> Self {
        Self { dir: dir.into(), model: model.into(), dimensions, writer_memory_bytes: 48 << 20 }
    }
}

/// What a rebuild made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    pub workspace: WorkspaceId,
    pub documents: usize,
    pub chunks: usize,
}

/// How an index compares with one that was made anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    pub workspace: WorkspaceId,
    pub chunks: usize,
    /// In words; empty where the two are equal. Not more than 20.
    pub differences: Vec<String>,
}

/// The indexes of all workspaces. Share it in an `Arc`.
#[derive(Debug)]
pub struct Indexes {
    ground: Arc<dyn Ground>,
    shelf: Mutex<Shelf>,
    published: RwLock<HashMap<WorkspaceId, Arc<Snapshot>>>,
    empty: Arc<Snapshot>,
    applied: Mutex<i64>,
    applied_moved: Condvar,
    /// Set when there may be news for the follower.
    poked: Mutex<bool>,
    news: Condvar,
    /// Held while a workspace is built anew.
    rebuilding: Mutex<()>,
}

impl Indexes {
    /// Opens what is on disk; what does not hold together is read again by the next `catch_up`.
    pub fn open(config: IndexConfig, ground: impl Ground + 'static) -> Result<Self> {
        let ground: Arc<dyn Ground> = Arc::new(ground);
        let IndexConfig { dir, model, dimensions, writer_memory_bytes } = config;
        let mut shelf = Shelf::open(&dir, Arc::clone(&ground), &model, dimensions, writer_memory_bytes)?;
        let mut published = HashMap::new();
        for workspace in shelf.workspaces() {
            shelf.publish(workspace, &mut |id, snapshot| {
                published.extend(snapshot.map(|snapshot| (id, snapshot)));
            })?;
        }
        Ok(Self {
            ground,
            applied: Mutex::new(shelf.applied()),
            shelf: Mutex::new(shelf),
            published: RwLock::new(published),
            empty: Arc::new(Snapshot::empty(&model, dimensions, Lexical::empty_view()?)),
            applied_moved: Condvar::new(),
            poked: Mutex::new(true),
            news: Condvar::new(),
            rebuilding: Mutex::new(()),
        })
    }

    /// A consistent view of a workspace; an empty one if nothing of it is indexed.
    #[must_use]
    pub fn snapshot(&self, workspace: WorkspaceId) -> Arc<Snapshot> {
        self.published.read().get(&workspace).cloned().unwrap_or_else(|| Arc::clone(&self.empty))
    }

    /// Applies all feed entries there are and returns the position of the last.
    pub fn catch_up(&self) -> Result<i64> {
        let mut shelf = self.shelf.lock();
        let outcome = shelf.catch_up(&mut |workspace, snapshot| self.publish(workspace, snapshot));
        *self.applied.lock() = shelf.applied();
        self.applied_moved.notify_all();
        outcome
    }

    /// The position up to which the feed is applied.
    #[must_use]
    pub fn applied(&self) -> i64 {
        *self.applied.lock()
    }

    /// Waits until `position` is applied; fails with `index_behind` after `timeout`.
    pub fn wait_for(&self, position: i64, timeout: Duration) -> Result<()> {
        let deadline = Instant::now() + timeout;
        let mut applied = self.applied.lock();
        while *applied < position {
            if self.applied_moved.wait_until(&mut applied, deadline).timed_out() && *applied < position {
                return Err(Error::timeout(
                    "index_behind",
                    format!("the index is at {} and not yet at {position}; ask again later", *applied),
                ));
            }
        }
        Ok(())
    }

    /// Tells the follower that the feed may have grown. Cheap; call it after every commit.
    pub fn poke(&self) {
        *self.poked.lock() = true;
        self.news.notify_all();
    }

    /// Follows the feed until the shutdown: catches up when poked, gives memory back when idle, and builds
    /// workspaces anew in the background when too much of them is dead or the model has changed.
    pub fn run(&self, shutdown: &Shutdown) {
        std::thread::scope(|scope| {
            while !shutdown.is_requested() {
                let pause = self.follow_once();
                if self.begins_maintenance() {
                    scope.spawn(|| self.maintain(shutdown));
                }
                self.wait_for_news(pause, shutdown);
            }
        });
        self.release();
    }

    /// Builds one workspace, or all, anew from the feed while the old index goes on serving.
    pub fn rebuild(&self, workspace: Option<WorkspaceId>) -> Result<Vec<Rebuilt>> {
        let workspaces =
            workspace.map_or_else(|| self.shelf.lock().workspaces(), |workspace| vec![workspace]);
        workspaces.into_iter().map(|workspace| self.rebuild_one(workspace, &|| false)).collect()
    }

    /// Compares a workspace's index, or all, with one made anew from the feed.
    pub fn verify(&self, workspace: Option<WorkspaceId>) -> Result<Vec<Verified>> {
        self.catch_up()?;
        let workspaces =
            workspace.map_or_else(|| self.shelf.lock().workspaces(), |workspace| vec![workspace]);
        workspaces.into_iter().map(|workspace| self.verify_one(workspace)).collect()
    }

    /// Builds anew the workspaces for which that is due. `run` does it by itself.
    pub fn maintain(&self, shutdown: &Shutdown) {
        let overdue = self.shelf.lock().overdue();
        for workspace in overdue {
            let compact = || match self.rebuild_one(workspace, &|| shutdown.is_requested()) {
                Ok(made) => Ok(format!("the index of {workspace} was built anew, {} passages", made.chunks)),
                Err(error) if error.code == "index_stopped" => Ok("stopped with the program".to_owned()),
                Err(error) => Err(error),
            };
            // A failure is noted and logged there; it is due again with the next change.
            let _ = round(&Clock::system(), "compact-indexes", compact);
            if shutdown.is_requested() {
                return;
            }
        }
    }

    /// Gives the memory for writing back; the next change takes it again.
    pub fn release(&self) {
        let mut shelf = self.shelf.lock();
        let released = shelf.release(&mut |workspace, snapshot| self.publish(workspace, snapshot));
        if let Err(error) = released {
            tracing::warn!(reason = error.chain(), "an index writer did not end well");
        }
    }

    fn publish(&self, workspace: WorkspaceId, snapshot: Option<Arc<Snapshot>>) {
        let mut published = self.published.write();
        match snapshot {
            Some(snapshot) => published.insert(workspace, snapshot),
            None => published.remove(&workspace),
        };
    }

    /// Catches up and says how long to wait for news.
    fn follow_once(&self) -> Duration {
        *self.poked.lock() = false;
        match self.catch_up() {
            Ok(_) => IDLE,
            Err(error) => {
                tracing::warn!(
                    code = error.code,
                    reason = error.chain(),
                    "the index could not follow the feed"
                );
                RETRY
            }
        }
    }

    /// Whether a workspace is due to be built anew and nobody is at it.
    fn begins_maintenance(&self) -> bool {
        self.rebuilding.try_lock().is_some() && !self.shelf.lock().overdue().is_empty()
    }

    /// Returns at news or shutdown; after a silent `pause` gives memory back, or returns if there was a failure.
    fn wait_for_news(&self, pause: Duration, shutdown: &Shutdown) {
        if self.waits_in_vain(Some(pause), shutdown) && pause != RETRY {
            self.release();
            self.waits_in_vain(None, shutdown);
        }
    }

    /// Waits for news; true if `longest` passed without.
    fn waits_in_vain(&self, longest: Option<Duration>, shutdown: &Shutdown) -> bool {
        let start = Instant::now();
        let mut poked = self.poked.lock();
        while !*poked && !shutdown.is_requested() {
            if longest.is_some_and(|longest| start.elapsed() >= longest) {
                return true;
            }
            self.news.wait_for(&mut poked, SHUTDOWN_GLANCE);
        }
        false
    }

    fn rebuild_one(&self, workspace: WorkspaceId, stop: &dyn Fn() -> bool) -> Result<Rebuilt> {
        let _one_at_a_time = self.rebuilding.lock();
        let (folder, model, dimensions, memory) = self.plan(workspace, None);
        let replay = Replay { ground: self.ground.as_ref(), workspace, model: &model };
        let head = self.ground.head()?;
        let built = replay.build(&folder, dimensions, memory, head, stop);
        let Some(mut generation) = built.inspect_err(|_| discard(&folder))? else {
            return Ok(Rebuilt { workspace, documents: 0, chunks: 0 });
        };
        let mut shelf = self.shelf.lock();
        let until = shelf.applied().max(head);
        replay.follow(&mut generation, until)?;
        let chunks = generation.documents().live().count();
        let documents = generation.documents().len();
        generation.release()?;
        shelf.replace(workspace, &folder, generation)?;
        shelf.publish(workspace, &mut |workspace, snapshot| self.publish(workspace, snapshot))?;
        Ok(Rebuilt { workspace, documents, chunks })
    }

    fn verify_one(&self, workspace: WorkspaceId) -> Result<Verified> {
        let _one_at_a_time = self.rebuilding.lock();
        let (folder, model, dimensions, memory) = self.plan(workspace, Some("verify"));
        discard(&folder);
        let replay = Replay { ground: self.ground.as_ref(), workspace, model: &model };
        let verified = (|| {
            let mut fresh = replay.build(&folder, dimensions, memory, self.applied(), &|| false)?;
            let mut shelf = self.shelf.lock();
            let held = shelf.generation(workspace).map(|held| held.snapshot()).transpose()?;
            let until = shelf.applied();
            let fresh = match &mut fresh {
                Some(fresh) => {
                    replay.follow(fresh, until)?;
                    content_of(&fresh.snapshot()?)?
                }
                None => Default::default(),
            };
            let held_content = held.as_ref().map(content_of).transpose()?.unwrap_or_default();
            let mut differences = differences(&held_content, &fresh, DIFFERENCES_MAX);
            let damaged = held.map_or(0, |held| held.dense_part().damaged_codes());
            if damaged > 0 {
                differences.push(format!("{damaged} code files are damaged"));
            }
            Ok(Verified { workspace, chunks: fresh.len(), differences })
        })();
        discard(&folder);
        verified
    }

    /// Where and with what a workspace is built.
    fn plan(&self, workspace: WorkspaceId, name: Option<&str>) -> (PathBuf, String, usize, usize) {
        let shelf = self.shelf.lock();
        let folder = shelf.new_folder(workspace);
        let folder = name.map_or(folder.clone(), |name| folder.with_file_name(name));
        (folder, shelf.model.clone(), shelf.dimensions, shelf.writer_memory_bytes)
    }
}

impl Drop for Indexes {
    fn drop(&mut self) {
        self.release();
    }
}

fn discard(folder: &std::path::Path) {
    if folder.exists() && std::fs::remove_dir_all(folder).is_err() {
        tracing::warn!(folder = %folder.display(), "a folder of the index could not be removed");
    }
}

#[cfg(test)]
mod tests;
