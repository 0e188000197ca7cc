//! Work in the background: flows, jobs of ingest, indexes, tasks.

use super::SECONDS;

room! {
    FLOW_RUNS: Counter<1> = ("ibid_flow_runs_total", &["state"],
        "Runs that ended, by state");
    FLOW_STEPS: Counter<0> = ("ibid_flow_steps_total", &[],
        "Nodes executed by runs that ended");
    FLOW_PROMPT_TOKENS: Counter<0> = ("ibid_flow_prompt_tokens_total", &[],
        "Tokens that chat models read for runs that ended");
    FLOW_COMPLETION_TOKENS: Counter<0> = ("ibid_flow_completion_tokens_total", &[],
        "Tokens that chat models wrote for runs that ended");
    FLOW_COST: Counter<0> = ("ibid_flow_cost_usd_total", &[],
        "What chat models cost for runs that ended, in US dollars by the configured prices");
    FLOW_EFFECTS: Counter<3> = ("ibid_flow_effects_total", &["kind", "node", "outcome"],
        "Attempts at effects of flows (searches, model calls, tools), by kind, node and outcome (done, failed)");
    FLOW_EFFECT_DURATION: Histogram<2> = ("ibid_flow_effect_duration_seconds", &["kind", "node"], SECONDS,
        "Time of an attempt at an effect, by kind and node");
    FLOW_WAITING: Gauge<0> = ("ibid_flow_effects_waiting", &[],
        "Effects of flows that wait for a worker; flow.workers_max bounds those at work");
    RUNS_KEPT: Gauge<1> = ("ibid_store_runs", &["state"],
        "Runs of flows that are kept, by state");
    JOBS: Gauge<1> = ("ibid_store_jobs", &["state"],
        "Jobs of ingest, by state (queued, running, done, failed)");
    INGESTED: Counter<1> = ("ibid_ingest_documents_total", &["outcome"],
        "Documents that ingest was done with, by outcome (done, failed)");
    INGESTED_CHUNKS: Counter<0> = ("ibid_ingest_chunks_total", &[],
        "Chunks of the documents that ingest made searchable");
    INDEX_LAG: Gauge<0> = ("ibid_index_lag_entries", &[],
        "Feed entries that the indexes have not applied");
    TASKS: Gauge<1> = ("ibid_runtime_tasks", &["state"],
        "Background tasks of the process, by state (running, ended, panicked)");
}
