//! Where a module's name leads: to a file of the repository, to a folder of it, or out of it.
//!
//! Keeps true: nothing is read; only paths that are tracked are looked up.

use std::collections::HashMap;

use super::package::{Package, PackageKind};
use crate::Language;
use crate::language::Family;

/// What a module's name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file, and what is left of the name inside of it.
    File { file: u32, rest: String },
    /// All files of a folder (a package of Go's or Java's).
    Folder(String),
    /// A library that is not in the repository.
    Outside,
}

#[derive(Debug)]
pub struct Modules<'a> {
    paths: Vec<&'a str>,
    by_path: HashMap<&'a str, u32>,
    /// Files by the last part of their paths, without its end: what suffixes are looked up by.
    by_stem: HashMap<&'a str, Vec<u32>>,
    /// Folders that hold source files, by their last part.
    by_folder: HashMap<&'a str, Vec<&'a str>>,
    packages: &'a [Package],
    /// The crate and module of each Rust file.
    crates: Vec<Option<(String, String)>>,
    by_crate: HashMap<(String, String), u32>,
}

/// The ends that a script's import leaves out.
const SCRIPT_ENDS: [&str; 15] = [
    "",
    ".ts",
    ".tsx",
    ".d.ts",
    ".js",
    ".jsx",
    ".mjs",
    ".cjs",
    ".mts",
    ".cts",
    "/index.ts",
    "/index.tsx",
    "/index.js",
    "/index.jsx",
    "/index.mjs",
];
/// What scripts call the top of their own sources.
const SCRIPT_TOPS: [&str; 3] = ["@/", "~/", "$lib/"];

impl<'a> Modules<'a> {
    pub fn new(paths: Vec<&'a str>, packages: &'a [Package]) -> Self {
        let mut modules = Self {
            by_path: paths.iter().enumerate().map(|(file, path)| (*path, file as u32)).collect(),
            by_stem: HashMap::new(),
            by_folder: HashMap::new(),
            packages,
            crates: Vec::new(),
            by_crate: HashMap::new(),
            paths,
        };
        modules.index();
        modules
    }

    fn index(&mut self) {
        for (file, path) in self.paths.iter().enumerate() {
            self.by_stem.entry(stem(path)).or_default().push(file as u32);
            let known = self.by_folder.entry(last(folder(path))).or_default();
            if !known.contains(&folder(path)) {
                known.push(folder(path));
            }
            let place = path.ends_with(".rs").then(|| self.crate_of(path));
            if let Some(place) = &place {
                self.by_crate.entry(place.clone()).or_insert(file as u32);
            }
            self.crates.push(place);
        }
    }

    /// Where the module leads that `file` names. `inside` are the inline modules around the name, outermost first.
    pub fn locate(&self, file: u32, module: &str, inside: &[&str]) -> Option<Place> {
        let path = self.paths[file as usize];
        match Language::of_path(path)?.family() {
            Family::Rust => self.locate_rust(file, module, inside),
            Family::Python => self.locate_python(path, module),
            Family::Script => self.locate_script(path, module),
            Family::Go => Some(self.locate_go(module)),
            Family::Java => Some(self.locate_java(path, module)),
            Family::C => Some(self.locate_c(path, module)),
        }
    }

    pub fn path(&self, file: u32) -> &'a str {
        self.paths[file as usize]
    }
}

