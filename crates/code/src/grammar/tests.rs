//! What each grammar finds in a few lines of its language, as tables that can be read beside them.

use proptest::prelude::*;

use crate::{FileSymbols, Language, Limits, NoteKind, Warning, symbols};

fn read(path: &str, text: &str) -> FileSymbols {
    symbols(path, text.as_bytes(), &Limits::default())
}

/// `kind qualified`, one a symbol.
fn told(found: &FileSymbols) -> Vec<String> {
    found.symbols.iter().map(|symbol| format!("{} {}", symbol.kind.name(), symbol.qualified)).collect()
}

/// `from kind name in qualifier of subject as alias`, one a reference.
fn referred(found: &FileSymbols) -> Vec<String> {
    let line = |reference: &crate::Reference| {
        let from = reference.from.map_or("-", |from| &found.symbols[from as usize].qualified);
        let mut line = format!("{from} {:?} {}", reference.kind, reference.name);
        for (mark, part) in
            [("in", &reference.qualifier), ("of", &reference.subject), ("as", &reference.alias)]
        {
            line += &part.as_ref().map_or(String::new(), |part| format!(" {mark} {part}"));
        }
        line
    };
    found.references.iter().map(line).collect()
}

#[track_caller]
fn has_all(lines: &[String], wanted: &[&str]) {
    for wanted in wanted {
        assert!(lines.iter().any(|line| line == wanted), "'{wanted}' is not among\n{}", lines.join("\n"));
    }
}

