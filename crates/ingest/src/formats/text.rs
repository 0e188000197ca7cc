//! Plain text: bytes of any encoding to a string, which is kept as it is; form feeds part pages, and headings, list
//! items and paragraphs are recognised as reStructuredText, AsciiDoc and plain habit write them.

use std::borrow::Cow;

mod layout;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use ibid_types::parsed::{Block, BlockKind, Parsed};

use crate::builder::{Builder, verbatim};
use crate::parse::Limits;

pub fn parse(text: &str, limits: &Limits) -> Parsed {
    let mut out = Builder::new(limits);
    let (metadata, body) = super::front_matter::split(text);
    *out.metadata() = metadata;
    let pages: Vec<&str> = body.split('\u{0C}').collect();
    let mut underlines = layout::Underlines::default();
    for (number, page) in (1..).zip(&pages) {
        if pages.len() > 1 {
            out.page(number, None);
        }
        let clean = verbatim(page);
        let clean = clean.trim_end().trim_start_matches('\n');
        if !clean.is_empty() {
            let blocks = layout::blocks(clean, &mut underlines);
            name(&mut out, clean, &blocks);
            out.verbatim(clean, blocks);
        }
        if out.is_full() {
            break;
        }
    }
    out.finish()
}

/// A heading at the head of a text is its title.
fn name(out: &mut Builder, page: &str, blocks: &[Block]) {
    let Some(first) = blocks.first().filter(|block| matches!(block.kind, BlockKind::Heading { .. })) else {
        return;
    };
    if out.is_empty() && out.metadata().title.is_none() {
        let title = page[first.start..first.end].trim_start_matches(['=', '#', ' ']).to_owned();
        out.metadata().title = Some(title);
    }
}

/// The text of `bytes`: by their byte order mark, else as UTF-8, else as UTF-16 if every other byte is NUL, else
/// in the encoding that its letters suggest. What cannot be decoded becomes U+FFFD.
#[must_use]
pub fn decode(bytes: &[u8]) -> String {
    decode_as(bytes, None)
}

/// As `decode`, where the file names its encoding (`<meta charset>`), which counts after the byte order mark.
#[must_use]
pub fn decode_as(bytes: &[u8], label: Option<&str>) -> String {
    if let Some((encoding, mark_bytes)) = Encoding::for_bom(bytes) {
        return decoded(encoding, &bytes[mark_bytes..]);
    }
    if is_utf8(bytes) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let named =
        label.and_then(|label| Encoding::for_label(label.as_bytes())).filter(|encoding| *encoding != UTF_8);
    decoded(named.unwrap_or_else(|| guess(bytes)), bytes)
}

/// Whether the bytes are UTF-16, by mark or because NULs stand in one half of the byte pairs only.
#[must_use]
pub fn is_utf16(bytes: &[u8]) -> bool {
    let marked = Encoding::for_bom(bytes).is_some_and(|(encoding, _)| encoding != UTF_8);
    marked || utf16_order(bytes).is_some()
}

fn decoded(encoding: &'static Encoding, bytes: &[u8]) -> String {
    match encoding.decode_without_bom_handling(bytes).0 {
        Cow::Borrowed(text) => text.to_owned(),
        Cow::Owned(text) => text,
    }
}

/// A sequence that the end of a sample cuts in two is still UTF-8.
fn is_utf8(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(_) => !bytes.contains(&0) || utf16_order(bytes).is_none(),
        Err(error) => error.error_len().is_none(),
    }
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    /// More bytes do not change the guess.
    const SAMPLE_BYTES: usize = 64 * 1024;
    if let Some(encoding) = utf16_order(bytes) {
        return encoding;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    let sample = &bytes[..bytes.len().min(SAMPLE_BYTES)];
    detector.feed(sample, sample.len() == bytes.len());
    detector.guess(None, Utf8Detection::Allow)
}

fn utf16_order(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(4096)];
    let nuls = |odd: usize| sample.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (high_first, low_first) = (nuls(0), nuls(1));
    let pairs = sample.len() / 2;
    if pairs < 2 || pairs * 2 < sample.len() - 1 {
        return None;
    }
    match (high_first, low_first) {
        (high, 0) if high * 2 > pairs => Some(UTF_16BE),
        (0, low) if low * 2 > pairs => Some(UTF_16LE),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_told_apart() {
        assert_eq!(decode("Größe".as_bytes()), "Größe");
        assert_eq!(decode(b"\xEF\xBB\xBFab"), "ab");
        assert_eq!(decode(b"\xFF\xFEa\0b\0"), "ab");
        assert_eq!(decode(b"a\0b\0c\0d\0"), "abcd");
        assert_eq!(
            decode(b"Stra\xDFe und Gr\xF6\xDFe, \xFCber M\xFCnchen"),
            "Straße und Größe, über München"
        );
    }

    #[test]
    fn a_named_encoding_is_believed_when_it_is_not_utf8() {
        assert_eq!(decode_as(b"\xCF\xF0\xE8\xE2\xE5\xF2", Some("windows-1251")), "Привет");
        assert_eq!(decode_as("Größe".as_bytes(), Some("iso-8859-1")), "Größe");
    }

    #[test]
    fn form_feeds_part_pages() {
        let parsed = parse("one\n\u{0C}two\n", &Limits::default());
        parsed.check().unwrap();
        assert_eq!(parsed.text, "one\n\ntwo");
        assert_eq!(parsed.pages[1].start, 5);
    }

    #[test]
    fn a_cut_sample_stays_utf8() {
        assert!(decode(&"aé".as_bytes()[..2]).starts_with('a'));
    }
}
