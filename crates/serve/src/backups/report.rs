//! What a rehearsal found, and the same as a page for people: one file without scripts or links, which a browser prints as PDF.
//!
//! Keeps true: nothing that was read from a library or a backup gets into the page as markup.

use std::fmt::Write;

use ibid_types::Timestamp;
use serde::{Deserialize, Serialize};

/// What a rehearsal found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub at: Timestamp,
    pub is_passed: bool,
    /// Why it failed, one reason each.
    pub failures: Vec<String>,
    /// Of the program that rehearsed.
    #[serde(default)]
    pub program: String,
    /// Where it may have read, in the order in which it was tried.
    #[serde(default)]
    pub destinations: Vec<String>,
    pub generation: String,
    #[serde(default)]
    pub base_commit: u64,
    #[serde(default)]
    pub base_at: Timestamp,
    pub commit: u64,
    pub commit_at: Timestamp,
    /// What would have been lost with this machine's disk when the rehearsal began: the age of the oldest commit on its way.
    pub rpo_ms: u64,
    /// From nothing to the first correct answer.
    pub rto_ms: u64,
    /// Of it: until the files were there, and until the library was open with its indexes.
    pub restored_ms: u64,
    pub opened_ms: u64,
    pub database_bytes: u64,
    pub segments: usize,
    pub originals: usize,
    pub originals_missing: usize,
    /// What was checked, in order.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// Rows by table.
    pub rows: Vec<(String, u64)>,
    pub questions: Vec<Question>,
    /// The last migration of the restored database.
    #[serde(default)]
    pub tables: String,
}

/// One check with what it found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    pub name: String,
    pub is_passed: bool,
    pub result: String,
}

/// A question whose passage must be found, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    pub chunk: String,
    /// Words of the passage.
    #[serde(default)]
    pub asked: String,
    /// The document's source.
    #[serde(default)]
    pub source: String,
    pub is_found: bool,
    pub is_exact: bool,
}

impl Question {
    #[must_use]
    pub const fn is_passed(&self) -> bool {
        self.is_found && self.is_exact
    }
}

const STYLE: &str = "body{font:11pt/1.5 system-ui,sans-serif;color:#1a1a1a;max-width:50rem;margin:2rem auto;padding:0 1rem}\
    h1{font-size:20pt;margin:0}h2{font-size:13pt;margin:2rem 0 .5rem}p{margin:.3rem 0}\
    table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #ddd}\
    th{font-weight:600;width:22rem}td.n{text-align:right;font-variant-numeric:tabular-nums}\
    .passed{color:#0b6b2e}.failed{color:#a11212}.outcome{font-size:14pt;font-weight:600}\
    footer{margin-top:2rem;color:#555;font-size:9pt}tr{break-inside:avoid}h2{break-after:avoid}@page{margin:20mm}@media print{body{margin:0;max-width:none}}";

/// The report as a page of its own.
#[must_use]
pub fn page(report: &Report) -> String {
    let mut html = String::new();
    let outcome = verdict(report.is_passed);
    let _ = write!(
        html,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Restore rehearsal of {at}</title>\n<style>{STYLE}</style></head><body>\n\
         <h1>Restore rehearsal</h1>\n<p>{at}</p>\n<p class=\"outcome\">{outcome}</p>\n",
        at = escaped(&report.at.to_string())
    );
    failures(&mut html, report);
    table(&mut html, "Measured", &measured(report));
    table(&mut html, "Backup", &backup(report));
    checks(&mut html, report);
    questions(&mut html, report);
    counts(&mut html, report);
    let _ = write!(
        html,
        "<footer>Made by Ibid {}. The rehearsal read the backup alone and restored it into an empty folder, which it removed afterwards.</footer>\n</body></html>\n",
        escaped(&report.program)
    );
    html
}

fn failures(html: &mut String, report: &Report) {
    if report.failures.is_empty() {
        return;
    }
    html.push_str("<h2>Why it failed</h2>\n<ul>\n");
    for failure in &report.failures {
        let _ = writeln!(html, "<li>{}</li>", escaped(failure));
    }
    html.push_str("</ul>\n");
}

fn measured(report: &Report) -> Vec<(&'static str, String)> {
    vec![
        ("Recovery point (RPO): what a loss of the disk would have cost", seconds(report.rpo_ms)),
        ("Recovery time (RTO): to the first correct answer", seconds(report.rto_ms)),
        ("Files restored after", seconds(report.restored_ms)),
        ("Library open after", seconds(report.opened_ms)),
    ]
}

fn backup(report: &Report) -> Vec<(&'static str, String)> {
    vec![
        ("Destinations", report.destinations.join(", ")),
        ("Generation", report.generation.clone()),
        ("Base", format!("commit {} of {}", report.base_commit, report.base_at)),
        ("Restored to", format!("commit {} of {}", report.commit, report.commit_at)),
        ("Segments of log applied", report.segments.to_string()),
        ("Database", format!("{} bytes", report.database_bytes)),
        ("Originals", format!("{} named, {} missing", report.originals, report.originals_missing)),
        ("Tables as of", report.tables.clone()),
    ]
}

