//! A store of original files that counts and times what is asked of it.

use std::sync::Arc;
use std::time::Instant;

use ibid_blob::Blobs;
use ibid_ops::metric::list;
use ibid_types::{ContentHash, Result};

use super::{Metrics, outcome};

/// Passes everything on to the store inside.
#[derive(Debug)]
pub struct MeteredBlobs {
    inner: Arc<dyn Blobs>,
    metrics: Metrics,
}

impl MeteredBlobs {
    pub const fn new(inner: Arc<dyn Blobs>, metrics: Metrics) -> Self {
        Self { inner, metrics }
    }

    fn measured<T>(&self, operation: &str, work: impl FnOnce(&dyn Blobs) -> Result<T>) -> Result<T> {
        let started = Instant::now();
        let done = work(self.inner.as_ref());
        let registry = self.metrics.registry();
        registry.count(&list::BLOB_REQUESTS, [operation, outcome(&done)]);
        registry.observe(&list::BLOB_DURATION, [operation], started.elapsed().as_secs_f64());
        done
    }
}

impl Blobs for MeteredBlobs {
    fn put(&self, bytes: &[u8]) -> Result<ContentHash> {
        self.measured("put", |blobs| blobs.put(bytes))
    }

    fn get(&self, hash: &ContentHash) -> Result<Vec<u8>> {
        self.measured("get", |blobs| blobs.get(hash))
    }

    fn exists(&self, hash: &ContentHash) -> Result<bool> {
        self.measured("exists", |blobs| blobs.exists(hash))
    }

    fn delete(&self, hash: &ContentHash) -> Result<()> {
        self.measured("delete", |blobs| blobs.delete(hash))
    }

    fn list(&self) -> Result<Vec<ContentHash>> {
        self.measured("list", |blobs| blobs.list())
    }

    fn check(&self) -> Result<()> {
        self.inner.check()
    }
}
