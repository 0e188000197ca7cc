//! The flows that can be started: those that came with the program, and the files `NAME.yaml` of `DATA/flows`.
//!
//! Keeps true: a file is read again when it has changed, so the newest version is what starts; a file that is written
//! here is valid and whole; a name of a built-in flow always means the built-in flow.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use ibid_flow::definition::{Problem, Severity, find_recursion, read};
use ibid_flow::{Definition, Registry};
use ibid_types::{Error, Result};
use parking_lot::Mutex;

/// A flow of a hundred nodes is 20 kB.
const SOURCE_BYTES_MAX: u64 = 1 << 20;
/// More files than this are not listed.
const FILES_MAX: usize = 1000;
/// Problems named in one message.
const PROBLEMS_TOLD_MAX: usize = 5;

/// A flow that can be started.
#[derive(Debug)]
pub struct Entry {
    pub definition: Definition,
    pub source: String,
    pub is_built_in: bool,
}

/// A file of the folder that is no valid flow.
#[derive(Debug)]
pub struct Broken {
    pub name: String,
    pub error: Error,
}

/// What tells that a file is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    changed_at: Option<SystemTime>,
    bytes: u64,
}

#[derive(Debug)]
pub struct FlowBook {
    dir: PathBuf,
    kinds: Registry,
    built_in: BTreeMap<String, Arc<Entry>>,
    files: Mutex<BTreeMap<String, (Stamp, Arc<Entry>)>>,
    /// Held while a file is written or deleted.
    writing: Mutex<()>,
}

impl FlowBook {
    /// `built_in` holds the sources of the flows that come with the program.
    pub fn open(data_dir: &Path, kinds: Registry, built_in: &[(&str, &str)]) -> Result<Self> {
        let mut book = Self {
            dir: data_dir.join("flows"),
            kinds,
            built_in: BTreeMap::new(),
            files: Mutex::default(),
            writing: Mutex::default(),
        };
        for (name, source) in built_in {
            let known = |other: &str| built_in.iter().any(|(name, _)| *name == other);
            let definition = Definition::parse(source, &book.kinds, &known)
                .map_err(|problems| Error::internal("flow_invalid", told(name, &problems)))?;
            let entry = Entry { definition, source: (*source).to_owned(), is_built_in: true };
            book.built_in.insert((*name).to_owned(), Arc::new(entry));
        }
        Ok(book)
    }

    /// The kinds of nodes that flows are made of.
    pub const fn kinds(&self) -> &Registry {
        &self.kinds
    }

    /// The newest version. Errors: `flow_unknown`, `flow_invalid` for a file that was spoiled.
    pub fn find(&self, name: &str) -> Result<Arc<Entry>> {
        if let Some(entry) = self.built_in.get(name) {
            return Ok(Arc::clone(entry));
        }
        let unknown = || {
            Error::not_found(
                "flow_unknown",
                format!("there is no flow '{name}'; `ibid flow list` and GET /v1/flows say which there are"),
            )
        };
        let file = self.file(name).ok_or_else(unknown)?;
        let stamp = stamp(&file)?.ok_or_else(unknown)?;
        if let Some((known, entry)) = self.files.lock().get(name)
            && *known == stamp
        {
            return Ok(Arc::clone(entry));
        }
        let source = load(&file)?.ok_or_else(unknown)?;
        let definition = self.definition(&source, Some(name))?;
        let entry = Arc::new(Entry { definition, source, is_built_in: false });
        self.files.lock().insert(name.to_owned(), (stamp, Arc::clone(&entry)));
        Ok(entry)
    }

    /// A flow's text that no file holds. Error: `flow_invalid`.
    pub fn parse(&self, source: &str) -> Result<Definition> {
        self.definition(source, None)
    }

    fn definition(&self, source: &str, name: Option<&str>) -> Result<Definition> {
        let (definition, problems) = self.check(source);
        let is_named_so = |definition: &Definition| name.is_none_or(|name| definition.name == name);
        match definition {
            Some(definition) if is_named_so(&definition) => Ok(definition),
            Some(definition) => {
                let what = format!(
                    "the flow '{}' cannot be kept as '{}'; make both names the same",
                    definition.name,
                    name.unwrap_or_default()
                );
                Err(Error::bad_request("flow_invalid", what))
            }
            None => Err(Error::bad_request("flow_invalid", told(name.unwrap_or("the flow"), &problems))),
        }
    }

    /// All that is wrong with a flow's text, and the flow if it can run.
    pub fn check(&self, source: &str) -> (Option<Definition>, Vec<Problem>) {
        let known = |name: &str| self.is_known(name);
        let reading = read(source, &self.kinds, &known);
        let (mut definition, mut problems) = (reading.definition, reading.problems);
        if let Some(way) = definition.as_ref().and_then(|definition| self.way_back(definition)) {
            problems.push(recursive(&way));
            definition = None;
        }
        (definition, problems)
    }

