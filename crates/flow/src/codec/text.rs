//! Sealed texts in columns: what people and answers say, under the same keys as checkpoints.
//!
//! Keeps true: without keys a text is stored as it is; a text that looks sealed by itself comes back as it went.
//!
//! A sealed text is a mark that no one types and a body in base64, which is packed as one of a checkpoint is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ibid_store::Sealer;
use ibid_types::Result;

use super::{Codec, damaged, pack};

const MARK: char = '\u{1}';

impl Sealer for Codec {
    fn is_sealing(&self) -> bool {
        self.keys.is_sealing()
    }

    fn seal_text(&self, place: &[u8], text: &str) -> Result<String> {
        if self.is_sealing() || text.starts_with(MARK) {
            return Ok(marked(&self.seal(place, text.as_bytes())?));
        }
        Ok(text.to_owned())
    }

    fn open_text(&self, place: &[u8], stored: &str) -> Result<String> {
        let Some(body) = body_of(stored)? else { return Ok(stored.to_owned()) };
        let text = pack::inflate(&self.keys.open(place, &body)?)?;
        String::from_utf8(text).map_err(|error| damaged("a sealed text is no text").caused_by(error))
    }

    fn reseal_text(&self, place: &[u8], stored: &str) -> Result<Option<String>> {
        match body_of(stored)? {
            Some(body) => Ok(self.repack(place, &body)?.map(|body| marked(&body))),
            None if self.is_sealing() => self.seal_text(place, stored).map(Some),
            None => Ok(None),
        }
    }
}

fn marked(body: &[u8]) -> String {
    let mut text = String::from(MARK);
    STANDARD_NO_PAD.encode_string(body, &mut text);
    text
}

/// The body of a text that is sealed.
fn body_of(stored: &str) -> Result<Option<Vec<u8>>> {
    let Some(encoded) = stored.strip_prefix(MARK) else { return Ok(None) };
    let body = STANDARD_NO_PAD.decode(encoded);
    body.map(Some).map_err(|error| damaged("a sealed text cannot be read").caused_by(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CheckpointKey;

    fn codec(ids: &[u8]) -> Codec {
        let keys: Vec<_> = ids.iter().map(|id| CheckpointKey { id: *id, bytes: [*id; 32] }).collect();
        Codec::new(&keys)
    }

    const TEXT: &str = "Who pays for the drill?";

    #[test]
    fn without_a_key_texts_stay_as_they_are() {
        assert_eq!(codec(&[]).seal_text(b"here", TEXT).unwrap(), TEXT);
        assert_eq!(codec(&[]).reseal_text(b"here", TEXT).unwrap(), None);
    }

    #[test]
    fn sealed_texts_come_back_at_their_place_only() {
        let sealed = codec(&[1]).seal_text(b"here", TEXT).unwrap();
        assert!(!sealed.contains("drill"));
        assert_eq!(codec(&[2, 1]).open_text(b"here", &sealed).unwrap(), TEXT);
        assert!(codec(&[1]).open_text(b"there", &sealed).is_err());
        for keys in [[].as_slice(), &[2]] {
            assert_eq!(codec(keys).open_text(b"here", &sealed).unwrap_err().code, "checkpoint_key_missing");
        }
    }

    #[test]
    fn a_text_that_looks_sealed_comes_back() {
        for text in ["\u{1}", "\u{1}abc", "\u{1}\u{1}", "\u{1}ä"] {
            for codec in [codec(&[]), codec(&[1])] {
                assert_eq!(codec.open_text(b"", &codec.seal_text(b"", text).unwrap()).unwrap(), text);
            }
        }
    }

    #[test]
    fn open_and_older_texts_come_under_the_first_key() {
        let both = codec(&[2, 1]);
        for old in [TEXT.to_owned(), codec(&[1]).seal_text(b"here", TEXT).unwrap()] {
            let renewed = both.reseal_text(b"here", &old).unwrap().unwrap();
            assert_eq!(codec(&[2]).open_text(b"here", &renewed).unwrap(), TEXT);
            assert_eq!(both.reseal_text(b"here", &renewed).unwrap(), None);
        }
    }

    #[test]
    fn what_was_spoiled_is_told() {
        for spoiled in ["\u{1}", "\u{1}?", "\u{1}AAAA"] {
            assert_eq!(
                codec(&[1]).open_text(b"", spoiled).unwrap_err().code,
                "checkpoint_damaged",
                "{spoiled:?}"
            );
        }
    }
}
