//! Where objects are in a destination. Numbers have leading zeros, so that a listing is in order.
//!
//! ```text
//! generations/GENERATION/bases/COMMIT-SEGMENT-MILLISECONDS
//! generations/GENERATION/log/SEGMENT-SEGMENT-COMMIT-COMMIT-MILLISECONDS
//! pieces/ab/cdef...
//! ```

use std::fmt;
use std::str::FromStr;

use ibid_types::{ContentHash, Error, Result, Timestamp};

/// An unbroken log: when it began, in milliseconds, and chance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(String);

impl Generation {
    /// A new one. Error: `chance_unavailable`.
    pub fn begin(at: Timestamp) -> Result<Self> {
        let chance = ibid_seal::random_bytes()?;
        Ok(Self(format!("{:015}-{:08x}", at.0.max(0), u32::from_be_bytes(chance))))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// When it began.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        Timestamp(self.0.split('-').next().and_then(|ms| ms.parse().ok()).unwrap_or_default())
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Generation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let is_one = text.split_once('-').is_some_and(|(ms, chance)| {
            let digits = |part: &str, hex: bool| part.chars().all(|c| c.is_digit(if hex { 16 } else { 10 }));
            ms.len() == 15 && digits(ms, false) && chance.len() == 8 && digits(chance, true)
        });
        if is_one {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::bad_request("backup_name", format!("'{text}' is no generation; see `ibid backup list`")))
    }
}

/// A base: the state at `commit` needs the log after `segment` up to that commit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BaseName {
    pub generation: Generation,
    pub commit: u64,
    pub segment: u64,
    pub at: Timestamp,
}

impl fmt::Display for BaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { generation, commit, segment, at } = self;
        write!(f, "generations/{generation}/bases/{commit:016}-{segment:010}-{:015}", at.0.max(0))
    }
}

/// Segments in one object, and the commits in them. Without commits (files only) the last is one before the first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogName {
    pub generation: Generation,
    pub segments: (u64, u64),
    pub commits: (u64, u64),
    /// The time of its last commit.
    pub at: Timestamp,
}

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { generation, segments: (first, last), commits: (from, to), at } = self;
        write!(
            f,
            "generations/{generation}/log/{first:010}-{last:010}-{from:016}-{to:016}-{:015}",
            at.0.max(0)
        )
    }
}

/// Numbers in names, milliseconds among them, are below this: a thousand commits a second need 8,900 years. So what follows one and the sum of
/// some are numbers too.
const NUMBER_END: u64 = 1 << 48;

/// What an object is, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    Base(BaseName),
    Log(LogName),
    /// The name of its content under a key.
    Piece(ContentHash),
}

/// Reads a name; what is none of ours is left alone.
#[must_use]
pub fn read(name: &str) -> Option<Named> {
    let parts: Vec<&str> = name.split('/').collect();
    match parts[..] {
        ["generations", generation, "bases", base] => {
            let generation = generation.parse().ok()?;
            let [commit, segment, at] = numbers(base)?;
            Some(Named::Base(BaseName { generation, commit, segment, at: time(at)? }))
        }
        ["generations", generation, "log", log] => {
            let generation = generation.parse().ok()?;
            let [first, last, from, to, at] = numbers(log)?;
            // An object that holds no commit ends before its first.
            if first == 0 || last < first || to + 1 < from {
                return None;
            }
            let (segments, commits) = ((first, last), (from, to));
            Some(Named::Log(LogName { generation, segments, commits, at: time(at)? }))
        }
        ["pieces", two, rest] => format!("{two}{rest}").parse().ok().map(Named::Piece),
        _ => None,
    }
}

/// Where a piece is; two digits of folder keep folders small.
#[must_use]
pub fn piece(name: &ContentHash) -> String {
    let digits = name.to_string();
    let (two, rest) = digits.split_at(2);
    format!("pieces/{two}/{rest}")
}

/// What a segment is sealed for, in whichever object it stands.
#[must_use]
pub fn segment_place(generation: &Generation, number: u64) -> String {
    format!("segment {number} of generation {generation}")
}

fn numbers<const COUNT: usize>(text: &str) -> Option<[u64; COUNT]> {
    let numbers: Vec<u64> = text.split('-').map(str::parse).collect::<Result<_, _>>().ok()?;
    numbers.try_into().ok().filter(|numbers: &[u64; COUNT]| numbers.iter().all(|number| *number < NUMBER_END))
}

fn time(ms: u64) -> Option<Timestamp> {
    i64::try_from(ms).ok().map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        let generation = Generation::begin(Timestamp(1_700_000_000_000)).unwrap();
        assert_eq!(generation.since(), Timestamp(1_700_000_000_000));
        let base = BaseName { generation: generation.clone(), commit: 12, segment: 3, at: Timestamp(99) };
        assert_eq!(read(&base.to_string()), Some(Named::Base(base)));
        let log = LogName { generation, segments: (4, 4), commits: (13, 12), at: Timestamp(100) };
        assert_eq!(read(&log.to_string()), Some(Named::Log(log)));
        let hash = ContentHash([0xab; 32]);
        assert_eq!(read(&piece(&hash)), Some(Named::Piece(hash)));
    }

    #[test]
    fn numbers_that_cannot_be_counted_on_are_left_alone() {
        let generation = Generation::begin(Timestamp(1_700_000_000_000)).unwrap();
        let log = |numbers: &str| read(&format!("generations/{generation}/log/{numbers}"));
        assert!(log("4-5-13-12-100").is_some());
        for numbers in [
            "5-4-1-2-100",
            "0-4-1-2-100",
            "4-5-13-11-100",
            "4-281474976710656-1-2-100",
            "4-5-1-18446744073709551615-1",
        ] {
            assert_eq!(log(numbers), None, "{numbers}");
        }
        assert_eq!(read(&format!("generations/{generation}/bases/1-18446744073709551615-1")), None);
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        for name in
            ["", "pieces/ab/cd", "generations/x/log/1", "lost+found/a/b", "generations/../bases/1-2-3"]
        {
            assert_eq!(read(name), None, "{name}");
        }
    }
}
