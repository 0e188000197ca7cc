//! The steps of one question, from its text to its answer.
//!
//! Keeps true: `Done` is the last event and sent once, unless the listener stopped before; the concatenation of
//! the tokens since the last `answer` step started is the answer's text.

use std::ops::ControlFlow;
use std::sync::Arc;

use ibid_model::{ChatModel, Embedder};
use ibid_types::answer::{Abstention, Answer, AnswerMode, Claim, Event, Question, StepState, Usage, Verdict};
use ibid_types::search::{Hit, Mode, Request, Trace};
use ibid_types::{Error, Result};

use crate::extract::{choose, compose};
use crate::generate::{Draft, generate};
use crate::judge::{Basis, Signals, signals};
use crate::question::{Part, Reading, content_terms, read};
use crate::score::{Asked, Candidate, rank};
use crate::sources::Sources;
use crate::{AnswerConfig, Search};

const GREETING: &str = "Hello. Ask me something about your documents.";
const NOTICE_WORDS_ONLY: &str =
    "the embedding model did not answer; sentences were compared by their words only";
const NOTHING_SUPPORTED: &str = "no source supports what the chat model said";
/// Share of `answerable_min` from which a chat model is asked.
const ASKING_SHARE: f32 = 0.3;
/// Titles named as the nearest when there is no answer.
const NEAREST_MAX: usize = 3;

/// Answers questions.
pub struct Answerer {
    search: Arc<dyn Search>,
    embedder: Arc<dyn Embedder>,
    models: Vec<Arc<dyn ChatModel>>,
    config: AnswerConfig,
}

impl std::fmt::Debug for Answerer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answerer")
            .field("models", &self.models)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// What was weighed for one part of a question, for `eval_answers` and for explaining.
#[derive(Debug)]
pub struct Examination {
    pub part: String,
    pub signals: Signals,
    /// The best candidates' texts, best first.
    pub candidates: Vec<(String, Candidate)>,
    pub trace: Trace,
}

/// One question of those asked, with what was found for it.
pub(crate) struct Examined {
    pub part: Part,
    pub sources: Sources,
    pub candidates: Vec<Candidate>,
    pub signals: Signals,
    pub language: Option<String>,
    pub trace: Trace,
    pub words_only: bool,
}

/// Sends events until the listener stops.
pub(crate) struct Reporter<'a> {
    on_event: &'a mut dyn FnMut(Event) -> ControlFlow<()>,
    pub stopped: bool,
}

impl Reporter<'_> {
    pub fn send(&mut self, event: Event) {
        if !self.stopped {
            self.stopped = (self.on_event)(event).is_break();
        }
    }

    pub fn step(&mut self, name: &str, state: StepState, detail: impl Into<String>) {
        self.send(Event::Step { name: name.into(), state, detail: detail.into() });
    }
}

impl Answerer {
    /// `models` in order of preference; empty means that every answer is extractive.
    #[must_use]
    pub fn new(
        search: Arc<dyn Search>,
        embedder: Arc<dyn Embedder>,
        models: Vec<Arc<dyn ChatModel>>,
        config: AnswerConfig,
    ) -> Self {
        Self { search, embedder, models, config }
    }

