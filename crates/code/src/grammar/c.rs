//! C. A prototype in a header is a symbol, whose signature ends with a semicolon; the definition is preferred where both are known.

use tree_sitter::Node;

use super::{field, types};
use crate::walk::{At, Walk};
use crate::{ReferenceKind, SymbolKind};

/// `int *(*(f))(void)`: pointers and brackets around a name.
const DECLARATORS_MAX: usize = 8;

pub fn look(at: At<'_>, walk: &mut Walk<'_>) -> bool {
    match at.node.kind() {
        "function_definition" => define_function(at.node, walk),
        "declaration" => declare(at.node, walk),
        "parameter_declaration" => declare_parameter(at.node, walk),
        "field_declaration" => declare_field(at.node, walk),
        "struct_specifier" | "union_specifier" => define_type(at.node, SymbolKind::Struct, walk),
        "enum_specifier" => define_type(at.node, SymbolKind::Enum, walk),
        "enumerator" => define_named(at.node, SymbolKind::Variant, walk),
        "type_definition" => {
            let name = field(at.node, "declarator").and_then(innermost);
            if let Some(name) = name {
                walk.define(at.node, name, SymbolKind::Type);
            }
        }
        "preproc_def" => define_named(at.node, SymbolKind::Constant, walk),
        "preproc_function_def" => define_named(at.node, SymbolKind::Macro, walk),
        "call_expression" => call(at.node, walk),
        "type_identifier" if !is_defining(at) => walk.refer(ReferenceKind::Type, at.node, None),
        "preproc_include" => include(at.node, walk),
        _ => {}
    }
    true
}

/// Whether the name is the one that its parent defines.
fn is_defining(at: At<'_>) -> bool {
    at.is_in(&["type_definition"]) && at.field != Some("type")
        || at.is_name() && at.parent.is_some_and(|parent| field(parent, "body").is_some())
}

fn define_named(node: Node<'_>, kind: SymbolKind, walk: &mut Walk<'_>) {
    if let Some(name) = field(node, "name") {
        walk.define(node, name, kind);
    }
}

/// `struct list` without a body is a use of the type, not the type.
fn define_type(node: Node<'_>, kind: SymbolKind, walk: &mut Walk<'_>) {
    if field(node, "body").is_some() {
        define_named(node, kind, walk);
    }
}

fn define_function(node: Node<'_>, walk: &mut Walk<'_>) {
    if let Some(name) = field(node, "declarator").and_then(innermost) {
        walk.define(node, name, SymbolKind::Function);
    }
}

/// Prototypes and variables, outside of functions; types of variables, inside.
fn declare(node: Node<'_>, walk: &mut Walk<'_>) {
    let type_name = declared_type(node, walk);
    for declarator in super::fields(node, "declarator") {
        let Some(name) = innermost(declarator) else { continue };
        walk.declare(name, type_name.clone());
        if walk.is_outside_functions() {
            let kind = if is_function(declarator) { SymbolKind::Function } else { SymbolKind::Variable };
            walk.define(node, name, kind);
        }
    }
}

fn is_function(declarator: Node<'_>) -> bool {
    let mut node = declarator;
    for _ in 0..DECLARATORS_MAX {
        if node.kind() == "function_declarator" {
            return true;
        }
        match field(node, "declarator") {
            Some(inner) => node = inner,
            None => return false,
        }
    }
    false
}

fn declare_parameter(node: Node<'_>, walk: &mut Walk<'_>) {
    if let Some(name) = field(node, "declarator").and_then(innermost) {
        walk.declare(name, declared_type(node, walk));
    }
}

fn declare_field(node: Node<'_>, walk: &mut Walk<'_>) {
    if let Some(name) = field(node, "declarator").and_then(innermost) {
        walk.declare_field(name, declared_type(node, walk));
    }
}

fn declared_type(node: Node<'_>, walk: &Walk<'_>) -> Option<String> {
    types::named(walk, field(node, "type")?)
}

/// The name in a declarator.
fn innermost(declarator: Node<'_>) -> Option<Node<'_>> {
    let mut node = declarator;
    for _ in 0..DECLARATORS_MAX {
        match node.kind() {
            "identifier" | "type_identifier" | "field_identifier" => return Some(node),
            "parenthesized_declarator" => node = node.named_child(0)?,
            _ => node = field(node, "declarator")?,
        }
    }
    None
}

fn call(node: Node<'_>, walk: &mut Walk<'_>) {
    let Some(function) = field(node, "function") else { return };
    match function.kind() {
        "identifier" => walk.refer(ReferenceKind::Call, function, None),
        "field_expression" => {
            let (Some(value), Some(name)) = (field(function, "argument"), field(function, "field")) else {
                return;
            };
            let subject = types::of_value(walk, value);
            walk.refer_of(ReferenceKind::Call, name, walk.short(value).or(Some(String::new())), subject);
        }
        _ => {}
    }
}

/// All names of the file become known. What stands in angle brackets is the system's.
fn include(node: Node<'_>, walk: &mut Walk<'_>) {
    let Some(path) = field(node, "path") else { return };
    let module = match path.kind() {
        "system_lib_string" => walk.written(path).into_owned(),
        _ => walk.unquoted(path),
    };
    walk.import(node, &module, "*", None);
}
