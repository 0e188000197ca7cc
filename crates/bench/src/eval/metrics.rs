//! Measures of a ranking, each of one query, as `trec_eval` computes them.
//!
//! A ranking is the grades of its documents, best first, each document once; judged documents of grade 0 and
//! unjudged ones count alike. All results lie between 0 and 1.

/// What one query got.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measures {
    pub ndcg_10: f64,
    pub recall_5: f64,
    pub recall_10: f64,
    pub recall_100: f64,
    pub mrr_10: f64,
}

/// Measures a ranking; `judged` are the grades of all judged documents of the query, in any order.
#[must_use]
pub fn measures(ranking: &[f64], judged: &[f64]) -> Measures {
    Measures {
        ndcg_10: ndcg(ranking, judged, 10),
        recall_5: recall(ranking, judged, 5),
        recall_10: recall(ranking, judged, 10),
        recall_100: recall(ranking, judged, 100),
        mrr_10: reciprocal_rank(ranking, 10),
    }
}

/// Normalised discounted cumulative gain (Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR
/// techniques", TOIS 2002) with the grade as gain and the discount log2(rank + 1), divided by that of the best order.
fn ndcg(ranking: &[f64], judged: &[f64], depth: usize) -> f64 {
    let mut ideal = judged.to_vec();
    ideal.sort_by(|a, b| b.total_cmp(a));
    let best = gain(&ideal, depth);
    if best > 0.0 { gain(ranking, depth) / best } else { 0.0 }
}

fn gain(grades: &[f64], depth: usize) -> f64 {
    grades.iter().take(depth).zip(2_u32..).map(|(grade, next)| grade.max(0.0) / f64::from(next).log2()).sum()
}

/// The share of the relevant documents that stand among the first `depth` (Manning, Raghavan, Schütze,
/// "Introduction to Information Retrieval", 2008, chapter 8). Relevant is a grade above 0.
fn recall(ranking: &[f64], judged: &[f64], depth: usize) -> f64 {
    let relevant = count(judged);
    if relevant == 0 { 0.0 } else { count(&ranking[..depth.min(ranking.len())]) as f64 / relevant as f64 }
}

fn count(grades: &[f64]) -> usize {
    grades.iter().filter(|grade| **grade > 0.0).count()
}

/// One over the rank of the first relevant document, 0 where none is among the first `depth` (Voorhees, "The
/// TREC-8 Question Answering Track Report", 1999).
fn reciprocal_rank(ranking: &[f64], depth: usize) -> f64 {
    let first = ranking.iter().take(depth).position(|grade| *grade > 0.0);
    first.map_or(0.0, |index| 1.0 / (index + 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(left: f64, right: f64) {
        assert!((left - right).abs() < 1e-9, "{left} is not {right}");
    }

    #[test]
    fn gain_is_discounted_by_the_logarithm_of_the_rank() {
        // 3 / log2(2) + 2 / log2(3) + 0 + 1 / log2(5) = 3 + 1.261859507 + 0.430676558; the best order is 3 2 1.
        near(
            ndcg(&[3.0, 2.0, 0.0, 1.0], &[1.0, 2.0, 3.0], 10),
            (3.0 + 1.261_859_507_142_915 + 0.430_676_558_073_393) / (3.0 + 1.261_859_507_142_915 + 1.0 / 2.0),
        );
    }

    #[test]
    fn the_best_order_has_gain_one() {
        near(ndcg(&[2.0, 1.0], &[1.0, 2.0], 10), 1.0);
        near(ndcg(&[1.0, 2.0], &[1.0, 2.0], 10), (1.0 + 2.0 / 3.0_f64.log2()) / (2.0 + 1.0 / 3.0_f64.log2()));
    }

    #[test]
    fn what_stands_below_the_depth_does_not_count() {
        let mut ranking = vec![0.0; 10];
        ranking.push(1.0);
        let found = measures(&ranking, &[1.0, 1.0]);
        assert_eq!((found.ndcg_10, found.recall_10, found.mrr_10), (0.0, 0.0, 0.0));
        near(found.recall_100, 0.5);
    }

    #[test]
    fn the_ideal_is_cut_at_the_depth_too() {
        near(ndcg(&[1.0; 10], &[1.0; 30], 10), 1.0);
    }

    #[test]
    fn the_first_relevant_document_gives_the_reciprocal_rank() {
        near(reciprocal_rank(&[0.0, 0.0, 2.0, 1.0], 10), 1.0 / 3.0);
    }

    #[test]
    fn grades_below_zero_are_worth_nothing() {
        let found = measures(&[-2.0, 1.0], &[-2.0, 1.0]);
        near(found.ndcg_10, 1.0 / 3.0_f64.log2());
        near(found.mrr_10, 0.5);
    }

    #[test]
    fn nothing_judged_or_nothing_found_is_zero() {
        assert_eq!(measures(&[], &[1.0]), Measures::default());
        assert_eq!(measures(&[0.0], &[0.0]), Measures::default());
    }
}
