//! Search over the vectors of a workspace: exact where it is small or the filter is narrow, else short codes with
//! an exact rerank.
//!
//! Keeps true: every score that leaves this file is the exact inner product with the stored f16 row.

use crate::best::{Best, Scored};
use crate::codes::{CodedQuery, Codes, decode_into};
use crate::column::{ColumnView, SEGMENT_ROWS};
use crate::raw;
use crate::slots::Slots;

/// Up to so many eligible vectors every one is scored exactly: 0.5 ms at 384 dimensions.
pub(crate) const EXACT_MAX: usize = 16_384;
/// Candidates for the exact rerank: `limit * FACTOR + BASE`. On 40,960 MiniLM vectors and 400 questions that gave
/// recall@10 1.0000.
pub(crate) const RERANK_FACTOR: usize = 4;
pub(crate) const RERANK_BASE: usize = 256;

/// The vectors of one snapshot.
#[derive(Clone, Debug)]
pub(crate) struct Dense {
    rows: ColumnView,
    /// One for each full segment, in order.
    codes: Vec<Codes>,
    dimensions: usize,
}

impl Dense {
    pub(crate) const fn new(rows: ColumnView, codes: Vec<Codes>, dimensions: usize) -> Self {
        Self { rows, codes, dimensions }
    }

    pub(crate) const fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The `limit` nearest by cosine, best first. A vector of another length than the index's finds nothing.
    pub(crate) fn search(&self, vector: &[f32], within: &Slots, limit: usize) -> Vec<Scored> {
        let Some(unit) = self.unit(vector) else { return Vec::new() };
        if within.count() <= EXACT_MAX.max(limit) {
            return self.exact(&unit, within.iter(), limit);
        }
        let candidates = self.candidates(&unit, within, limit * RERANK_FACTOR + RERANK_BASE);
        self.exact(&unit, candidates.iter().map(|scored| scored.slot), limit)
    }

    /// Cosines of the given slots, in order; 0 for a slot or vector that is not of this index.
    pub(crate) fn scores(&self, vector: &[f32], slots: &[u32]) -> Vec<f32> {
        match self.unit(vector) {
            Some(unit) => slots.iter().map(|&slot| self.score(&unit, slot)).collect(),
            None => vec![0.0; slots.len()],
        }
    }

    /// The stored vector as f32; zeros beyond the last slot.
    pub(crate) fn vector(&self, slot: u32) -> Vec<f32> {
        let mut vector = vec![0.0; self.dimensions];
        decode_into(self.rows.row(slot), &mut vector);
        vector
    }

    /// The stored bytes.
    pub(crate) fn row(&self, slot: u32) -> &[u8] {
        self.rows.row(slot)
    }

    /// The number of code files that do not hold what was written.
    pub(crate) fn damaged_codes(&self) -> usize {
        self.codes.iter().filter(|codes| !codes.is_intact()).count()
    }

    fn exact(&self, unit: &[f32], slots: impl Iterator<Item = u32>, limit: usize) -> Vec<Scored> {
        let mut best = Best::new(limit);
        for slot in slots {
            best.push(slot, self.score(unit, slot));
        }
        best.into_sorted()
    }

    /// The best by estimate in coded segments, and all by exact score in the others.
    fn candidates(&self, unit: &[f32], within: &Slots, count: usize) -> Vec<Scored> {
        let query = CodedQuery::new(unit);
        let mut best = Best::new(count);
        for segment in 0..self.rows.rows().div_ceil(SEGMENT_ROWS) {
            let first = (segment * SEGMENT_ROWS) as u32;
            let end = first + SEGMENT_ROWS as u32;
            match self.codes.get(segment) {
                Some(_) if !within.any_in(first, end) => {}
                Some(codes) => codes.estimate(&query, unit, first, within, &mut best),
                None => within.range(first, end).for_each(|slot| {
                    best.push(slot, self.score(unit, slot));
                }),
            }
        }
        best.into_sorted()
    }

    fn score(&self, unit: &[f32], slot: u32) -> f32 {
        raw::dot(self.rows.row(slot), unit)
    }

    fn unit(&self, vector: &[f32]) -> Option<Vec<f32>> {
        unit(vector, self.dimensions)
    }
}

/// The vector at length 1, if it has so many dimensions and a direction.
pub(crate) fn unit(vector: &[f32], dimensions: usize) -> Option<Vec<f32>> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    let usable = vector.len() == dimensions && length.is_finite() && length > 0.0;
    usable.then(|| vector.iter().map(|x| x / length).collect())
}

