//! bytes by content hash: folder, S3.
