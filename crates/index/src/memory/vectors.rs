//! The vectors of a memory index, in RAM: rows of 8-bit numbers, and signs of full segments to find candidates by.
//!
//! A row is a unit vector over its greatest coordinate, in steps of 1/127: half the bytes of f16, and cosines within
//! .002, which is less than paraphrases of a question differ by.
//!
//! Keeps true: every score that leaves this file is the inner product with the row; the row of a slot that was given
//! back is zeros.

use crate::best::{Best, Scored};
use crate::codes::{Coded, CodedQuery};
use crate::column::SEGMENT_ROWS;
use crate::dense::{EXACT_MAX, RERANK_BASE, RERANK_FACTOR, unit};
use crate::slots::Slots;

/// Steps on each side of zero.
const STEPS: f32 = 127.0;
/// Those of a question's vector, which is quantised finer: 4,096 products of both, summed, fit 32 bits.
const QUERY_STEPS: f32 = 4_095.0;

#[derive(Debug)]
pub(super) struct Vectors {
    dimensions: usize,
    segments: Vec<Segment>,
}

#[derive(Debug, Default)]
struct Segment {
    rows: Vec<i8>,
    /// What a step of each row is.
    steps: Vec<f32>,
    /// Where the segment is full.
    coded: Option<Coded>,
}

/// A question's vector at length 1, ready to be compared with rows.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) floats: Vec<f32>,
    levels: Vec<i16>,
    step: f32,
}

impl Vectors {
    pub(super) const fn new(dimensions: usize) -> Self {
        Self { dimensions, segments: Vec::new() }
    }

    /// Sets the slot's row: zeros without a vector, or with one that has another length or no direction.
    pub(super) fn set(&mut self, slot: u32, vector: Option<&[f32]>) {
        let (segment, index) = (slot as usize / SEGMENT_ROWS, slot as usize % SEGMENT_ROWS);
        while self.segments.len() <= segment {
            self.segments.push(Segment::default());
        }
        let unit = vector.and_then(|vector| unit(vector, self.dimensions));
        self.segments[segment].set(index, &unit.unwrap_or_else(|| vec![0.0; self.dimensions]));
    }

    /// The vector at length 1, if it can be compared with the rows.
    pub(super) fn unit(&self, vector: &[f32]) -> Option<Unit> {
        let floats = unit(vector, self.dimensions)?;
        let step = greatest(&floats) / QUERY_STEPS;
        let levels = floats.iter().map(|x| (x / step).round() as i16).collect();
        Some(Unit { floats, levels, step })
    }

    /// The nearest by cosine, best first.
    pub(super) fn search(&self, unit: &Unit, within: &Slots, limit: usize) -> Vec<Scored> {
        if within.count() <= EXACT_MAX.max(limit) {
            return self.exact(unit, within.iter(), limit);
        }
        let candidates = self.candidates(unit, within, limit * RERANK_FACTOR + RERANK_BASE);
        self.exact(unit, candidates.iter().map(|scored| scored.slot), limit)
    }

    pub(super) fn score(&self, unit: &Unit, slot: u32) -> f32 {
        let (row, step) = self.row(slot);
        let sum: i32 = row.iter().zip(&unit.levels).map(|(x, level)| i32::from(*x) * i32::from(*level)).sum();
        sum as f32 * step * unit.step
    }

    /// Adds the slot's vector, `weight` times, to `sum`.
    pub(super) fn add_to(&self, sum: &mut [f32], slot: u32, weight: f32) {
        let (row, step) = self.row(slot);
        sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += weight * step * f32::from(*x));
    }

    pub(super) const fn dimensions(&self) -> usize {
        self.dimensions
    }

    pub(super) fn bytes(&self) -> usize {
        let codes = |segment: &Segment| segment.coded.as_ref().map_or(0, Coded::bytes);
        let of = |segment: &Segment| segment.rows.capacity() + segment.steps.capacity() * 4 + codes(segment);
        self.segments.iter().map(of).sum()
    }

    /// The row and its step; nothing beyond the last one.
    fn row(&self, slot: u32) -> (&[i8], f32) {
        let index = slot as usize % SEGMENT_ROWS;
        let segment = self.segments.get(slot as usize / SEGMENT_ROWS);
        let row =
            segment.and_then(|segment| Some((segment.row(index, self.dimensions)?, segment.steps[index])));
        row.unwrap_or_default()
    }

    fn exact(&self, unit: &Unit, slots: impl Iterator<Item = u32>, limit: usize) -> Vec<Scored> {
        let mut best = Best::new(limit);
        for slot in slots {
            best.push(slot, self.score(unit, slot));
        }
        best.into_sorted()
    }

    fn candidates(&self, unit: &Unit, within: &Slots, count: usize) -> Vec<Scored> {
        let query = CodedQuery::new(&unit.floats);
        let mut best = Best::new(count);
        for (segment, first) in self.segments.iter().zip((0..).step_by(SEGMENT_ROWS)) {
            let end = first + SEGMENT_ROWS as u32;
            match &segment.coded {
                Some(_) if !within.any_in(first, end) => {}
                Some(coded) => coded.view().estimate(&query, &unit.floats, first, within, &mut best),
                None => within.range(first, end).for_each(|slot| {
                    best.push(slot, self.score(unit, slot));
                }),
            }
        }
        best.into_sorted()
    }
}

