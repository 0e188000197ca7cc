//! SQLite's failures as ours: what happened, and what the reader can do.

use ibid_types::Error;
use rusqlite::ErrorCode;

/// The classed error of a failed call.
pub fn classed(error: &rusqlite::Error) -> Error {
    let text = error.to_string();
    let made = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Error::unavailable(
            "store_full",
            "the disk is full; make room, nothing that was acknowledged is lost",
        ),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            Error::internal("store_corrupt", "the database file is damaged; restore it from a backup")
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::unavailable(
            "store_busy",
            "the database is in use by another program; close it and try again",
        ),
        Some(ErrorCode::ConstraintViolation) => {
            Error::conflict("store_conflict", "the change contradicts what is there already")
        }
        Some(
            ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::SystemIoFailure,
        ) => Error::unavailable(
            "store_unavailable",
            "the database file cannot be read or written; check disk and permissions",
        ),
        _ => Error::internal("store_failed", "the database refused a statement"),
    };
    made.caused_by(text)
}
