//! What can be done with runs: everything that a request about one needs, in terms of journal and runner.

use std::sync::Arc;
use std::time::Duration;

use ibid_api::flow::FlowDetail;
use ibid_api::run::{
    AnswerRequest, CheckpointState, Difference, ForkRequest, Replayed, Run, RunDiff, RunRequest,
    RunStatistics,
};
use ibid_flow::definition::mermaid;
use ibid_flow::machine::{Definitions, RunState, Status};
use ibid_flow::{Definition, FlowHash, Fork, NewRun, RunView};
use ibid_store::{CheckpointHead, RunRow, Workspace};
use ibid_types::access::Permission;
use ibid_types::{Error, Result, RunId};
use serde_json::{Map, Value};

use crate::access::Caller;
use crate::{App, questions, wire};

/// How often a run that is waited for is looked at, to see whether it asks a person.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Starts a run; it is durable when this returns.
pub fn start(app: &Caller, request: RunRequest, key: Option<String>) -> Result<(Workspace, RunId)> {
    let workspace = app.workspace(request.workspace.as_deref())?;
    may_give(app, request.source.as_deref())?;
    let flow = named_or_given(app, request.flow.as_deref(), request.source.as_deref())?.ok_or_else(|| {
        Error::bad_request("request_malformed", "name a flow in `flow`, or give its YAML in `source`")
    })?;
    let input = match request.input {
        Value::Null => Value::Object(Map::new()),
        input => input,
    };
    if let Some(question) = input.get("question").and_then(Value::as_str) {
        questions::judged(app, question)?;
    }
    let mut run = NewRun::new(workspace.id, flow.hash, input);
    run.key = key.map(|key| keyed(app, "run", &key));
    run.owner = app.owner();
    app.engine.traces.note(run.id);
    Ok((workspace, app.runner().start(run)?.run))
}

/// A key of one caller is not another's.
pub fn keyed(app: &Caller, what: &str, key: &str) -> String {
    app.owner().map_or_else(|| format!("{what}/{key}"), |owner| format!("{what}/{owner}/{key}"))
}

/// A flow that is not there yet may call every tool: who runs one must be allowed to make one. Error: `not_allowed`.
fn may_give(app: &Caller, source: Option<&str>) -> Result<()> {
    source.map_or(Ok(()), |_| app.check_everywhere(Permission::Build))
}

/// The flow of a name or of a text, where one is given.
fn named_or_given(app: &App, name: Option<&str>, source: Option<&str>) -> Result<Option<Arc<Definition>>> {
    match (name, source) {
        (Some(_), Some(_)) => {
            Err(Error::bad_request("request_malformed", "give `flow` or `source`, not both"))
        }
        (Some(name), None) => app.engine.current(name).map(Some),
        (None, Some(source)) => app.engine.given(source).map(Some),
        (None, None) => Ok(None),
    }
}

/// The version of its flow that a run goes by.
pub fn flow_of(app: &App, run: &RunRow) -> Result<FlowDetail> {
    let definition = app.runner().flows().definition(&run.flow.into())?;
    let source = app.store.flow_find(run.flow)?.map(|flow| flow.source).unwrap_or_default();
    let newest = app.flows().find(&definition.name);
    let is_built_in =
        newest.is_ok_and(|newest| newest.is_built_in && newest.definition.hash == definition.hash);
    Ok(FlowDetail { flow: wire::flow(&definition, is_built_in), source, mermaid: mermaid(&definition) })
}

/// Waits until the run is over or asks a person, at most so long.
pub fn wait(app: &App, run: RunId, longest: Duration) -> Result<RunView> {
    let mut left = longest;
    loop {
        let part = left.min(LOOK_EVERY);
        let view = app.runner().wait(run, part)?;
        left -= part;
        let asks = view.state.status == Status::Waiting && view.state.interrupts().next().is_some();
        if view.state.status.is_over() || asks || left.is_zero() || app.shutdown.is_requested() {
            return Ok(view);
        }
    }
}

pub fn show(app: &App, workspace: &Workspace, run: RunId) -> Result<Run> {
    Ok(of_view(app, &workspace.name, &app.runner().view(run)?))
}

