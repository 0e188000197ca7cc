//! From the text of a flow file to a `Definition`, or to all that is wrong with it.
//!
//! Keeps true: reading goes on after a problem, so one reading tells all; what follows only from another problem is
//! not told.

use std::collections::BTreeMap;

use serde_json::Value;

use super::keys;
use super::model::{Channel, Definition, FlowHash, Limits, Node};
use super::problem::{Place, Problem, Problems, suggestion};
use super::reader::{At, Fields};
use super::{routes, yaml};
use crate::Registry;

const NODES_MAX: usize = 1000;
pub(super) const TOKENS_MAX: u64 = 1_000_000_000_000;
pub(super) const MONEY_MAX: f64 = 1e9;

/// What reading a file gave: a definition if nothing is wrong, and everything there is to say.
#[derive(Clone, Debug)]
pub struct Reading {
    pub definition: Option<Definition>,
    /// In the order of the file; warnings too.
    pub problems: Vec<Problem>,
}

impl Definition {
    /// Reads a flow file. `known_flows` says whether a sub-flow of that name exists; the flow itself need not.
    ///
    /// # Errors
    /// All problems, in the order of the file, warnings among them if there is an error.
    pub fn parse(
        source: &str,
        kinds: &Registry,
        known_flows: &dyn Fn(&str) -> bool,
    ) -> Result<Self, Vec<Problem>> {
        let reading = read(source, kinds, known_flows);
        reading.definition.ok_or(reading.problems)
    }

    /// Names of the flows that its nodes call, in the order of the file.
    pub fn sub_flows(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().filter_map(|node| match &node.body {
            super::NodeBody::Flow { flow, .. } => Some(flow.as_str()),
            super::NodeBody::Map(map) => Some(map.flow.as_str()),
            _ => None,
        })
    }
}

/// As `Definition::parse`, and tells warnings of valid flows as well.
#[must_use]
pub fn read(source: &str, kinds: &Registry, known_flows: &dyn Fn(&str) -> bool) -> Reading {
    let mut problems = Problems::default();
    let tree = yaml::load(source, &mut problems);
    if tree.is_none() && !problems.has_errors() {
        problems.error(Place::START, "", "the file is empty; a flow begins with `name:` and has `nodes:`");
    }
    let mut reader = Reader {
        kinds,
        known_flows,
        problems,
        name: String::new(),
        nodes: Vec::new(),
        channels: BTreeMap::new(),
        tools: Vec::new(),
        edges_are_sound: true,
    };
    let definition = tree.and_then(|tree| reader.flow(source, &At::root(&tree)));
    let definition = definition.filter(|_| !reader.problems.has_errors());
    Reading { definition, problems: reader.problems.into_sorted() }
}

/// The value of any YAML text, which is bounded as flow files are; null where it holds none.
///
/// # Errors
/// The first problem: its place and what to do.
pub fn yaml_value(source: &str) -> Result<Value, Problem> {
    let mut problems = Problems::default();
    let value = yaml::load(source, &mut problems).map_or(Value::Null, |tree| tree.to_json());
    problems.into_sorted().into_iter().next().map_or(Ok(value), Err)
}

/// What is known of the file so far.
pub(super) struct Reader<'a> {
    pub kinds: &'a Registry,
    pub known_flows: &'a dyn Fn(&str) -> bool,
    pub problems: Problems,
    pub name: String,
    /// Names in the order of the file: an edge's target is an index into them.
    pub nodes: Vec<(String, Place)>,
    pub channels: BTreeMap<String, Channel>,
    pub tools: Vec<String>,
    /// Whether every edge leads somewhere, so that reachability can be judged.
    pub edges_are_sound: bool,
}

