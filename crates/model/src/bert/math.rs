//! Functions of one number written without branches, so that the compiler makes vectors of the loops around them.
//!
//! Keeps true: no call leaves the loop; results do not depend on a number's place in its row.

#![allow(unsafe_code)]

use super::tile::Isa;

/// `e^x`, relative error below 3e-7 for x in [-87, 88]; below -87 it stays tiny, above 88 large.
/// Range reduction by powers of two and the polynomial of Cephes `expf`.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let mut p = 1.987_569_1e-4;
    p = p * r + 1.398_199_9e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 0.5;
    let y = p * r * r + r + 1.0;
    let exponent = (rounded.to_bits() << 23).wrapping_add(0x3f80_0000);
    y * f32::from_bits(exponent)
}

/// The Gaussian error linear unit with the exact error function, as BERT's `gelu`. The error function is formula
/// 7.1.26 of Abramowitz and Stegun, absolute error below 1.5e-7.
#[inline(always)]
pub fn gelu(x: f32) -> f32 {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let mut p = 1.061_405_4;
    p = p * t - 1.453_152_1;
    p = p * t + 1.421_413_8;
    p = p * t - 0.284_496_74;
    p = p * t + 0.254_829_6;
    let tail = 0.5 * p * t * exp(-z * z);
    let below = x * tail;
    if x < 0.0 { below } else { x - below }
}

/// Adds `update` to the rows and normalises each (layer normalisation). A row is as long as `weight`.
pub fn normalise_rows(
    isa: Isa,
    rows: &mut [f32],
    update: Option<&[f32]>,
    weight: &[f32],
    bias: &[f32],
    epsilon: f32,
) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `isa` was detected on this processor.
        Isa::Avx512 | Isa::Avx512Vnni => unsafe { normalise_avx512(rows, update, weight, bias, epsilon) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { normalise_avx2(rows, update, weight, bias, epsilon) },
        _ => normalise_all(rows, update, weight, bias, epsilon),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw")]
fn normalise_avx512(rows: &mut [f32], update: Option<&[f32]>, weight: &[f32], bias: &[f32], epsilon: f32) {
    normalise_all(rows, update, weight, bias, epsilon);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn normalise_avx2(rows: &mut [f32], update: Option<&[f32]>, weight: &[f32], bias: &[f32], epsilon: f32) {
    normalise_all(rows, update, weight, bias, epsilon);
}

#[inline(always)]
fn normalise_all(rows: &mut [f32], update: Option<&[f32]>, weight: &[f32], bias: &[f32], epsilon: f32) {
    if let Some(update) = update {
        rows.iter_mut().zip(update).for_each(|(x, more)| *x += more);
    }
    for row in rows.chunks_exact_mut(weight.len()) {
        normalise(row, weight, bias, epsilon);
    }
}

/// Scales `row` to mean 0 and variance 1, then by `weight`, and adds `bias`.
#[inline(always)]
pub fn normalise(row: &mut [f32], weight: &[f32], bias: &[f32], epsilon: f32) {
    let count = row.len() as f32;
    let mean = sum(row) / count;
    let variance = spread(row, mean) / count;
    let scale = 1.0 / (variance + epsilon).sqrt();
    for ((x, weight), bias) in row.iter_mut().zip(weight).zip(bias) {
        *x = (*x - mean) * scale * weight + bias;
    }
}

#[inline(always)]
fn sum(row: &[f32]) -> f32 {
    let (chunks, rest) = row.as_chunks::<16>();
    let mut sums = [0.0_f32; 16];
    for chunk in chunks {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *sum += x;
        }
    }
    sums.iter().chain(rest).sum()
}

/// Sum of squared distances from `mean`.
#[inline(always)]
fn spread(row: &[f32], mean: f32) -> f32 {
    let (chunks, rest) = row.as_chunks::<16>();
    let mut sums = [0.0_f32; 16];
    for chunk in chunks {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *sum += (x - mean) * (x - mean);
        }
    }
    sums.iter().sum::<f32>() + rest.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>()
}

/// The largest absolute value of a row.
#[inline(always)]
pub fn largest(row: &[f32]) -> f32 {
    let (chunks, rest) = row.as_chunks::<16>();
    let mut most = [0.0_f32; 16];
    for chunk in chunks {
        for (most, x) in most.iter_mut().zip(chunk) {
            *most = if x.abs() > *most { x.abs() } else { *most };
        }
    }
    most.iter().chain(rest).fold(0.0_f32, |a, b| a.max(b.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_close() {
        for step in -800..800 {
            let x = step as f32 / 10.0;
            let exact = f64::from(x).exp();
            assert!((f64::from(exp(x)) - exact).abs() <= exact * 4e-7, "{x}");
        }
    }

    #[test]
    fn gelu_is_close_at_known_points() {
        // Values of x * normal_cdf(x).
        for (x, exact) in
            [(0.0, 0.0), (1.0, 0.841_344_7), (-1.0, -0.158_655_26), (3.0, 2.995_950_3), (-3.0, -0.004_049_7)]
        {
            assert!((gelu(x) - exact).abs() < 2e-6, "{x}: {}", gelu(x));
        }
    }

    #[test]
    fn a_normalised_row_has_mean_0_and_variance_1() {
        let mut row: Vec<f32> = (0..40).map(|n| n as f32).collect();
        normalise(&mut row, &[1.0; 40], &[0.0; 40], 0.0);
        assert!(row.iter().sum::<f32>().abs() < 1e-4);
        assert!((row.iter().map(|x| x * x).sum::<f32>() - 40.0).abs() < 1e-3);
    }

    #[test]
    fn the_largest_is_by_absolute_value() {
        assert_eq!(largest(&[-3.0, 1.0]), 3.0);
        assert_eq!(largest(&[2.0; 20]), 2.0);
    }
}
