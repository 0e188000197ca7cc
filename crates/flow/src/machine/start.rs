//! The first command of a run: its input, the versions of its sub-flows, and the state that it begins with.

use std::collections::BTreeMap;

use ibid_types::{Error, Result, Timestamp};
use serde_json::{Map, Value};

use super::apply::{Applied, Definitions, Flows, Machine, ROOT};
use super::{Activity, Command, Frame, RunState, Spent, Status, channels};
use crate::definition::{Definition, FlowHash, NodeBody};

/// Most different sub-flows of one run.
const FLOWS_MAX: usize = 256;

/// The versions of all sub-flows that a flow can come to, by name, as `newest` knows them now: what `Start` wants.
/// Errors: those of `newest` and `definitions`; `flow_too_many`.
pub fn sub_flows(
    definitions: &dyn Definitions,
    newest: &dyn Fn(&str) -> Result<FlowHash>,
    flow: &FlowHash,
) -> Result<BTreeMap<String, FlowHash>> {
    let mut found = BTreeMap::new();
    let mut unread = vec![*flow];
    while let Some(hash) = unread.pop() {
        let definition = definitions.definition(&hash)?;
        for name in definition.nodes.iter().filter_map(|node| sub_flow(&node.body)) {
            if !found.contains_key(name) {
                let hash = newest(name)?;
                found.insert(name.to_owned(), hash);
                unread.push(hash);
            }
        }
        if found.len() > FLOWS_MAX {
            return Err(Error::bad_request(
                "flow_too_many",
                format!("a flow has at most {FLOWS_MAX} sub-flows"),
            ));
        }
    }
    Ok(found)
}

fn sub_flow(body: &NodeBody) -> Option<&str> {
    match body {
        NodeBody::Map(map) => Some(&map.flow),
        NodeBody::Flow { flow, .. } => Some(flow),
        _ => None,
    }
}

/// The channels that a flow begins with. Errors: `flow_input_invalid` for what is missing, unknown or of the wrong type.
pub fn check_input(flow: &Definition, input: &Value) -> Result<Map<String, Value>> {
    let given = match input {
        Value::Object(given) => given,
        Value::Null => &Map::new(),
        _ => return Err(input_error(flow, "must be an object")),
    };
    if let Some(unknown) = given.keys().find(|name| !flow.input.contains_key(*name)) {
        let known: Vec<&str> = flow.input.keys().map(String::as_str).collect();
        return Err(input_error(flow, &format!("has no '{unknown}'; it has {}", known.join(", "))));
    }
    let mut channels: Map<String, Value> =
        flow.channels.iter().map(|(name, channel)| (name.clone(), channel.default.clone())).collect();
    for (name, channel) in &flow.input {
        match given.get(name) {
            Some(value) => {
                channels::check_kind(channel, value)
                    .map_err(|wanted| input_error(flow, &format!("'{name}' must be {wanted}")))?;
                channels.insert(name.clone(), value.clone());
            }
            None if channel.required => return Err(input_error(flow, &format!("lacks '{name}'"))),
            None => {}
        }
    }
    Ok(channels)
}

fn input_error(flow: &Definition, problem: &str) -> Error {
    Error::bad_request("flow_input_invalid", format!("the input of flow '{}' {problem}", flow.name))
}

pub(super) fn first(definitions: &dyn Definitions, command: &Command) -> Result<(RunState, Applied)> {
    match command {
        Command::Adopt { state, at } => adopt(definitions, state, *at),
        _ => start(definitions, command),
    }
}

fn start(definitions: &dyn Definitions, command: &Command) -> Result<(RunState, Applied)> {
    let Command::Start { run, workspace, flow, flows, input, at } = command else {
        return Err(Error::internal("flow_run_not_started", "only a start or an adoption begins a run"));
    };
    let definition = definitions.definition(flow)?;
    let mut state = RunState {
        run: *run,
        workspace: *workspace,
        status: Status::Running,
        frames: BTreeMap::from([(ROOT, frame(&definition, check_input(&definition, input)?))]),
        next_id: 1,
        next_frame: ROOT + 1,
        started_at: *at,
        deadline: super::limits::deadline(&definition, *at),
        waiting_since: None,
        spent: Spent::default(),
        flows: flows.clone(),
        undo: Vec::new(),
        undoing: None,
        undone: 0,
        ending: None,
        outcome: None,
    };
    let flows = Flows::load(definitions, &state)?;
    let mut machine = Machine::new(&flows, &mut state, *at);
    machine.begin_unless_pure(ROOT);
    let applied = machine.close();
    Ok((state, applied))
}

/// A frame before its first superstep.
pub(super) fn frame(flow: &Definition, channels: Map<String, Value>) -> Frame {
    let active = flow.start.iter().map(|node| (*node, Activity::Ready)).collect();
    Frame { flow: flow.hash, parent: None, channels, active, visits: BTreeMap::new(), spent: BTreeMap::new() }
}

/// Effects that were pending are performed anew, as the new run's own; its time begins anew.
fn adopt(definitions: &dyn Definitions, state: &RunState, at: Timestamp) -> Result<(RunState, Applied)> {
    let flows = Flows::load(definitions, state)?;
    let mut state = state.clone();
    let mut machine = Machine::new(&flows, &mut state, at);
    machine.state.started_at = at;
    machine.state.waiting_since = None;
    machine.restart_clock();
    machine.perform_anew();
    let applied = machine.close();
    Ok((state, applied))
}
