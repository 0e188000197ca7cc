//! Types of expressions, as far as one file tells them: what a variable was declared as, what a field holds, what a constructor makes.
//!
//! Keeps true: a bound number of steps, whatever the expression.

use tree_sitter::Node;

use super::{field, is_capital};
use crate::walk::Walk;

/// `a.b.c.d` is looked through; longer chains are rare and end without a type.
const STEPS_MAX: usize = 6;
/// What passes calls on to what it holds.
const POINTERS: [&str; 5] = ["Arc", "Box", "Cow", "Optional", "Rc"];

/// The name that a type is known by: `&mut Box<dyn a::Store>` is a `Store`.
pub fn named(walk: &Walk<'_>, node: Node<'_>) -> Option<String> {
    let mut node = node;
    for _ in 0..STEPS_MAX {
        node = match node.kind() {
            "identifier" | "type_identifier" => return walk.name(node),
            "scoped_type_identifier" | "qualified_type" | "nested_type_identifier" => {
                field(node, "name").or_else(|| node.named_child(last_index(node)))?
            }
            "attribute" => field(node, "attribute")?,
            "generic_type" | "subscript" => inner_of_generic(walk, node)?,
            "struct_specifier" | "enum_specifier" | "union_specifier" => field(node, "name")?,
            "reference_type" | "pointer_type" | "dynamic_type" | "abstract_type" => field(node, "type")
                .or_else(|| field(node, "trait"))
                .or_else(|| node.named_child(last_index(node)))?,
            "type" | "type_annotation" | "union_type" | "parenthesized_type" | "optional_type" => {
                node.named_child(0)?
            }
            _ => return None,
        };
    }
    None
}

fn inner_of_generic<'t>(walk: &Walk<'_>, node: Node<'t>) -> Option<Node<'t>> {
    let base = node.named_child(0)?;
    let is_pointer = POINTERS.contains(&walk.written(base).as_ref());
    if !is_pointer {
        return Some(base);
    }
    let arguments = node.named_child(1)?;
    Some(if arguments.kind().ends_with("identifier") {
        arguments
    } else {
        arguments.named_child(last_index(arguments))?
    })
}

fn last_index(node: Node<'_>) -> u32 {
    (node.named_child_count() as u32).saturating_sub(1)
}

/// The type of an expression's value.
pub fn of_value(walk: &Walk<'_>, node: Node<'_>) -> Option<String> {
    of_value_within(walk, node, STEPS_MAX)
}

fn of_value_within(walk: &Walk<'_>, node: Node<'_>, steps: usize) -> Option<String> {
    let steps = steps.checked_sub(1)?;
    match node.kind() {
        "self" | "this" => walk.container(),
        "identifier" => of_name(walk, &walk.name(node)?),
        "field_expression" => of_field(walk, node, "value", "field", steps)
            .or_else(|| of_field(walk, node, "argument", "field", steps)),
        "member_expression" => of_field(walk, node, "object", "property", steps),
        "selector_expression" => of_field(walk, node, "operand", "field", steps),
        "field_access" => of_field(walk, node, "object", "field", steps),
        "attribute" => of_field(walk, node, "object", "attribute", steps),
        "struct_expression" => named(walk, field(node, "name")?),
        "composite_literal" | "object_creation_expression" => named(walk, field(node, "type")?),
        "new_expression" => named(walk, field(node, "constructor")?),
        "call_expression" | "call" => of_call(walk, field(node, "function")?),
        "try_expression" | "await_expression" | "parenthesized_expression" | "await" => {
            of_value_within(walk, node.named_child(0)?, steps)
        }
        "reference_expression" => of_value_within(walk, field(node, "value")?, steps),
        "unary_expression" => of_value_within(walk, field(node, "operand")?, steps),
        _ => None,
    }
}

fn of_name(walk: &Walk<'_>, name: &str) -> Option<String> {
    match name {
        "self" | "cls" => walk.variable(name).or_else(|| walk.container()),
        _ => walk.variable(name),
    }
}

fn of_field(walk: &Walk<'_>, node: Node<'_>, object: &str, name: &str, steps: usize) -> Option<String> {
    let of = of_value_within(walk, field(node, object)?, steps)?;
    walk.field(of, field(node, name)?)
}

/// What is called by a type's name, or as `Type::new`, gives one.
fn of_call(walk: &Walk<'_>, function: Node<'_>) -> Option<String> {
    let name = match function.kind() {
        "identifier" => walk.name(function)?,
        "scoped_identifier" => {
            let path = field(function, "path")?;
            walk.name(if path.kind() == "scoped_identifier" { field(path, "name")? } else { path })?
        }
        "attribute" => walk.name(field(function, "attribute")?)?,
        _ => return None,
    };
    match name.as_str() {
        "Self" => walk.container(),
        _ => is_capital(&name).then_some(name),
    }
}
