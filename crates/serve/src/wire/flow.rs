//! A flow's outline on the wire: names, kinds and where each node leads.

use ibid_api::flow::{Flow, FlowNode};
use ibid_flow::Definition;
use ibid_flow::definition::{Next, Node, NodeBody};

/// What ends a path, as flow files write it.
const END: &str = "end";

pub fn flow(definition: &Definition, is_built_in: bool) -> Flow {
    Flow {
        name: definition.name.clone(),
        description: definition.description.clone(),
        version: super::run::version(&definition.hash),
        built_in: is_built_in,
        nodes: definition.nodes.iter().map(|found| node(definition, found)).collect(),
    }
}

fn node(definition: &Definition, node: &Node) -> FlowNode {
    let mut next: Vec<String> = Vec::new();
    for target in targets(node) {
        let name =
            target.and_then(|index| definition.nodes.get(index)).map_or(END, |node| node.name.as_str());
        if !next.iter().any(|known| known == name) {
            next.push(name.to_owned());
        }
    }
    FlowNode { name: node.name.clone(), kind: kind(&node.body).to_owned(), next }
}

/// Indexes of the nodes that may come next; none is the end of the path.
fn targets(node: &Node) -> Vec<Option<usize>> {
    let mut targets = match &node.next {
        Next::End => vec![None],
        Next::First(edges) => edges.iter().map(|edge| edge.to).collect(),
        Next::All(all) => all.iter().copied().map(Some).collect(),
    };
    targets.extend(node.on_error.map(Some));
    if let NodeBody::Human(human) = &node.body {
        targets.extend(human.on_expiry.map(Some));
    }
    targets
}

pub fn kind(body: &NodeBody) -> &str {
    match body {
        NodeBody::Effect { kind, .. } => kind,
        NodeBody::Set { .. } => "set",
        NodeBody::Wait { .. } => "wait",
        NodeBody::Human(_) => "human",
        NodeBody::Map(_) => "map",
        NodeBody::Flow { .. } => "flow",
    }
}
