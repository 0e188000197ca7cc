//! What each language's syntax says: for every node a `look` that tells the walk of symbols, references and types of variables.

mod c;
mod go;
mod java;
mod python;
mod rust;
mod script;
mod types;

use tree_sitter::Node;

use crate::Language;
use crate::walk::Look;

pub fn of(language: Language) -> Look {
    match language {
        Language::C => c::look,
        Language::Go => go::look,
        Language::Java => java::look,
        Language::JavaScript | Language::Tsx | Language::TypeScript => script::look,
        Language::Python => python::look,
        Language::Rust => rust::look,
    }
}

fn field<'t>(node: Node<'t>, name: &str) -> Option<Node<'t>> {
    node.child_by_field_name(name)
}

fn named_children(node: Node<'_>) -> Vec<Node<'_>> {
    node.named_children(&mut node.walk()).collect()
}

fn fields<'t>(node: Node<'t>, name: &str) -> Vec<Node<'t>> {
    node.children_by_field_name(name, &mut node.walk()).collect()
}

/// Whether it begins as types and variants do.
fn is_capital(name: &str) -> bool {
    name.chars().next().is_some_and(char::is_uppercase)
}

/// `LIMIT_MAX`: a constant where the language has no word for it.
fn is_shouted(name: &str) -> bool {
    name.chars().any(char::is_uppercase) && !name.chars().any(char::is_lowercase)
}

#[cfg(test)]
mod tests;
