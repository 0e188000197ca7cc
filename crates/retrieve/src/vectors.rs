//! Arithmetic on vectors.

/// Sums kept beside each other, so that the compiler can use wide registers.
const LANES: usize = 8;

/// The sum of the products; a longer vector's rest is left out.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (wide_a, wide_b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = wide_a.remainder().iter().zip(wide_b.remainder()).map(|(a, b)| a * b).sum();
    let mut sums = [0.0_f32; LANES];
    for (a, b) in wide_a.zip(wide_b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_numbers_count_once() {
        for length in [0, 1, 7, 8, 9, 384] {
            let ones = vec![1.0; length];
            let numbers: Vec<f32> = (0..length).map(|number| number as f32).collect();
            assert_eq!(dot(&ones, &numbers), (length * length.saturating_sub(1) / 2) as f32);
        }
    }
}