impl Segment {
    fn row(&self, index: usize, dimensions: usize) -> Option<&[i8]> {
        self.rows.get(index * dimensions..(index + 1) * dimensions)
    }

    /// Sets a row of unit length, or of zeros.
    fn set(&mut self, index: usize, row: &[f32]) {
        let end = (index + 1) * row.len();
        if self.steps.len() <= index {
            self.rows.resize(end, 0);
            self.steps.resize(index + 1, 0.0);
        }
        let step = greatest(row) / STEPS;
        self.steps[index] = step;
        for (level, x) in self.rows[end - row.len()..end].iter_mut().zip(row) {
            *level = if step > 0.0 { (x / step).round() as i8 } else { 0 };
        }
        match &mut self.coded {
            Some(coded) => coded.set(index, row),
            None if self.steps.len() == SEGMENT_ROWS => self.code(row.len()),
            None => {}
        }
    }

    fn code(&mut self, dimensions: usize) {
        self.rows.shrink_to_fit();
        self.steps.shrink_to_fit();
        let row = |index: usize, out: &mut [f32]| {
            let levels = self.row(index, dimensions).unwrap_or_default();
            out.iter_mut().zip(levels).for_each(|(x, level)| *x = f32::from(*level) * self.steps[index]);
        };
        self.coded = Some(Coded::of(dimensions, row));
    }
}

fn greatest(row: &[f32]) -> f32 {
    row.iter().fold(0.0, |most, x| most.max(x.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Repeatable numbers around one of some centres, as learned vectors lie.
    fn vector(slot: u32) -> Vec<f32> {
        let mut seed = u64::from(slot) + 1;
        let mut random = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
        };
        (0..64).map(|at| random() + f32::from(u8::from(at as u32 % 20 == slot % 20))).collect()
    }

    #[test]
    fn the_nearest_are_found_with_codes_as_without() {
        let slots: Vec<u32> = (0..(2 * SEGMENT_ROWS + 500) as u32).collect();
        let mut vectors = Vectors::new(64);
        for &slot in &slots {
            vectors.set(slot, Some(&vector(slot)));
        }
        let within = Slots::from_slots(&slots);
        assert!(within.count() > EXACT_MAX);
        for slot in [3, 9_000, 16_700] {
            let unit = vectors.unit(&vector(slot)).unwrap();
            let coded = vectors.search(&unit, &within, 5);
            let exact = vectors.exact(&unit, within.iter(), 5);
            assert!(coded.iter().filter(|scored| exact.contains(scored)).count() >= 4, "{coded:?} {exact:?}");
            assert!(coded[0].slot == slot && coded[0].score > 0.999);
        }
    }

    #[test]
    fn a_row_of_a_coded_segment_can_be_set_again() {
        let mut vectors = Vectors::new(2);
        for slot in 0..SEGMENT_ROWS as u32 {
            vectors.set(slot, Some(&[1.0, 0.001 * slot as f32]));
        }
        let before = vectors.segments[0].coded.as_ref().unwrap().row(5).1;
        vectors.set(5, Some(&[0.0, -3.0]));
        let coded = vectors.segments[0].coded.as_ref().unwrap();
        let down = vectors.unit(&[0.0, -1.0]).unwrap();
        assert!((vectors.score(&down, 5) - 1.0).abs() < 1e-4);
        // Below the centre in both coordinates.
        assert_eq!((before[0] & 3, coded.row(5).1[0] & 3), (1, 0));
        vectors.set(5, None);
        assert_eq!(vectors.score(&down, 5), 0.0);
    }

    #[test]
    fn cosines_are_near_to_those_of_whole_numbers() {
        let vector: Vec<f32> = (0..384).map(|at| ((at * 37 % 101) as f32 - 50.0) * 0.01).collect();
        let other: Vec<f32> = (0..384).map(|at| ((at * 53 % 97) as f32 - 40.0) * 0.01).collect();
        let mut vectors = Vectors::new(384);
        vectors.set(0, Some(&vector));
        let (left, right) = (unit(&vector, 384).unwrap(), unit(&other, 384).unwrap());
        let exact: f32 = left.iter().zip(&right).map(|(a, b)| a * b).sum();
        let near = vectors.score(&vectors.unit(&other).unwrap(), 0);
        assert!((near - exact).abs() < 2e-3, "{near} {exact}");
    }

    #[test]
    fn a_vector_of_another_length_is_none() {
        let mut vectors = Vectors::new(2);
        vectors.set(0, Some(&[1.0, 0.0, 0.0]));
        assert_eq!(vectors.score(&vectors.unit(&[1.0, 0.0]).unwrap(), 0), 0.0);
        assert!(vectors.unit(&[1.0]).is_none() && vectors.unit(&[0.0, 0.0]).is_none());
    }
}
