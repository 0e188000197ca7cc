//! LoCoMo: whether recall finds the turns that answer a question, and knows when none does.

use ibid_index::memory::Vectors;
use ibid_retrieve::memory::{Config, Recalled, Signals, answerable, recall, retold};

use super::dialogue::{Dialogue, Question, UNANSWERABLE, read, session_of};
use crate::figures::texts::embedded;
use crate::figures::{Outcome, Row, Setup};

/// Issue 6.
const RECALL_10: f64 = 0.76;
const RECALL_20: f64 = 0.82;
const SESSIONS_10: f64 = 0.92;
/// Wrong abstentions on answerable questions that abstention is measured at.
const COSTS: [f64; 2] = [0.05, 0.10];
const LIMIT: usize = 20;

/// What one question gave.
struct Outcomes {
    is_answerable: bool,
    /// Of the evidence, and of its sessions.
    turns_10: f64,
    turns_20: f64,
    sessions_10: f64,
    signals: Signals,
    /// The best cosine of the question as it was asked: the plain threshold.
    cosine: f64,
}

pub fn rows(setup: &Setup) -> Outcome<Vec<Row>> {
    let folder = setup.data.as_ref().map(|data| data.join("locomo"));
    let Some(folder) = folder.filter(|folder| folder.is_dir()) else {
        return Ok(vec![Row::skipped("LoCoMo evidence recall", "IBID_DATA does not have locomo")]);
    };
    let mut all = Vec::new();
    for dialogue in read(&folder)? {
        all.extend(measure(setup, &dialogue)?);
    }
    let asked: Vec<&Outcomes> = all.iter().filter(|one| one.is_answerable).collect();
    let mean =
        |value: fn(&Outcomes) -> f64| asked.iter().map(|one| value(one)).sum::<f64>() / asked.len() as f64;
    let row = |what: &str, value: f64, target: f64| {
        Row::new(format!("LoCoMo, {} questions: {what}", asked.len()), format!("{value:.3}"))
            .judged(value)
            .at_least(target)
    };
    let mut rows = vec![
        row("evidence recall@10", mean(|one| one.turns_10), RECALL_10),
        row("evidence recall@20", mean(|one| one.turns_20), RECALL_20),
        row("session recall@10", mean(|one| one.sessions_10), SESSIONS_10),
    ];
    rows.extend(COSTS.iter().map(|cost| abstention(&all, *cost)));
    Ok(rows)
}

fn measure(setup: &Setup, dialogue: &Dialogue) -> Outcome<Vec<Outcomes>> {
    let texts: Vec<String> = dialogue.turns.iter().map(|turn| turn.text.clone()).collect();
    let memory = dialogue.memory(&embedded(setup, &texts)?);
    let requests: Vec<_> =
        dialogue.questions.iter().map(|question| dialogue.request(&question.text, LIMIT)).collect();
    let plain: Vec<String> = dialogue.questions.iter().map(|question| question.text.clone()).collect();
    let told: Vec<Option<String>> = requests.iter().map(|request| retold(&memory, request)).collect();
    let either = |(told, plain): (&Option<String>, &String)| told.clone().unwrap_or_else(|| plain.clone());
    let told: Vec<String> = told.iter().zip(&plain).map(either).collect();
    let (plain, told) = (embedded(setup, &plain)?, embedded(setup, &told)?);
    let config = Config::default();
    let mut all = Vec::new();
    for (number, question) in dialogue.questions.iter().enumerate() {
        let (plain, retold) = (Some(plain[number].as_slice()), Some(told[number].as_slice()));
        let recalled = recall(&memory, &requests[number], Vectors { plain, retold }, &config);
        let alone = recall(&memory, &requests[number], Vectors { plain, retold: None }, &config);
        let cosine = alone.hits.iter().filter_map(|hit| hit.similarity).fold(-1.0, f32::max);
        all.push(outcomes(dialogue, question, &recalled, f64::from(cosine)));
    }
    Ok(all)
}

fn outcomes(dialogue: &Dialogue, question: &Question, recalled: &Recalled, cosine: f64) -> Outcomes {
    let turns: Vec<_> = recalled.hits.iter().filter_map(|hit| dialogue.turn(hit.key)).collect();
    let found =
        |limit: usize| share(&question.evidence, |id| turns.iter().take(limit).any(|turn| turn.id == *id));
    let mut sessions: Vec<String> = question.evidence.iter().map(|id| session_of(id).to_owned()).collect();
    sessions.sort_unstable();
    sessions.dedup();
    Outcomes {
        is_answerable: question.category != UNANSWERABLE,
        turns_10: found(10),
        turns_20: found(20),
        sessions_10: share(&sessions, |id| turns.iter().take(10).any(|turn| turn.session() == id)),
        signals: recalled.signals,
        cosine,
    }
}

fn share(of: &[String], is_there: impl Fn(&String) -> bool) -> f64 {
    of.iter().filter(|one| is_there(one)).count() as f64 / of.len().max(1) as f64
}

/// Abstains where the signal is lowest, on as many answerable questions as `cost` allows.
fn abstention(all: &[Outcomes], cost: f64) -> Row {
    let ours = abstained(all, cost, |one| f64::from(answerable(&one.signals)));
    let plain = abstained(all, cost, |one| one.cosine);
    let unanswerable = all.iter().filter(|one| !one.is_answerable).count();
    let what = format!(
        "the same and {unanswerable} unanswerable: abstains, where {:.0} % of the answerable are abstained from",
        cost * 100.0
    );
    Row::new(what, format!("{:.1} %", ours * 100.0))
        .beside(format!("{:.1} % by the best cosine", plain * 100.0), ours / plain)
        .at_least(1.0)
}

fn abstained(all: &[Outcomes], cost: f64, signal: impl Fn(&Outcomes) -> f64) -> f64 {
    let of = |is_answerable: bool| -> Vec<f64> {
        let mut values: Vec<f64> =
            all.iter().filter(|one| one.is_answerable == is_answerable).map(&signal).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let (answerable, other) = (of(true), of(false));
    let threshold = answerable[(answerable.len() as f64 * cost) as usize];
    other.iter().filter(|value| **value < threshold).count() as f64 / other.len().max(1) as f64
}
