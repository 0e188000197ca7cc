//! The only unsafe code of this crate: mapping files into memory and the vector kernels.
//!
//! Keeps true: every pointer read stays inside a slice whose length the safe wrapper has checked; a kernel runs
//! only after the processor was asked for its features; a mapped file is only ever appended to, beyond the rows
//! that readers look at, until the generation that owns it is removed.
//!
//! Measured (one thread, 200,000 vectors of 384): figures stand in `docs/benchmarks.md`, printed by
//! `examples/bench_index.rs`.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::sync::OnceLock;

use half::f16;

/// Bits of a quantised query; 16 levels lose nothing against a float query (`DEPENDENCIES`: recall .9997).
pub(crate) const PLANES: usize = 4;
/// Vectors whose code words are interleaved, one 512-bit register of 64-bit words.
pub(crate) const GROUP: usize = 8;

/// A file in memory, read only.
#[derive(Debug)]
pub(crate) struct Map(memmap2::Mmap);

impl Map {
    pub(crate) fn open(file: &File) -> io::Result<Self> {
        // SAFETY: the files are private to the index folder; their rows are written once, before the snapshot
        // that makes them visible is published, and never changed or truncated while a map of them exists.
        unsafe { memmap2::Mmap::map(file) }.map(Self)
    }
}

impl Deref for Map {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

type Dot = unsafe fn(&[u8], &[f32]) -> f32;
type Sums = unsafe fn(&[u8], &[[u64; PLANES]], &mut [u32]);

struct Kernels {
    name: &'static str,
    dot: Dot,
    sums: Sums,
}

/// The name of the instruction set in use, for logs and benchmarks.
#[must_use]
pub fn kernel_name() -> &'static str {
    kernels().name
}

/// Inner product of a row of little-endian f16 and a vector; a row of another length gives 0.
pub(crate) fn dot(row: &[u8], vector: &[f32]) -> f32 {
    if row.len() != vector.len() * 2 {
        return 0.0;
    }
    // SAFETY: lengths agree, and `kernels` chose functions whose features this processor has.
    unsafe { (kernels().dot)(row, vector) }
}

/// For each vector of `codes` (groups of eight, words interleaved, little-endian u64) the sum over the query's
/// planes `j` of `2^j * popcount(plane[j] & code)`. `out` holds one number a vector.
pub(crate) fn plane_sums(codes: &[u8], planes: &[[u64; PLANES]], out: &mut [u32]) {
    let fits = out.len().is_multiple_of(GROUP) && codes.len() == out.len() * planes.len() * 8;
    if fits {
        // SAFETY: `codes` holds `planes.len()` words for each of `out`'s vectors; features as above.
        unsafe { (kernels().sums)(codes, planes, out) }
    }
}

fn kernels() -> &'static Kernels {
    static CHOSEN: OnceLock<Kernels> = OnceLock::new();
    CHOSEN.get_or_init(choose)
}

#[cfg(target_arch = "x86_64")]
fn choose() -> Kernels {
    if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vpopcntdq") {
        return Kernels { name: "avx512", dot: x86::dot_avx512, sums: x86::sums_avx512 };
    }
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    if avx2 && is_x86_feature_detected!("f16c") && is_x86_feature_detected!("popcnt") {
        return Kernels { name: "avx2", dot: x86::dot_avx2, sums: x86::sums_popcnt };
    }
    PORTABLE
}

#[cfg(not(target_arch = "x86_64"))]
fn choose() -> Kernels {
    PORTABLE
}

const PORTABLE: Kernels = Kernels { name: "portable", dot: dot_portable, sums: sums_portable };

fn dot_portable(row: &[u8], vector: &[f32]) -> f32 {
    row.chunks_exact(2)
        .zip(vector)
        .map(|(bytes, x)| f16::from_le_bytes([bytes[0], bytes[1]]).to_f32() * x)
        .sum()
}

