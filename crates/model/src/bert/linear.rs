//! Linear layers with weights packed for the tile kernels: bytes where the processor multiplies bytes, else floats.
//!
//! Keeps true: a row of the result depends on that row of the input only, never on the rows around it.
//!
//! Bytes: weights are symmetric, one scale an output; activations are asymmetric, one scale and zero point a row,
//! so that `x w = scale_x scale_w (sum(q_x q_w) - zero sum(q_w))` exactly in 32-bit integers.

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
    Tanh,
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
    /// Panels of `inputs / 4` rows of [`LANES`] outputs of four bytes.
    Bytes { panels: Vec<[u32; LANES]>, scales: Vec<f32>, sums: Vec<i32> },
}

/// Room for quantised rows, kept between calls.
#[derive(Debug, Default)]
pub struct Scratch {
    bytes: Vec<u8>,
    blocks: Vec<[u32; ROWS]>,
    rows: Vec<RowScale>,
}

#[derive(Clone, Copy, Debug, Default)]
struct RowScale {
    scale: f32,
    zero: i32,
}

impl Linear {
    /// Packs `weight` of shape `[outputs, inputs]`, row-major, for `isa`.
    #[must_use]
    pub fn pack(weight: &[f32], bias: &[f32], isa: Isa) -> Self {
        let outputs = bias.len();
        let inputs = weight.len() / outputs.max(1);
        let weights = if isa == Isa::Avx512Vnni && inputs.is_multiple_of(4) {
            pack_bytes(weight, inputs)
        } else {
            Weights::Floats(pack_floats(weight, inputs))
        };
        let mut bias = bias.to_vec();
        bias.resize(outputs.next_multiple_of(LANES), 0.0);
        Self { inputs, outputs, bias, weights }
    }

    #[must_use]
    pub const fn outputs(&self) -> usize {
        self.outputs
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
        let Weights::Bytes { panels, scales, sums } = &self.weights else {
            return self.apply_avx512(x, activation, y);
        };
        scratch.quantise(x, self.inputs);
        let depth = self.inputs / 4;
        for (panel_index, panel) in panels.chunks_exact(depth).enumerate() {
            let first = panel_index * LANES;
            let column = Column {
                bias: &self.bias[first..first + LANES],
                scales: &scales[first..first + LANES],
                sums: &sums[first..first + LANES],
            };
            for (block_index, block) in scratch.blocks.chunks_exact(depth).enumerate() {
                let mut sums = [[0_i32; LANES]; ROWS];
                tile::vnni(block, panel, &mut sums);
                let rows = scratch.rows[block_index * ROWS..].iter().zip(&sums);
                for (row, (scale, sums)) in
                    y.chunks_exact_mut(self.outputs).skip(block_index * ROWS).zip(rows)
                {
                    let mut values = column.finish(*scale, sums);
                    activate(activation, &mut values);
                    store(row, first, &values);
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

/// What turns integer sums of one panel into results.
struct Column<'a> {
    bias: &'a [f32],
    scales: &'a [f32],
    sums: &'a [i32],
}

impl Column<'_> {
    #[inline(always)]
    fn finish(&self, row: RowScale, sums: &[i32; LANES]) -> [f32; LANES] {
        let mut values = [0.0; LANES];
        let columns = self.bias.iter().zip(self.scales).zip(self.sums);
        for ((value, &sum), ((bias, scale), &weights)) in values.iter_mut().zip(sums).zip(columns) {
            *value = (sum - row.zero * weights) as f32 * (row.scale * scale) + bias;
        }
        values
    }
}

impl Scratch {
    /// Quantises rows of `width` numbers to bytes, in blocks of [`ROWS`] rows, the last one filled up with zeros.
    #[inline(always)]
    fn quantise(&mut self, x: &[f32], width: usize) {
        let rows = x.len() / width;
        let blocks = rows.div_ceil(ROWS);
        self.bytes.resize(width, 0);
        self.blocks.resize(blocks * width / 4, [0; ROWS]);
        self.rows.clear();
        for (index, row) in x.chunks_exact(width).enumerate() {
            self.rows.push(quantise_row(row, &mut self.bytes));
            let block = &mut self.blocks[index / ROWS * (width / 4)..][..width / 4];
            for (words, bytes) in block.iter_mut().zip(self.bytes.as_chunks::<4>().0) {
                words[index % ROWS] = u32::from_le_bytes(*bytes);
            }
        }
    }
}

/// `x = scale (q - zero)` with q in 0..=255, zero exactly representable.
#[inline(always)]
fn quantise_row(row: &[f32], bytes: &mut [u8]) -> RowScale {
    let (low, high) = math::range(row);
    let scale = ((high - low) / 255.0).max(f32::MIN_POSITIVE);
    let inverse = 1.0 / scale;
    let zero = (-low * inverse).round().clamp(0.0, 255.0);
    for (byte, x) in bytes.iter_mut().zip(row) {
        // Adding one half before cutting rounds, since the value is not negative.
        let shifted = x * inverse + (zero + 0.5);
        *byte = shifted.clamp(0.0, 255.0) as i32 as u8;
    }
    RowScale { scale, zero: zero as i32 }
}

#[inline(always)]
fn activate(activation: Activation, values: &mut [f32; LANES]) {
    match activation {
        Activation::Identity => {}
        Activation::Gelu => values.iter_mut().for_each(|value| *value = math::gelu(*value)),
        Activation::Tanh => values.iter_mut().for_each(|value| *value = value.tanh()),
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

fn pack_bytes(weight: &[f32], inputs: usize) -> Weights {
    let outputs = weight.len() / inputs;
    let padded = outputs.next_multiple_of(LANES);
    let mut panels = vec![[0_u32; LANES]; padded * inputs / 4 / LANES];
    let (mut scales, mut sums) = (vec![0.0; padded], vec![0; padded]);
    for (output, row) in weight.chunks_exact(inputs).enumerate() {
        let largest = row.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        let scale = (largest / 127.0).max(f32::MIN_POSITIVE);
        scales[output] = scale;
        let panel = &mut panels[output / LANES * (inputs / 4)..];
        for (lanes, group) in panel.iter_mut().zip(row.as_chunks::<4>().0) {
            let bytes = group.map(|x| (x / scale).round() as i8);
            sums[output] += bytes.iter().map(|&byte| i32::from(byte)).sum::<i32>();
            lanes[output % LANES] = u32::from_le_bytes(bytes.map(i8::cast_unsigned));
        }
    }
    Weights::Bytes { panels, scales, sums }
}
