//! Tokens of a text without the model's tokenizer, rather too many than too few.
//!
//! Byte-pair and word-piece vocabularies cut English words into pieces of four to five letters on average; three
//! letters a token, each digit and each sign for itself, and each letter of other scripts as one or two are more
//! than what the usual tokenizers give for prose.

/// The estimate for a text.
pub fn tokens(text: &str) -> usize {
    let mut counter = Counter::default();
    text.chars().for_each(|c| counter.push(c));
    counter.tokens
}

/// The longest beginning that is estimated at `tokens_max` or less.
pub fn clipped(text: &str, tokens_max: usize) -> &str {
    let mut counter = Counter::default();
    for (at, c) in text.char_indices() {
        counter.push(c);
        if counter.tokens > tokens_max {
            return &text[..at];
        }
    }
    text
}

#[derive(Default)]
struct Counter {
    tokens: usize,
    /// Letters of the current piece, 0 to 2.
    letters: usize,
}

impl Counter {
    fn push(&mut self, c: char) {
        if c.is_ascii_alphabetic() {
            self.tokens += usize::from(self.letters == 0);
            self.letters = (self.letters + 1) % 3;
            return;
        }
        self.letters = 0;
        self.tokens += match c {
            ' ' => 0,
            _ if c.is_ascii() => 1,
            '\u{80}'..='\u{7ff}' => 1,
            _ => 2,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_digits_and_signs_count() {
        assert_eq!(tokens(""), 0);
        assert_eq!(tokens("a cat"), 2);
        assert_eq!(tokens("embedding"), 3);
        assert_eq!(tokens("in 2024,"), 6);
        assert_eq!(tokens("日本"), 4);
    }

    #[test]
    fn a_clipped_text_is_a_beginning_within_the_limit() {
        for limit in 0..20 {
            let text = "größe 日本 count 12 a";
            let kept = clipped(text, limit);
            assert!(text.starts_with(kept) && tokens(kept) <= limit);
        }
        assert_eq!(clipped("a cat", 9), "a cat");
        assert_eq!(clipped("a cat sat", 2), "a cat ");
    }
}
