//! A run's events as clients are told them.
//!
//! Keeps true: ids are the journal's own, so a client may go on after any of them, on any server of the same store;
//! the last event of a stream is `done` or `error`.

use std::ops::ControlFlow;
use std::time::Duration;

use ibid_api::problem::{Problem, ProblemBody};
use ibid_api::run::{Done, Event, Step, Token};
use ibid_flow::Watched;
use ibid_flow::events::{Event as Told, EventId};
use ibid_flow::machine::Fault;
use ibid_types::{Result, RunId, answer};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::live::{Frame, Sink};
use crate::{App, runs, turns, wire};

/// How often a silent stream looks whether its client and its server are still there.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The place to go on after, as a client names it. Error: `id_malformed`.
pub fn after(text: Option<&str>) -> Result<Option<EventId>> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::parse).transpose()
}

/// Sends the run's events after `after` until the run is over, the client leaves or the server ends.
pub fn tell(app: &App, run: RunId, after: Option<EventId>, sink: &Sink) -> Result<()> {
    let is_left = || sink.is_closed();
    follow(app, run, after, &is_left, &mut |id, event| sink.send(Frame { id: Some(id.to_string()), event }))
}

/// Calls `on_event` with each event after `after` until the run is over, somebody says so, or the server ends.
pub fn follow(
    app: &App,
    run: RunId,
    after: Option<EventId>,
    is_left: &dyn Fn() -> bool,
    on_event: &mut dyn FnMut(EventId, Event) -> ControlFlow<()>,
) -> Result<()> {
    let mut watch = app.runner().watch(run, after)?;
    while !is_left() && !app.shutdown.is_requested() {
        let (id, told) = match watch.next(LOOK_EVERY)? {
            Watched::Event(id, told) => (id, told),
            Watched::Nothing => continue,
            Watched::Over => return Ok(()),
        };
        let Some(event) = event(app, run, told)? else { continue };
        let is_last = matches!(event, Event::Done(_) | Event::Error(_));
        if on_event(id, event).is_break() || is_last {
            return Ok(());
        }
    }
    Ok(())
}

/// What clients are told of it; nothing of what only this program knows.
fn event(app: &App, run: RunId, told: Told) -> Result<Option<Event>> {
    Ok(Some(match told {
        Told::Step(step) => Event::Step(Step {
            node: step.node,
            kind: step.kind,
            state: step.state.name().to_owned(),
            attempt: step.attempt,
            detail: step.detail,
        }),
        Told::Token { node, text, replace } => Event::Token(Token { node, text, replace }),
        Told::Interrupt { node, interrupt } => {
            let view = app.runner().view(run)?;
            Event::Interrupt(wire::approval(&view.row, node, &interrupt))
        }
        Told::Told { name, value, .. } => return Ok(of_chat(&name, value)),
        Told::Usage { prompt_tokens, completion_tokens, .. } => {
            Event::Usage(ibid_api::answer::Usage { prompt_tokens, completion_tokens })
        }
        Told::Error(fault) => Event::Error(problem(fault)),
        Told::Done { .. } => Event::Done(Box::new(done(app, run)?)),
    }))
}

/// What the nodes of chat tell of their outputs.
fn of_chat(name: &str, value: Value) -> Option<Event> {
    match name {
        "citation" => Some(Event::Citation(Box::new(read::<answer::Citation>(value)?.into()))),
        "claim" => Some(Event::Claim(read::<answer::Claim>(value)?.into())),
        _ => None,
    }
}

fn read<T: DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value)
        .inspect_err(|error| tracing::warn!(%error, "an event of a node cannot be read"))
        .ok()
}

fn problem(fault: Fault) -> Problem {
    Problem {
        error: ProblemBody {
            class: fault.class.name().to_owned(),
            code: fault.code,
            message: fault.message,
            request_id: None,
        },
    }
}

fn done(app: &App, run: RunId) -> Result<Done> {
    let view = app.runner().view(run)?;
    let workspace = app.workspace_name(view.row.workspace)?;
    let turn = app.store.turn_of_run(run)?.map(|turn| turns::wire_turn(app, turn)).transpose()?;
    Ok(Done { run: runs::of_view(app, &workspace, &view), turn })
}
