//! What hangs together: components, whichever way edges point, and circles, in which every node leads to every other.
//!
//! Keeps true: components are found over the edges themselves, without a plane; `petgraph`'s union of sets does it.

use ibid_types::Result;
use petgraph::unionfind::UnionFind;

use crate::{Graph, Limits, NodeId, View};

/// Groups of nodes, the largest first, and of equals the one with the first node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Components {
    /// The best `results_max`, their nodes ascending.
    pub groups: Vec<Vec<NodeId>>,
    /// How many there are.
    pub count: usize,
}

impl Components {
    pub(crate) fn of(mut groups: Vec<Vec<NodeId>>, results_max: usize) -> Self {
        for group in &mut groups {
            group.sort_unstable();
        }
        groups.sort_unstable_by(|left, right| right.len().cmp(&left.len()).then(left.cmp(right)));
        let count = groups.len();
        groups.truncate(results_max);
        Self { groups, count }
    }
}

impl Graph {
    /// The components of what the view shows; a node without an edge is in none.
    pub fn components(&self, view: &View<'_>, limits: &Limits<'_>) -> Result<Components> {
        let mut union = UnionFind::<u32>::new(self.node_count());
        let mut has_edge = vec![false; self.node_count()];
        for (number, edge) in self.edges() {
            if view.shows_edge(number, &edge) {
                union.union(edge.from.0, edge.to.0);
                has_edge[edge.from.index()] = true;
                has_edge[edge.to.index()] = true;
            }
        }
        limits.check()?;
        let groups = grouped(union, &has_edge);
        Ok(Components::of(groups, limits.results_max))
    }
}

/// The nodes of each set, for those that have an edge.
fn grouped(union: UnionFind<u32>, has_edge: &[bool]) -> Vec<Vec<NodeId>> {
    let labels = union.into_labeling();
    let mut places = vec![usize::MAX; labels.len()];
    let mut groups: Vec<Vec<NodeId>> = Vec::new();
    for (node, &label) in labels.iter().enumerate().filter(|(node, _)| has_edge[*node]) {
        let place = &mut places[label as usize];
        if *place == usize::MAX {
            *place = groups.len();
            groups.push(Vec::new());
        }
        groups[*place].push(NodeId(node as u32));
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Edge, GraphBuilder, RelationId};

    fn graph(edges: &[(u32, u32)]) -> Graph {
        let mut builder = GraphBuilder::default();
        for _ in 0..9 {
            builder.node(1.0).unwrap();
        }
        for &(from, to) in edges {
            builder.edge(Edge::new(NodeId(from), NodeId(to), RelationId(0))).unwrap();
        }
        builder.build()
    }

    #[test]
    fn components_do_not_ask_for_directions() {
        let graph = graph(&[(1, 2), (3, 2), (5, 4), (7, 7)]);
        let found = graph.components(&View::default(), &Limits::default()).unwrap();
        assert_eq!(
            found.groups,
            [vec![1, 2, 3], vec![4, 5], vec![7]]
                .map(|group| group.into_iter().map(NodeId).collect::<Vec<_>>())
        );
        let first = graph.components(&View::default(), &Limits::default().results(1)).unwrap();
        assert_eq!((first.groups.len(), first.count), (1, 3));
    }

    #[test]
    fn what_the_view_hides_joins_nothing() {
        let view = View::default().with_nodes(crate::Allowed::When(&|node| node != 2));
        let found = graph(&[(1, 2), (2, 3), (3, 4)]).components(&view, &Limits::default()).unwrap();
        assert_eq!(found.groups, [vec![NodeId(3), NodeId(4)]]);
    }
}
