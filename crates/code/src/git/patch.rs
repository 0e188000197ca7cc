//! Which lines a commit changed, read from a patch without context.
//!
//! Keeps true: what stands in the changed lines is never taken for the patch's own words, as hunks are passed by their counts.

use std::io::BufRead;

use ibid_types::Result;

use super::CommitId;
use super::command::failed;

/// One file's part of a commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilePatch {
    /// None for a file that the commit added.
    pub from: Option<String>,
    /// None for a file that the commit deleted.
    pub to: Option<String>,
    pub hunks: Vec<Hunk>,
}

/// Lines before and after, each as first line and count. With a count of zero, the lines are after that line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hunk {
    pub old: (u32, u32),
    pub new: (u32, u32),
}

/// Reads `diff-tree --stdin -p -U0`: for each commit its id on a line, then its patch.
pub fn read(input: &mut impl BufRead, each: &mut dyn FnMut(CommitId, Vec<FilePatch>)) -> Result<()> {
    let mut commit: Option<CommitId> = None;
    let mut patches: Vec<FilePatch> = Vec::new();
    let mut line = Vec::new();
    while next_line(input, &mut line)? {
        let text = String::from_utf8_lossy(&line);
        if let Ok(id) = CommitId::parse(&text) {
            if let Some(done) = commit.replace(id) {
                each(done, std::mem::take(&mut patches));
            }
            continue;
        }
        if text.starts_with("diff --git ") {
            patches.push(FilePatch::default());
        }
        let Some(patch) = patches.last_mut() else { continue };
        let Some(hunk) = take(patch, &text) else { continue };
        pass(input, hunk)?;
    }
    if let Some(done) = commit {
        each(done, patches);
    }
    Ok(())
}

/// One line of a file's head; a hunk if one begins.
fn take(patch: &mut FilePatch, line: &str) -> Option<Hunk> {
    if let Some(path) = line.strip_prefix("--- a/") {
        patch.from = Some(path.trim_end_matches('\t').to_owned());
    } else if let Some(path) = line.strip_prefix("+++ b/") {
        patch.to = Some(path.trim_end_matches('\t').to_owned());
    } else if let Some(path) = line.strip_prefix("rename from ") {
        patch.from = Some(path.to_owned());
    } else if let Some(path) = line.strip_prefix("rename to ") {
        patch.to = Some(path.to_owned());
    } else if let Some(ranges) = line.strip_prefix("@@ -") {
        let hunk = hunk(ranges)?;
        patch.hunks.push(hunk);
        return Some(hunk);
    }
    None
}

/// `12,3 +14 @@ ...`
fn hunk(ranges: &str) -> Option<Hunk> {
    let (old, rest) = ranges.split_once(" +")?;
    Some(Hunk { old: range(old)?, new: range(rest.split(' ').next()?)? })
}

fn range(text: &str) -> Option<(u32, u32)> {
    match text.split_once(',') {
        Some((first, count)) => Some((first.parse().ok()?, count.parse().ok()?)),
        None => Some((text.parse().ok()?, 1)),
    }
}

/// Passes the lines of a hunk.
fn pass(input: &mut impl BufRead, hunk: Hunk) -> Result<()> {
    let mut line = Vec::new();
    for _ in 0..u64::from(hunk.old.1) + u64::from(hunk.new.1) {
        if !next_line(input, &mut line)? {
            break;
        }
        // "\ No newline at end of file" is not one of the lines.
        if line.starts_with(b"\\") && !next_line(input, &mut line)? {
            break;
        }
    }
    Ok(())
}

/// Reads a line without its end, the beginning of it only: nothing that is looked at is longer.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> Result<bool> {
    const LINE_BYTES_MAX: usize = 8192;
    line.clear();
    let mut some = false;
    loop {
        let buffer =
            input.fill_buf().map_err(|error| failed("git's output cannot be read").caused_by(error))?;
        if buffer.is_empty() {
            return Ok(some);
        }
        some = true;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let part = &buffer[..end.unwrap_or(buffer.len())];
        line.extend(part.iter().take(LINE_BYTES_MAX.saturating_sub(line.len())));
        let used = part.len() + usize::from(end.is_some());
        input.consume(used);
        if end.is_some() {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(text: &str) -> Vec<(String, Vec<FilePatch>)> {
        let mut all = Vec::new();
        read(&mut text.as_bytes(), &mut |id, patches| all.push((id.to_string(), patches))).unwrap();
        all
    }

    #[test]
    fn lines_that_look_like_a_patch_are_lines() {
        let id = "a".repeat(40);
        let text = format!(
            "{id}\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1,3 @@ fn\n-+++ b/y\n+--- a/z\n+{id}\n+@@ -9,9 +9,9 @@\n"
        );
        let read = read_all(&text);
        assert_eq!(read.len(), 1);
        let patch = FilePatch {
            from: Some("x".to_owned()),
            to: Some("x".to_owned()),
            hunks: vec![Hunk { old: (1, 1), new: (1, 3) }],
        };
        assert_eq!(read[0].1, [patch]);
    }

    #[test]
    fn renames_and_missing_line_ends_are_read() {
        let (one, two) = ("a".repeat(40), "b".repeat(40));
        let text = format!(
            "{one}\ndiff --git a/x b/y\nrename from x\nrename to y\n{two}\ndiff --git a/q b/q\n--- a/q\n+++ /dev/null\n\
             @@ -1,2 +0,0 @@\n-a\n-b\n\\ No newline at end of file\n"
        );
        let read = read_all(&text);
        assert_eq!((read[0].1[0].from.as_deref(), read[0].1[0].to.as_deref()), (Some("x"), Some("y")));
        assert_eq!(read[1].1[0].to, None);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
            let _ = read(&mut bytes.as_slice(), &mut |_, _| {});
        }
    }
}