fn table(html: &mut String, title: &str, rows: &[(&str, String)]) {
    let _ = writeln!(html, "<h2>{title}</h2>\n<table>");
    for (name, value) in rows {
        let _ = writeln!(html, "<tr><th>{}</th><td>{}</td></tr>", escaped(name), escaped(value));
    }
    html.push_str("</table>\n");
}

fn checks(html: &mut String, report: &Report) {
    html.push_str("<h2>Checks</h2>\n<table>\n");
    for check in &report.checks {
        let _ = writeln!(
            html,
            "<tr><th>{}</th><td>{}</td><td>{}</td></tr>",
            escaped(&check.name),
            verdict(check.is_passed),
            escaped(&check.result)
        );
    }
    html.push_str("</table>\n");
}

fn questions(html: &mut String, report: &Report) {
    let passed = report.questions.iter().filter(|question| question.is_passed()).count();
    let _ = writeln!(
        html,
        "<h2>Questions</h2>\n<p>{passed} of {} passages were found and are, byte for byte, what the living library has.</p>\n<table>",
        report.questions.len()
    );
    for question in &report.questions {
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
            escaped(&question.asked),
            escaped(&question.source),
            verdict(question.is_passed())
        );
    }
    html.push_str("</table>\n");
}

fn counts(html: &mut String, report: &Report) {
    html.push_str("<h2>Rows</h2>\n<table>\n");
    for (name, count) in &report.rows {
        let _ = writeln!(html, "<tr><th>{}</th><td class=\"n\">{count}</td></tr>", escaped(name));
    }
    html.push_str("</table>\n");
}

const fn verdict(is_passed: bool) -> &'static str {
    if is_passed { "<span class=\"passed\">passed</span>" } else { "<span class=\"failed\">FAILED</span>" }
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03} s", ms / 1000, ms % 1000)
}

/// Text that stays text in HTML, inside and outside of attributes.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // What no document may hold, and what could turn the reading direction of what follows.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => safe.push('\u{fffd}'),
            other if other.is_control() && !other.is_whitespace() => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVIL: &str = "</td><script>alert('x')</script>&\"\u{202e}\u{0}";

    fn evil() -> Report {
        Report {
            failures: vec![EVIL.to_owned()],
            program: EVIL.to_owned(),
            destinations: vec![EVIL.to_owned()],
            generation: EVIL.to_owned(),
            tables: EVIL.to_owned(),
            checks: vec![Check { name: EVIL.to_owned(), is_passed: false, result: EVIL.to_owned() }],
            rows: vec![(EVIL.to_owned(), 3)],
            questions: vec![Question {
                chunk: EVIL.to_owned(),
                asked: EVIL.to_owned(),
                source: EVIL.to_owned(),
                is_found: true,
                is_exact: false,
            }],
            ..Report::default()
        }
    }

    #[test]
    fn nothing_that_was_read_becomes_markup() {
        let html = page(&evil());
        assert!(!html.contains("<script") && !html.contains("alert('"), "{html}");
        assert!(!html.contains('\u{202e}') && !html.contains('\u{0}'));
        assert_eq!(html.matches("&lt;script&gt;").count(), 10, "{html}");
        assert_eq!(html.matches("<td").count(), html.matches("</td>").count());
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        let html = page(&evil());
        assert!(
            !html.contains("http://") && !html.contains("https://") && !html.contains("src=\""),
            "{html}"
        );
        assert!(html.contains("default-src 'none'") && html.contains("@page"));
    }

    #[test]
    fn it_says_what_was_found() {
        let report = Report {
            at: Timestamp(0),
            is_passed: true,
            rpo_ms: 1_250,
            rto_ms: 2_004,
            commit: 77,
            rows: vec![("chunks".to_owned(), 412)],
            ..Report::default()
        };
        let html = page(&report);
        for said in
            ["1970-01-01", "passed</span>", "1.250 s", "2.004 s", "commit 77", "412", "0 of 0 passages"]
        {
            assert!(html.contains(said), "{said}: {html}");
        }
        assert!(!html.contains("FAILED"));
    }

    #[test]
    fn reports_of_former_versions_can_be_read() {
        let old = r#"{"at":5,"is_passed":true,"failures":[],"generation":"g","commit":1,"commit_at":2,"rpo_ms":3,"rto_ms":4,"restored_ms":5,
            "opened_ms":6,"database_bytes":7,"segments":8,"originals":9,"originals_missing":0,"rows":[],
            "questions":[{"chunk":"c","is_found":true,"is_exact":true}]}"#;
        let report: Report = serde_json::from_str(old).unwrap();
        assert!(report.questions[0].is_passed() && report.checks.is_empty());
    }
}
