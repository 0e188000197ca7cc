//! `ibid run`: runs of flows, their history, and what can be done to them.

use std::process::ExitCode;

use ibid_api::run::{
    AnswerRequest, Approval, ApprovalsPage, CancelRequest, CheckpointState, CheckpointsPage, Difference,
    ForkRequest, Replayed, Run, RunDiff, RunRequest, RunStatistics, RunsPage, Spent,
};
use ibid_types::Result;
use serde_json::Value;

use super::follow::{End, follow};
use super::{flow_of, object, value_of};
use crate::args;
use crate::context::{Context, escaped};
use crate::output::{PARTLY_FAILED, counted, foreign, grouped, json, line, note, print_error, shortened};

/// Checkpoints shown of a run's history.
const HISTORY_MAX: usize = 500;

pub fn run(context: &Context, command: args::Run) -> Result<ExitCode> {
    match command {
        args::Run::Start { flow, input, idempotency_key, detach } => {
            return start(context, &flow, &input, idempotency_key.as_deref(), detach);
        }
        args::Run::List { status, flow, limit } => list(context, status, flow, limit)?,
        args::Run::Show { id, at: Some(number) } => state(context, &id, number)?,
        args::Run::Show { id, at: None } => return show(context, &id),
        args::Run::Watch { id } => return watch(context, &id),
        args::Run::Resume { id } => {
            post(context, &id, "resume", &())?;
            return watch(context, &id);
        }
        args::Run::Cancel { id, reason } => {
            tell(context, &post(context, &id, "cancel", &CancelRequest { reason })?)?;
        }
        args::Run::Fork { id, at, changes, flow } => {
            return fork(context, &id, at, &changes, flow.as_deref());
        }
        args::Run::Replay { ids } => return replay(context, &ids),
        args::Run::Diff { left, right } => return diff(context, &left, &right),
        args::Run::Approvals => approvals(context)?,
        args::Run::Approve { id, value, interrupt } => {
            post(context, &id, "answer", &AnswerRequest { interrupt, value: value_of(&value) })?;
            return watch(context, &id);
        }
        args::Run::Statistics => statistics(context)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn path(context: &Context, id: &str, rest: &str) -> String {
    context.path(&format!("/v1/runs/{}{rest}", escaped(id)))
}

fn post(context: &Context, id: &str, action: &str, body: &impl serde::Serialize) -> Result<Run> {
    context.client.post(&path(context, id, &format!("/{action}")), body)?.json()
}

fn start(
    context: &Context,
    flow: &str,
    input: &[String],
    key: Option<&str>,
    detach: bool,
) -> Result<ExitCode> {
    let (flow, source) = flow_of(flow)?;
    let workspace = context.common.workspace.clone();
    let request = RunRequest { flow, source, input: object(input)?, workspace, wait_seconds: 0 };
    let headers: Vec<(&str, &str)> = key.map(|key| ("idempotency-key", key)).into_iter().collect();
    let started: Run = context.client.post_with("/v1/runs", &headers, &request)?.json()?;
    if detach {
        if context.common.json {
            json(&started)?
        } else {
            line(&started.id)?
        }
        return Ok(ExitCode::SUCCESS);
    }
    note(&context.color.dim(&format!("run {}", started.id)));
    watch(context, &started.id)
}

/// Follows to the end; a run that waits for a person is left waiting.
fn watch(context: &Context, id: &str) -> Result<ExitCode> {
    match follow(context, Some(id), None)? {
        End::Asked(approval) => {
            if !context.common.json {
                ask(context, &approval)?;
            }
            Ok(ExitCode::SUCCESS)
        }
        End::Done { done, .. } => {
            if !context.common.json {
                tell(context, &done.run)?;
            }
            Ok(exit_of(&done.run))
        }
        End::Failed(error) => {
            print_error(&error, context.color);
            note(&context.color.dim(&resumable(id)));
            Ok(ExitCode::from(PARTLY_FAILED))
        }
    }
}

fn resumable(id: &str) -> String {
    format!("Take it up again with: ibid run resume {id}")
}

fn exit_of(run: &Run) -> ExitCode {
    if run.status == "failed" { ExitCode::from(PARTLY_FAILED) } else { ExitCode::SUCCESS }
}

fn ask(context: &Context, approval: &Approval) -> Result<()> {
    let color = context.color;
    line(&format!("{} {}", color.yellow("waits:"), foreign(&approval.prompt)))?;
    line(&color.dim(&format!("    answer with: ibid run approve {} VALUE", approval.run)))
}

fn list(context: &Context, status: Option<String>, flow: Option<String>, limit: usize) -> Result<()> {
    let query = |name: &str, value: Option<String>| {
        value.map_or_else(String::new, |value| format!("&{name}={}", escaped(&value)))
    };
    let rest = format!("{}{}", query("status", status), query("flow", flow));
    let page: RunsPage =
        context.client.get(&context.path(&format!("/v1/runs?limit={limit}{rest}")))?.json()?;
    if context.common.json {
        return json(&page);
    }
    if page.runs.is_empty() {
        note("there is no such run");
    }
    page.runs.iter().try_for_each(|run| line(&headline(context, run)))
}

fn headline(context: &Context, run: &Run) -> String {
    let color = context.color;
    let status = format!("{:<9}", run.status);
    let status = match run.status.as_str() {
        "finished" => color.green(&status),
        "failed" => color.red(&status),
        _ => color.yellow(&status),
    };
    let at = if run.nodes.is_empty() { String::new() } else { format!(" at {}", run.nodes.join(", ")) };
    format!("{}  {status} {}{at}  {}", run.id, run.flow, color.dim(&run.created_at))
}

/// The run with what came of it.
fn tell(context: &Context, run: &Run) -> Result<()> {
    if context.common.json {
        return json(run);
    }
    line(&headline(context, run))?;
    if let Some(output) = &run.output {
        line(&foreign(&pretty(output)))?;
    }
    if let Some(failure) = &run.failure {
        line(&context.color.red(&format!("{} [{}]", foreign(&failure.reason), failure.code)))?;
        if run.status == "failed" {
            note(&resumable(&run.id));
        }
    }
    run.approvals.iter().try_for_each(|approval| ask(context, approval))
}

fn pretty(value: &Value) -> String {
    value.as_str().map_or_else(|| serde_json::to_string_pretty(value).unwrap_or_default(), str::to_owned)
}

fn show(context: &Context, id: &str) -> Result<ExitCode> {
    let run: Run = context.client.get(&path(context, id, ""))?.json()?;
    let history: CheckpointsPage =
        context.client.get(&path(context, id, &format!("/checkpoints?limit={HISTORY_MAX}")))?.json()?;
    if context.common.json {
        json(&serde_json::json!({ "run": run, "checkpoints": history.checkpoints }))?;
        return Ok(ExitCode::SUCCESS);
    }
    tell(context, &run)?;
    for checkpoint in &history.checkpoints {
        let node = checkpoint.node.as_deref().unwrap_or_default();
        let what = format!("{:>5}  {}  {:<10} {node}", checkpoint.number, checkpoint.at, checkpoint.kind);
        line(&format!("{what}  {}", context.color.dim(&counted(checkpoint.bytes, "byte"))))?;
    }
    note(&told_of(&run.spent));
    Ok(ExitCode::SUCCESS)
}

/// What was spent: "9 steps, 1,200 tokens, 0.0013 USD"; no money where no model has a price.
fn told_of(spent: &Spent) -> String {
    let tokens = spent.prompt_tokens + spent.completion_tokens;
    let money = if spent.money > 0.0 { format!(", {:.4} USD", spent.money) } else { String::new() };
    format!("{}, {}{money}", counted(u64::from(spent.steps), "step"), counted(tokens, "token"))
}

fn state(context: &Context, id: &str, number: u32) -> Result<()> {
    let found: CheckpointState =
        context.client.get(&path(context, id, &format!("/checkpoints/{number}")))?.json()?;
    if context.common.json { json(&found) } else { line(&foreign(&pretty(&found.channels))) }
}

fn fork(
    context: &Context,
    id: &str,
    checkpoint: Option<u32>,
    changes: &[String],
    flow: Option<&str>,
) -> Result<ExitCode> {
    let (flow, source) = flow.map_or(Ok((None, None)), flow_of)?;
    let request = ForkRequest { checkpoint, changes: object(changes)?, flow, source };
    let forked = post(context, id, "fork", &request)?;
    note(&context.color.dim(&format!("run {}", forked.id)));
    watch(context, &forked.id)
}

fn replay(context: &Context, ids: &[String]) -> Result<ExitCode> {
    let mut all_equal = true;
    for id in ids {
        let replayed: Replayed = context.client.post(&path(context, id, "/replay"), &())?.json()?;
        all_equal &= replayed.equal;
        if context.common.json {
            json(&replayed)?;
        } else if replayed.equal {
            let count = counted(u64::from(replayed.checkpoints), "checkpoint");
            line(&format!("{id}  {} ({count})", context.color.green("equal")))?;
        } else {
            let at = replayed.differs_at.map_or_else(String::new, |at| format!(" at checkpoint {at}"));
            line(&format!("{id}  {}{at}", context.color.red("differs")))?;
            replayed.differences.iter().try_for_each(|found| difference(context, found))?;
        }
    }
    Ok(if all_equal { ExitCode::SUCCESS } else { ExitCode::from(PARTLY_FAILED) })
}

fn diff(context: &Context, left: &str, right: &str) -> Result<ExitCode> {
    let found: RunDiff =
        context.client.get(&path(context, left, &format!("/diff/{}", escaped(right))))?.json()?;
    if context.common.json {
        json(&found)?;
        return Ok(ExitCode::SUCCESS);
    }
    line(&format!("{} in common", counted(u64::from(found.common), "checkpoint")))?;
    if !found.first.is_empty() {
        line("Then:")?;
        found.first.iter().try_for_each(|found| difference(context, found))?;
    }
    if found.last.is_empty() {
        line("At the end: equal")?;
    } else {
        line("At the end:")?;
        found.last.iter().try_for_each(|found| difference(context, found))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn difference(context: &Context, found: &Difference) -> Result<()> {
    let side = |value: &Option<Value>| {
        value.as_ref().map_or_else(|| "nothing".to_owned(), |value| shortened(&value.to_string(), 120))
    };
    let color = context.color;
    line(&format!("  {}", color.bold(&foreign(&found.path))))?;
    line(&format!("    {}", color.red(&foreign(&format!("- {}", side(&found.left))))))?;
    line(&format!("    {}", color.green(&foreign(&format!("+ {}", side(&found.right))))))
}

fn approvals(context: &Context) -> Result<()> {
    let page: ApprovalsPage = context.client.get(&context.path("/v1/approvals"))?.json()?;
    if context.common.json {
        return json(&page);
    }
    if page.approvals.is_empty() {
        note("no run waits for a person");
    }
    for approval in &page.approvals {
        let until = approval.expires_at.as_ref().map_or_else(String::new, |at| format!(", until {at}"));
        let at = format!("{} at {}{until}", approval.flow, approval.node);
        line(&format!("{}  {}", approval.run, context.color.dim(&at)))?;
        ask(context, approval)?;
    }
    Ok(())
}

fn statistics(context: &Context) -> Result<()> {
    let found: RunStatistics = context.client.get("/v1/runs/statistics")?.json()?;
    if context.common.json {
        return json(&found);
    }
    for (status, count) in &found.runs {
        line(&format!("{status:<9} {}", counted(*count, "run")))?;
    }
    let mean = found.checkpoint_bytes.checked_div(found.checkpoints).unwrap_or(0);
    let stored = counted(found.checkpoints, "checkpoint");
    line(&format!("{stored}, {} bytes, {} each on average", grouped(found.checkpoint_bytes), grouped(mean)))?;
    line(&format!("{}, {} bytes", counted(found.values, "large value"), grouped(found.value_bytes)))?;
    line(&format!("{} by runs that ended since the start", told_of(&found.spent)))
}
