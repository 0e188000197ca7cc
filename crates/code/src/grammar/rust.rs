//! Rust. Calls inside of macros' arguments are found by their form, as their syntax is unknown to the grammar.

use tree_sitter::Node;

use super::{field, is_capital, named_children, types};
use crate::walk::{At, Walk};
use crate::{ReferenceKind, SymbolKind};

pub fn look(at: At<'_>, walk: &mut Walk<'_>) -> bool {
    if let Some(kind) = defined_by(at.node.kind()) {
        return define(at.node, kind, walk);
    }
    match at.node.kind() {
        "attribute_item" => walk.pass_attribute(at.node),
        "impl_item" => implement(at.node, walk),
        "use_declaration" => return use_all(at.node, walk),
        "extern_crate_declaration" => return false,
        "call_expression" => call(at.node, walk),
        "macro_invocation" => call_macro(at.node, walk),
        "token_tree" => call_in_tokens(at.node, walk),
        "type_identifier" if !at.is_name() || at.is_in(&["scoped_type_identifier", "struct_expression"]) => {
            let of = at.parent.and_then(|parent| field(parent, "path")).and_then(|path| walk.short(path));
            walk.refer(ReferenceKind::Type, at.node, of);
        }
        "identifier" if at.field == Some("path") && is_capital(&walk.written(at.node)) => {
            walk.refer(ReferenceKind::Type, at.node, None);
        }
        "field_declaration" => {
            if let Some(name) = field(at.node, "name") {
                walk.declare_field(name, declared_type(at.node, walk));
            }
        }
        "parameter" => {
            if let Some(name) = field(at.node, "pattern") {
                walk.declare(name, declared_type(at.node, walk));
            }
        }
        "let_declaration" => declare(at.node, walk),
        _ => {}
    }
    true
}

fn defined_by(kind: &str) -> Option<SymbolKind> {
    Some(match kind {
        "function_item" | "function_signature_item" => SymbolKind::Function,
        "struct_item" | "union_item" => SymbolKind::Struct,
        "enum_item" => SymbolKind::Enum,
        "enum_variant" => SymbolKind::Variant,
        "trait_item" => SymbolKind::Trait,
        "type_item" => SymbolKind::Type,
        "const_item" => SymbolKind::Constant,
        "static_item" => SymbolKind::Variable,
        "macro_definition" => SymbolKind::Macro,
        "mod_item" => SymbolKind::Module,
        _ => return None,
    })
}

fn define(node: Node<'_>, kind: SymbolKind, walk: &mut Walk<'_>) -> bool {
    let Some(name) = field(node, "name") else { return true };
    if kind == SymbolKind::Module && field(node, "body").is_none() {
        let module = walk.written(name).into_owned();
        walk.import(node, "self", &module, None);
        return false;
    }
    // What a function's body declares is not a part of the type around it.
    walk.define(node, name, kind);
    if kind == SymbolKind::Trait
        && let Some(bounds) = field(node, "bounds")
    {
        let subject = walk.name(name);
        for bound in named_children(bounds) {
            refer_to_trait(bound, ReferenceKind::Inherits, subject.clone(), walk);
        }
    }
    // The tokens of a macro's definition are patterns, not calls.
    kind != SymbolKind::Macro
}

fn implement(node: Node<'_>, walk: &mut Walk<'_>) {
    let Some(name) = field(node, "type").and_then(|of| types::named(walk, of)) else { return };
    if let Some(of) = field(node, "trait") {
        refer_to_trait(of, ReferenceKind::Implements, Some(name.clone()), walk);
    }
    walk.add_to(&name);
}

fn refer_to_trait(node: Node<'_>, kind: ReferenceKind, subject: Option<String>, walk: &mut Walk<'_>) {
    let node = if node.kind() == "generic_type" { field(node, "type").unwrap_or(node) } else { node };
    match node.kind() {
        "type_identifier" => walk.refer_of(kind, node, None, subject),
        "scoped_type_identifier" => {
            let of = field(node, "path").and_then(|path| walk.short(path));
            if let Some(name) = field(node, "name") {
                walk.refer_of(kind, name, of, subject);
            }
        }
        _ => {}
    }
}

fn call(node: Node<'_>, walk: &mut Walk<'_>) {
    let Some(mut function) = field(node, "function") else { return };
    if function.kind() == "generic_function" {
        function = field(function, "function").unwrap_or(function);
    }
    match function.kind() {
        "identifier" => walk.refer(ReferenceKind::Call, function, None),
        "scoped_identifier" => call_path(function, walk),
        "field_expression" => {
            let (Some(value), Some(name)) = (field(function, "value"), field(function, "field")) else {
                return;
            };
            let subject = types::of_value(walk, value);
            walk.refer_of(ReferenceKind::Call, name, walk.short(value).or(Some(String::new())), subject);
        }
        _ => {}
    }
}