impl Reader<'_> {
    fn flow(&mut self, source: &str, root: &At<'_>) -> Option<Definition> {
        let fields = root.fields(&mut self.problems, "a map with `name`, `nodes` and more", keys::FLOW)?;
        self.name = self.flow_name(&fields).unwrap_or_default();
        let description = self.optional_text(&fields, "description").unwrap_or_default();
        let input = self.declared(&fields, "input");
        let state = self.declared(&fields, "state");
        self.channels = input.clone();
        for (name, channel) in state {
            self.channels.entry(name).or_insert(channel);
        }
        self.tools = fields.find("tools").map(|at| self.tool_names(&at)).unwrap_or_default();
        let limits = fields.find("limits").map(|at| self.limits(&at)).unwrap_or_default();
        let nodes = self.all_nodes(&fields);
        let start = self.start(&fields);
        let output = fields.find("output").map(|at| self.template(&at, &[]));
        if self.edges_are_sound {
            routes::check(&start, &nodes, &self.nodes, &mut self.problems);
        }
        Some(Definition {
            name: std::mem::take(&mut self.name),
            description,
            hash: FlowHash::of(source),
            input,
            channels: std::mem::take(&mut self.channels),
            tools: std::mem::take(&mut self.tools),
            limits,
            start,
            nodes,
            output,
        })
    }

    fn flow_name(&mut self, fields: &Fields<'_>) -> Option<String> {
        let at = fields.require("name", &mut self.problems, "give the flow a name: `name: my-flow`")?;
        let name = at.text(&mut self.problems, "text, the name of the flow")?;
        if !keys::is_name(name, &['-']) {
            at.error(
                &mut self.problems,
                format!("`{name}` is no name for a flow; use small letters, digits and `-`, beginning with a letter, at most 64"),
            );
        }
        Some(name.to_owned())
    }

    pub fn optional_text(&mut self, fields: &Fields<'_>, key: &str) -> Option<String> {
        fields.find(key)?.text(&mut self.problems, "text").map(str::to_owned)
    }

    fn tool_names(&mut self, at: &At<'_>) -> Vec<String> {
        let Some(items) = at.items() else {
            at.wrong_type(&mut self.problems, "a list of tools: `[calculator, http_get]`");
            return Vec::new();
        };
        items.iter().filter_map(|item| self.tool_name(item)).collect()
    }

    fn tool_name(&mut self, at: &At<'_>) -> Option<String> {
        let name = at.text(&mut self.problems, "the name of a tool")?;
        let users = self.kinds.kinds().filter(|kind| kind.uses_tools());
        if let Some(error) = users.filter_map(|kind| kind.check_tool(name).err()).next() {
            at.error(&mut self.problems, error.chain());
        }
        Some(name.to_owned())
    }

    fn limits(&mut self, at: &At<'_>) -> Limits {
        let mut limits = Limits::default();
        let Some(fields) = at.fields(&mut self.problems, "a map of limits: `{steps: 40}`", keys::LIMITS)
        else {
            return limits;
        };
        let problems = &mut self.problems;
        let mut whole = |key, most| fields.find(key).and_then(|at| at.whole(problems, 1..=most));
        let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        limits.steps = whole("steps", 1_000_000).map_or(limits.steps, narrow);
        limits.visits = whole("visits", 1_000_000).map_or(limits.visits, narrow);
        limits.tokens = whole("tokens", TOKENS_MAX).unwrap_or(limits.tokens);
        if let Some(at) = fields.find("seconds")
            && let Some(seconds) = at.seconds(problems)
        {
            limits.seconds = whole_seconds(seconds);
        }
        if let Some(money) = fields.find("money").and_then(|at| at.number(problems, 0.0..=MONEY_MAX)) {
            limits.money = money;
        }
        limits
    }

    fn all_nodes(&mut self, fields: &Fields<'_>) -> Vec<Node> {
        let advice = "a flow has at least one node: `nodes: {first: {kind: set, with: {...}}}`";
        let Some(at) = fields.require("nodes", &mut self.problems, advice) else {
            self.edges_are_sound = false;
            return Vec::new();
        };
        let Some(entries) = at.entries(&mut self.problems, "a map from names of nodes to nodes") else {
            self.edges_are_sound = false;
            return Vec::new();
        };
        if entries.is_empty() || entries.len() > NODES_MAX {
            at.error_at_key(
                &mut self.problems,
                format!("a flow has 1 to {NODES_MAX} nodes; this one has {}", entries.len()),
            );
            self.edges_are_sound = false;
            return Vec::new();
        }
        let names = at.tree.entries().unwrap_or_default();
        self.nodes = names.iter().map(|entry| (entry.key.clone(), entry.place)).collect();
        self.check_node_names(&at.path);
        entries.iter().map(|entry| self.node(entry)).collect()
    }

    fn check_node_names(&mut self, path: &str) {
        let mut seen = std::collections::HashSet::new();
        for (name, place) in &self.nodes {
            let path = super::reader::joined(path, name);
            // The second of two was told; edges would be judged against the wrong one.
            self.edges_are_sound &= seen.insert(name.as_str());
            if keys::NODES_RESERVED.contains(&name.as_str()) {
                let message = format!(
                    "no node can be named `{name}`: the word has a meaning of its own; choose another"
                );
                self.problems.error(*place, &path, message);
            } else if !keys::is_name(name, &['-', '_']) {
                let message = format!(
                    "`{name}` is no name for a node; use small letters, digits, `-` and `_`, beginning with a letter, at most 64"
                );
                self.problems.error(*place, &path, message);
            }
        }
    }

    fn start(&mut self, fields: &Fields<'_>) -> Vec<usize> {
        let Some(at) = fields.find("start") else {
            return if self.nodes.is_empty() { Vec::new() } else { vec![0] };
        };
        match at.items() {
            Some(items) => self.distinct_nodes(&at, &items),
            None => self.node_named(&at).into_iter().collect(),
        }
    }

    /// The index of the node that a value names.
    pub fn node_named(&mut self, at: &At<'_>) -> Option<usize> {
        let Some(name) = at.text(&mut self.problems, "the name of a node") else {
            self.edges_are_sound = false;
            return None;
        };
        let found = self.nodes.iter().position(|(node, _)| node == name);
        if found.is_none() {
            self.edges_are_sound = false;
            let names: Vec<_> = self.nodes.iter().map(|(name, _)| name.as_str()).collect();
            at.error(&mut self.problems, format!("there is no node `{name}`{}", suggestion(name, names)));
        }
        found
    }

    pub fn distinct_nodes(&mut self, at: &At<'_>, items: &[At<'_>]) -> Vec<usize> {
        if items.is_empty() {
            self.edges_are_sound = false;
            at.error(&mut self.problems, "this list is empty; name at least one node");
        }
        let mut nodes = Vec::new();
        for item in items {
            match self.node_named(item) {
                Some(node) if nodes.contains(&node) => {
                    item.error(
                        &mut self.problems,
                        format!("`{}` is in this list twice; take one out", self.nodes[node].0),
                    );
                }
                Some(node) => nodes.push(node),
                None => {}
            }
        }
        nodes
    }
}

