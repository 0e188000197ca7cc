//! What goes with time, category by category, each as a round whose last result can be seen at `/v1/ops/tasks`.
//!
//! Keeps true: each commit is small, so that others are not kept waiting; a category that fails holds up no other; nothing is
//! cleaned away that a restore is bringing back at the same time.

use std::time::Duration;

use ibid_flow::KeepPolicy;
use ibid_runtime::{Shutdown, round};
use ibid_types::Result;
use parking_lot::Mutex;

use crate::backups::drill;
use crate::{App, kept, scrub};

/// Between two rounds of clean-up.
const CLEANUP_EVERY: Duration = Duration::from_secs(10 * 60);
/// Some things are looked for once in so many rounds: about once a day.
const DAILY_ROUNDS: usize = 144;
/// Documents, jobs or alerts removed in one commit.
const SLICE: usize = 64;
const VECTORS_SLICE: usize = 2048;
const DAY_MS: i64 = 24 * 3600 * 1000;
/// How long ended jobs stay in listings, and alerts that are over; incidents stay.
const JOBS_KEPT_MS: i64 = 7 * DAY_MS;
const ALERTS_KEPT_MS: i64 = 90 * DAY_MS;
/// Reports of rehearsals that are kept: two years of weekly ones.
const DRILLS_KEPT: usize = 104;
/// Under which key all checkpoints and texts were brought.
const KEY_SETTING: &str = "sealing_key";

/// Held by a round of the clean-up, and by what must not be cleaned away while it works.
pub static CLEANING: Mutex<()> = Mutex::new(());

type Work = fn(&App, &Shutdown) -> Result<String>;

/// Every ten minutes.
const OFTEN: [(&str, Work); 9] = [
    ("clean-documents", documents),
    ("clean-jobs", jobs),
    ("clean-runs", runs),
    ("clean-answers", |app, _| {
        Ok(format!("{} kept answers erased", kept::clean_up(&app.config, &app.store)?))
    }),
    ("clean-alerts", alerts),
    ("fade-memories", memories),
    ("clean-sessions", |app, _| Ok(format!("{} sessions that are over were removed", sessions_over(app)?))),
    ("change-signing-keys", signing_keys),
    ("change-keys", reencrypt),
];

/// About once a day, beginning a day after the start, which has compared every page and every file of an index with its sum.
const COMPARED: [(&str, Work); 2] = [("check-database", scrub::database), ("check-indexes", scrub::indexes)];

/// About once a day, beginning at the start.
const DAILY: [(&str, Work); 4] = [
    ("check-originals", scrub::originals),
    ("clean-originals", originals),
    ("clean-vectors", vectors),
    ("clean-drills", drills),
];

/// Cleans up now and then until the shutdown.
pub fn run(app: &App, shutdown: &Shutdown) {
    for number in 0_usize.. {
        one_round(app, number, shutdown);
        if shutdown.wait_timeout(CLEANUP_EVERY) {
            return;
        }
    }
}

/// Lets the next round look at all checkpoints and texts again: some came that may be under another key.
pub fn reencrypt_again(app: &App) -> Result<()> {
    app.store.setting_set(KEY_SETTING, "")
}

fn memories(app: &App, _shutdown: &Shutdown) -> Result<String> {
    let ibid_memory::Faded { archived, facts, episodes, records } = app.memory.fade()?;
    Ok(format!(
        "{archived} facts left recall; {facts} facts, {episodes} episodes and {records} records removed"
    ))
}

fn signing_keys(app: &App, _shutdown: &Shutdown) -> Result<String> {
    let is_changed = crate::identity::tokens::rotate_when_due(app)?;
    Ok(if is_changed { "tokens are signed with a new key" } else { "not due" }.to_owned())
}

/// Also forgets the pace of callers that went away, and blocks that are over.
fn sessions_over(app: &App) -> Result<u64> {
    app.pace.forget();
    app.store.blocks_cleanup()?;
    app.store.sessions_cleanup()
}

