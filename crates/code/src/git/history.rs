//! Commits: who, when, why, and which paths. Read from the commit objects themselves, whose form is fixed.

use ibid_types::{Result, Timestamp};
use serde::{Deserialize, Serialize};

use super::CommitId;
use super::tree::{Change, change, malformed, parts};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    pub id: CommitId,
    pub parents: Vec<CommitId>,
    pub author: Person,
    /// When it was written.
    pub authored_at: Timestamp,
    /// When it came to its place in the history; a rebase makes it younger than `authored_at`.
    pub at: Timestamp,
    pub message: String,
    /// Compared with its first parent.
    pub changes: Vec<Change>,
}

impl Commit {
    /// The first line of the message.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub name: String,
    pub email: String,
}

/// A commit object's bytes, without its changes.
pub fn commit(id: CommitId, bytes: &[u8], message_bytes_max: usize) -> Commit {
    let text = String::from_utf8_lossy(bytes);
    let (head, message) = text.split_once("\n\n").unwrap_or((&text, ""));
    let value = |key: &str| head.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
    let (author, authored_at) = person(value("author "));
    let (_, at) = person(value("committer "));
    let parents = head.lines().filter_map(|line| line.strip_prefix("parent "));
    Commit {
        id,
        parents: parents.filter_map(|id| CommitId::parse(id).ok()).collect(),
        author,
        authored_at,
        at,
        message: crate::walk::cut(message.trim_end(), message_bytes_max),
        changes: Vec::new(),
    }
}

/// `Ann Lee <ann@example.com> 1767225600 +0100`
fn person(line: &str) -> (Person, Timestamp) {
    let (name, rest) = line.split_once('<').unwrap_or((line, ""));
    let (email, time) = rest.rsplit_once('>').unwrap_or((rest, ""));
    let seconds = time.split_whitespace().next().and_then(|seconds| seconds.parse::<i64>().ok()).unwrap_or(0);
    let person = Person { name: name.trim().to_owned(), email: email.trim().to_owned() };
    (person, Timestamp(seconds.saturating_mul(1000)))
}

/// `diff-tree --stdin --name-status -z`: after each id its changes.
pub fn changes_by_commit(listing: &[u8]) -> Result<Vec<(CommitId, Vec<Change>)>> {
    let mut all: Vec<(CommitId, Vec<Change>)> = Vec::new();
    let mut words = parts(listing);
    while let Some(word) = words.next() {
        let word = word.strip_suffix(b"\n").unwrap_or(word);
        match std::str::from_utf8(word).ok().and_then(|text| CommitId::parse(text).ok()) {
            Some(id) => all.push((id, Vec::new())),
            None => all.last_mut().ok_or_else(malformed)?.1.extend(change(word, &mut words)?),
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> CommitId {
        CommitId::parse(&"c".repeat(40)).unwrap()
    }

    #[test]
    fn a_commit_object_is_read() {
        let parent = "d".repeat(40);
        let text = format!(
            "tree {parent}\nparent {parent}\nauthor Ann Lee <ann@example.com> 1767225600 +0100\n\
             committer Bo <bo@example.com> 1767225700 +0000\n\nSay why\n\nBecause.\n"
        );
        let read = commit(id(), text.as_bytes(), 1000);
        assert_eq!((read.author.name.as_str(), read.author.email.as_str()), ("Ann Lee", "ann@example.com"));
        assert_eq!((read.authored_at, read.at), (Timestamp(1_767_225_600_000), Timestamp(1_767_225_700_000)));
        assert_eq!((read.subject(), read.parents.len()), ("Say why", 1));
    }

    #[test]
    fn a_broken_commit_object_is_data() {
        let read = commit(id(), b"author \xff\xfe> <", 10);
        assert_eq!((read.at, read.message.as_str()), (Timestamp(0), ""));
    }

    #[test]
    fn changes_belong_to_the_id_before_them() {
        let (one, two) = ("a".repeat(40), "b".repeat(40));
        let read = changes_by_commit(format!("{one}\0M\0x\0A\0y\0{two}\0").as_bytes()).unwrap();
        assert_eq!(read.iter().map(|(_, changes)| changes.len()).collect::<Vec<_>>(), [2, 0]);
    }
}
