//! What is done with what was found: let pass, flag, redact or refuse, by kind.
//!
//! Keeps true: with no policy given, secrets are redacted and personal data is flagged; what is refused leaves no text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::finding::{Finding, Group, Kind, tidy};
use crate::{personal, secrets};

/// From mildest to strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Lets it pass and does not tell.
    Allow,
    /// Lets it pass and tells.
    Flag,
    /// Puts a word for the kind in its place.
    Redact,
    /// Lets nothing of the text pass.
    Refuse,
}

/// An action for each group, and others for single kinds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    pub secrets: Action,
    pub personal: Action,
    /// Goes before the group's action. Addresses of machines pass unless they are named here.
    pub kinds: BTreeMap<Kind, Action>,
}

impl Action {
    /// As configurations name it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [("allow", Self::Allow), ("flag", Self::Flag), ("redact", Self::Redact), ("refuse", Self::Refuse)]
            .into_iter()
            .find(|(known, _)| *known == name)
            .map(|(_, action)| action)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self { secrets: Action::Redact, personal: Action::Flag, kinds: BTreeMap::new() }
    }
}

impl Policy {
    /// Lets everything pass.
    #[must_use]
    pub const fn open() -> Self {
        Self { secrets: Action::Allow, personal: Action::Allow, kinds: BTreeMap::new() }
    }

    #[must_use]
    pub fn with(mut self, kind: Kind, action: Action) -> Self {
        self.kinds.insert(kind, action);
        self
    }

    #[must_use]
    pub fn action(&self, kind: Kind) -> Action {
        let group = || match (kind, kind.group()) {
            (Kind::IpAddress, _) => Action::Allow,
            (_, Group::Secret) => self.secrets,
            (_, Group::Personal) => self.personal,
        };
        self.kinds.get(&kind).copied().unwrap_or_else(group)
    }

    /// Whether any kind of the group is looked for.
    fn looks_for(&self, group: Group) -> bool {
        Kind::ALL.iter().any(|kind| kind.group() == group && self.action(*kind) > Action::Allow)
    }
}

/// What a policy made of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The text as it may go on: itself, redacted, or empty where it is refused.
    pub text: String,
    /// What was found and not allowed; spans are of the text that was given.
    pub found: Vec<Finding>,
    /// Kinds for which the text is refused, each once.
    pub refused: Vec<Kind>,
}

impl Outcome {
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        !self.refused.is_empty()
    }

    /// What a word stands for in `text`; nothing where it is refused.
    #[must_use]
    pub fn redacted(&self, policy: &Policy) -> Vec<Finding> {
        if self.is_refused() { Vec::new() } else { to_redact(&self.found, policy) }
    }

    /// Each kind that was found, and how often.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Kind, usize> {
        let mut counts = BTreeMap::new();
        for finding in &self.found {
            *counts.entry(finding.kind).or_default() += 1;
        }
        counts
    }
}

/// Looks for what the policy does not allow, and does what it says.
#[must_use]
pub fn apply(text: &str, policy: &Policy) -> Outcome {
    apply_except(text, policy, "")
}

/// The same, but what also stands in `known` passes: it is the asker's own.
#[must_use]
pub fn apply_except(text: &str, policy: &Policy, known: &str) -> Outcome {
    let found = find(text, policy, known);
    let mut refused: Vec<Kind> =
        found.iter().map(|one| one.kind).filter(|kind| policy.action(*kind) == Action::Refuse).collect();
    refused.sort_unstable();
    refused.dedup();
    let text = if refused.is_empty() { redacted(text, &to_redact(&found, policy)) } else { String::new() };
    Outcome { text, found, refused }
}

fn to_redact(found: &[Finding], policy: &Policy) -> Vec<Finding> {
    found.iter().filter(|one| policy.action(one.kind) == Action::Redact).copied().collect()
}

