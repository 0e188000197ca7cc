//! Prints what the graph's questions cost on 100,000 nodes and 1,000,000 edges:
//! `cargo run --release -p ibid-graph --example figures [NODES] [EDGES]`.
//!
//! Nodes are drawn so that a few are hubs (the degree of the n-th falls as n to the power of -0.6) and four of five edges
//! stay in a group of 100, as facts do. One of eight facts has ended and one of sixteen was taken back; questions ask for
//! what holds now and is believed now, unless the line says otherwise. Times are of the processor, so that what else runs
//! on the machine counts only by what it takes of the caches. Where `petgraph` answers the same question, the
//! line below says what it takes on its own graph of the same nodes and edges.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::hint::black_box;

use ibid_graph::{
    Allowed, Change, Detection, Direction, Edge, EdgeId, Graph, GraphBuilder, Limits, NodeId, Pattern, Push,
    Reach, RelationId, Sampling, Times, View, Walk,
};
use petgraph::graph::DiGraph;
use rustix::time::{ClockId, clock_gettime};

const NOW: i64 = 1_000_000;
const RELATIONS: u16 = 7;
const GROUP: u32 = 100;

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let nodes = arguments.next().unwrap_or(100_000);
    let edges = arguments.next().unwrap_or(1_000_000);
    println!("{nodes} nodes, {edges} edges");
    let list = drawn(nodes, edges);
    let graph = built(nodes as u32, &list);
    memory(&graph, &list);
    overlay(&graph, &list);
    near(&graph);
    paths(&graph, &list);
    walks(&graph);
    whole(&graph, &list);
}

/// The same numbers in every run.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, end: u32) -> u32 {
        (self.next() * f64::from(end)) as u32
    }

    /// Low numbers more often.
    fn hub(&mut self, nodes: u32) -> u32 {
        (self.next().powf(2.5) * f64::from(nodes)) as u32
    }
}

fn drawn(nodes: usize, edges: usize) -> Vec<Edge> {
    let (mut draw, nodes) = (Draw(7), nodes as u32);
    let mut list = Vec::with_capacity(edges);
    for _ in 0..edges {
        let from = draw.hub(nodes);
        let near = from / GROUP * GROUP + draw.below(GROUP);
        let to = if draw.next() < 0.8 { near.min(nodes - 1) } else { draw.hub(nodes) };
        let relation = RelationId(draw.below(u32::from(RELATIONS)) as u16);
        let weight = (draw.next() as f32).max(0.01);
        let edge = Edge::new(NodeId(from), NodeId(to), relation).with_weight(weight);
        list.push(edge.with_times(times(&mut draw)));
    }
    list
}

fn times(draw: &mut Draw) -> Times {
    let valid_from = i64::from(draw.below(NOW as u32));
    let recorded_at = valid_from + i64::from(draw.below(1000));
    let mut times = Times { valid_from, recorded_at, ..Times::default() };
    if draw.next() < 1.0 / 8.0 {
        times.valid_to = NOW - 1;
    }
    if draw.next() < 1.0 / 16.0 {
        times.retracted_at = NOW - 1;
    }
    times
}

fn built(nodes: u32, list: &[Edge]) -> Graph {
    let mut builder = GraphBuilder::with_capacity(nodes as usize, list.len());
    for node in 0..nodes {
        builder.node(0.2 + 0.8 * f32::from((node % 97) as u8) / 97.0).unwrap();
    }
    for &edge in list {
        builder.edge(edge).unwrap();
    }
    builder.build()
}

fn processor_ms() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// Prints the median and the 95th percentile of as many runs.
fn times_of<T>(name: &str, runs: u32, mut question: impl FnMut(u32) -> T) {
    let mut taken: Vec<f64> = Vec::new();
    for run in 0..runs {
        let start = processor_ms();
        black_box(question(run));
        taken.push(processor_ms() - start);
    }
    taken.sort_by(f64::total_cmp);
    let at = |share: f64| taken[((taken.len() - 1) as f64 * share).round() as usize];
    println!("{name:<72} p50 {:>9.3} ms  p95 {:>9.3} ms  ({runs})", at(0.5), at(0.95));
}

fn memory(graph: &Graph, list: &[Edge]) {
    let per_edge = graph.bytes() as f64 / list.len() as f64;
    println!(
        "memory {:.1} MB, {per_edge:.1} bytes an edge with its share of the nodes",
        graph.bytes() as f64 / 1e6
    );
    let nodes = graph.node_count() as u32;
    times_of("build from a list of edges", 7, |_| built(nodes, list));
    let degrees = graph.top_degrees(Direction::Both, &View::at(NOW), &Limits::default().results(3)).unwrap();
    println!("largest hubs {:?}", degrees.iter().map(|scored| scored.score).collect::<Vec<_>>());
    let pet = petgraph_of(nodes, list);
    let bytes = pet.capacity().0 * size_of::<petgraph::graph::Node<()>>()
        + pet.capacity().1 * size_of::<petgraph::graph::Edge<Edge>>();
    println!("  petgraph's graph of the same: {:.1} MB", bytes as f64 / 1e6);
    times_of("  petgraph: build", 3, |_| petgraph_of(nodes, list));
}

