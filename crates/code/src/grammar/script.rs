//! JavaScript, TypeScript and TSX: one set of rules, as TypeScript's grammar extends JavaScript's.

use tree_sitter::Node;

use super::{field, is_capital, named_children, types};
use crate::walk::{At, Walk};
use crate::{ReferenceKind, SymbolKind};

pub fn look(at: At<'_>, walk: &mut Walk<'_>) -> bool {
    if let Some(kind) = defined_by(at.node.kind()) {
        define(at.node, kind, walk);
        return true;
    }
    match at.node.kind() {
        "variable_declarator" => return declare(at, walk),
        "public_field_definition" | "field_definition" => declare_field(at.node, walk),
        "required_parameter" | "optional_parameter" => declare_parameter(at.node, walk),
        "call_expression" => call(at.node, walk),
        "new_expression" => {
            if let Some(name) = field(at.node, "constructor") {
                call_of(name, walk);
            }
        }
        "jsx_opening_element" | "jsx_self_closing_element" => {
            let name = field(at.node, "name").filter(|name| is_capital(&walk.written(*name)));
            if let Some(name) = name {
                walk.refer(ReferenceKind::Call, name, None);
            }
        }
        "type_identifier" if !at.is_name() => walk.refer(ReferenceKind::Type, at.node, None),
        "import_statement" => return import(at.node, walk),
        "export_statement" => return export(at.node, walk),
        _ => {}
    }
    true
}

fn defined_by(kind: &str) -> Option<SymbolKind> {
    Some(match kind {
        "function_declaration" | "generator_function_declaration" | "function_signature" => {
            SymbolKind::Function
        }
        "method_definition" | "method_signature" | "abstract_method_signature" => SymbolKind::Method,
        "class_declaration" | "abstract_class_declaration" => SymbolKind::Class,
        "interface_declaration" => SymbolKind::Interface,
        "type_alias_declaration" => SymbolKind::Type,
        "enum_declaration" => SymbolKind::Enum,
        "internal_module" | "module" => SymbolKind::Module,
        _ => return None,
    })
}

fn define(node: Node<'_>, kind: SymbolKind, walk: &mut Walk<'_>) {
    let Some(name) = field(node, "name") else { return };
    walk.define(node, name, kind);
    let subject = walk.name(name);
    for child in named_children(node) {
        match child.kind() {
            "class_heritage" => inherit_all(child, subject.as_deref(), walk),
            "extends_type_clause" => extend(child, ReferenceKind::Inherits, subject.as_deref(), walk),
            _ => {}
        }
    }
}

/// TypeScript has clauses; JavaScript has the parent alone.
fn inherit_all(heritage: Node<'_>, subject: Option<&str>, walk: &mut Walk<'_>) {
    for child in named_children(heritage) {
        match child.kind() {
            "extends_clause" => extend(child, ReferenceKind::Inherits, subject, walk),
            "implements_clause" => extend(child, ReferenceKind::Implements, subject, walk),
            _ => refer_to_type(child, ReferenceKind::Inherits, subject, walk),
        }
    }
}

fn extend(clause: Node<'_>, kind: ReferenceKind, subject: Option<&str>, walk: &mut Walk<'_>) {
    for parent in named_children(clause) {
        refer_to_type(parent, kind, subject, walk);
    }
}

fn refer_to_type(node: Node<'_>, kind: ReferenceKind, subject: Option<&str>, walk: &mut Walk<'_>) {
    let node = if node.kind() == "generic_type" { field(node, "name").unwrap_or(node) } else { node };
    let subject = subject.map(str::to_owned);
    match node.kind() {
        "identifier" | "type_identifier" => walk.refer_of(kind, node, None, subject),
        "member_expression" => {
            let of = field(node, "object").and_then(|object| walk.short(object));
            if let Some(name) = field(node, "property") {
                walk.refer_of(kind, name, of, subject);
            }
        }
        _ => {}
    }
}

/// Variables outside of functions are symbols, and functions in variables are functions everywhere.
fn declare(at: At<'_>, walk: &mut Walk<'_>) -> bool {
    if let Some(module) = field(at.node, "value").and_then(|value| required(value, walk)) {
        bind_module(at.node, &module, walk);
        return false;
    }
    declare_value(at, walk);
    true
}

fn declare_value(at: At<'_>, walk: &mut Walk<'_>) {
    let Some(name) = field(at.node, "name").filter(|name| name.kind() == "identifier") else { return };
    let value = field(at.node, "value");
    let of_value = || value.and_then(|value| types::of_value(walk, value));
    let type_name = declared_type(at.node, walk).or_else(of_value);
    walk.declare(name, type_name);
    if value.is_some_and(is_function) {
        walk.define(at.node, name, SymbolKind::Function);
    } else if walk.is_outside_functions() {
        let is_const =
            at.parent.and_then(|parent| field(parent, "kind")).is_some_and(|kind| kind.kind() == "const");
        walk.define(at.node, name, if is_const { SymbolKind::Constant } else { SymbolKind::Variable });
    }
}

