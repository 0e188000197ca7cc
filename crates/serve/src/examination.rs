//! What the doctor sees inside a library that is open: each part of it with what is wrong and how to mend it.
//!
//! Keeps true: a part that cannot be looked at is a finding and hides no other; a quick examination reads no more of a large
//! library than of a small one.

use ibid_model::BreakerState;
use ibid_ops::alert::per_cent;
use ibid_ops::certificate;
use ibid_ops::doctor::{self, Finding};
use ibid_ops::machine;
use ibid_store::{JobState, JobsQuery};
use ibid_types::Result;
use ibid_types::access::Readable;

use crate::App;
use crate::leaks::leaked_keys;
use crate::{quality, scrub};

/// A lag that the next second cures is not worth a word.
const LAG_MAX: u64 = 500;
/// The backup may be so far behind, in milliseconds, while it copes with a burst.
const BEHIND_MS_MAX: u64 = 60_000;
/// So long an entry of the audit log may take to its receivers, with an attempt or two that fail.
const AUDIT_LATE_MS: i64 = 60_000;
/// So long an episode may wait to be read while many come at once.
const UNREAD_MS_MAX: i64 = 60_000;

/// Whether a look is over at once, or reads the whole library or asks others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    Short,
    Long,
}

use Length::{Long, Short};

type Look = fn(&App) -> Result<Vec<Finding>>;

/// The areas that a look may tell of, the first one also of an error of the look itself.
const LOOKS: [(&[&str], Length, Look); 20] = [
    (&["store"], Long, |app| Ok(vec![doctor::store(&app.store), scrub::pages(app)])),
    (&["blobs"], Long, |app| Ok(vec![scrub::missing(app)])),
    (&["blobs", "models", "providers"], Short, |app| Ok(checks(app))),
    (&["models"], Long, |app| app.probe_embedder().map(|()| Vec::new())),
    (&["providers"], Short, |app| Ok(breakers(app))),
    (&["providers"], Short, |app| Ok(clear(app))),
    (&["index"], Short, |app| lag(app).map(|finding| vec![finding])),
    (&["index"], Long, differences),
    (&["backup"], Short, |app| Ok(vec![backup(app)])),
    (&["jobs"], Short, |app| jobs(app).map(|finding| vec![finding])),
    (&["keys"], Short, |app| Ok(door(app))),
    (&["keys"], Long, leaks),
    (&["certificates"], Long, |app| {
        Ok(certificate::findings(&app.watching.look_at_certificates(), app.clock.now()))
    }),
    (&["certificates"], Short, |app| {
        Ok(app.tls.get().map(|tls| tls.findings(app.clock.now())).unwrap_or_default())
    }),
    (&["memory"], Short, |app| {
        Ok(vec![doctor::memory(&machine::process(app.config.server.memory_mb_max << 20))])
    }),
    (&["memories"], Short, memories),
    (&["answers"], Short, |app| Ok(vec![answers(app)])),
    (&["answers"], Short, |app| quality::questions(&app.config.data.dir).map(|_| Vec::new())),
    (&["alerts"], Short, alerts),
    (&["audit"], Short, audit),
];

/// What is found in these areas; in all where none is named.
pub fn findings(app: &App, only: &[&str], is_quick: bool) -> Vec<Finding> {
    let wanted = |area: &str| only.is_empty() || only.contains(&area);
    let mut all = Vec::new();
    for (areas, length, look) in LOOKS {
        if areas.iter().any(|area| wanted(area)) && !(is_quick && length == Long) {
            all.extend(look(app).unwrap_or_else(|error| vec![Finding::of_error(areas[0], &error)]));
        }
    }
    all.retain(|finding| wanted(finding.area));
    all
}

fn checks(app: &App) -> Vec<Finding> {
    let area = |name: &str| match name {
        "blobs" => Some(("blobs", "blobs_unreachable", "ibid runbook run service-down")),
        "embedder" => {
            Some(("models", "model_unusable", "ibid models pull, or ibid runbook run provider-down"))
        }
        "chat" => Some(("providers", "provider_unreachable", "ibid runbook run provider-down")),
        // These two are looked at more closely.
        _ => None,
    };
    let finding = |check: ibid_api::system::Check| {
        let (area, code, fix) = area(&check.name)?;
        Some(match check.status.as_str() {
            "ok" => Finding::ok(area, check.detail),
            _ => Finding::problem(area, code, check.detail, fix),
        })
    };
    app.checks().into_iter().filter_map(finding).collect()
}

