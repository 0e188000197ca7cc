//! The review afterwards, as Markdown that people complete.

use std::fmt::Write;

use ibid_store::{AlertRow, IncidentEvent, IncidentRow};
use ibid_types::Timestamp;
use ibid_types::plain::one_line;

/// What is known fills it in; what only people know is asked.
#[must_use]
pub fn review(incident: &IncidentRow, events: &[IncidentEvent], alerts: &[AlertRow]) -> String {
    let mut text = format!("# Incident {}: {}\n\n", incident.number, line(&incident.title));
    let after = |at: Option<Timestamp>| {
        at.map_or_else(
            || "not yet".to_owned(),
            |at| format!("{at} ({} later)", lasted(incident.opened_at, at)),
        )
    };
    let in_time = match (incident.respond_by, incident.acknowledged_at) {
        (Some(by), Some(at)) if at <= by => "in time",
        (Some(_), Some(_)) => "**too late**",
        (Some(_), None) if incident.late_at.is_some() => "**too late**",
        (Some(_), None) => "the clock runs",
        (None, _) => "no clock",
    };
    let rows = [
        ("priority", format!("P{}", incident.priority)),
        ("opened", incident.opened_at.to_string()),
        ("taken", format!("{}, {in_time}", after(incident.acknowledged_at))),
        ("over", after(incident.resolved_at)),
        ("closed", after(incident.closed_at)),
        ("runbook", line(&incident.runbook)),
    ];
    text.push_str("| | |\n|---|---|\n");
    for (name, value) in rows {
        let _ = writeln!(text, "| {name} | {value} |");
    }
    for (role, person) in &incident.roles {
        let _ = writeln!(text, "| {} | {} |", line(role), line(person));
    }
    text.push_str("\n## Alerts\n| alert | what | from | until |\n|---|---|---|---|\n");
    for alert in alerts {
        let until = alert.resolved_at.map_or_else(|| "still".to_owned(), |at| at.to_string());
        let _ =
            writeln!(text, "| {} | {} | {} | {until} |", alert.rule, line(&alert.summary), alert.fired_at);
    }
    text.push_str("\n## Timeline\n| when | who | what |\n|---|---|---|\n");
    for event in events {
        let _ =
            writeln!(text, "| {} | {} | {}: {} |", event.at, line(&event.who), event.kind, line(&event.text));
    }
    text.push_str(QUESTIONS);
    text
}

const QUESTIONS: &str = "\n## What people noticed\n_Who could not do what, for how long? How many questions, how many people?_\n\n\
    ## Why it happened\n_Ask why five times. Name conditions, not people._\n\n\
    ## What went well, what did not, where we were lucky\n\n\
    ## What we change\n| what | who | until when |\n|---|---|---|\n| | | |\n";

/// Text within a cell of a table, in which nothing is markup: whoever renders the review fetches nothing, and shows what was written.
fn line(text: &str) -> String {
    let words = text.split_whitespace().map(one_line).collect::<Vec<_>>().join(" ");
    let mut escaped = String::with_capacity(words.len());
    for c in words.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => escaped.extend(['\\', c]),
            _ => escaped.push(c),
        }
    }
    escaped
}

fn lasted(from: Timestamp, to: Timestamp) -> String {
    let minutes = to.0.saturating_sub(from.0).max(0) / 60_000;
    if minutes >= 120 { format!("{} h {} min", minutes / 60, minutes % 60) } else { format!("{minutes} min") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_is_no_markup() {
        assert_eq!(
            line("![x](http://a.example/p.png) <img src=x>"),
            "!\\[x\\](http://a.example/p.png) &lt;img src=x&gt;"
        );
        assert_eq!(line("a | b\n\u{1b}[31m `c` &#60;"), "a \\| b \u{fffd}\\[31m \\`c\\` &amp;#60;");
    }
}
