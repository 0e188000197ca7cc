//! CBOR of authenticators, read strictly: bounded depth, no member twice.

use ciborium::Value;

/// Attestation objects nest three deep, keys one.
const DEPTH_MAX: usize = 6;

/// Reads one value from the beginning and moves past it.
pub fn read_one(bytes: &mut &[u8]) -> Option<Value> {
    ciborium::de::from_reader_with_recursion_limit(bytes, DEPTH_MAX).ok()
}

/// Reads a value that is all there is.
pub fn read_whole(mut bytes: &[u8]) -> Option<Value> {
    let value = read_one(&mut bytes)?;
    bytes.is_empty().then_some(value)
}

/// The members of a map in which no key stands twice.
pub struct Members(Vec<(Value, Value)>);

impl Members {
    pub fn of(value: Value) -> Option<Self> {
        let Value::Map(members) = value else { return None };
        let is_twice = |at: usize, key: &Value| members.iter().skip(at + 1).any(|(other, _)| other == key);
        let has_twice =
            members.len() > MEMBERS_MAX || members.iter().enumerate().any(|(at, (key, _))| is_twice(at, key));
        (!has_twice).then_some(Self(members))
    }

    pub fn find_text(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| name.as_text() == Some(key)).map(|(_, value)| value)
    }

    /// The member under an integer key, as COSE has them.
    pub fn find(&self, key: i64) -> Option<&Value> {
        self.0.iter().find(|(name, _)| integer(name) == Some(key)).map(|(_, value)| value)
    }

    pub fn bytes(&self, key: i64) -> Option<&[u8]> {
        self.find(key)?.as_bytes().map(Vec::as_slice)
    }

    pub fn integer(&self, key: i64) -> Option<i64> {
        integer(self.find(key)?)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// More than any key or statement has; keeps the search for repeated keys short.
const MEMBERS_MAX: usize = 32;

pub fn integer(value: &Value) -> Option<i64> {
    i64::try_from(i128::from(value.as_integer()?)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_value_ends_where_the_next_begins() {
        let mut bytes: &[u8] = &[0xa1, 0x01, 0x02, 0x41, 0xff, 0x07];
        assert!(read_one(&mut bytes).is_some());
        assert_eq!(read_one(&mut bytes), Some(Value::Bytes(vec![0xff])));
        assert_eq!(bytes, [7]);
    }

    #[test]
    fn what_follows_a_whole_value_is_refused() {
        assert!(read_whole(&[0x01]).is_some());
        assert!(read_whole(&[0x01, 0x01]).is_none());
        assert!(read_whole(&[]).is_none());
    }

    #[test]
    fn lengths_that_lie_ask_for_no_memory() {
        for head in [0x5b, 0x7b, 0x9b, 0xbb] {
            assert!(read_whole(&[head, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).is_none());
        }
    }

    #[test]
    fn depth_is_bounded() {
        assert!(read_whole(&[0x81; 100_000]).is_none());
        assert!(read_whole(&[0xc1; 100_000]).is_none());
        assert!(read_whole(&[0x9f; 100_000]).is_none());
    }

    #[test]
    fn a_member_twice_is_refused() {
        assert!(Members::of(read_whole(&[0xa2, 0x01, 0x02, 0x01, 0x03]).unwrap()).is_none());
        assert!(Members::of(read_whole(&[0xa2, 0x01, 0x02, 0x02, 0x03]).unwrap()).is_some());
    }

    proptest! {
        #[test]
        fn any_bytes_get_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_whole(&bytes).and_then(Members::of);
        }
    }
}
