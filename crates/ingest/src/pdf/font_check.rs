//! Whether a font may be loaded: hayro-font makes an entry for each code that a range of widths names, and ranges of
//! damaged or hostile files name billions (found by mutating files: 27 s and gigabytes for a page of 58 KB).

use hayro_font::hayro_syntax::object::dict::keys::{DESCENDANT_FONTS, FIRST_CHAR, W, W2};
use hayro_font::hayro_syntax::object::{Array, Dict, Object};

/// Codes have two bytes in practice, so honest fonts name each at most a few times.
const CODES_MAX: f64 = 1_000_000.0;

pub fn is_bounded(font: &Dict<'_>) -> bool {
    let descendant =
        font.get::<Array<'_>>(DESCENDANT_FONTS).and_then(|fonts| fonts.iter::<Dict<'_>>().next());
    let codes = descendant.map_or(0.0, |dict| codes_in(&dict, W, 3) + codes_in(&dict, W2, 5));
    let first = font.get::<Object<'_>>(FIRST_CHAR).and_then(Object::into_number);
    codes <= CODES_MAX && first.is_none_or(|first| first.as_f64() <= CODES_MAX)
}

/// How many codes the ranges of `key` name. A range is `first last` and what is said of it, `numbers` in all; an array
/// names single codes.
fn codes_in(font: &Dict<'_>, key: &[u8], numbers: usize) -> f64 {
    let mut codes = 0.0;
    let mut range: Vec<f64> = Vec::with_capacity(numbers);
    for item in font.get::<Array<'_>>(key).unwrap_or_default().iter::<Object<'_>>() {
        match item {
            Object::Number(number) => range.push(number.as_f64()),
            _ => range.clear(),
        }
        if let [first, last, ..] = range[..]
            && range.len() == numbers
        {
            codes += (last - first).max(0.0);
            range.clear();
        }
    }
    codes
}

#[cfg(test)]
mod tests {
    use hayro_font::hayro_syntax::object::FromBytes;

    use super::*;

    fn check(font: &str) -> bool {
        is_bounded(&Dict::from_bytes(font.as_bytes()).unwrap())
    }

    #[test]
    fn ranges_of_widths_are_bounded() {
        assert!(check("<< /DescendantFonts [<< /W [1 [500 600] 3 200 500 201 [400]] >>] /FirstChar 32 >>"));
        assert!(!check("<< /DescendantFonts [<< /W [1 [500 600] 3 4000000000 500] >>] >>"));
        assert!(!check("<< /DescendantFonts [<< /W2 [0 4000000000 1 2 3] >>] >>"));
        assert!(!check("<< /FirstChar 4000000000 >>"));
    }
}
