//! Linear layers with weights packed for the tile kernels: 16-bit integers where the processor multiplies pairs of
//! them at twice the rate of floats (`vpdpwssd`), else floats.
//!
//! Keeps true: a row of the result depends on that row of the input only, never on the rows around it; integer sums
//! cannot overflow, because a layer's activations are scaled to what its heaviest output leaves room for.
//!
//! Bytes would be twice as fast again, and lose: with one scale a row and one an output, the cosine with the float
//! model falls to 0.993 (mean 0.9985) over scientific abstracts, Chinese and German; integers of 16 bits keep 0.99999.

#![allow(unsafe_code)]

use super::math;
use super::tile::{self, Isa, LANES, Left};

/// Rows of a tile: 12 x 2 sums, two vectors of weights and a factor fill the 32 registers of AVX-512.
const ROWS: usize = 12;
/// Rows of a tile of AVX2: 6 x 2 sums in 16 registers.
const ROWS_AVX2: usize = 6;
const ROWS_PORTABLE: usize = 4;

/// What happens to a result before it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    Identity,
    Gelu,
}

/// `y = activation(x W^T + b)`.
#[derive(Debug)]
pub struct Linear {
    inputs: usize,
    outputs: usize,
    bias: Vec<f32>,
    weights: Weights,
}

#[derive(Debug)]
enum Weights {
    /// Panels of `inputs` rows of [`LANES`] outputs.
    Floats(Vec<f32>),
    /// Panels of `inputs / 2` rows of [`LANES`] outputs of two numbers; a scale an output.
    Integers { panels: Vec<[u32; LANES]>, scales: Vec<f32>, activation_max: f32 },
}

/// Room for quantised rows, kept between calls.
#[derive(Debug, Default)]
pub struct Scratch {
    row: Vec<i16>,
    blocks: Vec<[u32; ROWS]>,
    scales: Vec<f32>,
}

impl Linear {
    /// Packs `weight` of shape `[outputs, inputs]`, row-major, for `isa`.
    #[must_use]
    pub fn pack(weight: &[f32], bias: &[f32], isa: Isa) -> Self {
        let outputs = bias.len();
        let inputs = weight.len() / outputs.max(1);
        let weights = if isa == Isa::Avx512Vnni && inputs.is_multiple_of(2) {
            pack_integers(weight, inputs)
        } else {
            Weights::Floats(pack_floats(weight, inputs))
        };
        let mut bias = bias.to_vec();
        bias.resize(outputs.next_multiple_of(LANES), 0.0);
        Self { inputs, outputs, bias, weights }
    }

