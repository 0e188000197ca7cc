//! The walk over a syntax tree: which scopes are open, what the names in them are, and what was found on the way.
//!
//! Keeps true: it goes no deeper and keeps no more than `Limits` say, and it does not recurse: the tree's depth is the input's.
//! A grammar's `look` is called once for every node, outer ones first, and says whether the inside is worth a look.

use std::borrow::Cow;
use std::collections::HashMap;

use tree_sitter::{Node, Tree};

use crate::comments::{Comment, rows};
use crate::{FileSymbols, Language, Limits, Note, Reference, ReferenceKind, Symbol, SymbolKind, Warning};

/// Longer ones are data that looks like code.
const NAME_BYTES_MAX: usize = 200;
const SIGNATURE_BYTES_MAX: usize = 240;

/// Where the walk is. Asking a node for its parent walks down from the root again, so the parent is carried along.
#[derive(Clone, Copy, Debug)]
pub struct At<'t> {
    pub node: Node<'t>,
    pub parent: Option<Node<'t>>,
    /// What the node is to its parent.
    pub field: Option<&'static str>,
}

impl At<'_> {
    pub fn is_name(&self) -> bool {
        self.field == Some("name")
    }

    pub fn is_in(&self, kinds: &[&str]) -> bool {
        self.parent.is_some_and(|parent| kinds.contains(&parent.kind()))
    }
}

/// What a grammar says of a node; whether to look inside.
pub type Look = fn(At<'_>, &mut Walk<'_>) -> bool;

#[derive(Debug)]
pub struct Walk<'t> {
    pub language: Language,
    text: &'t [u8],
    limits: &'t Limits,
    depth: usize,
    scopes: Vec<Scope>,
    /// Types of fields, by type and field.
    fields: HashMap<(String, String), String>,
    /// Types of this file by name, for what is added to them outside of their bodies.
    types: HashMap<String, u32>,
    comment: Option<(Comment, Option<u32>)>,
    found: FileSymbols,
}

#[derive(Debug)]
struct Scope {
    depth: usize,
    name: String,
    symbol: Option<u32>,
    is_type: bool,
    /// Types of the variables that are declared in it.
    variables: HashMap<String, String>,
}

impl<'t> Walk<'t> {
    pub fn new(language: Language, text: &'t [u8], limits: &'t Limits) -> Self {
        let found = FileSymbols { language: Some(language), ..FileSymbols::default() };
        let file =
            Scope { depth: 0, name: String::new(), symbol: None, is_type: false, variables: HashMap::new() };
        Self {
            language,
            text,
            limits,
            depth: 0,
            scopes: vec![file],
            fields: HashMap::new(),
            types: HashMap::new(),
            comment: None,
            found,
        }
    }

    pub fn over(&mut self, tree: &Tree, look: Look) {
        if tree.root_node().has_error() {
            self.warn(Warning::SyntaxErrors);
        }
        let mut cursor = tree.walk();
        let mut ancestors: Vec<Node<'_>> = Vec::new();
        loop {
            let at = At {
                node: cursor.node(),
                parent: ancestors.last().copied(),
                field: cursor.field_name().map(known_field),
            };
            if self.wants_inside(at, look) && cursor.goto_first_child() {
                ancestors.push(at.node);
                self.depth += 1;
                continue;
            }
            self.leave();
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return;
                }
                ancestors.pop();
                self.depth -= 1;
                self.leave();
            }
        }
    }

    pub fn finish(mut self) -> FileSymbols {
        self.tell_comment();
        self.found.warnings.sort_unstable();
        self.found.warnings.dedup();
        self.found
    }

    fn wants_inside(&mut self, at: At<'_>, look: Look) -> bool {
        if at.node.kind().ends_with("comment") {
            self.hear(at.node);
            return false;
        }
        if self.depth >= self.limits.depth_max {
            self.warn(Warning::TooDeep);
            return false;
        }
        look(at, self)
    }

    /// Ends the scopes that the node opened which is left.
    fn leave(&mut self) {
        while self.scopes.last().is_some_and(|scope| scope.depth >= self.depth) {
            self.scopes.pop();
        }
    }

    pub fn warn(&mut self, warning: Warning) {
        if !self.found.warnings.contains(&warning) {
            self.found.warnings.push(warning);
        }
    }
}

