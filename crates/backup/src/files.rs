//! Small files beside the store: flows and the configuration. They travel in segments when they change, and in bases.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ibid_types::Timestamp;
use serde::{Deserialize, Serialize};

/// Larger ones are none of ours, and more of them neither.
const BYTES_MAX: u64 = 1 << 20;
const FILES_MAX: usize = 4096;

/// A small file as it is from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    /// Relative to the data directory, with `/`.
    pub path: String,
    /// Its text; without it the file is gone.
    pub text: Option<String>,
}

/// What is looked at.
#[derive(Clone, Debug, Default)]
pub struct SmallFiles {
    /// The data directory.
    pub root: PathBuf,
    /// Folders below it, without those in them.
    pub folders: Vec<String>,
    /// Texts that are made otherwise, such as the configuration without its secrets.
    pub texts: BTreeMap<String, String>,
}

/// What was seen of files at the last look.
#[derive(Debug, Default)]
pub struct Seen(BTreeMap<String, (std::time::SystemTime, u64)>);

impl SmallFiles {
    /// Every file as it is now.
    #[must_use]
    pub fn all(&self) -> Vec<FileChange> {
        let mut files = self.made();
        for (path, _) in self.look() {
            files.extend(self.read(&path));
        }
        files
    }

    /// As if the last look had been at that time: what changed since then is told at the next one.
    #[must_use]
    pub fn seen_at(&self, at: Timestamp) -> Seen {
        let ms = u64::try_from(at.0).unwrap_or_default();
        let until = std::time::UNIX_EPOCH + std::time::Duration::from_millis(ms);
        Seen(self.look().into_iter().filter(|(_, (changed, _))| *changed <= until).collect())
    }

    /// What changed since the last look.
    pub fn changes(&self, seen: &mut Seen) -> Vec<FileChange> {
        let now = self.look();
        let changed = now.iter().filter(|(path, mark)| seen.0.get(*path) != Some(mark));
        let mut changes: Vec<FileChange> = changed.filter_map(|(path, _)| self.read(path)).collect();
        let gone = seen.0.keys().filter(|path| !now.contains_key(*path));
        changes.extend(gone.map(|path| FileChange { path: path.clone(), text: None }));
        seen.0 = now;
        changes
    }

    fn made(&self) -> Vec<FileChange> {
        let change =
            |(path, text): (&String, &String)| FileChange { path: path.clone(), text: Some(text.clone()) };
        self.texts.iter().map(change).collect()
    }

    fn look(&self) -> BTreeMap<String, (std::time::SystemTime, u64)> {
        let mut found = BTreeMap::new();
        for folder in &self.folders {
            let entries = std::fs::read_dir(self.root.join(folder)).into_iter().flatten().flatten();
            for entry in entries.take(FILES_MAX) {
                let Ok(meta) = entry.metadata() else { continue };
                if let (true, Ok(changed)) = (meta.is_file() && meta.len() <= BYTES_MAX, meta.modified()) {
                    let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
                    found.insert(path, (changed, meta.len()));
                }
            }
        }
        found
    }

    fn read(&self, path: &str) -> Option<FileChange> {
        let text = std::fs::read_to_string(self.root.join(path)).ok()?;
        Some(FileChange { path: path.to_owned(), text: Some(text) })
    }
}

/// The place of a restored file; `None` for a path that would leave the folder.
#[must_use]
pub fn place_of(root: &Path, path: &str) -> Option<PathBuf> {
    let relative = Path::new(path);
    let is_plain = |part: std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
    (!path.is_empty() && relative.components().all(is_plain)).then(|| root.join(relative))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_once() {
        let home = tempfile::tempdir().unwrap();
        let flow = home.path().join("flows/a.yaml");
        std::fs::create_dir(home.path().join("flows")).unwrap();
        std::fs::write(&flow, "one").unwrap();
        let files = SmallFiles {
            root: home.path().to_owned(),
            folders: vec!["flows".to_owned()],
            texts: BTreeMap::new(),
        };
        let mut seen = Seen::default();
        assert_eq!(files.changes(&mut seen).len(), 1);
        assert_eq!(files.changes(&mut seen), []);
        std::fs::write(&flow, "other").unwrap();
        assert_eq!(files.changes(&mut seen)[0].text.as_deref(), Some("other"));
        std::fs::remove_file(&flow).unwrap();
        assert_eq!(files.changes(&mut seen)[0].text, None);
    }

    #[test]
    fn a_path_stays_in_its_folder() {
        let root = Path::new("root");
        assert_eq!(place_of(root, "flows/a.yaml"), Some(root.join("flows/a.yaml")));
        for path in ["", "/etc/passwd", "../x", "flows/../../x"] {
            assert_eq!(place_of(root, path), None, "{path}");
        }
    }
}
