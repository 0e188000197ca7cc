//! The chat flow's kinds of nodes: JSON in, JSON out, over the functions that `Answerer` uses too.
//!
//! Keeps true: a chat model that is missing or fails is a notice in the output and never an error; the only errors are
//! a malformed input and those of the search.

mod recalling;
mod specs;
mod steering;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use ibid_flow::{Call, Emitted, NodeKind, Output};
use ibid_model::ChatModel;
use ibid_types::answer::{Answer, AnswerMode, Event, Question, StepState, Usage};
use ibid_types::search::Hit;
use ibid_types::{Error, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::AnswerConfig;
use crate::answering::{Making, Reporter, abstained};
use crate::check::{Check, check};
use crate::edit::without_claims;
use crate::finding::{Examined, Finding, FindingRecord, records};
use crate::followup::Exchange;
use crate::guard::{Guard, orders};
use crate::kept::Memory;
use crate::ports::{Choice, Ports};
use crate::question::{Part, QUESTION_CHARS_MAX, parts};
use crate::rewrite::rewrite;
use crate::route::{Route, way};
use crate::summary::summarise;
use crate::tooling::{CALCULATOR, CURRENT_TIME, call_for};
use crate::turn::{Quality, TurnOptions, events_of};

use specs::SPECS;

/// The field of an output with the text that watchers may see of its answer.
const SHOWN: &str = "shown";
/// A chat model may take its time.
const TIMEOUT: Duration = Duration::from_secs(600);

/// The kinds over `ports`, to be put into a `Registry`.
#[must_use]
pub fn kinds(ports: &Arc<Ports>) -> Vec<Arc<dyn NodeKind>> {
    SPECS.iter().map(|spec| Arc::new(Kind { spec, ports: Arc::clone(ports) }) as Arc<dyn NodeKind>).collect()
}

struct Spec {
    name: &'static str,
    description: &'static str,
    /// Parameter, JSON type, whether it must be given.
    parameters: &'static [(&'static str, &'static str, bool)],
    perform: fn(&Ports, &Call<'_>) -> Result<Output>,
}

struct Kind {
    spec: &'static Spec,
    ports: Arc<Ports>,
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kind").field("name", &self.spec.name).finish_non_exhaustive()
    }
}

impl NodeKind for Kind {
    fn name(&self) -> &str {
        self.spec.name
    }

    fn description(&self) -> &str {
        self.spec.description
    }

    fn parameters(&self) -> Value {
        let properties: serde_json::Map<String, Value> = self
            .spec
            .parameters
            .iter()
            .map(|(name, kind, _)| ((*name).to_owned(), schema_of(kind)))
            .collect();
        let required: Vec<&str> =
            self.spec.parameters.iter().filter(|(.., required)| *required).map(|(name, ..)| *name).collect();
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
    }

    fn timeout(&self) -> Duration {
        TIMEOUT
    }

    fn events_of(&self, output: &Value) -> Vec<(String, Value)> {
        events_of(self.spec.name, output)
    }

    fn text_of(&self, output: &Value) -> Option<String> {
        output.get(SHOWN)?.as_str().map(str::to_owned)
    }

    /// Only `route` chooses among tools; it calls none.
    fn uses_tools(&self) -> bool {
        self.spec.name == "route"
    }

    fn perform(&self, call: &Call<'_>) -> Result<Output> {
        let mut output = (self.spec.perform)(&self.ports, call)?;
        output.money = self.money(call, &output);
        Ok(output)
    }
}

impl Kind {
    /// What the tokens of an output cost at the price of the turn's model.
    fn money(&self, call: &Call<'_>, output: &Output) -> f64 {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Chosen {
            options: TurnOptions,
        }
        let (prompt_tokens, completion_tokens) = (output.prompt_tokens, output.completion_tokens);
        if prompt_tokens + completion_tokens == 0 {
            return 0.0;
        }
        let chosen = Chosen::deserialize(call.input).unwrap_or_default();
        let price = self.ports.price(&chosen.options.question(call.workspace, call.reader, ""));
        price.usd(Usage { prompt_tokens, completion_tokens })
    }
}

/// Of one parameter: `any` is whatever JSON there is.
fn schema_of(kind: &str) -> Value {
    if kind == "any" { json!({}) } else { json!({ "type": kind }) }
}