/// What grammars tell.
impl Walk<'_> {
    /// A symbol, and its scope until the node is left.
    pub fn define(&mut self, node: Node<'_>, name: Node<'_>, kind: SymbolKind) -> Option<u32> {
        let name = self.name(name)?;
        let container = self.scopes.last().filter(|scope| scope.is_type).map(|scope| scope.name.clone());
        let kind = match kind {
            SymbolKind::Function if container.is_some() => SymbolKind::Method,
            kind => kind,
        };
        let symbol = Symbol {
            qualified: self.qualified(&name),
            container,
            parent: self.enclosing(),
            kind,
            span: span(node),
            lines: lines(node),
            signature: self.signature(node),
            doc: self.doc_of(node),
            name: name.clone(),
        };
        let index = self.keep(symbol);
        if kind.is_type() {
            index.map(|index| self.types.entry(name.clone()).or_insert(index));
        }
        self.open(name, index, kind.is_type());
        index
    }

    /// A scope that adds to a type: an `impl` block, the receiver of a method.
    pub fn add_to(&mut self, type_name: &str) {
        let symbol = self.types.get(type_name).copied();
        self.open(type_name.to_owned(), symbol, true);
    }

    pub fn document(&mut self, symbol: Option<u32>, doc: &str) {
        let doc = cut(doc.trim(), self.limits.text_bytes_max);
        match symbol.and_then(|index| self.found.symbols.get_mut(index as usize)) {
            Some(symbol) => symbol.doc = Some(doc),
            None => self.found.doc = Some(doc),
        }
    }

    pub fn refer(&mut self, kind: ReferenceKind, name: Node<'_>, qualifier: Option<String>) {
        self.refer_of(kind, name, qualifier, None);
    }

    /// `subject` is the type of a call's receiver, or the type that implements or inherits.
    pub fn refer_of(
        &mut self,
        kind: ReferenceKind,
        name: Node<'_>,
        qualifier: Option<String>,
        subject: Option<String>,
    ) {
        let Some(text) = self.name(name) else { return };
        let from = self.enclosing();
        // In the tokens of a macro a receiver is told by its empty text.
        let is_field = name.kind() == "field_identifier" || qualifier.as_deref() == Some("");
        let on_value = qualifier.is_some() && (is_field || self.language != Language::Rust);
        self.keep_reference(Reference {
            from,
            name: text,
            on_value,
            qualifier,
            subject,
            alias: None,
            kind,
            span: span(name),
            line: line(name),
        });
    }

    pub fn import(&mut self, node: Node<'_>, module: &str, name: &str, alias: Option<String>) {
        if module.len() + name.len() > self.limits.text_bytes_max {
            return;
        }
        let from = self.enclosing();
        self.keep_reference(Reference {
            from,
            name: name.to_owned(),
            qualifier: Some(module.to_owned()),
            on_value: false,
            subject: None,
            alias,
            kind: ReferenceKind::Import,
            span: span(node),
            line: line(node),
        });
    }

    /// A variable of the innermost scope has this type.
    pub fn declare(&mut self, variable: Node<'_>, type_name: Option<String>) {
        if let (Some(name), Some(type_name)) = (self.name(variable), type_name)
            && let Some(scope) = self.scopes.last_mut()
        {
            scope.variables.insert(name, type_name);
        }
    }

    /// A field of the innermost type has this type.
    pub fn declare_field(&mut self, field: Node<'_>, type_name: Option<String>) {
        if let (Some(container), Some(name), Some(type_name)) =
            (self.container(), self.name(field), type_name)
        {
            self.fields.insert((container, name), type_name);
        }
    }
}

/// What grammars ask.
impl Walk<'_> {
    pub fn written(&self, node: Node<'_>) -> Cow<'_, str> {
        String::from_utf8_lossy(self.text.get(node.byte_range()).unwrap_or_default())
    }

    /// The text, if it is as short as a path or a receiver.
    pub fn short(&self, node: Node<'_>) -> Option<String> {
        let is_short = node.byte_range().len() <= NAME_BYTES_MAX;
        is_short.then(|| self.written(node).split_whitespace().collect())
    }

    /// The text of a string between its quotes.
    pub fn unquoted(&self, node: Node<'_>) -> String {
        self.written(node).trim_matches(['"', '\'', '`', '<', '>']).to_owned()
    }

    pub fn name(&self, node: Node<'_>) -> Option<String> {
        let text = self.written(node);
        (!text.is_empty() && text.len() <= NAME_BYTES_MAX).then(|| text.into_owned())
    }

    /// The innermost type around, by name.
    pub fn container(&self) -> Option<String> {
        self.scopes.iter().rev().find(|scope| scope.is_type).map(|scope| scope.name.clone())
    }

    /// Whether the walk is in nothing but modules and types.
    pub fn is_outside_functions(&self) -> bool {
        !self.scopes.iter().any(|scope| {
            let kind = scope.symbol.and_then(|index| self.found.symbols.get(index as usize)).map(|s| s.kind);
            matches!(kind, Some(SymbolKind::Function | SymbolKind::Method))
        })
    }

    pub fn variable(&self, name: &str) -> Option<String> {
        self.scopes.iter().rev().find_map(|scope| scope.variables.get(name)).cloned()
    }

    pub fn field(&self, of: String, field: Node<'_>) -> Option<String> {
        self.fields.get(&(of, self.name(field)?)).cloned()
    }

    fn enclosing(&self) -> Option<u32> {
        self.scopes.iter().rev().find_map(|scope| scope.symbol)
    }

    fn qualified(&self, name: &str) -> String {
        let separator = self.language.separator();
        let mut qualified = String::new();
        for scope in self.scopes.iter().skip(1) {
            if qualified.len() > self.limits.text_bytes_max {
                break;
            }
            qualified.push_str(&scope.name);
            qualified.push_str(separator);
        }
        qualified + name
    }

    /// From the node's beginning to its body, or its first line.
    fn signature(&self, node: Node<'_>) -> String {
        let body = ["body", "value"].iter().find_map(|field| node.child_by_field_name(field));
        let end = body.map_or(node.end_byte(), |body| body.start_byte());
        let end = end.min(node.start_byte() + 4 * SIGNATURE_BYTES_MAX);
        let text = String::from_utf8_lossy(self.text.get(node.start_byte()..end).unwrap_or_default());
        let text = if body.is_some() { &text } else { text.lines().next().unwrap_or_default() };
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let most = SIGNATURE_BYTES_MAX.min(self.limits.text_bytes_max);
        cut(line.trim_end_matches(['{', ':', '=', ' ']), most)
    }
}

