//! The end of a certificate, read from its DER (X.690) by the shape of X.509 (RFC 5280, section 4.1).
//!
//! Keeps true: reads within the bytes that it was given, whatever they say of their lengths.

use ibid_types::Timestamp;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
/// The version, `[0] EXPLICIT`, left out by certificates of version 1.
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// When the certificate ends; nothing where the bytes are none.
pub fn not_after(certificate: &[u8]) -> Option<Timestamp> {
    let mut outer = Elements(certificate);
    let mut signed = Elements(Elements(outer.next_of(SEQUENCE)?).next_of(SEQUENCE)?);
    let mut first = signed.next()?;
    if first.0 == VERSION {
        first = signed.next()?;
    }
    if first.0 != INTEGER {
        return None;
    }
    let _algorithm = signed.next_of(SEQUENCE)?;
    let _issuer = signed.next_of(SEQUENCE)?;
    let mut validity = Elements(signed.next_of(SEQUENCE)?);
    let _not_before = validity.next()?;
    let (kind, text) = validity.next()?;
    time(kind, std::str::from_utf8(text).ok()?)
}

/// `YYMMDDHHMMSSZ`, of 1950 to 2049, or `YYYYMMDDHHMMSSZ`.
fn time(kind: u8, text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix('Z').filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    let text = match (kind, text.len()) {
        (UTC_TIME, 12) if text < "50" => format!("20{text}"),
        (UTC_TIME, 12) => format!("19{text}"),
        (GENERALIZED_TIME, 14) => text.to_owned(),
        _ => return None,
    };
    let part = |from: usize, to: usize| &text[from..to];
    format!("{}-{}-{}T{}:{}:{}Z", part(0, 4), part(4, 6), part(6, 8), part(8, 10), part(10, 12), part(12, 14))
        .parse()
        .ok()
}

/// Elements one after the other: each a tag, a length and so many bytes.
struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, rest) = self.0.split_first()?;
        let (length, rest) = length(rest)?;
        let content = rest.get(..length)?;
        self.0 = &rest[length..];
        Some((*tag, content))
    }

    fn next_of(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }
}

/// The short form below 128; else the number of the bytes that hold it, here four at most.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    if *first < 0x80 {
        return Some((usize::from(*first), rest));
    }
    let count = usize::from(first & 0x7f);
    let digits = rest.get(..count).filter(|_| (1..=4).contains(&count))?;
    let value = digits.iter().fold(0, |value: usize, digit| value << 8 | usize::from(*digit));
    Some((value, &rest[count..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len();
        let mut bytes = vec![tag];
        if length < 128 {
            bytes.push(u8::try_from(length).unwrap());
        } else {
            bytes.extend([0x82, u8::try_from(length >> 8).unwrap(), u8::try_from(length & 255).unwrap()]);
        }
        bytes.extend(content);
        bytes
    }

    /// The head of a certificate that ends at this time, with `filler` bytes as its issuer.
    fn certificate(version: bool, kind: u8, time: &str, filler: usize) -> Vec<u8> {
        let version = if version { element(VERSION, &element(INTEGER, &[2])) } else { Vec::new() };
        let validity = [element(UTC_TIME, b"200101000000Z"), element(kind, time.as_bytes())].concat();
        let parts = [
            version,
            element(INTEGER, &[7]),
            element(SEQUENCE, &[]),
            element(SEQUENCE, &vec![0; filler]),
            element(SEQUENCE, &validity),
        ];
        element(SEQUENCE, &element(SEQUENCE, &parts.concat()))
    }

    fn end(certificate: &[u8]) -> Option<String> {
        not_after(certificate).map(|end| end.to_string())
    }

    #[test]
    fn both_ways_to_write_a_time_are_read() {
        let read = |kind, time: &str| end(&certificate(true, kind, time, 300)).unwrap_or_default();
        assert!(read(UTC_TIME, "261121143005Z").starts_with("2026-11-21T14:30:05"));
        assert!(read(UTC_TIME, "991231235959Z").starts_with("1999-12-31"));
        assert!(read(GENERALIZED_TIME, "20510101000000Z").starts_with("2051-01-01"));
        assert!(end(&certificate(false, UTC_TIME, "261121143005Z", 3)).is_some());
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        for (kind, time) in [(UTC_TIME, "26112114300Z"), (GENERALIZED_TIME, "x"), (INTEGER, "261121143005Z")]
        {
            assert_eq!(end(&certificate(true, kind, time, 3)), None, "{time}");
        }
        let whole = certificate(true, UTC_TIME, "261121143005Z", 300);
        assert!((0..whole.len()).all(|length| not_after(&whole[..length]).is_none()));
        for place in 0..whole.len() {
            for value in [0, 0x7f, 0x80, 0x84, 0xff] {
                let mut bent = whole.clone();
                bent[place] = value;
                let _ = not_after(&bent);
            }
        }
    }
}
