//! The generative answer: a chat model writes from the fenced sources, every claim is bound and checked as it
//! arrives.
//!
//! Keeps true: tokens sent since the `answer` step last started, put together, are the answer's text; a citation is sent
//! before the token with its mark.

use std::collections::HashSet;
use std::ops::ControlFlow;

use ibid_model::{ChatDelta, ChatModel, ChatOutcome, PassedOver};
use ibid_types::Result;
use ibid_types::answer::{Citation, Claim, Event, StepState, Usage};
use ibid_types::search::Hit;

use crate::answering::{Making, Reporter};
use crate::extract::Span;
use crate::finding::Examined;
use crate::guard::orders_told;
use crate::prompt::{Prompt, build};
use crate::scribe::{Piece, Scribe};
use crate::sources::Sources;
use crate::verify::{Verifier, is_checkable, verdict};

/// Hits of all parts together that may be shown to the model.
const HITS_MAX: usize = 8;
/// Longest answer that is read; a model that repeats itself forever is cut off.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// What the model wrote, checked.
#[derive(Debug, Default)]
pub struct Draft {
    pub text: String,
    pub claims: Vec<Claim>,
    pub citations: Vec<Citation>,
    pub usage: Usage,
    /// Whether the model said that it does not know.
    pub unknown: bool,
    /// Whether the model came to an end by itself.
    pub complete: bool,
    /// The model of a route that wrote it.
    pub model: Option<String>,
    /// Models that should have written it before that one.
    pub passed_over: Vec<PassedOver>,
    /// What is to be said of sources that gave the model orders.
    pub orders: Vec<String>,
}

/// Has `model` write the answer. Errors: those of the model, also after tokens were sent.
pub fn generate(
    making: &Making<'_>,
    examined: &[Examined],
    model: &dyn ChatModel,
    reporter: &mut Reporter<'_>,
) -> Result<Draft> {
    let (question, embedder) = (making.question, &making.ports.embedder);
    let mut sources = merged(examined);
    let prompt = build(making, &sources, model);
    let asked = sources.analyzer.content_keys(&question.text);
    let verifier = Verifier { sources: &mut sources, embedder, asked };
    let mut writer = Writer::new(verifier, prompt.shown, question.citations_max.max(1), reporter);
    let outcome = stream(model, &prompt, &mut writer)?;
    writer.finish();
    let mut draft = writer.draft;
    draft.orders = orders_told(sources.hits.iter().take(prompt.shown));
    draft.usage = outcome.usage;
    draft.complete = outcome.complete;
    draft.model = outcome.model;
    draft.passed_over = outcome.passed_over;
    draft.unknown = says_unknown(&draft.text);
    Ok(draft)
}

fn stream(model: &dyn ChatModel, prompt: &Prompt, writer: &mut Writer<'_, '_>) -> Result<ChatOutcome> {
    model.chat(&prompt.request, &mut |delta: ChatDelta| {
        match delta {
            ChatDelta::Text(text) => writer.read(&text),
            ChatDelta::Anew => writer.begin_again(model.name()),
        }
        if writer.reporter.stopped || writer.draft.text.len() > TEXT_BYTES_MAX {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
}

/// The parts' hits by turns, each once.
pub fn merged(examined: &[Examined]) -> Sources {
    let parts: Vec<&[Hit]> = examined.iter().map(|part| part.sources.hits.as_slice()).collect();
    let hits = by_turns(&parts).into_iter().cloned().collect();
    let language = examined.first().and_then(|part| part.language.clone());
    Sources::new(hits, language.as_deref())
}

/// What a model is shown of the hits of all parts: by turns, each once.
pub fn by_turns<'h>(parts: &[&'h [Hit]]) -> Vec<&'h Hit> {
    let mut hits = Vec::new();
    let mut seen = HashSet::new();
    let longest = parts.iter().map(|hits| hits.len()).max().unwrap_or(0);
    for rank in 0..longest {
        for hit in parts.iter().filter_map(|hits| hits.get(rank)) {
            if hits.len() < HITS_MAX && seen.insert(hit.chunk.id) {
                hits.push(hit);
            }
        }
    }
    hits
}

/// Turns the stream into text, citations and claims.
struct Writer<'a, 'r> {
    verifier: Verifier<'a>,
    reporter: &'a mut Reporter<'r>,
    scribe: Scribe,
    shown: usize,
    citations_max: usize,
    draft: Draft,
    spans: Vec<Span>,
    claim: String,
    /// Source numbers that the model gave for the current claim.
    given: Vec<usize>,
    /// Citation numbers already written behind the current claim.
    written: Vec<usize>,
    /// Text held back while it may still turn out to say "I don't know".
    held: String,
}

impl<'a, 'r> Writer<'a, 'r> {
    fn new(
        verifier: Verifier<'a>,
        shown: usize,
        citations_max: usize,
        reporter: &'a mut Reporter<'r>,
    ) -> Self {
        Self {
            verifier,
            reporter,
            scribe: Scribe::new(shown),
            shown,
            citations_max,
            draft: Draft::default(),
            spans: Vec::new(),
            claim: String::new(),
            given: Vec::new(),
            written: Vec::new(),
            held: String::new(),
        }
    }

