//! Values that are read when somebody looks: of the store, the disk, the process, the background tasks.

use std::fs;

use ibid_model::{BreakerState, GateState};
use ibid_ops::machine;
use ibid_ops::metric::{Registry, list};
use ibid_runtime::TaskState;
use ibid_types::{Result, Timestamp};

use super::Metrics;
use crate::backups::drill;
use crate::budgets::State;
use crate::{App, telemetry};

impl Metrics {
    /// Reads everything that is not counted as it happens. What of it cannot be read keeps its last value.
    pub fn observe(&self, app: &App) {
        let registry = self.registry();
        if let Err(error) = observe_store(registry, app) {
            tracing::debug!(code = error.code, reason = error.chain(), "the store's figures were not read");
        }
        observe_ingest(registry, app);
        observe_files(registry, app);
        observe_process(registry, app);
        observe_tasks(registry);
        observe_queues(registry, app);
        observe_providers(registry, app);
        observe_budgets(registry, app);
        for (host, seconds) in app.watching.certificates.remaining(app.clock.now()) {
            registry.set(&list::CERTIFICATE_REMAINING, [&host], seconds);
        }
        observe_backup(registry, app);
    }

    /// The text that Prometheus reads.
    pub fn text(&self, app: &App) -> String {
        self.observe(app);
        self.registry().text()
    }
}

fn observe_store(registry: &Registry, app: &App) -> Result<()> {
    registry.set(&list::INDEX_LAG, [], app.index_lag()? as f64);
    let counted = app.store.counts()?;
    registry.set(&list::STORE_DOCUMENTS, [], counted.documents as f64);
    registry.set(&list::STORE_CHUNKS, [], counted.chunks as f64);
    let jobs = app.store.jobs().counts()?;
    let states =
        [("queued", jobs.queued), ("running", jobs.running), ("done", jobs.done), ("failed", jobs.failed)];
    for (state, count) in states {
        registry.set(&list::JOBS, [state], count as f64);
    }
    observe_memory(registry, app)?;
    for (state, count) in app.store.run_counts()? {
        registry.set(&list::RUNS_KEPT, [&state], count as f64);
    }
    registry.set(&list::AUTH_KEYS, [], app.store.key_list()?.len() as f64);
    Ok(())
}

/// What memory has yet to do.
fn observe_memory(registry: &Registry, app: &App) -> Result<()> {
    let age =
        |since: Option<Timestamp>| since.map_or(0.0, |at| (app.clock.now().0 - at.0).max(0) as f64 / 1e3);
    let undone = app.store.jobs().undone(ibid_memory::JOB)?;
    registry.set(&list::MEMORY_WAITING_AGE, [], age(undone.due_at));
    registry.set(&list::MEMORY_GIVEN_UP, [], undone.failed as f64);
    registry.set(&list::MEMORY_LOG_HELD_AGE, [], age(app.store.memory_log_held()?));
    Ok(())
}

fn observe_ingest(registry: &Registry, app: &App) {
    let figures = app.memory.figures();
    registry.bring(&list::MEMORY_EPISODES, ["read"], figures.read as f64);
    registry.bring(&list::MEMORY_EPISODES, ["failed"], figures.failed as f64);
    registry.bring(&list::MEMORY_FACTS, ["recorded"], figures.facts as f64);
    registry.bring(&list::MEMORY_FACTS, ["merged"], figures.merged as f64);
    registry.bring(&list::MEMORY_FACTS, ["closed"], figures.closed as f64);
    let figures = app.ingest_figures();
    registry.bring(&list::INGESTED, ["done"], figures.done as f64);
    registry.bring(&list::INGESTED, ["failed"], figures.failed as f64);
    registry.bring(&list::INGESTED_CHUNKS, [], figures.chunks as f64);
    registry.bring(&list::GUARD_DOCUMENTS, [], figures.flagged as f64);
    registry.set(&list::FLOW_WAITING, [], app.engine.waiting() as f64);
}

fn observe_files(registry: &Registry, app: &App) {
    let dir = &app.config.data.dir;
    if let Some(disk) = machine::disk(dir) {
        registry.set(&list::DISK_FREE, [], disk.free_bytes as f64);
        registry.set(&list::DISK_TOTAL, [], disk.total_bytes as f64);
    }
    let database = crate::app::database(dir);
    for (file, path) in [("database", database.clone()), ("log", database.with_extension("db-wal"))] {
        let bytes = fs::metadata(path).map_or(0, |data| data.len());
        registry.set(&list::STORE_BYTES, [file], bytes as f64);
    }
    if let Some(series) = app.series() {
        registry.set(&list::SERIES_BYTES, [], series.bytes() as f64);
    }
}

fn observe_process(registry: &Registry, app: &App) {
    let process = machine::process(app.config.server.memory_mb_max << 20);
    let gauges = [
        (list::PROCESS_MEMORY, process.memory_bytes),
        (list::PROCESS_MEMORY_MAX, process.memory_max_bytes),
        (list::PROCESS_THREADS, process.threads),
        (list::PROCESS_FILES, process.files_open),
        (list::PROCESS_FILES_MAX, process.files_max),
    ];
    for (gauge, value) in gauges {
        if let Some(value) = value {
            registry.set(&gauge, [], value as f64);
        }
    }
    if let Some(seconds) = process.cpu_seconds {
        registry.bring(&list::PROCESS_CPU, [], seconds);
    }
    registry.set(&list::PROCESS_CORES, [], process.cores as f64);
    registry.set(&list::PROCESS_START, [], app.started_at.0 as f64 / 1000.0);
    registry.set(&list::BUILD_INFO, [env!("CARGO_PKG_VERSION")], 1.0);
}