/// Rounded up, at least one.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0 and a year")]
fn whole_seconds(seconds: f64) -> u32 {
    seconds.ceil().max(1.0) as u32
}

/// Flows of a set that call themselves, over others or directly: each as the names from a flow back to itself.
#[must_use]
pub fn find_recursion(definitions: &[Definition]) -> Vec<Vec<String>> {
    let calls: BTreeMap<&str, Vec<&str>> =
        definitions.iter().map(|flow| (flow.name.as_str(), flow.sub_flows().collect())).collect();
    calls.keys().filter_map(|name| way_back(name, &calls)).collect()
}

fn way_back(name: &str, calls: &BTreeMap<&str, Vec<&str>>) -> Option<Vec<String>> {
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut open = vec![name];
    while let Some(flow) = open.pop() {
        for &called in calls.get(flow).into_iter().flatten() {
            if called == name {
                return Some(trace(name, flow, &came_from));
            }
            if !came_from.contains_key(called) {
                came_from.insert(called, flow);
                open.push(called);
            }
        }
    }
    None
}

fn trace(name: &str, last: &str, came_from: &BTreeMap<&str, &str>) -> Vec<String> {
    let mut way = vec![name.to_owned()];
    let mut flow = last;
    while flow != name {
        way.push(flow.to_owned());
        flow = came_from.get(flow).copied().unwrap_or(name);
    }
    way.push(name.to_owned());
    way.reverse();
    way
}

/// A literal or template as JSON, for parts of the model that keep it so.
pub(super) fn json(at: &At<'_>) -> Value {
    at.tree.to_json()
}
