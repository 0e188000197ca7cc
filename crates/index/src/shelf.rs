//! `Shelf`: the folders of all workspaces' generations, and how feed entries are applied to them.
//!
//! Keeps true: a workspace's folder names its current generation in `current`; what else lies in it is left over
//! and removed. What cannot be opened is dropped, logged and read again from the feed's beginning.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ibid_types::{DocumentId, Result, WorkspaceId};

use crate::column::replace_file;
use crate::fault;
use crate::generation::Generation;
use crate::ground::{Change, Ground, Searchable, What};
use crate::snapshot::Snapshot;

/// Entries read from the feed at a time.
const ENTRIES_MAX: usize = 1024;
/// Chunks applied in one commit: at 2 kB each 16 MB in memory, and a commit costs a few percent of the work.
const COMMIT_CHUNKS: usize = 8192;
/// What was applied is committed, and can be found, within this time.
const COMMIT_WITHIN: Duration = Duration::from_millis(500);

/// Called with each new snapshot, or `None` when the workspace is gone.
pub(crate) type Publish<'a> = &'a mut dyn FnMut(WorkspaceId, Option<Arc<Snapshot>>);

#[derive(Debug)]
pub(crate) struct Shelf {
    dir: PathBuf,
    ground: Arc<dyn Ground>,
    generations: HashMap<WorkspaceId, Generation>,
    /// Feed entries up to this one are applied to all workspaces but the stale.
    applied: i64,
    /// Workspaces that must be read again from the beginning.
    stale: BTreeSet<WorkspaceId>,
    pub(crate) model: String,
    pub(crate) dimensions: usize,
    pub(crate) writer_memory_bytes: usize,
}

/// Documents that changed, fetched together.
#[derive(Default)]
struct Batch {
    gone: Vec<(WorkspaceId, DocumentId)>,
    found: BTreeMap<WorkspaceId, Vec<Searchable>>,
    position: i64,
}

/// What was applied and is not yet committed. While the feed goes on growing, the commit waits for more of it: it
/// costs some waits for the disk and a segment of the lexical part, however little it holds.
struct Open {
    touched: BTreeSet<WorkspaceId>,
    chunks: usize,
    position: i64,
    since: Instant,
}

impl Open {
    fn after(position: i64) -> Self {
        Self { touched: BTreeSet::new(), chunks: 0, position, since: Instant::now() }
    }

    fn is_due(&self) -> bool {
        self.chunks >= COMMIT_CHUNKS || self.since.elapsed() >= COMMIT_WITHIN
    }
}

impl Shelf {
    /// Opens every workspace's generation.
    pub(crate) fn open(
        dir: &Path,
        ground: Arc<dyn Ground>,
        model: &str,
        dimensions: usize,
        writer_memory_bytes: usize,
    ) -> Result<Self> {
        fs::create_dir_all(dir).map_err(|error| fault::write("create the index folder", error))?;
        let mut shelf = Self {
            dir: dir.to_owned(),
            ground,
            generations: HashMap::new(),
            applied: load_cursor(&dir.join("cursor")),
            stale: BTreeSet::new(),
            model: model.to_owned(),
            dimensions,
            writer_memory_bytes,
        };
        for workspace in shelf.workspaces_on_disk()? {
            shelf.open_workspace(workspace);
        }
        shelf.notice_restored_store()?;
        Ok(shelf)
    }

    pub(crate) const fn applied(&self) -> i64 {
        self.applied
    }

    pub(crate) fn workspaces(&self) -> Vec<WorkspaceId> {
        self.generations.keys().copied().collect()
    }

    pub(crate) fn generation(&mut self, workspace: WorkspaceId) -> Option<&mut Generation> {
        self.generations.get_mut(&workspace)
    }

    /// Workspaces that should be built anew: too much is dead, or the vectors are of another model.
    pub(crate) fn overdue(&self) -> Vec<WorkspaceId> {
        let overdue = |generation: &Generation| {
            generation.wants_compaction()
                || (generation.model() != self.model && !generation.documents().is_empty())
        };
        let mut found: Vec<WorkspaceId> = self
            .generations
            .iter()
            .filter(|(_, generation)| overdue(generation))
            .map(|(id, _)| *id)
            .collect();
        found.sort_unstable();
        found
    }

