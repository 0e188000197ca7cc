//! Destinations: one suite for folder and S3, several at the same time, one that is away, retention.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ibid_backup::{
    Catalog, Destination, FolderDestination, Listed, Moment, S3Destination, S3Settings, Sources, prune,
    restore, verify,
};
use ibid_runtime::Clock;
use ibid_types::{Error, Result, Secret, Timestamp};
use support::{Home, Library, keys, state_in, text};

/// What every destination does.
fn conforms(destination: &dyn Destination) {
    let (a, b) = ("generations/one/log/1", "pieces/ab/cdef");
    assert!(!destination.exists(a).unwrap());
    assert_eq!(destination.get(a).unwrap_err().code, "backup_object_missing");
    destination.put(a, b"first").unwrap();
    destination.put(a, b"second").unwrap();
    destination.put(b, &[7; 100_000]).unwrap();
    assert_eq!(destination.get(a).unwrap(), b"second");
    assert!(destination.exists(b).unwrap());
    let names = |prefix: &str| -> Vec<(String, u64)> {
        let listed = destination.list(prefix).unwrap();
        listed.into_iter().map(|object| (object.name, object.bytes)).collect()
    };
    assert_eq!(names("generations/"), [(a.to_owned(), 6)]);
    assert_eq!(names("pieces/"), [(b.to_owned(), 100_000)]);
    assert_eq!(names("nothing/"), []);
    assert!(destination.list("pieces/").unwrap()[0].written > Timestamp(1_700_000_000_000));
    for name in [a, b, b] {
        destination.delete(name).unwrap();
        assert!(!destination.exists(name).unwrap());
    }
}

fn s3(prefix: &str) -> Arc<dyn Destination> {
    Arc::new(S3Destination::open("elsewhere", &s3_settings(prefix)).unwrap())
}

fn s3_settings(prefix: &str) -> S3Settings {
    let secret = |text: &str| Secret::new(text.to_owned());
    S3Settings {
        endpoint: std::env::var("IBID_TEST_S3").expect("IBID_TEST_S3 names the server"),
        bucket: "ibid".to_owned(),
        region: "us-east-1".to_owned(),
        prefix: prefix.to_owned(),
        access_key: secret("test"),
        secret_key: secret("testtest"),
    }
}

#[test]
fn a_folder_conforms() {
    let home = Home::new(keys());
    conforms(home.destination().as_ref());
}

/// `IBID_TEST_S3=http://127.0.0.1:8333`, with the bucket `ibid` and the keys `test` and `testtest`.
#[test]
#[ignore = "needs a real S3 server: scripts/test-s3.sh starts one"]
fn s3_conforms() {
    conforms(s3("conforms").as_ref());
}

#[test]
#[ignore = "needs a real S3 server: scripts/test-s3.sh starts one"]
fn s3_and_a_folder_hold_the_same() {
    let home = Home::new(keys());
    let both = vec![home.destination(), s3(&format!("backup-{}", std::process::id()))];
    same_in_both(&home, both);
}

#[test]
fn two_folders_hold_the_same() {
    let home = Home::new(keys());
    let second = FolderDestination::new("second", &home.folder.path().join("second"));
    same_in_both(&home, vec![home.destination(), Arc::new(second)]);
}

fn same_in_both(home: &Home, both: Vec<Arc<dyn Destination>>) {
    let library = Library::open(&home.data(), both.clone(), home.keys.clone(), Clock::system());
    library.base();
    let chance = ibid_runtime::Chance::seeded(2);
    for number in 0..10 {
        library.set(&number.to_string(), &text(&chance, 3000));
        library.ship();
    }
    library.base();
    for one in both {
        let verified = verify(&one, &home.keys, &|_, _, _| ()).unwrap();
        assert_eq!((verified.damages.len(), verified.bases), (0, 2));
        let sources = Sources { destinations: vec![one], keys: home.keys.clone() };
        let into = tempfile::tempdir().unwrap();
        restore(&sources, Moment::Latest, into.path(), &|_, _, _| ()).unwrap();
        assert!(state_in(into.path()) == library.state());
    }
}

/// A folder that does not answer while it is away.
#[derive(Debug)]
struct Away {
    folder: FolderDestination,
    is_away: AtomicBool,
}

impl Away {
    fn there(&self) -> Result<&FolderDestination> {
        match self.is_away.load(Ordering::SeqCst) {
            true => Err(Error::unavailable("backup_unreachable", "it is away, as tested")),
            false => Ok(&self.folder),
        }
    }
}

impl Destination for Away {
    fn label(&self) -> &str {
        self.folder.label()
    }
    fn put(&self, name: &str, object: &[u8]) -> Result<()> {
        self.there()?.put(name, object)
    }
    fn get(&self, name: &str) -> Result<Vec<u8>> {
        self.there()?.get(name)
    }
    fn exists(&self, name: &str) -> Result<bool> {
        self.there()?.exists(name)
    }
    fn list(&self, prefix: &str) -> Result<Vec<Listed>> {
        self.there()?.list(prefix)
    }
    fn delete(&self, name: &str) -> Result<()> {
        self.there()?.delete(name)
    }
}