fn find(text: &str, policy: &Policy, known: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    if policy.looks_for(Group::Secret) {
        found.extend(secrets::find(text));
    }
    if policy.looks_for(Group::Personal) {
        found.extend(personal::find(text));
    }
    // Kinds that pass go before overlaps are settled, so that they hide nothing that does not pass.
    found.retain(|one| policy.action(one.kind) > Action::Allow);
    let known = if found.is_empty() { std::collections::HashSet::new() } else { find_all(known) };
    let (strict, mild): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|one| policy.action(one.kind) > Action::Flag);
    // What is only flagged must not cover what is to go.
    let mut found = tidy(strict);
    let free = |one: &Finding| {
        let after = found.partition_point(|other| other.end <= one.start);
        found.get(after).is_none_or(|other| one.end <= other.start)
    };
    let mild: Vec<Finding> = mild.into_iter().filter(free).collect();
    found.extend(mild);
    let mut found = tidy(found);
    found.retain(|one| !known.contains(one.text(text)));
    found
}

/// What the asker wrote themselves: whole findings, so that a piece of a word is not one.
fn find_all(known: &str) -> std::collections::HashSet<&str> {
    let found = secrets::find(known).into_iter().chain(personal::find(known));
    found.filter_map(|one| known.get(one.start..one.end)).collect()
}

/// The text with a word for its kind in the place of each finding. They are of this text, in order and apart, as finders
/// give them.
#[must_use]
pub fn redacted(text: &str, found: &[Finding]) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut from = 0;
    for finding in found {
        kept.push_str(text.get(from..finding.start).unwrap_or_default());
        kept.push_str(finding.kind.redaction());
        from = finding.end;
    }
    kept.push_str(text.get(from..).unwrap_or_default());
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "The password is Tr0ub4dor&3 and mail goes to ada@example.org from 192.0.2.7.";

    #[test]
    fn secrets_are_redacted_and_personal_data_is_flagged() {
        let outcome = apply(TEXT, &Policy::default());
        assert_eq!(
            outcome.text,
            "The password is [password] and mail goes to ada@example.org from 192.0.2.7."
        );
        assert_eq!(outcome.counts(), BTreeMap::from([(Kind::Password, 1), (Kind::Email, 1)]));
        assert!(!outcome.is_refused());
    }

    #[test]
    fn kinds_go_before_groups() {
        let policy =
            Policy::default().with(Kind::Email, Action::Redact).with(Kind::IpAddress, Action::Redact);
        let text = apply(TEXT, &policy).text;
        assert!(text.ends_with("mail goes to [e-mail] from [ip address]."), "{text}");
    }

    #[test]
    fn what_is_refused_leaves_no_text() {
        let outcome = apply(TEXT, &Policy::default().with(Kind::Email, Action::Refuse));
        assert_eq!((outcome.text.as_str(), outcome.refused), ("", vec![Kind::Email]));
    }

    #[test]
    fn an_open_policy_looks_for_nothing() {
        let outcome = apply(TEXT, &Policy::open());
        assert_eq!((outcome.text.as_str(), outcome.found.len()), (TEXT, 0));
    }

    #[test]
    fn what_the_asker_wrote_passes_and_only_that() {
        let policy = Policy { personal: Action::Redact, ..Policy::default() };
        let text = "Write to ada@example.org or bob@example.org.";
        let outcome = apply_except(text, &policy, "Is ada@example.org right?");
        assert_eq!(outcome.text, "Write to ada@example.org or [e-mail].");
        assert_eq!(apply_except("ad@b.org", &policy, "mad@b.org").text, "[e-mail]");
    }

    #[test]
    fn a_policy_is_read_and_written() {
        let policy: Policy =
            serde_json::from_str(r#"{"personal": "redact", "kinds": {"card": "refuse"}}"#).unwrap();
        assert_eq!((policy.action(Kind::Card), policy.action(Kind::Email)), (Action::Refuse, Action::Redact));
        assert_eq!(policy.action(Kind::ApiKey), Action::Redact);
        assert!(serde_json::from_str::<Policy>(r#"{"persnal": "redact"}"#).is_err());
    }
}
