//! References over several files, language by language: what each means, or why it means nothing here.

use std::collections::BTreeMap;

use super::{Package, PackageKind, Resolver, Target};
use crate::{FileSymbols, Limits, symbols};

fn files(texts: &[(&str, &str)]) -> BTreeMap<String, FileSymbols> {
    texts
        .iter()
        .map(|(path, text)| ((*path).to_owned(), symbols(path, text.as_bytes(), &Limits::default())))
        .collect()
}

/// `from -> path#qualified`, for all references but imports that lead to symbols.
fn resolved(texts: &[(&str, &str)], packages: &[Package]) -> Vec<String> {
    let files = files(texts);
    let resolver = Resolver::new(&files, packages);
    let mut lines: Vec<String> = resolver
        .resolve()
        .links
        .iter()
        .map(|link| {
            let reference = &resolver.symbols(link.file).references[link.reference as usize];
            let name = |at: &super::SymbolAt| {
                format!(
                    "{}#{}",
                    resolver.path(at.file),
                    resolver.symbols(at.file).symbols[at.symbol as usize].qualified
                )
            };
            let to = match &link.to {
                Target::Symbol(symbol) => name(symbol),
                Target::File(file) => resolver.path(*file).to_owned(),
                Target::Folder(folder) => format!("{folder}/"),
            };
            let from = link.from.as_ref().map_or(resolver.path(link.file).to_owned(), name);
            format!("{from} {:?} {to}", reference.kind)
        })
        .collect();
    lines.sort();
    lines.dedup();
    lines
}

#[track_caller]
fn has(lines: &[String], wanted: &str) {
    assert!(lines.iter().any(|line| line == wanted), "'{wanted}' is not among\n{}", lines.join("\n"));
}

#[track_caller]
fn has_not(lines: &[String], unwanted: &str) {
    assert!(!lines.iter().any(|line| line.contains(unwanted)), "'{unwanted}' is among\n{}", lines.join("\n"));
}

fn cargo(name: &str, folder: &str) -> Package {
    Package { kind: PackageKind::Cargo, name: name.to_owned(), folder: folder.to_owned() }
}

#[test]
fn rust_through_crates_exports_and_receivers() {
    let texts = [
        (
            "a/src/lib.rs",
            "pub mod store;\nmod kind;\npub use kind::Kind;\npub use store::*;\n#[macro_export]\nmacro_rules! told { () => {} }\n",
        ),
        ("a/src/kind.rs", "pub enum Kind { One, Two(u8) }\nimpl Kind { pub fn name(&self) -> u8 { 1 } }\n"),
        (
            "a/src/store.rs",
            "pub trait Db { fn get(&self); fn len(&self); }\npub struct Disk;\nimpl Db for Disk { fn get(&self) {} fn len(&self) {} }\nimpl Disk { pub fn open() -> Self { Disk } fn grow(&self) { self.get(); Self::open(); } }\n",
        ),
        (
            "b/src/main.rs",
            "mod inner;\nuse a::{Kind, store::Disk};\nuse std::fs::File;\nfn main() { let disk = Disk::open(); disk.get(); Kind::Two(3).name(); inner::go(&disk); File::open(); a::told!(); let v = vec![1]; v.len(); }\n",
        ),
        (
            "b/src/inner.rs",
            "use a::Db;\npub fn go(db: &dyn Db) { db.get(); helper(); assert_eq!(helper(), a::Kind::Two(1)); }\nfn helper() {}\n#[cfg(test)]\nmod tests { use super::*; #[test] fn t() { helper(); super::go(&1); } }\n",
        ),
    ];
    let lines = resolved(&texts, &[cargo("a", "a"), cargo("b", "b")]);
    has(&lines, "b/src/main.rs#main Call a/src/store.rs#Disk::open");
    has(&lines, "b/src/main.rs#main Call a/src/store.rs#Disk::get");
    has(&lines, "b/src/main.rs#main Call a/src/kind.rs#Kind::Two");
    has(&lines, "b/src/main.rs#main Call b/src/inner.rs#go");
    has(&lines, "b/src/main.rs#main Call a/src/lib.rs#told");
    has(&lines, "b/src/inner.rs#go Call a/src/store.rs#Db::get");
    has(&lines, "b/src/inner.rs#go Call b/src/inner.rs#helper");
    has(&lines, "b/src/inner.rs#go Call a/src/kind.rs#Kind::Two");
    has(&lines, "b/src/inner.rs#tests::t Call b/src/inner.rs#helper");
    has(&lines, "b/src/inner.rs#tests::t Call b/src/inner.rs#go");
    has(&lines, "a/src/store.rs#Disk Implements a/src/store.rs#Db");
    has(&lines, "a/src/store.rs#Disk::grow Call a/src/store.rs#Disk::get");
    has(&lines, "b/src/main.rs Import b/src/inner.rs");
    has(&lines, "b/src/main.rs Import a/src/kind.rs#Kind");
    has_not(&lines, "main Call a/src/store.rs#Db::len");
}