    /// Another model begins the answer: what was written is void, and whoever reads along is told.
    fn begin_again(&mut self, route: &str) {
        self.scribe = Scribe::new(self.shown);
        self.draft = Draft::default();
        (self.spans, self.given, self.written) = (Vec::new(), Vec::new(), Vec::new());
        self.claim.clear();
        self.held.clear();
        self.reporter.step("answer", StepState::Started, route);
    }

    fn read(&mut self, delta: &str) {
        for piece in self.scribe.push(delta) {
            self.take(piece);
        }
    }

    fn finish(&mut self) {
        for piece in self.scribe.finish() {
            self.take(piece);
        }
        if !says_unknown(&self.draft.text) {
            self.release();
        }
    }

    fn take(&mut self, piece: Piece) {
        match piece {
            Piece::Text(text) => {
                self.claim.push_str(&text);
                self.write(&text);
            }
            Piece::Cite(numbers) => self.cite(&numbers),
            Piece::ClaimEnd => self.end_claim(),
        }
    }

    fn write(&mut self, text: &str) {
        self.draft.text.push_str(text);
        self.held.push_str(text);
        if !may_say_unknown(&self.draft.text) {
            self.release();
        }
    }

    fn release(&mut self) {
        if !self.held.is_empty() {
            self.reporter.send(Event::Token(std::mem::take(&mut self.held)));
        }
    }

    /// Binds what the claim says so far. A mark before the claim's first word waits for its end.
    fn cite(&mut self, numbers: &[usize]) {
        self.given.extend(numbers);
        if self.claim.trim().is_empty() {
            return;
        }
        let claim = self.claim.clone();
        for number in numbers {
            self.cite_best(&claim, &[number - 1], false);
        }
    }

    fn end_claim(&mut self) {
        let text = std::mem::take(&mut self.claim).trim().to_owned();
        let given = std::mem::take(&mut self.given);
        let terms = self.verifier.sources.analyzer.terms(&text);
        let checkable = is_checkable(&text, &terms) && !may_say_unknown(&text);
        let mut support = 0.0;
        if checkable {
            let hits = if given.is_empty() { (0..self.shown).collect() } else { cited_hits(&given) };
            support = self.cite_best(&text, &hits, given.is_empty());
        }
        let mut citations = std::mem::take(&mut self.written);
        citations.dedup();
        let verdict = verdict(checkable && !text.is_empty(), support);
        self.draft.claims.push(Claim::cited(text, verdict, citations, support));
    }

    /// Writes the mark of the best quote among `hits`, if the claim does not bear it yet; returns its support. With
    /// `only_if_supported`, a quote that does not carry the claim is not shown as one.
    fn cite_best(&mut self, claim: &str, hits: &[usize], only_if_supported: bool) -> f32 {
        let Some(binding) = self.verifier.bind(claim, hits) else { return 0.0 };
        if only_if_supported && binding.support < crate::verify::SUPPORT_MIN {
            return binding.support;
        }
        let same_hit = |number: &usize| {
            self.spans.get(number - 1).is_some_and(|s| s.first.hit == binding.span.first.hit)
        };
        if !self.written.iter().any(same_hit) {
            self.write_mark(binding.span);
        }
        binding.support
    }

    fn write_mark(&mut self, span: Span) {
        let known = self.spans.iter().position(|other| *other == span);
        let number = match known {
            Some(index) => index + 1,
            None if self.spans.len() >= self.citations_max => return,
            None => {
                let number = self.spans.len() + 1;
                let Ok(citation) = self.verifier.sources.cite(number, span.first, span.last) else { return };
                self.spans.push(span);
                self.draft.citations.push(citation.clone());
                self.reporter.send(Event::Citation(Box::new(citation)));
                number
            }
        };
        let needs_space = self.draft.text.ends_with(|c: char| !c.is_whitespace() && c != ']');
        self.write(&format!("{}[{number}]", if needs_space { " " } else { "" }));
        self.written.push(number);
    }
}

fn cited_hits(numbers: &[usize]) -> Vec<usize> {
    numbers.iter().map(|number| number - 1).collect()
}

/// Whether the text says that the model does not know.
#[must_use]
pub fn says_unknown(text: &str) -> bool {
    let plain = plain(text);
    UNKNOWN.iter().any(|phrase| plain.starts_with(phrase))
}

/// The same, or what may still become it.
fn may_say_unknown(text: &str) -> bool {
    let plain = plain(text);
    UNKNOWN.iter().any(|phrase| plain.starts_with(phrase) || phrase.starts_with(plain.as_str()))
}

fn plain(text: &str) -> String {
    let lower = text.trim_start().to_lowercase().replace('’', "'");
    lower.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '\'')).take(60).collect()
}

const UNKNOWN: &[&str] = &[
    "i don't know",
    "i do not know",
    "sorry i don't know",
    "the sources do not contain",
    "the sources don't contain",
    "the sources do not provide",
    "the sources do not hold",
    "the sources do not mention",
    "the given sources do not",
    "the provided sources do not",
    "there is no information",
    "ich weiß es nicht",
    "ich weiß das nicht",
    "ich weiß nicht",
    "die quellen enthalten keine",
    "je ne sais pas",
    "no lo sé",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_knowing_is_recognised() {
        assert!(says_unknown("I don’t know.") && says_unknown(" Ich weiß es nicht."));
        assert!(!says_unknown("Refunds take 14 days.") && !says_unknown(""));
        assert!(may_say_unknown("I do") && may_say_unknown("") && !may_say_unknown("Re"));
    }
}