#[inline(always)]
fn sums_portable(codes: &[u8], planes: &[[u64; PLANES]], out: &mut [u32]) {
    let group_bytes = planes.len() * GROUP * 8;
    for (group, out) in codes.chunks_exact(group_bytes).zip(out.chunks_exact_mut(GROUP)) {
        out.fill(0);
        for (words, plane) in group.chunks_exact(GROUP * 8).zip(planes) {
            for (bytes, sum) in words.chunks_exact(8).zip(out.iter_mut()) {
                let mut word = [0; 8];
                word.copy_from_slice(bytes);
                let code = u64::from_le_bytes(word);
                for (bit, plane) in plane.iter().enumerate() {
                    *sum += (plane & code).count_ones() << bit;
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{GROUP, PLANES, dot_portable, sums_portable};

    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn dot_avx512(row: &[u8], vector: &[f32]) -> f32 {
        let steps = vector.len() / 32;
        let (mut low, mut high) = (_mm512_setzero_ps(), _mm512_setzero_ps());
        for step in 0..steps {
            // SAFETY: step * 32 + 32 <= vector.len(), and the row holds two bytes for each number.
            unsafe {
                let halves = row.as_ptr().add(step * 64);
                let floats = vector.as_ptr().add(step * 32);
                let a = _mm512_cvtph_ps(_mm256_loadu_si256(halves.cast()));
                let b = _mm512_cvtph_ps(_mm256_loadu_si256(halves.add(32).cast()));
                low = _mm512_fmadd_ps(a, _mm512_loadu_ps(floats), low);
                high = _mm512_fmadd_ps(b, _mm512_loadu_ps(floats.add(16)), high);
            }
        }
        let rest = dot_portable(&row[steps * 64..], &vector[steps * 32..]);
        _mm512_reduce_add_ps(_mm512_add_ps(low, high)) + rest
    }

    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) unsafe fn dot_avx2(row: &[u8], vector: &[f32]) -> f32 {
        let steps = vector.len() / 16;
        let (mut low, mut high) = (_mm256_setzero_ps(), _mm256_setzero_ps());
        for step in 0..steps {
            // SAFETY: step * 16 + 16 <= vector.len(), and the row holds two bytes for each number.
            unsafe {
                let halves = row.as_ptr().add(step * 32);
                let floats = vector.as_ptr().add(step * 16);
                let a = _mm256_cvtph_ps(_mm_loadu_si128(halves.cast()));
                let b = _mm256_cvtph_ps(_mm_loadu_si128(halves.add(16).cast()));
                low = _mm256_fmadd_ps(a, _mm256_loadu_ps(floats), low);
                high = _mm256_fmadd_ps(b, _mm256_loadu_ps(floats.add(8)), high);
            }
        }
        let mut lanes = [0.0; 8];
        // SAFETY: `lanes` holds eight numbers.
        unsafe { _mm256_storeu_ps(lanes.as_mut_ptr(), _mm256_add_ps(low, high)) };
        lanes.iter().sum::<f32>() + dot_portable(&row[steps * 32..], &vector[steps * 16..])
    }

    #[target_feature(enable = "popcnt,avx2")]
    pub(super) unsafe fn sums_popcnt(codes: &[u8], planes: &[[u64; PLANES]], out: &mut [u32]) {
        sums_portable(codes, planes, out);
    }

    #[target_feature(enable = "avx512f,avx512vpopcntdq")]
    pub(super) unsafe fn sums_avx512(codes: &[u8], planes: &[[u64; PLANES]], out: &mut [u32]) {
        for (group, out) in out.chunks_exact_mut(GROUP).enumerate() {
            let mut total = _mm512_setzero_si512();
            for (word, plane) in planes.iter().enumerate() {
                // SAFETY: the wrapper checked that `codes` holds `planes.len()` words of 64 bytes a group.
                let code = unsafe {
                    _mm512_loadu_si512(codes.as_ptr().add((group * planes.len() + word) * GROUP * 8).cast())
                };
                let count = |bit: usize| {
                    let mask = _mm512_set1_epi64(plane[bit] as i64);
                    _mm512_popcnt_epi64(_mm512_and_si512(code, mask))
                };
                let low = _mm512_add_epi64(count(0), _mm512_slli_epi64::<1>(count(1)));
                let high = _mm512_add_epi64(count(2), _mm512_slli_epi64::<1>(count(3)));
                total = _mm512_add_epi64(total, _mm512_add_epi64(low, _mm512_slli_epi64::<2>(high)));
            }
            // SAFETY: `out` holds eight numbers of 32 bits.
            unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), _mm512_cvtepi64_epi32(total)) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32 - 0.5
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn every_kernel_gives_the_portable_inner_product() {
        for dimensions in [1, 16, 33, 384, 385] {
            let row: Vec<u8> =
                numbers(dimensions, 1).iter().flat_map(|x| f16::from_f32(*x).to_le_bytes()).collect();
            let vector = numbers(dimensions, 2);
            assert!((dot(&row, &vector) - dot_portable(&row, &vector)).abs() < 1e-4);
        }
    }

    #[test]
    fn every_kernel_gives_the_portable_sums() {
        for words in [1, 6, 7] {
            let codes: Vec<u8> = (0..words * 16 * 8).map(|i| (i * 37 + i / 7) as u8).collect();
            let planes: Vec<[u64; 4]> = (0..words as u64)
                .map(|w| [w.wrapping_mul(0x9E37_79B9_7F4A_7C15), !w, w << 40 | 7, u64::MAX / 3])
                .collect();
            let (mut fast, mut plain) = (vec![1; 16], vec![2; 16]);
            plane_sums(&codes, &planes, &mut fast);
            sums_portable(&codes, &planes, &mut plain);
            assert_eq!(fast, plain);
        }
    }

    #[test]
    fn lengths_that_do_not_agree_give_nothing() {
        assert_eq!(dot(&[0; 4], &[1.0]), 0.0);
        let mut out = vec![9; 8];
        plane_sums(&[0; 8], &[[0; 4]], &mut out);
        assert_eq!(out, [9; 8]);
    }
}