/// The run of a row that was just read.
pub fn wire(app: &App, workspace: &str, row: &RunRow) -> Result<Run> {
    let last =
        app.engine.journal.last(row.id)?.ok_or_else(|| {
            Error::internal("checkpoint_unknown", format!("run {} has no checkpoint", row.id))
        })?;
    Ok(of_state(app, workspace, row, last.number, &last.state))
}

pub fn of_view(app: &App, workspace: &str, view: &RunView) -> Run {
    of_state(app, workspace, &view.row, view.number, &view.state)
}

fn of_state(app: &App, workspace: &str, row: &RunRow, number: u32, state: &RunState) -> Run {
    let definitions = |hash: &FlowHash| app.runner().flows().definition(hash).ok();
    wire::run(workspace, row, number, state, &definitions)
}

/// What the run's state was after a checkpoint.
pub fn state_at(app: &App, run: RunId, number: u32) -> Result<CheckpointState> {
    let found = app.engine.journal.at(run, number)?;
    let channels = found.state.frames.get(&0).map(|frame| frame.channels.clone()).unwrap_or_default();
    Ok(CheckpointState {
        checkpoint: wire::checkpoint(CheckpointHead {
            number: found.number,
            at: found.at,
            kind: found.command.name().to_owned(),
            node: found.node,
            bytes: found.bytes,
        }),
        command: to_json(&found.command)?,
        channels: Value::Object(channels),
        state: to_json(&found.state)?,
    })
}

fn to_json(value: &impl serde::Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(|error| {
        Error::internal("checkpoint_damaged", "a checkpoint cannot be shown").caused_by(error)
    })
}

/// Says what a run asked. Errors: `flow_interrupt_unknown`, `flow_interrupt_expired`, `flow_answer_invalid`, ...
pub fn answer(app: &App, run: &RunRow, request: AnswerRequest) -> Result<()> {
    app.runner().answer(run.id, request.interrupt, request.value, "api")
}

/// Starts a run from a checkpoint of another. Errors: `run_over`, `flow_fork_unfit`, `checkpoint_unknown`, ...
pub fn fork(app: &Caller, run: &RunRow, request: ForkRequest) -> Result<RunId> {
    may_give(app, request.source.as_deref())?;
    let changes = match request.changes {
        Value::Null => Map::new(),
        Value::Object(changes) => changes,
        _ => {
            let what = "`changes` is an object of channels and their new values";
            return Err(Error::bad_request("request_malformed", what));
        }
    };
    let flow = named_or_given(app, request.flow.as_deref(), request.source.as_deref())?;
    let flow = flow.map(|flow| flow.hash);
    app.runner().fork(run.id, Fork { checkpoint: request.checkpoint, changes, flow, owner: app.owner() })
}

/// Applies the run's commands again and compares the states.
pub fn replay(app: &App, run: RunId) -> Result<Replayed> {
    let replay = app.runner().replay(run)?;
    Ok(Replayed {
        run: run.to_string(),
        checkpoints: replay.checkpoints,
        equal: replay.differs_at.is_none(),
        differs_at: replay.differs_at,
        differences: differences(replay.differences),
    })
}

/// Where two runs part, and how they ended.
pub fn diff(app: &App, left: RunId, right: RunId) -> Result<RunDiff> {
    let diff = app.runner().diff(left, right)?;
    Ok(RunDiff {
        left: left.to_string(),
        right: right.to_string(),
        common: diff.common,
        first: differences(diff.first),
        last: differences(diff.last),
    })
}

fn differences(found: Vec<ibid_flow::Difference>) -> Vec<Difference> {
    let wire =
        |found: ibid_flow::Difference| Difference { path: found.path, left: found.left, right: found.right };
    found.into_iter().map(wire).collect()
}

/// Counts over all workspaces.
pub fn statistics(app: &App) -> Result<RunStatistics> {
    let ibid_flow::Statistics { runs, totals } = app.runner().statistics()?;
    Ok(RunStatistics {
        runs,
        checkpoints: totals.checkpoints,
        checkpoint_bytes: totals.checkpoint_bytes,
        values: totals.values,
        value_bytes: totals.value_bytes,
        spent: wire::spent(&app.metrics.spent()),
    })
}
