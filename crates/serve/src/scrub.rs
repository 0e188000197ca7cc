//! Looks once a day, and when the doctor is asked, whether what is stored is what was stored: the pages of the database, and
//! originals by the hash of their bytes. A lost or damaged original is put back from the backup.
//!
//! Keeps true: what is put back is, by its hash, what was there.

use ibid_ops::doctor::Finding;
use ibid_runtime::{Chance, Shutdown};
use ibid_types::{ContentHash, Error, Result};

use crate::App;
use crate::backups::{Backups, partial};

/// Originals that are read in one round, beginning anywhere: about a gigabyte of usual documents.
const READ_MAX: usize = 2000;
/// Originals that are looked for when the doctor is asked.
const LOOKED_FOR_MAX: usize = 10_000;

/// Compares every page of the database with its sum. Error: `store_corrupt`.
pub fn database(app: &App, _shutdown: &Shutdown) -> Result<String> {
    let damages = app.store.db().damages()?;
    match damages.first() {
        None => Ok("every page of the database is what was written".to_owned()),
        Some(first) => {
            let what = format!(
                "the database is damaged ({first}, {} in all); restore it from a backup",
                damages.len()
            );
            Err(Error::internal("store_corrupt", what))
        }
    }
}

/// Reads originals, and puts back from the backup what is lost or damaged. Error: `blob_lost` where the backup has it not.
pub fn originals(app: &App, shutdown: &Shutdown) -> Result<String> {
    let mut named = named(app)?;
    let all = named.len();
    let start = Chance::seeded(app.clock.now().0.unsigned_abs()).next_u64() as usize % all.max(1);
    named.rotate_left(start);
    named.truncate(READ_MAX);
    let (mut looked_at, mut back, mut lost) = (0, 0, None);
    for hash in &named {
        if shutdown.is_requested() {
            break;
        }
        looked_at += 1;
        if app.blobs.get(hash).is_err() {
            match put_back(app, hash) {
                Ok(()) => back += 1,
                // The others have their turn all the same.
                Err(error) => lost = Some(error),
            }
        }
    }
    let what = format!("{looked_at} of {all} originals were read, {back} of them put back from the backup");
    lost.map_or(Ok(what), Err)
}

/// Compares the indexes with the store. Error: `index_broken`.
pub fn indexes(app: &App, _shutdown: &Shutdown) -> Result<String> {
    let differences = app.index_differences()?;
    match differences.first() {
        None => Ok("the indexes hold what the store does".to_owned()),
        Some(first) => {
            let what =
                format!("the indexes do not hold what the store does ({first}); run 'ibid index rebuild'");
            Err(Error::internal("index_broken", what))
        }
    }
}

/// What the doctor says of the pages.
pub fn pages(app: &App) -> Finding {
    match database(app, &app.shutdown) {
        Ok(what) => Finding::ok("store", what),
        Err(error) => Finding::of_error("store", &error),
    }
}

/// What the doctor says of originals that are not there.
pub fn missing(app: &App) -> Finding {
    let look = || -> Result<usize> {
        let mut missing = 0;
        for hash in named(app)?.iter().take(LOOKED_FOR_MAX) {
            missing += usize::from(!app.blobs.exists(hash)?);
        }
        Ok(missing)
    };
    match look() {
        Ok(0) => Finding::ok("blobs", "originals are there"),
        Ok(missing) => Finding::problem(
            "blobs",
            "blob_missing",
            format!("{missing} originals are lost"),
            "the server puts them back from the backup once a day; or restore --only document=ID",
        ),
        Err(error) => Finding::of_error("blobs", &error),
    }
}

fn put_back(app: &App, hash: &ContentHash) -> Result<()> {
    let _originals_stay = app.uploads.read();
    let backups = Backups::open(&app.config, None)?;
    if partial::keep(app.blobs.as_ref(), &backups, hash)? {
        tracing::warn!(original = %hash, "an original that was lost or damaged was put back from the backup");
        return Ok(());
    }
    let what = format!("original {hash} is lost or damaged, and no backup has it; put the document in again");
    Err(Error::internal("blob_lost", what))
}

fn named(app: &App) -> Result<Vec<ContentHash>> {
    let sql = "SELECT DISTINCT v.content FROM versions v JOIN documents d ON d.id = v.document_id \
               WHERE d.deleted_at IS NULL AND v.status = 'ready' ORDER BY v.content";
    app.store.db().query(sql, &[])?.iter().map(|row| row.get(0)).collect()
}