fn one_round(app: &App, number: usize, shutdown: &Shutdown) {
    let is_daily = number.is_multiple_of(DAILY_ROUNDS);
    let daily: &[(&'static str, Work)] = if is_daily { &DAILY } else { &[] };
    let compared: &[(&'static str, Work)] = if is_daily && number > 0 { &COMPARED } else { &[] };
    for (task, work) in OFTEN.iter().chain(daily).chain(compared) {
        if shutdown.is_requested() {
            return;
        }
        let _alone = CLEANING.lock();
        // The failure is noted and logged there; the next category is to have its turn.
        let _ = round(&app.clock, task, || work(app, shutdown));
    }
}

fn documents(app: &App, shutdown: &Shutdown) -> Result<String> {
    let (mut documents, mut originals) = (0, 0);
    while !shutdown.is_requested() {
        let garbage = app.store.cleanup(SLICE)?;
        documents += garbage.documents;
        originals += delete_unnamed(app, garbage.blobs)?;
        if garbage.documents < SLICE {
            break;
        }
    }
    Ok(format!("{documents} deleted documents and {originals} originals removed"))
}

fn jobs(app: &App, shutdown: &Shutdown) -> Result<String> {
    let before = app.clock.now().plus_ms(-JOBS_KEPT_MS);
    let removed = slices(shutdown, || app.store.jobs_cleanup(before, SLICE))?;
    Ok(format!("{removed} ended jobs removed"))
}

fn runs(app: &App, shutdown: &Shutdown) -> Result<String> {
    let flow = &app.config.flow;
    let policy = KeepPolicy { keep_days: flow.keep_days, thin_days: flow.thin_days };
    let cleaned = app.runner().clean_up(policy, shutdown)?;
    Ok(format!(
        "{} runs and {} threads removed, checkpoints of {} runs thinned",
        cleaned.runs, cleaned.threads, cleaned.thinned
    ))
}

fn alerts(app: &App, shutdown: &Shutdown) -> Result<String> {
    let before = app.clock.now().plus_ms(-ALERTS_KEPT_MS);
    let removed = slices(shutdown, || app.store.alerts_cleanup(before, SLICE))?;
    Ok(format!("{removed} alerts and silences that are over removed"))
}

/// Brings stored checkpoints under the first key, once for each first key.
fn reencrypt(app: &App, shutdown: &Shutdown) -> Result<String> {
    let Some(first) = app.config.flow.keys.first().map(|key| key.id.to_string()) else {
        return Ok("no key is configured".to_owned());
    };
    if app.store.setting_get(KEY_SETTING)?.as_ref() == Some(&first) {
        return Ok(format!("all is under key {first}"));
    }
    let done = app.runner().reencrypt(shutdown)?;
    if !shutdown.is_requested() {
        app.store.setting_set(KEY_SETTING, &first)?;
    }
    Ok(format!(
        "{} checkpoints, {} values and {} texts came under key {first}",
        done.checkpoints, done.values, done.texts
    ))
}

fn originals(app: &App, _shutdown: &Shutdown) -> Result<String> {
    let all = app.blobs.list()?;
    let looked_at = all.len();
    let removed = delete_unnamed(app, all)?;
    Ok(format!("{removed} of {looked_at} originals removed, which no document names"))
}

/// Vectors of former embedders, unless a change is on its way.
fn vectors(app: &App, shutdown: &Shutdown) -> Result<String> {
    if app.former_embedder.is_some() {
        return Ok("a change of embedder is on its way".to_owned());
    }
    let model = &app.embedder.spec().id;
    let mut removed = 0;
    while !shutdown.is_requested() {
        let slice = app.store.embeddings_of_others_delete(model, VECTORS_SLICE)?;
        removed += slice;
        if slice < VECTORS_SLICE {
            break;
        }
    }
    Ok(format!("{removed} vectors of former embedders removed"))
}

fn drills(app: &App, _shutdown: &Shutdown) -> Result<String> {
    let removed = drill::forget_old(&app.config.data.dir, DRILLS_KEPT);
    Ok(format!("{removed} reports of rehearsals removed"))
}

/// Repeats what removes a slice until there is less than one left.
fn slices(shutdown: &Shutdown, mut remove: impl FnMut() -> Result<usize>) -> Result<usize> {
    let mut removed = 0;
    while !shutdown.is_requested() {
        let slice = remove()?;
        removed += slice;
        if slice < SLICE {
            break;
        }
    }
    Ok(removed)
}

/// Uploads write bytes before the row that names them, so none may be on its way while unnamed bytes are deleted.
fn delete_unnamed(app: &App, contents: Vec<ibid_types::ContentHash>) -> Result<usize> {
    let mut deleted = 0;
    for slice in contents.chunks(SLICE) {
        let _no_uploads = app.uploads.write();
        for content in app.store.unnamed(slice.to_vec())? {
            app.blobs.delete(&content)?;
            deleted += 1;
        }
    }
    Ok(deleted)
}