/// Chat models that are left alone.
fn breakers(app: &App) -> Vec<Finding> {
    let resting = app.breakers().filter(|(_, state)| *state != BreakerState::Closed);
    let finding = |(model, state): (&str, BreakerState)| {
        let what = format!("the model {model} failed too often: its breaker is {}", state.name());
        Finding::problem("providers", "breaker_open", what, "ibid runbook run provider-down")
    };
    resting.map(finding).collect()
}

/// Hosts to which something is sent without encryption, as the configuration permits.
fn clear(app: &App) -> Vec<Finding> {
    let finding = |(key, host): (String, String)| {
        let what = format!("what is sent to {host} ({key}) is not encrypted");
        let fix = "use https:// there, and take the host out of guard.unencrypted_hosts";
        Finding::note("providers", "sent_unencrypted", what, fix)
    };
    app.config.sent_in_the_clear().into_iter().map(finding).collect()
}

fn lag(app: &App) -> Result<Finding> {
    let lag = app.index_lag()?;
    if lag <= LAG_MAX {
        return Ok(Finding::ok("index", format!("{lag} changes behind")));
    }
    let what = format!("the indexes are {lag} changes behind");
    Ok(Finding::problem("index", "index_behind", what, "ibid runbook run index-damaged"))
}

fn differences(app: &App) -> Result<Vec<Finding>> {
    let differences = app.index_differences()?;
    if differences.is_empty() {
        return Ok(Vec::new());
    }
    let what = format!("the index does not hold what the store does: {}", differences.join("; "));
    Ok(vec![Finding::problem("index", "index_broken", what, "ibid runbook run index-damaged")])
}

fn backup(app: &App) -> Finding {
    let fix = "ibid runbook run backup-failed";
    let Some(backup) = &app.backup else {
        let what = "nothing is backed up";
        return Finding::note("backup", "backup_disabled", what, "set backup.enabled = true");
    };
    let status = backup.status();
    if let Some(gone) = status
        .destinations
        .iter()
        .find(|destination| destination.last_failure.is_some() && !destination.is_reachable)
    {
        let reason = gone.last_failure.as_ref().map_or("", |failure| failure.reason.as_str());
        let what = format!("the destination {} cannot be reached: {reason}", gone.label);
        return Finding::problem("backup", "backup_unreachable", what, fix);
    }
    let behind = status.destinations.iter().map(|destination| destination.behind_ms).max().unwrap_or(0);
    let oldest = app.config.slo.backup_age_seconds_max.cast_signed();
    match status.base_at {
        None => Finding::note("backup", "backup_no_base", "there is no base yet", "ibid backup now"),
        Some(at) if (app.clock.now().0 - at.0) / 1000 > oldest => {
            Finding::problem("backup", "backup_late", format!("the newest base is of {at}"), fix)
        }
        Some(_) if behind > BEHIND_MS_MAX => {
            let what = format!("a destination is {} s behind", behind / 1000);
            Finding::problem("backup", "backup_behind", what, fix)
        }
        Some(at) => {
            Finding::ok("backup", format!("the newest base is of {at}, and every commit since is there"))
        }
    }
}

fn jobs(app: &App) -> Result<Finding> {
    let failed = JobsQuery { state: Some(JobState::Failed), limit: 1, ..JobsQuery::default() };
    let count = app.store.jobs().list(&Readable::All, &failed)?.counts.failed;
    if count == 0 {
        return Ok(Finding::ok("jobs", "no job gave up"));
    }
    let what = format!("{count} jobs gave up");
    let fix = "ibid jobs list --state failed, then ibid jobs retry ID";
    Ok(Finding::note("jobs", "jobs_failed", what, fix))
}

/// Whether whoever listens on the way can read along.
fn door(app: &App) -> Vec<Finding> {
    let server = &app.config.server;
    if !server.is_in_the_clear() || app.config.notify.public_url.starts_with("https://") {
        return Vec::new();
    }
    let what = format!(
        "{} can be reached from other machines, and passwords and keys go there unencrypted",
        server.address
    );
    let fix =
        "set server.tls.certificate, or put a proxy with TLS before it and name it in server.trusted_proxies";
    vec![Finding::note("keys", "server_unencrypted", what, fix)]
}

/// Keys that stand where others can read them.
fn leaks(app: &App) -> Result<Vec<Finding>> {
    let leaked = leaked_keys(app)?;
    if leaked.is_empty() {
        return Ok(vec![Finding::ok("keys", "no living key stands in a document")]);
    }
    let finding = |leak: &ibid_api::quality::LeakedKey| {
        let what = format!(
            "the living key '{}' ({}…) stands in the document {}",
            leak.name, leak.prefix, leak.source
        );
        Finding::problem("keys", "key_leaked", what, "ibid runbook run secret-leaked")
    };
    Ok(leaked.iter().map(finding).collect())
}

