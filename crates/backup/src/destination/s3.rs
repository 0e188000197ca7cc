//! Backups in an S3-compatible store, by the `object_store` crate.

use std::fmt;

use bytes::Bytes;
use futures_util::TryStreamExt;
use ibid_types::{Error, Result, Secret, Timestamp};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, RetryConfig};
use tokio::runtime::Runtime;

use super::{Destination, Listed, missing, unreachable};

/// Where the bucket is and who may write into it.
#[derive(Clone, Debug, Default)]
pub struct S3Settings {
    /// Empty for the provider's own; `http://` addresses are for stores on this machine or a trusted network.
    pub endpoint: String,
    pub bucket: String,
    pub region: String,
    /// Put before every name.
    pub prefix: String,
    pub access_key: Secret,
    pub secret_key: Secret,
}

/// See the head of this file.
pub struct S3Destination {
    label: String,
    store: AmazonS3,
    prefix: String,
    runtime: Runtime,
}

impl fmt::Debug for S3Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Destination").field("store", &self.store.to_string()).finish_non_exhaustive()
    }
}

impl S3Destination {
    /// Makes a client; nothing is sent before the first call. Error: `backup_settings`.
    pub fn open(label: &str, settings: &S3Settings) -> Result<Self> {
        ibid_runtime::set_up_tls();
        // Whoever ships tries again by himself, and must be told soon that a destination is away.
        let retry = RetryConfig {
            max_retries: 2,
            retry_timeout: std::time::Duration::from_secs(20),
            ..RetryConfig::default()
        };
        let mut builder = AmazonS3Builder::new()
            .with_retry(retry)
            .with_bucket_name(&settings.bucket)
            .with_region(&settings.region)
            .with_access_key_id(settings.access_key.reveal())
            .with_secret_access_key(settings.secret_key.reveal());
        if !settings.endpoint.is_empty() {
            builder = builder
                .with_endpoint(&settings.endpoint)
                .with_allow_http(settings.endpoint.starts_with("http://"));
        }
        let store = builder.build().map_err(|error| {
            let what = format!(
                "the settings of backup.destinations '{label}' do not make a usable store; check endpoint, bucket and keys"
            );
            Error::bad_request("backup_settings", what).caused_by(error)
        })?;
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(
                |error| Error::internal("runtime_setup", "cannot start the async runtime").caused_by(error),
            )?;
        let prefix = settings.prefix.trim_matches('/').to_owned();
        Ok(Self { label: label.to_owned(), store, prefix, runtime })
    }

    fn path(&self, name: &str) -> Path {
        Path::from(format!("{}/{name}", self.prefix))
    }

    fn wait<T>(&self, work: impl Future<Output = object_store::Result<T>>) -> object_store::Result<T> {
        self.runtime.block_on(work)
    }

    fn failed(&self, error: object_store::Error) -> Error {
        unreachable(&self.label, error)
    }
}

impl Destination for S3Destination {
    fn label(&self) -> &str {
        &self.label
    }

    fn put(&self, name: &str, object: &[u8]) -> Result<()> {
        let payload = PutPayload::from_bytes(Bytes::copy_from_slice(object));
        self.wait(self.store.put(&self.path(name), payload)).map(|_| ()).map_err(|error| self.failed(error))
    }

    fn get(&self, name: &str) -> Result<Vec<u8>> {
        let read = async { self.store.get(&self.path(name)).await?.bytes().await };
        match self.wait(read) {
            Ok(object) => Ok(object.to_vec()),
            Err(object_store::Error::NotFound { .. }) => Err(missing(&self.label, name)),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn exists(&self, name: &str) -> Result<bool> {
        match self.wait(self.store.head(&self.path(name))) {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn list(&self, prefix: &str) -> Result<Vec<Listed>> {
        let below = self.path(prefix.trim_end_matches('/'));
        let all = self
            .wait(self.store.list(Some(&below)).try_collect::<Vec<_>>())
            .map_err(|error| self.failed(error))?;
        let named = |object: object_store::ObjectMeta| {
            let name = object.location.as_ref().strip_prefix(&self.prefix)?;
            let name = name.trim_start_matches('/').to_owned();
            let written = Timestamp(object.last_modified.timestamp_millis());
            Some(Listed { name, bytes: object.size, written })
        };
        let mut found: Vec<Listed> = all.into_iter().filter_map(named).collect();
        found.sort();
        Ok(found)
    }

    fn delete(&self, name: &str) -> Result<()> {
        match self.wait(self.store.delete(&self.path(name))) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed(error)),
        }
    }
}
