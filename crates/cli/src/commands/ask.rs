//! `ibid ask`: an answer with its citations.

use std::io::Read;
use std::ops::ControlFlow;
use std::process::ExitCode;

use ibid_api::answer::{Answer, AskRequest, StepEvent, TokenEvent};
use ibid_types::{Error, Result};

use super::status::duration;
use super::{filter, place};
use crate::args::Ask;
use crate::context::Context;
use crate::output::{self, ABSTAINED, foreign, foreign_line, json, json_line, line, note, piece, shortened};

pub fn run(context: &Context, arguments: &Ask) -> Result<ExitCode> {
    let request = request(context, arguments)?;
    let answer = if arguments.stream { streamed(context, &request)? } else { whole(context, &request)? };
    if context.common.json {
        if !arguments.stream {
            json(&answer)?;
        }
    } else {
        show(context, &answer, arguments.stream, arguments.explain)?;
    }
    Ok(if answer.abstained.is_some() { ExitCode::from(ABSTAINED) } else { ExitCode::SUCCESS })
}

fn request(context: &Context, arguments: &Ask) -> Result<AskRequest> {
    let mut question = arguments.question.join(" ");
    if question == "-" {
        question.clear();
        std::io::stdin().lock().read_to_string(&mut question).map_err(|error| {
            Error::bad_request("question_unreadable", "cannot read the question from standard input")
                .caused_by(error)
        })?;
    }
    let mode = arguments.mode.name();
    Ok(AskRequest {
        question,
        workspace: context.common.workspace.clone(),
        mode: Some(mode.to_owned()),
        model: arguments.model.clone(),
        filter: filter(&arguments.filters),
        stream: arguments.stream,
        explain: arguments.explain,
        fresh: arguments.fresh,
        ..AskRequest::default()
    })
}

fn whole(context: &Context, request: &AskRequest) -> Result<Answer> {
    context.client.post("/v1/ask", request)?.json()
}

fn streamed(context: &Context, request: &AskRequest) -> Result<Answer> {
    let (mut answer, mut is_begun) = (None, false);
    let as_json = context.common.json;
    context.client.post("/v1/ask", request)?.events(|name, data| {
        if as_json {
            let data: serde_json::Value = read(data)?;
            json_line(&serde_json::json!({ "event": name, "data": data }))?;
        }
        match name {
            "token" if !as_json => {
                is_begun = true;
                piece(&foreign(&read::<TokenEvent>(data)?.text))?;
            }
            "step" if !as_json => {
                let step: StepEvent = read(data)?;
                if is_begun && step.name == "answer" && step.state == "started" {
                    is_begun = false;
                    line("")?;
                    note(&context.color.yellow("The answer begins again:"));
                }
                show_step(context, &step);
            }
            "error" => return Err(ibid_serve::problem_error(read(data)?)),
            "done" => {
                let whole: Answer = read(data)?;
                if !as_json && whole.abstained.is_none() {
                    line("")?;
                }
                answer = Some(whole);
                return Ok(ControlFlow::Break(()));
            }
            _ => {}
        }
        Ok(ControlFlow::Continue(()))
    })?;
    answer.ok_or_else(|| {
        Error::unavailable("server_cut", "the answer ended early; is the server still running?")
    })
}

fn read<T: serde::de::DeserializeOwned>(data: &str) -> Result<T> {
    serde_json::from_str(data).map_err(|error| {
        Error::internal("client_answer", "an event of the answer cannot be read").caused_by(error)
    })
}

fn show_step(context: &Context, step: &StepEvent) {
    if step.state != "started" && context.color.err {
        note(&context.color.dim(&format!("· {} {}", step.name, foreign(&step.detail))));
    }
}

/// The answer with its citations; of one that was streamed the text stands there already.
pub fn show(context: &Context, answer: &Answer, is_streamed: bool, explain: bool) -> Result<()> {
    let color = context.color;
    if let Some(abstention) = &answer.abstained {
        line(&color.yellow(&foreign(&sentence(&abstention.reason))))?;
        if !abstention.looked_for.is_empty() {
            line(&color.dim(&format!("Looked for: {}", foreign(&abstention.looked_for.join(", ")))))?;
        }
        for nearest in &abstention.nearest {
            line(&color.dim(&format!("Nearest: {}", foreign(nearest))))?;
        }
        return notices(context, answer);
    }
    if !is_streamed {
        line(&foreign(&answer.text))?;
    }
    line("")?;
    sources(context, answer, 300)?;
    for claim in answer.claims.iter().filter(|claim| claim.verdict == "unsupported") {
        line(&color.red(&format!("Not supported by the documents: {}", foreign(&claim.text))))?;
    }
    line(&color.dim(&summary(answer)))?;
    if let Some(at) = &answer.kept_at {
        line(&color.dim(&format!("answered {} from the same passages; --fresh asks again", ago(at))))?;
    }
    if explain && let Some(trace) = &answer.trace {
        super::search::show_trace(context, trace)?;
    }
    notices(context, answer)
}

/// Each citation with its place and as much of its quote as is wanted.
pub fn sources(context: &Context, answer: &Answer, quote_chars: usize) -> Result<()> {
    let color = context.color;
    for citation in &answer.citations {
        let at = place(&citation.title, citation.page, &citation.heading_path);
        line(&format!("{} {}", color.cyan(&format!("[{}]", citation.number)), color.bold(&at)))?;
        line(&format!("    “{}”", foreign(&shortened(&citation.quote, quote_chars))))?;
        line(&color.dim(&format!(
            "    {} (bytes {} to {})",
            foreign_line(&citation.source),
            citation.start_byte,
            citation.end_byte
        )))?;
    }
    Ok(())
}

fn summary(answer: &Answer) -> String {
    let by = answer
        .model
        .as_ref()
        .map_or_else(|| answer.mode.clone(), |model| format!("{} by {model}", answer.mode));
    let coverage =
        answer.coverage.map_or_else(String::new, |coverage| format!(" · coverage {:.0} %", coverage * 100.0));
    format!("{by}{coverage} · confidence {:.0} % · {:.0} ms", answer.confidence * 100.0, answer.took_ms)
}

fn notices(context: &Context, answer: &Answer) -> Result<()> {
    for notice in &answer.notices {
        output::line(&context.color.yellow(&format!("Note: {}", foreign_line(notice))))?;
    }
    Ok(())
}

/// How long ago a time was that the server gave.
fn ago(at: &str) -> String {
    let now = ibid_runtime::Clock::system().now();
    at.parse::<ibid_types::Timestamp>()
        .map_or_else(|_| foreign(at), |at| format!("{} ago", duration((now.0 - at.0).max(0) as f64 / 1000.0)))
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}
