//! `POST /v1/ask`: a question in, an answer with its citations out, whole or as a stream.

use std::ops::ControlFlow;
use std::time::Instant;

use axum::response::{IntoResponse, Response};
use ibid_api::answer::{Answer, AskRequest, TokenEvent};
use ibid_api::convert::{answer_mode, step_event};
use ibid_api::problem::Problem;
use ibid_types::answer::{Event, Question};
use ibid_types::{Error, Result};

use super::sse::{self, Sender};
use crate::App;
use crate::access::Caller;
use crate::http::{Answered, Json, blocking};
use crate::questions;
use crate::spend::Bought;

/// Answers a question from the documents, with citations.
///
/// With `stream: true` the answer comes as server-sent events: `step`, `token`, `citation`, then `done` or `error`.
#[utoipa::path(post, path = "/v1/ask", tag = "answers", request_body = AskRequest,
    responses((status = 200, content((Answer = "application/json"), (serde_json::Value = "text/event-stream"))), (status = "default", body = Problem)))]
pub async fn ask(app: Caller, Json(request): Json<AskRequest>) -> Answered<Response> {
    let (stream, explain) = (request.stream, request.explain);
    let question = {
        let request = request.clone();
        blocking(&app, move |app| read_question(app, request)).await?
    };
    let place = app.place(app.queue_of(request.mode.as_deref()), request.workspace.as_deref()).await?;
    if stream {
        let events = sse::stream(&app, move |app, sender| {
            let _held = place;
            answer_streaming(app, &question, explain, sender);
        });
        return Ok(events.into_response());
    }
    let answer = blocking(&app, move |app| {
        let (_held, started) = (place, Instant::now());
        let (answer, bought) = app.ask(&question, &mut |_| ControlFlow::Continue(()))?;
        Ok(priced(Answer::new(answer, explain, milliseconds(started)), bought))
    })
    .await?;
    Ok(axum::Json(answer).into_response())
}

/// Reads the wire's question; shared with the OpenAI-compatible endpoint.
pub fn read_question(app: &Caller, request: AskRequest) -> Result<Question> {
    let text = questions::admitted(app, &request.question)?;
    let defaults = &app.config.answer;
    Ok(Question {
        workspace: app.workspace(request.workspace.as_deref())?.id,
        reader: app.reader(),
        text,
        filter: request.filter.into_domain()?,
        mode: answer_mode(request.mode.as_deref())?,
        model: request.model,
        context_tokens_max: within(
            "context_tokens",
            request.context_tokens,
            defaults.context_tokens,
            200..=32_000,
        )?,
        citations_max: within("citations", request.citations, defaults.citations_max, 1..=20)?,
        fresh: request.fresh,
    })
}

/// The value that was asked for, the default where none was, or an error that names the bounds.
pub fn within(
    name: &str,
    asked: Option<usize>,
    default: usize,
    bounds: std::ops::RangeInclusive<usize>,
) -> Result<usize> {
    let value = asked.unwrap_or(default);
    if bounds.contains(&value) {
        return Ok(value);
    }
    let what = format!("{name} is {value}; it may be {} to {}", bounds.start(), bounds.end());
    Err(Error::bad_request("value_out_of_range", what))
}

fn answer_streaming(app: &App, question: &Question, explain: bool, sender: &Sender) {
    let started = Instant::now();
    let outcome = app.ask(question, &mut |event| send(sender, event));
    match outcome {
        Ok((answer, bought)) => {
            let answer = Answer::new(answer, explain, milliseconds(started));
            let _ = sender.send("done", &priced(answer, bought));
        }
        Err(error) => sender.fail(&error),
    }
}

/// The answer with its cost, where a chat model was asked.
fn priced(answer: Answer, bought: Bought) -> Answer {
    Answer { usd: (bought.calls > 0).then(|| bought.usd()), ..answer }
}

fn send(sender: &Sender, event: Event) -> ControlFlow<()> {
    match event {
        Event::Step { name, state, detail } => sender.send("step", &step_event(name, state, detail)),
        Event::Token(text) => sender.send("token", &TokenEvent { text }),
        Event::Citation(citation) => sender.send("citation", &ibid_api::answer::Citation::from(*citation)),
        Event::Done(_) => ControlFlow::Continue(()),
    }
}

pub fn milliseconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 1e5).round() / 100.0
}
