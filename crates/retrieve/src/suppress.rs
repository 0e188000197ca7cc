//! Near-duplicates: of passages that say the same, the best one is shown and names the others.

use crate::Fused;
use crate::vectors::dot;

/// Cosine from which two passages say the same. On ordinary prose distinct passages lie well below; copies with
/// another date or page number lie above.
const SAME: f32 = 0.98;

/// Goes through the candidates from the best down and keeps up to `limit` that differ; each kept one comes with the
/// slots that were left out for it.
pub fn distinct(
    candidates: &[Fused],
    limit: usize,
    vector: impl Fn(u32) -> Vec<f32>,
) -> Vec<(Fused, Vec<u32>)> {
    let mut kept: Vec<(Fused, Vec<u32>, Vec<f32>)> = Vec::with_capacity(limit);
    for candidate in candidates {
        let own = vector(candidate.slot);
        let same = kept.iter().position(|(_, _, other)| dot(&own, other) >= SAME);
        match same {
            Some(at) => kept[at].1.push(candidate.slot),
            None if kept.len() == limit => break,
            None => kept.push((*candidate, Vec::new(), own)),
        }
    }
    kept.into_iter().map(|(fused, duplicates, _)| (fused, duplicates)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuse;

    #[test]
    fn a_copy_is_named_and_left_out() {
        let candidates = fuse(&[(1, 0.0, 0.9), (2, 0.0, 0.8), (3, 0.0, 0.7)], 0.0);
        let vectors = [vec![1.0, 0.0], vec![0.999, 0.01], vec![0.0, 1.0]];
        let kept = distinct(&candidates, 5, |slot| vectors[slot as usize - 1].clone());
        let shown: Vec<_> = kept.iter().map(|(fused, left_out)| (fused.slot, left_out.clone())).collect();
        assert_eq!(shown, [(1, vec![2]), (3, vec![])]);
    }

    #[test]
    fn no_vector_is_like_no_other() {
        let candidates = fuse(&[(1, 2.0, 0.0), (2, 1.0, 0.0)], 1.0);
        assert_eq!(distinct(&candidates, 5, |_| Vec::new()).len(), 2);
    }
}
