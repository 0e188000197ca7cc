//! A 64-bit signature by which nearly equal texts are recognised.
//!
//! SimHash (Charikar, "Similarity estimation techniques from rounding algorithms", STOC 2002) over shingles of three
//! words: texts that share most shingles differ in few bits. Manku et al. (WWW 2007) found at most 3 differing bits a
//! good bound for near-duplicate pages.

/// The signature of a text. Letter case, punctuation and spacing do not matter; a text without words has 0.
#[must_use]
pub fn text_signature(text: &str) -> u64 {
    const SHINGLE_WORDS: usize = 3;
    let hashes: Vec<u64> = words(text).map(|word| hash_of(&word)).collect();
    let mut balance = [0i32; 64];
    for shingle in hashes.windows(SHINGLE_WORDS.min(hashes.len().max(1))) {
        let hash = shingle.iter().fold(0u64, |sum, word| mix(sum.rotate_left(21) ^ word));
        for (bit, weight) in balance.iter_mut().enumerate() {
            *weight = weight.saturating_add(if hash >> bit & 1 == 1 { 1 } else { -1 });
        }
    }
    (0..64).filter(|bit| balance[*bit] > 0).fold(0, |signature, bit| signature | 1 << bit)
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// FNV-1a, which never changes between versions of a compiler or library, since signatures are stored.
fn hash_of(word: &str) -> u64 {
    word.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The finalizer of SplitMix64: every input bit reaches every output bit.
const fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(from: usize) -> String {
        (from..from + 300).map(|n| format!("word{} ", n * 7919 % 1000)).collect()
    }

    #[test]
    fn nearly_equal_texts_differ_in_few_bits() {
        let text = sample(0);
        let edited = text.replacen("word0", "other", 1);
        assert!((text_signature(&text) ^ text_signature(&edited)).count_ones() <= 6);
        assert_eq!(text_signature("The Cat, sat."), text_signature("the cat sat"));
    }

    #[test]
    fn different_texts_differ_in_many() {
        assert!((text_signature(&sample(0)) ^ text_signature(&sample(500))).count_ones() > 12);
        assert_eq!(text_signature(" - "), 0);
    }

    #[test]
    fn the_signature_is_stable() {
        assert_eq!(text_signature("one two three four"), 3_207_266_652_468_281_858);
    }
}
