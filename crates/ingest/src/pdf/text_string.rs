//! Text strings outside of content streams: titles, names, replacement texts (ISO 32000-1, 7.9.2.2).

/// UTF-16 or UTF-8 with their marks, else PDFDocEncoding. Language escapes are dropped.
pub fn decode(bytes: &[u8]) -> String {
    let text = match bytes {
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => match std::str::from_utf8(bytes) {
            // Many writers store UTF-8 without its mark; a text of two such letters is no accident.
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().map(|byte| document_letter(*byte)).collect(),
        },
    };
    without_escapes(&text)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// `ESC language ESC` marks the language of what follows.
fn without_escapes(text: &str) -> String {
    text.split('\u{1B}').step_by(2).collect::<String>().replace('\0', "")
}

/// PDFDocEncoding (annex D.2), which is Latin-1 except for these.
const fn document_letter(byte: u8) -> char {
    const FROM_80: [char; 33] = [
        '•', '†', '‡', '…', '—', '–', 'ƒ', '⁄', '‹', '›', '−', '‰', '„', '“', '”', '‘', '’', '‚', '™', 'ﬁ',
        'ﬂ', 'Ł', 'Œ', 'Š', 'Ÿ', 'Ž', 'ı', 'ł', 'œ', 'š', 'ž', '\u{FFFD}', '€',
    ];
    const FROM_18: [char; 8] = ['˘', 'ˇ', 'ˆ', '˙', '˝', '˛', '˚', '˜'];
    match byte {
        0x18..=0x1F => FROM_18[byte as usize - 0x18],
        0x80..=0xA0 => FROM_80[byte as usize - 0x80],
        _ => byte as char,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_encoding_is_known_by_its_mark() {
        assert_eq!(decode(b"\xFE\xFF\x00A\x20\xAC"), "A€");
        assert_eq!(decode(b"\xFF\xFEA\x00"), "A");
        assert_eq!(decode(b"\xEF\xBB\xBFna\xC3\xAFve"), "naïve");
        assert_eq!(decode(b"caf\xE9 \x80"), "café •");
    }

    #[test]
    fn language_escapes_are_dropped() {
        assert_eq!(decode(b"\xFE\xFF\x00\x1B\x00e\x00n\x00\x1B\x00A"), "A");
    }
}
