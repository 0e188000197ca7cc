//! Turns of threads: each is a run of a flow, whose end is written into the turn's row in the commit that ends the run.

use std::sync::Arc;
use std::time::Duration;

use ibid_api::answer::Answer;
use ibid_api::convert::answer_mode;
use ibid_api::document::Failure;
use ibid_api::thread::{Feedback, Taken, Turn, TurnRequest};
use ibid_chat::Exchange;
use ibid_chat::turn::{Quality, TurnInput, TurnOptions, TurnOutput};
use ibid_flow::machine::{Outcome, RunState};
use ibid_flow::{Definition, NewRun, OnFinish};
use ibid_memory::NewEpisode;
use ibid_store::{
    RunsQuery, Statement, ThreadRow, TurnEnd, TurnRow, TurnStart, Workspace, thread_summary, thread_title,
    turn_finish, turn_insert,
};
use ibid_types::memory::{Consent, EpisodeKind, Series};
use ibid_types::{Error, Result, RunId, ThreadId, Timestamp, TurnId, answer};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::access::{Caller, Within};
use crate::metrics::Metrics;
use crate::routes::ask::within;
use crate::spend::Ledger;
use crate::{App, memory, questions, runs};

/// The flow of turns that name none.
pub const CHAT: &str = "chat";
/// Turns before this one that its flow is told.
const HISTORY_TURNS_MAX: usize = 20;
/// A thread's title is the beginning of its first question.
const TITLE_CHARS_MAX: usize = 80;
/// More turns than this do not go into a fork.
const TURNS_FORKED_MAX: usize = 1000;
/// How long before its own end a request tells what there is of an answer.
const MARGIN: Duration = Duration::from_secs(2);

/// Starts the run of a new turn; it is durable, with its row, when this returns.
pub fn start(
    app: &Caller,
    thread: &Within<ThreadRow>,
    request: TurnRequest,
    key: Option<String>,
) -> Result<RunId> {
    let flow = app.engine.current(request.flow.as_deref().unwrap_or(CHAT))?;
    let turn = TurnInput {
        question: questions::admitted(app, &request.question)?,
        history: history(app, &thread.it)?,
        summary: thread.it.summary.clone().unwrap_or_default(),
        options: options(app, request)?,
    };
    let mut run = NewRun::new(thread.workspace.id, flow.hash, input(&flow, &turn));
    run.thread = Some(thread.it.id);
    run.owner = app.owner();
    run.key = key.map(|key| format!("turn/{}/{key}", thread.it.id));
    let start = TurnStart {
        id: TurnId::new(),
        workspace: thread.workspace.id,
        thread: thread.it.id,
        run: run.id,
        question: &turn.question,
        options: &json!(turn.options),
        now: app.clock.now(),
    };
    run.also = turn_insert(&start, app.store.sealer())?;
    let title: String = turn.question.chars().take(TITLE_CHARS_MAX).collect();
    run.also.push(thread_title(thread.it.id, &title, app.store.sealer())?);
    let is_remembered = remember(app, thread, &turn.question, &mut run)?;
    app.engine.traces.note(run.id);
    let started = app.runner().start(run)?.run;
    if is_remembered {
        app.memory.wake();
    }
    Ok(started)
}

/// What a person says is remembered where they allow it, with the turn in one commit; it is read behind it. Says whether it is.
fn remember(app: &Caller, thread: &Within<ThreadRow>, question: &str, run: &mut NewRun) -> Result<bool> {
    let owner = memory::owner_of(app)?;
    if app.memory.consent(owner)? != Consent::On || question.len() > app.memory.config().episode_bytes_max {
        return Ok(false);
    }
    let last = app.store.turns_before(thread.it.id, u32::MAX, 1)?;
    let ordinal = last.last().map_or(1, |turn| turn.number + 1);
    let episode = NewEpisode {
        kind: EpisodeKind::Turn,
        speaker: memory::speaker_of(app),
        source: Some(format!("thread {}", thread.it.id)),
        series: Some(Series { id: *thread.it.id.as_bytes(), ordinal }),
        name: Some(format!("turn:{}", run.id)),
        ..NewEpisode::note(question)
    };
    let (statements, _) = app.memory.remember_statements(thread.workspace.id, owner, vec![episode])?;
    run.also.extend(statements);
    Ok(true)
}

