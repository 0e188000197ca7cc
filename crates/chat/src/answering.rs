//! One answer from what was found: written by a chat model, or of the sources' own sentences, or none.
//!
//! Keeps true: a chat model that fails never costs the reader an answer that the documents hold; a notice says that
//! it failed.

use std::ops::ControlFlow;

use ibid_model::{ChatModel, PassedOver};
use ibid_types::Result;
use ibid_types::answer::{
    Abstention, Answer, AnswerMode, Claim, Event, Flag, Question, StepState, Usage, Verdict,
};
use ibid_types::search::Hit;

use crate::AnswerConfig;
use crate::extract::{choose, compose};
use crate::finding::Examined;
use crate::generate::{Draft, generate};
use crate::ports::Ports;
use crate::question::content_terms;

const NOTICE_WORDS_ONLY: &str =
    "the embedding model did not answer; sentences were compared by their words only";
const NOTHING_SUPPORTED: &str = "no source supports what the chat model said";
/// Share of `answerable_min` from which a chat model is asked.
const ASKING_SHARE: f32 = 0.3;
/// Titles named as the nearest when there is no answer.
const NEAREST_MAX: usize = 3;

/// Sends events until the listener stops.
pub struct Reporter<'a> {
    on_event: &'a mut dyn FnMut(Event) -> ControlFlow<()>,
    pub stopped: bool,
}

impl<'a> Reporter<'a> {
    pub fn new(on_event: &'a mut dyn FnMut(Event) -> ControlFlow<()>) -> Self {
        Self { on_event, stopped: false }
    }

    pub fn send(&mut self, event: Event) {
        if !self.stopped {
            self.stopped = (self.on_event)(event).is_break();
        }
    }

    pub fn step(&mut self, name: &str, state: StepState, detail: impl Into<String>) {
        self.send(Event::Step { name: name.into(), state, detail: detail.into() });
    }
}

/// What an answer is made from besides the findings.
pub struct Making<'a> {
    pub ports: &'a Ports,
    pub question: &'a Question,
    pub config: &'a AnswerConfig,
    /// What was wrong with the answer before this one, for the chat model.
    pub advice: &'a [String],
}

impl Making<'_> {
    /// By the model if it is worth asking, else of the sources' own sentences.
    pub fn answer(
        &self,
        model: Option<&dyn ChatModel>,
        examined: &[Examined],
        reporter: &mut Reporter<'_>,
    ) -> Result<Answer> {
        let mut answer = match model {
            Some(model) if self.worth_asking(examined) => self.generative(model, examined, reporter)?,
            _ => self.extractive(examined, Vec::new(), reporter)?,
        };
        if answer.abstained.is_some() {
            answer.notices.extend(self.ports.search.unread(self.question.workspace, self.question.reader));
        }
        Ok(answer)
    }

    /// A model reads better than the judge, so it is asked even where an extractive answer would be declined, unless
    /// the sources are clearly about something else.
    fn worth_asking(&self, examined: &[Examined]) -> bool {
        let least = self.config.answerable_min * ASKING_SHARE;
        examined.iter().any(|part| !part.sources.hits.is_empty() && part.signals.answerable() >= least)
    }

    fn generative(
        &self,
        model: &dyn ChatModel,
        examined: &[Examined],
        reporter: &mut Reporter<'_>,
    ) -> Result<Answer> {
        reporter.step("answer", StepState::Started, model.name());
        let draft = generate(self, examined, model, reporter);
        let name = model.name();
        let (problem, usage) = match draft {
            Ok(draft) if draft.text.trim().is_empty() => {
                (format!("the chat model {name} gave an empty answer"), draft.usage)
            }
            Ok(draft) if draft.unknown => {
                reporter.step("answer", StepState::Finished, "the model does not know");
                let reason = "the chat model did not find the answer in the documents";
                return Ok(declined(model, examined, &draft, reason));
            }
            Ok(draft) if nothing_supported(&draft.claims) => {
                if self.question.mode == AnswerMode::Generative {
                    reporter.step("answer", StepState::Failed, NOTHING_SUPPORTED);
                    return Ok(declined(model, examined, &draft, NOTHING_SUPPORTED));
                }
                (format!("no source supports what the chat model {name} said"), draft.usage)
            }
            Ok(draft) => return Ok(finished(model, examined, draft, reporter)),
            Err(error) => {
                (format!("the chat model {name} did not answer ({})", error.message), Usage::default())
            }
        };
        reporter.step("answer", StepState::Failed, problem.clone());
        let notice = format!("{problem}; this answer is made of the sources' own sentences");
        Ok(Answer { usage, ..self.extractive(examined, vec![notice], reporter)? })
    }

    /// Of the sources' own sentences, where the judge holds the question for answerable.
    pub fn extractive(
        &self,
        examined: &[Examined],
        mut notices: Vec<String>,
        reporter: &mut Reporter<'_>,
    ) -> Result<Answer> {
        reporter.step("judge", StepState::Started, "");
        let (held, missing): (Vec<_>, Vec<_>) =
            examined.iter().partition(|part| part.signals.answerable() >= self.config.answerable_min);
        reporter.step(
            "judge",
            StepState::Finished,
            format!("{} of {} answerable", held.len(), examined.len()),
        );
        if examined.iter().any(|part| part.words_only) {
            notices.push(NOTICE_WORDS_ONLY.into());
        }
        if held.is_empty() {
            return Ok(abstained(AnswerMode::Extractive, examined, notices));
        }
        notices.extend(
            missing.iter().map(|part| format!("the documents do not seem to answer: {}", part.part.text)),
        );
        reporter.step("answer", StepState::Started, "from the sources' own sentences");
        let mut answer = empty_answer(AnswerMode::Extractive, examined, notices);
        answer.confidence = 1.0;
        for part in held {
            append(&mut answer, part, self.question.citations_max, reporter)?;
            answer.confidence = answer.confidence.min(part.signals.right());
        }
        answer.coverage = coverage(&answer.claims);
        reporter.step("answer", StepState::Finished, format!("{} claims", answer.claims.len()));
        Ok(answer)
    }
}

