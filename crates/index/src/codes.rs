//! One-bit codes of a full segment's vectors, to find candidates that are then scored exactly.
//!
//! A vector `x` is written as centre `c` plus residual `r`; its code is the signs `s` of `r`. With
//! `g = |r|^2 / |r|_1` the estimate `<q,x> = <q,c> + g <q,s>` is that of RaBitQ (Gao and Long, SIGMOD 2024)
//! without the rotation, which learned embeddings do not need. The query is quantised to four bits.
//!
//! Keeps true: a code file is complete or absent; it is made from rows and can be made again.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use half::f16;
use half::slice::HalfFloatSliceExt;
use ibid_types::Result;

use crate::best::Best;
use crate::column::{SEGMENT_ROWS, replace_file};
use crate::fault;
use crate::raw::{GROUP, Map, PLANES, plane_sums};
use crate::slots::Slots;

const MAGIC: &[u8; 8] = b"ibidcod1";
/// Magic, dimensions (u32), CRC-32 of the rest (u32).
const HEADER_BYTES: usize = 16;
/// Per vector: `g` and the number of ones, both f32.
const FACTOR_BYTES: usize = 8;

/// The codes of one segment.
#[derive(Clone, Debug)]
pub(crate) struct Codes {
    map: Arc<Map>,
    dimensions: usize,
    centre: Vec<f32>,
}

/// A query, quantised to `2^PLANES` levels: `q[d]` is about `low + step * level[d]`.
#[derive(Debug)]
pub(crate) struct CodedQuery {
    planes: Vec<[u64; PLANES]>,
    low: f32,
    step: f32,
    sum: f32,
}

impl CodedQuery {
    pub(crate) fn new(vector: &[f32]) -> Self {
        let (low, high) =
            vector.iter().fold((f32::MAX, f32::MIN), |(low, high), x| (low.min(*x), high.max(*x)));
        let step = ((high - low) / ((1 << PLANES) - 1) as f32).max(f32::MIN_POSITIVE);
        let mut planes = vec![[0; PLANES]; words(vector.len())];
        let mut sum = 0.0;
        for (dimension, x) in vector.iter().enumerate() {
            let level = ((x - low) / step).round() as u64;
            sum += low + step * level as f32;
            for (bit, plane) in planes[dimension / 64].iter_mut().enumerate() {
                *plane |= (level >> bit & 1) << (dimension % 64);
            }
        }
        Self { planes, low, step, sum }
    }
}

impl Codes {
    /// Makes and writes the codes of a full segment of f16 rows.
    pub(crate) fn seal(path: &Path, rows: &[u8], dimensions: usize) -> Result<Self> {
        let row = |index: usize, out: &mut [f32]| {
            decode_into(&rows[index * dimensions * 2..][..dimensions * 2], out)
        };
        let mut coded = Coded::of(dimensions, row);
        let mut payload: Vec<u8> = coded.centre.iter().flat_map(|x| x.to_le_bytes()).collect();
        payload.append(&mut coded.factors);
        payload.append(&mut coded.codes);
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&(dimensions as u32).to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&payload).to_le_bytes());
        bytes.append(&mut payload);
        replace_file(path, &bytes)?;
        Self::open(path, dimensions)
    }

    /// Opens codes that were sealed before; fails if they are absent or of another shape.
    pub(crate) fn open(path: &Path, dimensions: usize) -> Result<Self> {
        let map = File::open(path).and_then(|file| Map::open(&file)).map_err(|error| {
            fault::broken(format!("{} cannot be opened", path.display())).caused_by(error)
        })?;
        let length = HEADER_BYTES + dimensions * 4 + SEGMENT_ROWS * (FACTOR_BYTES + words(dimensions) * 8);
        let fits =
            map.len() == length && map.starts_with(MAGIC) && map[8..12] == (dimensions as u32).to_le_bytes();
        if !fits {
            return Err(fault::broken(format!("{} is not a code file of this size", path.display())));
        }
        let centre = floats(&map[HEADER_BYTES..HEADER_BYTES + dimensions * 4]).collect();
        Ok(Self { map: Arc::new(map), dimensions, centre })
    }

    /// Whether the bytes on disk are those that were written.
    pub(crate) fn is_intact(&self) -> bool {
        self.map[12..16] == crc32fast::hash(&self.map[HEADER_BYTES..]).to_le_bytes()
    }

    /// Offers the estimated inner product of every eligible vector; `first` is the segment's first slot.
    pub(crate) fn estimate(
        &self,
        query: &CodedQuery,
        vector: &[f32],
        first: u32,
        within: &Slots,
        best: &mut Best,
    ) {
        let factors_at = HEADER_BYTES + self.dimensions * 4;
        let (factors, codes) = self.map[factors_at..].split_at(SEGMENT_ROWS * FACTOR_BYTES);
        CodedView { centre: &self.centre, factors, codes }.estimate(query, vector, first, within, best);
    }
}

/// The codes of one segment, in RAM.
#[derive(Clone, Debug)]
pub(crate) struct Coded {
    pub(crate) centre: Vec<f32>,
    factors: Vec<u8>,
    codes: Vec<u8>,
}