/// What the kinds read of their input; each uses what its parameters name.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Input {
    question: String,
    history: Vec<Exchange>,
    summary: String,
    options: TurnOptions,
    parts: Vec<Part>,
    texts: bool,
    findings: Vec<FindingRecord>,
    round: u32,
    held: Vec<bool>,
    asked: String,
    route: String,
    allow: Vec<String>,
    tool: String,
    input: Value,
    result: Value,
    answer: Option<Answer>,
    check: Check,
    last: bool,
    evidence: String,
}

/// A call, read.
struct Work<'a> {
    ports: &'a Ports,
    call: &'a Call<'a>,
    input: Input,
    question: Question,
    config: AnswerConfig,
}

impl<'a> Work<'a> {
    fn read(ports: &'a Ports, call: &'a Call<'a>) -> Result<Self> {
        let input: Input = parse(call)?;
        let config = input.options.config(&ports.config);
        let question = input.options.question(call.workspace, call.reader, &input.question);
        Ok(Self { ports, call, input, question, config })
    }

    /// The model to ask, with a notice where the one that was asked for is not there.
    fn model(&self, notices: &mut Vec<String>) -> Option<&'a dyn ChatModel> {
        match self.ports.choice(&self.question) {
            Choice::Model(model) => Some(model),
            Choice::None => None,
            Choice::Missing(reason) => {
                notices.push(format!("{reason}; this answer is made of the sources' own sentences"));
                None
            }
        }
    }

    /// What an earlier node found, with its passages as they are now.
    fn findings(&self) -> Result<Vec<Finding>> {
        self.ports.recall(self.question.workspace, self.question.reader, &self.input.findings)
    }

    /// The model for what rules can do too: nobody at *quick*.
    fn model_beside_the_answer(&self) -> Option<&'a dyn ChatModel> {
        self.model(&mut Vec::new()).filter(|_| self.input.options.quality != Quality::Quick)
    }

    /// What is remembered of the question, as hard as it is tried for.
    fn memory(&self) -> Option<Memory<'_>> {
        self.ports.memory(&self.question, &self.config, self.input.options.quality.name())
    }

    fn examined(&self) -> Result<Vec<Examined>> {
        self.ports.weigh_all(&self.findings()?, &self.config)
    }

    fn making<'m>(&'m self, advice: &'m [String]) -> Making<'m> {
        Making { ports: self.ports, question: &self.question, config: &self.config, advice }
    }

    /// The guard of an answer from these passages.
    fn guard<'h>(&'h self, passages: impl IntoIterator<Item = &'h Hit>) -> Guard<'h> {
        Guard::new(&self.question.text, passages, &self.ports.policy.answers)
    }

    /// The passages that were found or, where a flow does not say which, those that the answer cites.
    fn passages(&self, answer: &Answer) -> Result<Vec<Hit>> {
        if !self.input.findings.is_empty() {
            return Ok(self.findings()?.into_iter().flat_map(|finding| finding.hits).collect());
        }
        let chunks: Vec<_> = answer.citations.iter().map(|citation| citation.chunk).collect();
        self.ports.search.read(self.question.workspace, self.question.reader, &chunks)
    }

    fn answer(&self) -> Result<Answer> {
        self.input.answer.clone().ok_or_else(|| invalid(self.call, "it has no answer"))
    }

    /// Makes an answer whose text watchers see as it is written, without what the guard would hide.
    fn tell(
        &self,
        guard: &Guard<'_>,
        make: impl FnOnce(&mut Reporter<'_>) -> Result<Answer>,
    ) -> Result<Answer> {
        let (mut screen, mut has_text) = (guard.stream(), false);
        let emit = |text: String| {
            if text.is_empty() { ControlFlow::Continue(()) } else { (self.call.emit)(Emitted::Token(text)) }
        };
        let mut on_event = |event: Event| match event {
            Event::Token(text) => {
                has_text = true;
                emit(screen.push(&text))
            }
            // The answer begins again, by another model or of the sources' own sentences.
            Event::Step { name, state: StepState::Started, .. } if name == "answer" && has_text => {
                (screen, has_text) = (guard.stream(), false);
                (self.call.emit)(Emitted::Anew)
            }
            Event::Step { detail, .. } if !detail.is_empty() => (self.call.emit)(Emitted::Progress(detail)),
            _ => ControlFlow::Continue(()),
        };
        let answer = make(&mut Reporter::new(&mut on_event))?;
        let _ = emit(screen.finish());
        Ok(answer)
    }
}