/// Rust.
impl Modules<'_> {
    /// The crate and the module in it. A file outside of `src` is a crate of its own.
    fn crate_of(&self, path: &str) -> (String, String) {
        let package = self.packages.iter().filter(|package| package.kind == PackageKind::Cargo);
        let package =
            package.filter(|package| is_in(path, &package.folder)).max_by_key(|package| package.folder.len());
        let Some(package) = package else { return (folder(path).to_owned(), stem(path).to_owned()) };
        let inner = path[package.folder.len()..].trim_start_matches('/');
        let Some(inner) = inner.strip_prefix("src/").filter(|inner| !inner.starts_with("bin/")) else {
            return (path.to_owned(), String::new());
        };
        let module = inner.trim_end_matches(".rs").trim_end_matches("/mod").replace('/', "::");
        let is_root = matches!(module.as_str(), "lib" | "main" | "mod");
        (package.name.clone(), if is_root { String::new() } else { module })
    }

    fn locate_rust(&self, file: u32, module: &str, inside: &[&str]) -> Option<Place> {
        let (own_crate, own_module) = self.crates.get(file as usize)?.as_ref()?;
        let mut here: Vec<&str> = own_module.split("::").filter(|part| !part.is_empty()).collect();
        here.extend(inside);
        let mut parts = module.split("::").filter(|part| !part.is_empty()).peekable();
        let first = parts.peek().copied().unwrap_or_default();
        let mut in_crate = own_crate.as_str();
        let mut is_said = matches!(first, "crate" | "$crate" | "self");
        match first {
            "crate" | "$crate" => here.clear(),
            "self" | "super" | "" => {}
            _ if self.by_crate.contains_key(&(own_crate.clone(), joined(own_module, first))) => {}
            name => {
                let Some(package) = self.cargo_package(name) else { return Some(Place::Outside) };
                in_crate = &package.name;
                here.clear();
                is_said = true;
            }
        }
        for part in parts.skip(usize::from(is_said)) {
            match part {
                "super" => _ = here.pop(),
                part => here.push(part),
            }
        }
        self.deepest(in_crate, &here)
    }

    fn cargo_package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.kind == PackageKind::Cargo && package.name == name)
    }

    /// The file of the longest beginning of a path, and what is left.
    fn deepest(&self, in_crate: &str, path: &[&str]) -> Option<Place> {
        (0..=path.len()).rev().find_map(|length| {
            let key = (in_crate.to_owned(), path[..length].join("::"));
            let file = *self.by_crate.get(&key)?;
            Some(Place::File { file, rest: path[length..].join("::") })
        })
    }
}

