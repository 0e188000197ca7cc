//! Every question about random small graphs, against the plainest way to answer it.
//!
//! Keeps true: the oracles share no code with what they judge; they read edges from a list, one after the other.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use ibid_graph::{
    Change, Detection, Direction, Edge, EdgeId, Graph, GraphBuilder, Limits, NodeId, Path, Pattern, Push,
    Reach, RelationId, Sampling, Times, View, Walk,
};
use proptest::prelude::*;

const NODES: u32 = 8;
const RELATIONS: u16 = 3;

/// Edges as the oracles see them; a removed one is none.
#[derive(Clone, Debug)]
struct Case {
    importances: Vec<f32>,
    edges: Vec<Option<Edge>>,
    graph: Graph,
}

impl Case {
    fn shown(&self, view: &View<'_>) -> Vec<(u32, Edge)> {
        let there =
            self.edges.iter().enumerate().filter_map(|(number, edge)| Some((number as u32, (*edge)?)));
        there.filter(|(number, edge)| view_shows(view, *number, edge)).collect()
    }

    /// Each shown edge as the steps along it that the direction allows: from, to, number, weight.
    fn steps(&self, view: &View<'_>, direction: Direction) -> Vec<(u32, u32, u32, f32)> {
        let mut steps = Vec::new();
        for (number, edge) in self.shown(view) {
            if direction != Direction::In {
                steps.push((edge.from.0, edge.to.0, number, edge.weight));
            }
            if direction != Direction::Out {
                steps.push((edge.to.0, edge.from.0, number, edge.weight));
            }
        }
        steps
    }
}

fn view_shows(view: &View<'_>, number: u32, edge: &Edge) -> bool {
    let times = &edge.times;
    view.relations.as_ref().is_none_or(|set| set.contains(edge.relation))
        && view.valid_at.is_none_or(|at| times.valid_from <= at && at < times.valid_to)
        && view.believed_at.is_none_or(|at| times.recorded_at <= at && at < times.retracted_at)
        && view.edges.allows(number)
        && view.nodes.allows(edge.from.0)
        && view.nodes.allows(edge.to.0)
}

fn edge() -> impl Strategy<Value = Edge> {
    let times = (0..6_i64, 0..6_i64, 0..6_i64, 0..6_i64);
    (0..NODES, 0..NODES, 0..RELATIONS, 1..=8_u8, times).prop_map(|(from, to, relation, weight, times)| {
        let times = Times {
            valid_from: times.0,
            valid_to: times.0 + times.1,
            recorded_at: times.2,
            retracted_at: times.2 + times.3,
        };
        let edge = Edge::new(NodeId(from), NodeId(to), RelationId(relation));
        edge.with_weight(f32::from(weight) / 8.0).with_times(times)
    })
}

/// A graph of which some was built, some added, some replaced and some taken away.
fn case() -> impl Strategy<Value = Case> {
    let importances =
        prop::collection::vec((0..=4_u8).prop_map(|importance| f32::from(importance) / 4.0), NODES as usize);
    let edges = prop::collection::vec(edge(), 0..24);
    let changes = prop::collection::vec((any::<prop::sample::Index>(), prop::option::of(edge())), 0..5);
    (importances, edges, 0..24_usize, changes, any::<bool>()).prop_map(
        |(importances, edges, built, changes, folded)| {
            let built = built.min(edges.len());
            let mut builder = GraphBuilder::default();
            for &importance in &importances {
                builder.node(importance).unwrap();
            }
            for &edge in &edges[..built] {
                builder.edge(edge).unwrap();
            }
            let mut graph = builder.build();
            graph.apply(&edges[built..].iter().map(|&edge| Change::Add(edge)).collect::<Vec<_>>()).unwrap();
            let mut edges: Vec<Option<Edge>> = edges.into_iter().map(Some).collect();
            let changes = if edges.is_empty() { Vec::new() } else { changes };
            for (index, new) in changes {
                let number = index.index(edges.len());
                if edges[number].is_some() {
                    let number_of = EdgeId(number as u32);
                    let change =
                        new.map_or(Change::Remove(number_of), |edge| Change::Replace(number_of, edge));
                    graph.apply(&[change]).unwrap();
                    edges[number] = new;
                }
            }
            let graph = if folded { graph.compacted().unwrap() } else { graph };
            Case { importances, edges, graph }
        },
    )
}