#[test]
fn a_destination_that_is_away_holds_up_nobody_and_catches_up() {
    let home = Home::new(keys());
    let folder = FolderDestination::new("away", &home.folder.path().join("away"));
    let away = Arc::new(Away { folder, is_away: AtomicBool::new(false) });
    let both = vec![home.destination(), Arc::clone(&away) as Arc<dyn Destination>];
    let library = Library::open(&home.data(), both, home.keys.clone(), Clock::system());
    library.base();
    away.is_away.store(true, Ordering::SeqCst);
    library.set("a", "1");
    library.backup.ship().unwrap();
    assert!(!library.backup.drained(Duration::from_millis(300)));
    let (folder, _) = home.restore(Moment::Latest);
    assert!(state_in(folder.path()) == library.state());
    let status = library.backup.status();
    assert!(!status.destinations[1].is_reachable && status.destinations[1].waiting_segments == 1);
    assert!(status.destinations[1].behind_ms > 0 && status.spool_bytes > 0);
    // What waits survives the end of the program.
    library.backup.finish(Duration::from_millis(10));
    drop(library);
    away.is_away.store(false, Ordering::SeqCst);
    let both = vec![home.destination(), Arc::clone(&away) as Arc<dyn Destination>];
    let library = Library::open(&home.data(), both, home.keys.clone(), Clock::system());
    assert!(library.backup.drained(Duration::from_secs(60)));
    assert_eq!(library.backup.status().spool_bytes, 0);
    let sources = Sources { destinations: vec![away], keys: home.keys.clone() };
    let into = tempfile::tempdir().unwrap();
    restore(&sources, Moment::Latest, into.path(), &|_, _, _| ()).unwrap();
    assert!(state_in(into.path()) == library.state());
}

/// Restores from the second where the first is gone, and damaged objects of the first from the second.
fn second_serves(
    home: &Home,
    first: Arc<dyn Destination>,
    second: Arc<dyn Destination>,
    lose: impl FnOnce(),
) {
    let both = vec![Arc::clone(&first), Arc::clone(&second)];
    let library = Library::open(&home.data(), both.clone(), home.keys.clone(), Clock::system());
    library.base();
    for number in 0..5 {
        library.set(&number.to_string(), "kept");
        library.ship();
    }
    let sources = Sources { destinations: both, keys: home.keys.clone() };
    let whole = |sources: &Sources| {
        let into = tempfile::tempdir().unwrap();
        restore(sources, Moment::Latest, into.path(), &|_, _, _| ()).unwrap();
        assert!(state_in(into.path()) == library.state());
    };
    whole(&sources);
    for object in first.list("pieces/").unwrap() {
        first.put(&object.name, b"damaged").unwrap();
    }
    whole(&sources);
    lose();
    whole(&sources);
}

#[test]
fn the_second_destination_serves_where_the_first_is_gone() {
    let home = Home::new(keys());
    let folder = FolderDestination::new("away", &home.folder.path().join("away"));
    let away = Arc::new(Away { folder, is_away: AtomicBool::new(false) });
    let first = Arc::clone(&away) as Arc<dyn Destination>;
    second_serves(&home, first, home.destination(), || away.is_away.store(true, Ordering::SeqCst));
    let home = Home::new(keys());
    let place = home.folder.path().join("first");
    let first = Arc::new(FolderDestination::new("first", &place));
    second_serves(&home, first, home.destination(), || std::fs::remove_dir_all(&place).unwrap());
}

#[test]
#[ignore = "needs a real S3 server: scripts/test-s3.sh starts one"]
fn s3_serves_where_the_folder_is_gone_and_a_folder_where_s3_is_gone() {
    let home = Home::new(keys());
    let place = home.folder.path().join("first");
    let first = Arc::new(FolderDestination::new("first", &place));
    let second = s3(&format!("second-{}", std::process::id()));
    second_serves(&home, first, second, || std::fs::remove_dir_all(&place).unwrap());
    let home = Home::new(keys());
    let first = s3(&format!("first-{}", std::process::id()));
    let lost = Arc::clone(&first);
    second_serves(&home, first, home.destination(), || {
        for object in lost.list("").unwrap() {
            lost.delete(&object.name).unwrap();
        }
    });
    // A server that does not answer at all.
    let nobody = S3Settings { endpoint: "http://127.0.0.1:1".to_owned(), ..s3_settings("nobody") };
    let nobody = Arc::new(S3Destination::open("nobody", &nobody).unwrap());
    let sources = Sources { destinations: vec![nobody, home.destination()], keys: home.keys.clone() };
    let into = tempfile::tempdir().unwrap();
    restore(&sources, Moment::Latest, into.path(), &|_, _, _| ()).unwrap();
    assert_eq!(state_in(into.path()).len(), 5);
}

#[test]
fn what_is_too_old_goes_and_every_kept_moment_can_be_restored() {
    const DAY_MS: i64 = 24 * 3600 * 1000;
    let mut home = Home::new(keys());
    home.clock = Clock::manual(Timestamp(100 * DAY_MS));
    let library = home.open();
    for day in 0..10 {
        library.base();
        library.set("day", &day.to_string());
        library.ship();
        home.clock.advance_ms(DAY_MS);
    }
    let horizon = Timestamp(104 * DAY_MS + 1000);
    let pruned = prune(&home.destination(), &home.keys, horizon).unwrap();
    // A base is of the time of its last commit.
    assert_eq!((pruned.bases, pruned.segments), (5, 5));
    assert_eq!(verify(&home.destination(), &home.keys, &|_, _, _| ()).unwrap().damages, []);
    for day in 4..10 {
        let (folder, _) = home.restore(Moment::Time(Timestamp((100 + day) * DAY_MS + 5000)));
        assert_eq!(state_in(folder.path())[0].1, day.to_string());
    }
    // The newest base stays, however old it is.
    prune(&home.destination(), &home.keys, Timestamp(1000 * DAY_MS)).unwrap();
    assert_eq!(Catalog::read(&[home.destination()]).unwrap().stretches().len(), 1);
    let (folder, _) = home.restore(Moment::Latest);
    assert_eq!(state_in(folder.path())[0].1, "9");
}
