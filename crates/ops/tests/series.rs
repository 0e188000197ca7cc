//! The store of samples over weeks: what is kept, how fine, how much of the disk.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::time::Duration;

use ibid_ops::series::{How, Limits, Range, Reading, Samples, Selector, Series};
use ibid_types::Timestamp;

const START: i64 = 1_767_225_600_000;
/// Sampled once a minute, so that a month is soon over.
const STEP_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// As a server with little to do: a counter that grows by one each minute, a gauge, and counters that stand still.
fn readings(at: i64, idle: usize) -> Vec<Reading> {
    let mut readings = vec![
        Reading::counter("asked_total", &[("route", "/v1/ask")], at as f64),
        Reading::gauge("memory_bytes", &[], 5e8 + ((at * 7919) % 1000) as f64 * 4096.0),
        Reading::counter("cpu_seconds_total", &[], at as f64 * 0.317),
    ];
    readings
        .extend((0..idle).map(|number| Reading::counter("idle_total", &[("n", &number.to_string())], 7.0)));
    readings
}

fn fill(series: &Series, from: i64, to: i64, idle: usize) {
    for at in from..to {
        series.append(Timestamp(START + at * STEP_MS), &readings(at, idle)).unwrap();
    }
}

fn folder_bytes(folder: &Path) -> u64 {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

#[test]
fn a_month_is_kept_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let series = Series::open(folder.path(), Limits::default()).unwrap();
    let samples = 33 * DAY_MS / STEP_MS;
    fill(&series, 0, samples, 20);
    let now = series.latest().unwrap();
    let asked = Selector::new("asked_total");
    let range = |days: i64, step_ms| Range {
        selector: asked.clone(),
        how: How::Increase,
        from: Timestamp(now.0 - days * DAY_MS),
        to: now,
        step_ms,
    };
    let month = series.range(&range(30, DAY_MS)).unwrap();
    assert_eq!(month.len(), 30);
    assert!(
        month.iter().all(|point| point.value.is_some_and(|day| (1435.0..=1445.0).contains(&day))),
        "{month:?}"
    );
    let older =
        series.range(&Range { from: Timestamp(START), to: Timestamp(START + DAY_MS), ..range(1, DAY_MS) });
    assert_eq!(older.unwrap()[0].value, None);
    let hour = series.range(&range(1, 60_000)).unwrap();
    assert!(hour[60..].iter().all(|point| point.value == Some(1.0)), "{hour:?}");
    let bytes = folder_bytes(folder.path());
    assert!(bytes < 1 << 20, "{bytes} bytes for 23 series");
    assert!(
        series
            .at(now)
            .increase(&asked, Duration::from_secs(3 * 86_400))
            .is_some_and(|n| (4319.0..4325.0).contains(&n))
    );
}

#[test]
fn what_was_appended_is_there_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Series::open(folder.path(), Limits::default()).unwrap();
    let mut done = 0;
    // Each life ends without any farewell; the third and later ones begin inside a block.
    for life in [1_i64, 119, 120, 175, 250, 1] {
        let series = open();
        fill(&series, done, done + life, 2);
        done += life;
        std::mem::forget(series);
        let again = open();
        assert_eq!(again.latest(), Some(Timestamp(START + (done - 1) * STEP_MS)));
        let memory = Range {
            selector: Selector::new("memory_bytes"),
            how: How::Average,
            from: Timestamp(START - STEP_MS),
            to: again.latest().unwrap(),
            step_ms: STEP_MS * 2,
        };
        let points = again.range(&memory).unwrap();
        assert!(points.iter().all(|point| point.value.is_some()));
    }
}

#[test]
fn the_folder_stays_below_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { bytes_max: 20_000, ..Limits::default() };
    let series = Series::open(folder.path(), limits).unwrap();
    fill(&series, 0, 10 * DAY_MS / STEP_MS, 0);
    assert!(series.bytes() <= 20_000);
    let recent = series
        .at(series.latest().unwrap())
        .increase(&Selector::new("asked_total"), Duration::from_secs(3600));
    assert!(recent.is_some_and(|grown| grown > 55.0));
}

#[test]
fn a_clock_that_was_set_back_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let series = Series::open(folder.path(), Limits::default()).unwrap();
    let append = |at: i64| series.append(Timestamp(at), &readings(1, 0)).unwrap();
    append(START);
    append(START + 365 * DAY_MS);
    append(START + 365 * DAY_MS - 1000);
    assert_eq!(series.latest(), Some(Timestamp(START + 365 * DAY_MS)));
    append(START + 60_000);
    assert_eq!(series.latest(), Some(Timestamp(START + 60_000)));
}

#[test]
fn damage_costs_a_block_and_not_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let series = Series::open(folder.path(), Limits::default()).unwrap();
    fill(&series, 0, 500, 0);
    drop(series);
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, bytes).unwrap();
    }
    let series = Series::open(folder.path(), Limits::default()).unwrap();
    let now = Timestamp(START + 500 * STEP_MS);
    let left = series.at(now).increase(&Selector::new("asked_total"), Duration::from_secs(86_400));
    assert!(left.is_none_or(|grown| grown <= 500.0), "{left:?}");
    fill(&series, 500, 800, 0);
    assert!(series.latest().is_some());
}