    /// Applies all there is in the feed.
    pub(crate) fn catch_up(&mut self, publish: Publish<'_>) -> Result<i64> {
        while let Some(workspace) = self.stale.first().copied() {
            self.read_again(workspace, publish)?;
        }
        let mut open = Open::after(self.applied);
        let followed = self.follow(&mut open, publish);
        if followed.is_err() {
            // Memory is ahead of the disk: what was not committed is applied again.
            open.touched.iter().for_each(|workspace| self.reopen(*workspace));
        }
        followed.map(|()| self.applied)
    }

    /// Publishes the current state of a workspace.
    pub(crate) fn publish(&mut self, workspace: WorkspaceId, publish: Publish<'_>) -> Result<()> {
        if let Some(generation) = self.generations.get_mut(&workspace) {
            publish(workspace, Some(Arc::new(generation.snapshot()?)));
        }
        Ok(())
    }

    /// Gives the memory for writing back.
    pub(crate) fn release(&mut self, publish: Publish<'_>) -> Result<()> {
        for workspace in self.workspaces() {
            let merged = self.generations.get_mut(&workspace).map_or(Ok(false), Generation::release)?;
            if merged {
                self.publish(workspace, publish)?;
            }
        }
        Ok(())
    }

    /// A folder for a new generation, not yet current.
    pub(crate) fn new_folder(&self, workspace: WorkspaceId) -> PathBuf {
        let root = self.root(workspace);
        let taken = |number: &u32| root.join(format!("g{number:06}")).exists();
        let free = (1..u32::MAX).find(|number| !taken(number)).unwrap_or(u32::MAX);
        root.join(format!("g{free:06}"))
    }

    /// Makes the generation in `folder` the current one and removes the others.
    pub(crate) fn replace(
        &mut self,
        workspace: WorkspaceId,
        folder: &Path,
        generation: Generation,
    ) -> Result<()> {
        let root = self.root(workspace);
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        replace_file(&root.join("current"), name.as_bytes())?;
        self.generations.insert(workspace, generation);
        self.stale.remove(&workspace);
        remove_others(&root, &name);
        Ok(())
    }

    /// Applies and commits until the feed has nothing more.
    fn follow(&mut self, open: &mut Open, publish: Publish<'_>) -> Result<()> {
        loop {
            let changes = self.ground.changes(open.position, ENTRIES_MAX)?;
            if !changes.is_empty() {
                self.apply(&changes, open, publish)?;
            } else if open.position == self.applied {
                return Ok(());
            } else {
                self.commit_open(open, publish)?;
            }
        }
    }

    fn apply(&mut self, changes: &[Change], open: &mut Open, publish: Publish<'_>) -> Result<()> {
        let mut rest = changes;
        while let Some(first) = rest.first() {
            if matches!(first.what, What::Model(_) | What::WorkspaceGone) {
                self.commit_open(open, publish)?;
            }
            match &first.what {
                What::Model(model) => self.model.clone_from(model),
                What::WorkspaceGone => self.forget(first.workspace, publish)?,
                What::Document(_) | What::Other => {}
            }
            let (batch, taken) =
                fetch(self.ground.as_ref(), rest, &|workspace| self.model_of(workspace), None)?;
            self.apply_batch(batch, open, publish)?;
            rest = &rest[taken..];
        }
        Ok(())
    }

    /// Until a workspace is built anew for another model, it takes vectors of its own.
    fn model_of(&self, workspace: WorkspaceId) -> &str {
        self.generations.get(&workspace).map_or(&self.model, Generation::model)
    }

