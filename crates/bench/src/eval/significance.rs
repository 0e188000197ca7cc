//! Whether a difference between two configurations may be chance.

use ibid_runtime::Chance;

/// Random sign patterns tried: a p-value of 0.05 is then known to within 0.002.
const ROUNDS: usize = 10_000;

/// The two-sided p-value of Fisher's paired randomisation test on the mean difference (Smucker, Allan, Carterette,
/// "A Comparison of Statistical Significance Tests for Information Retrieval Evaluation", CIKM 2007).
///
/// Under the null hypothesis the two values of a query could as well be exchanged. The seed is fixed, so that the
/// same values give the same result; without a query or a difference it is 1.
#[must_use]
pub fn p_value(left: &[f64], right: &[f64]) -> f64 {
    let differences: Vec<f64> = left.iter().zip(right).map(|(a, b)| a - b).filter(|d| *d != 0.0).collect();
    if differences.is_empty() {
        return 1.0;
    }
    let observed = differences.iter().sum::<f64>().abs();
    let chance = Chance::seeded(1);
    let extreme = (0..ROUNDS).filter(|_| exchanged(&differences, &chance).abs() >= observed - 1e-12).count();
    (extreme + 1) as f64 / (ROUNDS + 1) as f64
}

/// The sum of the differences with random signs.
fn exchanged(differences: &[f64], chance: &Chance) -> f64 {
    let mut sum = 0.0;
    for some in differences.chunks(64) {
        let bits = chance.next_u64();
        sum +=
            some.iter().enumerate().map(|(bit, d)| if bits >> bit & 1 == 1 { *d } else { -*d }).sum::<f64>();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_gains_alike_happen_by_chance_one_time_in_eight() {
        // Of 16 sign patterns, all plus and all minus are as extreme: 2 / 16.
        let p = p_value(&[0.6; 4], &[0.5; 4]);
        assert!((p - 0.125).abs() < 0.01, "{p}");
    }

    #[test]
    fn twenty_gains_are_no_chance_and_a_balance_is() {
        assert!(p_value(&[0.6; 20], &[0.5; 20]) < 0.001);
        assert!(p_value(&[0.6, 0.5], &[0.5, 0.6]) > 0.99);
    }

    #[test]
    fn without_a_difference_nothing_is_shown() {
        assert_eq!((p_value(&[0.5], &[0.5]), p_value(&[], &[])), (1.0, 1.0));
    }

    #[test]
    fn the_result_repeats() {
        let (left, right) = ([0.1, 0.9, 0.3, 0.7], [0.2, 0.4, 0.2, 0.5]);
        assert_eq!(p_value(&left, &right).to_bits(), p_value(&left, &right).to_bits());
    }
}
