//! What every store of bytes must do, run on the folder, and on a real S3 server where `IBID_TEST_S3` names one.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ibid_blob::{Blobs, Folder, S3, S3Config};
use ibid_types::{ContentHash, Secret};

fn check(blobs: &dyn Blobs) {
    let hash = blobs.put(b"some bytes").unwrap();
    assert_eq!(blobs.put(b"some bytes").unwrap(), hash);
    assert_eq!(blobs.get(&hash).unwrap(), b"some bytes");
    assert!(blobs.exists(&hash).unwrap());
    assert_eq!(blobs.list().unwrap(), [hash]);
    let unknown = ContentHash([7; 32]);
    assert_eq!(blobs.get(&unknown).unwrap_err().code, "blob_missing");
    assert!(!blobs.exists(&unknown).unwrap());
    blobs.delete(&unknown).unwrap();
    blobs.delete(&hash).unwrap();
    assert_eq!(blobs.list().unwrap(), []);
    let empty = blobs.put(b"").unwrap();
    assert_eq!(blobs.get(&empty).unwrap(), b"");
    blobs.delete(&empty).unwrap();
    blobs.check().unwrap();
}

#[test]
fn a_folder_conforms() {
    let dir = tempfile::tempdir().unwrap();
    check(&Folder::open(dir.path()).unwrap());
}

#[test]
fn damaged_bytes_are_not_given_out() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Folder::open(dir.path()).unwrap();
    let hash = blobs.put(b"right").unwrap();
    let digits = hash.to_string();
    std::fs::write(dir.path().join(&digits[..2]).join(&digits[2..]), b"wrong").unwrap();
    assert_eq!(blobs.get(&hash).unwrap_err().code, "blob_corrupt");
}

#[test]
fn what_a_crash_left_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("incoming")).unwrap();
    std::fs::write(dir.path().join("incoming/1-1"), b"half").unwrap();
    let blobs = Folder::open(dir.path()).unwrap();
    assert_eq!(blobs.list().unwrap(), []);
    assert!(!dir.path().join("incoming/1-1").exists());
}

/// `IBID_TEST_S3=http://127.0.0.1:8333`, with the bucket `ibid` and the keys `test` and `testtest`.
#[test]
#[ignore = "needs a real S3 server: scripts/test-s3.sh starts one"]
fn s3_conforms() {
    let endpoint = std::env::var("IBID_TEST_S3").expect("IBID_TEST_S3 names the server");
    let secret = |text: &str| Secret::new(text.to_owned());
    let config = S3Config {
        endpoint,
        bucket: "ibid".to_owned(),
        region: "us-east-1".to_owned(),
        prefix: "blobs".to_owned(),
        access_key: secret("test"),
        secret_key: secret("testtest"),
    };
    check(&S3::open(&config).unwrap());
}
