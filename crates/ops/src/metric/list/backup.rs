//! Continuous backup and its rehearsals.

room! {
    BACKUP_AGE: Gauge<1> = ("ibid_backup_age_seconds", &["destination"],
        "Age of the oldest commit that would be lost with this machine's disk, by destination; 0 where all is there");
    BACKUP_BASE_AGE: Gauge<0> = ("ibid_backup_base_age_seconds", &[],
        "Age of the newest base; without one nothing can be restored, and this is the time since the start");
    BACKUP_WAITING: Gauge<1> = ("ibid_backup_waiting_segments", &["destination"],
        "Segments that are not at the destination yet");
    BACKUP_REACHABLE: Gauge<1> = ("ibid_backup_reachable", &["destination"],
        "Whether the last attempt at the destination succeeded (1) or failed (0)");
    BACKUP_SPOOL: Gauge<0> = ("ibid_backup_spool_bytes", &[],
        "Segments on this machine that are not at every destination");
    BACKUP_COMMITS: Counter<0> = ("ibid_backup_commits_total", &[],
        "Commits that were cut into segments");
    BACKUP_SEGMENTS: Counter<0> = ("ibid_backup_segments_total", &[],
        "Segments that were cut");
    BACKUP_LOG_BYTES: Counter<0> = ("ibid_backup_log_bytes_total", &[],
        "Bytes of the store's log that were cut into segments");
    BACKUP_SEGMENT_BYTES: Counter<0> = ("ibid_backup_segment_bytes_total", &[],
        "Bytes of the segments made of them");
    BACKUP_UPLOADED: Counter<1> = ("ibid_backup_uploaded_bytes_total", &["destination"],
        "Bytes of segments and originals brought to the destination");
    BACKUP_FAILURES: Counter<1> = ("ibid_backup_failures_total", &["destination"],
        "Attempts that failed, by destination; `here` for cutting segments and making bases");
    DRILL_AGE: Gauge<0> = ("ibid_drill_age_seconds", &[],
        "Time since the last rehearsal that succeeded; without one, since the start");
    DRILL_FAILED: Gauge<0> = ("ibid_drill_failed", &[],
        "Whether the last rehearsal failed (1) or succeeded (0)");
    DRILL_RPO: Gauge<0> = ("ibid_drill_rpo_seconds", &[],
        "What the last rehearsal would have lost: the age of the oldest commit that was not in the backup");
    DRILL_RTO: Gauge<0> = ("ibid_drill_rto_seconds", &[],
        "Time of the last rehearsal from nothing to its first correct answer");
}
