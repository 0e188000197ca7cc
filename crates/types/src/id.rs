//! Ids are UUIDv7 in a newtype each, so that a document's id cannot be passed for a version's.
//!
//! UUIDv7 sorts by creation time, which keeps B-trees appending at their right edge.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id that sorts after every id made before it by this process.
            #[must_use]
            #[allow(clippy::new_without_default)]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// When it was made; the beginning of time for an id that does not say.
            #[must_use]
            pub fn made_at(&self) -> crate::Timestamp {
                let (seconds, nanos) = self.0.get_timestamp().map_or((0, 0), |time| time.to_unix());
                let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
                crate::Timestamp(seconds.saturating_mul(1000).saturating_add(i64::from(nanos / 1_000_000)))
            }

            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = crate::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::from_str(text).map(Self).map_err(|_| {
                    crate::Error::bad_request("id_malformed", format!("'{text}' is not an id; ids are UUIDs"))
                })
            }
        }
    };
}

id!(
    /// A unit of isolation and permission.
    WorkspaceId
);
id!(
    /// A source text, over all its versions.
    DocumentId
);
id!(
    /// One state of a document.
    VersionId
);
id!(
    /// A span of a version's text.
    ChunkId
);
id!(
    /// A durable piece of work.
    JobId
);
id!(
    /// An API key (the public handle, never the secret).
    KeyId
);
id!(
    /// One execution of a flow.
    RunId
);
id!(
    /// A conversation.
    ThreadId
);
id!(
    /// A question of a thread with its answer.
    TurnId
);
id!(
    /// A person with an account.
    UserId
);
id!(
    /// People who share grants.
    GroupId
);
id!(
    /// Somebody signed in on a device.
    SessionId
);
id!(
    /// A text that was remembered.
    EpisodeId
);
id!(
    /// Somebody or something that facts are about.
    EntityId
);
id!(
    /// A fact over all that was believed of it.
    FactId
);
id!(
    /// One state of a fact.
    FactVersionId
);
id!(
    /// What was forgotten, signed.
    ReceiptId
);
id!(
    /// An answer that is kept to be given again.
    KeptId
);
