//! The three stages as threads, joined by short queues.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use ibid_runtime::Shutdown;
use ibid_store::Lease;
use ibid_types::{Class, Error, Result};

use super::embed::{Embedded, Embedding};
use super::large::Large;
use super::parse::Prepared;
use super::progress::JobResult;
use super::{Figures, Pipeline};

/// The kind of job that this pipeline works on.
const KIND: &str = "ingest";
/// Jobs leased in one commit; it waits for the disk.
const LEASES_TOGETHER: usize = 16;

impl Pipeline {
    /// Works until a stop is requested. Jobs that are begun then are finished or return to the queue.
    pub fn run(&self, shutdown: &Shutdown) {
        let owner = self.store.jobs().owner();
        if let Err(error) = self.store.jobs().reclaim() {
            tracing::error!(
                code = error.code,
                "cannot take back jobs of an ended process: {}",
                error.chain()
            );
        }
        let (prepared_in, prepared_out) = sync_channel::<Prepared>(self.config.prepared_max);
        let (embedded_in, embedded_out) = sync_channel::<Vec<Embedded>>(2);
        std::thread::scope(|scope| {
            for _ in 0..self.config.parse_workers.max(1) {
                let queue = prepared_in.clone();
                let owner = owner.clone();
                scope.spawn(move || self.parse_loop(&owner, &queue, shutdown));
            }
            drop(prepared_in);
            scope.spawn(move || self.embed_loop(&prepared_out, &embedded_in, shutdown));
            scope.spawn(move || self.write_loop(&embedded_out));
            scope.spawn(move || self.heartbeat_loop(shutdown));
        });
        self.give_back();
    }

    /// What was leased and not begun is for the next start.
    fn give_back(&self) {
        let left: Vec<Lease> = self.leased_next.lock().drain(..).collect();
        if let Err(error) = self.store.jobs().give_back(&left) {
            tracing::warn!(code = error.code, "jobs wait until their leases end: {}", error.chain());
        }
        left.iter().for_each(|lease| self.release(lease));
    }

    fn parse_loop(&self, owner: &str, queue: &SyncSender<Prepared>, shutdown: &Shutdown) {
        let mut seen = 0;
        while !shutdown.is_requested() {
            match self.next_lease(owner) {
                Ok(None) => self.wake.wait(&mut seen, self.config.idle_wait, shutdown),
                Ok(Some(lease)) => self.parse_one(lease, queue),
                Err(error) => {
                    tracing::error!(code = error.code, "cannot read the job queue: {}", error.chain());
                    shutdown.wait_timeout(Duration::from_secs(1));
                }
            }
        }
    }

    /// The next job. Several are leased in one commit, and any thread takes the next of them.
    fn next_lease(&self, owner: &str) -> Result<Option<Lease>> {
        let mut next = self.leased_next.lock();
        if next.is_empty() {
            let leases = self.store.jobs().lease(KIND, owner, self.config.lease_ms, LEASES_TOGETHER)?;
            self.leases.lock().extend(leases.iter().map(|lease| (lease.job.id, lease.clone())));
            next.extend(leases);
        }
        Ok(next.pop_front())
    }

    fn parse_one(&self, lease: Lease, queue: &SyncSender<Prepared>) {
        self.note_step(&lease, "parse", 0.1);
        match self.prepare(&lease) {
            Ok(prepared) => {
                self.note_step(&lease, "embed", 0.3);
                if queue.send(prepared).is_err() {
                    tracing::error!("the embedding stage has ended early");
                }
            }
            Err(error) => self.give_up(&lease, &error),
        }
    }

    /// Full batches of small documents, and in between a slice of a large one: see `large`. It waits only where there is nothing to do.
    fn embed_loop(&self, queue: &Receiver<Prepared>, next: &SyncSender<Vec<Embedded>>, shutdown: &Shutdown) {
        let mut large = Large::default();
        loop {
            let first = match large.is_empty() {
                true => queue.recv().ok(),
                false if large.is_full() => None,
                false => queue.try_recv().ok(),
            };
            if first.is_none() && large.is_empty() {
                return;
            }
            let small = self.gather(first, queue, &mut large);
            if !small.is_empty() && !self.embed_small(small, next, shutdown) {
                return;
            }
            if shutdown.is_requested() {
                large.clear();
            }
            let done = self.embed_slice(&mut large, shutdown);
            if done.is_some_and(|written| !self.hand_on(vec![written], next)) {
                return;
            }
        }
    }

