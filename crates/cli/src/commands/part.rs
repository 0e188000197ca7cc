//! `ibid restore --only`: a part of a backup back into the living library, through its server or in this process.

use std::process::ExitCode;

use ibid_types::Result;
use serde_json::{Value, json};

use crate::args::Restore;
use crate::context::Context;
use crate::output::{PARTLY_FAILED, counted, foreign_line, grouped, json as print_json, line, note};

/// Things that are shown by name; all of them are counted.
const SHOWN_MAX: usize = 20;

pub fn restore(context: &Context, arguments: &Restore, only: &str) -> Result<ExitCode> {
    let asked = json!({
        "to": arguments.to, "only": only, "workspace": context.common.workspace,
        "forgotten": arguments.forgotten, "dry_run": arguments.dry_run
    });
    let back: Value = context.client.post("/v1/ops/restores", &asked)?.json()?;
    if context.common.json {
        print_json(&back)?;
    } else {
        show(&back)?;
    }
    let is_whole = list(&back, "failures").is_empty() && number(&back, "originals_missing") == 0;
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(PARTLY_FAILED) })
}

fn show(back: &Value) -> Result<()> {
    let at = back.get("at").and_then(Value::as_i64).unwrap_or_default();
    let commit = grouped(number(back, "commit"));
    line(&format!("commit {commit} of {}", ibid_types::Timestamp(at)))?;
    let items = list(back, "items");
    for item in items.iter().take(SHOWN_MAX) {
        let place = if item.get("is_there") == Some(&Value::Bool(true)) {
            "in place of what is there"
        } else {
            "anew"
        };
        let name = match text(item, "name") {
            name if name.is_empty() => name,
            name => format!("  {name}"),
        };
        line(&format!("  {} {}{name}, {place}", text(item, "kind"), text(item, "id")))?;
    }
    if items.len() > SHOWN_MAX {
        line(&format!("  and {} more", grouped((items.len() - SHOWN_MAX) as u64)))?;
    }
    for failure in list(back, "failures") {
        line(&format!(
            "  {} {}  {} [{}]",
            text(failure, "kind"),
            text(failure, "id"),
            text(failure, "reason"),
            text(failure, "code")
        ))?;
    }
    let counts = format!(
        "{}, {} and {}",
        counted(number(back, "documents"), "document"),
        counted(number(back, "threads"), "thread"),
        counted(number(back, "runs"), "run")
    );
    let is_dry_run = back.get("is_dry_run") == Some(&Value::Bool(true));
    remembered(back, is_dry_run)?;
    if is_dry_run {
        return line(&format!("{counts} would come back; nothing was changed: this was a dry run"));
    }
    line(&format!("{counts} came back"))?;
    remarks(back);
    Ok(())
}

/// How much of whose memory.
fn remembered(back: &Value, is_dry_run: bool) -> Result<()> {
    let owners = match number(back, "memories") {
        0 => return Ok(()),
        1 => "of one owner".to_owned(),
        owners => format!("of {} owners", grouped(owners)),
    };
    let counts = format!(
        "{}, {} and {}",
        counted(number(back, "episodes"), "episode"),
        counted(number(back, "entities"), "entity"),
        counted(number(back, "facts"), "fact")
    );
    let came = if is_dry_run { "would come back" } else { "came back" };
    line(&format!("the memory {owners}: {counts} {came}"))
}

fn remarks(back: &Value) {
    let away = number(back, "turns_away");
    if away > 0 {
        note(&format!("{} not over at that moment and stay away", counted(away, "turn")));
    }
    let missing = number(back, "originals_missing");
    if missing > 0 {
        note(&format!(
            "{} in no backup: documents without them are searched and cited as before",
            counted(missing, "original")
        ));
    }
}

fn list<'a>(back: &'a Value, key: &str) -> &'a [Value] {
    back.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn number(back: &Value, key: &str) -> u64 {
    back.get(key).and_then(Value::as_u64).unwrap_or(0)
}

fn text(item: &Value, key: &str) -> String {
    item.get(key).and_then(Value::as_str).map(foreign_line).unwrap_or_default()
}