impl Walk<'_> {
    fn open(&mut self, name: String, symbol: Option<u32>, is_type: bool) {
        self.scopes.push(Scope { depth: self.depth, name, symbol, is_type, variables: HashMap::new() });
    }

    fn keep(&mut self, symbol: Symbol) -> Option<u32> {
        if self.found.symbols.len() >= self.limits.symbols_max {
            self.warn(Warning::TooManySymbols);
            return None;
        }
        self.found.symbols.push(symbol);
        Some(self.found.symbols.len() as u32 - 1)
    }

    fn keep_reference(&mut self, reference: Reference) {
        if self.found.references.len() >= self.limits.references_max {
            return self.warn(Warning::TooManyReferences);
        }
        self.found.references.push(reference);
    }
}

/// Comments.
impl Walk<'_> {
    fn hear(&mut self, node: Node<'_>) {
        let comment = Comment::new(node, &self.written(node));
        if comment.is_inner {
            return self.hear_inner(&comment);
        }
        match &mut self.comment {
            Some((last, _)) if last.goes_on_in(&comment) => last.append(&comment, self.limits.text_bytes_max),
            _ => {
                self.tell_comment();
                self.comment = Some((comment, self.enclosing()));
            }
        }
    }

    fn hear_inner(&mut self, comment: &Comment) {
        let symbol = self.enclosing();
        let doc = match symbol.and_then(|index| self.found.symbols.get_mut(index as usize)) {
            Some(symbol) => &mut symbol.doc,
            None => &mut self.found.doc,
        };
        let doc = doc.get_or_insert_default();
        if doc.len() < self.limits.text_bytes_max {
            doc.push_str(if doc.is_empty() { "" } else { "\n" });
            doc.push_str(&cut(&comment.text, self.limits.text_bytes_max));
        }
    }

    /// An attribute between a comment and what it is about.
    pub fn pass_attribute(&mut self, node: Node<'_>) {
        if let Some((comment, _)) = &mut self.comment
            && comment.last_row + 1 >= node.start_position().row
        {
            comment.last_row = comment.last_row.max(node.end_position().row);
        }
    }

    /// The comment right before the node. In Rust only what is marked as documentation is.
    fn doc_of(&mut self, node: Node<'_>) -> Option<String> {
        let next = self.found.symbols.len() as u32;
        let fits = next < self.limits.symbols_max as u32;
        let (comment, symbol) = self.comment.as_mut()?;
        let row = node.start_position().row;
        let is_before = comment.last_row + 1 == row && comment.span.end as usize <= node.start_byte();
        if !is_before || !fits {
            return None;
        }
        *symbol = Some(next);
        let is_doc = comment.is_doc || self.language != Language::Rust;
        is_doc.then(|| cut(&comment.text, self.limits.text_bytes_max))
    }

    /// Keeps the last comment if it is a note.
    fn tell_comment(&mut self) {
        let Some((comment, symbol)) = self.comment.take() else { return };
        let Some(kind) = comment.note() else { return };
        if self.found.notes.len() >= self.limits.notes_max {
            return self.warn(Warning::TooManyNotes);
        }
        let text = cut(&comment.text, self.limits.text_bytes_max);
        let line = comment.first_row as u32 + 1;
        self.found.notes.push(Note { kind, text, symbol, span: comment.span, line });
    }
}

/// At most so many bytes, at the end of a letter.
pub fn cut(text: &str, bytes_max: usize) -> String {
    text[..text.floor_char_boundary(bytes_max)].to_owned()
}

pub fn span(node: Node<'_>) -> crate::Span {
    node.start_byte() as u32..node.end_byte() as u32
}

/// First and last, counted from one. A node that takes its line's end with it does not reach into the next.
fn lines(node: Node<'_>) -> (u32, u32) {
    let (first, last) = rows(node);
    (first as u32 + 1, last as u32 + 1)
}

fn line(node: Node<'_>) -> u32 {
    node.start_position().row as u32 + 1
}

/// The fields that grammars ask for, with the life of the program.
fn known_field(field: &str) -> &'static str {
    const FIELDS: [&str; 8] = ["name", "path", "type", "function", "macro", "scope", "object", "constructor"];
    FIELDS.into_iter().find(|known| *known == field).unwrap_or("")
}
