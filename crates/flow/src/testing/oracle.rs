//! What must come of a flow, found by calling itself: no commands, no ids, no time, no journal.
//!
//! Of faults that happen side by side the machine meets whichever comes first, so the oracle gives all of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::generator::Library;
use super::script::{Script, Trial};
use crate::definition::{Definition, Into, Next, Node, NodeBody, OnInterrupt, Reducer};
use crate::expression::{Scope, condition, expression, render};

/// Executions after which a run is too long to be worth comparing.
const STEPS_MAX: u32 = 2000;

#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    Output(Value),
    /// Codes, any of which may be the first.
    Faults(BTreeSet<String>),
    /// More than one course is right, or it is too long.
    Open,
}

#[derive(Clone, Debug)]
pub struct Expected {
    pub ending: Ending,
    /// Effects that succeed, by path; only for a run that finishes.
    pub successes: BTreeMap<String, u32>,
    /// Whether frames were dropped, so that fewer may have succeeded and others than these.
    pub dropped: bool,
}

/// Runs a flow of the library to its end.
#[must_use]
pub fn expect(library: &Library, script: &Script, flow: &str, input: &Value) -> Expected {
    let mut oracle =
        Oracle { library, script, successes: BTreeMap::new(), steps: 0, is_open: false, dropped: false };
    let result = match library.0.get(flow) {
        Some(flow) => oracle.flow(flow, input.as_object().unwrap_or(&Map::new()), ""),
        None => Err(Faults::default()),
    };
    let ending = match result {
        _ if oracle.is_open => Ending::Open,
        Ok(output) => Ending::Output(output),
        Err(faults) => Ending::Faults(faults.plain.into_iter().chain(faults.fatal).collect()),
    };
    Expected { ending, successes: oracle.successes, dropped: oracle.dropped }
}

struct Oracle<'a> {
    library: &'a Library,
    script: &'a Script,
    successes: BTreeMap<String, u32>,
    steps: u32,
    is_open: bool,
    dropped: bool,
}

/// Fatal ones go past every `on_error`.
#[derive(Default)]
struct Faults {
    plain: BTreeSet<String>,
    fatal: BTreeSet<String>,
}

impl Faults {
    fn plain(code: &str) -> Self {
        Self { plain: BTreeSet::from([code.to_owned()]), ..Self::default() }
    }

    fn join(&mut self, other: Self) {
        self.plain.extend(other.plain);
        self.fatal.extend(other.fatal);
    }

    fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.fatal.is_empty()
    }
}

enum Went {
    Gave(Value),
    To(usize),
}

type Channels = Map<String, Value>;

