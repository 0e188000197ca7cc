//! The vectors of a memory index, in RAM: rows of f16 at length 1, and signs of full segments to find candidates by.
//!
//! Keeps true: every score that leaves this file is the exact inner product with the row; the row of a slot that was
//! given back is zeros.

use half::f16;

use crate::best::{Best, Scored};
use crate::codes::{Coded, CodedQuery, decode_into};
use crate::column::SEGMENT_ROWS;
use crate::dense::{EXACT_MAX, RERANK_BASE, RERANK_FACTOR, unit};
use crate::raw;
use crate::slots::Slots;

#[derive(Debug)]
pub(super) struct Vectors {
    dimensions: usize,
    segments: Vec<Segment>,
}

#[derive(Debug, Default)]
struct Segment {
    /// Little-endian f16.
    rows: Vec<u8>,
    /// Where the segment is full.
    coded: Option<Coded>,
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
        let row = self.row_of(vector);
        let segment = &mut self.segments[segment];
        let start = index * row.len();
        if segment.rows.len() < start + row.len() {
            segment.rows.resize(start + row.len(), 0);
        }
        segment.rows[start..start + row.len()].copy_from_slice(&row);
        match &mut segment.coded {
            Some(coded) => coded.set(index, &row),
            None if segment.rows.len() == SEGMENT_ROWS * row.len() => {
                segment.rows.shrink_to_fit();
                segment.coded = Some(Coded::of(&segment.rows, self.dimensions));
            }
            None => {}
        }
    }

    /// The vector at length 1, if it can be compared with the rows.
    pub(super) fn unit(&self, vector: &[f32]) -> Option<Vec<f32>> {
        unit(vector, self.dimensions)
    }

    /// The nearest by cosine, best first. `vector` has length 1.
    pub(super) fn search(&self, vector: &[f32], within: &Slots, limit: usize) -> Vec<Scored> {
        if within.count() <= EXACT_MAX.max(limit) {
            return self.exact(vector, within.iter(), limit);
        }
        let candidates = self.candidates(vector, within, limit * RERANK_FACTOR + RERANK_BASE);
        self.exact(vector, candidates.iter().map(|scored| scored.slot), limit)
    }

    pub(super) fn score(&self, vector: &[f32], slot: u32) -> f32 {
        raw::dot(self.row(slot), vector)
    }

    /// Adds the slot's vector, `weight` times, to `sum`.
    pub(super) fn add_to(&self, sum: &mut [f32], slot: u32, weight: f32) {
        let mut row = vec![0.0; self.dimensions];
        decode_into(self.row(slot), &mut row);
        sum.iter_mut().zip(&row).for_each(|(sum, x)| *sum += weight * x);
    }

    pub(super) const fn dimensions(&self) -> usize {
        self.dimensions
    }

    pub(super) fn bytes(&self) -> usize {
        let of = |segment: &Segment| segment.rows.capacity() + segment.coded.as_ref().map_or(0, Coded::bytes);
        self.segments.iter().map(of).sum()
    }

    fn row(&self, slot: u32) -> &[u8] {
        let bytes = self.dimensions * 2;
        let start = slot as usize % SEGMENT_ROWS * bytes;
        let segment = self.segments.get(slot as usize / SEGMENT_ROWS);
        segment.and_then(|segment| segment.rows.get(start..start + bytes)).unwrap_or_default()
    }

    fn row_of(&self, vector: Option<&[f32]>) -> Vec<u8> {
        match vector.and_then(|vector| self.unit(vector)) {
            Some(unit) => unit.iter().flat_map(|x| f16::from_f32(*x).to_le_bytes()).collect(),
            None => vec![0; self.dimensions * 2],
        }
    }

    fn exact(&self, vector: &[f32], slots: impl Iterator<Item = u32>, limit: usize) -> Vec<Scored> {
        let mut best = Best::new(limit);
        for slot in slots {
            best.push(slot, self.score(vector, slot));
        }
        best.into_sorted()
    }

    fn candidates(&self, vector: &[f32], within: &Slots, count: usize) -> Vec<Scored> {
        let query = CodedQuery::new(vector);
        let mut best = Best::new(count);
        for (segment, first) in self.segments.iter().zip((0..).step_by(SEGMENT_ROWS)) {
            let end = first + SEGMENT_ROWS as u32;
            match &segment.coded {
                Some(_) if !within.any_in(first, end) => {}
                Some(coded) => coded.view().estimate(&query, vector, first, within, &mut best),
                None => within.range(first, end).for_each(|slot| {
                    best.push(slot, self.score(vector, slot));
                }),
            }
        }
        best.into_sorted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn angle(index: usize) -> [f32; 2] {
        let angle = index as f32 * 0.001;
        [angle.cos(), angle.sin()]
    }

    #[test]
    fn the_nearest_are_found_with_codes_as_without() {
        let count = 2 * SEGMENT_ROWS + 500;
        let mut vectors = Vectors::new(2);
        let slots: Vec<u32> = (0..count as u32).collect();
        for &slot in &slots {
            vectors.set(slot, Some(&angle(slot as usize % 3000)));
        }
        let within = Slots::from_slots(&slots);
        let coded: Vec<f32> = vectors.search(&angle(1500), &within, 6).iter().map(|one| one.score).collect();
        let exact: Vec<f32> =
            vectors.exact(&angle(1500), within.iter(), 6).iter().map(|one| one.score).collect();
        assert!(within.count() > EXACT_MAX && exact[5] > 0.999);
        assert!(coded.iter().zip(&exact).all(|(coded, exact)| (coded - exact).abs() < 1e-3), "{coded:?}");
    }

    #[test]
    fn a_row_of_a_coded_segment_can_be_set_again() {
        let mut vectors = Vectors::new(2);
        for slot in 0..SEGMENT_ROWS as u32 {
            vectors.set(slot, Some(&[1.0, 0.001 * slot as f32]));
        }
        vectors.set(5, Some(&[0.0, -3.0]));
        let coded = vectors.segments[0].coded.clone().unwrap();
        let again = Coded { centre: coded.centre.clone(), ..Coded::of(&vectors.segments[0].rows, 2) };
        let (factors, codes) = coded.row(5);
        assert_eq!(vectors.score(&[0.0, -1.0], 5), 1.0);
        assert_eq!(codes, again.row(5).1);
        assert!(factors.iter().any(|byte| *byte != 0));
        vectors.set(5, None);
        assert_eq!(vectors.score(&[0.0, -1.0], 5), 0.0);
    }

    #[test]
    fn a_vector_of_another_length_is_none() {
        let mut vectors = Vectors::new(2);
        vectors.set(0, Some(&[1.0, 0.0, 0.0]));
        assert_eq!(vectors.score(&[1.0, 0.0], 0), 0.0);
        assert_eq!((vectors.unit(&[1.0]), vectors.unit(&[0.0, 0.0])), (None, None));
    }
}
