//! Which commits changed which symbols: the lines of today's symbols followed back through the patches, newest first.
//!
//! Keeps true: a line is followed exactly, along first parents; a merge counts as one commit. What a commit rewrote as a whole came
//! with it: what stood there before was something else.

use std::collections::{BTreeMap, HashMap};

use ibid_types::Result;
use serde::{Deserialize, Serialize};

use crate::git::{CommitId, FilePatch, Hunk, Repository};

/// A commit changed lines of a symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    pub commit: CommitId,
    /// Where the symbol is now.
    pub path: String,
    /// Its key within the file, see `keys`.
    pub symbol: String,
    /// Whether all of its lines came with this commit.
    pub is_first: bool,
}

/// Lines of a symbol, as they stand before the patches that are still to come.
#[derive(Clone, Debug)]
struct Live {
    path: String,
    symbol: String,
    first: u32,
    last: u32,
}

/// Symbols of files by path: each with its key, its first and its last line.
pub type Lines = BTreeMap<String, Vec<(String, u32, u32)>>;

/// Edits of the symbols at `to` by commits after `from`, newest first.
///
/// # Errors
/// Those of git.
pub fn edits(
    repository: &Repository,
    lines: &Lines,
    from: Option<&CommitId>,
    to: &CommitId,
    commits_max: usize,
) -> Result<Vec<Edit>> {
    let mut live: HashMap<String, Vec<Live>> = HashMap::new();
    for (path, symbols) in lines {
        let of_file = symbols.iter().map(|(symbol, first, last)| Live {
            path: path.clone(),
            symbol: symbol.clone(),
            first: *first,
            last: *last,
        });
        live.insert(path.clone(), of_file.collect());
    }
    let mut edits = Vec::new();
    repository.patches(from, to, commits_max, &mut |commit, patches| {
        step_back(&mut live, &commit, patches, &mut edits);
    })?;
    Ok(edits)
}

/// All files of a commit at once, as one may take the name of another.
fn step_back(
    live: &mut HashMap<String, Vec<Live>>,
    commit: &CommitId,
    patches: Vec<FilePatch>,
    edits: &mut Vec<Edit>,
) {
    let mut before: Vec<(String, Vec<Live>)> = Vec::new();
    for patch in patches {
        let Some(symbols) = patch.to.as_ref().and_then(|to| live.remove(to)) else { continue };
        let mut left = Vec::new();
        for symbol in symbols {
            follow(symbol, &patch, commit, edits, &mut left);
        }
        before.extend(patch.from.map(|from| (from, left)));
    }
    for (path, symbols) in before {
        live.entry(path).or_default().extend(symbols);
    }
}

fn follow(
    mut symbol: Live,
    patch: &FilePatch,
    commit: &CommitId,
    edits: &mut Vec<Edit>,
    left: &mut Vec<Live>,
) {
    let is_touched = patch.hunks.iter().any(|hunk| touches(hunk, symbol.first, symbol.last));
    let before = lines_before(&patch.hunks, symbol.first, symbol.last).filter(|_| patch.from.is_some());
    if is_touched || before.is_none() {
        edits.push(Edit {
            commit: commit.clone(),
            path: symbol.path.clone(),
            symbol: symbol.symbol.clone(),
            is_first: before.is_none(),
        });
    }
    if let Some((first, last)) = before {
        (symbol.first, symbol.last) = (first, last);
        left.push(symbol);
    }
}

/// Whether lines of the range are new, or lines between them went.
fn touches(hunk: &Hunk, first: u32, last: u32) -> bool {
    let (at, count) = hunk.new;
    match count {
        0 => first <= at && at < last,
        _ => at <= last && first < at.saturating_add(count),
    }
}

/// Where the lines stood before the hunks; none if all of them are new.
fn lines_before(hunks: &[Hunk], first: u32, last: u32) -> Option<(u32, u32)> {
    let is_new = |hunk: &Hunk| hunk.new.0 <= first && last < hunk.new.0.saturating_add(hunk.new.1);
    if hunks.iter().any(is_new) {
        return None;
    }
    let (before_first, before_last) = (line_before(hunks, first, true), line_before(hunks, last, false));
    (before_first >= 1 && before_first <= before_last).then_some((before_first as u32, before_last as u32))
}

/// Where a line stood. One that is new is moved to the nearest old one: forward for a beginning, back for an end.
fn line_before(hunks: &[Hunk], line: u32, is_beginning: bool) -> i64 {
    let mut shift = 0;
    for hunk in hunks {
        let (old, new) = (wide(hunk.old), wide(hunk.new));
        let line = i64::from(line);
        if new.1 > 0 && new.0 <= line && line < new.0 + new.1 {
            return match (is_beginning, old.1) {
                (true, 0) => old.0 + 1,
                (true, _) => old.0,
                (false, 0) => old.0,
                (false, count) => old.0 + count - 1,
            };
        }
        let end = if new.1 == 0 { new.0 + 1 } else { new.0 + new.1 };
        if end > line {
            break;
        }
        shift += old.1 - new.1;
    }
    i64::from(line) + shift
}

fn wide(range: (u32, u32)) -> (i64, i64) {
    (i64::from(range.0), i64::from(range.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hunk(old: (u32, u32), new: (u32, u32)) -> Hunk {
        Hunk { old, new }
    }

    #[test]
    fn lines_below_a_change_move() {
        let hunks = [hunk((2, 0), (3, 4)), hunk((10, 2), (15, 1))];
        assert_eq!(lines_before(&hunks, 8, 9), Some((4, 5)));
        assert_eq!(lines_before(&hunks, 20, 22), Some((17, 19)));
        assert!(!hunks.iter().any(|hunk| touches(hunk, 8, 9)));
    }

    #[test]
    fn lines_above_a_change_stay() {
        assert_eq!(lines_before(&[hunk((9, 1), (9, 5))], 1, 8), Some((1, 8)));
        assert_eq!(lines_before(&[hunk((9, 3), (8, 0))], 1, 8), Some((1, 8)));
    }

    #[test]
    fn a_change_within_touches_and_keeps_the_rest() {
        let hunks = [hunk((5, 1), (5, 3))];
        assert!(touches(&hunks[0], 3, 9));
        assert_eq!(lines_before(&hunks, 3, 9), Some((3, 7)));
    }

    #[test]
    fn lines_that_went_touch_what_is_around_them_only() {
        let gone = hunk((5, 2), (4, 0));
        assert!(touches(&gone, 3, 9));
        assert!(!touches(&gone, 5, 9));
        assert!(!touches(&gone, 1, 4));
        assert_eq!(lines_before(&[gone], 5, 9), Some((7, 11)));
    }

    #[test]
    fn what_is_new_as_a_whole_was_not_there_before() {
        assert_eq!(lines_before(&[hunk((4, 9), (5, 6))], 5, 10), None);
        assert_eq!(lines_before(&[hunk((0, 0), (1, 20))], 2, 3), None);
    }

    #[test]
    fn edges_that_are_new_are_moved_inwards() {
        assert_eq!(lines_before(&[hunk((4, 0), (5, 3))], 6, 12), Some((5, 9)));
        assert_eq!(lines_before(&[hunk((9, 0), (10, 3))], 6, 11), Some((6, 9)));
    }
}
