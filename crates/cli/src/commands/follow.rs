//! Follows the events of a run to its end, and takes the stream up again where it was cut.

use std::io::IsTerminal;
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
    /// The run is over; `printed` is the text of an answer that stands on the terminal.
    Done { done: Box<Done>, printed: String },
    /// The run waits for a person.
    Asked(Box<Approval>),
    /// The run failed, and why.
    Failed(Error),
}

/// How far the stream was read.
#[derive(Default)]
struct Place {
    run: Option<String>,
    last_event: String,
    /// Text of the answer that stands on the terminal, and the node that wrote it.
    printed: String,
    writer: String,
    /// Whether that text still needs a line's end.
    line_is_open: bool,
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
            close_line(&mut place)?;
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
        "token" if is_streamed(context) => token(context, place, &read(data)?)?,
        "interrupt" => interrupt(context, place, read(data)?)?,
        "done" => {
            let printed = std::mem::take(&mut place.printed);
            place.end = Some(End::Done { done: Box::new(read(data)?), printed });
        }
        "error" => failed(context, place, ibid_serve::problem_error(read(data)?))?,
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

/// What ends a stream is the run's failure, or that of the stream alone: then the run may go on.
fn failed(context: &Context, place: &mut Place, error: Error) -> Result<()> {
    let run = place.run.as_deref().unwrap_or_default();
    let now: Run = context.client.get(&context.path(&format!("/v1/runs/{}", escaped(run))))?.json()?;
    if now.status != "failed" {
        return Err(error);
    }
    place.end = Some(End::Failed(error));
    Ok(())
}

/// Text that may be taken back is for people who watch; files and programs get the answer that counts.
fn is_streamed(context: &Context) -> bool {
    std::io::stdout().is_terminal() && !context.common.json
}

fn step(context: &Context, place: &mut Place, step: &Step) -> Result<()> {
    if step.state == "restarted" {
        return begin_again(context, place);
    }
    if step.state != "started" && context.color.err && !context.common.json {
        close_line(place)?;
        note(&context.color.dim(&format!("· {} {}", step.node, foreign(&step.detail))));
    }
    Ok(())
}

/// What stands there counts no more.
fn begin_again(context: &Context, place: &mut Place) -> Result<()> {
    if !place.printed.is_empty() {
        place.printed.clear();
        close_line(place)?;
        note(&context.color.yellow("The answer begins again:"));
    }
    Ok(())
}

/// Ends the line of the answer's text, so that what comes next has its own.
fn close_line(place: &mut Place) -> Result<()> {
    if std::mem::take(&mut place.line_is_open) { piece("\n") } else { Ok(()) }
}

/// Prints what is new. Text that does not go on where the former ends takes its place.
fn token(context: &Context, place: &mut Place, token: &Token) -> Result<()> {
    let text = foreign(&token.text);
    let goes_on = if token.replace { text.starts_with(&place.printed) } else { token.node == place.writer };
    if !goes_on {
        begin_again(context, place)?;
    }
    place.writer.clone_from(&token.node);
    let new = if token.replace { text.get(place.printed.len()..).unwrap_or_default() } else { &text };
    if let Some(last) = new.chars().last() {
        place.line_is_open = last != '\n';
    }
    place.printed.push_str(new);
    piece(new)
}

/// Reads an event's data.
pub fn read<T: serde::de::DeserializeOwned>(data: &str) -> Result<T> {
    serde_json::from_str(data).map_err(|error| {
        Error::internal("client_answer", "an event cannot be read; is the server another version?")
            .caused_by(error)
    })
}