fn view() -> impl Strategy<Value = View<'static>> {
    let relations = prop::option::of(prop::collection::vec((0..RELATIONS).prop_map(RelationId), 0..3));
    let time = || prop::option::of(0..10_i64);
    (relations, time(), time()).prop_map(|(relations, valid_at, believed_at)| View {
        relations: relations.map(|relations| relations.into_iter().collect()),
        valid_at,
        believed_at,
        ..View::default()
    })
}

fn direction() -> impl Strategy<Value = Direction> {
    prop::sample::select(vec![Direction::Out, Direction::In, Direction::Both])
}

/// The fewest hops to each node, by going over all edges again and again.
fn distances(steps: &[(u32, u32, u32, f32)], start: u32) -> BTreeMap<u32, usize> {
    let mut known = BTreeMap::from([(start, 0)]);
    for hops in 1..=NODES as usize {
        for &(from, to, ..) in steps {
            if known.get(&from) == Some(&(hops - 1)) {
                known.entry(to).or_insert(hops);
            }
        }
    }
    known
}

/// All lists of nodes without repetition from one to another, by their length.
fn simple_paths(steps: &[(u32, u32, u32, f32)], from: u32, to: u32) -> Vec<Vec<u32>> {
    let mut done = Vec::new();
    let mut open = vec![vec![from]];
    while let Some(path) = open.pop() {
        let last = path[path.len() - 1];
        if last == to {
            done.push(path);
            continue;
        }
        let next: BTreeSet<u32> = steps.iter().filter(|step| step.0 == last).map(|step| step.1).collect();
        for node in next.into_iter().filter(|node| !path.contains(node)) {
            open.push([path.as_slice(), &[node]].concat());
        }
    }
    done
}

fn numbers(path: &Path) -> Vec<u32> {
    path.nodes.iter().map(|node| node.0).collect()
}

/// The path's edges are where the path says, and the view shows them.
fn check_path(case: &Case, view: &View<'_>, direction: Direction, path: &Path) {
    let steps = case.steps(view, direction);
    for (ends, edge) in path.nodes.windows(2).zip(&path.edges) {
        assert!(steps.iter().any(|step| (step.0, step.1, step.2) == (ends[0].0, ends[1].0, edge.0)));
    }
    assert_eq!(path.nodes.len(), path.edges.len() + 1);
}

/// The strongest product to each node within the hops, hop by hop over all edges.
fn strengths(steps: &[(u32, u32, u32, f32)], reach: &Reach) -> BTreeMap<u32, f32> {
    let mut best = BTreeMap::new();
    let mut level = BTreeMap::from([(0, 1.0_f32)]);
    for _ in 0..reach.hops_max {
        let mut next: BTreeMap<u32, f32> = BTreeMap::new();
        for &(from, to, _, weight) in steps {
            if let Some(strength) = level.get(&from) {
                let strength = strength * reach.decay * weight;
                let known = next.entry(to).or_default();
                *known = known.max(strength);
            }
        }
        for (&node, &strength) in &next {
            let known: &mut f32 = best.entry(node).or_default();
            *known = known.max(strength);
        }
        level = next;
    }
    best.remove(&0);
    best
}

/// `PageRank` by a full matrix, until nothing changes.
fn dense_ranks(
    case: &Case,
    view: &View<'_>,
    direction: Direction,
    seeds: &BTreeMap<u32, f64>,
    damping: f64,
) -> Vec<f64> {
    let size = NODES as usize;
    let mut matrix = vec![vec![0.0; size]; size];
    for (from, to, _, weight) in case.steps(view, direction) {
        matrix[from as usize][to as usize] += f64::from(weight);
    }
    let total: f64 = seeds.values().sum();
    let restart: Vec<f64> = (0..NODES).map(|node| seeds.get(&node).copied().unwrap_or(0.0) / total).collect();
    for (node, row) in matrix.iter_mut().enumerate() {
        let sum: f64 = row.iter().sum();
        for (target, cell) in row.iter_mut().enumerate() {
            *cell = if sum > 0.0 { *cell / sum } else { restart[target] };
        }
        assert!(row.iter().sum::<f64>() > 0.999, "row {node}");
    }
    let mut scores = restart.clone();
    for _ in 0..400 {
        let passed = |target: usize| (0..size).map(|from| scores[from] * matrix[from][target]).sum::<f64>();
        scores =
            (0..size).map(|target| (1.0 - damping) * restart[target] + damping * passed(target)).collect();
    }
    scores
}

