//! Random flows: up to ten nodes of all kinds, loops, parallel branches, and sub-flows two deep.

use std::collections::BTreeMap;
use std::sync::Arc;

use ibid_types::{Error, Result};
use serde_json::{Value, json};

use super::script::Random;
use crate::definition::{
    Channel, ChannelType, Definition, Edge, FlowHash, Human, Into, Limits, MapOver, Next, Node, NodeBody,
    NodeLimits, OnInterrupt, Reducer, Retry,
};
use crate::machine::Definitions;

/// The flows of one seed: `f0` is the one to run, and each calls only later ones.
#[derive(Clone, Debug)]
pub struct Case {
    pub seed: u64,
    pub library: Library,
}

/// Flows by name.
#[derive(Clone, Debug, Default)]
pub struct Library(pub BTreeMap<String, Arc<Definition>>);

impl Library {
    /// The newest version of a flow.
    pub fn newest(&self, name: &str) -> Result<FlowHash> {
        let found = self.0.get(name).map(|flow| flow.hash);
        found.ok_or_else(|| Error::not_found("flow_unknown", format!("there is no flow '{name}'")))
    }
}

impl Definitions for Library {
    fn definition(&self, hash: &FlowHash) -> Result<Arc<Definition>> {
        let found = self.0.values().find(|flow| flow.hash == *hash).cloned();
        found.ok_or_else(|| Error::not_found("flow_unknown", format!("there is no flow {hash}")))
    }
}

/// Three flows from a seed.
#[must_use]
pub fn case(seed: u64) -> Case {
    let mut random = Random::new(seed);
    let sizes = [3 + random.below(8), 1 + random.below(3), 1 + random.below(2)];
    let flows = sizes.iter().enumerate().map(|(level, nodes)| {
        let flow = flow(&mut random, level, *nodes);
        (flow.name.clone(), Arc::new(flow))
    });
    Case { seed, library: Library(flows.collect()) }
}

fn flow(random: &mut Random, level: usize, nodes: u64) -> Definition {
    let name = format!("f{level}");
    let start = if random.percent(20) { some_of(random, nodes) } else { vec![0] };
    let nodes: Vec<Node> = (0..nodes).map(|index| node(random, level, index, nodes)).collect();
    let output = (level > 0).then(|| json!({"n": "{{ n }}", "sum": "{{ sum }}", "log": "{{ log }}"}));
    let hash = FlowHash::of(&format!("{name} {nodes:?}"));
    let x = channel(ChannelType::Integer, Reducer::Set, json!(1));
    let mut channels = channels();
    channels.insert("x".to_owned(), x.clone());
    Definition {
        name,
        description: String::new(),
        hash,
        input: BTreeMap::from([("x".to_owned(), x)]),
        channels,
        tools: Vec::new(),
        limits: Limits {
            steps: 5000,
            seconds: 1_000_000,
            visits: if level == 0 { 6 } else { 3 },
            ..Limits::default()
        },
        start,
        nodes,
        output,
    }
}

fn channels() -> BTreeMap<String, Channel> {
    let all = [
        ("n", channel(ChannelType::Integer, Reducer::Set, json!(0))),
        ("sum", channel(ChannelType::Integer, Reducer::Add, json!(0))),
        ("top", channel(ChannelType::Integer, Reducer::Max, json!(0))),
        ("low", channel(ChannelType::Integer, Reducer::Min, json!(0))),
        ("log", channel(ChannelType::List, Reducer::Append, json!([]))),
        ("info", channel(ChannelType::Object, Reducer::Merge, json!({}))),
        ("text", channel(ChannelType::Text, Reducer::Append, json!(""))),
    ];
    all.map(|(name, channel)| (name.to_owned(), channel)).into()
}

const fn channel(kind: ChannelType, reducer: Reducer, default: Value) -> Channel {
    Channel { kind, reducer, default, required: false }
}

fn node(random: &mut Random, level: usize, index: u64, nodes: u64) -> Node {
    let body = body(random, level, index, nodes);
    let is_effect = matches!(body, NodeBody::Effect { .. });
    let compensate =
        (is_effect && random.percent(25)).then(|| ("undo".to_owned(), json!({"of": "{{ output }}"})));
    let on_interrupt = match random.below(10) {
        0 => OnInterrupt::Fail,
        1 if compensate.is_some() => OnInterrupt::Compensate,
        _ => OnInterrupt::Retry,
    };
    Node {
        limits: NodeLimits::default(),
        name: format!("n{index}"),
        into: into(random, &body, index),
        body,
        next: next(random, index, nodes),
        retry: Retry { attempts: 1 + u32::from(random.percent(70)) * 2, ..Retry::default() },
        timeout_seconds: None,
        on_interrupt,
        compensate,
        on_error: random.percent(40).then(|| target(random, index, nodes)),
    }
}