    /// Answers a question and tells what happens on the way. Returning `Break` from `on_event` ends generation
    /// early and the events with it; the answer so far is returned.
    ///
    /// Errors: `question_empty`, `question_too_long`, `chat_model_unknown`, `chat_model_missing`, and those of the
    /// search. A failing chat model is no error: the answer is extractive then and a notice says so.
    pub fn ask(
        &self,
        question: &Question,
        on_event: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<Answer> {
        let mut reporter = Reporter { on_event, stopped: false };
        let model = self.model(question)?;
        let answer = match read(&question.text)? {
            Reading::Greeting => greet(&mut reporter),
            Reading::Questions(parts) => self.answer(question, model, &parts, &mut reporter)?,
        };
        reporter.send(Event::Done(Box::new(answer.clone())));
        Ok(answer)
    }

    /// What `ask` would weigh for each part of the question, without making an answer.
    pub fn examine(&self, question: &Question) -> Result<Vec<Examination>> {
        let Reading::Questions(parts) = read(&question.text)? else { return Ok(Vec::new()) };
        let examined = parts.iter().map(|part| self.examine_part(question, part));
        examined.map(|examined| examined.map(Examined::reveal)).collect()
    }

    fn answer(
        &self,
        question: &Question,
        model: Option<&Arc<dyn ChatModel>>,
        parts: &[Part],
        reporter: &mut Reporter<'_>,
    ) -> Result<Answer> {
        reporter.step("retrieve", StepState::Started, "");
        let mut examined = Vec::new();
        for part in parts {
            examined.push(self.examine_part(question, part)?);
        }
        let found: usize = examined.iter().map(|part| part.sources.hits.len()).sum();
        reporter.step("retrieve", StepState::Finished, format!("{found} passages"));
        match model {
            Some(model) if self.worth_asking(&examined) => {
                self.generative(question, &**model, &examined, reporter)
            }
            _ => self.extractive(question, &examined, Vec::new(), reporter),
        }
    }

    /// A model reads better than the judge, so it is asked even where an extractive answer would be declined, unless
    /// the sources are clearly about something else.
    fn worth_asking(&self, examined: &[Examined]) -> bool {
        let least = self.config.answerable_min * ASKING_SHARE;
        examined.iter().any(|part| !part.sources.hits.is_empty() && part.signals.answerable() >= least)
    }

    fn generative(
        &self,
        question: &Question,
        model: &dyn ChatModel,
        examined: &[Examined],
        reporter: &mut Reporter<'_>,
    ) -> Result<Answer> {
        reporter.step("answer", StepState::Started, model.name());
        let draft = generate(question, examined, model, &*self.embedder, &self.config, reporter);
        let problem = match draft {
            Ok(draft) if draft.text.trim().is_empty() => "it gave an empty answer".to_owned(),
            Ok(draft) if draft.unknown => {
                reporter.step("answer", StepState::Finished, "the model does not know");
                return Ok(self.declined(
                    model,
                    examined,
                    draft,
                    "the chat model did not find the answer in the documents",
                ));
            }
            Ok(draft) if nothing_supported(&draft.claims) => {
                if question.mode == AnswerMode::Generative {
                    reporter.step("answer", StepState::Failed, NOTHING_SUPPORTED);
                    return Ok(self.declined(model, examined, draft, NOTHING_SUPPORTED));
                }
                "no source supports what it said".to_owned()
            }
            Ok(draft) => return Ok(finished(model, examined, draft, reporter)),
            Err(error) => error.message,
        };
        reporter.step("answer", StepState::Failed, problem.clone());
        let name = model.name();
        let notice = format!(
            "the chat model {name} gave no usable answer ({problem}); this one is made of the sources' own sentences"
        );
        self.extractive(question, examined, vec![notice], reporter)
    }

    fn declined(&self, model: &dyn ChatModel, examined: &[Examined], draft: Draft, reason: &str) -> Answer {
        let mut answer = abstained(AnswerMode::Generative, examined, Vec::new());
        if let Some(abstention) = &mut answer.abstained {
            abstention.reason = reason.into();
        }
        answer.model = Some(model.name().into());
        answer.usage = draft.usage;
        answer
    }

    fn extractive(
        &self,
        question: &Question,
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
            append(&mut answer, part, question.citations_max, reporter)?;
            answer.confidence = answer.confidence.min(part.signals.right());
        }
        answer.coverage = coverage(&answer.claims);
        reporter.step("answer", StepState::Finished, format!("{} claims", answer.claims.len()));
        Ok(answer)
    }

