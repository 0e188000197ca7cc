//! Random flows against the oracle. `IBID_TORTURE_SEEDS=10000` tries as many seeds; a failure prints its own, and
//! `IBID_TORTURE_SEED=…` tries that one again.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::time::Instant;

use ibid_flow::machine::Status;
use ibid_flow::testing::{case, simulate};

/// A few hundred take less than a few seconds; `make torture` takes more.
const SEEDS: u64 = 400;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn random_flows_end_as_the_oracle_says() {
    let only = number("IBID_TORTURE_SEED");
    let first = only.unwrap_or(0);
    let seeds = if only.is_some() { 1 } else { number("IBID_TORTURE_SEEDS").unwrap_or(SEEDS) };
    let began = Instant::now();
    let (mut commands, mut crashes, mut compared, mut finished, mut undone, mut resumed) = (0, 0, 0, 0, 0, 0);
    let mut problems = Vec::new();
    for seed in first..first + seeds {
        match simulate(&case(seed)) {
            Ok(report) => {
                commands += report.commands;
                crashes += report.crashes;
                compared += u64::from(report.is_compared);
                finished += u64::from(report.status == Some(Status::Finished));
                undone += report.undone;
                resumed += report.resumed;
            }
            Err(problem) => problems.push(format!("seed {seed}: {problem}")),
        }
    }
    println!(
        "{seeds} seeds in {:.1?}: {commands} commands, {crashes} crashes, {finished} runs finished, {compared} compared, \
         {undone} compensations, {resumed} resumed",
        began.elapsed()
    );
    assert!(problems.is_empty(), "{} of {seeds} seeds failed:\n{}", problems.len(), first_of(&problems));
    assert!(only.is_some() || (compared > seeds / 2 && finished > seeds / 4), "too little was compared");
}

fn first_of(problems: &[String]) -> String {
    problems
        .iter()
        .take(5)
        .map(|problem| problem.chars().take(1500).collect::<String>())
        .collect::<Vec<_>>()
        .join("\n")
}
