//! Runs, what they wait for, and their checkpoints on the wire.

use ibid_api::document::Failure;
use ibid_api::run::{Approval, Checkpoint, ForkedFrom, Run, Spent};
use ibid_flow::machine::{Activity, Fault, Frame, Interrupt, Outcome, RunState};
use ibid_flow::{Definition, FlowHash};
use ibid_store::{CheckpointHead, RunRow};

/// Digits of a flow's hash that people compare.
const VERSION_DIGITS: usize = 12;

pub fn version(hash: &FlowHash) -> String {
    let mut digits = hash.to_string();
    digits.truncate(VERSION_DIGITS);
    digits
}

/// Finds the definition of a version, where it can still be read.
pub type Definitions<'a> = &'a dyn Fn(&FlowHash) -> Option<std::sync::Arc<Definition>>;

/// A run from its row and its last state, which is at checkpoint `number`.
pub fn run(
    workspace: &str,
    row: &RunRow,
    number: u32,
    state: &RunState,
    definitions: Definitions<'_>,
) -> Run {
    let (output, failure) = match &state.outcome {
        Some(Outcome::Output(output)) => (Some(output.clone()), None),
        Some(Outcome::Fault(fault)) => (None, Some(self::failure(fault))),
        Some(Outcome::Cancelled { reason }) => (None, Some(cancelled(reason))),
        None => (None, None),
    };
    Run {
        id: row.id.to_string(),
        workspace: workspace.to_owned(),
        flow: row.flow_name.clone(),
        flow_version: version(&FlowHash(row.flow.0)),
        status: state.status.name().to_owned(),
        nodes: nodes(state, definitions),
        checkpoint: number,
        thread: row.thread.map(|id| id.to_string()),
        forked_from: row.forked_from.map(|(run, checkpoint)| ForkedFrom { run: run.to_string(), checkpoint }),
        output,
        failure,
        approvals: approvals(row, state, definitions),
        wakes_at: row.wake_at.map(|time| time.to_string()),
        spent: spent(&state.spent),
        created_at: row.created_at.to_string(),
        updated_at: row.updated_at.to_string(),
        finished_at: row.finished_at.map(|time| time.to_string()),
    }
}

pub fn failure(fault: &Fault) -> Failure {
    Failure { code: fault.code.clone(), reason: fault.message.clone() }
}

fn cancelled(reason: &str) -> Failure {
    Failure { code: "run_cancelled".to_owned(), reason: reason.to_owned() }
}

pub const fn spent(spent: &ibid_flow::machine::Spent) -> Spent {
    Spent {
        steps: spent.steps,
        prompt_tokens: spent.prompt_tokens,
        completion_tokens: spent.completion_tokens,
        money: spent.money,
    }
}

/// Nodes at work or waiting, of the run and of its sub-flows, each name once.
fn nodes(state: &RunState, definitions: Definitions<'_>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (frame, index, activity) in active(state) {
        let is_at_work =
            !matches!(activity, Activity::Done { .. } | Activity::Gave { .. } | Activity::Expired);
        let name = node_name(frame, index, definitions);
        if is_at_work && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn active(state: &RunState) -> impl Iterator<Item = (&Frame, usize, &Activity)> {
    state
        .frames
        .values()
        .flat_map(|frame| frame.active.iter().map(move |(index, activity)| (frame, *index, activity)))
}

fn node_name(frame: &Frame, index: usize, definitions: Definitions<'_>) -> String {
    let definition = definitions(&frame.flow);
    let name =
        definition.as_ref().and_then(|definition| definition.nodes.get(index)).map(|node| node.name.clone());
    name.unwrap_or_else(|| format!("node {index}"))
}

/// What the run waits for people to say.
pub fn approvals(row: &RunRow, state: &RunState, definitions: Definitions<'_>) -> Vec<Approval> {
    let asking = active(state).filter_map(|(frame, index, activity)| match activity {
        Activity::Asking(interrupt) => Some(approval(row, node_name(frame, index, definitions), interrupt)),
        _ => None,
    });
    asking.collect()
}

pub fn approval(row: &RunRow, node: String, interrupt: &Interrupt) -> Approval {
    Approval {
        run: row.id.to_string(),
        interrupt: interrupt.id,
        flow: row.flow_name.clone(),
        node,
        prompt: interrupt.prompt.clone(),
        schema: interrupt.schema.clone(),
        asked_at: interrupt.asked_at.to_string(),
        expires_at: interrupt.expires_at.map(|time| time.to_string()),
    }
}

pub fn checkpoint(head: CheckpointHead) -> Checkpoint {
    Checkpoint {
        number: head.number,
        at: head.at.to_string(),
        kind: head.kind,
        node: head.node,
        bytes: head.bytes,
    }
}
