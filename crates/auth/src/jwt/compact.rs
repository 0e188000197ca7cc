//! The compact form of a signed token (RFC 7515, section 7.1): three parts in base 64, with dots between.
//!
//! Keeps true: nothing here says that a token is right. Keys and addresses of keys in its header are not read.

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde_json::Value;

/// Longer tokens are not read. Providers that put groups into their tokens reach a few thousand characters.
const CHARACTERS_MAX: usize = 16 * 1024;

#[derive(Debug, Deserialize)]
pub struct Header {
    pub alg: String,
    #[serde(default)]
    pub kid: Option<String>,
    #[serde(default)]
    pub typ: Option<String>,
    #[serde(default)]
    crit: Option<Value>,
}

/// A token's parts, not verified.
#[derive(Debug)]
pub struct Compact<'a> {
    pub header: Header,
    /// What was signed: the first two parts as they came.
    pub signed: &'a [u8],
    pub payload: Vec<u8>,
    pub signature: Vec<u8>,
}

impl<'a> Compact<'a> {
    /// The parts of a token. None where it has not the form, or has critical extensions (RFC 7515, section 4.1.11: who
    /// does not know one must refuse; we know none).
    pub fn read(token: &'a str) -> Option<Self> {
        if token.len() > CHARACTERS_MAX {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
        if header.crit.is_some() {
            return None;
        }
        Some(Self {
            header,
            signed: signed.as_bytes(),
            payload: decode(payload)?,
            signature: decode(signature)?,
        })
    }
}

/// Base 64 for URLs, without padding and without spare bits, so that one token has one form. A dot is no digit of it,
/// which refuses a fourth part.
fn decode(part: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(part.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(header: &str) -> String {
        format!("{}.e30.AA", BASE64URL_NOPAD.encode(header.as_bytes()))
    }

    #[test]
    fn three_parts_are_read() {
        let text = token(r#"{"alg":"EdDSA","kid":"k","jwk":{"kty":"oct"}}"#);
        let read = Compact::read(&text).unwrap();
        assert_eq!((read.header.alg.as_str(), read.header.kid.as_deref()), ("EdDSA", Some("k")));
        assert_eq!((read.payload.as_slice(), read.signature.as_slice()), (&b"{}"[..], &[0][..]));
    }

    #[test]
    fn other_forms_are_not() {
        let whole = token(r#"{"alg":"EdDSA"}"#);
        for form in [
            "",
            ".",
            "..",
            "a.b",
            "....",
            &format!("{whole}.AA"),
            &format!("{whole}="),
            &format!("{whole} "),
            &format!(" {whole}"),
        ] {
            assert!(Compact::read(form).is_none(), "{form}");
        }
        assert!(Compact::read(&token(r"{}")).is_none());
        assert!(Compact::read(&token(r#"{"alg":1}"#)).is_none());
    }

    #[test]
    fn a_signature_has_one_spelling() {
        let text = token(r#"{"alg":"EdDSA"}"#);
        assert!(Compact::read(&text).is_some());
        assert!(Compact::read(&text.replace(".AA", ".AB")).is_none());
    }

    #[test]
    fn a_member_twice_is_refused() {
        assert!(Compact::read(&token(r#"{"alg":"EdDSA","alg":"none"}"#)).is_none());
    }

    #[test]
    fn critical_extensions_are_refused() {
        assert!(Compact::read(&token(r#"{"alg":"EdDSA","crit":["b64"],"b64":false}"#)).is_none());
    }

    #[test]
    fn long_tokens_are_not_read() {
        let text = token(r#"{"alg":"EdDSA"}"#);
        assert!(Compact::read(&format!("{text}{}", "A".repeat(CHARACTERS_MAX))).is_none());
    }

    proptest! {
        #[test]
        fn any_text_gets_an_answer(text in "[A-Za-z0-9._-]{0,200}") {
            let _ = Compact::read(&text);
        }

        #[test]
        fn any_header_gets_an_answer(header in "\\PC{0,100}") {
            let _ = Compact::read(&token(&header));
        }
    }
}
