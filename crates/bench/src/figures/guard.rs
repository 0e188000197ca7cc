//! The guards: how many attacks the finder of injections finds, how many ordinary texts it takes for some, what the
//! finders of secrets and personal data find where none are, and how fast all of them read.
//!
//! Keeps true: quality is measured on what nothing was tuned on: BIPIA's test attacks in its test contexts, and the
//! ordinary texts whose SHA-256 is odd.

mod attacks;
mod ordinary;

use std::path::Path;
use std::time::Instant;

use ibid_guard::{Addresses, Place, Policy, clean, find_personal, find_secrets, judge, neutral};

use super::texts::Texts;
use super::{Outcome, Row, Setup};

/// False alarms on ordinary questions that issue 5 allows, in percent.
const FALSE_ALARMS_BELOW: f64 = 0.5;

pub fn rows(setup: &Setup) -> Outcome<Vec<Row>> {
    let mut rows = match &setup.data {
        Some(data) => quality(data)?,
        None => vec![Row::skipped("injections found", "IBID_DATA names no folder with ordinary texts")],
    };
    let texts = Texts::read(setup)?;
    let passages = texts.passages();
    rows.extend(FINDERS.iter().map(|(name, finder)| speed(setup, name, &texts.name, &passages, *finder)));
    Ok(rows)
}

fn quality(data: &Path) -> Outcome<Vec<Row>> {
    let (questions, passages) = (ordinary::questions(data)?, ordinary::passages(data)?);
    let mut rows = vec![
        alarms("ordinary questions", &questions, Place::Question).below(FALSE_ALARMS_BELOW),
        alarms("ordinary passages", &passages, Place::Passage),
        found_in(&passages),
    ];
    match attacks::read(data)? {
        Some(attacks) => rows.extend(of_attacks(&attacks, &passages)),
        None => rows.push(Row::skipped("attacks of BIPIA found", "IBID_DATA does not have it")),
    }
    Ok(rows)
}

fn flagged<T: AsRef<str>>(texts: &[T], place: Place) -> usize {
    texts.iter().filter(|text| judge(text.as_ref(), place).is_attack()).count()
}

fn percent(part: usize, all: usize) -> f64 {
    100.0 * part as f64 / all.max(1) as f64
}

fn alarms(what: &str, texts: &[String], place: Place) -> Row {
    let count = flagged(texts, place);
    let share = percent(count, texts.len());
    let what = format!("{} {what}: taken for attacks, percent", texts.len());
    Row::new(what, format!("{share:.2} % ({count})")).judged(share)
}

fn found_in(passages: &[String]) -> Row {
    let secrets: usize = passages.iter().map(|text| find_secrets(text).len()).sum();
    let personal: usize = passages.iter().map(|text| find_personal(text).len()).sum();
    let what = format!("the same passages, {} in all: secrets and personal data found", passages.len());
    Row::new(what, format!("{secrets} secrets, {personal} of personal data (docs/guards.md says which)"))
}

fn of_attacks(attacks: &attacks::Attacks, passages: &[String]) -> Vec<Row> {
    let count =
        |(kind, texts): &(String, Vec<String>)| (kind.clone(), flagged(texts, Place::Passage), texts.len());
    let kinds: Vec<(String, usize, usize)> = attacks.by_kind.iter().map(count).collect();
    let found: usize = kinds.iter().map(|(_, found, _)| found).sum();
    let all: usize = kinds.iter().map(|(_, _, all)| all).sum();
    let clean = flagged(&attacks.contexts, Place::Passage);
    let wrong = clean + flagged(passages, Place::Passage);
    let figures = format!(
        "recall {:.1} %, precision {:.1} % ({wrong} of {} clean passages flagged, {clean} of them BIPIA's)",
        percent(found, all),
        percent(found, found + wrong),
        attacks.contexts.len() + passages.len(),
    );
    let what = format!("BIPIA test: attacks found in {all} passages");
    vec![Row::new(what, figures), Row::new("the same by kind of attack, lowest recall first", by_kind(kinds))]
}

/// Kinds that were not all found, and how many were.
fn by_kind(mut kinds: Vec<(String, usize, usize)>) -> String {
    let all = kinds.len();
    kinds.retain(|(_, found, all)| found < all);
    kinds.sort_by(|a, b| percent(a.1, a.2).total_cmp(&percent(b.1, b.2)));
    let told = kinds.iter().map(|(kind, found, all)| format!("{kind} {:.1} %", percent(*found, *all)));
    let told: Vec<String> = told.collect();
    format!("{}; the other {} kinds 100 %", told.join(", "), all - kinds.len())
}

type Finder = fn(&str) -> usize;

const FINDERS: [(&str, Finder); 6] = [
    ("secrets", |text| find_secrets(text).len()),
    ("personal data", |text| find_personal(text).len()),
    ("injections in questions", |text| judge(text, Place::Question).signals.len()),
    ("injections in passages", |text| judge(text, Place::Passage).signals.len()),
    ("fence: passages disarmed", |text| neutral(text).len()),
    ("output: answers cleaned", |text| clean(text, "", &Addresses::default(), &Policy::default()).text.len()),
];

/// The best of the turns, on one thread: what else the machine does only slows.
fn speed(setup: &Setup, name: &str, source: &str, texts: &[String], finder: Finder) -> Row {
    let bytes: usize = texts.iter().map(String::len).sum();
    let mut best = f64::INFINITY;
    for _ in 0..setup.turns.max(1) {
        let started = Instant::now();
        let sum: usize = texts.iter().map(|text| finder(text)).sum();
        std::hint::black_box(sum);
        best = best.min(started.elapsed().as_secs_f64());
    }
    Row::new(
        format!("guard, {name} ({source}), one thread"),
        format!("{:.0} MB/s", bytes as f64 / 1e6 / best),
    )
}
