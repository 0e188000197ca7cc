//! Source code: the text as it is, with its items as sections.
//!
//! An item (function, type, module) is found by its first line: one that begins with a word that only declarations
//! begin with, or in the C family opens a body. Its comment and attributes belong to it. Nothing is parsed, so that a
//! broken file reads as well as a good one.

use ibid_types::parsed::{Block, BlockKind, Parsed};

use crate::builder::{Builder, verbatim};
use crate::parse::Limits;

/// Code of the language that `name` tells, or that its first line (`#!`) does.
pub fn parse(text: &str, name: &str, limits: &Limits) -> Parsed {
    let text = verbatim(text);
    let text = text.trim_end();
    let language = language_of_name(name).or_else(|| language_of_program(text)).unwrap_or_default();
    let mut out = Builder::new(limits);
    out.verbatim(text, blocks(text, language));
    out.finish()
}

/// A line with its place.
struct Line<'t> {
    start: usize,
    text: &'t str,
}

/// The first line of an item with what stands above it, and what follows up to the next item.
fn blocks(text: &str, language: &str) -> Vec<Block> {
    let lines = lines(text);
    let mut heads: Vec<(usize, usize, u8)> = Vec::new();
    let mut inside = false;
    for (at, line) in lines.iter().enumerate() {
        let next = lines.get(at + 1).map_or("", |line| line.text);
        if let Some(level) = item_level(line.text, next, language, inside) {
            inside = if level == 1 { opens_members(line.text) } else { inside };
            let after = heads.last().map_or(0, |(_, last, _)| last + 1);
            heads.push((first_of_item(&lines, at, after), at, level));
        }
    }
    let end_of = |at: usize| lines.get(at).map_or(text.len(), |line| line.start);
    let code = |from: usize, to: usize| Block {
        kind: BlockKind::Code { language: language.to_owned() },
        start: from,
        end: to,
    };
    let mut blocks = vec![code(0, end_of(heads.first().map_or(lines.len(), |head| head.0)))];
    for (at, (first, last, level)) in heads.iter().enumerate() {
        let start = end_of(*first);
        let end = lines[*last].start + lines[*last].text.len();
        blocks.push(Block { kind: BlockKind::Heading { level: *level }, start, end });
        let next = heads.get(at + 1).map_or(lines.len(), |head| head.0);
        blocks.push(code(end_of(last + 1), end_of(next)));
    }
    blocks.retain(|block| !text[block.start..block.end].trim().is_empty());
    blocks
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut start = 0;
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        lines.push(Line { start, text: line.trim_end() });
        start += line.len();
    }
    lines
}

/// Comments, attributes and decorators right above an item belong to it.
fn first_of_item(lines: &[Line<'_>], at: usize, after: usize) -> usize {
    const MARKS: [&str; 10] = ["///", "//", "#[", "@", "# ", "/*", "*", "--", ";;", "template<"];
    let belongs = |line: &Line<'_>| MARKS.iter().any(|mark| line.text.trim_start().starts_with(mark));
    let above = lines[after.min(at)..at].iter().rev().take_while(|line| belongs(line)).count();
    at - above
}

/// 1 for an item of the file, 2 for a member of one.
fn item_level(line: &str, next: &str, language: &str, inside: bool) -> Option<u8> {
    const MEMBER_INDENT_MAX: usize = 4;
    let inner = line.trim_start();
    let indent = line.len() - inner.len();
    let is_member = indent > 0 && indent <= MEMBER_INDENT_MAX && inside;
    if indent > 0 && !is_member {
        return None;
    }
    let is_item = match language {
        "yaml" | "css" | "make" | "dockerfile" | "tex" | "r" | "" => false,
        "toml" | "ini" => inner.starts_with('[') && inner.ends_with(']'),
        "sql" => inner.get(..7).is_some_and(|word| word.eq_ignore_ascii_case("create ")),
        "c" | "cpp" | "java" | "csharp" | "php" | "dart" => declares(inner) || opens_body(inner, next),
        _ => declares(inner),
    };
    is_item.then_some(if indent == 0 { 1 } else { 2 })
}

/// Whether the line's first word behind modifiers begins a declaration.
fn declares(line: &str) -> bool {
    const MODIFIERS: [&str; 20] = [
        "pub",
        "pub(crate)",
        "pub(super)",
        "async",
        "const",
        "unsafe",
        "extern",
        "export",
        "default",
        "public",
        "private",
        "protected",
        "static",
        "final",
        "abstract",
        "override",
        "sealed",
        "partial",
        "internal",
        "data",
    ];
    const ITEMS: [&str; 30] = [
        "fn",
        "struct",
        "enum",
        "trait",
        "impl",
        "impl<T>",
        "mod",
        "macro_rules!",
        "union",
        "def",
        "class",
        "func",
        "function",
        "interface",
        "namespace",
        "type",
        "object",
        "record",
        "module",
        "defmodule",
        "defp",
        "message",
        "service",
        "resource",
        "variable",
        "fun",
        "sub",
        "protocol",
        "extension",
        "extend",
    ];
    let has_body = line.contains(['(', '{', ':', '<', '=']) || line.split_whitespace().count() > 1;
    let word = line.split_whitespace().find(|word| !MODIFIERS.contains(word)).unwrap_or_default();
    has_body && (ITEMS.contains(&word) || word.starts_with("impl<"))
}

/// `int main(void) {`, with the brace on this line or the next.
fn opens_body(line: &str, next: &str) -> bool {
    const STATEMENTS: [&str; 9] = ["if", "for", "while", "switch", "else", "do", "return", "catch", "}"];
    let word = line.split(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    let is_call = line.ends_with(';') || STATEMENTS.contains(&word) || !line.contains(' ');
    line.contains('(') && !is_call && (line.ends_with('{') || (line.ends_with(')') && next.trim() == "{"))
}

fn opens_members(line: &str) -> bool {
    const HOLDERS: [&str; 12] = [
        "impl",
        "impl<",
        "trait",
        "class",
        "interface",
        "mod",
        "namespace",
        "object",
        "module",
        "defmodule",
        "protocol",
        "extension",
    ];
    line.split_whitespace().any(|word| HOLDERS.contains(&word) || word.starts_with("impl<"))
}

/// The language of `#!/usr/bin/env python3`.
fn language_of_program(text: &str) -> Option<&'static str> {
    let line = text.lines().next()?.strip_prefix("#!")?;
    let program = line.rsplit(['/', ' ']).next()?.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    match program {
        "node" | "deno" | "bun" => Some("javascript"),
        program => LANGUAGES
            .iter()
            .find(|(name, endings)| *name == program || endings.contains(&program))
            .map(|(name, _)| *name),
    }
}

/// The language of a source file by its name, as code fences spell it. `None` where the name is not one of code.
#[must_use]
pub fn language_of_name(name: &str) -> Option<&'static str> {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name).to_ascii_lowercase();
    let extension = file.rsplit('.').next().unwrap_or(&file);
    LANGUAGES.iter().find(|(_, extensions)| extensions.contains(&extension)).map(|(language, _)| *language)
}

