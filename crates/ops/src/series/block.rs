//! A stretch of time: the moments of its samples and a packed column for each series.
//!
//! Keeps true: a block that was read is, bit for bit, one that was written; anything else is refused.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::series::column::{pack, read_number, unpack, unzigzag, write_number, zigzag};
use crate::series::{Key, Selector};

const MAGIC: &[u8; 4] = b"IBS1";
const CHECKSUM_BYTES: usize = 16;
/// No block is larger when unpacked: 4,000 series with 480 values that do not pack.
const UNPACKED_BYTES_MAX: usize = 64 << 20;

/// The values of one series in a block.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub is_counter: bool,
    /// Of a counter: how much it grew in the whole block.
    pub total: f64,
    packed: Vec<u8>,
}

impl Column {
    #[must_use]
    pub fn new(is_counter: bool, values: &[f64]) -> Self {
        let total = values.iter().filter(|value| !value.is_nan()).sum();
        Self { is_counter, total, packed: pack(values) }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// Milliseconds since 1970, ascending.
    pub times: Vec<i64>,
    pub columns: BTreeMap<Key, Column>,
}

impl Block {
    #[must_use]
    pub fn start(&self) -> Option<i64> {
        self.times.first().copied()
    }

    #[must_use]
    pub fn end(&self) -> Option<i64> {
        self.times.last().copied()
    }

    /// The columns that a selector means.
    pub fn matching<'a>(&'a self, selector: &'a Selector) -> impl Iterator<Item = (&'a Key, &'a Column)> {
        let first = Key { name: selector.name.clone(), labels: Vec::new() };
        self.columns
            .range((Bound::Included(first), Bound::Unbounded))
            .take_while(|(key, _)| key.name == selector.name)
            .filter(|(key, _)| selector.matches(&key.labels))
    }

    /// A column's values, one for each of `times`; missing ones are NaN.
    #[must_use]
    pub fn values(&self, column: &Column) -> Vec<f64> {
        unpack(&column.packed, self.times.len()).unwrap_or_else(|| vec![f64::NAN; self.times.len()])
    }

    /// As it is kept in a file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut plain = Vec::new();
        write_times(&mut plain, &self.times);
        write_number(&mut plain, self.columns.len() as u64);
        for (key, column) in &self.columns {
            write_bytes(&mut plain, &key.to_bytes());
            plain.push(u8::from(column.is_counter));
            write_bytes(&mut plain, &column.packed);
        }
        let packed = zstd::bulk::compress(&plain, 9).unwrap_or_default();
        let mut bytes = MAGIC.to_vec();
        bytes.extend(&blake3::hash(&packed).as_bytes()[..CHECKSUM_BYTES]);
        bytes.extend(packed);
        bytes
    }

    /// `None` for anything that [`Block::to_bytes`] did not make.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (checksum, packed) = bytes.strip_prefix(MAGIC)?.split_at_checked(CHECKSUM_BYTES)?;
        if blake3::hash(packed).as_bytes()[..CHECKSUM_BYTES] != *checksum {
            return None;
        }
        let plain = zstd::bulk::decompress(packed, UNPACKED_BYTES_MAX).ok()?;
        let mut rest = plain.as_slice();
        let times = read_times(&mut rest)?;
        let mut columns = BTreeMap::new();
        for _ in 0..read_number(&mut rest)? {
            let key = Key::from_bytes(read_bytes(&mut rest)?)?;
            let (is_counter, later) = rest.split_first()?;
            rest = later;
            let values = unpack(read_bytes(&mut rest)?, times.len())?;
            columns.insert(key, Column::new(*is_counter == 1, &values));
        }
        rest.is_empty().then_some(Self { times, columns })
    }
}

fn write_bytes(plain: &mut Vec<u8>, bytes: &[u8]) {
    write_number(plain, bytes.len() as u64);
    plain.extend(bytes);
}

fn read_bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(read_number(rest)?).ok()?;
    let (bytes, later) = rest.split_at_checked(length)?;
    *rest = later;
    Some(bytes)
}

/// By how much each distance differs from the one before, which is 0 for a clock that ticks evenly.
fn write_times(plain: &mut Vec<u8>, times: &[i64]) {
    write_number(plain, times.len() as u64);
    let (mut before, mut step) = (0_i64, 0_i64);
    for time in times {
        let distance = time.wrapping_sub(before);
        write_number(plain, zigzag(distance.wrapping_sub(step)));
        (before, step) = (*time, distance);
    }
}

fn read_times(rest: &mut &[u8]) -> Option<Vec<i64>> {
    let count = usize::try_from(read_number(rest)?).ok().filter(|count| *count <= rest.len())?;
    let (mut before, mut step) = (0_i64, 0_i64);
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        step = step.wrapping_add(unzigzag(read_number(rest)?));
        before = before.wrapping_add(step);
        times.push(before);
    }
    Some(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block() -> Block {
        let times: Vec<i64> = (0..480).map(|at| 1_767_225_600_000 + at * 15_000).collect();
        let growth: Vec<f64> = (0..480_u32).map(|at| f64::from(at % 3)).collect();
        let level: Vec<f64> = (0..480_u32).map(|at| f64::from(at) * 0.5).collect();
        let columns = BTreeMap::from([
            (Key::new("b", &[("route", "/v1/ask")]), Column::new(true, &growth)),
            (Key::new("a", &[]), Column::new(false, &level)),
            (Key::new("b", &[("route", "/v1/search")]), Column::new(true, &[0.0; 480])),
        ]);
        Block { times, columns }
    }

    #[test]
    fn a_block_comes_back_from_its_bytes() {
        let block = block();
        assert_eq!(Block::from_bytes(&block.to_bytes()), Some(block));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_seen() {
        let bytes = block().to_bytes();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            assert_eq!(Block::from_bytes(&flipped), None, "bit {} of byte {at}", at % 8);
            assert_eq!(Block::from_bytes(&bytes[..at]), None, "cut at {at}");
        }
    }

    #[test]
    fn a_selector_finds_the_columns_of_its_metric() {
        let block = block();
        let count = |selector: &Selector| block.matching(selector).count();
        assert_eq!(count(&Selector::new("b")), 2);
        assert_eq!(count(&Selector::new("b").with("route", "/v1/ask")), 1);
        assert_eq!(count(&Selector::new("c")), 0);
    }

    #[test]
    fn a_counters_total_is_its_growth() {
        let block = block();
        let asked = Selector::new("b").with("route", "/v1/ask");
        let (_, column) = block.matching(&asked).next().unwrap();
        assert_eq!(column.total, 480.0);
        assert_eq!(block.values(column).len(), 480);
    }
}
