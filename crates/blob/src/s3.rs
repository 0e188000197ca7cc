//! Blobs in an S3-compatible store, by the `object_store` crate.

use std::fmt;

use bytes::Bytes;
use futures_util::TryStreamExt;
use ibid_types::{ContentHash, Error, Result, Secret};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use tokio::runtime::Runtime;

use crate::{Blobs, hash_of, missing, name_of, verified};

#[derive(Clone, Debug, Default)]
pub struct S3Config {
    /// Empty for the provider's own; `http://` addresses are for stores on this machine or a trusted network.
    pub endpoint: String,
    pub bucket: String,
    pub region: String,
    /// Put before every name.
    pub prefix: String,
    pub access_key: Secret,
    pub secret_key: Secret,
}

/// A bucket of blobs.
pub struct S3 {
    store: AmazonS3,
    prefix: String,
    runtime: Runtime,
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3").field("store", &self.store.to_string()).finish_non_exhaustive()
    }
}

impl S3 {
    /// Makes a client; nothing is sent before the first call.
    pub fn open(config: &S3Config) -> Result<Self> {
        ibid_runtime::set_up_tls();
        let wrong = |error: object_store::Error| {
            Error::bad_request(
                "blob_settings",
                "blob.s3_* do not make a usable store; check endpoint, bucket and keys",
            )
            .caused_by(error)
        };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&config.bucket)
            .with_region(&config.region)
            .with_access_key_id(config.access_key.reveal())
            .with_secret_access_key(config.secret_key.reveal());
        if !config.endpoint.is_empty() {
            builder = builder
                .with_endpoint(&config.endpoint)
                .with_allow_http(config.endpoint.starts_with("http://"));
        }
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(
                |error| Error::internal("runtime_setup", "cannot start the async runtime").caused_by(error),
            )?;
        Ok(Self {
            store: builder.build().map_err(wrong)?,
            prefix: config.prefix.trim_matches('/').to_owned(),
            runtime,
        })
    }

    fn path(&self, hash: &ContentHash) -> Path {
        Path::from(format!("{}/{}", self.prefix, name_of(hash)))
    }

    fn wait<T>(&self, work: impl Future<Output = object_store::Result<T>>) -> object_store::Result<T> {
        self.runtime.block_on(work)
    }
}

impl Blobs for S3 {
    fn put(&self, bytes: &[u8]) -> Result<ContentHash> {
        let hash = hash_of(bytes);
        if !self.exists(&hash)? {
            let payload = PutPayload::from_bytes(Bytes::copy_from_slice(bytes));
            self.wait(self.store.put(&self.path(&hash), payload)).map_err(unreachable)?;
        }
        Ok(hash)
    }

    fn get(&self, hash: &ContentHash) -> Result<Vec<u8>> {
        let read = async { self.store.get(&self.path(hash)).await?.bytes().await };
        match self.wait(read) {
            Ok(bytes) => verified(hash, bytes.to_vec()),
            Err(object_store::Error::NotFound { .. }) => Err(missing(hash)),
            Err(error) => Err(unreachable(error)),
        }
    }

    fn exists(&self, hash: &ContentHash) -> Result<bool> {
        match self.wait(self.store.head(&self.path(hash))) {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(unreachable(error)),
        }
    }

    fn delete(&self, hash: &ContentHash) -> Result<()> {
        match self.wait(self.store.delete(&self.path(hash))) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(unreachable(error)),
        }
    }

    fn list(&self) -> Result<Vec<ContentHash>> {
        let prefix = Path::from(self.prefix.as_str());
        let all = self
            .wait(self.store.list(Some(&prefix)).map_ok(|object| object.location).try_collect::<Vec<Path>>())
            .map_err(unreachable)?;
        let name = |path: &Path| path.as_ref().trim_start_matches(&self.prefix).replace('/', "").parse().ok();
        let mut found: Vec<ContentHash> = all.iter().filter_map(name).collect();
        found.sort();
        Ok(found)
    }

    fn check(&self) -> Result<()> {
        self.exists(&hash_of(b"probe")).map(|_| ())
    }
}

fn unreachable(error: object_store::Error) -> Error {
    Error::unavailable(
        "blob_unavailable",
        "the object store does not answer as it should; check blob.s3_* and the network",
    )
    .caused_by(error)
}
