//! Mutated input for every parser and protocol entry: whatever comes in from outside is tried with real input that was damaged.
//!
//! Keeps true: an entry is one row of `ENTRIES`, and goes through the functions that the server itself calls. The input number N of an entry
//! is the same on every machine, so that what the tests and `ibid-fuzz` find is found again; these know nothing of coverage and begin from
//! real files and from words of each format. `make fuzz` (feature `guided`) has libFuzzer lead the search by coverage and saves what it finds
//! as a file; `regressions/ENTRY` keeps what was found and mended, and the tests try it again.
//!
//! A fault is a panic, a promise that the entry's function finds broken, an input that takes too long, and memory: more than the address space
//! allows, or more than the growth that is allowed over many inputs (`work`).

mod dice;
mod entries;
pub mod mutate;
pub mod work;

pub use entries::{ENTRIES, Entry};

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::work::{Bounds, work};

    /// Inputs of each entry in a run of the tests; `ibid-fuzz` tries millions.
    const INPUTS: u64 = 60;

    #[test]
    fn every_entry_stands_some_inputs() {
        let bounds = Bounds { inputs_max: INPUTS, time_max: Duration::from_secs(60), ..Bounds::default() };
        let mut found = Vec::new();
        for entry in &ENTRIES {
            let report = work(entry, 0, &bounds, &mut |_| {});
            assert!(report.inputs > 0, "{} has no seeds", entry.name);
            found.extend(report.faults.into_iter().map(|fault| format!("{} {fault:?}", entry.name)));
        }
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn what_was_found_once_is_tried_again() {
        for entry in &ENTRIES {
            for (name, input) in entry.regressions() {
                assert_eq!((entry.run)(&input), Ok(()), "{name}");
            }
        }
    }

    #[test]
    fn names_are_given_once() {
        for (number, entry) in ENTRIES.iter().enumerate() {
            assert!(ENTRIES[number + 1..].iter().all(|other| other.name != entry.name), "{}", entry.name);
        }
    }
}
