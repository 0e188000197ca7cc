//! The errors of this crate. All are internal or transient: an index is derived and can always be rebuilt.

use ibid_types::Error;

/// The files do not hold together; the caller rebuilds them.
pub(crate) fn broken(what: impl std::fmt::Display) -> Error {
    Error::internal(
        "index_broken",
        format!(
            "the index does not hold together ({what}); it is rebuilt by itself, or run 'ibid index rebuild'"
        ),
    )
}

/// The disk did not take what was written.
pub(crate) fn write(action: &str, error: std::io::Error) -> Error {
    Error::unavailable(
        "index_write",
        format!("cannot {action}; check free space and rights of the data folder"),
    )
    .caused_by(error)
}

/// tantivy failed; what it says is the cause.
pub(crate) fn lexical(action: &str, error: tantivy::TantivyError) -> Error {
    Error::internal(
        "index_lexical",
        format!("cannot {action} in the lexical index; if it stays, run 'ibid index rebuild'"),
    )
    .caused_by(error)
}

/// A rebuild was asked to end.
pub(crate) fn stopped() -> Error {
    Error::unavailable("index_stopped", "the rebuild was stopped with the server; start it again")
}
