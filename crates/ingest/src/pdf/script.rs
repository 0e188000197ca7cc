//! What kind of writing a letter belongs to, as far as it decides about spaces and order.

/// Hebrew, Arabic and their relatives (the blocks that Unicode gives the classes R and AL).
pub const fn is_right_to_left_letter(c: char) -> bool {
    matches!(c, '\u{0590}'..='\u{08FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFE}' | '\u{10800}'..='\u{10FFF}')
}

pub fn is_right_to_left(text: &str) -> bool {
    text.chars().any(is_right_to_left_letter)
}

/// Chinese and Japanese, which put no spaces between words.
pub const fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{2E80}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{FF61}'..='\u{FF9F}' | '\u{20000}'..='\u{3FFFF}')
}
