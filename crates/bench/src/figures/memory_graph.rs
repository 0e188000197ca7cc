//! A graph of 100,000 entities and 1,000,000 facts: neighbourhoods, paths, local walks.

use std::time::Instant;

use ibid_graph::{
    Direction, Edge, Graph, GraphBuilder, Limits, NodeId, Push, Reach, RelationId, Times, View,
};

use super::large::Chance;
use super::{Outcome, Row, Setup};
use crate::eval::Latency;

const NODES: u32 = 100_000;
const EDGES: usize = 1_000_000;
const QUESTIONS: usize = 500;
const NEIGHBOURS: usize = 100;
/// Issue 6: what one of the systems that Ibid replaces claims.
const NEIGHBOURS_BELOW_MS: f64 = 50.0;
const NOW: i64 = 1_000_000;

pub fn rows(_setup: &Setup) -> Outcome<Vec<Row>> {
    let mut chance = Chance(6);
    let started = Instant::now();
    let graph = graph(&mut chance)?;
    let built = started.elapsed();
    let starts: Vec<NodeId> = (0..QUESTIONS).map(|_| node(&mut chance)).collect();
    let (view, limits) = (View::at(NOW), Limits::default().results(NEIGHBOURS));
    let near =
        measured(&starts, |start| graph.neighbours(start, &Reach::default(), &view, &limits).map(drop))?;
    let paths = measured(&starts, |start| {
        let end = starts[start.index() % starts.len()];
        graph.shortest_path(start, end, &view, Direction::Both, 6, &limits).map(drop)
    })?;
    let walks = measured(&starts, |start| {
        graph.local_ranks(&[(start, 1.0)], &Push::default(), &view, &limits).map(drop)
    })?;
    let told = |latency: &Latency| format!("p50 {:.2}, p95 {:.2} ms", latency.p50_ms, latency.p95_ms);
    let bytes = graph.bytes() as f64 / 1e6;
    Ok(vec![
        Row::new(
            format!("{EDGES} facts between {NODES} entities: the best {NEIGHBOURS} within 2 hops, p95 in ms"),
            told(&near),
        )
        .judged(near.p95_ms)
        .below(NEIGHBOURS_BELOW_MS),
        Row::new("the same: shortest path", told(&paths)),
        Row::new("the same: personalised PageRank from one entity, by local push", told(&walks)),
        Row::new(
            "the same: built in, and held in",
            format!("{:.0} ms, {bytes:.0} MB", built.as_secs_f64() * 1000.0),
        ),
    ])
}

fn measured(starts: &[NodeId], mut ask: impl FnMut(NodeId) -> ibid_types::Result<()>) -> Outcome<Latency> {
    let mut times = Vec::with_capacity(starts.len());
    for start in starts {
        let began = Instant::now();
        ask(*start)?;
        times.push(began.elapsed());
    }
    Ok(Latency::of(times))
}

/// Most facts are about few entities, as in life: the chance of an entity falls with its number.
fn node(chance: &mut Chance) -> NodeId {
    let part = chance.unit();
    NodeId((part * part * (NODES - 1) as f32) as u32)
}

fn graph(chance: &mut Chance) -> Outcome<Graph> {
    let mut builder = GraphBuilder::with_capacity(NODES as usize, EDGES);
    for _ in 0..NODES {
        builder.node(0.5)?;
    }
    for number in 0..EDGES {
        let valid_from = (chance.unit() * NOW as f32) as i64;
        let times = Times { valid_from, recorded_at: valid_from, ..Times::default() };
        let relation = RelationId((number % 12) as u16);
        builder.edge(Edge::new(node(chance), node(chance), relation).with_times(times))?;
    }
    Ok(builder.build())
}
