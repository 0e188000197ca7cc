//! Bytes that are written in base 64 for URLs, without padding: the form of WebAuthn's JSON, and of what we store as JSON.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The bytes themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Base64(pub Vec<u8>);

impl fmt::Display for Base64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64URL_NOPAD.decode(text.as_bytes()).map(Self).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_from_their_text() {
        let text = serde_json::to_string(&Base64(vec![0xfb, 0xff])).unwrap();
        assert_eq!(text, "\"-_8\"");
        assert_eq!(serde_json::from_str::<Base64>(&text).unwrap(), Base64(vec![0xfb, 0xff]));
    }

    #[test]
    fn other_alphabets_padding_and_spare_bits_are_refused() {
        for text in ["\"+/8\"", "\"-_8=\"", "\"-_9\"", "\" -_8\"", "7", "null"] {
            assert!(serde_json::from_str::<Base64>(text).is_err(), "{text}");
        }
    }
}