/// Languages whose modules are paths.
impl Modules<'_> {
    fn locate_python(&self, path: &str, module: &str) -> Option<Place> {
        let name = module.trim_start_matches('.');
        let dots = module.len() - name.len();
        let inner = name.replace('.', "/");
        if dots == 0 {
            let ends = [format!("{inner}.py"), format!("{inner}/__init__.py"), format!("{inner}.pyi")];
            let found = ends.iter().find_map(|end| self.nearest_ending(path, end));
            return Some(found.map_or(Place::Outside, whole));
        }
        let mut base = folder(path);
        for _ in 1..dots {
            base = folder(base);
        }
        let target = joined_path(base, &inner);
        let ends = [".py", "/__init__.py", ".pyi"];
        let found =
            ends.iter().find_map(|end| self.by_path.get(format!("{target}{end}").trim_start_matches('/')));
        match found {
            Some(file) => Some(whole(*file)),
            None if inner.is_empty() => Some(Place::Folder(target)),
            None => None,
        }
    }

    fn locate_script(&self, path: &str, module: &str) -> Option<Place> {
        if module.starts_with('.') {
            return self.script_at(&normal(&joined_path(folder(path), module))?);
        }
        for top in SCRIPT_TOPS {
            if let Some(inner) = module.strip_prefix(top) {
                let found =
                    SCRIPT_ENDS.iter().find_map(|end| self.nearest_ending(path, &format!("{inner}{end}")));
                return found.map(whole);
            }
        }
        let packages = self.packages.iter().filter(|package| package.kind == PackageKind::Npm);
        for package in packages {
            if let Some(inner) = module.strip_prefix(package.name.as_str()) {
                let inner = inner.trim_start_matches('/');
                let places = [
                    joined_path(&package.folder, inner),
                    joined_path(&package.folder, &joined_path("src", inner)),
                ];
                return places
                    .iter()
                    .find_map(|place| self.script_at(place))
                    .or(Some(Place::Folder(package.folder.clone())));
            }
        }
        Some(Place::Outside)
    }

    /// TypeScript writes `.js` for what will be one.
    fn script_at(&self, place: &str) -> Option<Place> {
        let bare = place.strip_suffix(".js").or_else(|| place.strip_suffix(".mjs")).unwrap_or(place);
        let candidates = [place, bare]
            .into_iter()
            .flat_map(|base| SCRIPT_ENDS.iter().map(move |end| format!("{base}{end}")));
        let mut candidates = candidates.map(|path| path.trim_start_matches('/').to_owned());
        candidates.find_map(|path| self.by_path.get(path.as_str()).copied()).map(whole)
    }

    fn locate_go(&self, module: &str) -> Place {
        let packages = self
            .packages
            .iter()
            .filter(|package| package.kind == PackageKind::Go && is_in(module, &package.name));
        match packages.max_by_key(|package| package.name.len()) {
            Some(package) => {
                let inner = module[package.name.len()..].trim_start_matches('/');
                Place::Folder(joined_path(&package.folder, inner))
            }
            None => Place::Outside,
        }
    }

    fn locate_java(&self, path: &str, module: &str) -> Place {
        let inner = module.replace('.', "/");
        if let Some(file) = self.nearest_ending(path, &format!("{inner}.java")) {
            return whole(file);
        }
        let folders = self.by_folder.get(last(&inner)).into_iter().flatten();
        let found = folders
            .filter(|folder| ends_with_path(folder, &inner))
            .max_by_key(|folder| nearness(folder, path));
        found.map_or(Place::Outside, |folder| Place::Folder((*folder).to_owned()))
    }

    fn locate_c(&self, path: &str, header: &str) -> Place {
        let name = header.trim_matches(['<', '>']);
        let beside = normal(&joined_path(folder(path), name))
            .and_then(|place| self.by_path.get(place.as_str()).copied());
        beside.or_else(|| self.nearest_ending(path, name)).map_or(Place::Outside, whole)
    }

    /// Among files whose path ends so, the one that shares most folders with `from`.
    fn nearest_ending(&self, from: &str, end: &str) -> Option<u32> {
        let files = self.by_stem.get(stem(end))?.iter().copied();
        let found = files.filter(|file| ends_with_path(self.path(*file), end));
        found.max_by_key(|file| (nearness(self.path(*file), from), std::cmp::Reverse(self.path(*file).len())))
    }
}

fn whole(file: u32) -> Place {
    Place::File { file, rest: String::new() }
}

pub fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The file's name without its ends; the folder's for files that stand for their folder.
fn stem(path: &str) -> &str {
    let name = last(path);
    let name = name.split_once('.').map_or(name, |(stem, _)| stem);
    if matches!(name, "__init__" | "index" | "mod") { last(folder(path)) } else { name }
}