/// Starts the run of a question that is of no thread; what was said before comes with it.
pub fn start_alone(
    app: &Caller,
    workspace: &Workspace,
    request: TurnRequest,
    history: Vec<Exchange>,
    key: Option<String>,
) -> Result<RunId> {
    let flow = app.engine.current(request.flow.as_deref().unwrap_or(CHAT))?;
    let turn = TurnInput {
        question: questions::admitted(app, &request.question)?,
        history,
        summary: String::new(),
        options: options(app, request)?,
    };
    let mut run = NewRun::new(workspace.id, flow.hash, input(&flow, &turn));
    run.key = key.map(|key| runs::keyed(app, "completion", &key));
    run.owner = app.owner();
    app.engine.traces.note(run.id);
    Ok(app.runner().start(run)?.run)
}

/// Turns since the last summary, oldest first. A turn's summary is of what was before it.
fn history(app: &App, thread: &ThreadRow) -> Result<Vec<Exchange>> {
    let turns = app.store.turns_before(thread.id, u32::MAX, HISTORY_TURNS_MAX)?;
    let first = turns.iter().rposition(|turn| summary_of(turn).is_some()).unwrap_or(0);
    let told = turns.into_iter().skip(first).filter_map(|turn| {
        let answer = said_in(turn.answer.as_ref()?)?;
        Some(Exchange { question: turn.question, answer })
    });
    Ok(told.collect())
}

fn summary_of(turn: &TurnRow) -> Option<&str> {
    turn.answer.as_ref()?.get("summary")?.as_str().filter(|summary| !summary.is_empty())
}

/// The words that a person saw of a flow's output.
fn said_in(output: &Value) -> Option<String> {
    let answer = output.get("answer").unwrap_or(output);
    let reason = answer.pointer("/abstained/reason");
    reason.or_else(|| answer.get("text")).unwrap_or(answer).as_str().map(str::to_owned)
}

/// The request's options, checked and complete.
pub fn options(app: &App, request: TurnRequest) -> Result<TurnOptions> {
    let (defaults, usual) = (&app.config.answer, TurnOptions::default());
    let quality = request.quality.as_deref().unwrap_or(&app.config.chat.quality);
    let quality = Quality::from_name(quality).ok_or_else(|| {
        let what = format!("quality '{quality}' is not known; use quick, balanced or thorough");
        Error::bad_request("value_unknown", what)
    })?;
    let temperature = request.temperature.unwrap_or(usual.temperature);
    if !(0.0..=2.0).contains(&temperature) {
        let what = format!("temperature is {temperature}; it may be 0 to 2");
        return Err(Error::bad_request("value_out_of_range", what));
    }
    if let Some(name) = request.model.as_deref().filter(|name| !app.has_chat_model(name)) {
        let what = format!("there is no chat model '{name}'; GET /v1/models lists those that there are");
        return Err(Error::not_found("chat_model_unknown", what));
    }
    Ok(TurnOptions {
        filter: request.filter.into_domain()?,
        mode: answer_mode(request.mode.as_deref())?,
        model: request.model,
        items: within("items", request.items, usual.items, 1..=100)?,
        context_tokens: within(
            "context_tokens",
            request.context_tokens,
            defaults.context_tokens,
            200..=32_000,
        )?,
        citations: within("citations", request.citations, defaults.citations_max, 1..=20)?,
        tokens_max: within("tokens", request.tokens, usual.tokens_max, 1..=32_000)?,
        temperature,
        quality,
        fresh: request.fresh,
    })
}

/// What of all this the flow wants to know: a flow of one's own may take the question only.
pub fn input(flow: &Definition, turn: &TurnInput) -> Value {
    let Value::Object(all) = turn.to_value() else { return Value::Null };
    Value::Object(all.into_iter().filter(|(name, _)| flow.input.contains_key(name)).collect())
}

/// The turn when its run is over or waits for a person, or as it is when the request's time is nearly up.
pub fn wait(app: &App, run: RunId) -> Result<Turn> {
    let longest = Duration::from_secs(app.config.server.request_seconds_max);
    runs::wait(app, run, longest.saturating_sub(MARGIN))?;
    let turn = app
        .store
        .turn_of_run(run)?
        .ok_or_else(|| Error::not_found("turn_unknown", format!("the turn of run {run} was deleted")))?;
    wire_turn(app, turn)
}

