//! What may not pass: what is done with secrets, personal data and attacks, on the way in and out.

use serde::Deserialize;

/// Of answers and questions; `ingest` of documents.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// Questions that read as an attack: `allow`, `flag` or `refuse`.
    pub questions: String,
    pub secrets: String,
    pub personal: String,
    /// Actions of single kinds, each `KIND: ACTION`; they go before those of their groups.
    pub kinds: Vec<String>,
    pub unsafe_builtin: bool,
    pub unsafe_phrases: Vec<String>,
    /// Hosts beyond private networks to which something may be sent without encryption.
    pub unencrypted_hosts: Vec<String>,
    pub ingest: IngestGuard,
}

/// Of the texts of documents, before they are cut into passages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IngestGuard {
    pub secrets: String,
    pub personal: String,
    pub kinds: Vec<String>,
}

const ACTIONS: [&str; 4] = ["allow", "flag", "redact", "refuse"];
/// As `ibid_guard::Kind` names them; `serve` reads them and tests that these are all.
pub const KINDS: [&str; 11] = [
    "api_key",
    "private_key",
    "signed_token",
    "connection_string",
    "password",
    "email",
    "phone",
    "iban",
    "card",
    "national_id",
    "ip_address",
];

impl Guard {
    pub(crate) fn problems(&self, must: &mut dyn FnMut(bool, &str, &str)) {
        let is_known = ["allow", "flag", "refuse"].contains(&self.questions.as_str());
        must(is_known, "guard.questions", "\"allow\", \"flag\" or \"refuse\"");
        of_policy("guard", [&self.secrets, &self.personal], &self.kinds, must);
        let ingest = &self.ingest;
        of_policy("guard.ingest", [&ingest.secrets, &ingest.personal], &ingest.kinds, must);
    }
}

fn of_policy(section: &str, groups: [&String; 2], kinds: &[String], must: &mut dyn FnMut(bool, &str, &str)) {
    let one_of = "\"allow\", \"flag\", \"redact\" or \"refuse\"";
    for (name, action) in ["secrets", "personal"].into_iter().zip(groups) {
        must(ACTIONS.contains(&action.as_str()), &format!("{section}.{name}"), one_of);
    }
    for (index, entry) in kinds.iter().enumerate() {
        let (kind, action) = kind_and_action(entry);
        let key = format!("{section}.kinds[{index}]");
        must(KINDS.contains(&kind), &key, "\"KIND: ACTION\"; docs/guards.md lists the kinds");
        must(ACTIONS.contains(&action), &key, one_of);
    }
}

/// `email: redact`, read; what is no such pair has an empty action.
#[must_use]
pub fn kind_and_action(entry: &str) -> (&str, &str) {
    let (kind, action) = entry.split_once(':').unwrap_or((entry, ""));
    (kind.trim(), action.trim())
}

#[cfg(test)]
mod tests {
    use super::kind_and_action;
    use crate::tried::read;

    #[test]
    fn kinds_go_before_groups_and_are_known() {
        let config = read(&["guard.kinds=['email: redact']", "guard.ingest.kinds=['card: refuse']"]).unwrap();
        assert_eq!(kind_and_action(&config.guard.kinds[0]), ("email", "redact"));
        assert_eq!(config.guard.ingest.kinds.len(), 1);
        assert!(read(&["guard.kinds=['mail: redact']"]).unwrap_err().contains("guard.kinds[0]"));
        assert!(read(&["guard.ingest.kinds=['card']"]).unwrap_err().contains("guard.ingest.kinds[0]"));
    }

    #[test]
    fn actions_are_known() {
        assert!(read(&["guard.questions=refuse", "guard.ingest.secrets=redact"]).is_ok());
        assert!(read(&["guard.questions=redact"]).unwrap_err().contains("guard.questions"));
        assert!(read(&["guard.personal=hide"]).unwrap_err().contains("guard.personal"));
    }
}
