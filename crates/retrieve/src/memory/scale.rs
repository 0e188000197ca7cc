//! One list of passages and memories.
//!
//! Each list's scores are scaled by the best of its own search, so the best of a list has about 1 even where nothing in
//! it is near. Cosines of one embedder mean the same in both, so the part by meaning of the list with the lower best is
//! scaled down to the common best. BM25 does not compare across collections and stays: its weight is the small one.

use ibid_types::search::{Hit, Part};

use super::Remembered;

/// Makes the scores of both lists comparable. The parts of each hit still add up to its score, and each list keeps
/// its order as far as meaning gave it; sort by score after.
pub fn share_scale(hits: &mut [Hit], remembered: &mut [Remembered]) {
    let of_hits = hits.iter().filter_map(|hit| best(hit.why.dense.as_ref())).fold(0.0, f32::max);
    let parts = remembered.iter().map(|one| &one.why.meaning);
    let of_remembered = parts.filter_map(|part| best(part.as_ref())).fold(0.0, f32::max);
    let common = of_hits.max(of_remembered);
    if of_hits <= 0.0 || of_remembered <= 0.0 {
        return;
    }
    for hit in hits {
        hit.score -= scale(&mut hit.why.dense, of_hits / common);
    }
    for one in remembered {
        let around = scale(&mut one.why.meaning_around, of_remembered / common);
        one.score -= around + scale(&mut one.why.meaning, of_remembered / common);
    }
}

/// The best cosine of the part's search plus one, as its scaling tells.
fn best(part: Option<&Part>) -> Option<f32> {
    part.filter(|part| part.normalised > 0.0).map(|part| (part.score + 1.0) / part.normalised)
}

/// Scales the part's value and gives what its hit loses by it.
fn scale(part: &mut Option<Part>, factor: f32) -> f32 {
    let Some(part) = part else { return 0.0 };
    let before = part.normalised;
    part.normalised *= factor;
    part.weight * (before - part.normalised)
}