    /// Applies the batch; it is committed with those after it, which `open` is to remember.
    fn apply_batch(&mut self, batch: Batch, open: &mut Open, publish: Publish<'_>) -> Result<()> {
        if !batch.gone.is_empty() {
            // What is published below must hold nothing that is not committed.
            self.commit_open(open, publish)?;
        }
        let mut reduced = BTreeSet::new();
        for (workspace, document) in batch.gone {
            let Some(generation) = self.generations.get_mut(&workspace) else { continue };
            if generation.remove(document)? {
                open.touched.insert(workspace);
                reduced.insert(workspace);
            }
        }
        // What was deleted is dead before the slower work begins.
        for workspace in reduced {
            self.publish(workspace, publish)?;
        }
        for (workspace, documents) in &batch.found {
            open.touched.insert(*workspace);
            self.put_all(*workspace, documents)?;
            open.chunks += documents.iter().map(|document| document.chunks.len()).sum::<usize>();
        }
        open.position = batch.position;
        if open.is_due() { self.commit_open(open, publish) } else { Ok(()) }
    }

    /// Commits what was applied since the last commit, and publishes it.
    fn commit_open(&mut self, open: &mut Open, publish: Publish<'_>) -> Result<()> {
        for workspace in &open.touched {
            self.commit(*workspace, open.position, publish)?;
        }
        *open = Open::after(open.position);
        if open.position != self.applied {
            self.applied = open.position;
            store_cursor(&self.dir.join("cursor"), open.position)?;
        }
        Ok(())
    }

    fn put_all(&mut self, workspace: WorkspaceId, documents: &[Searchable]) -> Result<()> {
        let generation = self.or_new(workspace, documents)?;
        documents.iter().try_for_each(|document| generation.put(document))
    }

    fn commit(&mut self, workspace: WorkspaceId, position: i64, publish: Publish<'_>) -> Result<()> {
        if let Some(generation) = self.generations.get_mut(&workspace) {
            generation.commit(position)?;
        }
        self.publish(workspace, publish)
    }

    /// Opens the generation again as it was committed.
    fn reopen(&mut self, workspace: WorkspaceId) {
        self.generations.remove(&workspace);
        self.open_workspace(workspace);
    }

    fn or_new(&mut self, workspace: WorkspaceId, documents: &[Searchable]) -> Result<&mut Generation> {
        if !self.generations.contains_key(&workspace) {
            let folder = self.new_folder(workspace);
            let dimensions = dimensions_of(documents).unwrap_or(self.dimensions);
            let generation = Generation::open(&folder, &self.model, dimensions, self.writer_memory_bytes)?;
            self.replace(workspace, &folder, generation)?;
        }
        self.generations.get_mut(&workspace).ok_or_else(|| fault::broken("a workspace has no generation"))
    }

    /// Reads the workspace again from the feed's beginning, into a new generation.
    fn read_again(&mut self, workspace: WorkspaceId, publish: Publish<'_>) -> Result<()> {
        tracing::info!(%workspace, "reading the workspace again from the feed");
        let folder = self.new_folder(workspace);
        let ground = Arc::clone(&self.ground);
        let source = Replay { ground: ground.as_ref(), workspace, model: &self.model };
        let built =
            source.build(&folder, self.dimensions, self.writer_memory_bytes, self.applied, &|| false)?;
        self.generations.remove(&workspace);
        match built {
            Some(generation) => self.replace(workspace, &folder, generation)?,
            None => self.forget(workspace, publish)?,
        }
        self.publish(workspace, publish)
    }

