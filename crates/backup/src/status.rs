//! How the backup is, in numbers: for people, metrics and alerts.

use ibid_types::Timestamp;
use serde::Serialize;

/// The whole of it. Times are of this machine's clock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The unbroken log that is being shipped.
    pub generation: String,
    /// The last commit that was cut into a segment, and when.
    pub commit: u64,
    pub commit_at: Timestamp,
    /// The newest whole base; nothing can be restored without one.
    pub base_at: Option<Timestamp>,
    pub is_base_running: bool,
    /// Since the program started.
    pub commits: u64,
    pub segments: u64,
    /// Of SQLite's log, and of the segments made of it.
    pub log_bytes: u64,
    pub segment_bytes: u64,
    /// Time that cutting took, in microseconds: what continuous backup costs.
    pub cut_us: u64,
    pub bases: u64,
    /// Of cutting and of bases; those of destinations are theirs.
    pub failures: u64,
    pub last_failure: Option<Failure>,
    /// Segments that are not at every destination yet.
    pub spool_bytes: u64,
    pub destinations: Vec<DestinationStatus>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    pub at: Timestamp,
    pub code: String,
    pub reason: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DestinationStatus {
    pub label: String,
    /// Whether the last attempt succeeded.
    pub is_reachable: bool,
    pub last_success_at: Option<Timestamp>,
    pub waiting_segments: u64,
    pub waiting_bytes: u64,
    /// The age of the oldest commit that would be lost with this machine's disk, in milliseconds; 0 where all is there.
    pub behind_ms: u64,
    pub failures: u64,
    pub last_failure: Option<Failure>,
    /// Segments were given up for it; it waits for the next base.
    pub needs_base: bool,
    pub uploaded_bytes: u64,
}
