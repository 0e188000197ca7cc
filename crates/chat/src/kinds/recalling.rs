//! The kinds that give an answer again and that keep one.
//!
//! Keeps true: both only ever save work: without a kept answer, or where nothing can be kept, a turn goes on as if they were not there.

use ibid_flow::{Call, Emitted, Output};
use ibid_types::Result;
use ibid_types::answer::Usage;
use serde_json::json;

use super::{Work, output, shown};
use crate::answerer::RECALLED;
use crate::kept::evidence_of;
use crate::ports::Ports;

pub(super) fn perform_recall(ports: &Ports, call: &Call<'_>) -> Result<Output> {
    let work = Work::read(ports, call)?;
    let findings = work.findings()?;
    let evidence = evidence_of(&findings);
    let Some(answer) = work.memory().and_then(|memory| memory.again(&findings)) else {
        return Ok(output(json!({ "again": false, "answer": {}, "evidence": evidence }), Usage::default()));
    };
    let _ = (call.emit)(Emitted::Progress(RECALLED.to_owned()));
    let guard = work.guard(findings.iter().flat_map(|finding| &finding.hits));
    let mut value = shown(&answer, &guard);
    let _ = (call.emit)(Emitted::Token(guard.clean(&answer.text).text));
    (value["again"], value["evidence"]) = (json!(true), json!(evidence));
    Ok(output(value, Usage::default()))
}

pub(super) fn perform_keep(ports: &Ports, call: &Call<'_>) -> Result<Output> {
    let work = Work::read(ports, call)?;
    let (answer, findings) = (work.answer()?, work.findings()?);
    // A document that changed while the answer was made is not what the answer was made of.
    let is_unchanged = evidence_of(&findings).to_string() == work.input.evidence;
    let memory = work.memory().filter(|_| is_unchanged);
    let is_kept = memory.is_some_and(|memory| memory.keep(&findings, &answer, Some(call.run)));
    let told = if is_kept { "it may be given again" } else { "it is not to be given again" };
    let _ = (call.emit)(Emitted::Progress(told.to_owned()));
    Ok(output(json!({ "kept": is_kept }), Usage::default()))
}
