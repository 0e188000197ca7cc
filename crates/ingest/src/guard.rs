//! What a document's text may not hold, before it is cut into passages: secrets and personal data by the operator's policy;
//! and which passages give orders to a model.
//!
//! Keeps true: what is told of a finding is its kind and place, never its text; a redacted text passes `Parsed::check`
//! like the one it was made of.

use std::collections::BTreeMap;

use ibid_guard::{Finding, Kind, Place, Policy, apply, judge};
use ibid_types::document::Chunk;
use ibid_types::parsed::{Block, Parsed};
use ibid_types::{Error, Result};

/// Places named in a refusal, and passages in a warning.
const NAMED_MAX: usize = 5;

/// The text as the policy lets it pass, with a warning for what was found.
///
/// # Errors
/// `document_refused`, which names kinds and places.
pub fn guarded(parsed: Parsed, policy: &Policy) -> Result<Parsed> {
    let outcome = apply(&parsed.text, policy);
    if outcome.is_refused() {
        let found = outcome.found.iter().filter(|one| outcome.refused.contains(&one.kind));
        return Err(refused(&parsed, found));
    }
    let mut counts: BTreeMap<Kind, usize> = BTreeMap::new();
    outcome.found.iter().for_each(|finding| *counts.entry(finding.kind).or_default() += 1);
    let redacted = outcome.redacted(policy);
    let is_redacted = |kind: &Kind| redacted.iter().any(|one| one.kind == *kind);
    let warnings: Vec<String> =
        counts.iter().map(|(kind, count)| warning(*kind, *count, is_redacted(kind))).collect();
    let mut parsed =
        if redacted.is_empty() { parsed } else { Shifts::of(&redacted).moved(parsed, outcome.text) };
    parsed.warnings.extend(warnings);
    Ok(parsed)
}

/// A title as the policy lets it pass. Error: `document_refused`.
pub fn guarded_title(title: String, policy: &Policy) -> Result<String> {
    let outcome = apply(&title, policy);
    match outcome.refused.first() {
        None => Ok(outcome.text),
        Some(kind) => Err(refusal(&format!("{} in its title", kind.name()))),
    }
}

fn warning(kind: Kind, count: usize, is_redacted: bool) -> String {
    let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
    let done = if is_redacted { "; redacted in what is searched and quoted" } else { "" };
    format!("the text holds {} ({times}){done}", kind.name())
}

fn refused<'f>(parsed: &Parsed, found: impl Iterator<Item = &'f Finding>) -> Error {
    let mut places: Vec<String> = found.map(|one| named(parsed, one)).collect();
    let left = places.len().saturating_sub(NAMED_MAX);
    places.truncate(NAMED_MAX);
    let more = if left > 0 { format!(" and {left} more") } else { String::new() };
    refusal(&format!("{}{more}", places.join(", ")))
}

fn refusal(found: &str) -> Error {
    let what = format!(
        "the document holds {found}, which [guard.ingest] refuses; take that out, or change the configuration"
    );
    Error::bad_request("document_refused", what)
}

/// "an API key on page 3", or with the line of the text where there are no pages.
fn named(parsed: &Parsed, finding: &Finding) -> String {
    let page = parsed.pages.iter().take_while(|page| page.start <= finding.start).last();
    let name = finding.kind.name();
    match page {
        Some(page) => format!("{name} on page {}", page.number),
        None => {
            let before = parsed.text.get(..finding.start).unwrap_or_default();
            format!("{name} on line {} of its text", before.matches('\n').count() + 1)
        }
    }
}

/// Where bytes of a text are after words were put in place of findings.
struct Shifts {
    /// For each finding its bytes, and where the bytes behind its word begin.
    moves: Vec<(usize, usize, usize)>,
}

impl Shifts {
    fn of(redacted: &[Finding]) -> Self {
        let (mut moves, mut removed, mut added) = (Vec::with_capacity(redacted.len()), 0, 0);
        for finding in redacted {
            removed += finding.end - finding.start;
            added += finding.kind.redaction().len();
            moves.push((finding.start, finding.end, finding.end + added - removed));
        }
        Self { moves }
    }

    /// The new place of a byte; what lay inside of a finding is behind its word.
    fn place(&self, at: usize) -> usize {
        let next = self.moves.partition_point(|(start, ..)| *start < at);
        match next.checked_sub(1).and_then(|last| self.moves.get(last)) {
            None => at,
            Some((_, end, behind)) => behind + at.saturating_sub(*end),
        }
    }

    /// The same document over another text.
    fn moved(&self, parsed: Parsed, text: String) -> Parsed {
        let block = |block: Block| Block {
            start: self.place(block.start),
            end: self.place(block.end),
            kind: block.kind,
        };
        let mut pages = parsed.pages;
        pages.iter_mut().for_each(|page| page.start = self.place(page.start));
        let blocks = parsed.blocks.into_iter().map(block).filter(|block| block.start < block.end).collect();
        Parsed { text, blocks, pages, ..parsed }
    }
}