/// Whether what is remembered can be read, was read, and what was forgotten is gone from the files.
fn memories(app: &App) -> Result<Vec<Finding>> {
    let fix = "ibid runbook run memory-behind";
    if let Err(error) = memories_open(app) {
        return Ok(vec![Finding::problem("memories", error.code, error.chain(), fix)]);
    }
    let (undone, now) = (app.store.jobs().undone(ibid_memory::JOB)?, app.clock.now());
    let mut all = Vec::new();
    if undone.failed > 0 {
        let what = format!("{} jobs to read episodes gave up", undone.failed);
        all.push(Finding::problem("memories", "memory_unread", what, fix));
    }
    if let Some(due) = undone.due_at.filter(|due| now.0 - due.0 > UNREAD_MS_MAX) {
        let what = format!("{} jobs to read episodes wait, the first since {due}", undone.waiting);
        all.push(Finding::problem("memories", "memory_behind", what, fix));
    }
    if let Some(since) = app.store.memory_log_held()? {
        let what = format!(
            "the log of the database holds what was forgotten at {since}: somebody reads an older state"
        );
        all.push(Finding::problem("memories", "memory_log_held", what, fix));
    }
    if all.is_empty() {
        all.push(Finding::ok("memories", format!("{} jobs to read episodes wait", undone.waiting)));
    }
    Ok(all)
}

/// Reads the first of each sort in every workspace: under a key that is not there none can be read.
fn memories_open(app: &App) -> Result<()> {
    for workspace in app.store.workspace_list()? {
        drop(app.store.episodes_after(workspace.id, None, 1)?);
        drop(app.store.entities_after(workspace.id, None, 1)?);
        drop(app.store.facts_after(workspace.id, None, 1)?);
    }
    Ok(())
}

/// Whether what was checked again in answers was right.
fn answers(app: &App) -> Finding {
    let least = app.config.slo.accuracy_min;
    match app.watching_accuracy() {
        None => Finding::ok("answers", "none was checked again yet"),
        Some(accuracy) if accuracy < least => {
            let what = format!("only {} of what was checked again was right", per_cent(accuracy));
            Finding::problem("answers", "answers_wrong", what, "ibid runbook run bad-answers")
        }
        Some(accuracy) => {
            Finding::ok("answers", format!("{} of what was checked again was right", per_cent(accuracy)))
        }
    }
}

fn alerts(app: &App) -> Result<Vec<Finding>> {
    let mut all = Vec::new();
    for alert in app.store.alerts_firing()? {
        let fix = format!("ibid runbook run {}", alert.runbook);
        let what = format!("{} fires since {}: {}", alert.rule, alert.fired_at, alert.summary);
        all.push(match alert.severity.as_str() {
            "critical" => Finding::problem("alerts", "alert_firing", what, fix),
            _ => Finding::note("alerts", "alert_firing", what, fix),
        });
    }
    if app.config.notify.receivers.is_empty() {
        let what = "nobody is told of alerts";
        all.push(Finding::note("alerts", "notify_nobody", what, "name somebody in notify.receivers"));
    }
    if all.is_empty() {
        all.push(Finding::ok("alerts", "no alert fires"));
    }
    Ok(all)
}

/// Whether the audit log is where it is sent.
fn audit(app: &App) -> Result<Vec<Finding>> {
    let outlets = &app.watching.outlets;
    if outlets.is_empty() {
        return Ok(vec![Finding::ok(
            "audit",
            "it is kept here and sent nowhere: audit.receivers names none",
        )]);
    }
    outlets.iter().map(|outlet| sent(app, outlet.name())).collect()
}

fn sent(app: &App, receiver: &str) -> Result<Finding> {
    let behind = ibid_ops::audit::behind(&app.store, receiver)?;
    let late = behind.since.filter(|since| app.clock.now().0 - since.0 > AUDIT_LATE_MS);
    let Some(since) = late else {
        return Ok(Finding::ok("audit", format!("{receiver} has every entry but those of the last minute")));
    };
    let what = format!("{receiver} misses {} entries of the audit log, since {since}", behind.entries);
    let fix = "look at the receiver and at its address in audit.receivers; the log says why it takes nothing";
    Ok(Finding::problem("audit", "audit_behind", what, fix))
}
