//! Ground state and files.

use super::SHORT_SECONDS;

room! {
    STORE_BATCHES: Counter<1> = ("ibid_store_batches_total", &["outcome"],
        "Batches committed or refused, by outcome (done, or the code of the error)");
    STORE_BATCH_DURATION: Histogram<0> = ("ibid_store_batch_duration_seconds", &[], SHORT_SECONDS,
        "Time of a batch from its arrival to its commit on disk, the wait for others included");
    STORE_QUERIES: Counter<1> = ("ibid_store_queries_total", &["outcome"],
        "Queries answered or refused, by outcome (done, or the code of the error)");
    STORE_QUERY_DURATION: Histogram<0> = ("ibid_store_query_duration_seconds", &[], SHORT_SECONDS,
        "Time of a query, the wait for a reader included");
    STORE_QUERIES_RUNNING: Gauge<0> = ("ibid_store_queries_running", &[],
        "Queries in work or waiting; 8 readers work at the same time");
    STORE_DOCUMENTS: Gauge<0> = ("ibid_store_documents", &[],
        "Documents that can be searched");
    STORE_CHUNKS: Gauge<0> = ("ibid_store_chunks", &[],
        "Chunks that can be searched");
    STORE_BYTES: Gauge<1> = ("ibid_store_file_bytes", &["file"],
        "Size of the store on disk, by file (database, log)");
    BLOB_REQUESTS: Counter<2> = ("ibid_blob_requests_total", &["operation", "outcome"],
        "Requests to the store of original files, by operation (put, get, exists, delete, list) and outcome (done, or the code of the error)");
    BLOB_DURATION: Histogram<1> = ("ibid_blob_request_duration_seconds", &["operation"], SHORT_SECONDS,
        "Time of a request to the store of original files, by operation (put, get, exists, delete, list)");
    SERIES_BYTES: Gauge<0> = ("ibid_series_file_bytes", &[],
        "Size of the metrics of the last 30 days on disk");
    DISK_FREE: Gauge<0> = ("ibid_disk_free_bytes", &[],
        "Room left for this user on the file system of the data directory");
    DISK_TOTAL: Gauge<0> = ("ibid_disk_total_bytes", &[],
        "Size of the file system of the data directory");
}
