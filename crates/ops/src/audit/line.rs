//! An entry of the audit log as a line: JSON, as `ibid audit export` prints it, or CEF.
//!
//! Keeps true: whatever an entry holds, it is one line, and means in its format what stands there.

use ibid_store::AuditEntry;
use ibid_types::plain::one_line;
use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Jsonl,
    Cef,
}

/// What is told of an entry; the hash covers it and all before it.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    pub number: i64,
    pub at: String,
    pub actor: String,
    pub action: String,
    pub subject: String,
    pub hash: String,
}

impl From<&AuditEntry> for Line {
    fn from(entry: &AuditEntry) -> Self {
        Self {
            number: entry.number,
            at: entry.at.to_string(),
            actor: entry.actor.clone(),
            action: entry.action.clone(),
            subject: entry.subject.clone(),
            hash: entry.hash.to_string(),
        }
    }
}

impl Line {
    /// In a format, without its end.
    #[must_use]
    pub fn text(&self, format: Format) -> String {
        match format {
            Format::Jsonl => serde_json::to_string(self).unwrap_or_default(),
            Format::Cef => cef(self),
        }
    }

    /// Whether somebody was not let in, or not allowed.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        ["failed", "locked", "refused"].iter().any(|word| self.action.ends_with(word))
    }
}

/// ArcSight Common Event Format, version 0 of it.
#[must_use]
pub fn cef(line: &Line) -> String {
    let plain = |text: &str| one_line(text).replace('\\', "\\\\");
    let header = |text: &str| plain(text).replace('|', "\\|");
    let value = |text: &str| plain(text).replace('=', "\\=");
    format!(
        "CEF:0|Ibid|ibid|{}|{}|{}|{}|rt={} suser={} msg={} externalId={}",
        env!("CARGO_PKG_VERSION"),
        header(&line.action),
        header(&line.action),
        if line.is_refusal() { 6 } else { 3 },
        value(&line.at),
        value(&line.actor),
        value(&line.subject),
        line.number
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        Line {
            number: 7,
            at: "2026-11-21T00:00:00Z".to_owned(),
            actor: "user a=b".to_owned(),
            action: "x|failed".to_owned(),
            subject: "one\u{1b}[31m\ntwo".to_owned(),
            hash: String::new(),
        }
    }

    #[test]
    fn what_means_something_in_cef_is_escaped() {
        let told = line().text(Format::Cef);
        assert!(
            told.contains("|x\\|failed|6|rt=2026-11-21T00:00:00Z suser=user a\\=b msg=one\u{fffd}[31m\u{fffd}two externalId=7"),
            "{told}"
        );
    }

    #[test]
    fn json_is_one_line() {
        let told = line().text(Format::Jsonl);
        assert!(told.starts_with(r#"{"number":7,"at":"2026-11-21T00:00:00Z","#), "{told}");
        assert!(!told.contains('\n') && !told.contains('\u{1b}'), "{told}");
    }
}