fn declined(model: &dyn ChatModel, examined: &[Examined], draft: &Draft, reason: &str) -> Answer {
    let (name, notices) = written_by(model, draft);
    let mut answer = abstained(AnswerMode::Generative, examined, notices);
    if let Some(abstention) = &mut answer.abstained {
        abstention.reason = reason.into();
    }
    answer.model = Some(name);
    answer.usage = draft.usage;
    answer.flags = orders_flag(draft);
    answer
}

/// A text that states nothing: a greeting, a refusal.
pub fn said(text: &str) -> Answer {
    Answer {
        text: text.into(),
        claims: vec![Claim::cited(text, Verdict::NotCheckable, Vec::new(), 0.0)],
        confidence: 1.0,
        ..empty_answer(AnswerMode::Extractive, &[], Vec::new())
    }
}

/// What a tool gave, in words.
pub fn given_by(tool: &str, text: &str) -> Answer {
    Answer { claims: vec![Claim::of_tool(text, tool)], ..said(text) }
}

/// Adds one part's extractive answer to the whole.
fn append(
    answer: &mut Answer,
    part: &Examined,
    citations_max: usize,
    reporter: &mut Reporter<'_>,
) -> Result<()> {
    let room = citations_max.max(1).saturating_sub(answer.citations.len());
    let mut spans = choose(&part.candidates, &part.sources, part.part.cue);
    spans.truncate(room);
    let extract = compose(&spans, &part.sources, answer.citations.len() + 1)?;
    for (index, piece) in extract.pieces.into_iter().enumerate() {
        let break_between_parts = if index == 0 && !answer.text.is_empty() { "\n\n" } else { "" };
        let text = format!("{break_between_parts}{}", piece.text);
        reporter.send(Event::Citation(Box::new(piece.citation.clone())));
        reporter.send(Event::Token(text.clone()));
        answer.text.push_str(&text);
        answer.claims.extend(piece.claims);
        answer.citations.push(piece.citation);
    }
    Ok(())
}

/// A generated answer whose claims were checked while it was written.
fn finished(
    model: &dyn ChatModel,
    examined: &[Examined],
    draft: Draft,
    reporter: &mut Reporter<'_>,
) -> Answer {
    reporter.step("answer", StepState::Finished, format!("{} claims", draft.claims.len()));
    let coverage = coverage(&draft.claims);
    let supported = draft.claims.iter().filter(|claim| claim.verdict == Verdict::Supported).count();
    reporter.step("verify", StepState::Started, "");
    reporter.step(
        "verify",
        StepState::Finished,
        format!("{supported} of {} claims supported", draft.claims.len()),
    );
    let (name, mut notices) = written_by(model, &draft);
    if !draft.complete {
        notices.push("the answer was cut off before its end".to_owned());
    }
    Answer {
        model: Some(name),
        confidence: confidence(examined, &draft.claims, coverage),
        coverage,
        flags: orders_flag(&draft),
        text: draft.text,
        claims: draft.claims,
        citations: draft.citations,
        usage: draft.usage,
        ..empty_answer(AnswerMode::Generative, examined, notices)
    }
}