/// Cancels all runs of the thread that are not over.
pub fn cancel_all(app: &App, thread: &Within<ThreadRow>) -> Result<()> {
    let query = RunsQuery {
        workspace: Some(thread.workspace.id),
        thread: Some(thread.it.id),
        limit: 200,
        ..RunsQuery::default()
    };
    let mut cursor = None;
    loop {
        let page = app.store.run_list(&RunsQuery { cursor, ..query.clone() })?;
        for run in page.items.iter().filter(|run| run.finished_at.is_none()) {
            // One that ended in this very moment needs no cancelling.
            let _ = app.runner().cancel(run.id, "its thread was deleted");
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

/// A new thread with the turns up to number `last`, all of them without it; they keep their runs.
pub fn fork(app: &Caller, thread: &Within<ThreadRow>, last: Option<u32>) -> Result<ThreadId> {
    let mut turns = app.store.turn_list(thread.it.id, 0, TURNS_FORKED_MAX)?;
    if let Some(last) = last {
        if !turns.iter().any(|turn| turn.number == last) {
            let what = format!("thread {} has no turn {last}", thread.it.id);
            return Err(Error::not_found("turn_unknown", what));
        }
        turns.retain(|turn| turn.number <= last);
    }
    let summary = turns.iter().rev().find_map(summary_of);
    app.store.thread_fork(thread.workspace.id, &thread.it.title, &turns, summary, app.owner().as_deref())
}

/// A turn as clients see it.
pub fn wire_turn(app: &App, turn: TurnRow) -> Result<Turn> {
    let status = match turn.finished_at {
        Some(_) => turn.status,
        None => app.store.run_find(turn.run)?.map_or(turn.status, |run| run.status),
    };
    let took_ms = turn.finished_at.map_or(0, |end| end.0 - turn.created_at.0);
    let (answer, taken) = turn.answer.as_ref().map_or((None, None), read_output);
    Ok(Turn {
        id: turn.id.to_string(),
        thread: turn.thread.to_string(),
        number: turn.number,
        run: turn.run.to_string(),
        question: turn.question,
        status,
        taken,
        #[allow(clippy::cast_precision_loss, reason = "a duration")]
        answer: answer.map(|answer| Answer::new(answer, false, took_ms as f64)),
        failure: turn.failure.map(|(code, reason)| Failure { code, reason }),
        feedback: feedback(app, turn.run)?,
        created_at: turn.created_at.to_string(),
        finished_at: turn.finished_at.map(|time| time.to_string()),
    })
}

/// Lets nobody be given the answer of this turn again: somebody says that it is bad.
pub fn forget(app: &App, turn: &TurnRow) -> Result<()> {
    app.store.kept_erase_of_run(turn.run)?;
    let answer = turn.answer.as_ref().and_then(read_answer);
    answer.and_then(|answer| answer.kept).map_or(Ok(()), |kept| app.store.kept_erase(kept.id))
}

pub fn feedback(app: &App, run: RunId) -> Result<Option<Feedback>> {
    let found = app.store.feedback_find(run)?;
    Ok(found.map(|row| Feedback {
        rating: i8::try_from(row.rating).unwrap_or_default(),
        reason: row.reason,
        correction: row.correction,
        at: row.at.to_string(),
    }))
}

/// The answer that a flow's output holds.
pub fn read_answer(output: &Value) -> Option<answer::Answer> {
    read_output(output).0
}

/// The answer that a flow's output holds: that of a turn, one under `answer`, or any text; and how it was taken.
fn read_output(output: &Value) -> (Option<answer::Answer>, Option<Taken>) {
    if let Ok(turn) = TurnOutput::read(output) {
        let taken = Taken { question: turn.question, route: turn.route.name().to_owned(), loops: turn.loops };
        return (Some(turn.answer), Some(taken));
    }
    let inner = output.get("answer").unwrap_or(output);
    if let Ok(answer) = answer::Answer::deserialize(inner) {
        return (Some(answer), None);
    }
    let text = match inner {
        Value::Null => return (None, None),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    (Some(plain_answer(text)), None)
}

/// An answer of a flow that has nothing but a text.
fn plain_answer(text: String) -> answer::Answer {
    answer::Answer {
        text,
        mode: answer::AnswerMode::Extractive,
        model: None,
        claims: Vec::new(),
        citations: Vec::new(),
        abstained: None,
        coverage: None,
        confidence: 0.0,
        notices: Vec::new(),
        flags: Vec::new(),
        usage: answer::Usage::default(),
        trace: ibid_types::search::Trace::default(),
        kept: None,
    }
}

/// Writes a run's end into its turn and what it cost into the books, and counts it.
#[derive(Debug)]
pub struct TurnKeeper {
    pub ledger: Arc<Ledger>,
    pub store: ibid_store::Store,
    pub metrics: Metrics,
}

impl TurnKeeper {
    /// What the thread was about so far, where the flow says so.
    fn summary(&self, run: RunId, output: &Value) -> Option<Statement> {
        let summary = output.get("summary")?.as_str().filter(|summary| !summary.is_empty())?;
        let turn = self.store.turn_of_run(run).ok()??;
        thread_summary(turn.thread, summary, self.store.sealer()).ok()
    }

    /// Counts the answer that a run made, where it was to make one.
    fn count_answer(&self, state: &RunState, now: Timestamp) {
        let took = Duration::from_millis(u64::try_from(now.0 - state.started_at.0).unwrap_or(0));
        match &state.outcome {
            Some(Outcome::Output(output)) => {
                if let Some(answer) =
                    output.get("answer").and_then(|answer| answer::Answer::deserialize(answer).ok())
                {
                    self.metrics.answer(&answer, took);
                }
            }
            Some(Outcome::Fault(_)) if matches!(self.store.turn_of_run(state.run), Ok(Some(_))) => {
                self.metrics.answer_failed(took);
            }
            _ => {}
        }
    }

    /// The turn's end. What it says is left out where it cannot be sealed; it is in the run's last checkpoint too.
    fn end(&self, end: &TurnEnd<'_>) -> Vec<Statement> {
        let sealer = self.store.sealer();
        turn_finish(end, sealer).unwrap_or_else(|error| {
            tracing::error!(code = error.code, reason = error.chain(), "a turn's answer cannot be kept");
            turn_finish(&TurnEnd { answer: None, failure: None, ..end.clone() }, sealer).unwrap_or_default()
        })
    }
}

impl OnFinish for TurnKeeper {
    fn statements(&self, state: &RunState, now: Timestamp) -> Vec<Statement> {
        let (answer, failure) = match &state.outcome {
            Some(Outcome::Output(output)) => (Some(output), None),
            Some(Outcome::Fault(fault)) => (None, Some((fault.code.as_str(), fault.message.as_str()))),
            Some(Outcome::Cancelled { reason }) => (None, Some(("run_cancelled", reason.as_str()))),
            None => (None, None),
        };
        let status = state.status.name();
        self.metrics.run_ended(status, &state.spent);
        self.count_answer(state, now);
        let mut statements = self.end(&TurnEnd { run: state.run, status, answer, failure, now });
        statements.extend(answer.and_then(|output| self.summary(state.run, output)));
        statements.extend(self.ledger.take_of_run(state.run));
        statements
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_the_text_or_why_there_is_none() {
        let said = |output: Value| said_in(&output);
        assert_eq!(said(json!({ "answer": { "text": "At six." } })).as_deref(), Some("At six."));
        assert_eq!(
            said(json!({ "answer": { "text": "", "abstained": { "reason": "Not held." } } })).as_deref(),
            Some("Not held.")
        );
        assert_eq!(said(json!("plain")).as_deref(), Some("plain"));
        assert_eq!(said(json!({ "hits": [] })), None);
    }

    #[test]
    fn any_output_of_a_flow_is_shown_as_an_answer() {
        assert_eq!(read_answer(&json!("HELLO")).unwrap().text, "HELLO");
        assert_eq!(read_answer(&json!({ "answer": 5 })).unwrap().text, "5");
        assert!(read_answer(&Value::Null).is_none());
    }
}