fn perform_rewrite(ports: &Ports, call: &Call<'_>) -> Result<Output> {
    let work = Work::read(ports, call)?;
    let (asked, mut notices) = (&work.input.question, Vec::new());
    crate::question::read(asked)?;
    let is_for_a_tool = call_for(asked, &[CALCULATOR, CURRENT_TIME].map(str::to_owned)).is_some();
    let goes_on = way(asked, &ports.policy).route == Route::Documents && !is_for_a_tool;
    let history = if goes_on { work.input.history.as_slice() } else { &[] };
    let model = work.model_beside_the_answer();
    let made = rewrite(asked, history, &work.input.summary, model);
    notices.extend(made.notice);
    let question: String = made.rewriting.question.chars().take(QUESTION_CHARS_MAX).collect();
    let value = json!({
        "question": question, "changed": made.rewriting.changed, "why": made.rewriting.why, "notices": notices,
    });
    Ok(output(value, made.usage))
}

fn perform_retrieve(ports: &Ports, call: &Call<'_>) -> Result<Output> {
    let work = Work::read(ports, call)?;
    let own = if work.input.parts.is_empty() {
        parts(work.input.question.trim())
    } else {
        work.input.parts.clone()
    };
    let findings = ports.find_all(&work.question, &own, &work.config)?;
    let found: usize = findings.iter().map(|finding| finding.hits.len()).sum();
    let _ = (call.emit)(Emitted::Progress(format!("{found} passages")));
    let keeps = found > 0 && work.memory().is_some();
    let mut value = json!({ "findings": records(&findings), "found": found, "keeps": keeps });
    if work.input.texts {
        value["passages"] = passages(&findings);
    }
    Ok(output(value, Usage::default()))
}

/// The texts that were found, for a flow that does something else with them than to answer.
fn passages(findings: &[Finding]) -> Value {
    let hits = findings.iter().flat_map(|finding| &finding.hits);
    let passage = |hit: &Hit| {
        json!({
            "chunk": hit.chunk.id, "document": hit.chunk.document, "title": hit.title, "source": hit.source,
            "text": hit.chunk.text, "score": hit.score, "orders": orders(hit),
        })
    };
    hits.map(passage).collect()
}

fn perform_answer(ports: &Ports, call: &Call<'_>) -> Result<Output> {
    let work = Work::read(ports, call)?;
    let mut notices = Vec::new();
    let model = work.model(&mut notices);
    let examined = work.examined()?;
    let guard = work.guard(hits(&examined));
    let mut answer = work.tell(&guard, |reporter| work.making(&[]).answer(model, &examined, reporter))?;
    notices.append(&mut answer.notices);
    answer.notices = notices;
    let usage = answer.usage;
    Ok(output(shown(&answer, &guard), usage))
}

fn perform_verify(ports: &Ports, call: &Call<'_>) -> Result<Output> {
    let work = Work::read(ports, call)?;
    let mut answer = work.answer()?;
    let model = work.model(&mut Vec::new());
    let consensus = work.input.options.quality == Quality::Thorough;
    let (check, usage) = check(&work.making(&[]), &mut answer, &work.examined()?, consensus, model)?;
    let line = if check.passes { "nothing to improve".to_owned() } else { check.faults.join("; ") };
    let _ = (call.emit)(Emitted::Progress(line));
    add(&mut answer.usage, usage);
    Ok(output(json!({ "answer": answer, "check": check }), usage))
}