    fn forget(&mut self, workspace: WorkspaceId, publish: Publish<'_>) -> Result<()> {
        self.generations.remove(&workspace);
        self.stale.remove(&workspace);
        publish(workspace, None);
        match fs::remove_dir_all(self.root(workspace)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(fault::write("remove a workspace's index", error))
            }
            _ => Ok(()),
        }
    }

    fn open_workspace(&mut self, workspace: WorkspaceId) {
        let root = self.root(workspace);
        let opened = fs::read_to_string(root.join("current"))
            .map_err(|error| fault::broken("no generation is current").caused_by(error))
            .and_then(|name| {
                if !root.join(&name).join("manifest").exists() {
                    return Err(fault::broken(format!("there is no generation {name:?}")));
                }
                remove_others(&root, &name);
                Generation::open(&root.join(name), &self.model, self.dimensions, self.writer_memory_bytes)
            });
        match opened {
            Ok(generation) => {
                self.generations.insert(workspace, generation);
            }
            Err(error) => {
                tracing::warn!(%workspace, reason = error.chain(), "the index of a workspace is rebuilt");
                self.stale.insert(workspace);
            }
        }
    }

    /// A store that was restored from a backup has fewer entries than were applied: nothing here can be trusted.
    fn notice_restored_store(&mut self) -> Result<()> {
        let head = self.ground.head()?;
        if head < self.applied {
            tracing::warn!(
                head,
                applied = self.applied,
                "the store is older than its indexes; they are rebuilt"
            );
            self.stale.extend(self.generations.keys());
            self.generations.clear();
            self.applied = head;
            store_cursor(&self.dir.join("cursor"), head)?;
        }
        Ok(())
    }

    fn workspaces_on_disk(&self) -> Result<Vec<WorkspaceId>> {
        let entries =
            fs::read_dir(&self.dir).map_err(|error| fault::write("read the index folder", error))?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        Ok(names.filter_map(|name| WorkspaceId::from_str(&name).ok()).collect())
    }

    fn root(&self, workspace: WorkspaceId) -> PathBuf {
        self.dir.join(workspace.to_string())
    }
}

/// Builds a generation of one workspace from the feed's beginning.
pub(crate) struct Replay<'a> {
    pub(crate) ground: &'a dyn Ground,
    pub(crate) workspace: WorkspaceId,
    pub(crate) model: &'a str,
}

impl Replay<'_> {
    /// All documents as of `until`; `None` if the workspace has none. Ends with `index_stopped` when asked to stop.
    pub(crate) fn build(
        &self,
        folder: &Path,
        dimensions: usize,
        writer_memory_bytes: usize,
        until: i64,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Generation>> {
        let mut generation = None;
        self.walk(0, until, stop, &mut |documents, _, position| {
            if generation.is_none() {
                let dimensions = dimensions_of(&documents).unwrap_or(dimensions);
                generation = Some(Generation::open(folder, self.model, dimensions, writer_memory_bytes)?);
            }
            let Some(generation) = &mut generation else { return Ok(()) };
            documents.iter().try_for_each(|document| generation.put(document))?;
            generation.commit(position)
        })?;
        if let Some(generation) = &mut generation {
            generation.commit(until)?;
        }
        Ok(generation)
    }

    /// Brings a generation from its own position to `until`.
    pub(crate) fn follow(&self, generation: &mut Generation, until: i64) -> Result<()> {
        self.walk(generation.position(), until, &|| false, &mut |documents, gone, position| {
            for document in gone {
                generation.remove(document)?;
            }
            documents.iter().try_for_each(|document| generation.put(document))?;
            generation.commit(position)
        })?;
        generation.commit(until)
    }

    fn walk(
        &self,
        after: i64,
        until: i64,
        stop: &dyn Fn() -> bool,
        visit: &mut dyn FnMut(Vec<Searchable>, Vec<DocumentId>, i64) -> Result<()>,
    ) -> Result<()> {
        let mut at = after;
        while at < until {
            let mut changes = self.ground.changes(at, ENTRIES_MAX)?;
            changes.retain(|change| change.position <= until);
            let Some(last) = changes.last() else { return Ok(()) };
            at = last.position;
            let mut rest = changes.as_slice();
            while !rest.is_empty() {
                if stop() {
                    return Err(fault::stopped());
                }
                let (mut batch, taken) = fetch(self.ground, rest, &|_| self.model, Some(self.workspace))?;
                let documents = batch.found.remove(&self.workspace).unwrap_or_default();
                let gone = batch.gone.into_iter().map(|(_, document)| document).collect::<Vec<_>>();
                if !documents.is_empty() || !gone.is_empty() {
                    visit(documents, gone, batch.position)?;
                }
                rest = &rest[taken..];
            }
        }
        Ok(())
    }
}

