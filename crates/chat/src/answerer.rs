//! One question, from its text to its answer: the functions of the chat flow's nodes in a row, without a journal.
//!
//! Keeps true: `Done` is the last event and sent once, unless the listener stopped before; the concatenation of
//! the tokens since the last `answer` step started is the answer's text.

use std::ops::ControlFlow;
use std::sync::Arc;

use ibid_model::{ChatModel, Embedder};
use ibid_types::Result;
use ibid_types::answer::{Answer, Event, Question, StepState};
use ibid_types::search::Trace;

use crate::answering::{Making, Reporter, said};
use crate::finding::Examined;
use crate::guard::Guard;
use crate::judge::Signals;
use crate::ports::Ports;
use crate::question::{Part, Reading, read};
use crate::route::{Route, refusal, way};
use crate::score::Candidate;
use crate::talk::reply;
use crate::{AnswerConfig, Search};

/// How hard answers are tried for that no flow makes, as kept answers know it.
const EFFORT: &str = "ask";
/// What is told of an answer that is given again.
pub const RECALLED: &str = "answered before from the same passages";

/// Answers questions.
#[derive(Debug)]
pub struct Answerer {
    ports: Arc<Ports>,
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

impl Answerer {
    /// `models` in order of preference; empty means that every answer is extractive.
    #[must_use]
    pub fn new(
        search: Arc<dyn Search>,
        embedder: Arc<dyn Embedder>,
        models: Vec<Arc<dyn ChatModel>>,
        config: AnswerConfig,
    ) -> Self {
        Self::over(Arc::new(Ports::new(search, embedder, models, config)))
    }

    /// Over the ports that the chat flow's nodes use too.
    #[must_use]
    pub const fn over(ports: Arc<Ports>) -> Self {
        Self { ports }
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
        let mut reporter = Reporter::new(on_event);
        let model = self.ports.model(question)?;
        let answer = match read(&question.text)? {
            Reading::Talk(talk, tongue) => self.say(reply(talk, tongue), &mut reporter),
            Reading::Questions(parts) => match self.kept_from_documents(&question.text) {
                Some(text) => self.say(&text, &mut reporter),
                None => self.answer(question, model, &parts, &mut reporter)?,
            },
        };
        reporter.send(Event::Done(Box::new(answer.clone())));
        Ok(answer)
    }

    /// What is said instead of an answer to a person in crisis, or who asks for what is refused.
    fn kept_from_documents(&self, text: &str) -> Option<String> {
        let way = way(text, &self.ports.policy);
        match way.route {
            Route::Crisis => Some(self.ports.policy.crisis_text(way.tongue).to_owned()),
            Route::Refuse => Some(refusal(way.tongue).to_owned()),
            Route::Documents | Route::Tools | Route::SmallTalk => None,
        }
    }

    fn say(&self, text: &str, reporter: &mut Reporter<'_>) -> Answer {
        reporter.send(Event::Token(text.into()));
        said(text)
    }

    /// What `ask` would weigh for each part of the question, without making an answer.
    pub fn examine(&self, question: &Question) -> Result<Vec<Examination>> {
        let Reading::Questions(parts) = read(&question.text)? else { return Ok(Vec::new()) };
        Ok(self.examined(question, &parts)?.into_iter().map(Examined::reveal).collect())
    }

    fn answer(
        &self,
        question: &Question,
        model: Option<&dyn ChatModel>,
        parts: &[Part],
        reporter: &mut Reporter<'_>,
    ) -> Result<Answer> {
        reporter.step("retrieve", StepState::Started, "");
        let config = &self.ports.config;
        let findings = self.ports.find_all(question, parts, config)?;
        let found: usize = findings.iter().map(|finding| finding.hits.len()).sum();
        reporter.step("retrieve", StepState::Finished, format!("{found} passages"));
        let hits = findings.iter().flat_map(|finding| &finding.hits);
        let guard = Guard::new(&question.text, hits, &self.ports.policy.answers);
        let memory = self.ports.memory(question, config, EFFORT);
        if let Some(answer) = memory.as_ref().and_then(|memory| memory.again(&findings)) {
            return tell(&guard, reporter, |reporter| Ok(tell_again(answer, reporter)));
        }
        let examined = self.ports.weigh_all(&findings, config)?;
        let making = Making { ports: &self.ports, question, config, advice: &[] };
        tell(&guard, reporter, |reporter| {
            let answer = making.answer(model, &examined, reporter)?;
            if let Some(memory) = &memory {
                memory.keep(&findings, &answer, None);
            }
            Ok(answer)
        })
    }

    fn examined(&self, question: &Question, parts: &[Part]) -> Result<Vec<Examined>> {
        let config = &self.ports.config;
        self.ports.weigh_all(&self.ports.find_all(question, parts, config)?, config)
    }
}

/// Tells an answer that was given before, all at once.
fn tell_again(answer: Answer, reporter: &mut Reporter<'_>) -> Answer {
    reporter.step("recall", StepState::Finished, RECALLED);
    for citation in &answer.citations {
        reporter.send(Event::Citation(Box::new(citation.clone())));
    }
    reporter.send(Event::Token(answer.text.clone()));
    answer
}

/// Makes an answer of which the listener hears only what the guard lets pass, while it is written and in the end.
fn tell(
    guard: &Guard<'_>,
    reporter: &mut Reporter<'_>,
    make: impl FnOnce(&mut Reporter<'_>) -> Result<Answer>,
) -> Result<Answer> {
    let (mut screen, mut told) = (guard.stream(), String::new());
    let mut on_event = |event: Event| {
        match event {
            Event::Token(text) => send_text(reporter, &mut told, screen.push(&text)),
            Event::Citation(citation) => {
                reporter.send(Event::Citation(Box::new(guard.citation(*citation))));
            }
            Event::Step { ref name, state: StepState::Started, .. } if name == "answer" => {
                (screen, told) = (guard.stream(), String::new());
                reporter.send(event);
            }
            other => reporter.send(other),
        }
        if reporter.stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let answer = guard.guarded(make(&mut Reporter::new(&mut on_event))?);
    let rest = screen.finish();
    send_text(reporter, &mut told, rest);
    if told != answer.text {
        reporter.step("answer", StepState::Started, "without what must not be shown");
        send_text(reporter, &mut String::new(), answer.text.clone());
    }
    Ok(answer)
}

fn send_text(reporter: &mut Reporter<'_>, told: &mut String, text: String) {
    if !text.is_empty() {
        told.push_str(&text);
        reporter.send(Event::Token(text));
    }
}

impl Examined {
    fn reveal(self) -> Examination {
        let text = |candidate: &Candidate| self.sources.text(candidate.place).to_owned();
        let candidates = self.candidates.iter().map(|candidate| (text(candidate), *candidate)).collect();
        Examination { part: self.part.text, signals: self.signals, candidates, trace: self.trace }
    }
}
