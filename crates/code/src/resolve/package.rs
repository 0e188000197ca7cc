//! Packages of a repository, by their manifests: the names by which its parts import each other.

use serde::{Deserialize, Serialize};

/// A folder that others import by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Package {
    pub kind: PackageKind,
    pub name: String,
    /// Empty for the repository's top.
    pub folder: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PackageKind {
    Cargo,
    Go,
    Npm,
}

impl Package {
    /// Whether a file of this name is a manifest.
    #[must_use]
    pub fn is_manifest(path: &str) -> bool {
        matches!(path.rsplit('/').next(), Some("Cargo.toml" | "go.mod" | "package.json"))
    }

    /// The package that a manifest describes, if it names one.
    #[must_use]
    pub fn read(path: &str, bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        let (kind, name) = match file {
            "Cargo.toml" => (PackageKind::Cargo, cargo_name(&text)?.replace('-', "_")),
            "go.mod" => (PackageKind::Go, go_name(&text)?),
            "package.json" => (PackageKind::Npm, npm_name(&text)?),
            _ => return None,
        };
        Some(Self { kind, name, folder: folder.to_owned() })
    }
}

/// The library's name if it has one of its own, else the package's. Both stand on a line of their own by custom.
fn cargo_name(text: &str) -> Option<String> {
    let (mut table, mut package, mut library) = ("", None, None);
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            table = line;
        }
        let name = line.strip_prefix("name").and_then(|rest| rest.trim_start().strip_prefix('='));
        let name = name.map(|name| name.trim().trim_matches(['"', '\'']).to_owned());
        match table {
            "[package]" => package = package.or(name),
            "[lib]" => library = library.or(name),
            _ => {}
        }
    }
    library.or(package)
}

fn go_name(text: &str) -> Option<String> {
    let name = text.lines().find_map(|line| line.trim().strip_prefix("module "))?;
    Some(name.trim().trim_matches('"').to_owned())
}

fn npm_name(text: &str) -> Option<String> {
    let manifest: serde_json::Value = serde_json::from_str(text).ok()?;
    manifest.get("name")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(path: &str, text: &str) -> Option<String> {
        Package::read(path, text.as_bytes())
            .map(|package| format!("{} in {:?}", package.name, package.folder))
    }

    #[test]
    fn manifests_name_packages() {
        let cargo = "[package]\nname = \"ibid-types\"\n[[bin]]\nname = \"x\"\n";
        assert_eq!(name("crates/types/Cargo.toml", cargo).unwrap(), "ibid_types in \"crates/types\"");
        assert_eq!(name("go.mod", "module example.com/a\n\ngo 1.22\n").unwrap(), "example.com/a in \"\"");
        assert_eq!(name("ui/package.json", r#"{"name": "@a/ui"}"#).unwrap(), "@a/ui in \"ui\"");
    }

    #[test]
    fn a_library_may_have_another_name_than_its_package() {
        assert_eq!(cargo_name("[lib]\nname = \"b\"\n[package]\nname = \"a\"").unwrap(), "b");
    }

    #[test]
    fn broken_manifests_name_nothing() {
        assert_eq!(name("Cargo.toml", "[workspace]\n"), None);
        assert_eq!(name("package.json", "{"), None);
        assert_eq!(name("other.toml", "[package]\nname = \"a\""), None);
    }
}
