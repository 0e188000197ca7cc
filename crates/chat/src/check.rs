//! An answer looked at in layers: its form, its meaning against the question, each claim against its quotes, and the
//! agreement of independent answers.
//!
//! Keeps true: layers go from cheap to costly, and a later one runs only if those before found no fault.

use std::collections::{HashMap, HashSet};

use ibid_model::{ChatModel, Embedder, Purpose};
use ibid_types::Result;
use ibid_types::answer::{Answer, AnswerMode, Usage, Verdict};
use serde::{Deserialize, Serialize};

use crate::AnswerConfig;
use crate::answering::{Making, Reporter};
use crate::edit::marks;
use crate::entail::not_entailed;
use crate::finding::Examined;
use crate::generate::merged;
use crate::sources::cosine;
use crate::terms::{Analyzer, TermKind};
use crate::verify::Verifier;

/// Independent answers besides the one that is checked.
const OTHERS: usize = 2;
/// Chance enough for the samples to be independent.
const SAMPLE_TEMPERATURE: f32 = 0.8;
/// Below this closeness to the question, without a word in common, an answer is about something else.
const MEANING_MIN: f32 = 0.2;
/// Answers without names and numbers agree from this closeness on.
const SAME_MEANING_MIN: f32 = 0.75;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Check {
    pub passes: bool,
    /// What is wrong, in words that a chat model and a reader understand.
    pub faults: Vec<String>,
    /// Claims without support, by index.
    pub unsupported: Vec<usize>,
    /// Closeness of answer and question.
    pub meaning: f32,
    /// Share of independent answers that say the same; `None` where there was none to compare.
    pub agreement: Option<f32>,
    /// Independent answers that were compared.
    pub voters: usize,
}

/// Checks `answer`; writes what it found of each claim into it. Errors: none of its own.
pub fn check(
    making: &Making<'_>,
    answer: &mut Answer,
    examined: &[Examined],
    is_thorough: bool,
    model: Option<&dyn ChatModel>,
) -> Result<(Check, Usage)> {
    let mut check = Check { passes: true, meaning: 1.0, ..Check::default() };
    let mut usage = Usage::default();
    if answer.abstained.is_some() || answer.text.is_empty() {
        return Ok((check, usage));
    }
    form(answer, &mut check);
    meaning(making, answer, &mut check);
    claims(making, answer, examined, &mut check);
    if check.faults.is_empty() && is_thorough {
        add(&mut usage, entailment(answer, model, &mut check));
    }
    if check.faults.is_empty() && is_thorough {
        add(&mut usage, agreement(making, answer, examined, model, &mut check)?);
    }
    check.passes = check.faults.is_empty();
    Ok((check, usage))
}

fn form(answer: &Answer, check: &mut Check) {
    let marks = marks(&answer.text);
    if marks.iter().any(|mark| !(1..=answer.citations.len()).contains(mark)) {
        check.faults.push("a citation mark has no citation".into());
    }
    if marks.is_empty() && answer.claims.iter().any(|claim| claim.verdict != Verdict::NotCheckable) {
        check.faults.push("no sentence cites a source".into());
    }
}

fn meaning(making: &Making<'_>, answer: &Answer, check: &mut Check) {
    let question = &making.question.text;
    let analyzer = Analyzer::new(None);
    let shared = !analyzer.content_keys(question).is_disjoint(&analyzer.content_keys(&answer.text));
    let embed = |text: &str, purpose| making.ports.embedder.embed(&[text], purpose).ok()?.into_iter().next();
    let vectors = embed(question, Purpose::Question).zip(embed(&answer.text, Purpose::Passage));
    check.meaning = vectors.map_or(1.0, |(a, b)| cosine(&a, &b));
    if !shared && check.meaning < MEANING_MIN {
        check.faults.push("the answer is about something else than the question".into());
    }
}

/// Only what a model wrote can go beyond its quotes: an extractive claim is its quote.
fn claims(making: &Making<'_>, answer: &mut Answer, examined: &[Examined], check: &mut Check) {
    if answer.mode != AnswerMode::Generative {
        return;
    }
    let mut sources = merged(examined);
    let asked = sources.analyzer.content_keys(&making.question.text);
    let places: HashMap<usize, usize> = answer
        .citations
        .iter()
        .filter_map(|citation| {
            Some((citation.number, sources.hits.iter().position(|hit| hit.chunk.id == citation.chunk)?))
        })
        .collect();
    let mut verifier = Verifier { sources: &mut sources, embedder: &making.ports.embedder, asked };
    for (index, claim) in answer.claims.iter_mut().enumerate() {
        if claim.verdict == Verdict::NotCheckable {
            continue;
        }
        let hits: Vec<usize> =
            claim.citations.iter().filter_map(|number| places.get(number).copied()).collect();
        claim.support = verifier.bind(&claim.text, &hits).map_or(0.0, |binding| binding.support);
        claim.verdict = crate::verify::verdict(true, claim.support);
        if claim.verdict == Verdict::Unsupported {
            check.unsupported.push(index);
            check.faults.push(format!("no source says: {}", claim.text));
        }
    }
    answer.coverage = crate::answering::coverage(&answer.claims);
}

