//! A document, a thread, somebody's memory or a workspace back from the backup into the living library.
//!
//! Keeps true: whoever brings something back learns of it what they may read, and its id; the moment is restored beside the library, and what came later stays as it is; an original is in the library before
//! the rows that name it; a scratch folder that a crash left behind is removed by the next restore.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ibid_blob::Blobs;
use ibid_memory::{BringBack, Returned};
use ibid_store::{Part, PartHeld, PartNamed, Sqlite, SqliteConfig, Store};
use ibid_types::access::Permission;
use ibid_types::memory::Owner;
use ibid_types::{Class, ContentHash, DocumentId, Error, Result, RunId, ThreadId, Timestamp, WorkspaceId};
use parking_lot::Mutex;
use serde::Serialize;

use super::Backups;
use crate::access::Caller;
use crate::app::{App, database};
use crate::{clean_up, engine, upkeep};

/// The scratch folder, below the data directory; one restore uses it at a time.
const SCRATCH: &str = "restoring";
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
/// How long what was committed may take to arrive in the backup before the restore goes on without it.
const ARRIVES_WITHIN: Duration = Duration::from_secs(5);
/// Things that are named in an answer; all of them are counted.
const NAMED_MAX: usize = 1000;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// `latest`, a time, or the number of a commit.
    pub to: String,
    /// `document=ID_OR_SOURCE`, `thread=ID`, `memory=OWNER` or `workspace=NAME`.
    pub only: String,
    /// Of a document's source, where more than one has it; of a memory.
    pub workspace: Option<String>,
    /// Also what people have had forgotten since that moment.
    pub forgotten: bool,
    pub is_dry_run: bool,
}

/// What came back, or would.
#[derive(Clone, Debug, Serialize)]
pub struct Back {
    pub is_dry_run: bool,
    /// The state that it came from.
    pub commit: u64,
    pub at: Timestamp,
    pub documents: usize,
    pub threads: usize,
    /// Runs of no thread.
    pub runs: usize,
    /// People and keys whose memory came back, and how much of it.
    pub memories: usize,
    pub episodes: usize,
    pub entities: usize,
    pub facts: usize,
    /// Turns that were not over at that moment, and stay away.
    pub turns_away: usize,
    /// Originals that no backup has. Their documents are searched and cited as before.
    pub originals_missing: usize,
    /// The first 1,000.
    pub items: Vec<Item>,
    /// What could not come back.
    pub failures: Vec<Failure>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Item {
    pub kind: &'static str,
    pub id: String,
    /// For those who may read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it takes the place of something.
    pub is_there: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    pub kind: &'static str,
    pub id: String,
    pub code: &'static str,
    pub reason: String,
    #[serde(skip)]
    class: Class,
}

/// Restores the rows of the moment into a scratch folder and brings the part over. Errors: `restore_part_malformed`,
/// `restore_part_unknown`, `restore_part_ambiguous`, those of a restore; for a single document or thread also `restore_busy`,
/// `restore_conflict` and `checkpoint_key_missing`, which of a workspace are told for each thing.
pub fn run(app: &Caller, wanted: &Wanted) -> Result<Back> {
    let part = part_of(wanted)?;
    let moment = wanted.to.parse()?;
    let backups = Backups::open(&app.config, None)?;
    let _alone = ONE_AT_A_TIME.lock();
    if let Some(backup) = &app.backup {
        backup.ship()?;
        backup.drained(ARRIVES_WITHIN);
    }
    let scratch = app.config.data.dir.join(SCRATCH);
    let _ = fs::remove_dir_all(&scratch);
    let outcome = backups.restore_rows(moment, &scratch).and_then(|restored| {
        let mut back = Back::of(wanted, restored.commit, restored.at);
        let from = opened(app, &scratch)?;
        bring(app, &backups, &part, &from, wanted.forgotten, &mut back)?;
        Ok(back)
    });
    let _ = fs::remove_dir_all(&scratch);
    outcome
}

impl Back {
    const fn of(wanted: &Wanted, commit: u64, at: Timestamp) -> Self {
        Self {
            is_dry_run: wanted.is_dry_run,
            commit,
            at,
            documents: 0,
            threads: 0,
            runs: 0,
            memories: 0,
            episodes: 0,
            entities: 0,
            facts: 0,
            turns_away: 0,
            originals_missing: 0,
            items: Vec::new(),
            failures: Vec::new(),
        }
    }