const RUST: &str = r#"//! Head of it.
use std::{fmt, collections::{HashMap as Map, *}};
use crate::store::Db;
mod inner;
/// A reader.
#[derive(Debug)]
pub struct Reader<'a> { db: Arc<Db>, name: &'a str }
pub trait Read: Sized { fn read(&self) -> u8; }
impl<'a> Read for Reader<'a> {
    fn read(&self) -> u8 { self.db.get(1); self.twice() }
}
impl Reader<'_> {
    // Twice, because once is not enough.
    fn twice(&self) -> u8 { let other = Reader::open("x")?; other.read(); assert_eq!(a::go(2), helper()); }
}
enum Kind { One, Two(u8) }
const MAX: usize = 5;
fn helper(kind: &Kind) -> fmt::Result { todo!() }
mod tests { use super::*; #[test] fn t() { helper(&Kind::Two(1)); } }
"#;

#[test]
fn rust_symbols() {
    let found = read("a.rs", RUST);
    let wanted = [
        "struct Reader",
        "trait Read",
        "method Read::read",
        "method Reader::read",
        "method Reader::twice",
        "enum Kind",
        "variant Kind::One",
        "variant Kind::Two",
        "constant MAX",
        "function helper",
        "module tests",
        "function tests::t",
    ];
    assert_eq!(told(&found), wanted);
    let reader = &found.symbols[0];
    assert_eq!((reader.doc.as_deref(), reader.lines), (Some("A reader."), (7, 7)));
    assert_eq!(reader.signature, "pub struct Reader<'a>");
    assert_eq!(found.doc.as_deref(), Some("Head of it."));
    assert_eq!(found.symbols[3].parent, Some(0));
}

#[test]
fn rust_references() {
    let wanted = [
        "- Import HashMap in std::collections as Map",
        "- Import * in std::collections",
        "- Import inner in self",
        "- Implements Read of Reader",
        "Read Inherits Sized of Read",
        "Reader::read Call get in self.db of Db",
        "Reader::read Call twice in self of Reader",
        "Reader::twice Call read in other of Reader",
        "Reader::twice Call go in a",
        "Reader::twice Call helper",
        "helper Type Result in fmt",
        "tests::t Call Two in Kind",
        "tests Import * in super",
    ];
    has_all(&referred(&read("a.rs", RUST)), &wanted);
}

#[test]
fn reasons_stand_by_their_symbol() {
    let found = read("a.rs", RUST);
    let [note] = &found.notes[..] else { panic!("{:?}", found.notes) };
    assert_eq!((note.kind, note.line, note.symbol), (NoteKind::Why, 13, Some(4)));
}

#[test]
fn python() {
    let text = r#""""Head."""
import os, a.b as c
from . import x as y
from .models import User, Group as G
MAX = 3
class Reader(Base, abc.ABC):
    """Reads."""
    limit: int = 3
    def __init__(self, db: Store):
        self.cache = Cache(3)
    def read(self, user: "User") -> User:
        # TODO: more
        self.cache.get(1)
        u = User()
        u.save()
        return helper(self.twice())
@app.route("/x")
def helper(a): return os.path.join(a)
"#;
    let found = read("a.py", text);
    let symbols = [
        "constant MAX",
        "class Reader",
        "variable Reader.limit",
        "method Reader.__init__",
        "method Reader.read",
        "function helper",
    ];
    assert_eq!(told(&found), symbols);
    let wanted = [
        "- Import * in a.b as c",
        "- Import x in . as y",
        "- Import Group in .models as G",
        "Reader Inherits ABC in abc of Reader",
        "Reader.read Call get in self.cache of Cache",
        "Reader.read Call save in u of User",
        "Reader.read Call twice in self of Reader",
        "helper Call join in os.path",
    ];
    has_all(&referred(&found), &wanted);
    assert_eq!((found.doc.as_deref(), found.symbols[1].doc.as_deref()), (Some("Head."), Some("Reads.")));
    assert_eq!((found.notes[0].kind, found.notes[0].symbol), (NoteKind::Todo, Some(4)));
}

#[test]
fn typescript() {
    let text = r#"import React, { useState as us } from 'react';
import * as api from './api';
import './style.css';
export { helper } from './helper';
export * from './all';
const fs = require('fs');
export const MAX = 3;
/** A card. */
export class Card extends Base implements Shown<X> {
  private store: Store;
  constructor(private api: Api) { super(); this.store.open(); this.api.call(); }
  show = () => { helper(1); };
  render(x: Props): JSX.Element { const s = new Store(); s.read(); return <Panel a={1}><div/></Panel>; }
}
interface Shown<T> extends A, B { show(): void }
type Props = { a: number };
enum Color { Red }
export default function main() { api.get(); const inner = () => us(1); }
"#;
    let found = read("a.tsx", text);
    let symbols = [
        "constant MAX",
        "class Card",
        "method Card.constructor",
        "method Card.show",
        "method Card.render",
        "interface Shown",
        "method Shown.show",
        "type Props",
        "enum Color",
        "function main",
        "function main.inner",
    ];
    assert_eq!(told(&found), symbols);
    let wanted = [
        "- Import default in react as React",
        "- Import useState in react as us",
        "- Import * in ./api as api",
        "- Import  in ./style.css",
        "- Import helper in ./helper",
        "- Import * in ./all",
        "- Import * in fs as fs",
        "Card Inherits Base of Card",
        "Card Implements Shown of Card",
        "Card.constructor Call open in this.store of Store",
        "Card.constructor Call call in this.api of Api",
        "Card.render Call read in s of Store",
        "Card.render Call Panel",
        "Shown Inherits B of Shown",
        "main.inner Call us",
    ];
    has_all(&referred(&found), &wanted);
    assert_eq!(found.symbols[1].doc.as_deref(), Some("A card."));
}

#[test]
fn javascript() {
    let found = read(
        "a.js",
        "const { x: y, z } = require('./m');\nclass A extends B { m() { this.n(); } }\nfunction f() { return new A().m(); }",
    );
    assert_eq!(told(&found), ["class A", "method A.m", "function f"]);
    let wanted = [
        "- Import x in ./m as y",
        "- Import z in ./m",
        "A Inherits B of A",
        "A.m Call n in this of A",
        "f Call A",
        "f Call m in newA() of A",
    ];
    has_all(&referred(&found), &wanted);
}

#[test]
fn go() {
    let text = r#"package a
import (
  "fmt"
  s "example.com/x/store/v2"
  "example.com/y/tool/v3"
  . "example.com/dot"
)
// Max is it.
const Max = 3
var cache = s.New()
type Reader struct { Base; db *s.Db; name string }
type Shown interface { Show(x int) error; fmt.Stringer }
func (r *Reader) Read(o *Other) { r.db.Get(); r.Twice(); o.Go(); fmt.Println(helper(1)) }
func helper(x int) int { y := &Reader{}; y.Read(nil); return 1 }
"#;
    let found = read("a.go", text);
    let symbols = [
        "constant Max",
        "variable cache",
        "struct Reader",
        "interface Shown",
        "method Shown.Show",
        "method Reader.Read",
        "function helper",
    ];
    assert_eq!(told(&found), symbols);
    let wanted = [
        "- Import * in example.com/x/store/v2 as s",
        "- Import * in example.com/y/tool/v3 as tool",
        "- Import * in example.com/dot",
        "Reader Inherits Base of Reader",
        "Shown Inherits Stringer in fmt of Shown",
        "Reader.Read Call Get in r.db of Db",
        "Reader.Read Call Go in o of Other",
        "helper Call Read in y of Reader",
    ];
    has_all(&referred(&found), &wanted);
    assert_eq!(found.symbols[0].doc.as_deref(), Some("Max is it."));
}

#[test]
fn java() {
    let text = r#"package a.b;
import a.c.Store;
import a.d.*;
import static a.E.f;
/** Reads. */
public class A<T> extends Base<T> implements Shown, Other {
  static final int MAX = 3;
  private Store store;
  A(Store s) { this.store = s; }
  int read(User u) { store.get(); u.save(); helper(); var x = new User(1); x.save(); return Store.open(); }
  enum Kind { ONE, TWO }
}
interface Shown extends Z { void show(); }
"#;
    let found = read("A.java", text);
    let symbols = [
        "class A",
        "constant A.MAX",
        "method A.A",
        "method A.read",
        "enum A.Kind",
        "variant A.Kind.ONE",
        "variant A.Kind.TWO",
        "interface Shown",
        "method Shown.show",
    ];
    assert_eq!(told(&found), symbols);
    let wanted = [
        "- Import Store in a.c",
        "- Import * in a.d",
        "- Import f in a.E",
        "A Inherits Base of A",
        "A Implements Other of A",
        "A.read Call get in store of Store",
        "A.read Call save in x of User",
        "A.read Call User",
        "Shown Inherits Z of Shown",
    ];
    has_all(&referred(&found), &wanted);
}

#[test]
fn c() {
    let text = r#"#include <stdio.h>
#include "list.h"
#define MAX 3
#define TWICE(x) ((x)*2)
/* A list. */
typedef struct list { struct node *head; } list_t;
struct node { int v; };
enum color { RED, GREEN };
static int count;
int push(list_t *l, int v);
int push(list_t *l, int v) { struct node *n = make(v); printf("%d", TWICE(v)); return 0; }
char *name(void) { return 0; }
"#;
    let found = read("a.c", text);
    let symbols = [
        "constant MAX",
        "macro TWICE",
        "type list_t",
        "struct list_t.list",
        "struct node",
        "enum color",
        "variant color.RED",
        "variant color.GREEN",
        "variable count",
        "function push",
        "function push",
        "function name",
    ];
    assert_eq!(told(&found), symbols);
    let wanted = [
        "- Import * in <stdio.h>",
        "- Import * in list.h",
        "push Call make",
        "push Call TWICE",
        "push Type list_t",
        "list_t.list Type node",
    ];
    has_all(&referred(&found), &wanted);
    assert_eq!((found.symbols[0].lines, found.symbols[2].doc.as_deref()), ((3, 3), Some("A list.")));
}

#[test]
fn broken_syntax_gives_what_is_whole() {
    let found = read("a.rs", "fn one() {}\nfn ( { ]] \nfn two() {}\n");
    assert_eq!(found.warnings, [Warning::SyntaxErrors]);
    has_all(&told(&found), &["function one"]);
}

#[test]
fn limits_are_kept_and_told() {
    let limits = Limits { symbols_max: 3, references_max: 2, notes_max: 1, ..Limits::default() };
    let text =
        "fn f() { g(); g(); g(); }\n// TODO: x\nfn f() {}\n// TODO: y\nfn f() {}\nfn f() {}\n".repeat(3);
    let found = symbols("a.rs", text.as_bytes(), &limits);
    assert_eq!((found.symbols.len(), found.references.len(), found.notes.len()), (3, 2, 1));
    assert_eq!(found.warnings, [Warning::TooManyNotes, Warning::TooManyReferences, Warning::TooManySymbols]);
}

#[test]
fn depth_is_bounded() {
    let text = format!("fn f() {{ {}g(){} }}", "(".repeat(5000), ")".repeat(5000));
    let found = read("a.rs", &text);
    assert!(found.warnings.contains(&Warning::TooDeep));
    let modules = "mod a { ".repeat(3000) + &"}".repeat(3000);
    assert!(read("a.rs", &modules).symbols.iter().all(|symbol| symbol.qualified.len() < 10_000));
}

#[test]
fn large_files_and_long_parses_are_given_up() {
    let small = Limits { file_bytes_max: 5, ..Limits::default() };
    assert_eq!(symbols("a.rs", b"fn f() {}", &small).warnings, [Warning::FileTooLarge]);
    let short = Limits { parse_ms_max: 0, ..Limits::default() };
    let text = "fn f() { g(1 + 2); }\n".repeat(5000);
    assert_eq!(symbols("a.rs", text.as_bytes(), &short).warnings, [Warning::ParseTimeout]);
}

/// What holds of any file.
fn check(bytes: &[u8], found: &FileSymbols, limits: &Limits) -> Result<(), TestCaseError> {
    let end = bytes.len() as u32;
    let count = found.symbols.len() as u32;
    prop_assert!(
        found.symbols.len() <= limits.symbols_max && found.references.len() <= limits.references_max
    );
    for (index, symbol) in found.symbols.iter().enumerate() {
        prop_assert!(symbol.span.start <= symbol.span.end && symbol.span.end <= end);
        prop_assert!(symbol.lines.0 <= symbol.lines.1, "{symbol:?}");
        prop_assert!(symbol.parent.is_none_or(|parent| parent < index as u32), "{symbol:?}");
        prop_assert!(symbol.qualified.ends_with(&symbol.name));
    }
    for reference in &found.references {
        prop_assert!(reference.from.is_none_or(|from| from < count) && reference.span.end <= end);
    }
    for note in &found.notes {
        prop_assert!(note.symbol.is_none_or(|symbol| symbol < count) && note.span.end <= end, "{note:?}");
    }
    Ok(())
}

fn extension(language: Language) -> &'static str {
    match language {
        Language::C => "c",
        Language::Go => "go",
        Language::Java => "java",
        Language::JavaScript => "js",
        Language::Python => "py",
        Language::Rust => "rs",
        Language::Tsx => "tsx",
        Language::TypeScript => "ts",
    }
}

