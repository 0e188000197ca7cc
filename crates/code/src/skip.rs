//! Which tracked files hold nothing that people wrote: vendored, generated, packed or binary. They are counted by reason, never silent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    Binary,
    Generated,
    /// A pointer to content that is kept elsewhere (git LFS).
    KeptElsewhere,
    Link,
    LockFile,
    Minified,
    PathUnreadable,
    Submodule,
    TooLarge,
    TooMany,
    Vendored,
}

/// How many files were left out, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped(pub BTreeMap<SkipReason, usize>);

impl Skipped {
    pub fn count(&mut self, reason: SkipReason) {
        *self.0.entry(reason).or_default() += 1;
    }

    #[must_use]
    pub fn of(&self, reason: SkipReason) -> usize {
        self.0.get(&reason).copied().unwrap_or(0)
    }

    #[must_use]
    pub fn total(&self) -> usize {
        self.0.values().sum()
    }
}

const VENDORED: [&str; 10] = [
    "node_modules",
    "bower_components",
    "vendor",
    "third_party",
    "third-party",
    "site-packages",
    ".venv",
    "__pycache__",
    "dist",
    ".yarn",
];
const LOCK_FILES: [&str; 12] = [
    "Cargo.lock",
    "Gemfile.lock",
    "bun.lock",
    "composer.lock",
    "flake.lock",
    "go.sum",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "pnpm-lock.yaml",
    "poetry.lock",
    "uv.lock",
    "yarn.lock",
];
const BINARY: [&str; 40] = [
    "7z", "a", "avi", "avif", "bin", "bmp", "bz2", "class", "db", "dll", "dylib", "eot", "exe", "gif", "gz",
    "ico", "jar", "jpeg", "jpg", "mov", "mp3", "mp4", "o", "odt", "onnx", "otf", "pdf", "png", "pyc", "rar",
    "so", "tar", "ttf", "wasm", "webp", "woff", "woff2", "xz", "zip", "zst",
];
const MINIFIED: [&str; 4] = [".min.js", ".min.css", ".bundle.js", ".map"];
/// A generator says so in the first lines.
const HEAD_BYTES: usize = 1024;
const GENERATED: [&str; 4] = ["@generated", "DO NOT EDIT", "Do not edit", "automatically generated"];
/// People break their lines earlier.
const LINE_BYTES_MEAN_MAX: usize = 400;
const PACKED_BYTES_MIN: usize = 4096;

/// Why the file is left out, as far as its path and size tell.
#[must_use]
pub fn by_path(path: &str, bytes: u64, bytes_max: u64) -> Option<SkipReason> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let mut folders = path.split('/').rev().skip(1);
    if folders.any(|folder| VENDORED.contains(&folder)) || path.starts_with("target/") {
        return Some(SkipReason::Vendored);
    }
    if LOCK_FILES.contains(&name) {
        return Some(SkipReason::LockFile);
    }
    if MINIFIED.iter().any(|end| name.ends_with(end)) {
        return Some(SkipReason::Minified);
    }
    if BINARY.contains(&extension.to_ascii_lowercase().as_str()) {
        return Some(SkipReason::Binary);
    }
    (bytes > bytes_max).then_some(SkipReason::TooLarge)
}

/// Why the file is left out, as its content tells.
#[must_use]
pub fn by_content(bytes: &[u8]) -> Option<SkipReason> {
    // As git itself tells binary from text.
    if bytes.iter().take(8000).any(|byte| *byte == 0) {
        return Some(SkipReason::Binary);
    }
    if bytes.starts_with(b"version https://git-lfs") {
        return Some(SkipReason::KeptElsewhere);
    }
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(HEAD_BYTES)]);
    if head.lines().take(10).any(says_generated) {
        return Some(SkipReason::Generated);
    }
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
    let is_packed = bytes.len() >= PACKED_BYTES_MIN && bytes.len() / lines > LINE_BYTES_MEAN_MAX;
    is_packed.then_some(SkipReason::Minified)
}

/// Only a comment says it; a string or a rule about such files does not count.
fn says_generated(line: &str) -> bool {
    let line = line.trim_start();
    let is_comment = ["//", "#", "/*", "*", "--", "<!--", "\"\"\""].iter().any(|mark| line.starts_with(mark));
    is_comment && GENERATED.iter().any(|sign| line.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: &str) -> Option<SkipReason> {
        by_path(path, 10, 100)
    }

    #[test]
    fn what_others_wrote_is_skipped() {
        assert_eq!(path("ui/node_modules/a/index.js"), Some(SkipReason::Vendored));
        assert_eq!(path("vendor/x.go"), Some(SkipReason::Vendored));
        assert_eq!(path("Cargo.lock"), Some(SkipReason::LockFile));
        assert_eq!(path("a/jquery.min.js"), Some(SkipReason::Minified));
        assert_eq!(path("logo.PNG"), Some(SkipReason::Binary));
        assert_eq!(by_path("big.rs", 101, 100), Some(SkipReason::TooLarge));
    }

    #[test]
    fn what_only_looks_like_it_is_kept() {
        for kept in ["src/vendor.rs", "src/target/mod.rs", "distance/a.c", "locks/lock.go"] {
            assert_eq!(path(kept), None, "{kept}");
        }
    }

    #[test]
    fn content_tells_of_generators_and_packers() {
        assert_eq!(
            by_content(b"// Code generated by protoc. DO NOT EDIT.\npackage a"),
            Some(SkipReason::Generated)
        );
        assert_eq!(by_content(b"a\0b"), Some(SkipReason::Binary));
        assert_eq!(by_content("x=1;".repeat(2000).as_bytes()), Some(SkipReason::Minified));
        assert_eq!(by_content(b"const RULE: &str = \"DO NOT EDIT\";\n"), None);
    }
}
