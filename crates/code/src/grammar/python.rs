//! Python.

use tree_sitter::Node;

use super::{field, fields, is_shouted, named_children, types};
use crate::walk::{At, Walk};
use crate::{ReferenceKind, SymbolKind};

pub fn look(at: At<'_>, walk: &mut Walk<'_>) -> bool {
    match at.node.kind() {
        "module" => document(at.node, None, walk),
        "class_definition" => class(at.node, walk),
        "function_definition" => function(at.node, walk),
        "assignment" => assign(at.node, walk),
        "typed_parameter" => {
            if let Some(name) = at.node.named_child(0) {
                walk.declare(name, declared_type(at.node, walk));
            }
        }
        "typed_default_parameter" => {
            if let Some(name) = field(at.node, "name") {
                walk.declare(name, declared_type(at.node, walk));
            }
        }
        "call" => call(at.node, walk),
        "decorator" => decorate(at.node, walk),
        "identifier" if at.is_in(&["type"]) => walk.refer(ReferenceKind::Type, at.node, None),
        "import_statement" => return import(at.node, walk),
        "import_from_statement" => return import_from(at.node, walk),
        "future_import_statement" => return false,
        _ => {}
    }
    true
}

fn class(node: Node<'_>, walk: &mut Walk<'_>) {
    let Some(name) = field(node, "name") else { return };
    let symbol = walk.define(node, name, SymbolKind::Class);
    document_body(node, symbol, walk);
    let subject = walk.name(name);
    for parent in field(node, "superclasses").map(named_children).unwrap_or_default() {
        inherit(parent, subject.clone(), walk);
    }
}

fn inherit(parent: Node<'_>, subject: Option<String>, walk: &mut Walk<'_>) {
    let parent = if parent.kind() == "subscript" { field(parent, "value").unwrap_or(parent) } else { parent };
    match parent.kind() {
        "identifier" => walk.refer_of(ReferenceKind::Inherits, parent, None, subject),
        "attribute" => {
            let of = field(parent, "object").and_then(|object| walk.short(object));
            if let Some(name) = field(parent, "attribute") {
                walk.refer_of(ReferenceKind::Inherits, name, of, subject);
            }
        }
        _ => {}
    }
}

fn function(node: Node<'_>, walk: &mut Walk<'_>) {
    let Some(name) = field(node, "name") else { return };
    let symbol = walk.define(node, name, SymbolKind::Function);
    document_body(node, symbol, walk);
}

/// The text that a body begins with.
fn document_body(node: Node<'_>, symbol: Option<u32>, walk: &mut Walk<'_>) {
    if let (Some(symbol), Some(body)) = (symbol, field(node, "body")) {
        document(body, Some(symbol), walk);
    }
}

fn document(body: Node<'_>, symbol: Option<u32>, walk: &mut Walk<'_>) {
    let first = body.named_child(0).filter(|first| first.kind() == "expression_statement");
    let text = first.and_then(|first| first.named_child(0)).filter(|text| text.kind() == "string");
    if let Some(text) = text {
        let doc =
            walk.written(text).trim_start_matches(['r', 'u', 'b', 'f']).trim_matches(['"', '\'']).to_owned();
        walk.document(symbol, &doc);
    }
}

fn assign(node: Node<'_>, walk: &mut Walk<'_>) {
    let Some(left) = field(node, "left") else { return };
    let of_value = || field(node, "right").and_then(|right| types::of_value(walk, right));
    let type_name = declared_type(node, walk).or_else(of_value);
    match left.kind() {
        "attribute" => {
            let is_own = field(left, "object").is_some_and(|object| walk.written(object) == "self");
            if let (true, Some(name)) = (is_own, field(left, "attribute")) {
                walk.declare_field(name, type_name);
            }
        }
        "identifier" if walk.is_outside_functions() => {
            let is_constant = is_shouted(&walk.written(left));
            walk.declare_field(left, type_name.clone());
            walk.declare(left, type_name);
            walk.define(node, left, if is_constant { SymbolKind::Constant } else { SymbolKind::Variable });
        }
        "identifier" => walk.declare(left, type_name),
        _ => {}
    }
}

fn declared_type(node: Node<'_>, walk: &Walk<'_>) -> Option<String> {
    types::named(walk, field(node, "type")?)
}

fn call(node: Node<'_>, walk: &mut Walk<'_>) {
    if let Some(function) = field(node, "function") {
        call_of(function, walk);
    }
}

fn decorate(node: Node<'_>, walk: &mut Walk<'_>) {
    if let Some(name) = node.named_child(0).filter(|name| name.kind() != "call") {
        call_of(name, walk);
    }
}

fn call_of(function: Node<'_>, walk: &mut Walk<'_>) {
    match function.kind() {
        "identifier" => walk.refer(ReferenceKind::Call, function, None),
        "attribute" => {
            let (Some(object), Some(name)) = (field(function, "object"), field(function, "attribute")) else {
                return;
            };
            let subject = types::of_value(walk, object);
            walk.refer_of(ReferenceKind::Call, name, walk.short(object).or(Some(String::new())), subject);
        }
        _ => {}
    }
}

fn import(node: Node<'_>, walk: &mut Walk<'_>) -> bool {
    for name in fields(node, "name") {
        let (module, alias) = aliased(name, walk);
        let alias = alias.or(Some(module.clone()));
        walk.import(name, &module, "*", alias);
    }
    false
}

fn import_from(node: Node<'_>, walk: &mut Walk<'_>) -> bool {
    let module = field(node, "module_name").and_then(|module| walk.short(module)).unwrap_or_default();
    for name in fields(node, "name") {
        let (name_text, alias) = aliased(name, walk);
        walk.import(name, &module, &name_text, alias);
    }
    if named_children(node).iter().any(|child| child.kind() == "wildcard_import") {
        walk.import(node, &module, "*", None);
    }
    false
}

fn aliased(node: Node<'_>, walk: &Walk<'_>) -> (String, Option<String>) {
    let name = field(node, "name").unwrap_or(node);
    (walk.short(name).unwrap_or_default(), field(node, "alias").and_then(|alias| walk.name(alias)))
}
