//! Java.

use tree_sitter::Node;

use super::{field, fields, named_children, types};
use crate::walk::{At, Walk};
use crate::{ReferenceKind, SymbolKind};

pub fn look(at: At<'_>, walk: &mut Walk<'_>) -> bool {
    if let Some(kind) = defined_by(at.node.kind()) {
        define(at.node, kind, walk);
        return true;
    }
    match at.node.kind() {
        "field_declaration" | "constant_declaration" => declare_field(at.node, walk),
        "local_variable_declaration" => declare(at.node, walk),
        "formal_parameter" | "resource" => {
            if let Some(name) = field(at.node, "name") {
                walk.declare(name, declared_type(at.node, walk));
            }
        }
        "method_invocation" => call(at.node, walk),
        "object_creation_expression" => construct(at.node, walk),
        "type_identifier" => walk.refer(ReferenceKind::Type, at.node, None),
        "import_declaration" => return import(at.node, walk),
        "package_declaration" => return false,
        _ => {}
    }
    true
}

fn defined_by(kind: &str) -> Option<SymbolKind> {
    Some(match kind {
        "class_declaration" | "record_declaration" => SymbolKind::Class,
        "interface_declaration" | "annotation_type_declaration" => SymbolKind::Interface,
        "enum_declaration" => SymbolKind::Enum,
        "enum_constant" => SymbolKind::Variant,
        "method_declaration" | "constructor_declaration" | "compact_constructor_declaration" => {
            SymbolKind::Method
        }
        _ => return None,
    })
}

fn define(node: Node<'_>, kind: SymbolKind, walk: &mut Walk<'_>) {
    let Some(name) = field(node, "name") else { return };
    walk.define(node, name, kind);
    if !kind.is_type() {
        return;
    }
    let subject = walk.name(name);
    for child in named_children(node) {
        match child.kind() {
            "superclass" | "extends_interfaces" => inherit(child, ReferenceKind::Inherits, &subject, walk),
            "super_interfaces" => inherit(child, ReferenceKind::Implements, &subject, walk),
            _ => {}
        }
    }
}

fn inherit(clause: Node<'_>, kind: ReferenceKind, subject: &Option<String>, walk: &mut Walk<'_>) {
    for child in named_children(clause) {
        let parents = if child.kind() == "type_list" { named_children(child) } else { vec![child] };
        for parent in parents {
            refer_to_type(parent, kind, subject.clone(), walk);
        }
    }
}

fn refer_to_type(node: Node<'_>, kind: ReferenceKind, subject: Option<String>, walk: &mut Walk<'_>) {
    let node = if node.kind() == "generic_type" { node.named_child(0).unwrap_or(node) } else { node };
    let node = match node.kind() {
        "scoped_type_identifier" => named_children(node).pop().unwrap_or(node),
        _ => node,
    };
    walk.refer_of(kind, node, None, subject);
}

fn declare_field(node: Node<'_>, walk: &mut Walk<'_>) {
    let is_constant = node.kind() == "constant_declaration" || is_static_final(node, walk);
    let type_name = declared_type(node, walk);
    for name in fields(node, "declarator").into_iter().filter_map(|one| field(one, "name")) {
        walk.declare_field(name, type_name.clone());
        walk.declare(name, type_name.clone());
        if is_constant {
            walk.define(node, name, SymbolKind::Constant);
        }
    }
}

fn is_static_final(node: Node<'_>, walk: &Walk<'_>) -> bool {
    let modifiers = named_children(node).into_iter().find(|child| child.kind() == "modifiers");
    modifiers.is_some_and(|modifiers| {
        let words = walk.written(modifiers);
        words.contains("static") && words.contains("final")
    })
}

fn declare(node: Node<'_>, walk: &mut Walk<'_>) {
    for one in fields(node, "declarator") {
        let of_value = || field(one, "value").and_then(|value| types::of_value(walk, value));
        let type_name = declared_type(node, walk).filter(|name| name != "var").or_else(of_value);
        if let Some(name) = field(one, "name") {
            walk.declare(name, type_name);
        }
    }
}

fn declared_type(node: Node<'_>, walk: &Walk<'_>) -> Option<String> {
    types::named(walk, field(node, "type")?)
}

fn call(node: Node<'_>, walk: &mut Walk<'_>) {
    let Some(name) = field(node, "name") else { return };
    match field(node, "object") {
        Some(object) => {
            let subject = types::of_value(walk, object);
            walk.refer_of(ReferenceKind::Call, name, walk.short(object).or(Some(String::new())), subject);
        }
        None => walk.refer(ReferenceKind::Call, name, None),
    }
}

fn construct(node: Node<'_>, walk: &mut Walk<'_>) {
    if let Some(of) = field(node, "type") {
        refer_to_type(of, ReferenceKind::Call, None, walk);
    }
}

fn import(node: Node<'_>, walk: &mut Walk<'_>) -> bool {
    let children = named_children(node);
    let Some(path) = children.first().and_then(|path| walk.short(*path)) else { return false };
    if children.iter().any(|child| child.kind() == "asterisk") {
        walk.import(node, &path, "*", None);
    } else if let Some((package, name)) = path.rsplit_once('.') {
        walk.import(node, package, name, None);
    }
    false
}
