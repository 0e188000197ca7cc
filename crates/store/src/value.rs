//! Between Rust's types and columns: one conversion each way, for every type that rows hold.

use ibid_types::{
    ChunkId, ContentHash, DocumentId, EntityId, EpisodeId, Error, FactId, FactVersionId, GroupId, JobId,
    KeptId, KeyId, ReceiptId, Result, RunId, SessionId, ThreadId, Timestamp, TurnId, UserId, VersionId,
    WorkspaceId,
};

use crate::Value;

fn wrong(wanted: &str, value: &Value) -> Error {
    let got = match value {
        Value::Null => "null",
        Value::Integer(_) => "an integer",
        Value::Real(_) => "a real",
        Value::Text(_) => "a text",
        Value::Blob(_) => "a blob",
    };
    Error::internal("store_column", format!("{wanted} was wanted, {got} is there"))
}

macro_rules! from_value {
    ($type:ty, $wanted:literal, $pattern:pat => $value:expr) => {
        impl TryFrom<Value> for $type {
            type Error = Error;
            fn try_from(value: Value) -> Result<Self> {
                match value {
                    $pattern => $value,
                    other => Err(wrong($wanted, &other)),
                }
            }
        }
    };
}

from_value!(i64, "an integer", Value::Integer(number) => Ok(number));
from_value!(u64, "an integer", Value::Integer(number) => Ok(number.cast_unsigned()));
from_value!(u32, "a small integer", Value::Integer(number) => {
    Self::try_from(number).map_err(|_| wrong("a small integer", &Value::Integer(number)))
});
from_value!(usize, "a length", Value::Integer(number) => {
    Self::try_from(number).map_err(|_| wrong("a length", &Value::Integer(number)))
});
from_value!(f64, "a number", Value::Real(number) => Ok(number));
from_value!(String, "a text", Value::Text(text) => Ok(text));
from_value!(Vec<u8>, "a blob", Value::Blob(bytes) => Ok(bytes));
from_value!(Timestamp, "a time", Value::Integer(ms) => Ok(Self(ms)));

macro_rules! optional {
    ($($type:ty),*) => {
        $(impl TryFrom<Value> for Option<$type> {
            type Error = Error;
            fn try_from(value: Value) -> Result<Self> {
                match value {
                    Value::Null => Ok(None),
                    other => <$type>::try_from(other).map(Some),
                }
            }
        })*
    };
}

macro_rules! id_value {
    ($($type:ident),*) => {
        $(impl TryFrom<Value> for $type {
            type Error = Error;
            fn try_from(value: Value) -> Result<Self> {
                let bytes = Vec::<u8>::try_from(value)?;
                <[u8; 16]>::try_from(bytes).map(Self::from_bytes).map_err(|_| {
                    Error::internal("store_column", "an id of 16 bytes was wanted")
                })
            }
        }
        impl From<$type> for Value {
            fn from(id: $type) -> Self {
                Self::Blob(id.as_bytes().to_vec())
            }
        }
        optional!($type);)*
    };
}

id_value!(
    WorkspaceId,
    DocumentId,
    VersionId,
    ChunkId,
    JobId,
    KeyId,
    RunId,
    ThreadId,
    TurnId,
    UserId,
    GroupId,
    SessionId,
    KeptId,
    EpisodeId,
    EntityId,
    FactId,
    FactVersionId,
    ReceiptId
);
optional!(i64, u64, u32, f64, String, Vec<u8>, Timestamp);

impl TryFrom<Value> for ContentHash {
    type Error = Error;
    fn try_from(value: Value) -> Result<Self> {
        let bytes = Vec::<u8>::try_from(value)?;
        <[u8; 32]>::try_from(bytes)
            .map(Self)
            .map_err(|_| Error::internal("store_column", "a hash of 32 bytes was wanted"))
    }
}

impl From<ContentHash> for Value {
    fn from(hash: ContentHash) -> Self {
        Self::Blob(hash.0.to_vec())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<u64> for Value {
    /// Counts fit; signatures use all 64 bits and come back the same.
    fn from(number: u64) -> Self {
        Self::Integer(number.cast_signed())
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Blob(bytes)
    }
}

impl From<Timestamp> for Value {
    fn from(time: Timestamp) -> Self {
        Self::Integer(time.0)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Values asked for in one query: SQLite takes many more, and a plan for each length would be prepared.
pub(crate) const IDS_MAX: usize = 64;

/// `$2, $3, ...` for the wanted behind the first parameters, and all of them. The last ones are null where that makes
/// a power of two, so that there are few plans.
pub(crate) fn marks<T: Clone + Into<Value>>(first: Vec<Value>, wanted: &[T]) -> (String, Vec<Value>) {
    let mut params = first;
    let from = params.len();
    params.extend(wanted.iter().cloned().map(Into::into));
    params.resize(from + wanted.len().next_power_of_two(), Value::Null);
    let marks: Vec<String> = (from + 1..=params.len()).map(|number| format!("${number}")).collect();
    (marks.join(", "), params)
}

/// A column of JSON.
pub(crate) fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|error| Error::internal("store_column", "a column of JSON cannot be read").caused_by(error))
}

pub(crate) fn to_json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_went() {
        let id = DocumentId::new();
        assert_eq!(DocumentId::try_from(Value::from(id)).unwrap(), id);
        assert_eq!(u64::try_from(Value::from(u64::MAX)).unwrap(), u64::MAX);
        assert_eq!(Option::<String>::try_from(Value::Null).unwrap(), None);
        assert_eq!(i64::try_from(Value::Null).unwrap_err().code, "store_column");
    }
}