fn perform_improve(ports: &Ports, call: &Call<'_>) -> Result<Output> {
    let work = Work::read(ports, call)?;
    let before = work.answer()?;
    let (check, examined) = (&work.input.check, work.examined()?);
    let model =
        work.model(&mut Vec::new()).filter(|_| !work.input.last && before.mode == AnswerMode::Generative);
    let mut usage = Usage::default();
    let guard = work.guard(hits(&examined));
    let mut answer = match model {
        Some(model) => {
            let again = work.tell(&guard, |reporter| {
                work.making(&check.faults).answer(Some(model), &examined, reporter)
            })?;
            usage = again.usage;
            again
        }
        None => {
            let settled = settled(&work, before.clone(), &examined)?;
            let _ = (call.emit)(Emitted::Token(guard.clean(&settled.text).text));
            settled
        }
    };
    answer.usage = before.usage;
    add(&mut answer.usage, usage);
    Ok(output(shown(&answer, &guard), usage))
}

/// What is left without the claims that nothing supports; where that is nothing, or the answer is about something
/// else, the sources' own sentences, if they hold the answer at all.
fn settled(work: &Work<'_>, before: Answer, examined: &[Examined]) -> Result<Answer> {
    let check = &work.input.check;
    let (usage, off_topic) = (before.usage, check.unsupported.is_empty() && !check.passes);
    let notice = if off_topic {
        "the chat model's answer did not hold up; this answer is made of the sources' own sentences"
    } else {
        "what no source supports was left out of the chat model's answer"
    };
    let mut left = without_claims(before, |index| check.unsupported.contains(&index));
    let holds = left.claims.iter().any(|claim| claim.verdict == ibid_types::answer::Verdict::Supported);
    if holds && !off_topic {
        left.notices.push(notice.into());
        left.coverage = crate::answering::coverage(&left.claims);
        return Ok(left);
    }
    let mut silent = |_| ControlFlow::Continue(());
    let making = work.making(&[]);
    let notices = vec![
        "the chat model's answer did not hold up; this answer is made of the sources' own sentences".into(),
    ];
    let mut answer = match work.question.mode {
        AnswerMode::Generative => abstained(AnswerMode::Generative, examined, Vec::new()),
        _ => making.extractive(examined, notices, &mut Reporter::new(&mut silent))?,
    };
    answer.usage = usage;
    Ok(answer)
}

fn perform_guard(ports: &Ports, call: &Call<'_>) -> Result<Output> {
    let work = Work::read(ports, call)?;
    let answer = work.answer()?;
    let passages = work.passages(&answer)?;
    let answer = work.guard(&passages).guarded(answer);
    Ok(output(json!({ "answer": answer }), Usage::default()))
}

fn hits(examined: &[Examined]) -> impl Iterator<Item = &Hit> {
    examined.iter().flat_map(|part| &part.sources.hits)
}

/// An output with an answer, and with its text as watchers may see it: only a later node has the last look at the answer.
fn shown(answer: &Answer, guard: &Guard<'_>) -> Value {
    json!({ "answer": answer, SHOWN: guard.clean(&answer.text).text })
}

fn perform_summarise(ports: &Ports, call: &Call<'_>) -> Result<Output> {
    let work = Work::read(ports, call)?;
    let history = &work.input.history;
    let tokens_max = ports.policy.summary_tokens_max;
    let long = history.len() >= ports.policy.summary_turns_min;
    if !long {
        return Ok(output(
            json!({ "summary": work.input.summary, "notices": [], "covers": 0 }),
            Usage::default(),
        ));
    }
    let model = work.model_beside_the_answer();
    let (summary, usage, notice) =
        summarise(history, &work.input.summary, tokens_max, &ports.embedder, model);
    let notices: Vec<String> = notice.into_iter().collect();
    Ok(output(json!({ "summary": summary, "notices": notices, "covers": history.len() }), usage))
}

fn add(sum: &mut Usage, more: Usage) {
    sum.prompt_tokens += more.prompt_tokens;
    sum.completion_tokens += more.completion_tokens;
}

fn output(value: Value, usage: Usage) -> Output {
    Output {
        value,
        prompt_tokens: usage.prompt_tokens,
        completion_tokens: usage.completion_tokens,
        ..Output::default()
    }
}

fn parse<T: DeserializeOwned>(call: &Call<'_>) -> Result<T> {
    T::deserialize(call.input).map_err(|error| invalid(call, &error.to_string()))
}

fn invalid(call: &Call<'_>, what: &str) -> Error {
    Error::bad_request(
        "node_input_invalid",
        format!("the input of node '{}' cannot be used: {what}", call.node),
    )
}