/// Reads the documents of as many changes as fit a commit, and says how many changes that were. A change of
/// another kind than a document's stands at the front of a batch or ends it.
fn fetch<'a>(
    ground: &dyn Ground,
    changes: &[Change],
    model_of: &dyn Fn(WorkspaceId) -> &'a str,
    only: Option<WorkspaceId>,
) -> Result<(Batch, usize)> {
    let changes = if only.is_some() { changes } else { until_other_kind(changes) };
    let wanted = wanted(changes, only);
    let (mut batch, mut chunks, mut rest) = (Batch::default(), 0, wanted.as_slice());
    while let Some((_, workspace, _)) = rest.first().filter(|_| chunks < COMMIT_CHUNKS) {
        let alike: Vec<DocumentId> =
            rest.iter().take_while(|(_, of, _)| of == workspace).map(|(.., document)| *document).collect();
        let found = ground.searchables(&alike, model_of(*workspace), COMMIT_CHUNKS - chunks)?;
        let taken = found.len().min(alike.len());
        if taken == 0 {
            return Err(fault::broken("the store gave no answer for changed documents"));
        }
        for (document, found) in alike.into_iter().zip(found) {
            chunks += found.as_ref().map_or(0, |found| found.chunks.len());
            match found {
                Some(searchable) => batch.found.entry(*workspace).or_default().push(searchable),
                None => batch.gone.push((*workspace, document)),
            }
        }
        rest = &rest[taken..];
    }
    let taken = rest.first().map_or(changes.len(), |(place, ..)| *place);
    batch.position = taken.checked_sub(1).map_or(0, |last| changes[last].position);
    Ok((batch, taken))
}

/// The first change with the documents' changes after it.
fn until_other_kind(changes: &[Change]) -> &[Change] {
    let other = changes.iter().skip(1).position(|change| !matches!(change.what, What::Document(_)));
    &changes[..other.map_or(changes.len(), |other| other + 1)]
}

/// Each changed document once, with the place of its first change.
fn wanted(changes: &[Change], only: Option<WorkspaceId>) -> Vec<(usize, WorkspaceId, DocumentId)> {
    let mut seen = HashSet::new();
    let mut wanted = Vec::with_capacity(changes.len());
    for (place, change) in changes.iter().enumerate() {
        let What::Document(document) = change.what else { continue };
        if only.is_none_or(|only| only == change.workspace) && seen.insert(document) {
            wanted.push((place, change.workspace, document));
        }
    }
    wanted
}

/// The vectors say how long they are; the configuration only guesses before there is one.
fn dimensions_of(documents: &[Searchable]) -> Option<usize> {
    let mut vectors =
        documents.iter().flat_map(|document| &document.chunks).map(|(_, vector)| vector.len() / 2);
    vectors.find(|dimensions| *dimensions > 0)
}

fn remove_others(root: &Path, current: &str) {
    let Ok(entries) = fs::read_dir(root) else { return };
    for entry in entries.flatten() {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if !is_folder || entry.file_name() == current {
            continue;
        }
        if let Err(error) = fs::remove_dir_all(entry.path()) {
            tracing::warn!(path = %entry.path().display(), %error, "an old index folder stays");
        }
    }
}

/// A cursor that cannot be read is 0: all is applied again, which changes nothing.
fn load_cursor(path: &Path) -> i64 {
    let Ok(text) = fs::read_to_string(path) else { return 0 };
    let (position, sum) = text.split_once(' ').unwrap_or((&text, ""));
    let is_whole = sum == sum_of(position);
    position.parse().ok().filter(|_| is_whole).unwrap_or(0)
}

fn sum_of(position: &str) -> String {
    format!("{:08x}", crc32fast::hash(position.as_bytes()))
}

/// Without waiting for the disk: an older cursor is as good, for what is applied again changes nothing.
fn store_cursor(path: &Path, position: i64) -> Result<()> {
    let temporary = path.with_extension("new");
    let position = position.to_string();
    fs::write(&temporary, format!("{position} {}", sum_of(&position)))
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(|error| fault::write("write the index cursor", error))
}
