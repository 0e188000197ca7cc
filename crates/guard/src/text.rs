//! Looking around a place in a text, by bytes, without leaving it.
//!
//! Keeps true: every slice given lies on character boundaries and is no longer than asked.

/// The last bytes before `at`, at most `bytes_max`.
pub fn before(text: &str, at: usize, bytes_max: usize) -> &str {
    let at = text.floor_char_boundary(at);
    let start = text.ceil_char_boundary(at.saturating_sub(bytes_max));
    text.get(start..at).unwrap_or_default()
}

/// The first bytes from `at`, at most `bytes_max`.
pub fn after(text: &str, at: usize, bytes_max: usize) -> &str {
    let at = text.ceil_char_boundary(at);
    let end = text.floor_char_boundary(at.saturating_add(bytes_max));
    text.get(at..end.max(at)).unwrap_or_default()
}

/// Whether the byte at `at` is a letter, a digit, `_`, or part of a longer character: what makes a word go on.
pub fn goes_on(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_some_and(|byte| is_word(*byte))
}

pub const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// Whether one of the words (lower case) stands in the text as a whole word or words. The text is read in lower case.
pub fn holds_word(text: &str, words: &[&str]) -> bool {
    let lower = text.to_lowercase();
    words.iter().any(|word| {
        lower.match_indices(word).any(|(at, _)| {
            let bytes = lower.as_bytes();
            let begins = at == 0 || !goes_on(bytes, at - 1);
            begins && !bytes.get(at + word.len()).is_some_and(u8::is_ascii_alphabetic)
        })
    })
}

/// Shannon entropy of the bytes, in bits a byte.
pub fn entropy_bits(text: &str) -> f32 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let all = text.len().max(1) as f32;
    let share = |count: &u32| *count as f32 / all;
    -counts.iter().filter(|count| **count > 0).map(|count| share(count) * share(count).log2()).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_stay_on_boundaries() {
        assert_eq!(before("aéb", 2, 9), "a");
        assert_eq!(before("aéb", 4, 2), "b");
        assert_eq!(after("aéb", 2, 9), "b");
        assert_eq!(after("aéb", 1, 1), "");
        assert_eq!((before("ab", 99, 1), after("ab", 99, 1)), ("b", ""));
    }

    #[test]
    fn words_are_whole() {
        assert!(holds_word("Your Tel. is", &["tel"]) && holds_word("BSN:", &["bsn"]));
        assert!(!holds_word("hotel", &["tel"]) && !holds_word("telly", &["tel"]));
    }

    #[test]
    fn entropy_is_that_of_the_bytes() {
        assert!(entropy_bits("aaaa").abs() < 1e-6 && (entropy_bits("abcd") - 2.0).abs() < 1e-6);
        assert!(entropy_bits("").abs() < 1e-6);
    }
}
