//! The samples of the block that is being filled: in memory, and in a journal that a killed process leaves behind.
//!
//! Keeps true: a sample whose record is whole in the journal is there after a restart; a torn record ends the journal.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use crate::series::block::{Block, Column};
use crate::series::column::{read_number, storable, write_number};
use crate::series::{Key, Reading, Selector};

const CHECKSUM_BYTES: usize = 4;
/// No record is larger; a longer one is damage.
const RECORD_BYTES_MAX: usize = 4 << 20;

/// One series while its block is filled.
#[derive(Debug)]
pub struct Growing {
    pub key: Key,
    pub is_counter: bool,
    /// One for each of the head's times; missing ones are NaN.
    pub values: Vec<f64>,
}

/// The block that is being filled.
#[derive(Debug, Default)]
pub struct Head {
    pub times: Vec<i64>,
    pub series: Vec<Growing>,
    places: HashMap<Key, usize>,
    journal: Option<File>,
}

impl Head {
    /// What the journal at `path` holds, ready to take more. A damaged end is cut off.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let bytes = match std::fs::read(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            other => other?,
        };
        let mut head = Self::default();
        let mut rest = bytes.as_slice();
        while let Some(()) = head.replay(&mut rest) {}
        let whole = bytes.len() - rest.len();
        let journal = OpenOptions::new().create(true).append(true).open(path)?;
        journal.set_len(whole as u64)?;
        head.journal = Some(journal);
        Ok(head)
    }

    /// Adds one sample: each reading with what is kept of it. Series beyond `series_max` are left out.
    pub fn append(&mut self, time: i64, kept: &[(&Reading, f64)], series_max: usize) -> std::io::Result<()> {
        let known = self.series.len();
        let values = self.place(kept, series_max);
        let record = self.record(time, known, &values);
        if let Some(journal) = &mut self.journal {
            journal.write_all(&record)?;
        }
        self.push(time, &values);
        Ok(())
    }

    /// The values in the order of the series; those of series that are not known yet are taken in.
    fn place(&mut self, kept: &[(&Reading, f64)], series_max: usize) -> Vec<f64> {
        let mut values = vec![f64::NAN; self.series.len()];
        for (reading, value) in kept {
            let known = self.places.get(&reading.key).copied();
            if known.is_none() && self.series.len() >= series_max {
                continue;
            }
            let at = known.unwrap_or_else(|| self.add(reading.key.clone(), reading.is_counter));
            values.resize(self.series.len(), f64::NAN);
            values[at] = storable(*value);
        }
        values
    }

    fn add(&mut self, key: Key, is_counter: bool) -> usize {
        let at = self.series.len();
        self.places.insert(key.clone(), at);
        self.series.push(Growing { key, is_counter, values: vec![f64::NAN; self.times.len()] });
        at
    }

    fn push(&mut self, time: i64, values: &[f64]) {
        self.times.push(time);
        self.series.iter_mut().zip(values).for_each(|(series, value)| series.values.push(*value));
    }

    /// Length, checksum, time, new series, and the values that are not what is expected.
    fn record(&self, time: i64, known: usize, values: &[f64]) -> Vec<u8> {
        let mut body = time.to_le_bytes().to_vec();
        write_number(&mut body, (self.series.len() - known) as u64);
        for series in &self.series[known..] {
            let key = series.key.to_bytes();
            write_number(&mut body, key.len() as u64);
            body.extend(key);
            body.push(u8::from(series.is_counter));
        }
        for (at, (series, value)) in self.series.iter().zip(values).enumerate() {
            if series.expected().to_bits() != value.to_bits() {
                write_number(&mut body, at as u64);
                body.extend(value.to_le_bytes());
            }
        }
        let mut record = u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
        record.extend(&blake3::hash(&body).as_bytes()[..CHECKSUM_BYTES]);
        record.extend(body);
        record
    }

    /// Takes one record in; `None` where there is no whole one.
    fn replay(&mut self, rest: &mut &[u8]) -> Option<()> {
        let (length, later) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (checksum, later) = later.split_at_checked(CHECKSUM_BYTES)?;
        let (body, later) = later.split_at_checked(length)?;
        if length > RECORD_BYTES_MAX || blake3::hash(body).as_bytes()[..CHECKSUM_BYTES] != *checksum {
            return None;
        }
        self.replay_body(body)?;
        *rest = later;
        Some(())
    }

    fn replay_body(&mut self, body: &[u8]) -> Option<()> {
        let (time, mut body) = body.split_first_chunk::<8>()?;
        for _ in 0..read_number(&mut body)? {
            let length = usize::try_from(read_number(&mut body)?).ok()?;
            let (key, later) = body.split_at_checked(length)?;
            let (is_counter, later) = later.split_first()?;
            body = later;
            self.add(Key::from_bytes(key)?, *is_counter == 1);
        }
        let mut values: Vec<f64> = self.series.iter().map(Growing::expected).collect();
        while !body.is_empty() {
            let at = usize::try_from(read_number(&mut body)?).ok()?;
            let (value, later) = body.split_first_chunk::<8>()?;
            *values.get_mut(at)? = f64::from_le_bytes(*value);
            body = later;
        }
        self.push(i64::from_le_bytes(*time), &values);
        Some(())
    }

    /// The series that a selector means.
    pub fn matching<'a>(&'a self, selector: &'a Selector) -> impl Iterator<Item = &'a Growing> {
        self.series
            .iter()
            .filter(|series| series.key.name == selector.name && selector.matches(&series.key.labels))
    }

    /// The head as a block that is finished.
    #[must_use]
    pub fn to_block(&self) -> Block {
        let columns = self
            .series
            .iter()
            .map(|series| (series.key.clone(), Column::new(series.is_counter, &series.values)))
            .collect();
        Block { times: self.times.clone(), columns }
    }
}