const LANGUAGES: &[(&str, &[&str])] = &[
    ("rust", &["rs"]),
    ("python", &["py", "pyi"]),
    ("javascript", &["js", "mjs", "cjs", "jsx"]),
    ("typescript", &["ts", "tsx", "mts"]),
    ("go", &["go"]),
    ("java", &["java"]),
    ("kotlin", &["kt", "kts"]),
    ("scala", &["scala"]),
    ("c", &["c", "h"]),
    ("cpp", &["cpp", "cc", "cxx", "hpp", "hh", "hxx"]),
    ("csharp", &["cs"]),
    ("swift", &["swift"]),
    ("php", &["php"]),
    ("ruby", &["rb"]),
    ("perl", &["pl", "pm"]),
    ("lua", &["lua"]),
    ("r", &["r"]),
    ("julia", &["jl"]),
    ("haskell", &["hs"]),
    ("elixir", &["ex", "exs"]),
    ("erlang", &["erl", "hrl"]),
    ("clojure", &["clj", "cljs"]),
    ("ocaml", &["ml", "mli"]),
    ("zig", &["zig"]),
    ("dart", &["dart"]),
    ("sql", &["sql"]),
    ("sh", &["sh", "bash", "zsh", "fish"]),
    ("powershell", &["ps1", "psm1"]),
    ("vue", &["vue"]),
    ("svelte", &["svelte"]),
    ("css", &["css", "scss", "sass", "less"]),
    ("yaml", &["yaml", "yml"]),
    ("toml", &["toml"]),
    ("ini", &["ini", "cfg", "conf", "properties"]),
    ("hcl", &["tf", "hcl"]),
    ("proto", &["proto"]),
    ("graphql", &["graphql", "gql"]),
    ("make", &["makefile", "mk"]),
    ("dockerfile", &["dockerfile"]),
    ("cmake", &["cmake"]),
    ("tex", &["tex"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, text: &str, expected: &[&str]) {
        let parsed = parse(text, name, &Limits::default());
        parsed.check().unwrap();
        let is_heading = |block: &&Block| matches!(block.kind, BlockKind::Heading { .. });
        let found: Vec<&str> = parsed
            .blocks
            .iter()
            .filter(is_heading)
            .map(|block| &parsed.text[block.start..block.end])
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn items_are_headings_with_their_comments() {
        check(
            "a.rs",
            "use x;\n\n/// Adds.\n#[inline]\npub fn add(a: u8) {\n    a\n}\n",
            &["/// Adds.\n#[inline]\npub fn add(a: u8) {"],
        );
        check(
            "a.py",
            "import x\n\nclass A(B):\n    def f(self):\n        def g(): pass\n",
            &["class A(B):", "    def f(self):"],
        );
        check("a.c", "int x;\nint main(void)\n{\n  return f(1);\n}\n", &["int main(void)"]);
        check("Cargo.toml", "[package]\nname = 'x'\n", &["[package]"]);
        check("a.sql", "select 1;\ncreate table t (id int);\n", &["create table t (id int);"]);
    }

    #[test]
    fn configuration_is_one_listing() {
        check("a.yaml", "class: x\ntype: y\n", &[]);
        assert_eq!(
            parse("#!/usr/bin/env python3\nx()\n", "run", &Limits::default()).blocks[0].kind,
            BlockKind::Code { language: "python".into() }
        );
    }
}