    const fn remember(&mut self, returned: &Returned) {
        self.memories += 1;
        self.episodes += returned.episodes;
        self.entities += returned.entities;
        self.facts += returned.facts;
    }

    fn name(&mut self, kind: &'static str, id: String, named: PartNamed, is_shown: bool) {
        if self.items.len() < NAMED_MAX {
            let name = is_shown.then_some(named.name);
            self.items.push(Item { kind, id, name, is_there: named.is_there });
        }
    }
}

/// The restored library, with its tables brought to this program's version.
fn opened(app: &App, scratch: &Path) -> Result<Store> {
    let database = Sqlite::open(SqliteConfig::new(database(scratch)))?;
    let sealer = Arc::new(engine::codec(&app.config));
    Ok(Store::new(Arc::new(database), app.clock.clone()).with_sealer(sealer))
}

fn bring(
    app: &Caller,
    backups: &Backups,
    part: &Part,
    from: &Store,
    forgotten: bool,
    back: &mut Back,
) -> Result<()> {
    let held = from.part_held(part)?;
    // What was deleted a moment ago must not be cleaned away while it comes back.
    let _no_clean_up = clean_up::CLEANING.lock();
    let is_single = !matches!(part, Part::Workspace(_));
    bring_all(app, backups, from, &held, back);
    for (workspace, owner) in &held.memories {
        let asked =
            BringBack { workspace: *workspace, owner: *owner, forgotten, is_dry_run: back.is_dry_run };
        match bring_memory(app, from, &asked, back) {
            Ok(returned) => back.remember(&returned),
            Err(error) => back.failures.push(Failure::of("memory", owner.to_string(), &error)),
        }
    }
    if is_single && let Some(failure) = back.failures.first() {
        return Err(failure.to_error());
    }
    if back.is_dry_run {
        return Ok(());
    }
    if back.threads + back.runs > 0 {
        clean_up::reencrypt_again(app)?;
    }
    indexed(app)
}

fn bring_all(app: &Caller, backups: &Backups, from: &Store, held: &PartHeld, back: &mut Back) {
    for id in &held.documents {
        match bring_document(app, backups, from, *id, back) {
            Ok(()) => back.documents += 1,
            Err(error) => back.failures.push(Failure::of("document", id.to_string(), &error)),
        }
    }
    for id in &held.threads {
        match bring_thread(app, from, *id, back) {
            Ok(()) => back.threads += 1,
            Err(error) => back.failures.push(Failure::of("thread", id.to_string(), &error)),
        }
    }
    for id in &held.runs {
        match bring_run(app, from, *id, back) {
            Ok(()) => back.runs += 1,
            Err(error) => back.failures.push(Failure::of("run", id.to_string(), &error)),
        }
    }
}

fn bring_document(
    app: &Caller,
    backups: &Backups,
    from: &Store,
    id: DocumentId,
    back: &mut Back,
) -> Result<()> {
    let named = app.store.document_named(from, id)?;
    let is_shown = app.rights().may_in(named.workspace, Permission::Read)
        && app.readable(named.workspace)?.holds(&named.readers);
    back.name("document", id.to_string(), named, is_shown);
    if back.is_dry_run {
        return Ok(());
    }
    // So that no clean-up takes bytes away before rows name them.
    let _originals_stay = app.uploads.read();
    for hash in from.document_contents(id)? {
        if !keep(app.blobs.as_ref(), backups, &hash)? {
            back.originals_missing += 1;
        }
    }
    app.store.document_merge(from, id)
}

fn bring_thread(app: &Caller, from: &Store, id: ThreadId, back: &mut Back) -> Result<()> {
    let named = app.store.thread_named(from, id)?;
    let is_shown = app.sees_in(named.workspace, named.owner.as_deref(), false);
    back.name("thread", id.to_string(), named, is_shown);
    if !back.is_dry_run {
        back.turns_away += app.store.thread_merge(from, id)?;
    }
    Ok(())
}

fn bring_run(app: &Caller, from: &Store, id: RunId, back: &mut Back) -> Result<()> {
    let named = app.store.run_named(from, id)?;
    let is_shown = app.sees_in(named.workspace, named.owner.as_deref(), true);
    back.name("run", id.to_string(), named, is_shown);
    if back.is_dry_run { Ok(()) } else { app.store.run_merge(from, id) }
}

/// Nobody learns of it more than how much it is.
fn bring_memory(app: &Caller, from: &Store, asked: &BringBack, back: &mut Back) -> Result<Returned> {
    let is_there = has_memory(app, asked.workspace, asked.owner)?;
    if back.items.len() < NAMED_MAX {
        back.items.push(Item { kind: "memory", id: asked.owner.to_string(), name: None, is_there });
    }
    app.memory.bring_back(from, asked)
}

fn has_memory(app: &App, workspace: WorkspaceId, owner: Owner) -> Result<bool> {
    let counts = app.store.memory_counts(workspace, &[owner])?;
    Ok(counts.episodes + counts.entities + counts.facts > 0)
}

/// Puts the original into the library, unless it is there whole; says whether there is one.
pub fn keep(blobs: &dyn Blobs, backups: &Backups, hash: &ContentHash) -> Result<bool> {
    if blobs.get(hash).is_ok() {
        return Ok(true);
    }
    match backups.original(hash) {
        Ok(bytes) => {
            // What is damaged would stay in its place.
            blobs.delete(hash)?;
            blobs.put(&bytes).map(|_| true)
        }
        Err(error) if ["backup_object_missing", "backup_damaged"].contains(&error.code) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The indexes follow, and passages that have no vector of the embedder of today get one.
fn indexed(app: &App) -> Result<()> {
    let is_changing = app.former_embedder.is_some();
    if !is_changing
        && app.store.chunks_missing_count(&app.embedder.spec().id)? > 0
        && let Err(error) = upkeep::changeover(app).finish()
    {
        tracing::warn!(
            code = error.code,
            reason = error.chain(),
            "restored passages are found by their words only"
        );
    }
    match app.wait_indexed(app.store.feed_head()?) {
        Err(error) if error.code == "index_behind" => Ok(()),
        outcome => outcome,
    }
}

impl Failure {
    fn of(kind: &'static str, id: String, error: &Error) -> Self {
        Self { kind, id, code: error.code, reason: error.chain(), class: error.class }
    }

    fn to_error(&self) -> Error {
        Error::new(self.class, self.code, self.reason.clone())
    }
}

fn part_of(wanted: &Wanted) -> Result<Part> {
    let malformed = |what: String| Error::bad_request("restore_part_malformed", what);
    match wanted.only.split_once('=') {
        Some(("document", name)) if !name.is_empty() => {
            Ok(Part::Document { named: name.to_owned(), workspace: wanted.workspace.clone() })
        }
        Some(("thread", id)) => {
            let what = |_| {
                malformed(format!("'{id}' is not the id of a thread; `/threads` in `ibid chat` shows ids"))
            };
            Ok(Part::Thread(id.parse().map_err(what)?))
        }
        Some(("workspace", name)) if !name.is_empty() => Ok(Part::Workspace(name.to_owned())),
        Some(("memory", owner)) => {
            let what =
                |_| malformed(format!("'{owner}' has no memory; use user:ID, key:ID, shared or machine"));
            let workspace = wanted.workspace.clone();
            Ok(Part::Memory { owner: owner.parse().map_err(what)?, workspace })
        }
        _ => Err(malformed(format!(
            "'{}' is none of document=ID_OR_SOURCE, thread=ID, memory=OWNER and workspace=NAME",
            wanted.only
        ))),
    }
}
