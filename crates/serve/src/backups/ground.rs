//! The ground state of a data directory: store and originals, with the backup that watches both.

use std::sync::Arc;

use ibid_backup::{Backup, Local, Originals, Source};
use ibid_blob::Blobs;
use ibid_config::Config;
use ibid_runtime::Clock;
use ibid_store::{LogTap, Sqlite, SqliteConfig, Store};
use ibid_types::Result;

use super::{LOCAL, settings};
use crate::app::database;
use crate::engine;
use crate::metrics::Metrics;
use crate::metrics::blobs::MeteredBlobs;
use crate::metrics::store::MeteredDb;

/// See the head of this file.
#[derive(Debug)]
pub struct Ground {
    pub store: Store,
    pub blobs: Arc<dyn Blobs>,
    /// None where `backup.enabled` is false.
    pub backup: Option<Arc<Backup>>,
}

impl Ground {
    pub fn open(config: &Config, clock: &Clock, metrics: &Metrics) -> Result<Self> {
        let files = SqliteConfig::new(database(&config.data.dir));
        let blobs = open_blobs(config)?;
        if !config.backup.enabled {
            // What is committed now is in no backup: the log of one must not go on after it.
            Local::forget(&config.data.dir.join(LOCAL));
            return Ok(Self::over(config, clock, metrics, Arc::new(Sqlite::open(files)?), blobs, None));
        }
        let tap = LogTap::new(clock.clone());
        let database = Arc::new(Sqlite::open(files.with_tap(Arc::clone(&tap)))?);
        let originals = Originals::new(blobs);
        let source = Source {
            tap,
            database: Arc::clone(&database),
            originals: Arc::clone(&originals),
            clock: clock.clone(),
        };
        let backup = Backup::open(settings(config)?, source)?;
        Ok(Self::over(config, clock, metrics, database, originals, Some(backup)))
    }

    fn over(
        config: &Config,
        clock: &Clock,
        metrics: &Metrics,
        database: Arc<Sqlite>,
        blobs: Arc<dyn Blobs>,
        backup: Option<Arc<Backup>>,
    ) -> Self {
        let db = MeteredDb::new(database, metrics.clone());
        let store = Store::new(Arc::new(db), clock.clone()).with_sealer(Arc::new(engine::codec(config)));
        Self { store, blobs: Arc::new(MeteredBlobs::new(blobs, metrics.clone())), backup }
    }
}

fn open_blobs(config: &Config) -> Result<Arc<dyn Blobs>> {
    let blob = &config.blob;
    if blob.kind == "s3" {
        return Ok(Arc::new(ibid_blob::S3::open(&ibid_blob::S3Config {
            endpoint: blob.s3_endpoint.clone(),
            bucket: blob.s3_bucket.clone(),
            region: blob.s3_region.clone(),
            prefix: blob.s3_prefix.clone(),
            access_key: blob.s3_access_key.clone(),
            secret_key: blob.s3_secret_key.clone(),
        })?));
    }
    Ok(Arc::new(ibid_blob::Folder::open(&config.data.dir.join("blobs"))?))
}
