//! The status page: plain HTML without a script, for people who use the service. Its stylesheet is a file of the web page,
//! `/status.css`, as the content policy allows no other.
//!
//! Keeps true: it says nothing of rules, values or names; only titles of priorities and the messages that somebody wrote
//! for it.

use std::fmt::Write;

use ibid_store::IncidentRow;
use ibid_types::Timestamp;

/// Past incidents on the page.
const PAST_MAX: usize = 10;
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The page over the newest incidents, open and closed.
#[must_use]
pub fn status_page(title: &str, incidents: &[IncidentRow], now: Timestamp) -> String {
    let (open, past): (Vec<&IncidentRow>, Vec<&IncidentRow>) =
        incidents.iter().partition(|incident| over_at(incident).is_none());
    let (class, symbol, state) = match open.iter().map(|incident| incident.priority).min() {
        None | Some(3..) => ("good", "✓", "Everything works."),
        Some(0) => ("bad", "✕", "The service is interrupted."),
        Some(_) => ("fair", "!", "Parts of the service do not work as they should."),
    };
    let shown: String =
        open.iter().filter(|incident| incident.priority < 3).map(|incident| ongoing(incident, now)).collect();
    let title = escaped(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta http-equiv=\"refresh\" content=\"60\">\n\
         <title>{state} {title}</title>\n<link rel=\"icon\" href=\"/favicon.svg\" type=\"image/svg+xml\">\n\
         <link rel=\"stylesheet\" href=\"/status.css\">\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n\
         <p class=\"state {class}\"><span aria-hidden=\"true\">{symbol}</span>{state}</p>\n{shown}\
         <h2>Past incidents</h2>\n{past}</main>\n\
         <footer>As of {day}, {time} UTC. The page looks again every minute.</footer>\n</body>\n</html>\n",
        past = days(&past),
        day = day(now),
        time = time(now),
    )
}

fn over_at(incident: &IncidentRow) -> Option<Timestamp> {
    incident.resolved_at.or(incident.closed_at)
}

fn ongoing(incident: &IncidentRow, now: Timestamp) -> String {
    let usual = match incident.priority {
        0 => "Nothing is answered at the moment.",
        1 => "Answers are slow, wrong or missing for many.",
        _ => "Some functions do not work.",
    };
    let message = escaped(incident.message.as_deref().unwrap_or(usual));
    let from = incident.opened_at;
    let lasted = lasted(from, now);
    format!(
        "<article class=\"open\">\n<p class=\"when\">Since {day}, {time} UTC, for {lasted}</p>\n<p>{message}</p>\n</article>\n",
        day = day(from),
        time = time(from),
    )
}

/// What is over, day by day of its beginning, the newest first.
fn days(past: &[&IncidentRow]) -> String {
    let mut text = String::new();
    let mut last = String::new();
    for incident in past.iter().take(PAST_MAX) {
        let day = day(incident.opened_at);
        if day != last {
            let _ = writeln!(text, "<h3>{day}</h3>");
            last = day;
        }
        text.push_str(&ended(incident));
    }
    if text.is_empty() { "<p class=\"soft\">None.</p>\n".to_owned() } else { text }
}

fn ended(incident: &IncidentRow) -> String {
    let usual = match incident.priority {
        0 => "The service was interrupted.",
        1 => "Answers were slow, wrong or missing for many.",
        2 => "Some functions did not work.",
        _ => "A small fault.",
    };
    let message = escaped(incident.message.as_deref().unwrap_or(usual));
    let (from, until) = (incident.opened_at, over_at(incident).unwrap_or(incident.opened_at));
    let until_day = if day(from) == day(until) { String::new() } else { format!("{}, ", day(until)) };
    format!(
        "<article>\n<p class=\"when\">{} to {until_day}{} UTC, {}</p>\n<p>{message}</p>\n</article>\n",
        time(from),
        time(until),
        lasted(from, until),
    )
}

/// `21 November 2026`
pub(super) fn day(at: Timestamp) -> String {
    let text = at.to_string();
    let part = |from: usize, to: usize| text.get(from..to).and_then(|part| part.parse::<usize>().ok());
    let month = part(5, 7).and_then(|month| MONTHS.get(month.wrapping_sub(1)));
    match (part(0, 4), month, part(8, 10)) {
        (Some(year), Some(month), Some(day)) => format!("{day} {month} {year}"),
        _ => text,
    }
}

/// `14:30`
pub(super) fn time(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(11..16).map(ToOwned::to_owned).unwrap_or(text)
}

fn lasted(from: Timestamp, to: Timestamp) -> String {
    match to.0.saturating_sub(from.0).max(0) / 60_000 {
        0 => "less than a minute".to_owned(),
        minutes @ 1..120 => format!("{minutes} min"),
        minutes @ 120..2880 => format!("{} h {} min", minutes / 60, minutes % 60),
        minutes => format!("{} days", minutes / 1440),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp(1_767_268_800_000);

    fn incident(priority: u32, message: Option<&str>) -> IncidentRow {
        IncidentRow {
            number: 1,
            priority,
            title: "secret host db-7 is down".to_owned(),
            state: "open".to_owned(),
            rule: None,
            runbook: String::new(),
            roles: std::collections::BTreeMap::new(),
            message: message.map(ToOwned::to_owned),
            opened_at: NOON,
            respond_by: None,
            late_at: None,
            acknowledged_at: None,
            resolved_at: None,
            closed_at: None,
        }
    }

    #[test]
    fn the_page_tells_nothing_that_was_not_written_for_it() {
        let page = status_page("Ibid", &[incident(0, Some("We <look>"))], NOON);
        assert!(page.contains("interrupted") && page.contains("We &lt;look&gt;"));
        assert!(!page.contains("db-7") && !page.contains("<script"));
    }

    #[test]
    fn without_incidents_everything_works() {
        assert!(status_page("Ibid", &[], NOON).contains("Everything works."));
        assert!(status_page("Ibid", &[incident(3, None)], NOON).contains("Everything works."));
    }

    #[test]
    fn the_page_needs_no_style_of_its_own() {
        let page = status_page("Ibid", &[incident(1, None)], NOON);
        assert!(
            page.contains("href=\"/status.css\"") && !page.contains("<style") && !page.contains("style=")
        );
    }

    #[test]
    fn times_are_told_as_people_tell_them() {
        let page = status_page("Ibid", &[incident(1, None)], NOON.plus_ms(125 * 60_000));
        assert!(page.contains("Since 1 January 2026, 12:00 UTC, for 2 h 5 min"), "{page}");
        let over = IncidentRow { resolved_at: Some(NOON.plus_ms(86_400_000)), ..incident(2, None) };
        let page = status_page("Ibid", &[over], NOON.plus_ms(2 * 86_400_000));
        assert!(page.contains("<h3>1 January 2026</h3>"), "{page}");
        assert!(page.contains("12:00 to 2 January 2026, 12:00 UTC, 24 h 0 min"), "{page}");
    }
}