    /// The small documents of a batch: those that are ready. Large ones get their turns.
    fn gather(
        &self,
        first: Option<Prepared>,
        queue: &Receiver<Prepared>,
        large: &mut Large,
    ) -> Vec<Prepared> {
        let (mut next, mut texts, mut small) = (first, 0, Vec::new());
        while let Some(document) = next {
            if self.is_large(&document) {
                self.begin_large(large, document);
            } else {
                texts += document.chunks.len();
                small.push(document);
            }
            let has_room = texts < self.config.embed_texts_max && !large.is_full();
            next = if has_room { queue.try_recv().ok() } else { None };
        }
        small
    }

    /// False where nobody writes any more. After a stop nothing is embedded, and all is left in the queue of jobs.
    fn embed_small(
        &self,
        documents: Vec<Prepared>,
        next: &SyncSender<Vec<Embedded>>,
        shutdown: &Shutdown,
    ) -> bool {
        match self.embed(documents, shutdown) {
            Embedding::Done(embedded) => self.hand_on(embedded, next),
            Embedding::Stopped => true,
            Embedding::Failed(documents, error) => {
                documents.iter().for_each(|document| self.give_up(&document.lease, &error));
                true
            }
        }
    }

    fn hand_on(&self, embedded: Vec<Embedded>, next: &SyncSender<Vec<Embedded>>) -> bool {
        for document in &embedded {
            self.note_step(&document.prepared.lease, "write", 0.9);
        }
        next.send(embedded).is_ok()
    }

    fn write_loop(&self, queue: &Receiver<Vec<Embedded>>) {
        while let Ok(documents) = queue.recv() {
            self.write_all(documents);
        }
    }

    /// Keeps the leases of what is in work, so that a slow file is not given to another worker.
    fn heartbeat_loop(&self, shutdown: &Shutdown) {
        let every = Duration::from_millis(u64::try_from(self.config.lease_ms / 3).unwrap_or(1000).max(1));
        while !shutdown.wait_timeout(every) {
            let held: Vec<Lease> = self.leases.lock().values().cloned().collect();
            for lease in held {
                let step = self.step_of(lease.job.id);
                if let Err(error) = self.store.jobs().heartbeat(&lease, &step, self.config.lease_ms) {
                    tracing::warn!(code = error.code, job = %lease.job.id, "lost a lease: {}", error.chain());
                }
            }
            self.pool.reap_idle();
        }
    }

    /// A fault of the file is for good and becomes the version's failure; any other is tried again later.
    pub(super) fn give_up(&self, lease: &Lease, error: &Error) {
        self.figures.lock().failed += 1;
        let outcome = if is_final(error) {
            self.fail_version(lease, error)
        } else {
            self.store.jobs().fail(lease, error, true)
        };
        if let Err(failed) = outcome {
            tracing::error!(code = failed.code, job = %lease.job.id, "cannot record a failure: {}", failed.chain());
        }
        self.release(lease);
    }

    pub(super) fn release(&self, lease: &Lease) {
        self.leases.lock().remove(&lease.job.id);
        self.steps.lock().remove(&lease.job.id);
    }

    pub(super) fn note_step(&self, lease: &Lease, step: &'static str, progress: f32) {
        self.steps.lock().insert(lease.job.id, (step, progress));
    }

    /// What was done so far.
    #[must_use]
    pub fn figures(&self) -> Figures {
        *self.figures.lock()
    }

    /// How far a job is that this process works on, fresher than what the queue knows.
    #[must_use]
    pub fn progress_of(&self, job: ibid_types::JobId) -> Option<(&'static str, f32)> {
        self.steps.lock().get(&job).copied()
    }

    fn step_of(&self, job: ibid_types::JobId) -> serde_json::Value {
        let (step, progress) = self.steps.lock().get(&job).copied().unwrap_or(("queued", 0.0));
        JobResult::at(step, progress)
    }
}

/// Whether trying again cannot help: the file itself is at fault, not what is around it.
fn is_final(error: &Error) -> bool {
    error.class == Class::BadRequest
        || error.code.starts_with("parse_")
        || error.code.starts_with("document_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_files_own_faults_are_final() {
        assert!(is_final(&Error::bad_request("document_encrypted", "x")));
        assert!(is_final(&Error::timeout("parse_timeout", "x")));
        assert!(!is_final(&Error::unavailable("provider_unreachable", "x")));
        assert!(!is_final(&Error::not_found("model_missing", "x")));
    }
}
