//! Go. A method's receiver is the type that it belongs to; an embedded type is inherited from.

use tree_sitter::Node;

use super::{field, named_children, types};
use crate::walk::{At, Walk};
use crate::{ReferenceKind, SymbolKind};

pub fn look(at: At<'_>, walk: &mut Walk<'_>) -> bool {
    match at.node.kind() {
        "function_declaration" => {
            if let Some(name) = field(at.node, "name") {
                walk.define(at.node, name, SymbolKind::Function);
            }
        }
        "method_declaration" => method(at.node, walk),
        "method_elem" | "method_spec" => {
            if let Some(name) = field(at.node, "name") {
                walk.define(at.node, name, SymbolKind::Method);
            }
        }
        "type_spec" | "type_alias" => define_type(at.node, walk),
        "const_spec" | "var_spec" => define_value(at.node, walk),
        "field_declaration" => declare_field(at.node, walk),
        "type_elem" if at.is_in(&["interface_type"]) => embed(at.node.named_child(0), walk),
        "parameter_declaration" => declare_parameter(at.node, walk),
        "short_var_declaration" => declare(at.node, walk),
        "call_expression" => call(at.node, walk),
        "type_identifier" if !at.is_name() || at.is_in(&["qualified_type"]) => {
            let of = at.parent.filter(|parent| parent.kind() == "qualified_type");
            let of = of.and_then(|parent| field(parent, "package")).and_then(|package| walk.short(package));
            walk.refer(ReferenceKind::Type, at.node, of);
        }
        "import_spec" => return import(at.node, walk),
        _ => {}
    }
    true
}

fn method(node: Node<'_>, walk: &mut Walk<'_>) {
    let receiver = field(node, "receiver").and_then(|list| list.named_child(0));
    let of = receiver.and_then(|receiver| field(receiver, "type"));
    if let Some(of) = of.and_then(|of| types::named(walk, of)) {
        walk.add_to(&of);
    }
    if let Some(name) = field(node, "name") {
        walk.define(node, name, SymbolKind::Method);
    }
}

fn define_type(node: Node<'_>, walk: &mut Walk<'_>) {
    let Some(name) = field(node, "name") else { return };
    let kind = match field(node, "type").map(|of| of.kind()) {
        Some("struct_type") => SymbolKind::Struct,
        Some("interface_type") => SymbolKind::Interface,
        _ => SymbolKind::Type,
    };
    walk.define(node, name, kind);
}

fn define_value(node: Node<'_>, walk: &mut Walk<'_>) {
    let Some(name) = field(node, "name") else { return };
    let type_name = field(node, "type").and_then(|of| types::named(walk, of));
    walk.declare(name, type_name);
    if walk.is_outside_functions() {
        let is_constant = node.kind() == "const_spec";
        walk.define(node, name, if is_constant { SymbolKind::Constant } else { SymbolKind::Variable });
    }
}

/// A field without a name is an embedded type.
fn declare_field(node: Node<'_>, walk: &mut Walk<'_>) {
    match (field(node, "name"), field(node, "type")) {
        (Some(name), Some(of)) => walk.declare_field(name, types::named(walk, of)),
        (None, of) => embed(of, walk),
        _ => {}
    }
}

fn embed(of: Option<Node<'_>>, walk: &mut Walk<'_>) {
    let Some(of) = of else { return };
    let subject = walk.container();
    match of.kind() {
        "type_identifier" => walk.refer_of(ReferenceKind::Inherits, of, None, subject),
        "qualified_type" => {
            let package = field(of, "package").and_then(|package| walk.short(package));
            if let Some(name) = field(of, "name") {
                walk.refer_of(ReferenceKind::Inherits, name, package, subject);
            }
        }
        _ => {}
    }
}

fn declare_parameter(node: Node<'_>, walk: &mut Walk<'_>) {
    let type_name = field(node, "type").and_then(|of| types::named(walk, of));
    for name in super::fields(node, "name") {
        walk.declare(name, type_name.clone());
    }
}

fn declare(node: Node<'_>, walk: &mut Walk<'_>) {
    let (Some(left), Some(right)) = (field(node, "left"), field(node, "right")) else { return };
    for (name, value) in named_children(left).into_iter().zip(named_children(right)) {
        let type_name = types::of_value(walk, value);
        walk.declare(name, type_name);
    }
}

fn call(node: Node<'_>, walk: &mut Walk<'_>) {
    let Some(function) = field(node, "function") else { return };
    match function.kind() {
        "identifier" => walk.refer(ReferenceKind::Call, function, None),
        "selector_expression" => {
            let (Some(object), Some(name)) = (field(function, "operand"), field(function, "field")) else {
                return;
            };
            let subject = types::of_value(walk, object);
            walk.refer_of(ReferenceKind::Call, name, walk.short(object).or(Some(String::new())), subject);
        }
        _ => {}
    }
}

/// A package is known by the last part of its path, unless it is given a name, or `.` for all of its names.
fn import(node: Node<'_>, walk: &mut Walk<'_>) -> bool {
    let Some(path) = field(node, "path").map(|path| walk.unquoted(path)) else { return false };
    let given = field(node, "name").and_then(|name| walk.name(name));
    let last = path.rsplit('/').find(|part| !is_version(part)).unwrap_or(&path).to_owned();
    match given.as_deref() {
        Some(".") => walk.import(node, &path, "*", None),
        Some("_") => walk.import(node, &path, "", None),
        _ => walk.import(node, &path, "*", given.or(Some(last))),
    }
    false
}

/// `v2`: the part of a module's path that is not its name.
fn is_version(part: &str) -> bool {
    part.strip_prefix('v')
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}