impl Growing {
    /// What the journal does not write down: a counter that stood still, a gauge that is as it was.
    fn expected(&self) -> f64 {
        let before = self.values.last().copied().unwrap_or(f64::NAN);
        if self.is_counter && !before.is_nan() { 0.0 } else { before }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(name: &str, is_counter: bool, value: f64) -> Reading {
        Reading { key: Key::new(name, &[]), is_counter, value }
    }

    fn append(head: &mut Head, time: i64, readings: &[Reading]) {
        let kept: Vec<_> = readings.iter().map(|reading| (reading, reading.value)).collect();
        head.append(time, &kept, 3).unwrap();
    }

    fn filled(path: &Path) -> Head {
        let mut head = Head::open(path).unwrap();
        append(&mut head, 1_000, &[reading("grown", true, 3.0), reading("level", false, 0.5)]);
        append(&mut head, 2_000, &[reading("grown", true, 0.0), reading("level", false, 0.5)]);
        append(&mut head, 3_000, &[reading("grown", true, 2.0), reading("late", false, 9.0)]);
        head
    }

    #[test]
    fn a_killed_process_leaves_its_samples_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("head.log");
        let block = filled(&path).to_block();
        let back = Head::open(&path).unwrap().to_block();
        assert_eq!(back, block);
        assert_eq!(back.times, [1_000, 2_000, 3_000]);
    }

    #[test]
    fn a_series_that_is_gone_is_missing_not_zero() {
        let folder = tempfile::tempdir().unwrap();
        let head = filled(&folder.path().join("head.log"));
        let level = head.series.iter().find(|series| series.key.name == "level").unwrap();
        assert!(level.values[2].is_nan());
    }

    #[test]
    fn series_beyond_the_limit_are_left_out() {
        let mut head = Head::default();
        let readings: Vec<_> = ["a", "b", "c", "d"].map(|name| reading(name, false, 1.0)).to_vec();
        append(&mut head, 1_000, &readings);
        assert_eq!(head.series.len(), 3);
    }

    #[test]
    fn a_journal_cut_or_flipped_anywhere_keeps_what_came_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("head.log");
        filled(&path);
        let bytes = std::fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 4;
            for damaged in [&bytes[..at], flipped.as_slice()] {
                std::fs::write(&path, damaged).unwrap();
                let mut head = Head::open(&path).unwrap();
                assert!(head.times.len() < 3 && [1_000, 2_000].starts_with(&head.times));
                append(&mut head, 4_000, &[reading("grown", true, 1.0)]);
                assert_eq!(Head::open(&path).unwrap().times, head.times);
            }
        }
    }
}
