//! The last look at an answer before a reader sees it: secrets and personal data that should not leave.
//!
//! Keeps true: what stands in the question itself is no leak; a quote is never changed silently: a citation whose
//! quote was redacted says that it is `withheld` and still names its exact span.

use std::collections::BTreeMap;

use ibid_types::answer::{Abstention, Answer};
use serde::{Deserialize, Serialize};

use crate::leaks::{Leak, LeakKind, leaks, may_cut, redacted};
use crate::policy::{Action, Policy};

/// What was found, and what was done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    pub kind: LeakKind,
    pub count: usize,
    pub hidden: bool,
}

/// Applies the policy to an answer.
#[must_use]
pub fn guard(question: &str, mut answer: Answer, policy: &Policy) -> (Answer, Vec<Flag>) {
    let in_text = leaks(&answer.text, question);
    let quotes: Vec<Vec<Leak>> =
        answer.citations.iter().map(|citation| leaks(&citation.quote, question)).collect();
    let mut counts: BTreeMap<LeakKind, usize> = BTreeMap::new();
    for leak in in_text.iter().chain(quotes.iter().flatten()) {
        *counts.entry(leak.kind).or_default() += 1;
    }
    let flags = counts.iter().map(|(kind, count)| Flag {
        kind: *kind,
        count: *count,
        hidden: policy.action(*kind) != Action::Flag,
    });
    let flags: Vec<Flag> = flags.collect();
    if flags.iter().any(|flag| policy.action(flag.kind) == Action::Refuse) {
        return (refused(answer, &flags), flags);
    }
    let hidden = |kind| policy.action(kind) == Action::Redact;
    answer.text = redacted(&answer.text, &in_text, hidden);
    for claim in &mut answer.claims {
        claim.text = redacted(&claim.text, &leaks(&claim.text, question), hidden);
    }
    for (citation, leaks) in answer.citations.iter_mut().zip(&quotes) {
        if leaks.iter().any(|leak| hidden(leak.kind)) {
            citation.quote = redacted(&citation.quote, leaks, hidden);
            citation.withheld = true;
        }
    }
    answer.notices.extend(flags.iter().map(notice));
    (answer, flags)
}

fn notice(flag: &Flag) -> String {
    let name = flag.kind.name();
    if flag.hidden {
        format!("{name} in the sources was redacted")
    } else {
        format!("the answer or its quotes hold {name}")
    }
}

fn refused(answer: Answer, flags: &[Flag]) -> Answer {
    let names: Vec<&str> = flags.iter().map(|flag| flag.kind.name()).collect();
    let reason = format!("the answer holds what must not be shown here: {}", names.join(", "));
    Answer {
        text: String::new(),
        claims: Vec::new(),
        citations: Vec::new(),
        coverage: None,
        abstained: Some(Abstention { reason, looked_for: Vec::new(), nearest: Vec::new() }),
        ..answer
    }
}

impl Policy {
    pub(crate) const fn action(&self, kind: LeakKind) -> Action {
        if kind.is_secret() { self.secrets } else { self.personal }
    }
}

/// Passes on an answer's text as it is written, without what must not leave. A little is held back, because a secret
/// is known only when it is over.
#[derive(Debug)]
pub struct Screen<'a> {
    policy: &'a Policy,
    question: &'a str,
    held: String,
}

impl<'a> Screen<'a> {
    #[must_use]
    pub const fn new(policy: &'a Policy, question: &'a str) -> Self {
        Self { policy, question, held: String::new() }
    }

    /// Takes a piece of text; gives what may be shown now.
    pub fn push(&mut self, text: &str) -> String {
        self.held.push_str(text);
        let end = self
            .held
            .rfind(char::is_whitespace)
            .map_or(0, |at| at + self.held[at..].chars().next().map_or(0, char::len_utf8));
        let line = self.held.rfind('\n').map_or(0, |at| at + 1);
        let end = if self.policy.personal == Action::Flag { end } else { line };
        if end == 0 || self.policy.secrets == Action::Refuse || !may_cut(&self.held[..end]) {
            return String::new();
        }
        let rest = self.held.split_off(end);
        let ready = std::mem::replace(&mut self.held, rest);
        self.clean(&ready)
    }

    /// Gives the rest at the end.
    pub fn finish(&mut self) -> String {
        let ready = std::mem::take(&mut self.held);
        self.clean(&ready)
    }

    fn clean(&self, text: &str) -> String {
        redacted(text, &leaks(text, self.question), |kind| self.policy.action(kind) != Action::Flag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answering::{empty_answer, said};
    use crate::fixture;
    use ibid_types::answer::{AnswerMode, Citation};

    const LEAKING: &str = "The password is Tr0ub4dor&3 and mail goes to ada@example.org.";

    fn answer() -> Answer {
        let citation = Citation::bind(1, &fixture::chunk(LEAKING), "t", "s", 0, LEAKING.len()).unwrap();
        Answer {
            text: format!("{LEAKING} [1]"),
            citations: vec![citation],
            ..empty_answer(AnswerMode::Extractive, &[], Vec::new())
        }
    }

    #[test]
    fn secrets_are_redacted_and_personal_data_is_flagged() {
        let (answer, flags) = guard("How do I log in?", answer(), &Policy::default());
        assert_eq!(answer.text, "The password is [redacted] and mail goes to ada@example.org. [1]");
        assert!(answer.citations[0].withheld && !answer.citations[0].quote.contains("Tr0ub4dor"));
        assert_eq!((answer.citations[0].end, flags.len(), answer.notices.len()), (LEAKING.len(), 2, 2));
    }

    #[test]
    fn a_policy_may_refuse_or_let_pass() {
        let policy = Policy { secrets: Action::Refuse, ..Policy::default() };
        let (refused, _) = guard("?", answer(), &policy);
        assert!(refused.abstained.is_some() && refused.citations.is_empty() && refused.text.is_empty());
        let policy = Policy { secrets: Action::Flag, ..Policy::default() };
        assert!(!guard("?", answer(), &policy).0.citations[0].withheld);
    }

    #[test]
    fn what_is_clean_stays_as_it_is() {
        let clean = said("All is well.");
        assert_eq!(guard("?", clean.clone(), &Policy::default()), (clean, Vec::new()));
    }

    fn screened(text: &str, cut: usize) -> String {
        let policy = Policy::default();
        let mut screen = Screen::new(&policy, "");
        let characters: Vec<char> = text.chars().collect();
        let mut shown: String =
            characters.chunks(cut).map(|piece| screen.push(&piece.iter().collect::<String>())).collect();
        shown.push_str(&screen.finish());
        shown
    }

    #[test]
    fn a_stream_never_shows_a_secret_however_it_is_cut() {
        for cut in 1..9 {
            assert_eq!(
                screened("The password is Tr0ub4dor&3 so [1].", cut),
                "The password is [redacted] so [1]."
            );
            let key = "-----BEGIN RSA PRIVATE KEY-----\nMII x\n-----END RSA PRIVATE KEY----- end";
            assert_eq!(screened(key, cut), "[redacted] end");
        }
    }
}