fn call_path(function: Node<'_>, walk: &mut Walk<'_>) {
    let (path, Some(name)) = (field(function, "path"), field(function, "name")) else { return };
    let path = path.and_then(|path| walk.short(path));
    let subject = match path.as_deref() {
        Some("Self") => walk.container(),
        _ => None,
    };
    walk.refer_of(ReferenceKind::Call, name, path, subject);
}

fn call_macro(node: Node<'_>, walk: &mut Walk<'_>) {
    match field(node, "macro") {
        Some(name) if name.kind() == "scoped_identifier" => call_path(name, walk),
        Some(name) => walk.refer(ReferenceKind::Call, name, None),
        None => {}
    }
}

/// A name before round brackets is a call: `foo(`, `path::foo(`, `.foo(`.
fn call_in_tokens(node: Node<'_>, walk: &mut Walk<'_>) {
    let children: Vec<_> = node.children(&mut node.walk()).collect();
    for (at, pair) in children.windows(2).enumerate() {
        let is_call = pair[0].kind() == "identifier"
            && pair[1].kind() == "token_tree"
            && walk.written(pair[1]).starts_with('(');
        if is_call {
            let (qualifier, subject) = before_call(&children[..at], walk);
            walk.refer_of(ReferenceKind::Call, pair[0], qualifier, subject);
        }
    }
}

fn before_call(tokens: &[Node<'_>], walk: &Walk<'_>) -> (Option<String>, Option<String>) {
    let [.., of, mark] = tokens else { return (None, None) };
    match mark.kind() {
        "::" if walk.written(*of) == "Self" => (walk.short(*of), walk.container()),
        "::" => (path_before(tokens, walk), None),
        "." => (Some(String::new()), types::of_value(walk, *of)),
        _ => (None, None),
    }
}

/// `a::b` of the tokens `a :: b ::`.
fn path_before(tokens: &[Node<'_>], walk: &Walk<'_>) -> Option<String> {
    let pairs = tokens.rchunks(2).take_while(|pair| pair.len() == 2 && pair[1].kind() == "::");
    let parts: Option<Vec<String>> = pairs.map(|pair| walk.short(pair[0])).collect();
    let mut parts = parts?;
    parts.reverse();
    Some(parts.join("::"))
}

fn declare(node: Node<'_>, walk: &mut Walk<'_>) {
    let Some(pattern) = field(node, "pattern") else { return };
    let of_value = || field(node, "value").and_then(|value| types::of_value(walk, value));
    let type_name = declared_type(node, walk).or_else(of_value);
    walk.declare(pattern, type_name);
}

fn declared_type(node: Node<'_>, walk: &Walk<'_>) -> Option<String> {
    match types::named(walk, field(node, "type")?)?.as_str() {
        "Self" => walk.container(),
        name => Some(name.to_owned()),
    }
}

/// Nested lists of a `use` are opened: one import for each name.
fn use_all(node: Node<'_>, walk: &mut Walk<'_>) -> bool {
    let mut open: Vec<(String, Node<'_>)> = Vec::new();
    open.extend(field(node, "argument").map(|argument| (String::new(), argument)));
    while let Some((path, node)) = open.pop() {
        match node.kind() {
            "use_list" => open.extend(named_children(node).into_iter().map(|inner| (path.clone(), inner))),
            "scoped_use_list" => {
                let inner = field(node, "path").and_then(|inner| walk.short(inner)).unwrap_or_default();
                open.extend(field(node, "list").map(|list| (joined(&path, &inner), list)));
            }
            "use_wildcard" => {
                let inner = node.named_child(0).and_then(|inner| walk.short(inner)).unwrap_or_default();
                walk.import(node, &joined(&path, &inner), "*", None);
            }
            "use_as_clause" => {
                let alias = field(node, "alias").and_then(|alias| walk.name(alias));
                if let Some(inner) = field(node, "path") {
                    use_one(&path, inner, alias, walk);
                }
            }
            _ => use_one(&path, node, None, walk),
        }
    }
    false
}

fn use_one(path: &str, node: Node<'_>, alias: Option<String>, walk: &mut Walk<'_>) {
    let Some(inner) = walk.short(node) else { return };
    let whole = if inner == "self" { path.to_owned() } else { joined(path, &inner) };
    let (module, name) = whole.rsplit_once("::").unwrap_or(("", &whole));
    walk.import(node, module, name, alias);
}

fn joined(path: &str, inner: &str) -> String {
    if path.is_empty() || inner.is_empty() { format!("{path}{inner}") } else { format!("{path}::{inner}") }
}
