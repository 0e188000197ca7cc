//! What to say to people, so that nobody has to find words in the middle of it.

use ibid_store::IncidentRow;
use ibid_types::Timestamp;

use super::page::{day, time};

/// Names of the templates, with what each is for.
pub const TEMPLATES: [(&str, &str); 4] = [
    ("investigating", "the first message, within the response time"),
    ("identified", "the cause is known"),
    ("monitoring", "it is mended and watched"),
    ("resolved", "it is over"),
];

/// The message of that name for an incident; none for a name that is no template.
#[must_use]
pub fn template(name: &str, incident: &IncidentRow) -> Option<String> {
    let what = &incident.title;
    let text = match name {
        "investigating" => format!(
            "We see a problem ({what}) since {} and look into it. Answers may be slow, missing or without a model. We will write again within 30 minutes.",
            told(incident.opened_at)
        ),
        "identified" => format!(
            "We know the cause of the problem ({what}) and work on it. No documents or conversations are lost. We will write again within 30 minutes."
        ),
        "monitoring" => {
            format!("The problem ({what}) is mended. We watch whether it stays so and will write once more.")
        }
        "resolved" => {
            let until = incident.resolved_at.map_or_else(|| "now".to_owned(), told);
            format!(
                "The problem ({what}) is over. It lasted from {} until {until}. A review follows.",
                told(incident.opened_at)
            )
        }
        _ => return None,
    };
    Some(text)
}

/// As people tell a moment, and with its zone, as they may be anywhere.
fn told(at: Timestamp) -> String {
    format!("{}, {} UTC", day(at), time(at))
}
