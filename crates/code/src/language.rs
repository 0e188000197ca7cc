//! Which language a file is in, by the end of its name.
//!
//! Keeps true: a file of an unknown language is a file without symbols, not an error.

use serde::{Deserialize, Serialize};

/// A language whose grammar is built in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    C,
    Go,
    Java,
    JavaScript,
    Python,
    Rust,
    Tsx,
    TypeScript,
}

/// Languages that call each other's names without ceremony. References are resolved within one family only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Family {
    C,
    Go,
    Java,
    Python,
    Rust,
    Script,
}

impl Language {
    pub const ALL: [Self; 8] = [
        Self::C,
        Self::Go,
        Self::Java,
        Self::JavaScript,
        Self::Python,
        Self::Rust,
        Self::Tsx,
        Self::TypeScript,
    ];

    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        let (_, extension) = path.rsplit('/').next()?.rsplit_once('.')?;
        Some(match extension {
            "c" | "h" => Self::C,
            "go" => Self::Go,
            "java" => Self::Java,
            "js" | "jsx" | "mjs" | "cjs" => Self::JavaScript,
            "py" | "pyi" => Self::Python,
            "rs" => Self::Rust,
            "tsx" => Self::Tsx,
            "ts" | "mts" | "cts" => Self::TypeScript,
            _ => return None,
        })
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::C => "c",
            Self::Go => "go",
            Self::Java => "java",
            Self::JavaScript => "javascript",
            Self::Python => "python",
            Self::Rust => "rust",
            Self::Tsx => "tsx",
            Self::TypeScript => "typescript",
        }
    }

    pub(crate) fn grammar(self) -> tree_sitter::Language {
        match self {
            Self::C => tree_sitter_c::LANGUAGE.into(),
            Self::Go => tree_sitter_go::LANGUAGE.into(),
            Self::Java => tree_sitter_java::LANGUAGE.into(),
            Self::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
            Self::Python => tree_sitter_python::LANGUAGE.into(),
            Self::Rust => tree_sitter_rust::LANGUAGE.into(),
            Self::Tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
            Self::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
        }
    }

    pub(crate) const fn family(self) -> Family {
        match self {
            Self::C => Family::C,
            Self::Go => Family::Go,
            Self::Java => Family::Java,
            Self::Python => Family::Python,
            Self::Rust => Family::Rust,
            Self::JavaScript | Self::Tsx | Self::TypeScript => Family::Script,
        }
    }

    /// What stands between the parts of a qualified name.
    pub(crate) const fn separator(self) -> &'static str {
        match self {
            Self::Rust => "::",
            _ => ".",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_as_their_language_does() {
        assert_eq!(Language::of_path("src/lib.rs"), Some(Language::Rust));
        assert_eq!(Language::of_path("ui/App.tsx"), Some(Language::Tsx));
        assert_eq!(Language::of_path("kernel/list.h"), Some(Language::C));
    }

    #[test]
    fn other_files_have_no_language() {
        for path in ["Makefile", "a.rs/readme", "notes.md", "", ".", "rs"] {
            assert_eq!(Language::of_path(path), None, "{path}");
        }
    }

    #[test]
    fn every_grammar_can_be_loaded() {
        for language in Language::ALL {
            let mut parser = tree_sitter::Parser::new();
            assert!(parser.set_language(&language.grammar()).is_ok(), "{}", language.name());
        }
    }
}