fn is_in(path: &str, folder: &str) -> bool {
    folder.is_empty()
        || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn ends_with_path(path: &str, end: &str) -> bool {
    path.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// How many folders two paths share from the top.
pub fn nearness(one: &str, other: &str) -> usize {
    one.split('/').zip(other.split('/')).take_while(|(one, other)| one == other).count()
}

fn joined(module: &str, name: &str) -> String {
    if module.is_empty() { name.to_owned() } else { format!("{module}::{name}") }
}

fn joined_path(folder: &str, inner: &str) -> String {
    if folder.is_empty() || inner.is_empty() {
        format!("{folder}{inner}")
    } else {
        format!("{folder}/{inner}")
    }
}

/// The path without `.` and `..`; none if it leaves the repository.
fn normal(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where `module` leads from the first file.
    fn located(files: &[&str], packages: &[Package], module: &str) -> String {
        let modules = Modules::new(files.to_vec(), packages);
        match modules.locate(0, module, &[]) {
            Some(Place::File { file, rest }) => format!("{} {rest}", modules.path(file)).trim().to_owned(),
            Some(Place::Folder(folder)) => format!("folder {folder}"),
            Some(Place::Outside) => "outside".to_owned(),
            None => "nowhere".to_owned(),
        }
    }

    fn package(kind: PackageKind, name: &str, folder: &str) -> Package {
        Package { kind, name: name.to_owned(), folder: folder.to_owned() }
    }

    #[test]
    fn rust_paths_lead_through_crates() {
        let packages = [
            package(PackageKind::Cargo, "one", "crates/one"),
            package(PackageKind::Cargo, "two", "crates/two"),
        ];
        let files = [
            "crates/one/src/a/mod.rs",
            "crates/one/src/lib.rs",
            "crates/one/src/a/b.rs",
            "crates/two/src/lib.rs",
        ];
        let to = |module| located(&files, &packages, module);
        assert_eq!(to("crate"), "crates/one/src/lib.rs");
        assert_eq!(to("crate::a::b::Kind"), "crates/one/src/a/b.rs Kind");
        assert_eq!(to("self::b"), "crates/one/src/a/b.rs");
        assert_eq!(to("b"), "crates/one/src/a/b.rs");
        assert_eq!(to("super"), "crates/one/src/lib.rs");
        assert_eq!(to("two::error"), "crates/two/src/lib.rs error");
        assert_eq!(to("one::a"), "crates/one/src/a/mod.rs");
        assert_eq!(to("std::fmt"), "outside");
    }

    #[test]
    fn python_modules_are_paths() {
        let files = ["src/app/views.py", "src/app/models.py", "src/app/__init__.py", "src/tool.py"];
        let to = |module| located(&files, &[], module);
        assert_eq!(to(".models"), "src/app/models.py");
        assert_eq!(to("."), "src/app/__init__.py");
        assert_eq!(to("..tool"), "src/tool.py");
        assert_eq!(to("app.models"), "src/app/models.py");
        assert_eq!(to("os.path"), "outside");
    }

    #[test]
    fn scripts_leave_out_ends() {
        let packages = [package(PackageKind::Npm, "@a/kit", "kit")];
        let files = ["ui/src/App.tsx", "ui/src/api.ts", "ui/src/lib/index.ts", "kit/src/index.ts"];
        let to = |module| located(&files, &packages, module);
        assert_eq!(to("./api"), "ui/src/api.ts");
        assert_eq!(to("./api.js"), "ui/src/api.ts");
        assert_eq!(to("./lib"), "ui/src/lib/index.ts");
        assert_eq!(to("@/api"), "ui/src/api.ts");
        assert_eq!(to("@a/kit"), "kit/src/index.ts");
        assert_eq!(to("react"), "outside");
        assert_eq!(to("../../../x"), "nowhere");
    }

    #[test]
    fn packages_of_go_and_java_are_folders() {
        let go = [package(PackageKind::Go, "example.com/a", "")];
        assert_eq!(located(&["main.go", "store/db.go"], &go, "example.com/a/store"), "folder store");
        assert_eq!(located(&["main.go"], &go, "example.com/ab"), "outside");
        let java = ["src/main/java/a/B.java", "src/main/java/a/c/D.java"];
        assert_eq!(located(&java, &[], "a.c"), "folder src/main/java/a/c");
        assert_eq!(located(&java, &[], "a.c.D"), "src/main/java/a/c/D.java");
        assert_eq!(located(&java, &[], "java.util"), "outside");
    }

    #[test]
    fn headers_are_beside_or_below() {
        let files = ["src/a.c", "src/a.h", "include/lib/b.h"];
        assert_eq!(located(&files, &[], "a.h"), "src/a.h");
        assert_eq!(located(&files, &[], "<lib/b.h>"), "include/lib/b.h");
        assert_eq!(located(&files, &[], "<stdio.h>"), "outside");
    }
}
