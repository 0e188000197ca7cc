//! Characters that steer what shows a text instead of being shown: a terminal, a line of a list, the order of letters.

use std::borrow::Cow;

/// Stands where a character was that nobody sees.
pub const REPLACEMENT: char = '\u{fffd}';

/// Whether the character turns the direction of what follows (Unicode UAX 9: embeddings, overrides, isolates), is a tag (U+E0000 to
/// U+E007F), which nobody sees, or ends a line without being a line feed.
#[must_use]
pub const fn is_turning(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}' | '\u{2028}' | '\u{2029}')
}

/// Whether a name, or a text of one line, may not have it.
#[must_use]
pub fn is_steering(c: char) -> bool {
    c.is_control() || is_turning(c)
}

/// A text of one line with [`REPLACEMENT`] for each character that steers.
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(is_steering) {
        Cow::Owned(text.replace(is_steering, REPLACEMENT.encode_utf8(&mut [0; 4])))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_is_shown() {
        assert_eq!(one_line("x\u{1b}]0;y\u{7}\nz"), "x\u{fffd}]0;y\u{fffd}\u{fffd}z");
        assert_eq!(one_line("a\u{202e}b\u{2066}c\u{e0041}d\u{9b}"), "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}");
    }

    #[test]
    fn letters_of_every_script_stay() {
        for text in ["Jürgen", "שלום\u{200f}", "e\u{301}", "👩\u{200d}🚀", "नमस्\u{200d}ते"]
        {
            assert_eq!(one_line(text), text);
        }
    }
}