/// The model that wrote a draft, and what is to be said where others should have.
fn written_by(model: &dyn ChatModel, draft: &Draft) -> (String, Vec<String>) {
    let name = draft.model.clone().unwrap_or_else(|| model.name().to_owned());
    let notice = |passed: &PassedOver| {
        format!(
            "the chat model {} did not answer: {}; {name} answered instead",
            passed.model,
            passed.reason()
        )
    };
    let notices = draft.passed_over.iter().map(notice).chain(draft.orders.iter().cloned()).collect();
    (name, notices)
}

/// Of sources that gave the model orders.
fn orders_flag(draft: &Draft) -> Vec<Flag> {
    let flag = Flag { kind: "passage".to_owned(), action: "flagged".to_owned(), count: draft.orders.len() };
    if flag.count > 0 { vec![flag] } else { Vec::new() }
}

/// How far the sources fit the question, times how far they carry what was said of them. The first factor is
/// calibrated, the second is the share of supported claims weighted by their support.
fn confidence(examined: &[Examined], claims: &[Claim], coverage: Option<f32>) -> f32 {
    let fits = examined.iter().map(|part| part.signals.answerable()).fold(0.0, f32::max);
    let supports =
        claims.iter().filter(|claim| claim.verdict == Verdict::Supported).map(|claim| claim.support);
    let (sum, count) = supports.fold((0.0, 0.0), |(sum, count), support| (sum + support, count + 1.0));
    fits * coverage.unwrap_or(0.0) * if count > 0.0 { sum / count } else { 0.0 }
}

fn nothing_supported(claims: &[Claim]) -> bool {
    claims.iter().all(|claim| claim.verdict != Verdict::Supported)
}

/// Says that the documents do not hold the answer, what was looked for and what came nearest.
pub(crate) fn abstained(mode: AnswerMode, examined: &[Examined], notices: Vec<String>) -> Answer {
    let nothing_found = examined.iter().all(|part| part.sources.hits.is_empty());
    let reason = if nothing_found {
        "nothing in the documents matches the question"
    } else {
        "the documents that come nearest do not seem to hold the answer"
    };
    let confidence = examined.iter().map(|part| part.signals.answerable()).fold(0.0, f32::max);
    Answer {
        abstained: Some(Abstention {
            reason: reason.into(),
            looked_for: looked_for(examined),
            nearest: nearest(examined),
        }),
        confidence: 1.0 - confidence,
        ..empty_answer(mode, examined, notices)
    }
}

pub(crate) fn empty_answer(mode: AnswerMode, examined: &[Examined], notices: Vec<String>) -> Answer {
    Answer {
        text: String::new(),
        mode,
        model: None,
        claims: Vec::new(),
        citations: Vec::new(),
        abstained: None,
        coverage: None,
        confidence: 0.0,
        notices,
        flags: Vec::new(),
        usage: Usage::default(),
        trace: examined.first().map(|part| part.trace.clone()).unwrap_or_default(),
        kept: None,
    }
}

/// Supported claims over checkable ones.
pub(crate) fn coverage(claims: &[Claim]) -> Option<f32> {
    let count = |verdict| claims.iter().filter(|claim| claim.verdict == verdict).count();
    let supported = count(Verdict::Supported);
    let checkable = supported + count(Verdict::Unsupported);
    (checkable > 0).then(|| supported as f32 / checkable as f32)
}

fn looked_for(examined: &[Examined]) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for part in examined {
        for term in content_terms(&part.sources.analyzer, &part.part.text) {
            let word = part.part.text[term.start..term.end].to_owned();
            if !words.contains(&word) {
                words.push(word);
            }
        }
    }
    words
}

fn nearest(examined: &[Examined]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for hit in examined.iter().flat_map(|part| part.sources.hits.iter().take(NEAREST_MAX)) {
        let name = name_of(hit);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.truncate(NEAREST_MAX);
    names
}

fn name_of(hit: &Hit) -> String {
    if hit.title.is_empty() { hit.source.clone() } else { format!("{} ({})", hit.title, hit.source) }
}