    /// Applies the layer to the rows of `x`, of `inputs` numbers each, and stores rows of `outputs` in `y`.
    pub fn apply(
        &self,
        isa: Isa,
        x: &[f32],
        activation: Activation,
        scratch: &mut Scratch,
        y: &mut Vec<f32>,
    ) {
        let rows = x.len() / self.inputs;
        y.resize(rows * self.outputs, 0.0);
        match isa {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `isa` was detected on this processor.
            Isa::Avx512Vnni => unsafe { self.apply_vnni(x, activation, scratch, y) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Isa::Avx512 => unsafe { self.apply_avx512(x, activation, y) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Isa::Avx2 => unsafe { self.apply_avx2(x, activation, y) },
            _ => self.apply_floats::<ROWS_PORTABLE>(x, activation, y, tile::portable, tile::portable),
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    fn apply_vnni(&self, x: &[f32], activation: Activation, scratch: &mut Scratch, y: &mut [f32]) {
        let Weights::Integers { panels, scales, activation_max } = &self.weights else {
            return self.apply_avx512(x, activation, y);
        };
        scratch.quantise(x, self.inputs, *activation_max);
        let depth = self.inputs / 2;
        for (panel_index, panel) in panels.chunks_exact(depth).enumerate() {
            let first = panel_index * LANES;
            let (scales, bias) = (&scales[first..first + LANES], &self.bias[first..first + LANES]);
            let outputs = y.chunks_mut(ROWS * self.outputs).zip(scratch.scales.chunks(ROWS));
            for (block, (y, rows)) in scratch.blocks.chunks_exact(depth).zip(outputs) {
                let mut sums = [[0; LANES]; ROWS];
                tile::vnni(block, panel, &mut sums);
                for ((y, row), sums) in y.chunks_exact_mut(self.outputs).zip(rows).zip(&sums) {
                    let mut values = scale(sums, *row, scales, bias);
                    activate(activation, &mut values);
                    store(y, first, &values);
                }
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn apply_avx512(&self, x: &[f32], activation: Activation, y: &mut [f32]) {
        self.apply_floats::<ROWS>(
            x,
            activation,
            y,
            |left, panel, out| tile::avx512::<ROWS, 2>(left, panel, 0, out),
            |left, panel, out| tile::avx512::<1, 2>(left, panel, 0, out),
        );
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn apply_avx2(&self, x: &[f32], activation: Activation, y: &mut [f32]) {
        self.apply_floats::<ROWS_AVX2>(
            x,
            activation,
            y,
            |left, panel, out| {
                tile::avx2::<ROWS_AVX2, 2>(left, panel, 0, out);
                tile::avx2::<ROWS_AVX2, 2>(left, panel, LANES / 2, out);
            },
            |left, panel, out| tile::avx2::<1, 4>(left, panel, 0, out),
        );
    }

    #[inline(always)]
    fn apply_floats<const M: usize>(
        &self,
        x: &[f32],
        activation: Activation,
        y: &mut [f32],
        many: impl Fn(Left<'_>, &[f32], &mut [[f32; LANES]; M]),
        one: impl Fn(Left<'_>, &[f32], &mut [[f32; LANES]; 1]),
    ) {
        let Weights::Floats(panels) = &self.weights else { return };
        for (panel_index, panel) in panels.chunks_exact(self.inputs * LANES).enumerate() {
            let first = panel_index * LANES;
            let bias = &self.bias[first..first + LANES];
            let finish = |row: &mut [f32], sums: &[f32; LANES]| {
                let mut values = *sums;
                values.iter_mut().zip(bias).for_each(|(value, bias)| *value += bias);
                activate(activation, &mut values);
                store(row, first, &values);
            };
            let (block, output) = (M * self.inputs, M * self.outputs);
            let mut blocks = x.chunks_exact(block);
            let mut outputs = y.chunks_exact_mut(output);
            for (x, y) in blocks.by_ref().zip(outputs.by_ref()) {
                let mut sums = [[0.0; LANES]; M];
                many(self.left(x), panel, &mut sums);
                for (row, sums) in y.chunks_exact_mut(self.outputs).zip(&sums) {
                    finish(row, sums);
                }
            }
            let rest = outputs.into_remainder().chunks_exact_mut(self.outputs);
            for (x, row) in blocks.remainder().chunks_exact(self.inputs).zip(rest) {
                let mut sums = [[0.0; LANES]; 1];
                one(self.left(x), panel, &mut sums);
                finish(row, &sums[0]);
            }
        }
    }

    const fn left<'a>(&self, data: &'a [f32]) -> Left<'a> {
        Left { data, row_stride: self.inputs, depth_stride: 1, depth: self.inputs }
    }
}

/// Integer sums of one row and panel as results.
#[inline(always)]
fn scale(sums: &[i32; LANES], row: f32, scales: &[f32], bias: &[f32]) -> [f32; LANES] {
    let mut values = [0.0; LANES];
    for ((value, &sum), (scale, bias)) in values.iter_mut().zip(sums).zip(scales.iter().zip(bias)) {
        *value = sum as f32 * (row * scale) + bias;
    }
    values
}

impl Scratch {
    /// Quantises rows of `width` numbers, in blocks of [`ROWS`] rows; what the last block lacks is left over from
    /// before and its results are not stored.
    #[inline(always)]
    fn quantise(&mut self, x: &[f32], width: usize, most: f32) {
        let depth = width / 2;
        self.row.resize(width, 0);
        self.blocks.resize((x.len() / width).div_ceil(ROWS) * depth, [0; ROWS]);
        self.scales.clear();
        for (index, row) in x.chunks_exact(width).enumerate() {
            self.scales.push(quantise_row(row, most, &mut self.row));
            let block = &mut self.blocks[index / ROWS * depth..][..depth];
            for (words, pair) in block.iter_mut().zip(self.row.as_chunks::<2>().0) {
                words[index % ROWS] = word(*pair);
            }
        }
    }
}

/// Fills `quantised` with `x / scale` rounded, at most `most`, and returns the scale.
#[inline(always)]
fn quantise_row(row: &[f32], most: f32, quantised: &mut [i16]) -> f32 {
    const ROUND: f32 = 12_582_912.0;
    let scale = (math::largest(row) / most).max(f32::MIN_POSITIVE);
    let inverse = 1.0 / scale;
    for (out, x) in quantised.iter_mut().zip(row) {
        // The sum's lowest bits are the rounded number: no conversion that checks for overflow is needed.
        *out = (x * inverse + ROUND).to_bits() as i16;
    }
    scale
}

#[inline(always)]
const fn word([low, high]: [i16; 2]) -> u32 {
    low.cast_unsigned() as u32 | (high.cast_unsigned() as u32) << 16
}

#[inline(always)]
fn activate(activation: Activation, values: &mut [f32; LANES]) {
    match activation {
        Activation::Identity => {}
        Activation::Gelu => values.iter_mut().for_each(|value| *value = math::gelu(*value)),
    }
}

/// Stores a tile's row at column `first`; what lies beyond the layer's outputs is padding.
#[inline(always)]
fn store(row: &mut [f32], first: usize, values: &[f32; LANES]) {
    match row[first..].first_chunk_mut::<LANES>() {
        Some(whole) => *whole = *values,
        None => row[first..].iter_mut().zip(values).for_each(|(out, value)| *out = *value),
    }
}

fn pack_floats(weight: &[f32], inputs: usize) -> Vec<f32> {
    let outputs = weight.len() / inputs;
    let mut panels = vec![0.0; outputs.next_multiple_of(LANES) * inputs];
    for (output, row) in weight.chunks_exact(inputs).enumerate() {
        let panel = &mut panels[output / LANES * inputs * LANES..];
        for (lanes, value) in panel.chunks_exact_mut(LANES).zip(row) {
            lanes[output % LANES] = *value;
        }
    }
    panels
}

/// Weights in 12 bits, which leaves activations 13 to 16 of the 32 bits of a sum.
fn pack_integers(weight: &[f32], inputs: usize) -> Weights {
    const WEIGHT_MAX: f32 = 2047.0;
    let padded = (weight.len() / inputs).next_multiple_of(LANES);
    let mut panels = vec![[0; LANES]; padded / LANES * (inputs / 2)];
    let mut scales = vec![0.0; padded];
    let mut heaviest = 1_i64;
    for (output, row) in weight.chunks_exact(inputs).enumerate() {
        let scale = (math::largest(row) / WEIGHT_MAX).max(f32::MIN_POSITIVE);
        let panel = &mut panels[output / LANES * (inputs / 2)..];
        let mut weight = 0;
        for (lanes, pair) in panel.iter_mut().zip(row.as_chunks::<2>().0) {
            let pair = pair.map(|x| (x / scale).round() as i16);
            weight += pair.iter().map(|&x| i64::from(x).abs()).sum::<i64>();
            lanes[output % LANES] = word(pair);
        }
        scales[output] = scale;
        heaviest = heaviest.max(weight);
    }
    // One less than the quotient, for what rounding adds.
    let activation_max = (i64::from(i32::MAX) / heaviest - 1).clamp(1, 32_767) as f32;
    Weights::Integers { panels, scales, activation_max }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    fn plain(weight: &[f32], bias: &[f32], x: &[f32]) -> Vec<f32> {
        let inputs = weight.len() / bias.len();
        let dot = |row: &[f32], column: &[f32]| row.iter().zip(column).map(|(a, b)| a * b).sum::<f32>();
        x.chunks(inputs)
            .flat_map(|row| {
                weight.chunks(inputs).zip(bias).map(move |(column, bias)| dot(row, column) + bias)
            })
            .collect()
    }

    fn worst(rows: usize, inputs: usize, outputs: usize, isa: Isa) -> f32 {
        let (weight, bias) = (numbers(inputs * outputs, 1), numbers(outputs, 2));
        let x = numbers(rows * inputs, 3);
        let mut y = Vec::new();
        let layer = Linear::pack(&weight, &bias, isa.min(Isa::detect()));
        layer.apply(isa.min(Isa::detect()), &x, Activation::Identity, &mut Scratch::default(), &mut y);
        assert_eq!(y.len(), rows * outputs);
        plain(&weight, &bias, &x).iter().zip(&y).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn every_kernel_agrees_with_the_plain_product_at_every_edge() {
        for isa in [Isa::Portable, Isa::Avx2, Isa::Avx512, Isa::Avx512Vnni] {
            for (rows, inputs, outputs) in
                [(1, 8, 5), (11, 32, 32), (12, 48, 33), (13, 384, 96), (25, 16, 64)]
            {
                let worst = worst(rows, inputs, outputs, isa);
                assert!(worst < 2e-2, "{isa:?} {rows}x{inputs}x{outputs}: {worst}");
            }
        }
    }

    #[test]
    fn integer_sums_do_not_overflow_at_the_largest_inputs() {
        let (weight, bias) = (vec![1.0; 1536 * 2], vec![0.0; 2]);
        let (mut y, isa) = (Vec::new(), Isa::detect());
        let layer = Linear::pack(&weight, &bias, isa);
        layer.apply(isa, &[3.0; 1536], Activation::Identity, &mut Scratch::default(), &mut y);
        assert!((y[0] - 4608.0).abs() < 5.0, "{}", y[0]);
    }
}