/// Little-endian f16 of the vector at length 1; a vector that is far from it is scaled, one without a direction
/// becomes zero and is found by no question.
pub(crate) fn normalised_row(row: &[u8], dimensions: usize) -> Vec<u8> {
    let mut floats = vec![0.0; dimensions];
    if row.len() != dimensions * 2 {
        return vec![0; dimensions * 2];
    }
    decode_into(row, &mut floats);
    let length = floats.iter().map(|x| x * x).sum::<f32>().sqrt();
    if !length.is_finite() || length == 0.0 {
        return vec![0; dimensions * 2];
    }
    // f16 rounding alone moves the length by less than 2^-11.
    if (length - 1.0).abs() < 1e-3 {
        return row.to_vec();
    }
    floats.iter().flat_map(|x| half::f16::from_f32(x / length).to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::Column;

    fn random(seed: &mut u64) -> f32 {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    /// Clustered unit vectors around 50 centres that share a direction, as learned embeddings do.
    fn vectors(count: usize, dimensions: usize) -> Vec<Vec<f32>> {
        let mut seed = 7;
        let centres: Vec<Vec<f32>> =
            (0..50).map(|_| (0..dimensions).map(|_| random(&mut seed) + 0.3).collect()).collect();
        let mut one = |index: usize| -> Vec<f32> {
            let raw: Vec<f32> = centres[index % 50].iter().map(|x| x + 0.7 * random(&mut seed)).collect();
            let length = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
            raw.iter().map(|x| x / length).collect()
        };
        (0..count).map(&mut one).collect()
    }

    fn dense(dir: &std::path::Path, vectors: &[Vec<f32>]) -> Dense {
        let dimensions = vectors[0].len();
        let mut rows = Column::open(dir, "vectors", dimensions * 2, 0).unwrap();
        for vector in vectors {
            let row: Vec<u8> = vector.iter().flat_map(|x| half::f16::from_f32(*x).to_le_bytes()).collect();
            rows.append(&row).unwrap();
        }
        let view = rows.view();
        let codes = (0..vectors.len() / SEGMENT_ROWS)
            .map(|segment| {
                Codes::seal(&dir.join(format!("codes-{segment}.bin")), view.rows_of(segment), dimensions)
                    .unwrap()
            })
            .collect();
        Dense::new(view, codes, dimensions)
    }

    fn all(count: usize) -> Slots {
        let mut slots = Slots::default();
        slots.insert_range(0, count as u32);
        slots
    }

    #[test]
    fn coded_search_finds_what_the_exact_search_finds() {
        let dir = tempfile::tempdir().unwrap();
        let vectors = vectors(20_000, 96);
        let dense = dense(dir.path(), &vectors);
        let within = all(20_000);
        let mut found = 0;
        for query in vectors.iter().step_by(500) {
            let exact = dense.exact(query, within.iter(), 10);
            let coded = dense.search(query, &within, 10);
            found += exact.iter().filter(|hit| coded.iter().any(|other| other.slot == hit.slot)).count();
        }
        assert!(found >= 380, "{found} of 400");
    }

    #[test]
    fn a_filter_holds_inside_the_coded_search() {
        let dir = tempfile::tempdir().unwrap();
        let vectors = vectors(24_000, 32);
        let dense = dense(dir.path(), &vectors);
        let mut within = all(24_000);
        within.remove_range(100, 5000);
        let hits = dense.search(&vectors[150], &within, 50);
        assert!(hits.len() == 50 && hits.iter().all(|hit| within.contains(hit.slot)));
    }

    #[test]
    fn scores_of_given_slots_are_cosines() {
        let dir = tempfile::tempdir().unwrap();
        let vectors = vectors(10, 24);
        let dense = dense(dir.path(), &vectors);
        let scores = dense.scores(&vectors[3], &[3, 99]);
        assert!((scores[0] - 1.0).abs() < 1e-3 && scores[1] == 0.0);
        assert_eq!(dense.scores(&[1.0], &[3]), [0.0]);
        assert!(dense.search(&[0.0; 24], &all(10), 3).is_empty());
    }

    #[test]
    fn a_row_is_stored_at_length_one() {
        let row: Vec<u8> = [3.0, 4.0].iter().flat_map(|x| half::f16::from_f32(*x).to_le_bytes()).collect();
        let mut unit = [0.0; 2];
        decode_into(&normalised_row(&row, 2), &mut unit);
        assert!((unit[0] - 0.6).abs() < 1e-3 && (unit[1] - 0.8).abs() < 1e-3);
        assert_eq!(normalised_row(&[1], 2), [0; 4]);
    }

    #[test]
    fn a_damaged_code_file_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let dense = dense(dir.path(), &vectors(8192, 8));
        assert_eq!(dense.damaged_codes(), 0);
        let path = dir.path().join("codes-0.bin");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[100] ^= 1;
        std::fs::write(&path, &bytes[..bytes.len()]).unwrap();
        assert!(!Codes::open(&path, 8).unwrap().is_intact());
        assert_eq!(Codes::open(&path, 9).unwrap_err().code, "index_broken");
    }
}