    fn is_known(&self, name: &str) -> bool {
        self.built_in.contains_key(name) || self.file(name).is_some_and(|file| file.is_file())
    }

    /// How the flow comes back to itself over the flows that it calls, if it does.
    fn way_back(&self, definition: &Definition) -> Option<Vec<String>> {
        let mut reached = vec![definition.clone()];
        let mut next = 0;
        while next < reached.len() && reached.len() < FILES_MAX {
            let called: Vec<String> = reached[next].sub_flows().map(str::to_owned).collect();
            for name in called {
                if !reached.iter().any(|known| known.name == name)
                    && let Some(found) = self.known(&name)
                {
                    reached.push(found.definition.clone());
                }
            }
            next += 1;
        }
        find_recursion(&reached).into_iter().find(|way| way.contains(&definition.name))
    }

    /// What was last read under that name, or is read now without looking for circles.
    fn known(&self, name: &str) -> Option<Arc<Entry>> {
        if let Some(entry) = self.built_in.get(name) {
            return Some(Arc::clone(entry));
        }
        let source = load(&self.file(name)?).ok()??;
        let definition = read(&source, &self.kinds, &|name| self.is_known(name)).definition?;
        Some(Arc::new(Entry { definition, source, is_built_in: false }))
    }

    /// All flows by name, and the files that are none.
    pub fn list(&self) -> Result<(Vec<Arc<Entry>>, Vec<Broken>)> {
        let mut flows: Vec<Arc<Entry>> = self.built_in.values().cloned().collect();
        let mut broken = Vec::new();
        for name in self.file_names()? {
            match self.find(&name) {
                Ok(entry) if !entry.is_built_in => flows.push(entry),
                Ok(_) => broken.push(Broken { error: taken(&name), name }),
                Err(error) => broken.push(Broken { name, error }),
            }
        }
        flows.sort_by(|a, b| a.definition.name.cmp(&b.definition.name));
        Ok((flows, broken))
    }

    fn file_names(&self) -> Result<Vec<String>> {
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| unreadable(&self.dir, error))?,
        };
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter_map(|file| file.strip_suffix(".yaml").map(str::to_owned))
            .filter(|name| is_name(name))
            .take(FILES_MAX)
            .collect();
        names.sort();
        Ok(names)
    }

    /// Keeps a flow under its name, as a whole or not at all. Errors: `flow_invalid`, `flow_built_in`.
    pub fn save(&self, name: &str, source: &str) -> Result<Arc<Entry>> {
        let file = self.own_file(name)?;
        let _alone = self.writing.lock();
        self.definition(source, Some(name))?;
        self.write(&file, source).map_err(|error| {
            let what = format!("cannot write the flow {}", file.display());
            Error::unavailable("data_unwritable", what).caused_by(error)
        })?;
        // Two versions of one length within one tick of the file system's clock have the same stamp.
        self.files.lock().remove(name);
        self.find(name)
    }

    fn write(&self, file: &Path, source: &str) -> std::io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        let partial = file.with_extension("yaml.partial");
        let mut written = fs::File::create(&partial)?;
        written.write_all(source.as_bytes())?;
        written.sync_all()?;
        fs::rename(&partial, file)?;
        fs::File::open(&self.dir)?.sync_all()
    }

    /// Forgets a flow; runs that began on it finish on it. Errors: `flow_unknown`, `flow_built_in`.
    pub fn delete(&self, name: &str) -> Result<()> {
        let file = self.own_file(name)?;
        let _alone = self.writing.lock();
        self.files.lock().remove(name);
        fs::remove_file(&file).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::not_found("flow_unknown", format!("there is no flow '{name}'")),
            _ => Error::unavailable("data_unwritable", format!("cannot delete {}", file.display()))
                .caused_by(error),
        })
    }

    fn own_file(&self, name: &str) -> Result<PathBuf> {
        if self.built_in.contains_key(name) {
            return Err(taken(name));
        }
        self.file(name).ok_or_else(|| {
            let what = format!(
                "'{name}' cannot name a flow; use small letters, digits and hyphens, beginning with a letter, at most 64"
            );
            Error::bad_request("flow_invalid", what)
        })
    }

    /// Where a flow of that name would be; none for what cannot be a name.
    fn file(&self, name: &str) -> Option<PathBuf> {
        is_name(name).then(|| self.dir.join(format!("{name}.yaml")))
    }
}

/// `schema` is an endpoint beside the flows.
fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    begins && name.len() <= 64 && name.chars().all(allowed) && name != "schema"
}