/// What a model that reads claim and quotes does not find in them. Its verdict is the last: words and vectors agreed before.
fn entailment(answer: &mut Answer, model: Option<&dyn ChatModel>, check: &mut Check) -> Usage {
    let Some(model) = model.filter(|_| answer.mode == AnswerMode::Generative) else {
        return Usage::default();
    };
    let consulted = not_entailed(answer, model);
    answer.notices.extend(consulted.notice);
    for index in consulted.said.unwrap_or_default() {
        let Some(claim) = answer.claims.get_mut(index) else { continue };
        claim.verdict = Verdict::Unsupported;
        check.unsupported.push(index);
        check.faults.push(format!("its quotes do not say: {}", claim.text));
    }
    answer.coverage = crate::answering::coverage(&answer.claims);
    consulted.usage
}

fn add(sum: &mut Usage, more: Usage) {
    sum.prompt_tokens += more.prompt_tokens;
    sum.completion_tokens += more.completion_tokens;
}

fn agreement(
    making: &Making<'_>,
    answer: &mut Answer,
    examined: &[Examined],
    model: Option<&dyn ChatModel>,
    check: &mut Check,
) -> Result<Usage> {
    let mut usage = Usage::default();
    let others = match model.filter(|_| answer.mode == AnswerMode::Generative) {
        Some(model) => sampled(making, examined, model, &mut usage)?,
        None => of_other_documents(making, answer, examined)?,
    };
    let voters: Vec<&Answer> =
        others.iter().filter(|other| other.abstained.is_none() && !other.text.is_empty()).collect();
    check.voters = voters.len();
    if voters.is_empty() {
        return Ok(usage);
    }
    let same = voters.iter().filter(|other| say_the_same(making, answer, other)).count();
    let share = (same + 1) as f32 / (voters.len() + 1) as f32;
    check.agreement = Some(share);
    if share < making.ports.policy.consensus_min {
        answer.confidence *= share;
        match answer.mode {
            AnswerMode::Generative => check.faults.push("independent answers to the question differ".into()),
            _ => answer.notices.push("the sources do not agree: other documents say something else".into()),
        }
    }
    Ok(usage)
}

fn sampled(
    making: &Making<'_>,
    examined: &[Examined],
    model: &dyn ChatModel,
    usage: &mut Usage,
) -> Result<Vec<Answer>> {
    let config = AnswerConfig { temperature: SAMPLE_TEMPERATURE, ..making.config.clone() };
    let sampling = Making { config: &config, advice: &[], ..*making };
    let mut answers = Vec::new();
    for _ in 0..OTHERS {
        let mut silent = |_| std::ops::ControlFlow::Continue(());
        let answer = sampling.answer(Some(model), examined, &mut Reporter::new(&mut silent))?;
        usage.prompt_tokens += answer.usage.prompt_tokens;
        usage.completion_tokens += answer.usage.completion_tokens;
        if answer.mode == AnswerMode::Generative {
            answers.push(answer);
        }
    }
    Ok(answers)
}

/// Answers from sources that the answer does not cite, document by document.
fn of_other_documents(making: &Making<'_>, answer: &Answer, examined: &[Examined]) -> Result<Vec<Answer>> {
    let cited: HashSet<_> = answer.citations.iter().map(|citation| citation.document).collect();
    let mut others: Vec<_> = Vec::new();
    for hit in examined.iter().flat_map(|part| &part.sources.hits) {
        if !cited.contains(&hit.chunk.document) && !others.contains(&hit.chunk.document) {
            others.push(hit.chunk.document);
        }
    }
    let mut answers = Vec::new();
    for document in others.into_iter().take(OTHERS) {
        let mut parts = Vec::new();
        for part in examined {
            let hits =
                part.sources.hits.iter().filter(|hit| hit.chunk.document == document).cloned().collect();
            let finding =
                crate::finding::Finding { part: part.part.clone(), hits, trace: part.trace.clone() };
            parts.push(making.ports.weigh(&finding, making.config)?);
        }
        let mut silent = |_| std::ops::ControlFlow::Continue(());
        answers.push(making.extractive(&parts, Vec::new(), &mut Reporter::new(&mut silent))?);
    }
    Ok(answers)
}

/// Answers agree if they share a name or number that the question does not give, or have none and mean the same.
fn say_the_same(making: &Making<'_>, a: &Answer, b: &Answer) -> bool {
    let analyzer = Analyzer::new(None);
    let asked = analyzer.content_keys(&making.question.text);
    let facts = |answer: &Answer| -> HashSet<String> {
        let text: Vec<&str> = answer.claims.iter().map(|claim| claim.text.as_str()).collect();
        let terms = analyzer.terms(&text.join("\n"));
        let is_fact = |kind| matches!(kind, TermKind::Name | TermKind::Number);
        terms
            .into_iter()
            .filter(|term| is_fact(term.kind) && !asked.contains(&term.key))
            .map(|term| term.key)
            .collect()
    };
    let (of_a, of_b) = (facts(a), facts(b));
    if !of_a.is_empty() && !of_b.is_empty() {
        return !of_a.is_disjoint(&of_b);
    }
    let vectors = making.ports.embedder.embed(&[&a.text, &b.text], Purpose::Passage).unwrap_or_default();
    match vectors.as_slice() {
        [x, y] => cosine(x, y) >= SAME_MEANING_MIN,
        _ => true,
    }
}
