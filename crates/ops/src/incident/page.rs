//! The status page: plain HTML without a script, for people who use the service.
//!
//! Keeps true: it says nothing of rules, values or names; only titles of priorities and the messages that somebody wrote
//! for it.

use ibid_store::IncidentRow;
use ibid_types::Timestamp;

/// Past incidents on the page.
const PAST_MAX: usize = 10;

/// The page over the newest incidents, open and closed.
#[must_use]
pub fn status_page(title: &str, incidents: &[IncidentRow], now: Timestamp) -> String {
    let is_open = |incident: &&IncidentRow| incident.resolved_at.is_none() && incident.closed_at.is_none();
    let worst = incidents.iter().filter(is_open).map(|incident| incident.priority).min();
    let (class, state) = match worst {
        None | Some(3..) => ("good", "Everything works."),
        Some(0) => ("bad", "The service is interrupted."),
        Some(_) => ("fair", "Parts of the service do not work as they should."),
    };
    let open: String =
        incidents.iter().filter(is_open).filter(|incident| incident.priority < 3).map(entry).collect();
    let past: String =
        incidents.iter().filter(|incident| !is_open(incident)).take(PAST_MAX).map(entry).collect();
    let past = if past.is_empty() { "<p>None.</p>".to_owned() } else { past };
    let title = escaped(title);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"refresh\" content=\"60\"><title>{title}: status</title><style>{STYLE}</style></head>\n\
         <body><h1>{title}</h1><p class=\"state {class}\">{state}</p>{open}<h2>Past incidents</h2>{past}\
         <footer>As of {now}</footer></body></html>\n"
    )
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:2rem auto;padding:0 1rem;color:#222}\
                     .state{padding:1rem;border-radius:.4rem;font-weight:600}.good{background:#dff3e3}.fair{background:#fdf1d3}\
                     .bad{background:#fbdcdc}article{border-top:1px solid #ddd;padding:.5rem 0}time,footer{color:#666}";

fn entry(incident: &IncidentRow) -> String {
    let usual = match incident.priority {
        0 => "The service was interrupted.",
        1 => "Answers were slow, wrong or missing for many.",
        2 => "Some functions did not work.",
        _ => "A small fault.",
    };
    let message = escaped(incident.message.as_deref().unwrap_or(usual));
    let until = incident.resolved_at.or(incident.closed_at);
    let until = until.map_or_else(|| "now".to_owned(), |at| at.to_string());
    format!("<article><time>{} to {until}</time><p>{message}</p></article>", incident.opened_at)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

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
            opened_at: Timestamp(0),
            respond_by: None,
            late_at: None,
            acknowledged_at: None,
            resolved_at: None,
            closed_at: None,
        }
    }

    #[test]
    fn the_page_tells_nothing_that_was_not_written_for_it() {
        let page = status_page("Ibid", &[incident(0, Some("We <look>"))], Timestamp(0));
        assert!(page.contains("interrupted") && page.contains("We &lt;look&gt;"));
        assert!(!page.contains("db-7") && !page.contains("<script"));
    }

    #[test]
    fn without_incidents_everything_works() {
        assert!(status_page("Ibid", &[], Timestamp(0)).contains("Everything works."));
        assert!(status_page("Ibid", &[incident(3, None)], Timestamp(0)).contains("Everything works."));
    }
}