fn observe_providers(registry: &Registry, app: &App) {
    for known in app.providers.chat() {
        let (name, state) = (known.gated.name(), known.state());
        registry.set(&list::MODEL_RUNNING, [name, "chat"], state.running as f64);
        observe_gate(registry, name, &state);
    }
    if let Some(state) = app.embedder.gate() {
        observe_gate(registry, &app.embedder.spec().id, &state);
    }
}

fn observe_queues(registry: &Registry, app: &App) {
    for queue in [&app.queues.searches, &app.queues.answers] {
        let (running, waiting) = queue.figures();
        registry.set(&list::QUEUE_RUNNING, [queue.name], running as f64);
        registry.set(&list::QUEUE_WAITING, [queue.name], waiting as f64);
    }
}

fn observe_budgets(registry: &Registry, app: &App) {
    for standing in app.ledger.standings() {
        let name = [standing.budget.name.as_str()];
        let state = match standing.state {
            State::Within => 0.0,
            State::Warning => 1.0,
            State::UsedUp => 2.0,
        };
        registry.set(&list::BUDGET_USED, name, standing.used());
        registry.set(&list::BUDGET_STATE, name, state);
    }
}

fn observe_gate(registry: &Registry, name: &str, state: &GateState) {
    let breaker = state.breaker.map(|state| match state {
        BreakerState::Closed => 0.0,
        BreakerState::HalfOpen => 1.0,
        BreakerState::Open => 2.0,
    });
    breaker.into_iter().for_each(|value| registry.set(&list::MODEL_BREAKER, [name], value));
    registry.bring(&list::MODEL_RETRIES, [name], state.retries as f64);
    // One without a known limit is told of once and never taken back.
    for left in state.quota.iter().filter(|left| left.limit.is_some()) {
        registry.set(&list::MODEL_QUOTA, [name, left.of], left.left as f64);
    }
}

fn observe_tasks(registry: &Registry) {
    for (level, lines) in telemetry::logged() {
        registry.bring(&list::LOG_EVENTS, [level], lines as f64);
    }
    for (outcome, spans) in telemetry::spans() {
        registry.bring(&list::SPANS, [outcome], spans as f64);
    }
    let tasks = ibid_runtime::tasks();
    let states =
        [("running", TaskState::Running), ("ended", TaskState::Ended), ("panicked", TaskState::Panicked)];
    for (name, state) in states {
        let count = tasks.iter().filter(|(_, of)| *of == state).count();
        registry.set(&list::TASKS, [name], count as f64);
    }
}

fn observe_backup(registry: &Registry, app: &App) {
    let Some(backup) = &app.backup else { return };
    let status = backup.status();
    let age = |since: Timestamp| (app.clock.now().0 - since.0).max(0) as f64 / 1000.0;
    registry.set(&list::BACKUP_BASE_AGE, [], age(status.base_at.unwrap_or(app.started_at)));
    registry.set(&list::BACKUP_SPOOL, [], status.spool_bytes as f64);
    registry.bring(&list::BACKUP_COMMITS, [], status.commits as f64);
    registry.bring(&list::BACKUP_SEGMENTS, [], status.segments as f64);
    registry.bring(&list::BACKUP_LOG_BYTES, [], status.log_bytes as f64);
    registry.bring(&list::BACKUP_SEGMENT_BYTES, [], status.segment_bytes as f64);
    registry.bring(&list::BACKUP_FAILURES, ["here"], status.failures as f64);
    for destination in &status.destinations {
        let label = [destination.label.as_str()];
        registry.set(&list::BACKUP_AGE, label, destination.behind_ms as f64 / 1000.0);
        registry.set(&list::BACKUP_WAITING, label, destination.waiting_segments as f64);
        registry.set(&list::BACKUP_REACHABLE, label, f64::from(u8::from(destination.is_reachable)));
        registry.bring(&list::BACKUP_UPLOADED, label, destination.uploaded_bytes as f64);
        registry.bring(&list::BACKUP_FAILURES, label, destination.failures as f64);
    }
    observe_drills(registry, app, &age);
}

fn observe_drills(registry: &Registry, app: &App, age: &dyn Fn(Timestamp) -> f64) {
    let reports = drill::list(&app.config.data.dir);
    let passed = reports.iter().find(|report| report.is_passed);
    registry.set(&list::DRILL_AGE, [], age(passed.map_or(app.started_at, |report| report.at)));
    let Some(last) = reports.first() else { return };
    registry.set(&list::DRILL_FAILED, [], f64::from(u8::from(!last.is_passed)));
    registry.set(&list::DRILL_RPO, [], last.rpo_ms as f64 / 1000.0);
    registry.set(&list::DRILL_RTO, [], last.rto_ms as f64 / 1000.0);
}
