//! `ibid audit`: what was done, by whom, and whether the log of it is whole.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::ExitCode;

use ibid_api::identity::{AuditEntry, AuditPage, AuditVerified};
use ibid_ops::audit::{Line, cef};
use ibid_store::AuditChain;
use ibid_types::{Error, Result};

use crate::args::{Audit, Format};
use crate::context::Context;
use crate::output::{counted, foreign_line, json, json_line, line};

/// Entries in one request.
const PAGE: usize = 1000;
/// Longest line of an export that is read.
const LINE_BYTES_MAX: usize = 1 << 20;

pub fn run(context: &Context, command: &Audit) -> Result<ExitCode> {
    match command {
        Audit::List { after, limit } => {
            let page = fetch(context, *after, *limit)?;
            if context.common.json {
                json(&page)?;
            } else {
                page.entries.iter().try_for_each(|entry| line(&shown(entry)))?;
            }
        }
        Audit::Verify { file } => verify(context, file.as_deref())?,
        Audit::Export { format } => export(context, *format)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn fetch(context: &Context, after: i64, limit: usize) -> Result<AuditPage> {
    context.client.get(&format!("/v1/audit?after={after}&limit={limit}"))?.json()
}

fn shown(entry: &AuditEntry) -> String {
    let AuditEntry { number, at, actor, action, subject, .. } = entry;
    format!("{number:>6}  {at}  {}  {}  {}", foreign_line(actor), foreign_line(action), foreign_line(subject))
}

fn verify(context: &Context, file: Option<&Path>) -> Result<()> {
    let verified = match file {
        Some(path) => AuditVerified { entries: verify_file(path)? },
        None => context.client.get("/v1/audit/verify")?.json()?,
    };
    if context.common.json {
        return json(&verified);
    }
    line(&format!(
        "{}: none was changed, removed or put in between",
        counted(verified.entries.unsigned_abs(), "entry")
    ))
}

/// Follows the chain of hashes through an export. Errors: `file_unreadable`, `audit_broken`.
fn verify_file(path: &Path) -> Result<i64> {
    let unreadable = |error: std::io::Error| {
        let what = format!("cannot read {}", path.display());
        Error::unavailable("file_unreadable", what).caused_by(error)
    };
    let mut chain = AuditChain::default();
    for text in BufReader::new(File::open(path).map_err(unreadable)?).lines() {
        let text = text.map_err(unreadable)?;
        if text.trim().is_empty() {
            continue;
        }
        let no_entry = || {
            let what = format!("line {} of {} is no entry of an audit log", chain.last() + 1, path.display());
            Error::bad_request("audit_broken", what)
        };
        if text.len() > LINE_BYTES_MAX {
            return Err(no_entry());
        }
        let entry: AuditEntry = serde_json::from_str(&text).map_err(|error| no_entry().caused_by(error))?;
        chain.follow(&ibid_store::AuditEntry {
            number: entry.number,
            at: entry.at.parse()?,
            actor: entry.actor,
            action: entry.action,
            subject: entry.subject,
            hash: entry.hash.parse()?,
        })?;
    }
    Ok(chain.last())
}

fn export(context: &Context, format: Format) -> Result<()> {
    let mut after = Some(0);
    while let Some(from) = after {
        let page = fetch(context, from, PAGE)?;
        for entry in page.entries {
            match format {
                Format::Jsonl => json_line(&entry)?,
                Format::Cef => line(&cef(&told(entry)))?,
            }
        }
        after = page.next;
    }
    Ok(())
}

fn told(entry: AuditEntry) -> Line {
    let AuditEntry { number, at, actor, action, subject, hash } = entry;
    Line { number, at, actor, action, subject, hash }
}