impl Oracle<'_> {
    fn flow(&mut self, flow: &Definition, input: &Map<String, Value>, path: &str) -> Result<Value, Faults> {
        let mut state = Channels::new();
        for (name, channel) in &flow.channels {
            let given = input.get(name).unwrap_or(&channel.default);
            state.insert(name.clone(), given.clone());
        }
        let mut visits = vec![0; flow.nodes.len()];
        let mut active: BTreeSet<usize> = flow.start.iter().copied().collect();
        while !active.is_empty() {
            active = self.superstep(flow, &mut state, &active, &mut visits, path)?;
        }
        let Some(output) = &flow.output else { return Ok(Value::Object(state)) };
        render(output, &Scope::new(&state)).map_err(|error| Faults::plain(error.code))
    }

    fn superstep(
        &mut self,
        flow: &Definition,
        state: &mut Channels,
        active: &BTreeSet<usize>,
        visits: &mut [u32],
        path: &str,
    ) -> Result<BTreeSet<usize>, Faults> {
        let mut went = Vec::new();
        let mut faults = Faults::default();
        for index in active {
            let (index, node) = (*index, &flow.nodes[*index]);
            self.steps += 1;
            if self.steps > STEPS_MAX {
                self.is_open = true;
                return Err(faults);
            }
            if visits[index] == flow.limits.visits {
                faults.fatal.insert("flow_limit_visits".to_owned());
                continue;
            }
            visits[index] += 1;
            match self.node(flow, node, state, &format!("{path}/{}#{}", node.name, visits[index])) {
                Ok(how) => went.push((node, how)),
                Err(other) => faults.join(other),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut next = BTreeSet::new();
        for (_, how) in &went {
            if let Went::Gave(writes) = how {
                join(flow, state, writes);
            }
        }
        for (node, how) in &went {
            match how {
                Went::To(node) => _ = next.insert(*node),
                Went::Gave(_) => onwards(node, state, &mut next)?,
            }
        }
        Ok(next)
    }

    fn node(&mut self, flow: &Definition, node: &Node, state: &Channels, path: &str) -> Result<Went, Faults> {
        let scope = Scope::new(state);
        let filled = |template: &Value| render(template, &scope).unwrap_or_default();
        let result = match &node.body {
            NodeBody::Set { with } => {
                return Ok(Went::Gave(
                    with.iter().map(|(name, template)| (name.clone(), filled(template))).collect(),
                ));
            }
            NodeBody::Wait { .. } => Ok(Value::Null),
            NodeBody::Human(human) => match (self.script.answer(path), &human.expires_seconds) {
                (Some(answer), _) => Ok(json!(answer)),
                (None, None) => Ok(json!(0)),
                (None, Some(_)) => match human.on_expiry {
                    Some(node) => return Ok(Went::To(node)),
                    None => Err(Faults::plain("flow_interrupt_expired")),
                },
            },
            NodeBody::Effect { with, .. } => self.effect(node, &filled(with), path),
            NodeBody::Flow { flow, with } => self.child(flow, filled(with), &format!("{path}[0]")),
            NodeBody::Map(map) => {
                let items = filled(&map.over).as_array().cloned().unwrap_or_default();
                let inputs = items.into_iter().map(|item| json!({ map.item.as_str(): item }));
                self.children(&map.flow, inputs, path)
            }
        };
        let result = result.and_then(|output| {
            let writes = written(node, state, &output);
            if fits(flow, &writes) {
                Ok(Went::Gave(writes))
            } else {
                Err(Faults::plain("flow_type_mismatch"))
            }
        });
        match (result, node.on_error) {
            (Err(faults), Some(to)) if !faults.plain.is_empty() => {
                let is_parent = matches!(node.body, NodeBody::Flow { .. } | NodeBody::Map(_));
                self.dropped |= is_parent;
                self.is_open |= !faults.fatal.is_empty();
                Ok(Went::To(to))
            }
            (result, _) => result,
        }
    }

    fn effect(&mut self, node: &Node, input: &Value, path: &str) -> Result<Value, Faults> {
        let stands_it = node.on_interrupt == OnInterrupt::Retry || self.script.healed.contains(path);
        if self.script.interrupted.contains(path) && !stands_it {
            return Err(Faults::plain("flow_effect_interrupted"));
        }
        for attempt in 1..=node.retry.attempts {
            match self.script.attempt(path, attempt, input) {
                Trial::Succeeds(output) => {
                    *self.successes.entry(path.to_owned()).or_default() += 1;
                    return Ok(output);
                }
                Trial::FailsForNow => {}
                Trial::FailsForGood => return Err(Faults::plain("scripted_for_good")),
            }
        }
        Err(Faults::plain("scripted_for_now"))
    }

    fn children(
        &mut self,
        flow: &str,
        inputs: impl Iterator<Item = Value>,
        path: &str,
    ) -> Result<Value, Faults> {
        let mut faults = Faults::default();
        let mut outputs = Vec::new();
        for (item, input) in inputs.enumerate() {
            match self.child(flow, input, &format!("{path}[{item}]")) {
                Ok(output) => outputs.push(output),
                Err(other) => faults.join(other),
            }
        }
        if faults.is_empty() { Ok(Value::Array(outputs)) } else { Err(faults) }
    }

    fn child(&mut self, flow: &str, input: Value, path: &str) -> Result<Value, Faults> {
        let flow = self.library.0.get(flow).ok_or_else(|| Faults::plain("flow_unknown"))?.clone();
        self.flow(&flow, input.as_object().unwrap_or(&Map::new()), path)
    }
}

fn onwards(node: &Node, state: &Channels, next: &mut BTreeSet<usize>) -> Result<(), Faults> {
    match &node.next {
        Next::End => {}
        Next::All(all) => next.extend(all),
        Next::First(edges) => {
            let holds = |text: &String| condition(text, &Scope::new(state)).unwrap_or(false);
            let edge = edges.iter().find(|edge| edge.condition.as_ref().is_none_or(holds));
            next.extend(edge.and_then(|edge| edge.to));
        }
    }
    Ok(())
}

fn written(node: &Node, state: &Channels, output: &Value) -> Value {
    let scope = Scope::new(state).with("output", output);
    match &node.into {
        Into::Nowhere => json!({}),
        Into::Channel(name) => json!({ name.as_str(): output }),
        Into::Channels(all) => all
            .iter()
            .map(|(name, text)| (name.clone(), expression(text, &scope).unwrap_or_default()))
            .collect(),
    }
}

/// Only channels of the generator: whole numbers are the only ones that its effects can miss.
fn fits(flow: &Definition, writes: &Value) -> bool {
    let numbers = ["n", "sum", "top", "low"];
    let mut writes = writes.as_object().into_iter().flatten();
    writes.all(|(name, value)| {
        flow.channels.contains_key(name) && (value.is_i64() || !numbers.contains(&name.as_str()))
    })
}

fn join(flow: &Definition, state: &mut Channels, writes: &Value) {
    for (name, new) in writes.as_object().into_iter().flatten() {
        let old = state.remove(name).unwrap_or_default();
        let number = |value: &Value| value.as_i64().unwrap_or_default();
        let joined = match flow.channels[name].reducer {
            Reducer::Set => new.clone(),
            Reducer::Add => json!(number(&old) + number(new)),
            Reducer::Max => json!(number(&old).max(number(new))),
            Reducer::Min => json!(number(&old).min(number(new))),
            Reducer::Merge => {
                let both = old.as_object().into_iter().chain(new.as_object()).flatten();
                both.map(|(key, value)| (key.clone(), value.clone())).collect()
            }
            Reducer::Append => match (old.as_str(), new.as_str()) {
                (Some(""), Some(_)) => new.clone(),
                (Some(old), Some(new)) => json!(format!("{old}\n{new}")),
                _ => {
                    let more = new.as_array().cloned().unwrap_or_else(|| vec![new.clone()]);
                    old.as_array().cloned().unwrap_or_default().into_iter().chain(more).collect()
                }
            },
        };
        state.insert(name.clone(), joined);
    }
}