/// Pieces that grammars care for, in any order.
const PIECES: [&str; 40] = [
    "fn ",
    "class ",
    "def ",
    "func ",
    "impl ",
    "struct ",
    "interface ",
    "enum ",
    "import ",
    "from ",
    "use ",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "<",
    ">",
    "::",
    ".",
    ";",
    ":",
    "=",
    "=>",
    "\"",
    "'",
    "`",
    "/*",
    "*/",
    "//",
    "#",
    "\n",
    "\n    ",
    "a",
    "B",
    "0",
    "é",
    "const ",
    "#define ",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), language in 0..8_usize) {
        let limits = Limits { symbols_max: 20, references_max: 20, depth_max: 12, ..Limits::default() };
        let path = format!("a.{}", extension(Language::ALL[language]));
        check(&bytes, &symbols(&path, &bytes, &limits), &limits)?;
    }

    #[test]
    fn no_order_of_pieces_panics(pieces in proptest::collection::vec(0..PIECES.len(), 0..120), language in 0..8_usize) {
        let text: String = pieces.into_iter().map(|piece| PIECES[piece]).collect();
        let path = format!("a.{}", extension(Language::ALL[language]));
        let limits = Limits { symbols_max: 30, depth_max: 20, ..Limits::default() };
        check(text.as_bytes(), &symbols(&path, text.as_bytes(), &limits), &limits)?;
    }

    #[test]
    fn a_file_that_is_cut_or_bent_anywhere_is_data(cut in 0..RUST.len(), at in 0..RUST.len(), byte in any::<u8>(), language in 0..8_usize) {
        let mut bytes = RUST.as_bytes().to_vec();
        bytes[at] = byte;
        bytes.truncate(cut);
        let path = format!("a.{}", extension(Language::ALL[language]));
        check(&bytes, &symbols(&path, &bytes, &Limits::default()), &Limits::default())?;
    }
}
