//! Whether every node can be reached, and whether every path can come to an end.
//!
//! Keeps true: a node that no edge leads to is an error; nodes that go round without any way out are a warning, since
//! `limits` would stop them.

use super::model::{Next, Node, NodeBody};
use super::problem::{Place, Problems};
use super::reader::joined;

/// `names` are the nodes' names and places, in the same order.
pub(super) fn check(start: &[usize], nodes: &[Node], names: &[(String, Place)], problems: &mut Problems) {
    let targets: Vec<_> = nodes.iter().map(targets).collect();
    let reached = spread(start, &targets);
    for ((name, place), _) in names.iter().zip(&reached).filter(|(_, reached)| !**reached) {
        let message = "no edge leads to this node; name it in a `next`, or take it out";
        problems.error(*place, &joined("nodes", name), message);
    }
    let ends: Vec<_> = (0..nodes.len()).filter(|node| can_end(&nodes[*node])).collect();
    let can_end = spread(&ends, &reversed(&targets));
    let stuck: Vec<_> = (0..nodes.len()).filter(|node| reached[*node] && !can_end[*node]).collect();
    if let Some(&first) = stuck.first() {
        let (name, place) = &names[first];
        let others: Vec<_> = stuck.iter().map(|node| format!("`{}`", names[*node].0)).collect();
        let message = format!(
            "from here no path comes to an end: {} only lead to each other, until `limits.visits` fails the run; add an edge with `if` that leads out, or to `end`",
            others.join(", ")
        );
        problems.warning(*place, &joined("nodes", name), message);
    }
}

/// Every node that a node may be followed by.
fn targets(node: &Node) -> Vec<usize> {
    let mut targets: Vec<_> = match &node.next {
        Next::End => Vec::new(),
        Next::First(edges) => edges.iter().filter_map(|edge| edge.to).collect(),
        Next::All(all) => all.clone(),
    };
    targets.extend(node.on_error);
    if let NodeBody::Human(human) = &node.body {
        targets.extend(human.on_expiry);
    }
    targets
}

/// Whether a path may end at this node: by `end`, or because no condition holds.
fn can_end(node: &Node) -> bool {
    match &node.next {
        Next::End => true,
        Next::First(edges) => {
            edges.iter().any(|edge| edge.to.is_none()) || edges.iter().all(|edge| edge.condition.is_some())
        }
        Next::All(_) => false,
    }
}

fn reversed(targets: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut sources = vec![Vec::new(); targets.len()];
    for (from, targets) in targets.iter().enumerate() {
        for &to in targets {
            sources[to].push(from);
        }
    }
    sources
}

/// Which nodes can be come to from `from`, these included.
fn spread(from: &[usize], targets: &[Vec<usize>]) -> Vec<bool> {
    let mut reached = vec![false; targets.len()];
    let mut open = from.to_vec();
    while let Some(node) = open.pop() {
        if !std::mem::replace(&mut reached[node], true) {
            open.extend(&targets[node]);
        }
    }
    reached
}