fn taken(name: &str) -> Error {
    let what = format!("the flow '{name}' came with the program and stays; keep yours under another name");
    Error::conflict("flow_built_in", what)
}

fn stamp(file: &Path) -> Result<Option<Stamp>> {
    match fs::metadata(file) {
        Ok(data) => Ok(Some(Stamp { changed_at: data.modified().ok(), bytes: data.len() })),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(file, error)),
    }
}

/// The text of a file; what is too long is cut, which the reader then tells.
fn load(file: &Path) -> Result<Option<String>> {
    let opened = match fs::File::open(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| unreadable(file, error))?,
    };
    let mut bytes = Vec::new();
    opened.take(SOURCE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| unreadable(file, error))?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::unavailable("data_unreadable", format!("cannot read {}", path.display())).caused_by(error)
}

fn recursive(way: &[String]) -> Problem {
    let message = format!(
        "the flow calls itself: {}; take one of these calls out, or use a loop within the flow",
        way.join(" -> ")
    );
    Problem { severity: Severity::Error, line: 1, column: 1, path: String::new(), message }
}

/// The first problems in one line.
fn told(name: &str, problems: &[Problem]) -> String {
    let errors: Vec<&Problem> =
        problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
    let first: Vec<String> = errors.iter().take(PROBLEMS_TOLD_MAX).map(ToString::to_string).collect();
    let more = match errors.len().saturating_sub(PROBLEMS_TOLD_MAX) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    format!("{name} is no valid flow: {}{more}", first.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREET: &str = "name: greet\nnodes: {hello: {kind: set, with: {text: hi}}}\nstate: {text: text}\n";

    fn book(dir: &Path) -> FlowBook {
        FlowBook::open(dir, Registry::default(), &[("greet", GREET)]).unwrap()
    }

    fn named(name: &str, text: &str) -> String {
        GREET.replace("name: greet", &format!("name: {name}")).replace("text: hi", &format!("text: {text}"))
    }

    #[test]
    fn a_flow_is_kept_and_found_in_its_newest_version() {
        let dir = tempfile::tempdir().unwrap();
        let book = book(dir.path());
        let first = book.save("mine", &named("mine", "one")).unwrap();
        let second = book.save("mine", &named("mine", "two")).unwrap();
        assert_ne!(first.definition.hash, second.definition.hash);
        assert_eq!(book.find("mine").unwrap().definition.hash, second.definition.hash);
        let names = |book: &FlowBook| {
            let (flows, broken) = book.list().unwrap();
            assert!(broken.is_empty());
            flows.iter().map(|flow| flow.definition.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(&book), ["greet", "mine"]);
        book.delete("mine").unwrap();
        assert_eq!(names(&book), ["greet"]);
        assert_eq!(book.find("mine").unwrap_err().code, "flow_unknown");
    }

    #[test]
    fn a_file_that_changes_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let book = book(dir.path());
        fs::create_dir_all(dir.path().join("flows")).unwrap();
        let file = dir.path().join("flows/mine.yaml");
        fs::write(&file, named("mine", "one")).unwrap();
        assert!(book.find("mine").unwrap().source.contains("one"));
        fs::write(&file, named("mine", "three")).unwrap();
        assert!(book.find("mine").unwrap().source.contains("three"));
        fs::write(&file, "name: [").unwrap();
        assert_eq!(book.find("mine").unwrap_err().code, "flow_invalid");
        assert_eq!(book.list().unwrap().1[0].name, "mine");
    }

    #[test]
    fn what_is_built_in_stays() {
        let dir = tempfile::tempdir().unwrap();
        let book = book(dir.path());
        assert_eq!(book.save("greet", GREET).unwrap_err().code, "flow_built_in");
        assert_eq!(book.delete("greet").unwrap_err().code, "flow_built_in");
    }

    #[test]
    fn a_name_is_no_way_out_of_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let book = book(dir.path());
        for name in ["../greet", "a/b", "", "Greet", "schema", "1a"] {
            assert_eq!(book.save(name, GREET).unwrap_err().code, "flow_invalid", "{name}");
            assert_eq!(book.find(name).unwrap_err().code, "flow_unknown", "{name}");
        }
    }

    #[test]
    fn a_flow_that_calls_itself_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let book = book(dir.path());
        let calls =
            |name: &str, other: &str| format!("name: {name}\nnodes: {{go: {{kind: flow, flow: {other}}}}}\n");
        book.save("b", &named("b", "x")).unwrap();
        book.save("a", &calls("a", "b")).unwrap();
        let refused = book.save("b", &calls("b", "a")).unwrap_err();
        assert!(refused.message.contains("calls itself"), "{}", refused.message);
    }
}