#[test]
fn python_through_packages_and_bases() {
    let texts = [
        ("app/__init__.py", "from .models import User\n"),
        (
            "app/models.py",
            "class Base:\n    def save(self): pass\nclass User(Base):\n    def name(self): return self.save()\n",
        ),
        (
            "app/views.py",
            "import os.path\nfrom app import User\nfrom . import models as m, tools\nfrom .tools import *\ndef show(u: User):\n    u.save()\n    m.User().name()\n    tools.go()\n    lone()\n    os.path.save()\n",
        ),
        ("app/tools.py", "def go(): pass\ndef lone(): pass\n"),
    ];
    let lines = resolved(&texts, &[]);
    has(&lines, "app/models.py#User Inherits app/models.py#Base");
    has(&lines, "app/models.py#User.name Call app/models.py#Base.save");
    has(&lines, "app/views.py#show Call app/models.py#Base.save");
    has(&lines, "app/views.py#show Call app/models.py#User");
    has(&lines, "app/views.py#show Call app/models.py#User.name");
    has(&lines, "app/views.py#show Call app/tools.py#go");
    has(&lines, "app/views.py#show Call app/tools.py#lone");
    has(&lines, "app/views.py Import app/tools.py");
}

#[test]
fn scripts_through_exports_and_requires() {
    let texts = [
        (
            "src/api.ts",
            "export class Api { get(x: string) { return x; } }\nexport function load() {}\nexport default function main() {}\n",
        ),
        ("src/index.ts", "export { Api as Client } from './api';\nexport * from './api';\n"),
        (
            "src/app.tsx",
            "import start, { Client, load as l } from './index';\nimport * as all from './api';\nimport React from 'react';\nconst client = new Client();\nfunction App(p: { api: Client }) { client.get('x'); l(); all.load(); React.load(); return <Panel/>; }\nconst Panel = () => null;\n",
        ),
        (
            "src/old.js",
            "const { load: go } = require('./api');\nconst api = require('./api');\nfunction f() { go(); api.load(); }\n",
        ),
    ];
    let lines = resolved(&texts, &[]);
    has(&lines, "src/app.tsx#App Call src/api.ts#Api.get");
    has(&lines, "src/app.tsx#App Call src/api.ts#load");
    has(&lines, "src/app.tsx#App Call src/app.tsx#Panel");
    has(&lines, "src/app.tsx#client Call src/api.ts#Api");
    has(&lines, "src/old.js#f Call src/api.ts#load");
    has(&lines, "src/old.js Import src/api.ts");
}

#[test]
fn go_through_packages() {
    let texts = [
        (
            "main.go",
            "package main\nimport (\n\"fmt\"\n\"example.com/x/store\"\n)\nfunc main() { db := &store.Db{}; db.Get(); store.Open(); fmt.Println(help()) }\n",
        ),
        ("help.go", "package main\nfunc help() int { return 1 }\n"),
        (
            "store/db.go",
            "package store\ntype Base struct{}\nfunc (b *Base) Close() {}\ntype Db struct { Base }\nfunc (d *Db) Get() { d.Close() }\n",
        ),
        ("store/open.go", "package store\nfunc Open() *Db { return nil }\n"),
    ];
    let packages =
        [Package { kind: PackageKind::Go, name: "example.com/x".to_owned(), folder: String::new() }];
    let lines = resolved(&texts, &packages);
    has(&lines, "main.go#main Call store/open.go#Open");
    has(&lines, "main.go#main Call store/db.go#Db.Get");
    has(&lines, "main.go#main Call help.go#help");
    has(&lines, "store/db.go#Db.Get Call store/db.go#Base.Close");
    has(&lines, "store/open.go#Open Type store/db.go#Db");
    has(&lines, "main.go Import store/");
}