fn petgraph_of(nodes: u32, list: &[Edge]) -> DiGraph<(), Edge> {
    let mut graph = DiGraph::with_capacity(nodes as usize, list.len());
    for _ in 0..nodes {
        graph.add_node(());
    }
    for &edge in list {
        graph.add_edge(edge.from.0.into(), edge.to.0.into(), edge);
    }
    graph
}

fn overlay(graph: &Graph, list: &[Edge]) {
    let mut changed = graph.clone();
    let mut draw = Draw(9);
    times_of("10 changes to a snapshot that nobody else holds", 1000, |run| {
        let changes: Vec<Change> = (0..10).map(|place| change(&mut draw, list, run * 10 + place)).collect();
        changed.apply(&changes).unwrap();
    });
    times_of("10 changes to a snapshot that somebody holds, 10,000 in the overlay", 200, |run| {
        let held = changed.clone();
        changed.apply(&[change(&mut draw, list, 10_000 + run)]).unwrap();
        held
    });
    times_of("folding the overlay in", 5, |_| changed.compacted().unwrap());
    times_of("neighbours with 10,000 in the overlay", 500, |_| {
        let start = NodeId(draw.hub(graph.node_count() as u32));
        changed.neighbours(start, &Reach::default(), &View::at(NOW), &Limits::default()).unwrap()
    });
}

/// Half are new facts, half end one that is there.
fn change(draw: &mut Draw, list: &[Edge], number: u32) -> Change {
    let edge = list[draw.below(list.len() as u32) as usize];
    if number.is_multiple_of(2) {
        return Change::Add(edge);
    }
    let ended = Times { valid_to: NOW, ..list[number as usize].times };
    Change::Replace(EdgeId(number), list[number as usize].with_times(ended))
}

fn near(graph: &Graph) {
    let nodes = graph.node_count() as u32;
    let mut draw = Draw(11);
    let ask = |start: u32, hops_max: u8, view: &View<'_>, count: usize| {
        let reach = Reach { hops_max, ..Reach::default() };
        graph.neighbours(NodeId(start), &reach, view, &Limits::default().results(count)).unwrap()
    };
    for hops_max in [1, 2, 3] {
        let name = format!("neighbours, {hops_max} hops, best 100, any node, now");
        times_of(&name, 1000, |_| ask(draw.hub(nodes), hops_max, &View::at(NOW), 100));
    }
    times_of("neighbours, 2 hops, best 100, the 20 largest hubs, now", 200, |run| {
        ask(run % 20, 2, &View::at(NOW), 100)
    });
    times_of("neighbours, 3 hops, best 1000, any node, now", 300, |_| {
        ask(draw.hub(nodes), 3, &View::at(NOW), 1000)
    });
    let bits = View::at(NOW).shown(graph);
    let kept = View::default().with_edges(Allowed::Only(&bits));
    times_of("neighbours, 2 hops, best 100, any node, the view kept as bits", 1000, |_| {
        ask(draw.hub(nodes), 2, &kept, 100)
    });
    times_of("a view as bits", 20, |_| View::at(NOW).shown(graph));
}

fn paths(graph: &Graph, list: &[Edge]) {
    let nodes = graph.node_count() as u32;
    let limits = Limits::default();
    let mut draw = Draw(13);
    for direction in [Direction::Both, Direction::Out] {
        let name = format!("shortest path, {direction:?}, any two nodes, now");
        times_of(&name, 1000, |_| {
            let (from, to) = (NodeId(draw.below(nodes)), NodeId(draw.below(nodes)));
            graph.shortest_path(from, to, &View::at(NOW), direction, 10, &limits).unwrap()
        });
    }
    let pet = petgraph_of(nodes, list);
    times_of("  petgraph: astar without estimate, Out, any two nodes, always", 30, |_| {
        let (from, to) = (draw.below(nodes), draw.below(nodes));
        petgraph::algo::astar(&pet, from.into(), |node| node == to.into(), |_| 1, |_| 0)
    });
    let names = |name: &str| name.strip_prefix('R').and_then(|number| number.parse().ok()).map(RelationId);
    for text in ["R0* R1", "R0+ R1{1,2} R2?", "~_{1,4}"] {
        let pattern = Pattern::parse(text, names).unwrap();
        let name = format!("typed paths '{text}', best 10, at most 6 hops, any two nodes, now");
        let mut cut = 0;
        times_of(&name, 200, |_| {
            let (from, to) = (NodeId(draw.hub(nodes)), NodeId(draw.hub(nodes)));
            let found = graph.paths(from, to, &pattern, &View::at(NOW), 6, &limits.results(10)).unwrap();
            cut += u32::from(found.is_truncated);
        });
        println!("  cut off at {} links: {cut} of 200", limits.links_max);
    }
}

