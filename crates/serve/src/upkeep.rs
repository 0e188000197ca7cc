//! Background work beside ingest: clean-up, and the change from one embedder to another.

use std::sync::Arc;
use std::time::Duration;

use ibid_flow::KeepPolicy;
use ibid_ingest::Changeover;
use ibid_runtime::Shutdown;
use ibid_types::Result;
use parking_lot::Mutex;

use crate::App;
use crate::embedder::{ACTIVE_SETTING, Active};

/// Between two rounds of clean-up.
const CLEANUP_EVERY: Duration = Duration::from_secs(10 * 60);
/// Bytes that no row names are looked for once in so many rounds: about once a day.
const SWEEP_ROUNDS: usize = 144;
/// Documents, jobs or vectors removed in one commit.
const SLICE: usize = 64;
const VECTORS_SLICE: usize = 2048;
/// How long ended jobs stay in listings.
const JOBS_KEPT_MS: i64 = 7 * 24 * 3600 * 1000;

/// Held by a round of the clean-up, and by what must not be cleaned away while it works.
pub static CLEANING: Mutex<()> = Mutex::new(());

/// Under which key all checkpoints and texts were brought.
const KEY_SETTING: &str = "sealing_key";

/// Between two samples of the metrics.
const SAMPLE_EVERY: Duration = Duration::from_secs(15);

/// Keeps a sample of every metric now and then until the shutdown, and the last at the end.
pub fn sample(app: &App, shutdown: &Shutdown) {
    loop {
        // The first at once, so that what grows from here on is seen.
        let is_last = shutdown.is_requested();
        sample_now(app);
        if is_last {
            return;
        }
        shutdown.wait_timeout(SAMPLE_EVERY);
    }
}

/// Keeps a sample of every metric.
pub fn sample_now(app: &App) {
    let Some(series) = app.series() else { return };
    app.metrics.observe(app);
    if let Err(error) = series.append(app.clock.now(), &app.metrics.registry().readings()) {
        tracing::warn!(code = error.code, reason = error.chain(), "a sample of the metrics was not kept");
    }
}

/// Cleans up now and then until the shutdown.
pub fn clean_up(app: &App, shutdown: &Shutdown) {
    for round in 0_usize.. {
        let outcome = one_round(app, round.is_multiple_of(SWEEP_ROUNDS), shutdown);
        if let Err(error) = outcome {
            tracing::warn!(code = error.code, reason = error.chain(), "the clean-up will try again");
        }
        if shutdown.wait_timeout(CLEANUP_EVERY) {
            return;
        }
    }
}

fn one_round(app: &App, sweep: bool, shutdown: &Shutdown) -> Result<()> {
    let _alone = CLEANING.lock();
    while !shutdown.is_requested() {
        let garbage = app.store.cleanup(SLICE)?;
        delete_unnamed(app, garbage.blobs)?;
        if garbage.documents < SLICE {
            break;
        }
    }
    let before = app.clock.now().plus_ms(-JOBS_KEPT_MS);
    while !shutdown.is_requested() && app.store.jobs_cleanup(before, SLICE)? == SLICE {}
    let flow = &app.config.flow;
    app.runner().clean_up(KeepPolicy { keep_days: flow.keep_days, thin_days: flow.thin_days }, shutdown)?;
    reencrypt(app, shutdown)?;
    if sweep {
        delete_unnamed(app, app.blobs.list()?)?;
        delete_old_vectors(app, shutdown)?;
    }
    Ok(())
}

/// Brings stored checkpoints under the first key, once for each first key.
fn reencrypt(app: &App, shutdown: &Shutdown) -> Result<()> {
    let Some(first) = app.config.flow.keys.first().map(|key| key.id.to_string()) else { return Ok(()) };
    if app.store.setting_get(KEY_SETTING)?.as_ref() == Some(&first) {
        return Ok(());
    }
    let done = app.runner().reencrypt(shutdown)?;
    if !shutdown.is_requested() {
        tracing::info!(
            key = first,
            checkpoints = done.checkpoints,
            values = done.values,
            texts = done.texts,
            "checkpoints and conversations are under the first key"
        );
        app.store.setting_set(KEY_SETTING, &first)?;
    }
    Ok(())
}

/// Lets the next round look at all checkpoints and texts again: some came that may be under another key.
pub fn reencrypt_again(app: &App) -> Result<()> {
    app.store.setting_set(KEY_SETTING, "")
}

/// Uploads write bytes before the row that names them, so none may be on its way while unnamed bytes are deleted.
fn delete_unnamed(app: &App, contents: Vec<ibid_types::ContentHash>) -> Result<()> {
    for slice in contents.chunks(SLICE) {
        let _no_uploads = app.uploads.write();
        for content in app.store.unnamed(slice.to_vec())? {
            app.blobs.delete(&content)?;
        }
    }
    Ok(())
}

/// Vectors of former embedders, unless a change is on its way.
fn delete_old_vectors(app: &App, shutdown: &Shutdown) -> Result<()> {
    let model = &app.embedder.spec().id;
    if app.former_embedder.is_some() {
        return Ok(());
    }
    while !shutdown.is_requested()
        && app.store.embeddings_of_others_delete(model, VECTORS_SLICE)? == VECTORS_SLICE
    {}
    Ok(())
}

/// Embeds everything anew; the indexes follow by themselves.
pub fn change_embedder(app: &App, shutdown: &Shutdown) {
    if changeover(app).run(shutdown) {
        app.indexes_changed();
        tracing::info!(embedder = app.embedder.spec().id, "every passage has a vector of the new embedder");
    }
}

/// What is left to do until the configured embedder's vectors are searched.
pub fn changeover(app: &App) -> Changeover {
    Changeover {
        store: app.store.clone(),
        to: Arc::clone(&app.embedder),
        active: (ACTIVE_SETTING, Active::new(&app.config, app.embedder.spec()).to_json()),
    }
}
