//! What stands in one source file, as plain data: symbols, references between names, and notes in comments.
//!
//! Keeps true: an index into `symbols` is within it, spans lie within the file, and a parent comes before its children.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::Language;

/// Bytes of the file, from and to.
pub type Span = Range<u32>;

/// What was found in one file. A file in an unknown language has neither language nor symbols.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSymbols {
    pub language: Option<Language>,
    /// What the file's head says about it.
    pub doc: Option<String>,
    pub symbols: Vec<Symbol>,
    pub references: Vec<Reference>,
    pub notes: Vec<Note>,
    pub warnings: Vec<Warning>,
}

/// Something with a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Symbol {
    pub name: String,
    /// With the modules and types that enclose it in this file: `log::Reader::next`, `Reader.next`.
    pub qualified: String,
    /// The type that it belongs to, which may be defined in another file.
    pub container: Option<String>,
    /// The symbol of this file that encloses it.
    pub parent: Option<u32>,
    pub kind: SymbolKind,
    pub span: Span,
    /// First and last, counted from one.
    pub lines: (u32, u32),
    /// From its beginning to its body, on one line.
    pub signature: String,
    pub doc: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SymbolKind {
    Class,
    Constant,
    Enum,
    Function,
    Interface,
    Macro,
    Method,
    Module,
    Struct,
    Trait,
    Type,
    Variable,
    Variant,
}

impl SymbolKind {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Class => "class",
            Self::Constant => "constant",
            Self::Enum => "enum",
            Self::Function => "function",
            Self::Interface => "interface",
            Self::Macro => "macro",
            Self::Method => "method",
            Self::Module => "module",
            Self::Struct => "struct",
            Self::Trait => "trait",
            Self::Type => "type",
            Self::Variable => "variable",
            Self::Variant => "variant",
        }
    }

    /// Whether values can be of it.
    #[must_use]
    pub const fn is_type(self) -> bool {
        matches!(self, Self::Class | Self::Enum | Self::Interface | Self::Struct | Self::Trait | Self::Type)
    }

    /// Whether a call can mean it. Classes are called in Python, variants and structs in Rust, variables wherever functions are values.
    #[must_use]
    pub const fn is_callable(self) -> bool {
        !matches!(self, Self::Module | Self::Trait | Self::Interface)
    }
}

/// A place that names something that may be defined elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The symbol that encloses it; none at the file's top.
    pub from: Option<u32>,
    /// `*` for all names of a module, empty where a file is imported for its effects.
    pub name: String,
    /// What stands before the name: a path, a receiver, the module of an import.
    pub qualifier: Option<String>,
    /// Whether the qualifier is a value that is asked, not a path. Only Rust tells the two apart; elsewhere it says that the call is on something.
    pub on_value: bool,
    /// For a call, the type of its receiver, where the file tells it. For `Implements` and `Inherits`, the type that does.
    pub subject: Option<String>,
    /// The name under which an import is known here.
    pub alias: Option<String>,
    pub kind: ReferenceKind,
    pub span: Span,
    pub line: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceKind {
    Call,
    Implements,
    Import,
    Inherits,
    Type,
}

/// A comment that says what is to be done, or why something is as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub kind: NoteKind,
    pub text: String,
    /// The symbol that it stands in or before.
    pub symbol: Option<u32>,
    pub span: Span,
    pub line: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    Fixme,
    Todo,
    Why,
}

/// What keeps a file's symbols from being all there is. None of it is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Warning {
    /// Larger than `Limits::file_bytes_max`; not parsed.
    FileTooLarge,
    /// Parsing took longer than `Limits::parse_ms_max`; nothing is known.
    ParseTimeout,
    /// The grammar did not understand all of it; what it did understand is here.
    SyntaxErrors,
    /// Nested deeper than `Limits::depth_max`; what is deeper is not here.
    TooDeep,
    TooManyNotes,
    TooManyReferences,
    TooManySymbols,
}

/// What reading one file may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    pub file_bytes_max: u32,
    pub symbols_max: usize,
    pub references_max: usize,
    pub notes_max: usize,
    pub depth_max: usize,
    pub parse_ms_max: u64,
    /// Of a signature, a comment, a qualifier.
    pub text_bytes_max: usize,
}

impl Default for Limits {
    /// Wide enough for what people write by hand; what is larger is mostly generated. A parse takes milliseconds; two seconds mean that
    /// the input fights the grammar.
    fn default() -> Self {
        Self {
            file_bytes_max: 1 << 20,
            symbols_max: 10_000,
            references_max: 50_000,
            notes_max: 1_000,
            depth_max: 400,
            parse_ms_max: 2_000,
            text_bytes_max: 2_000,
        }
    }
}