fn walks(graph: &Graph) {
    let nodes = graph.node_count() as u32;
    let plane = graph.plane(&View::at(NOW), Direction::Both, &Limits::default()).unwrap();
    for (damping, threshold) in [(0.5, 1e-4), (0.5, 1e-5), (0.5, 1e-6), (0.85, 1e-5)] {
        let mut draw = Draw(17);
        let push = Push { damping, threshold, ..Push::default() };
        let name = format!("walk from 3 seeds by pushing, damping {damping}, threshold {threshold:e}, now");
        let mut links = 0;
        times_of(&name, 500, |_| {
            let seeds = [(); 3].map(|()| (NodeId(draw.hub(nodes)), 1.0));
            let found = graph.local_ranks(&seeds, &push, &View::at(NOW), &Limits::default()).unwrap();
            links += found.links_read;
            found
        });
        println!("  {} links read on average; {}", links / 500, agreement(graph, &plane, &push));
    }
    let walk = Walk { damping: 0.5, tolerance: 1e-6, ..Walk::default() };
    let mut draw = Draw(17);
    times_of("the same walk over all the plane, damping 0.5, to 1e-6", 10, |_| {
        plane.pagerank(&[(NodeId(draw.hub(nodes)), 1.0)], &walk, &Limits::default()).unwrap()
    });
}

/// How many of the best 20 by pushing are among the best 20 of the exact walk.
fn agreement(graph: &Graph, plane: &ibid_graph::Plane, push: &Push) -> String {
    let mut draw = Draw(17);
    let (mut same, mut residue) = (0, 0.0);
    let walk = Walk { damping: push.damping, tolerance: 1e-10, ..Walk::default() };
    for _ in 0..20 {
        let seeds = [(); 3].map(|()| (NodeId(draw.hub(graph.node_count() as u32)), 1.0));
        let local = graph.local_ranks(&seeds, push, &View::at(NOW), &Limits::default().results(20)).unwrap();
        let exact = plane.pagerank(&seeds, &walk, &Limits::default()).unwrap();
        let best = plane.top(&exact.scores, 20);
        same +=
            local.scores.iter().filter(|scored| best.iter().any(|other| other.node == scored.node)).count();
        residue += local.residue / 20.0;
    }
    format!("{:.1} % of the exact best 20, {residue:.3} of the walk not followed", same as f64 / 4.0)
}

fn whole(graph: &Graph, list: &[Edge]) {
    let limits = Limits::default();
    let now = View::at(NOW);
    times_of("plane, both directions, now", 7, |_| graph.plane(&now, Direction::Both, &limits).unwrap());
    let plane = graph.plane(&now, Direction::Both, &limits).unwrap();
    times_of("PageRank to 1e-8", 3, |_| plane.pagerank(&[], &Walk::default(), &limits).unwrap());
    times_of("communities", 3, |seed| {
        let detection = Detection { seed: u64::from(seed), ..Detection::default() };
        let found = plane.communities(&detection, &limits).unwrap();
        println!("  modularity {:.4}, {} communities", found.modularity, found.sizes.len());
    });
    let sampling = Sampling { sources: 16, ..Sampling::default() };
    times_of("betweenness from 16 sources", 2, |_| plane.betweenness(&sampling, &limits).unwrap());
    times_of("degrees, best 100", 10, |_| graph.top_degrees(Direction::Both, &now, &limits).unwrap());
    times_of("overview, best 10,000 nodes and 20,000 edges", 10, |_| {
        graph.overview(20_000, &now, &limits.results(10_000)).unwrap()
    });
    times_of("components", 10, |_| graph.components(&now, &limits).unwrap());
    times_of("circles", 3, |_| graph.circles(&now, &limits).unwrap());
    times_of("changes in a tenth of the time", 10, |_| graph.changes(0, NOW / 10, &now, &limits).unwrap());
    times_of("timeline of the largest hub", 50, |_| {
        graph.timeline(NodeId(0), 0, NOW, &now, &limits).unwrap()
    });
    times_of("stats", 10, |_| graph.stats(&now, &limits).unwrap());
    let pet = petgraph_of(graph.node_count() as u32, list);
    times_of("  petgraph: connected_components", 3, |_| petgraph::algo::connected_components(&pet));
    times_of("  petgraph: kosaraju_scc", 3, |_| petgraph::algo::kosaraju_scc(&pet));
    small(list);
}

/// `petgraph` looks at every node for every node and at its edges for each, so it is asked about a thousandth of the nodes.
fn small(list: &[Edge]) {
    let list: Vec<Edge> =
        list.iter().copied().filter(|edge| edge.from.0 < 100 && edge.to.0 < 100).take(1000).collect();
    println!("100 nodes, {} edges", list.len());
    let pet = petgraph_of(100, &list);
    times_of("  petgraph: page_rank, 10 iterations", 3, |_| petgraph::algo::page_rank(&pet, 0.85_f64, 10));
    let plane = built(100, &list).plane(&View::default(), Direction::Out, &Limits::default()).unwrap();
    let walk = Walk { tolerance: 0.0, iterations_max: 10, ..Walk::default() };
    times_of("PageRank, 10 iterations", 100, |_| plane.pagerank(&[], &walk, &Limits::default()).unwrap());
    times_of("betweenness, exact", 10, |_| {
        plane.betweenness(&Sampling::default(), &Limits::default()).unwrap()
    });
}
