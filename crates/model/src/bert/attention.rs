//! Multi-head self-attention of one sequence, transposed: a tile has keys as rows and 32 questions as columns, so
//! that the soft maximum runs down the columns and nothing is shuffled between the two products.

#![allow(unsafe_code)]

use super::math;
use super::tile::{self, Isa, LANES, Left};

/// Keys, or numbers of a head, of a tile.
const ROWS: usize = 8;
const ROWS_AVX2: usize = 4;

/// Room for one head's intermediate values.
#[derive(Debug, Default)]
pub struct Scratch {
    /// `[head width][LANES]`: a block of queries, transposed.
    queries: Vec<f32>,
    /// `[keys][LANES]`: scores, then probabilities.
    scores: Vec<f32>,
    /// `[head width][LANES]`: the results, transposed.
    values: Vec<f32>,
}

/// Shape of the attention: `heads * head_width` is the width of a row; a row of `qkv` is three times that, and its
/// queries are scaled already.
#[derive(Clone, Copy, Debug)]
pub struct Heads {
    pub count: usize,
    pub width: usize,
}

impl Heads {
    pub const fn hidden(self) -> usize {
        self.count * self.width
    }
}

/// Attends within one sequence: `qkv` holds its rows, `context` gets one row of `hidden` numbers each.
pub fn attend(isa: Isa, heads: Heads, qkv: &[f32], context: &mut [f32], scratch: &mut Scratch) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `isa` was detected on this processor.
        Isa::Avx512 | Isa::Avx512Vnni => unsafe { avx512(heads, qkv, context, scratch) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { avx2(heads, qkv, context, scratch) },
        _ => body::<ROWS>(heads, qkv, context, scratch, tile::portable, tile::portable),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw")]
fn avx512(heads: Heads, qkv: &[f32], context: &mut [f32], scratch: &mut Scratch) {
    body::<ROWS>(
        heads,
        qkv,
        context,
        scratch,
        |left, panel, out| tile::avx512::<ROWS, 2>(left, panel, 0, out),
        |left, panel, out| tile::avx512::<1, 2>(left, panel, 0, out),
    );
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2(heads: Heads, qkv: &[f32], context: &mut [f32], scratch: &mut Scratch) {
    body::<ROWS_AVX2>(
        heads,
        qkv,
        context,
        scratch,
        |left, panel, out| {
            tile::avx2::<ROWS_AVX2, 2>(left, panel, 0, out);
            tile::avx2::<ROWS_AVX2, 2>(left, panel, LANES / 2, out);
        },
        |left, panel, out| tile::avx2::<1, 4>(left, panel, 0, out),
    );
}

#[inline(always)]
fn body<const M: usize>(
    heads: Heads,
    qkv: &[f32],
    context: &mut [f32],
    scratch: &mut Scratch,
    many: impl Fn(Left<'_>, &[f32], &mut [[f32; LANES]; M]),
    one: impl Fn(Left<'_>, &[f32], &mut [[f32; LANES]; 1]),
) {
    let (hidden, width) = (heads.hidden(), heads.width);
    let stride = 3 * hidden;
    let count = qkv.len() / stride;
    scratch.queries.resize(width * LANES, 0.0);
    scratch.values.resize(width * LANES, 0.0);
    scratch.scores.resize(count * LANES, 0.0);
    for head in 0..heads.count {
        let keys =
            Left { data: &qkv[hidden + head * width..], row_stride: stride, depth_stride: 1, depth: width };
        let values = Left {
            data: &qkv[2 * hidden + head * width..],
            row_stride: 1,
            depth_stride: stride,
            depth: count,
        };
        for first in (0..count).step_by(LANES) {
            let block = LANES.min(count - first);
            gather(&qkv[first * stride + head * width..], stride, block, &mut scratch.queries);
            product(keys, count, &scratch.queries, &mut scratch.scores, &many, &one);
            let divisors = soft_maximum(&mut scratch.scores);
            product(values, width, &scratch.scores, &mut scratch.values, &many, &one);
            for (lane, row) in context.chunks_exact_mut(hidden).skip(first).take(block).enumerate() {
                let out = &mut row[head * width..][..width];
                for (x, values) in out.iter_mut().zip(scratch.values.as_chunks::<LANES>().0) {
                    *x = values[lane] * divisors[lane];
                }
            }
        }
    }
}

/// Transposes the head's part of up to [`LANES`] queries; unused lanes become zero.
#[inline(always)]
fn gather(rows: &[f32], stride: usize, count: usize, queries: &mut [f32]) {
    for (index, lanes) in queries.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        *lanes = [0.0; LANES];
        for (lane, x) in lanes.iter_mut().take(count).enumerate() {
            *x = rows[lane * stride + index];
        }
    }
}

/// `out = left x panel` for `rows` rows of `left`.
#[inline(always)]
fn product<const M: usize>(
    left: Left<'_>,
    rows: usize,
    panel: &[f32],
    out: &mut [f32],
    many: &impl Fn(Left<'_>, &[f32], &mut [[f32; LANES]; M]),
    one: &impl Fn(Left<'_>, &[f32], &mut [[f32; LANES]; 1]),
) {
    let out = &mut out.as_chunks_mut::<LANES>().0[..rows];
    let (blocks, rest) = out.as_chunks_mut::<M>();
    let done = blocks.len() * M;
    for (index, block) in blocks.iter_mut().enumerate() {
        many(Left { data: &left.data[index * M * left.row_stride..], ..left }, panel, block);
    }
    for (index, row) in rest.iter_mut().enumerate() {
        let data = &left.data[(done + index) * left.row_stride..];
        one(Left { data, ..left }, panel, std::array::from_mut(row));
    }
}

/// Turns the scores of each column into `e^(score - largest)` and returns what to multiply sums of them by.
#[inline(always)]
fn soft_maximum(scores: &mut [f32]) -> [f32; LANES] {
    let rows = scores.as_chunks_mut::<LANES>().0;
    let mut largest = [f32::MIN; LANES];
    for row in rows.iter() {
        for (most, &x) in largest.iter_mut().zip(row) {
            *most = if x > *most { x } else { *most };
        }
    }
    let mut sums = [0.0; LANES];
    for row in rows {
        for ((x, most), sum) in row.iter_mut().zip(&largest).zip(&mut sums) {
            *x = math::exp(*x - most);
            *sum += *x;
        }
    }
    sums.map(|sum| 1.0 / sum)
}
