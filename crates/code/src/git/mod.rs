//! What is tracked in a git repository, read through the user's own `git`.

mod command;
mod history;
mod patch;
mod repository;
mod tree;

pub use history::{Commit, Person};
pub use patch::{FilePatch, Hunk};
pub use repository::{Blobs, Repository};
pub use tree::{Change, TreeFile};

use std::fmt;

use ibid_types::{Error, Result};
use serde::{Deserialize, Serialize};

macro_rules! object_ids {
    ($($(#[$doc:meta])* $name:ident),*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// # Errors
            /// `object_id_malformed` if it is not 40 or 64 lower-case hexadecimal digits.
            pub fn parse(text: &str) -> Result<Self> {
                checked(text).map(|text| Self(text.to_owned()))
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )*};
}

object_ids! {
    /// A commit by its hash.
    CommitId,
    /// A file's content by its hash.
    BlobId
}

/// Nothing else is handed to git as a revision, so no id can be taken for an option.
fn checked(text: &str) -> Result<&str> {
    let is_hash = matches!(text.len(), 40 | 64)
        && text.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit));
    if is_hash {
        return Ok(text);
    }
    let what = "an id of git's is 40 or 64 lower-case hexadecimal digits; take it from a listing";
    Err(Error::bad_request("object_id_malformed", what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_hash_and_nothing_else() {
        assert!(CommitId::parse(&"a1".repeat(20)).is_ok());
        for wrong in ["", "HEAD", "--upload-pack=x", &"A1".repeat(20), &"a".repeat(41)] {
            assert_eq!(CommitId::parse(wrong).unwrap_err().code, "object_id_malformed", "{wrong}");
        }
    }
}
