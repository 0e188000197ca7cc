//! A flow as a Mermaid flowchart.
//!
//! Keeps true: names and conditions of any content give valid Mermaid, since identifiers are our own and every label
//! is quoted and escaped.

use std::fmt::Write;

use super::model::{Definition, Edge, Next, Node, NodeBody};

/// Longest condition on an edge, in characters; longer ones are cut.
const LABEL_CHARACTERS_MAX: usize = 60;

/// A flowchart: effects are boxes, `set` is a parallelogram, `human` a hexagon, `map` a trapezoid, `flow` a box with
/// double sides, `wait` has round ends; a bar forks into parallel branches; dotted edges are for errors and expiry.
#[must_use]
pub fn mermaid(flow: &Definition) -> String {
    let mut chart = String::from("flowchart TD\n");
    line(&mut chart, "start_(((start)))");
    line(&mut chart, "end_(((end)))");
    for (index, node) in flow.nodes.iter().enumerate() {
        line(&mut chart, &shape(index, node));
    }
    for &first in &flow.start {
        line(&mut chart, &format!("start_ --> n{first}"));
    }
    for (index, node) in flow.nodes.iter().enumerate() {
        edges(&mut chart, index, node);
    }
    if flow.nodes.iter().any(|node| matches!(node.next, Next::All(_))) {
        line(&mut chart, "classDef fork fill:#555,stroke:#555,height:8px");
    }
    chart
}

fn line(chart: &mut String, text: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(chart, "  {text}");
}

fn shape(index: usize, node: &Node) -> String {
    let (open, close, detail) = match &node.body {
        NodeBody::Effect { kind, .. } => ("[", "]", kind.clone()),
        NodeBody::Set { .. } => ("[/", "/]", "set".to_owned()),
        NodeBody::Wait { .. } => ("([", "])", "wait".to_owned()),
        NodeBody::Human(_) => ("{{", "}}", "human".to_owned()),
        NodeBody::Map(map) => ("[/", "\\]", format!("for each: {}", map.flow)),
        NodeBody::Flow { flow, .. } => ("[[", "]]", format!("flow: {flow}")),
    };
    format!("n{index}{open}\"{}<br/>{}\"{close}", escaped(&node.name), escaped(&detail))
}

fn edges(chart: &mut String, from: usize, node: &Node) {
    match &node.next {
        Next::End => line(chart, &format!("n{from} --> end_")),
        Next::First(edges) => conditions(chart, from, edges),
        Next::All(all) => {
            let targets: Vec<_> = all.iter().map(|to| format!("n{to}")).collect();
            line(chart, &format!("n{from} --> f{from}[\" \"]:::fork"));
            line(chart, &format!("f{from} ==> {}", targets.join(" & ")));
        }
    }
    if let Some(to) = node.on_error {
        line(chart, &format!("n{from} -. \"error\" .-> n{to}"));
    }
    if let NodeBody::Human(human) = &node.body
        && let Some(to) = human.on_expiry
    {
        line(chart, &format!("n{from} -. \"expired\" .-> n{to}"));
    }
}

fn conditions(chart: &mut String, from: usize, edges: &[Edge]) {
    let is_branch = edges.len() > 1;
    for edge in edges {
        let to = edge.to.map_or_else(|| "end_".to_owned(), |to| format!("n{to}"));
        match &edge.condition {
            Some(condition) => line(chart, &format!("n{from} -- \"{}\" --> {to}", label(condition))),
            None if is_branch => line(chart, &format!("n{from} -- \"else\" --> {to}")),
            None => line(chart, &format!("n{from} --> {to}")),
        }
    }
    if edges.iter().all(|edge| edge.condition.is_some()) {
        line(chart, &format!("n{from} -- \"else\" --> end_"));
    }
}

fn label(condition: &str) -> String {
    let words = condition.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(LABEL_CHARACTERS_MAX) {
        Some((cut, _)) => format!("{}…", escaped(&words[..cut])),
        None => escaped(&words),
    }
}

/// Everything but letters, digits and harmless signs as a numbered entity, which Mermaid shows as the character.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_alphanumeric() || " _-.,:+/=!?()'…".contains(letter) {
            safe.push(letter);
        } else {
            let _ = write!(safe, "#{};", u32::from(letter));
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_hold_no_sign_that_mermaid_reads() {
        assert_eq!(label("hits | length > 0"), "hits #124; length #62; 0");
        assert_eq!(label("a == \"x\"\n  and b"), "a == #34;x#34; and b");
        assert_eq!(label(&"x".repeat(90)).chars().count(), LABEL_CHARACTERS_MAX + 1);
    }
}
