//! What a series is of: a metric's name and all its labels.

use std::fmt;

/// Ordered by name first, so that the series of one metric lie together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub name: String,
    pub labels: Vec<(String, String)>,
}

impl Key {
    #[must_use]
    pub fn new(name: &str, labels: &[(&str, &str)]) -> Self {
        let labels = labels.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
        Self { name: name.to_owned(), labels }
    }

    /// The value of a label; empty where the series has no such label.
    #[must_use]
    pub fn label(&self, label: &str) -> &str {
        self.labels.iter().find(|(name, _)| name == label).map_or("", |(_, value)| value)
    }

    /// Name, labels and values, each ended by a byte that none of them holds.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let pairs = self.labels.iter().flat_map(|(label, value)| [label, value]);
        for part in std::iter::once(&self.name).chain(pairs) {
            bytes.extend(part.bytes().filter(|byte| *byte != 0));
            bytes.push(0);
        }
        bytes
    }

    /// `None` for bytes that are not a key.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes.strip_suffix(&[0])?).ok()?;
        let mut parts = text.split('\0').map(ToOwned::to_owned);
        let name = parts.next()?;
        let mut labels = Vec::new();
        while let Some(label) = parts.next() {
            labels.push((label, parts.next()?));
        }
        Some(Self { name, labels })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (at, (label, value)) in self.labels.iter().enumerate() {
            let opening = if at == 0 { '{' } else { ',' };
            write!(f, "{opening}{label}={value:?}")?;
        }
        if self.labels.is_empty() { Ok(()) } else { f.write_str("}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_from_its_bytes() {
        for key in [Key::new("a", &[]), Key::new("a", &[("b", ""), ("c", "d e")])] {
            assert_eq!(Key::from_bytes(&key.to_bytes()), Some(key));
        }
        assert_eq!(Key::from_bytes(b"a\0b\0"), None);
        assert_eq!(Key::from_bytes(b"a"), None);
    }

    #[test]
    fn a_key_reads_as_prometheus_writes_it() {
        assert_eq!(Key::new("a", &[("b", "c"), ("d", "e")]).to_string(), r#"a{b="c",d="e"}"#);
        assert_eq!(Key::new("a", &[]).to_string(), "a");
    }
}