fn body(random: &mut Random, level: usize, index: u64, nodes: u64) -> NodeBody {
    let child = format!("f{}", level + 1);
    match random.below(20) {
        0..3 => NodeBody::Set { with: set(random) },
        3 => NodeBody::Wait { seconds: json!(format!("{{{{ n * {} }}}}", random.below(50))) },
        4..6 => NodeBody::Human(Human {
            prompt: json!("is it {{ n }}?"),
            schema: json!({"type": "integer", "minimum": 0, "maximum": 9}),
            expires_seconds: random.percent(70).then(|| json!(random.below(100) + 1)),
            on_expiry: random.percent(70).then(|| target(random, index, nodes)),
        }),
        6..9 if level < 2 => NodeBody::Map(MapOver {
            over: json!("{{ range(1 + n % 4) | list }}"),
            item: "x".to_owned(),
            flow: child,
            with: json!({}),
            concurrency: 1 + u32::from(random.percent(70)) * 2,
        }),
        9..11 if level < 2 => NodeBody::Flow { flow: child, with: json!({"x": "{{ n }}"}) },
        _ => NodeBody::Effect {
            kind: "work".to_owned(),
            with: json!({"n": "{{ n }}", "x": "{{ x }}", "as": "a{{ n }}"}),
        },
    }
}

fn set(random: &mut Random) -> BTreeMap<String, Value> {
    let (channel, template) = match random.below(4) {
        0 => ("n", "{{ n + 1 }}"),
        1 => ("log", "{{ [n, [sum]] }}"),
        2 => ("text", "n{{ n }}"),
        _ => ("low", "{{ 0 - n }}"),
    };
    BTreeMap::from([(channel.to_owned(), json!(template))])
}

fn into(random: &mut Random, body: &NodeBody, index: u64) -> Into {
    let channels = |all: &[(&str, String)]| {
        Into::Channels(all.iter().map(|(channel, text)| ((*channel).to_owned(), text.clone())).collect())
    };
    match (body, random.below(6)) {
        (NodeBody::Set { .. } | NodeBody::Wait { .. }, _) | (_, 0) => Into::Nowhere,
        (NodeBody::Map(_) | NodeBody::Flow { .. }, 1..4) => Into::Channel("log".to_owned()),
        (NodeBody::Map(_) | NodeBody::Flow { .. }, _) => {
            channels(&[("info", format!("{{'n{index}': output}}"))])
        }
        (_, 1) => Into::Channel("n".to_owned()),
        (_, 2) => Into::Channel("sum".to_owned()),
        (_, 3) => channels(&[("top", "output".to_owned()), ("log", "[output, n]".to_owned())]),
        (_, 4) => channels(&[("n", "output".to_owned()), ("info", format!("{{'n{index}': output}}"))]),
        _ => channels(&[("log", "output".to_owned()), ("sum", "output".to_owned())]),
    }
}

fn next(random: &mut Random, index: u64, nodes: u64) -> Next {
    if index + 1 == nodes && random.percent(85) {
        return Next::End;
    }
    match random.below(20) {
        0 => Next::End,
        1..5 => Next::All(fork(random, index, nodes)),
        _ => {
            let mut edges = Vec::new();
            for _ in 0..random.below(3) {
                let to = random.percent(85).then(|| target(random, index, nodes));
                edges.push(Edge { condition: Some(condition(random)), to });
            }
            if random.percent(80) {
                edges.push(Edge { condition: None, to: Some(target(random, index, nodes)) });
            }
            Next::First(edges)
        }
    }
}

fn condition(random: &mut Random) -> String {
    let bound = random.below(6);
    match random.below(5) {
        0 => format!("n % 3 == {}", bound % 3),
        1 => format!("sum > {bound}"),
        2 => format!("log | length <= {bound}"),
        3 => format!("'n{bound}' in info"),
        _ => format!("top < {bound} and n != 2"),
    }
}

/// Mostly onwards, so that most runs come to an end by themselves.
fn target(random: &mut Random, index: u64, nodes: u64) -> usize {
    let onwards = nodes - index - 1;
    let target = if onwards > 0 && random.percent(92) {
        index + 1 + random.below(onwards)
    } else {
        random.below(nodes)
    };
    usize::try_from(target).unwrap_or_default()
}

fn fork(random: &mut Random, index: u64, nodes: u64) -> Vec<usize> {
    let mut branches: Vec<usize> = (0..3).map(|_| target(random, index, nodes)).collect();
    branches.sort_unstable();
    branches.dedup();
    branches
}

fn some_of(random: &mut Random, nodes: u64) -> Vec<usize> {
    let mut some: Vec<usize> =
        (0..3).map(|_| usize::try_from(random.below(nodes)).unwrap_or_default()).collect();
    some.sort_unstable();
    some.dedup();
    some
}