/// Why passages are taken for ones that give a model orders, with their places: at most one line of warning.
#[must_use]
pub fn orders(chunks: &[Chunk]) -> Option<String> {
    let reasons = |chunk: &Chunk| {
        let verdict = judge(&chunk.text, Place::Passage);
        verdict.is_attack().then(|| format!("passage {} ({})", chunk.ordinal + 1, verdict.reasons()))
    };
    let flagged: Vec<String> = chunks.iter().filter_map(reasons).collect();
    if flagged.is_empty() {
        return None;
    }
    let left = flagged.len().saturating_sub(NAMED_MAX);
    let more = if left > 0 { format!(" and {left} more") } else { String::new() };
    Some(format!(
        "reads as orders to a model, which are shown to it as data: {}{more}",
        flagged[..flagged.len() - left].join("; ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ibid_guard::Action;
    use ibid_types::parsed::{BlockKind, Page};

    fn key() -> String {
        format!("ghp_{}", "a1B2c3D4e5F6".repeat(3))
    }

    fn parsed() -> Parsed {
        let (first, second) = (format!("The key is {} for now.", key()), "Write to ada@example.org.");
        let text = format!("{first}\n\n{second}");
        let block = |start, end| Block { kind: BlockKind::Paragraph, start, end };
        let blocks = vec![block(0, first.len()), block(first.len() + 2, text.len())];
        let page = |number, start| Page { number, start, label: None };
        let pages = vec![page(1, 0), page(2, first.len() + 2)];
        Parsed { text, blocks, pages, ..Parsed::default() }
    }

    fn policy(secrets: Action, personal: Action) -> Policy {
        Policy { secrets, personal, ..Policy::default() }
    }

    #[test]
    fn a_flag_warns_and_changes_nothing() {
        let guarded = guarded(parsed(), &policy(Action::Flag, Action::Allow)).unwrap();
        assert_eq!(guarded.text, parsed().text);
        assert_eq!(guarded.warnings, ["the text holds an API key (once)"]);
    }

    #[test]
    fn what_is_redacted_leaves_structure_in_its_place() {
        let guarded = guarded(parsed(), &policy(Action::Redact, Action::Redact)).unwrap();
        guarded.check().unwrap();
        let texts: Vec<&str> =
            guarded.blocks.iter().map(|block| &guarded.text[block.start..block.end]).collect();
        assert_eq!(texts, ["The key is [api key] for now.", "Write to [e-mail]."]);
        assert_eq!(guarded.text[guarded.pages[1].start..].find("Write"), Some(0));
        assert!(guarded.warnings.iter().all(|warning| warning.contains("redacted")));
    }

    #[test]
    fn a_refusal_names_kinds_and_places_and_no_secret() {
        let error = guarded(parsed(), &policy(Action::Refuse, Action::Refuse)).unwrap_err();
        assert_eq!(error.code, "document_refused");
        assert!(error.message.contains("an API key on page 1, an e-mail address on page 2"), "{error}");
        assert!(!error.message.contains("ghp_"), "{error}");
        let plain = Parsed { pages: Vec::new(), ..parsed() };
        let error = guarded(plain, &policy(Action::Allow, Action::Refuse)).unwrap_err();
        assert!(error.message.contains("line 3"), "{error}");
    }

    #[test]
    fn a_title_is_looked_into_too() {
        let title = || "Write to ada@example.org".to_owned();
        let of = |action| guarded_title(title(), &policy(Action::Allow, action));
        assert_eq!(of(Action::Redact).unwrap(), "Write to [e-mail]");
        assert_eq!(of(Action::Flag).unwrap(), title());
        assert_eq!(of(Action::Refuse).unwrap_err().code, "document_refused");
    }

    #[test]
    fn a_finding_over_several_blocks_leaves_one_word() {
        let key = format!(
            "-----BEGIN {0}-----\n\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n\n-----END {0}-----",
            "PRIVATE KEY"
        );
        let text = format!("Before.\n\n{key}\n\nAfter.");
        let mut start = 0;
        let blocks = text.split("\n\n").map(|part| {
            let block = Block { kind: BlockKind::Paragraph, start, end: start + part.len() };
            start = block.end + 2;
            block
        });
        let blocks = blocks.collect();
        let guarded =
            guarded(Parsed { text, blocks, ..Parsed::default() }, &policy(Action::Redact, Action::Allow))
                .unwrap();
        guarded.check().unwrap();
        assert_eq!(guarded.text, "Before.\n\n[private key]\n\nAfter.");
    }
}