#[test]
fn java_through_classes_above() {
    let texts = [
        ("src/a/Base.java", "package a;\npublic class Base { void save() {} }\n"),
        (
            "src/a/User.java",
            "package a;\nimport b.Tool;\npublic class User extends Base implements Shown { Tool tool; void go() { save(); own(); tool.run(); new Tool(); Tool.make(); } void own() {} }\ninterface Shown {}\n",
        ),
        (
            "src/b/Tool.java",
            "package b;\nimport java.util.List;\npublic class Tool { void run() {} static Tool make() { List.of(); return null; } }\n",
        ),
    ];
    let lines = resolved(&texts, &[]);
    has(&lines, "src/a/User.java#User Inherits src/a/Base.java#Base");
    has(&lines, "src/a/User.java#User Implements src/a/User.java#Shown");
    has(&lines, "src/a/User.java#User.go Call src/a/Base.java#Base.save");
    has(&lines, "src/a/User.java#User.go Call src/a/User.java#User.own");
    has(&lines, "src/a/User.java#User.go Call src/b/Tool.java#Tool.run");
    has(&lines, "src/a/User.java#User.go Call src/b/Tool.java#Tool.make");
    has(&lines, "src/a/User.java Import src/b/Tool.java#Tool");
}

#[test]
fn c_prefers_definitions() {
    let texts = [
        ("list.h", "struct list { int n; };\nint push(struct list *l);\n"),
        (
            "list.c",
            "#include \"list.h\"\nstatic int grow(struct list *l) { return 1; }\nint push(struct list *l) { return grow(l); }\n",
        ),
        (
            "main.c",
            "#include <stdio.h>\n#include \"list.h\"\nstatic int grow(void) { return 0; }\nint main(void) { struct list l; push(&l); grow(); printf(\"\"); return 0; }\n",
        ),
    ];
    let lines = resolved(&texts, &[]);
    has(&lines, "main.c#main Call list.c#push");
    has(&lines, "main.c#main Call main.c#grow");
    has(&lines, "list.c#push Call list.c#grow");
    has(&lines, "main.c#main Type list.h#list");
    has(&lines, "main.c Import list.h");
    has_not(&lines, "printf");
}

#[test]
fn what_is_outside_and_what_is_unknown_is_counted() {
    let files = files(&[
        ("a.py", "import os\nfrom b import gone\nos.walk()\nprint(1)\nx.save()\n"),
        ("c.py", "class A:\n    def save(self): pass\nclass B:\n    def save(self): pass\n"),
    ]);
    let counts = Resolver::new(&files, &[]).resolve().counts;
    assert_eq!((counts.references, counts.outside, counts.unknown, counts.unresolved), (5, 3, 1, 1));
    assert!(counts.resolved_share() < 0.01);
}

#[test]
fn a_name_that_libraries_have_too_is_not_guessed() {
    let reader = "pub struct Reader;\nimpl Reader { pub fn map(&self) {} pub fn turn(&self) {} }\n";
    let user = "use x::Reader;\nfn f(r: u8) { g().map(); g().turn(); }\n";
    let vector = "fn h(v: Vec<u8>) { v.map(); }\n";
    let texts = [("src/lib.rs", reader), ("src/user.rs", user), ("src/vector.rs", vector)];
    let lines = resolved(&texts, &[cargo("x", "")]);
    has(&lines, "src/user.rs#f Call src/lib.rs#Reader::turn");
    has_not(&lines, "Reader::map");
}

#[test]
fn files_that_name_a_symbol_are_found() {
    let files =
        files(&[("a.py", "def one(): pass\n"), ("b.py", "from a import one\none()\n"), ("c.py", "two()\n")]);
    let resolver = Resolver::new(&files, &[]);
    assert_eq!(resolver.files_naming(&["one"].into()), [1]);
}

#[test]
fn circles_of_exports_and_parents_end() {
    let texts = [
        (
            "a.ts",
            "export * from './b';\nimport { x } from './b';\nx();\nclass A extends B { m() { this.gone(); } }\nclass B extends A {}\nfunction gone() {}\n",
        ),
        ("b.ts", "export * from './a';\n"),
    ];
    let lines = resolved(&texts, &[]);
    has(&lines, "a.ts#A Inherits a.ts#B");
    has_not(&lines, "a.ts#gone");
}
