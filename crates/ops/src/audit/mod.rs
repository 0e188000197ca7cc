//! The audit log, sent elsewhere as it is written: to receivers over HTTP and to collectors of syslog.
//!
//! Keeps true: entries are sent in their order, and a receiver gets the next ones only after it has taken those before; how far each has got
//! is in the store, so that nothing is left out while one is away or the server is not running. What was on its way when a connection
//! broke is sent again: each entry has its number.

mod http;
mod line;
mod outlet;
mod syslog;

pub use line::{Format, Line, cef};
pub use outlet::{Behind, ENTRIES_AT_ONCE, Outlet, behind, outlets};

use ibid_types::Result;

/// Someone who takes entries. Blocking.
trait Sink: Send + Sync + std::fmt::Debug {
    /// Gives them, the oldest first; an error where it is not sure that all were taken. Errors: `audit_unreachable`, `audit_refused`.
    fn give(&self, lines: &[Line]) -> Result<()>;
}