/// Betweenness by listing every shortest path of every pair.
fn enumerated_betweenness(steps: &[(u32, u32, u32, f32)], nodes: &[NodeId]) -> Vec<f64> {
    let mut scores = vec![0.0; nodes.len()];
    for from in nodes {
        for to in nodes.iter().filter(|to| *to != from) {
            let paths = simple_paths(steps, from.0, to.0);
            let Some(shortest) = paths.iter().map(Vec::len).min() else { continue };
            let shortest: Vec<&Vec<u32>> = paths.iter().filter(|path| path.len() == shortest).collect();
            for path in &shortest {
                for node in &path[1..path.len() - 1] {
                    let place = nodes.iter().position(|other| other.0 == *node).unwrap();
                    scores[place] += 1.0 / shortest.len() as f64;
                }
            }
        }
    }
    let count = nodes.len() as f64;
    scores
        .into_iter()
        .map(|score| if count > 2.0 { score / ((count - 1.0) * (count - 2.0)) } else { 0.0 })
        .collect()
}

/// Modularity from its definition, pair by pair.
fn pairwise_modularity(steps: &[(u32, u32, u32, f32)], nodes: &[NodeId], members: &[u32]) -> f64 {
    let place = |node: u32| nodes.iter().position(|other| other.0 == node).unwrap();
    let total: f64 = steps.iter().map(|step| f64::from(step.3)).sum();
    let strength = |node: NodeId| {
        steps.iter().filter(|step| step.0 == node.0).map(|step| f64::from(step.3)).sum::<f64>()
    };
    let mut sum = 0.0;
    for (left, left_node) in nodes.iter().enumerate() {
        for (right, right_node) in nodes.iter().enumerate() {
            if members[left] == members[right] {
                sum -= strength(*left_node) * strength(*right_node) / total;
            }
        }
    }
    for step in steps {
        if members[place(step.0)] == members[place(step.1)] {
            sum += f64::from(step.3);
        }
    }
    if total > 0.0 { sum / total } else { 0.0 }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn links_are_the_edges_that_the_view_shows(case in case(), view in view(), direction in direction()) {
        for node in 0..NODES {
            let mut found: Vec<(u32, u32)> =
                case.graph.links(NodeId(node), direction, &view).map(|link| (link.node, link.edge)).collect();
            let steps = case.steps(&view, direction);
            let mut expected: Vec<(u32, u32)> =
                steps.iter().filter(|step| step.0 == node).map(|step| (step.1, step.2)).collect();
            found.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }
        let stats = case.graph.stats(&view, &Limits::default()).unwrap();
        prop_assert_eq!(stats.edges, case.shown(&view).len());
    }

    #[test]
    fn a_shortest_path_is_as_short_as_can_be(case in case(), view in view(), direction in direction(), to in 0..NODES, hops_max in 0..8_usize) {
        let steps = case.steps(&view, direction);
        let expected = distances(&steps, 0).get(&to).copied().filter(|&hops| hops <= hops_max);
        let found = case.graph
            .shortest_path(NodeId(0), NodeId(to), &view, direction, hops_max, &Limits::default())
            .unwrap();
        prop_assert!(!found.is_truncated);
        prop_assert_eq!(found.path.as_ref().map(|path| path.edges.len()), expected);
        if let Some(path) = &found.path {
            check_path(&case, &view, direction, path);
            prop_assert_eq!((path.nodes[0].0, path.nodes[path.edges.len()].0), (0, to));
        }
    }

    #[test]
    fn all_simple_paths_are_found_shortest_first(case in case(), view in view(), to in 1..NODES) {
        let any = Pattern::parse("_*", |_| None).unwrap();
        let limits = Limits::default().results(100_000);
        let found = case.graph.paths(NodeId(0), NodeId(to), &any, &view, NODES as u8, &limits).unwrap();
        prop_assert!(found.paths.windows(2).all(|pair| pair[0].edges.len() <= pair[1].edges.len()));
        found.paths.iter().for_each(|path| check_path(&case, &view, Direction::Out, path));
        let mut found: Vec<Vec<u32>> = found.paths.iter().map(numbers).collect();
        let mut expected = simple_paths(&case.steps(&view, Direction::Out), 0, to);
        found.sort_unstable();
        expected.sort_unstable();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn typed_paths_are_those_that_fit(case in case(), view in view(), to in 1..NODES) {
        // `A* B` over simple paths: all but the last edge of relation 0, the last of relation 1.
        let pattern = Pattern::parse("A* B", |name| Some(RelationId(u16::from(name == "B")))).unwrap();
        let limits = Limits::default().results(100_000);
        let found = case.graph.paths(NodeId(0), NodeId(to), &pattern, &view, NODES as u8, &limits).unwrap();
        let shown = case.shown(&view);
        let has = |from: u32, to: u32, relation: u16| {
            shown.iter().any(|(_, edge)| (edge.from.0, edge.to.0, edge.relation.0) == (from, to, relation))
        };
        let fits = |path: &Vec<u32>| {
            path.windows(2).enumerate().all(|(place, ends)| has(ends[0], ends[1], u16::from(place + 2 == path.len())))
        };
        let mut expected: Vec<Vec<u32>> =
            simple_paths(&case.steps(&view, Direction::Out), 0, to).into_iter().filter(fits).collect();
        let mut found: Vec<Vec<u32>> = found.paths.iter().map(numbers).collect();
        expected.sort_unstable();
        found.sort_unstable();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn neighbours_are_the_best_within_reach(case in case(), view in view(), direction in direction(), hops_max in 0..4_u8, count in 1..9_usize) {
        let reach = Reach { hops_max, direction, ..Reach::default() };
        let found = case.graph.neighbours(NodeId(0), &reach, &view, &Limits::default().results(count)).unwrap();
        let ranked = strengths(&case.steps(&view, direction), &reach);
        let rank = |node: u32| ranked.get(&node).map(|strength| strength * case.importances[node as usize]);
        for near in &found.nodes {
            prop_assert!((near.rank - rank(near.node.0).unwrap()).abs() < 1e-6);
        }
        let mut expected: Vec<f32> = ranked.keys().filter_map(|&node| rank(node)).collect();
        expected.sort_by(|left, right| right.total_cmp(left));
        expected.truncate(count);
        let ranks: Vec<f32> = found.nodes.iter().map(|near| near.rank).collect();
        prop_assert_eq!(ranks.len(), expected.len());
        prop_assert!(ranks.iter().zip(&expected).all(|(left, right)| (left - right).abs() < 1e-6));
        let members: BTreeSet<u32> = found.nodes.iter().map(|near| near.node.0).chain([0]).collect();
        let between = case.shown(&view).into_iter()
            .filter(|(_, edge)| members.contains(&edge.from.0) && members.contains(&edge.to.0));
        let edges: BTreeSet<u32> = found.edges.iter().map(|edge| edge.0).collect();
        prop_assert_eq!(edges.len(), found.edges.len());
        prop_assert_eq!(edges, between.map(|(number, _)| number).collect::<BTreeSet<u32>>());
    }

    #[test]
    fn pagerank_is_that_of_the_matrix(case in case(), view in view(), direction in direction(), damping in 0.0..0.95_f64) {
        let plane = case.graph.plane(&view, direction, &Limits::default()).unwrap();
        let everywhere: BTreeMap<u32, f64> = plane.nodes().iter().map(|node| (node.0, 1.0)).collect();
        if everywhere.is_empty() {
            return Ok(());
        }
        let walk = Walk { damping, tolerance: 1e-12, iterations_max: 2000 };
        let found = plane.pagerank(&[], &walk, &Limits::default()).unwrap();
        let expected = dense_ranks(&case, &view, direction, &everywhere, damping);
        for (node, score) in plane.nodes().iter().zip(&found.scores) {
            prop_assert!((score - expected[node.index()]).abs() < 1e-8);
        }
    }

    #[test]
    fn a_pushed_walk_lacks_what_it_says(case in case(), view in view(), direction in direction(), threshold in 1e-6..0.1_f64) {
        let seeds = [(NodeId(0), 3.0), (NodeId(1), 1.0)];
        let push = Push { threshold, direction, ..Push::default() };
        let found = case.graph.local_ranks(&seeds, &push, &view, &Limits::default()).unwrap();
        let expected = dense_ranks(&case, &view, direction, &seeds.map(|seed| (seed.0.0, seed.1)).into(), push.damping);
        let sum: f64 = found.scores.iter().map(|scored| scored.score).sum();
        prop_assert!((sum + found.residue - 1.0).abs() < 1e-9);
        for scored in &found.scores {
            let lack = expected[scored.node.index()] - scored.score;
            prop_assert!((-1e-9..=found.residue + 1e-9).contains(&lack), "{lack} of {}", found.residue);
        }
        prop_assert!(found.links_read as f64 <= 1.0 / (threshold * (1.0 - push.damping)));
    }

    #[test]
    fn betweenness_counts_shortest_paths(case in case(), view in view(), direction in direction()) {
        let plane = case.graph.plane(&view, direction, &Limits::default()).unwrap();
        let found = plane.betweenness(&Sampling::default(), &Limits::default()).unwrap();
        let expected = enumerated_betweenness(&case.steps(&view, direction), plane.nodes());
        for (found, expected) in found.scores.iter().zip(&expected) {
            prop_assert!((found - expected).abs() < 1e-9);
        }
    }

    #[test]
    fn communities_are_connected_and_better_than_none(case in case(), view in view(), seed in any::<u64>()) {
        let plane = case.graph.plane(&view, Direction::Both, &Limits::default()).unwrap();
        let detection = Detection { seed, ..Detection::default() };
        let found = plane.communities(&detection, &Limits::default()).unwrap();
        let steps = case.steps(&view, Direction::Both);
        let modularity = pairwise_modularity(&steps, plane.nodes(), &found.members);
        prop_assert!((found.modularity - modularity).abs() < 1e-6, "{} {modularity}", found.modularity);
        let alone: Vec<u32> = (0..found.members.len() as u32).collect();
        prop_assert!(found.modularity >= pairwise_modularity(&steps, plane.nodes(), &alone) - 1e-6);
        let member: BTreeMap<u32, u32> = plane.nodes().iter().map(|node| node.0).zip(found.members.iter().copied()).collect();
        let inside: Vec<_> = steps.into_iter().filter(|step| member[&step.0] == member[&step.1]).collect();
        for (&node, community) in &member {
            let reached = distances(&inside, node).len();
            prop_assert_eq!(reached, found.sizes[*community as usize]);
        }
    }

    #[test]
    fn components_are_what_can_be_reached(case in case(), view in view()) {
        let found = case.graph.components(&view, &Limits::default()).unwrap();
        let steps = case.steps(&view, Direction::Both);
        let nodes: BTreeSet<u32> = steps.iter().map(|step| step.0).collect();
        let expected: BTreeSet<Vec<u32>> =
            nodes.iter().map(|&node| distances(&steps, node).into_keys().collect()).collect();
        let found: BTreeSet<Vec<u32>> =
            found.groups.iter().map(|group| group.iter().map(|node| node.0).collect()).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn circles_lead_back(case in case(), view in view()) {
        let found = case.graph.circles(&view, &Limits::default()).unwrap();
        let steps = case.steps(&view, Direction::Out);
        let leads = |from: u32, to: u32| distances(&steps, from).contains_key(&to);
        let mut expected = BTreeSet::new();
        for node in 0..NODES {
            let circle: Vec<u32> = (0..NODES).filter(|&other| leads(node, other) && leads(other, node)).collect();
            expected.extend((circle.len() > 1).then_some(circle));
        }
        let found: BTreeSet<Vec<u32>> =
            found.groups.iter().map(|group| group.iter().map(|node| node.0).collect()).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn changes_are_the_edges_whose_times_are_in_the_span(case in case(), from in 0..10_i64, length in 0..6_i64) {
        let (to, view) = (from + length, View::default());
        let found = case.graph.changes(from, to, &view, &Limits::default()).unwrap();
        let expect = |time: fn(&Times) -> i64| {
            let shown = case.shown(&view).into_iter().map(|(number, edge)| (time(&edge.times), number));
            shown.filter(|event| (from..to).contains(&event.0)).collect::<BTreeSet<_>>()
        };
        let told = |events: &ibid_graph::Events| {
            events.first.iter().map(|event| (event.time, event.edge.0)).collect::<BTreeSet<_>>()
        };
        prop_assert_eq!(told(&found.began), expect(|times| times.valid_from));
        prop_assert_eq!(told(&found.ended), expect(|times| times.valid_to));
        prop_assert_eq!(told(&found.recorded), expect(|times| times.recorded_at));
        prop_assert_eq!(told(&found.retracted), expect(|times| times.retracted_at));
    }
}
