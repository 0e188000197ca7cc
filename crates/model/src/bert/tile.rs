//! The innermost loop: a small tile of a matrix product, for the widest vectors that this processor has.
//!
//! Keeps true: a sum runs over the depth in the same order whatever the rows around it, so that a text's vector does
//! not depend on its batch.

#![allow(unsafe_code)]

/// Columns of a tile, and of a panel of packed weights: two vectors of AVX-512, four of AVX2.
pub const LANES: usize = 32;

/// What this processor can do. Detected once; a test may ask for less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// Whatever the compiler makes of plain loops.
    Portable,
    /// AVX2 with fused multiply-add.
    Avx2,
    /// AVX-512 foundation, byte and word instructions.
    Avx512,
    /// AVX-512 with dot products of 16-bit integers.
    Avx512Vnni,
}

impl Isa {
    /// The widest one of this processor.
    #[must_use]
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let wide = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
            if wide && is_x86_feature_detected!("avx512vnni") {
                return Self::Avx512Vnni;
            }
            if wide {
                return Self::Avx512;
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Self::Avx2;
            }
        }
        Self::Portable
    }
}

/// A view of the left matrix: element (m, k) lies at `m * row_stride + k * depth_stride`.
#[derive(Clone, Copy, Debug)]
pub struct Left<'a> {
    pub data: &'a [f32],
    pub row_stride: usize,
    pub depth_stride: usize,
    pub depth: usize,
}

impl Left<'_> {
    /// Whether every element of the first `rows` rows lies inside the data.
    const fn covers(&self, rows: usize) -> bool {
        self.depth > 0
            && (rows - 1) * self.row_stride + (self.depth - 1) * self.depth_stride < self.data.len()
    }
}

/// `rows(left) x panel`, where the panel holds `depth` rows of [`LANES`] numbers.
pub fn portable<const M: usize>(left: Left<'_>, panel: &[f32], tile: &mut [[f32; LANES]; M]) {
    *tile = [[0.0; LANES]; M];
    for (k, weights) in panel.as_chunks::<LANES>().0.iter().take(left.depth).enumerate() {
        for (m, sums) in tile.iter_mut().enumerate() {
            let factor = left.data[m * left.row_stride + k * left.depth_stride];
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += factor * weight;
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{LANES, Left};

    macro_rules! float_tile {
        ($(#[$doc:meta])* $name:ident, $features:literal, $vector:ty, $width:literal,
         $zero:ident, $splat:ident, $load:ident, $store:ident, $multiply_add:ident) => {
            $(#[$doc])*
            #[target_feature(enable = $features)]
            #[inline]
            pub fn $name<const M: usize, const V: usize>(left: Left<'_>, panel: &[f32], column: usize, tile: &mut [[f32; LANES]; M]) {
                assert!(left.covers(M) && panel.len() >= left.depth * LANES && column + V * $width <= LANES);
                let mut sums: [[$vector; V]; M] = [[$zero(); V]; M];
                let mut weights = panel[column..].as_ptr();
                let mut factors = left.data.as_ptr();
                for k in 0..left.depth {
                    // SAFETY: the assertion above bounds every address: `m < M`, `k < depth`, and a panel row of
                    // LANES numbers at `k * LANES` holds the V vectors from `column`.
                    unsafe {
                        let mut row = [$zero(); V];
                        for (v, vector) in row.iter_mut().enumerate() {
                            *vector = $load(weights.add(v * $width));
                        }
                        for (m, sums) in sums.iter_mut().enumerate() {
                            let factor = $splat(*factors.add(m * left.row_stride));
                            for (sum, vector) in sums.iter_mut().zip(row) {
                                *sum = $multiply_add(factor, vector, *sum);
                            }
                        }
                        if k + 1 < left.depth {
                            weights = weights.add(LANES);
                            factors = factors.add(left.depth_stride);
                        }
                    }
                }
                for (sums, out) in sums.iter().zip(tile) {
                    for (vector, out) in sums.iter().zip(out[column..].chunks_exact_mut($width)) {
                        // SAFETY: the chunk has exactly the vector's width.
                        unsafe { $store(out.as_mut_ptr(), *vector) };
                    }
                }
            }
        };
    }

    float_tile!(
        /// Two vectors wide.
        avx512, "avx512f,avx512bw", __m512, 16,
        _mm512_setzero_ps, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_fmadd_ps
    );
    float_tile!(
        /// Half a panel: sixteen registers hold no more sums.
        avx2, "avx2,fma", __m256, 8,
        _mm256_setzero_ps, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_fmadd_ps
    );

    /// Sums of products of 16-bit numbers. `left` holds, for each pair of depths, M words of two numbers; `panel`
    /// for each pair LANES words of two numbers. The caller keeps the sums inside 32 bits.
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    #[inline]
    pub fn vnni<const M: usize>(left: &[[u32; M]], panel: &[[u32; LANES]], tile: &mut [[i32; LANES]; M]) {
        let mut sums = [[_mm512_setzero_si512(); 2]; M];
        for (factors, weights) in left.iter().zip(panel) {
            // SAFETY: a panel row is LANES words long: two vectors.
            let (low, high) = unsafe {
                let weights = weights.as_ptr().cast::<__m512i>();
                (_mm512_loadu_si512(weights), _mm512_loadu_si512(weights.add(1)))
            };
            for (sums, &factor) in sums.iter_mut().zip(factors) {
                let factor = _mm512_set1_epi32(factor.cast_signed());
                sums[0] = _mm512_dpwssd_epi32(sums[0], factor, low);
                sums[1] = _mm512_dpwssd_epi32(sums[1], factor, high);
            }
        }
        for (sums, out) in sums.iter().zip(tile) {
            // SAFETY: a tile row is LANES words long: two vectors.
            unsafe {
                let out = out.as_mut_ptr().cast::<__m512i>();
                _mm512_storeu_si512(out, sums[0]);
                _mm512_storeu_si512(out.add(1), sums[1]);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub use x86::{avx2, avx512, vnni};