    fn examine_part(&self, question: &Question, part: &Part) -> Result<Examined> {
        let found = self.search.search(&Request {
            workspace: question.workspace,
            query: part.text.clone(),
            mode: Mode::Hybrid,
            filter: question.filter.clone(),
            limit: self.config.search_hits_max,
        })?;
        let language = language_of(&found.hits, &found.trace);
        let mut sources = Sources::new(found.hits, language.as_deref());
        let foreign =
            language.is_some() && found.trace.language.is_some() && language != found.trace.language;
        let basis = if foreign { Basis::Vectors } else { Basis::WordsAndVectors };
        let embedder = Some(&*self.embedder);
        let (candidates, signals, words_only) = match self.weigh(part, &mut sources, embedder, basis) {
            Ok((candidates, signals)) => (candidates, signals, false),
            Err(_) => {
                let (candidates, signals) = self.weigh(part, &mut sources, None, Basis::Words)?;
                (candidates, signals, true)
            }
        };
        Ok(Examined {
            part: part.clone(),
            sources,
            candidates,
            signals,
            language,
            trace: found.trace,
            words_only,
        })
    }

    fn weigh(
        &self,
        part: &Part,
        sources: &mut Sources,
        embedder: Option<&dyn Embedder>,
        basis: Basis,
    ) -> Result<(Vec<Candidate>, Signals)> {
        let asked = Asked::new(part, sources, embedder)?;
        let AnswerConfig { extract_hits_max, embedded_units_max, .. } = self.config;
        let candidates = rank(&asked, sources, embedder, extract_hits_max, embedded_units_max)?;
        let signals = signals(&asked, &candidates, sources, basis);
        Ok((candidates, signals))
    }

    /// The model to ask; `None` for an extractive answer.
    fn model(&self, question: &Question) -> Result<Option<&Arc<dyn ChatModel>>> {
        if question.mode == AnswerMode::Extractive {
            return Ok(None);
        }
        let model = match &question.model {
            None => self.models.first(),
            Some(name) => Some(self.models.iter().find(|model| model.name() == name).ok_or_else(|| {
                Error::not_found(
                    "chat_model_unknown",
                    format!("no chat model `{name}` is configured: {}", self.names()),
                )
            })?),
        };
        if model.is_none() && question.mode == AnswerMode::Generative {
            let message = "no chat model is configured: configure one or ask for an extractive answer";
            return Err(Error::bad_request("chat_model_missing", message));
        }
        Ok(model)
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.models.iter().map(|model| model.name()).collect();
        if names.is_empty() { "there is none".into() } else { format!("there are {}", names.join(", ")) }
    }
}

impl Examined {
    fn reveal(self) -> Examination {
        let text = |candidate: &Candidate| self.sources.text(candidate.place).to_owned();
        let candidates = self.candidates.iter().map(|candidate| (text(candidate), *candidate)).collect();
        Examination { part: self.part.text, signals: self.signals, candidates, trace: self.trace }
    }
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
    let mut notices = Vec::new();
    if !draft.complete {
        notices.push("the answer was cut off before its end".to_owned());
    }
    Answer {
        model: Some(model.name().into()),
        confidence: confidence(examined, &draft.claims, coverage),
        coverage,
        text: draft.text,
        claims: draft.claims,
        citations: draft.citations,
        usage: draft.usage,
        ..empty_answer(AnswerMode::Generative, examined, notices)
    }
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

fn greet(reporter: &mut Reporter<'_>) -> Answer {
    reporter.send(Event::Token(GREETING.into()));
    let claim =
        Claim { text: GREETING.into(), verdict: Verdict::NotCheckable, citations: Vec::new(), support: 0.0 };
    Answer {
        text: GREETING.into(),
        claims: vec![claim],
        confidence: 1.0,
        ..empty_answer(AnswerMode::Extractive, &[], Vec::new())
    }
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
        usage: Usage::default(),
        trace: examined.first().map(|part| part.trace.clone()).unwrap_or_default(),
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

/// The language to stem in: that of most of the best hits, else the question's.
fn language_of(hits: &[Hit], trace: &Trace) -> Option<String> {
    let top: Vec<&String> = hits.iter().take(5).filter_map(|hit| hit.language.as_ref()).collect();
    let most = top.iter().max_by_key(|language| top.iter().filter(|other| other == language).count());
    most.map(|language| (*language).clone()).or_else(|| trace.language.clone())
}