fn is_function(node: Node<'_>) -> bool {
    matches!(node.kind(), "arrow_function" | "function_expression" | "generator_function" | "function")
}

/// The module that a value is by `require`, which is an import and no symbol.
fn required(value: Node<'_>, walk: &Walk<'_>) -> Option<String> {
    let function = field(value, "function")?;
    let is_require = function.kind() == "identifier" && walk.written(function) == "require";
    let module = field(value, "arguments")?.named_child(0)?;
    (is_require && module.kind() == "string").then(|| walk.unquoted(module))
}

/// `const fs = require("fs")`, `const { join, sep: mark } = require("path")`
fn bind_module(declarator: Node<'_>, module: &str, walk: &mut Walk<'_>) {
    let Some(pattern) = field(declarator, "name") else { return };
    if pattern.kind() == "identifier" {
        return walk.import(declarator, module, "*", walk.name(pattern));
    }
    for part in named_children(pattern) {
        let key = field(part, "key").unwrap_or(part);
        let alias = field(part, "value").and_then(|value| walk.name(value));
        if let Some(name) = walk.name(key) {
            walk.import(part, module, &name, alias);
        }
    }
}

fn declare_field(node: Node<'_>, walk: &mut Walk<'_>) {
    let Some(name) = field(node, "name").or_else(|| field(node, "property")) else { return };
    let value = field(node, "value");
    let of_value = || value.and_then(|value| types::of_value(walk, value));
    let type_name = declared_type(node, walk).or_else(of_value);
    walk.declare_field(name, type_name);
    if value.is_some_and(is_function) {
        walk.define(node, name, SymbolKind::Method);
    }
}

/// A parameter with `private` or the like is a field as well.
fn declare_parameter(node: Node<'_>, walk: &mut Walk<'_>) {
    let Some(name) = field(node, "pattern") else { return };
    let type_name = declared_type(node, walk);
    if named_children(node).iter().any(|child| child.kind() == "accessibility_modifier") {
        walk.declare_field(name, type_name.clone());
    }
    walk.declare(name, type_name);
}

fn declared_type(node: Node<'_>, walk: &Walk<'_>) -> Option<String> {
    types::named(walk, field(node, "type")?)
}

fn call(node: Node<'_>, walk: &mut Walk<'_>) {
    let Some(function) = field(node, "function") else { return };
    let first = field(node, "arguments").and_then(|arguments| arguments.named_child(0));
    let imported = first.filter(|first| function.kind() == "import" && first.kind() == "string");
    match imported.map(|module| walk.unquoted(module)).or_else(|| required(node, walk)) {
        Some(module) => walk.import(node, &module, "", None),
        None => call_of(function, walk),
    }
}

fn call_of(function: Node<'_>, walk: &mut Walk<'_>) {
    match function.kind() {
        "identifier" => walk.refer(ReferenceKind::Call, function, None),
        "member_expression" => {
            let (Some(object), Some(name)) = (field(function, "object"), field(function, "property")) else {
                return;
            };
            let subject = types::of_value(walk, object);
            walk.refer_of(ReferenceKind::Call, name, walk.short(object).or(Some(String::new())), subject);
        }
        _ => {}
    }
}

fn import(node: Node<'_>, walk: &mut Walk<'_>) -> bool {
    let Some(module) = field(node, "source").map(|source| walk.unquoted(source)) else { return false };
    let clause = named_children(node).into_iter().find(|child| child.kind() == "import_clause");
    let Some(clause) = clause else {
        walk.import(node, &module, "", None);
        return false;
    };
    for child in named_children(clause) {
        match child.kind() {
            "identifier" => walk.import(child, &module, "default", walk.name(child)),
            "namespace_import" => {
                let alias = child.named_child(0).and_then(|alias| walk.name(alias));
                walk.import(child, &module, "*", alias);
            }
            _ => specify_all(child, &module, walk),
        }
    }
    false
}

fn specify_all(list: Node<'_>, module: &str, walk: &mut Walk<'_>) {
    for one in named_children(list) {
        let alias = field(one, "alias").and_then(|alias| walk.name(alias));
        if let Some(name) = field(one, "name").and_then(|name| walk.name(name)) {
            walk.import(one, module, &name, alias);
        }
    }
}

/// What is exported from elsewhere is imported first. What is exported from here is looked into.
fn export(node: Node<'_>, walk: &mut Walk<'_>) -> bool {
    let Some(module) = field(node, "source").map(|source| walk.unquoted(source)) else { return true };
    match named_children(node).into_iter().find(|child| child.kind() == "export_clause") {
        Some(clause) => specify_all(clause, &module, walk),
        None => walk.import(node, &module, "*", None),
    }
    false
}
