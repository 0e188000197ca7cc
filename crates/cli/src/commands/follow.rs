//! Follows the events of a run to its end, and takes the stream up again where it was cut.

use std::ops::ControlFlow;
use std::time::Duration;

use ibid_api::run::{Approval, Done, Run, Step, Token};
use ibid_runtime::Shutdown;
use ibid_serve::Reply;
use ibid_types::{Class, Error, Result};

use crate::context::{Context, escaped};
use crate::output::{foreign, json_line, note, piece};

/// A server that is started again is back within this many tries.
const TRIES_MAX: u32 = 20;
const PAUSE: Duration = Duration::from_millis(500);

/// What came of following.
#[derive(Debug)]
pub enum End {
    Done(Box<Done>),
    /// The run waits for a person.
    Asked(Box<Approval>),
}

/// How far the stream was read.
#[derive(Default)]
struct Place {
    run: Option<String>,
    last_event: String,
    /// Text of the answer that stands on the terminal.
    printed: String,
    end: Option<End>,
}

/// Prints what happens until the run is over or asks a person. `first` is the stream of a turn that was just asked.
pub fn follow(context: &Context, run: Option<&str>, first: Option<Reply>) -> Result<End> {
    let named = || first.as_ref()?.run.clone();
    let mut place = Place { run: run.map(str::to_owned).or_else(named), ..Place::default() };
    let mut reply = first;
    let mut tries = 0;
    loop {
        let read = match reply.take().map_or_else(|| again(context, &place), Ok) {
            Ok(reply) => {
                place.run = reply.run.clone().or(place.run);
                reply.events_with_ids(|event| {
                    tries = 0;
                    if !event.id.is_empty() {
                        place.last_event.clone_from(&event.id);
                    }
                    take(context, &mut place, &event.name, &event.data)
                })
            }
            Err(error) => Err(error),
        };
        if let Some(end) = place.end.take() {
            return Ok(end);
        }
        let error = read.err().unwrap_or_else(|| {
            Error::unavailable("server_cut", "the run's events ended early; is the server still running?")
        });
        if error.class != Class::Unavailable || tries >= TRIES_MAX || place.run.is_none() {
            return Err(error);
        }
        tries += 1;
        Shutdown::new().wait_timeout(PAUSE);
    }
}

fn again(context: &Context, place: &Place) -> Result<Reply> {
    let run = place.run.as_deref().unwrap_or_default();
    let after = if place.last_event.is_empty() { "" } else { "?after=" };
    let path = format!("/v1/runs/{}/events{after}{}", escaped(run), escaped(&place.last_event));
    context.client.get(&context.path(&path))
}

fn take(context: &Context, place: &mut Place, name: &str, data: &str) -> Result<ControlFlow<()>> {
    if context.common.json {
        let data: serde_json::Value = read(data)?;
        json_line(&serde_json::json!({ "id": place.last_event, "event": name, "data": data }))?;
    }
    match name {
        "step" => step(context, place, &read(data)?)?,
        "token" if !context.common.json => token(place, &read(data)?)?,
        "interrupt" => interrupt(context, place, read(data)?)?,
        "done" => place.end = Some(End::Done(Box::new(read(data)?))),
        "error" => return Err(ibid_serve::problem_error(read(data)?)),
        _ => {}
    }
    Ok(if place.end.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
}

/// A question of the past may have been answered since; then the run goes on.
fn interrupt(context: &Context, place: &mut Place, asked: Approval) -> Result<()> {
    let now: Run = context.client.get(&context.path(&format!("/v1/runs/{}", escaped(&asked.run))))?.json()?;
    if now.approvals.iter().any(|open| open.interrupt == asked.interrupt) {
        place.end = Some(End::Asked(Box::new(asked)));
    }
    Ok(())
}

fn step(context: &Context, place: &mut Place, step: &Step) -> Result<()> {
    if step.state == "restarted" && !place.printed.is_empty() {
        place.printed.clear();
        piece("\n")?;
        note(&context.color.yellow("The answer begins again:"));
    } else if step.state != "started" && context.color.err && !context.common.json {
        note(&context.color.dim(&format!("· {} {}", step.node, foreign(&step.detail))));
    }
    Ok(())
}

/// Prints what is new; a whole text that takes the place of a part is printed from where that part ends.
fn token(place: &mut Place, token: &Token) -> Result<()> {
    let text = foreign(&token.text);
    let new = if token.replace {
        match text.strip_prefix(place.printed.as_str()) {
            Some(rest) => rest.to_owned(),
            None => format!("\n{text}"),
        }
    } else {
        text.clone()
    };
    if token.replace {
        place.printed = text
    } else {
        place.printed.push_str(&new)
    }
    piece(&new)
}

/// Reads an event's data.
pub fn read<T: serde::de::DeserializeOwned>(data: &str) -> Result<T> {
    serde_json::from_str(data).map_err(|error| {
        Error::internal("client_answer", "an event cannot be read; is the server another version?")
            .caused_by(error)
    })
}