impl Coded {
    /// Of a full segment; `row` writes the row at an index.
    pub(crate) fn of(dimensions: usize, row: impl Fn(usize, &mut [f32])) -> Self {
        let mut coded = Self {
            centre: mean(dimensions, &row),
            factors: vec![0; SEGMENT_ROWS * FACTOR_BYTES],
            codes: vec![0; SEGMENT_ROWS * words(dimensions) * 8],
        };
        let mut floats = vec![0.0; dimensions];
        for index in 0..SEGMENT_ROWS {
            row(index, &mut floats);
            coded.set(index, &floats);
        }
        coded
    }

    /// Codes the row anew. The centre stays that of the rows that the segment was first coded with.
    pub(crate) fn set(&mut self, index: usize, row: &[f32]) {
        let residual: Vec<f32> = row.iter().zip(&self.centre).map(|(x, c)| x - c).collect();
        let ones = write_code(&residual, index, &mut self.codes);
        let factors = &mut self.factors[index * FACTOR_BYTES..][..FACTOR_BYTES];
        factors[..4].copy_from_slice(&scale(&residual).to_le_bytes());
        factors[4..].copy_from_slice(&(ones as f32).to_le_bytes());
    }

    pub(crate) fn view(&self) -> CodedView<'_> {
        CodedView { centre: &self.centre, factors: &self.factors, codes: &self.codes }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.centre.len() * 4 + self.factors.len() + self.codes.len()
    }

    /// The factors of a row and the bytes of its code.
    #[cfg(test)]
    pub(crate) fn row(&self, index: usize) -> (&[u8], Vec<u8>) {
        let words = words(self.centre.len());
        let word = |word: usize| ((index / GROUP * words + word) * GROUP + index % GROUP) * 8;
        let code = (0..words).flat_map(|at| self.codes[word(at)..][..8].to_vec()).collect();
        (&self.factors[index * FACTOR_BYTES..][..FACTOR_BYTES], code)
    }
}

/// The codes of a segment, wherever they lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CodedView<'a> {
    centre: &'a [f32],
    factors: &'a [u8],
    codes: &'a [u8],
}

impl CodedView<'_> {
    /// Offers the estimated inner product of every eligible vector; `first` is the segment's first slot.
    pub(crate) fn estimate(
        &self,
        query: &CodedQuery,
        vector: &[f32],
        first: u32,
        within: &Slots,
        best: &mut Best,
    ) {
        let base: f32 = vector.iter().zip(self.centre).map(|(x, c)| x * c).sum();
        let mut sums = [0; SEGMENT_ROWS];
        plane_sums(self.codes, &query.planes, &mut sums);
        for (index, (sum, factor)) in sums.iter().zip(self.factors.chunks_exact(FACTOR_BYTES)).enumerate() {
            let (g, ones) = (float(&factor[..4]), float(&factor[4..]));
            let signed = 2.0 * (query.low * ones + query.step * *sum as f32) - query.sum;
            let score = base + g * signed;
            let slot = first + index as u32;
            if score >= best.threshold() && within.contains(slot) {
                best.push(slot, score);
            }
        }
    }
}

/// Writes the signs of the coordinates in the interleaved layout and returns how many are positive.
fn write_code(residual: &[f32], index: usize, codes: &mut [u8]) -> u32 {
    let words = words(residual.len());
    let mut ones = 0;
    for (at, coordinates) in residual.chunks(64).enumerate() {
        let positive = |word: u64, (bit, x): (usize, &f32)| word | u64::from(*x > 0.0) << bit;
        let word = coordinates.iter().enumerate().fold(0, positive);
        let start = ((index / GROUP * words + at) * GROUP + index % GROUP) * 8;
        codes[start..start + 8].copy_from_slice(&word.to_le_bytes());
        ones += word.count_ones();
    }
    ones
}

/// `|r|^2 / |r|_1`: the length at which the sign vector best stands for the residual.
fn scale(residual: &[f32]) -> f32 {
    let squares: f32 = residual.iter().map(|x| x * x).sum();
    let absolutes: f32 = residual.iter().map(|x| x.abs()).sum();
    if absolutes > 0.0 { squares / absolutes } else { 0.0 }
}

fn mean(dimensions: usize, row: impl Fn(usize, &mut [f32])) -> Vec<f32> {
    let mut sum = vec![0.0; dimensions];
    let mut floats = vec![0.0; dimensions];
    for index in 0..SEGMENT_ROWS {
        row(index, &mut floats);
        sum.iter_mut().zip(&floats).for_each(|(sum, x)| *sum += x);
    }
    sum.iter().map(|sum| sum / SEGMENT_ROWS as f32).collect()
}

/// Little-endian f16 to f32.
pub(crate) fn decode_into(row: &[u8], out: &mut [f32]) {
    let mut halves = [f16::ZERO; 64];
    for (bytes, out) in row.chunks(128).zip(out.chunks_mut(64)) {
        let count = out.len().min(bytes.len() / 2);
        for (bytes, half) in bytes.chunks_exact(2).zip(&mut halves) {
            *half = f16::from_le_bytes([bytes[0], bytes[1]]);
        }
        halves[..count].convert_to_f32_slice(&mut out[..count]);
    }
}

const fn words(dimensions: usize) -> usize {
    dimensions.div_ceil(64)
}

fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> + '_ {
    bytes.chunks_exact(4).map(float)
}

fn float(bytes: &[u8]) -> f32 {
    bytes.try_into().map_or(0.0, f32::from_le_bytes)
}
